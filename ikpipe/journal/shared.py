"""A part of a run's table, and its journal, where several machines may do the same part: one after another, or at once.

Nobody holds such a journal alone: no lock is sure to work across machines. Each who does the part writes small files of
its own, which nobody changes later, and begins with what all others have written::

    run.json                    the run's id, when it began, its mapping, whose it is, and the MAC of all that
    PART/TIME-WHO-NUMBER.jsonl  entries of a part: a list each, the kind first, last the hash of what is sent of the row
                                (or null) and the MAC; PART is a hash of the part's rows

A file whose writer was killed can end in the middle of an entry, where a store does not write it as a whole: nothing
that this entry told of had begun.

What two who do the part at once both send is ruled out by names, not by the journal.

Whoever can write to the folder is not obeyed for that: the MAC of an entry is by a key of the run (`proof.py`), and of
its file and line too, so that it proves nothing elsewhere. A row's result is taken only if what was sent is what would
be sent now. `trust` takes entries without proof: of the version before, which had none, or of a key that was replaced.
"""

from __future__ import annotations

import json
import time
import uuid
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from ikpipe.errors import JournalError
from ikpipe.journal.entries import Intent, IntentVoided, RowEnded, RowPrepared, RowRecord
from ikpipe.journal.format import FORMAT
from ikpipe.request.result import SETTLED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ikpipe.journal.entries import Entry
    from ikpipe.journal.proof import Prover, Seal
    from ikpipe.journal.storage import Storage
    from ikpipe.request.content_hash import ContentHashes

_TAGS: dict[type[Entry], str] = {RowPrepared: "prepared", Intent: "intent", IntentVoided: "voided", RowEnded: "ended"}
_KINDS = {tag: kind for kind, tag in _TAGS.items()}
_EARLIER: dict[str, type[Entry]] = {"Begun": RowPrepared, "Intent": Intent, "Settled": IntentVoided, "Ended": RowEnded}
"""The tags of format 2, whose entries have no MAC."""
_RUN = "run.json"


def begin(
    shelf: Storage, place: str, facts: dict[str, Any], same: Sequence[str], prover: Prover, *, trust: bool = False
) -> tuple[dict[str, Any], Seal]:
    """Begin a run's journal; one that is there already, of the very same work, is gone on with.

    Parameters
    ----------
    shelf, place
        The folder, and what it is called.
    facts
        What to know of the run, as plain JSON values.
    same
        Those that must be the same in the journal that is there.
    prover
        Shows that this account wrote it.
    trust
        Take one that does not prove that this account wrote it.

    Returns
    -------
    dict, Seal
        The facts of the run, as it was begun first, and the account's seal that they have.

    Raises
    ------
    JournalError
        It is another run's, or nothing proves that this account wrote it.
    """
    if shelf.read(_RUN) is None:
        begun = {"format": FORMAT, **facts}
        begun["proof"] = prover.own(_run_message(begun)).hex()
        shelf.write(_RUN, json.dumps(begun, indent=1).encode(), new=True)
    there = shelf.read(_RUN) or b""  # which another may have begun at the same moment
    try:
        before: dict[str, Any] = json.loads(there)
        others = [name for name in same if before[name] != facts[name]]
        seal = prover.sealed_by(_run_message(before), bytes.fromhex(before.pop("proof", "")))
        if not isinstance(before["run"], str) or not isinstance(before.get("since", 0.0), int | float):
            raise TypeError
    except (ValueError, KeyError, TypeError, AttributeError):
        raise JournalError(f"{place}/{_RUN} cannot be read: name another folder with journal=.") from None
    if others:
        raise JournalError(
            f"The journal {place} is that of another run, begun {before['begun']}: its {' and '.join(others)} "
            f"{'is' if len(others) == 1 else 'are'} not the same. Name another folder with journal=."
        )
    if seal is None and not trust:
        raise _unproven(f"{place}/{_RUN}", earlier="format" not in before)
    return before, seal or prover.own


