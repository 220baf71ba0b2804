"""A part of a run's table, and its journal, where several machines may upload the same part, in turn or at once.

No process locks such a journal: no lock is reliable across machines. Each process that uploads the part writes small
files of its own, which nobody changes later, and starts with what all others have written::

    run.json                    the run's id, when it was started, its mapping and account, and the MAC of all that
    PART/TIME-WHO-NUMBER.jsonl  entries of a part: a list each, the kind first, last the hash of what is sent of the row
                                (or null) and the MAC; PART is a hash of the part's rows

A file whose writer was killed can end in the middle of an entry, if the store does not write files in one step: nothing
of that entry was sent.

Two processes that upload the part at once do not store a file twice because of its name, not because of the journal.

Write access to the folder proves nothing: the MAC of an entry is by a key of the run (`proof.py`), and covers its file
and line too. A row's result is used only if what was sent is what would be sent now. `trust` accepts entries without
proof: of the version before, which had none, or by a key that was replaced.
"""

import json
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

from ikpipe.errors import JournalError, Message, keyword
from ikpipe.journal.entries import Entry, Intent, IntentVoided, RowBefore, RowEnded, RowPrepared, RowRecord
from ikpipe.journal.format import FORMAT
from ikpipe.journal.proof import Prover, Seal
from ikpipe.journal.storage import Storage
from ikpipe.request.content_hash import ContentHashes
from ikpipe.request.result import SETTLED

_TAGS: dict[type[Entry], str] = {
    RowPrepared: "prepared",
    RowBefore: "before",
    Intent: "intent",
    IntentVoided: "voided",
    RowEnded: "ended",
}
_KINDS = {tag: kind for kind, tag in _TAGS.items()}
_EARLIER: dict[str, type[Entry]] = {"Begun": RowPrepared, "Intent": Intent, "Settled": IntentVoided, "Ended": RowEnded}
"""The tags of format 2, whose entries have no MAC."""
_RUN = "run.json"


def begin(
    storage: Storage, place: str, facts: dict[str, Any], same: Sequence[str], prover: Prover, *, trust: bool = False
) -> tuple[dict[str, Any], Seal]:
    """Start the journal of a run, or continue the one of the same run that is there.

    Return the facts of the run, as it was started first, and the account's seal that they have. `place` is the name of
    the folder for messages. `facts` are plain JSON values; those in `same` must be the same in a journal that is
    continued. `trust` accepts a journal that does not prove that this account wrote it. Raise `JournalError` if it
    belongs to another run, or nothing proves that this account wrote it.
    """
    if storage.read(_RUN) is None:
        started = {"format": FORMAT, **facts}
        started["proof"] = prover.own(_run_message(started)).hex()
        storage.write(_RUN, json.dumps(started, indent=1).encode(), new=True)
    # Another process may have started it at the same moment: what is stored counts.
    before, seal = _read_run(storage, place, same, prover)
    others = [name for name in same if before[name] != facts[name]]
    if others:
        differ = "differs" if len(others) == 1 else "differ"
        raise JournalError(
            f"The journal {place} belongs to another run, started {before.get('begun')}: its {' and '.join(others)} "
            f"{differ}.",
            another=True,
        )
    if seal is None and not trust:
        raise _unproven(f"{place}/{_RUN}", earlier="format" not in before)
    return before, seal or prover.own


def _read_run(
    storage: Storage, place: str, required: Sequence[str], prover: Prover
) -> tuple[dict[str, Any], Seal | None]:
    """Return the facts of a run, and the account's seal that they have, if any."""
    try:
        facts: dict[str, Any] = json.loads(storage.read(_RUN) or b"")
        seal = prover.sealed_by(_run_message(facts), bytes.fromhex(facts.pop("proof", "")))
        if not isinstance(facts["run"], str) or not isinstance(facts.get("since", 0.0), int | float):
            raise TypeError
        if not {*required} <= facts.keys():
            raise KeyError
    except (ValueError, KeyError, TypeError, AttributeError):
        raise JournalError(f"The journal's file {place}/{_RUN} is damaged.", another=True) from None
    return facts, seal


def _run_message(facts: dict[str, Any]) -> bytes:
    return b"run.json " + json.dumps({name: facts[name] for name in facts.keys() - {"proof"}}, sort_keys=True).encode()


def _unproven(name: str, *, earlier: bool) -> JournalError:
    key = "with another private key, on another machine without the key, or by somebody else, or was changed since"
    how = "by an earlier version of ikpipe, which does not show who wrote it" if earlier else key
    fix = Message("If you know that it is yours, pass ", keyword("trust_journal", True), ".")
    return JournalError(f"The journal {name} was written {how}.", fix=fix, another=True)


class JournalPart(NamedTuple):
    """What names and proves the journal of a part.

    `name` is a hash of the part's rows, `run` the run's id, `seal` the run's seal; `trust` accepts entries without
    proof.
    """

    name: str
    run: str
    seal: Seal
    trust: bool = False


