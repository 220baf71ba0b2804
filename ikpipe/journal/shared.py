"""The journal of a run that several machines share: what is known of each row, wherever it was uploaded.

A row is known by its id, a hash of its key, or else of its cells. Partitions, their order and the number of machines
make no difference. No process locks such a journal: no lock is reliable across machines. Each process writes small
files of its own, which nobody changes later, and reads what all others have written::

    run.json                           the run's id, when it was started, its mapping and account, and the MAC of that
    rows/BUCKET/TIME-WHO-NUMBER.jsonl  entries of rows; BUCKET is the beginning of the id that all these rows share, or
                                       "all": see `segments.py`

Two processes that upload a row at once do not store a file twice because of its name, not because of the journal.

Write access to the folder proves nothing: the MAC of an entry is by a key of the run (`proof.py`), and covers its row,
file and line too. A row's result is used only if what was sent is what would be sent now. `trust` accepts entries
without proof: of the version before, which had none, or by a key that was replaced.
"""

import json
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, Self

from ikpipe.errors import JournalError
from ikpipe.journal.entries import Entry, RowEnded, RowPrepared, RowRecord
from ikpipe.journal.format import FORMAT
from ikpipe.journal.proof import Prover, Seal
from ikpipe.journal.segments import Segments, name_of
from ikpipe.journal.shared_entries import Proof, RowStory, Said, line_of, read_line, time_of, unproven
from ikpipe.journal.storage import Storage
from ikpipe.request.content_hash import ContentHashes
from ikpipe.request.result import SETTLED

_RUN = "run.json"
_LAYOUT = "rows"


def has_parts(facts: Mapping[str, Any]) -> bool:
    """Whether the journal with these facts has entries of whole parts; see `shared_parts.py`."""
    return facts.get("layout") != _LAYOUT


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
        started = {"format": FORMAT, "layout": _LAYOUT, **facts}
        started["proof"] = prover.own(_run_message(started)).hex()
        storage.write(_RUN, json.dumps(started, indent=1).encode(), new=True)
    # Another process may have started it at the same moment: what is stored counts.
    before, seal = _read_run(storage, place, same, prover)
    _check_same(place, before, facts, same)
    if seal is None and not trust:
        raise unproven(f"{place}/{_RUN}", earlier="format" not in before)
    return before, seal or prover.own


def check_same(storage: Storage, place: str, facts: dict[str, Any], same: Sequence[str]) -> None:
    """Check that the journal at a place belongs to the same run, if this machine can read one there.

    The parameters are those of `begin`. Nothing proves what it says. Raise `JournalError` if it belongs to another run,
    or is damaged.
    """
    there = None
    with suppress(JournalError):  # only the workers need the folder
        there = storage.read(_RUN)
    if there is not None:
        _check_same(place, _read_run(storage, place, same, None)[0], facts, same)


def _check_same(place: str, before: Mapping[str, Any], facts: Mapping[str, Any], same: Sequence[str]) -> None:
    others = [name for name in same if before[name] != facts[name]]
    if others:
        differ = "differs" if len(others) == 1 else "differ"
        raise JournalError(
            f"The journal {place} belongs to another run, started {before.get('begun')}: its {' and '.join(others)} "
            f"{differ}.",
            another=True,
        )


def _read_run(
    storage: Storage, place: str, required: Sequence[str], prover: Prover | None
) -> tuple[dict[str, Any], Seal | None]:
    """Return the facts of a run, and the account's seal that they have, if any."""
    try:
        facts: dict[str, Any] = json.loads(storage.read(_RUN) or b"")
        mac = bytes.fromhex(facts.pop("proof", ""))
        seal = None if prover is None else prover.sealed_by(_run_message(facts), mac)
        if not isinstance(facts["run"], str) or not isinstance(facts.get("since", 0.0), int | float):
            raise TypeError
        if not {*required} <= facts.keys():
            raise KeyError
    except (ValueError, KeyError, TypeError, AttributeError):
        raise JournalError(f"The journal's file {place}/{_RUN} is damaged.", another=True) from None
    return facts, seal


def _run_message(facts: dict[str, Any]) -> bytes:
    return b"run.json " + json.dumps({name: facts[name] for name in facts.keys() - {"proof"}}, sort_keys=True).encode()


class RunIdentity(NamedTuple):
    """The id of a run, and what proves its entries."""

    run: str
    proof: Proof


class SharedJournal:
    """What a shared journal has of some rows, open for writing.

    `rows` are the ids of the rows, by position. `contents` are the hashes of rows: those of this journal are added, and
    those of this run are written. `earlier` is what a journal of parts says of rows, by position.
    """

    def __init__(
        self,
        segments: Segments,
        identity: RunIdentity,
        rows: Sequence[str],
        contents: ContentHashes,
        earlier: Mapping[int, list[Said]] | None = None,
    ) -> None:
        self.path = segments.place
        self.facts = {"run": identity.run}
        self.rows = len(rows)
        self._ids, self._segments, self._seal = rows, segments, identity.proof.seal
        self._who = uuid.uuid4().hex[:8]
        self._written = self._newest = 0
        self._own: set[int] = set()
        self._contents = contents
        self._records: dict[int, RowRecord] = {}
        for at, lines in segments.lines(rows).items():
            said = [read_line(one.line, at, one.name, one.number, self.path, identity.proof) for one in lines]
            self._newest = max(self._newest, time_of(said[-1].origin))
            self._add(at, [*(earlier or {}).get(at, ()), *said])
        for at in (earlier or {}).keys() - self._records.keys():
            self._add(at, (earlier or {})[at])

    def _add(self, at: int, lines: list[Said]) -> None:
        """Note what is known of the row at a position."""
        story, contents = RowStory.of(lines), self._contents
        self._records[at] = story.record()
        if story.first_content is not None and story.content is not None:
            contents.first[at], contents.before[at] = story.first_content, story.content
            contents.several.update({at} if story.changed else ())

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
        """Yield nothing: whoever uploads the rows has their table."""
        return iter(())

    def write(self, entries: Sequence[Entry]) -> None:
        """Write entries; they are durable on return.

        Of a row with a name of its own only the result is written: its name shows what else became of it.
        """
        self._own.update(entry.position for entry in entries if isinstance(entry, RowPrepared) and entry.own_name)
        recorded = [entry for entry in entries if isinstance(entry, RowEnded) or entry.position not in self._own]
        if not recorded:
            return
        rows = [self._ids[entry.position] for entry in recorded]
        # The clocks of machines differ: what is known of these rows was written before.
        self._newest = max(time.time_ns(), self._newest + 1)
        name = name_of(rows, f"{self._newest:020}-{self._who}-{self._written:06}")
        told = [Said(entry, self._contents.now.get(entry.position)) for entry in recorded]
        lines = [line_of(row, one, name, n, self._seal) for n, (row, one) in enumerate(zip(rows, told, strict=True))]
        self._segments.add(name, lines)
        self._written += 1

    def end(self, at: float) -> None:
        """Do nothing: the rows show whether there is more to do."""