def _run_message(facts: dict[str, Any]) -> bytes:
    known = {name: value for name, value in facts.items() if name != "proof"}
    return b"run.json " + json.dumps(known, sort_keys=True).encode()


def _unproven(name: str, *, earlier: bool) -> JournalError:
    key = "with another private key, on another machine without the key, or by somebody else, or was changed since"
    how = "by an earlier ikpipe, which does not show who wrote it" if earlier else key
    return JournalError(
        f"The journal {name} was written {how}. If you know that it is yours, pass trust_journal=True; if not, name "
        "another folder with journal=."
    )


class JournalPart(NamedTuple):
    """What a part's journal is named by, and proven with.

    `name` is a hash of the part's rows, `run` the run's id, `seal` that of the run; `trust` takes entries that prove
    nothing.
    """

    name: str
    run: str
    seal: Seal
    trust: bool = False


class SharedJournal:
    """The journal of a part, open to write to.

    Parameters
    ----------
    shelf, place
        The run's folder, and what it is called.
    part
        Names the part, and proves its entries.
    order
        The positions of the part's rows in the order in which the journal counts them.
    contents
        The hashes of rows: those that this journal has are added to it, and those of this run are written.
    """

    def __init__(
        self, shelf: Storage, place: str, part: JournalPart, order: Sequence[int], contents: ContentHashes
    ) -> None:
        self.path = f"{place}/{part.name}"
        self.facts = {"run": part.run}
        self.rows = len(order)
        self._counted = {position: number for number, position in enumerate(order)}
        self._shelf, self._part = shelf, part
        self._who = f"{time.time_ns():020}-{uuid.uuid4().hex[:8]}"
        self._written = 0
        self._own: set[int] = set()
        told = _told([_read(shelf, place, name, part) for name in shelf.names(part.name)])
        self._stories = {at: told.stories[number] for number, at in enumerate(order) if number in told.stories}
        contents.first.update({at: told.first[number] for number, at in enumerate(order) if number in told.first})
        contents.before.update({at: told.last[number] for number, at in enumerate(order) if number in told.last})
        contents.several.update(at for number, at in enumerate(order) if number in told.several)
        self._contents = contents

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        """Do nothing: no file is held open."""

    def stories(self, first: int = 0, last: int | None = None) -> Iterator[tuple[int, RowRecord]]:
        """Give what was known, when this was opened, of each row that anything was known of, by position."""
        for position in range(first, self.rows if last is None else last):
            if position in self._stories:
                yield position, self._stories[position]

    def settled_paths(self) -> Iterator[tuple[int, str]]:
        """Give the position and the path in the library of each row that was up when this was opened."""
        for position, story in self._stories.items():
            result = json.loads(story.result or "{}")
            if result.get("status") in SETTLED and result.get("file_path") is not None:
                yield position, result["file_path"]

    def pieces(self) -> Iterator[Any]:
        """Give the table, of which there is nothing here: whoever does the part has it."""
        return iter(())

    def write(self, entries: Sequence[Entry]) -> None:
        """Write entries; they are durable on return.

        Of a row whose name is its own only the result is: whatever else became of it, its name says.
        """
        self._own.update(entry.position for entry in entries if isinstance(entry, RowPrepared) and entry.own_name)
        kept = [entry for entry in entries if isinstance(entry, RowEnded) or entry.position not in self._own]
        if not kept:
            return
        name = f"{self._part.name}/{self._who}-{self._written:06}.jsonl"
        lines = [self._line(entry, name, number) for number, entry in enumerate(kept)]
        self._shelf.write(name, "\n".join(lines).encode())
        self._written += 1

    def _line(self, entry: Entry, name: str, number: int) -> str:
        """Write an entry, with the hash of its row, and its MAC."""
        bare = _bare(entry)._replace(position=self._counted[entry.position])
        values = [_TAGS[type(entry)], *bare, self._contents.now.get(entry.position)]
        return json.dumps([*values, self._part.seal(_message(name, number, values)).hex()])

    def end(self, at: float) -> None:
        """Note nothing: whether a part has more to do is seen by its rows."""