class SharedJournal:
    """The journal of a part, open for writing.

    `place` is the name of the run's folder for messages. `order` are the positions of the part's rows, in the order in
    which the journal counts them. `contents` are the hashes of rows: those of this journal are added, and those of this
    run are written.
    """

    def __init__(
        self, storage: Storage, place: str, part: JournalPart, order: Sequence[int], contents: ContentHashes
    ) -> None:
        self.path = f"{place}/{part.name}"
        self.facts = {"run": part.run}
        self.rows = len(order)
        self._counted = {position: number for number, position in enumerate(order)}
        self._storage, self._part = storage, part
        self._who = f"{time.time_ns():020}-{uuid.uuid4().hex[:8]}"
        self._written = 0
        self._own: set[int] = set()
        rows = _merged([_read(storage, place, name, part) for name in storage.names(part.name)])
        self._records = {at: rows[number].record() for number, at in enumerate(order) if number in rows}
        for number, at in enumerate(order):
            row = rows.get(number)
            if row is not None and row.first_content is not None and row.content is not None:
                contents.first[at], contents.before[at] = row.first_content, row.content
                contents.several.update({at} if row.changed else ())
        self._contents = contents

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        """Do nothing: no file is held open."""

    def records(self, first: int = 0, last: int | None = None) -> Iterator[tuple[int, RowRecord]]:
        """Yield the records of rows, as they were when this was opened, with their positions."""
        for position in range(first, self.rows if last is None else last):
            if position in self._records:
                yield position, self._records[position]

    def settled_paths(self) -> Iterator[tuple[int, str]]:
        """Yield the position and the path in the library of each row that was uploaded when this was opened."""
        for position, record in self._records.items():
            result = json.loads(record.result or "{}")
            if result.get("status") in SETTLED and result.get("file_path") is not None:
                yield position, result["file_path"]

    def pieces(self) -> Iterator[Any]:
        """Yield nothing: whoever uploads the part has its table."""
        return iter(())

    def write(self, entries: Sequence[Entry]) -> None:
        """Write entries; they are durable on return.

        Of a row with a name of its own only the result is written: its name shows what else became of it.
        """
        self._own.update(entry.position for entry in entries if isinstance(entry, RowPrepared) and entry.own_name)
        recorded = [entry for entry in entries if isinstance(entry, RowEnded) or entry.position not in self._own]
        if not recorded:
            return
        name = f"{self._part.name}/{self._who}-{self._written:06}.jsonl"
        lines = [self._line(entry, name, number) for number, entry in enumerate(recorded)]
        self._storage.write(name, "\n".join(lines).encode())
        self._written += 1

    def _line(self, entry: Entry, name: str, number: int) -> str:
        """Return the line of an entry, with the hash of its row, and its MAC."""
        bare = _bare(entry)._replace(position=self._counted[entry.position])
        values = [_TAGS[type(entry)], *bare, self._contents.now.get(entry.position)]
        return json.dumps([*values, self._part.seal(_message(name, number, values)).hex()])

    def end(self, at: float) -> None:
        """Do nothing: the rows of a part show whether it has more to do."""


def _bare(entry: Entry) -> Entry:
    """Return an entry without a token that another machine signed, which must not be in a shared folder."""
    return entry._replace(token=None) if isinstance(entry, Intent) else entry


def _message(name: str, number: int, values: list[Any]) -> bytes:
    return f"{name} {number} {json.dumps(values)}".encode()


class _Line(NamedTuple):
    """An entry, and the hash of what was sent of its row, where that is known."""

    entry: Entry
    content: str | None = None


def _read(storage: Storage, place: str, name: str, part: JournalPart) -> tuple[str, list[_Line]]:
    """Return who wrote a file, and its entries."""
    who = name.rpartition("-")[0]
    try:
        *lines, last = (storage.read(name) or b"").decode().split("\n")
        complete = [*lines, last] if _is_complete(last) else lines
        return who, [_line(json.loads(line), place, name, number, part) for number, line in enumerate(complete)]
    except (ValueError, KeyError, TypeError):
        raise JournalError(
            f"{place}/{name} is damaged.",
            fix="Remove it. Its rows are then sent once more; only files that replace others get one more version.",
        ) from None


def _line(parts: list[Any], place: str, name: str, number: int, part: JournalPart) -> _Line:
    """Return an entry that is proven, or trusted."""
    tag, *values = parts
    if tag in _EARLIER:
        if not part.trust:
            raise _unproven(f"{place}/{name}", earlier=True)
        return _Line(_entry(_EARLIER[tag], values))
    kind, mac = _KINDS[tag], bytes.fromhex(values.pop())
    if not part.trust and not part.seal.proves(_message(name, number, [tag, *values]), mac):
        raise _unproven(f"{place}/{name}", earlier=False)
    content = values.pop()
    if not isinstance(content, str | None):
        raise TypeError
    return _Line(_entry(kind, values), content)


def _entry(kind: type[Entry], values: list[Any]) -> Entry:
    entry = kind(*values)
    if type(entry.position) is not int:
        raise TypeError
    return entry


def _is_complete(line: str) -> bool:
    """Whether a line is a complete entry: the beginning of one is not valid JSON."""
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


@dataclass(slots=True)
class _Row:
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

    def record(self) -> RowRecord:
        """Return the record of the row."""
        intents = sorted(self.intents, key=lambda intent: intent.at)
        return RowRecord(self.prepared, intents, not self.open, self.result, self.befores)


def _merged(files: Sequence[tuple[str, list[_Line]]]) -> dict[int, _Row]:
    """Return the rows of all files, by their numbers in the part."""
    rows: dict[int, _Row] = defaultdict(_Row)
    for who, lines in files:
        for entry, content in lines:
            row = rows[entry.position]
            if content is not None:
                row.saw(content)
            row.add(entry, who)
    return rows


def _status(result: str | None) -> Any:
    return None if result is None else json.loads(result)["status"]
