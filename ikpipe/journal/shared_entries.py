"""The entries of a shared journal: how they are written and proven, and what they say of a row together.

An entry is a line, a JSON list: the row's id, the origin, the kind, the values, the hash of what is sent of the row (or
null), and the MAC, which covers the place of the line too. The origin is empty, or says where the line was before files
were joined: by it, entries are in the order in which they were written, and are read once. A line that is not complete
was cut short when its writer was killed: nothing of it was sent.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ikpipe.errors import JournalError, Message, keyword
from ikpipe.journal.entries import Entry, Intent, IntentVoided, RowBefore, RowEnded, RowPrepared, RowRecord
from ikpipe.journal.proof import Seal
from ikpipe.request.result import SETTLED

_TAGS: dict[type[Entry], str] = {
    RowPrepared: "prepared",
    RowBefore: "before",
    Intent: "intent",
    IntentVoided: "voided",
    RowEnded: "ended",
}
KINDS = {tag: kind for kind, tag in _TAGS.items()}
ID_DIGITS = 32  # of a row's id, in hexadecimal
_NAME = r"([0-9]{20}-[0-9a-f]{8}-[0-9]{6,})"  # TIME-WHO-NUMBER
_FILE = re.compile(rf"(?:.*/)?{_NAME}(?:\.full)?\.jsonl")
_BEGINNING = re.compile(rf'\["([0-9a-f]{{{ID_DIGITS}}})", "((?:{_NAME}\.[0-9]{{6,}})?)", "')


class Proof(NamedTuple):
    """What proves entries: the seal of their run; `trust` accepts entries without proof."""

    seal: Seal
    trust: bool = False


class Said(NamedTuple):
    """An entry, the hash of what was sent of its row, where that is known, who wrote it, and where."""

    entry: Entry
    content: str | None
    who: str = ""
    origin: str = ""


def line_of(row: str, said: Said, name: str, number: int, seal: Seal) -> str:
    """Return the line with this number in the file `name`."""
    values = [row, said.origin, _TAGS[type(said.entry)], *_bare(said.entry)[1:], said.content]
    return json.dumps([*values, seal(_message(name, number, values)).hex()])


def has_entries(name: str) -> bool:
    """Whether a file has the name of one with entries."""
    return _FILE.fullmatch(name) is not None


def beginning_of(line: str, name: str, number: int) -> tuple[str, str]:
    """Return the id of a line's row, and the line's origin, without reading the rest.

    Raise `ValueError` if it has none.
    """
    if (found := _BEGINNING.match(line)) is None:
        raise ValueError("this is not an entry of a row")
    return found[1], found[2] or f"{name.rpartition('/')[2].partition('.')[0]}.{number:06}"


def time_of(name: str) -> int:
    """Return the time in an origin, or in the name of a file, in nanoseconds since 1970."""
    return int(name.rpartition("/")[2].partition("-")[0])


def read_line(line: str, position: int, name: str, number: int, place: str, proof: Proof) -> Said:
    """Return what a line says of the row at `position`; it is proven, or trusted.

    Raise `JournalError` if it is neither, or damaged.
    """
    try:
        _, origin = beginning_of(line, name, number)
        *values, mac = json.loads(line)
        if not proof.trust and not proof.seal.proves(_message(name, number, values), bytes.fromhex(mac)):
            raise unproven(f"{place}/{name}", earlier=False)
        _row, _origin, tag, *values, content = values
        if not isinstance(content, str | None):
            raise TypeError
        return Said(KINDS[tag](position, *values), content, writer_of(origin), origin)
    except (ValueError, KeyError, TypeError):
        raise damaged(place, name) from None


def writer_of(name: str) -> str:
    """Return who wrote a file, whose name ends with TIME-WHO-NUMBER.jsonl, or a line by its origin."""
    return name.rsplit("-", 2)[-2]


def complete_lines(content: bytes) -> list[str]:
    """Return the lines of a file; the last one may have been cut short, and is left out then."""
    *lines, last = content.decode().split("\n")
    try:
        json.loads(last)
    except ValueError:
        return lines
    return [*lines, last]


def unproven(name: str, *, earlier: bool) -> JournalError:
    """Return the error of a file that does not prove that this account wrote it."""
    key = "with another private key, on another machine without the key, or by somebody else, or was changed since"
    how = "by an earlier version of ikpipe, which does not show who wrote it" if earlier else key
    fix = Message("If you know that it is yours, pass ", keyword("trust_journal", True), ".")
    return JournalError(f"The journal {name} was written {how}.", fix=fix, another=True)


def damaged(place: str, name: str) -> JournalError:
    """Return the error of a file that nobody wrote like this."""
    return JournalError(
        f"{place}/{name} is damaged.",
        fix="Remove it. Its rows are then sent once more; only files that replace others get one more version.",
    )


def _bare(entry: Entry) -> Entry:
    """Return an entry without a token that another machine signed, which must not be in a shared folder."""
    return entry._replace(token=None) if isinstance(entry, Intent) else entry


def _message(name: str, number: int, values: list[Any]) -> bytes:
    return f"{name} {number} {json.dumps(values)}".encode()


@dataclass(slots=True)
class RowStory:
    """What several processes have written of a row: of its last version only, if it has changed.

    `open` are the writers that have an intent which is not voided; `first_content` and `content` are the first and the
    last hash of what was sent of the row.
    """

    prepared: RowPrepared | None = None
    intents: list[Intent] = field(default_factory=list)
    open: set[str] = field(default_factory=set)
    befores: tuple[RowBefore, ...] = ()
    result: str | None = None
    first_content: str | None = None
    content: str | None = None
    changed: bool = False

    def saw(self, content: str) -> None:
        """Note the hash of what was sent; entries of another version do not count any more."""
        self.first_content = self.first_content or content
        if self.content not in (None, content):
            self.changed, self.prepared, self.result, self.intents, self.open = True, None, None, [], set()
        self.content = content

    def add(self, entry: Entry, who: str) -> None:
        """Note an entry. A row is uploaded if it is for any writer."""
        if isinstance(entry, RowPrepared):
            self.prepared = RowPrepared(*entry[:3], bool(entry.own_name))
        elif isinstance(entry, RowBefore):
            self.befores = (*self.befores, entry)
        elif isinstance(entry, Intent):
            self.intents.append(entry)
            self.open.add(who)
        elif isinstance(entry, IntentVoided):
            self.open.discard(who)
        elif isinstance(entry, RowEnded) and _status(self.result) not in SETTLED:
            # An invalid row is checked again: it may have been fixed, or this machine may have its file.
            self.result = self.result if _status(entry.result) == "invalid" else entry.result

    @classmethod
    def of(cls, lines: Iterable[Said]) -> "RowStory":
        """Return the story of a row that its lines tell, in their order."""
        story = cls()
        for said in lines:
            if said.content is not None:
                story.saw(said.content)
            story.add(said.entry, said.who)
        return story

    @property
    def settled(self) -> bool:
        """Whether the row is uploaded."""
        return _status(self.result) in SETTLED

    def record(self) -> RowRecord:
        """Return the record of the row."""
        intents = sorted(self.intents, key=lambda intent: intent.at)
        return RowRecord(self.prepared, intents, not self.open, self.result, self.befores)


def shortened(lines: Sequence[Said]) -> list[Said]:
    """Return the fewest lines that tell the same of a row; all, unless it is uploaded."""
    story = RowStory.of(lines)
    if not story.settled:
        return [*lines]
    # An entry of the first version says that there was one, and nothing else.
    first = [lines[0]._replace(entry=IntentVoided(0), content=story.first_content)] if story.changed else []
    ended = (one for one in reversed(lines) if isinstance(one.entry, RowEnded) and one.entry.result == story.result)
    return [*first, next(ended)._replace(content=story.content)]


def _status(result: str | None) -> Any:
    return None if result is None else json.loads(result)["status"]