def _bare(entry: Entry) -> Entry:
    """Leave out a token that another machine signed: a folder that is shared is no place for it."""
    return entry._replace(token=None) if isinstance(entry, Intent) else entry


def _message(name: str, number: int, values: list[Any]) -> bytes:
    return f"{name} {number} {json.dumps(values)}".encode()


class _Line(NamedTuple):
    """An entry, and the hash of what was sent of its row, where that is known."""

    entry: Entry
    content: str | None = None


def _read(shelf: Storage, place: str, name: str, part: JournalPart) -> tuple[str, list[_Line]]:
    """Give who wrote a file, and its entries."""
    who = name.rpartition("-")[0]
    try:
        *lines, last = (shelf.read(name) or b"").decode().split("\n")
        whole = [*lines, last] if _is_whole(last) else lines
        return who, [_line(json.loads(line), place, name, number, part) for number, line in enumerate(whole)]
    except (ValueError, KeyError, TypeError):
        words = "its rows are then sent once more, of which names let none be twice but those that replace others"
        raise JournalError(f"{place}/{name} is damaged: remove it; {words}.") from None


def _line(parts: list[Any], place: str, name: str, number: int, part: JournalPart) -> _Line:
    """Read an entry that is proven, or trusted."""
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


def _is_whole(line: str) -> bool:
    """Tell whether a line is an entry to its end: the beginning of one is no JSON."""
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


class _PartRecords(NamedTuple):
    """What several have written of rows, and the first and the last hash of each; `several` have had more than one."""

    stories: dict[int, RowRecord]
    first: dict[int, str]
    last: dict[int, str]
    several: set[int]


def _told(files: Sequence[tuple[str, list[_Line]]]) -> _PartRecords:
    """Put together what several have written: a row is up if it is for any of them.

    Of a row that has changed, only what was written of its last version counts. A row that was found to be wrong is
    looked at anew: nothing of it was sent, and it may have been mended, or this machine may have the file that another
    had not.
    """
    begun: dict[int, RowPrepared] = {}
    intents: dict[int, list[Intent]] = {}
    open_: dict[int, set[str]] = {}
    results: dict[int, str] = {}
    first: dict[int, str] = {}
    last: dict[int, str] = {}
    several: set[int] = set()
    for who, lines in files:
        for entry, content in lines:
            if content is not None:
                first.setdefault(entry.position, content)
            if content is not None and last.setdefault(entry.position, content) != content:
                last[entry.position] = content
                several.add(entry.position)
                for known in (begun, intents, open_, results):
                    known.pop(entry.position, None)
            if isinstance(entry, RowPrepared):
                begun[entry.position] = RowPrepared(*entry[:3], bool(entry.own_name))
            elif isinstance(entry, Intent):
                intents.setdefault(entry.position, []).append(entry)
                open_.setdefault(entry.position, set()).add(who)
            elif isinstance(entry, IntentVoided):
                open_.get(entry.position, set()).discard(who)
            elif (
                isinstance(entry, RowEnded)
                and _status(entry.result) != "invalid"
                and not _up(results.get(entry.position))
            ):
                results[entry.position] = entry.result
    stories = {
        position: RowRecord(
            begun.get(position),
            sorted(intents.get(position, []), key=lambda intent: intent.at),
            not open_.get(position),
            results.get(position),
        )
        for position in sorted(begun.keys() | results.keys())
    }
    return _PartRecords(stories, first, last, several)


def _up(result: str | None) -> bool:
    return result is not None and _status(result) in SETTLED


def _status(result: str) -> Any:
    return json.loads(result)["status"]
