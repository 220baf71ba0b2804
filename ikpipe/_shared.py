"""A part of a run's table, and its journal, where several machines may do the same part: one after another, or at once.

Nobody holds such a journal alone: no lock is sure to work across machines. Each who does the part writes small files of
its own, which nobody changes later, and begins with what all others have written::

    run.json                    the run's id, when it began, its mapping, whose it is
    PART/TIME-WHO-NUMBER.jsonl  entries of a part: a list each, the kind first; PART is a hash of the part's rows

A file whose writer was killed can end in the middle of an entry, where a store does not write it as a whole: nothing
that this entry told of had begun.

What two who do the part at once both send is ruled out by names, not by the journal.
"""

from __future__ import annotations

import json
import time
import uuid
from typing import TYPE_CHECKING, Any, Self

from ikpipe._errors import JournalError
from ikpipe._journal import Begun, Ended, Intent, Settled, Story
from ikpipe._result import SETTLED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ikpipe._journal import Entry
    from ikpipe._shelf import Shelf

_KINDS: dict[str, type[Entry]] = {kind.__name__: kind for kind in (Begun, Intent, Settled, Ended)}
_RUN = "run.json"


def begin(shelf: Shelf, place: str, facts: dict[str, Any], same: Sequence[str]) -> dict[str, Any]:
    """Begin a run's journal; one that is there already, of the very same work, is gone on with.

    Parameters
    ----------
    shelf, place
        The folder, and what it is called.
    facts
        What to know of the run, as plain JSON values.
    same
        Those that must be the same in the journal that is there.

    Returns
    -------
    dict
        The facts of the run, as it was begun first.

    Raises
    ------
    JournalError
        It is another run's.
    """
    if shelf.read(_RUN) is None:
        shelf.write(_RUN, json.dumps(facts, indent=1).encode(), new=True)
    there = shelf.read(_RUN) or b""  # which another may have begun at the same moment
    try:
        before: dict[str, Any] = json.loads(there)
        others = [name for name in same if before[name] != facts[name]]
    except (ValueError, KeyError, TypeError):
        raise JournalError(f"{place}/{_RUN} cannot be read: name another folder with journal=.") from None
    if others:
        raise JournalError(
            f"The journal {place} is that of another run, begun {before['begun']}: its {' and '.join(others)} "
            f"{'is' if len(others) == 1 else 'are'} not the same. Name another folder with journal=."
        )
    return before


class SharedJournal:
    """The journal of a part, open to write to.

    Parameters
    ----------
    shelf, place
        The run's folder, and what it is called.
    part
        Names the part: a hash of its rows.
    run
        The run's id.
    order
        The positions of the part's rows in the order in which the journal counts them.
    """

    def __init__(self, shelf: Shelf, place: str, part: str, run: str, order: Sequence[int]) -> None:
        self.path = f"{place}/{part}"
        self.facts = {"run": run}
        self.rows = len(order)
        self._counted = {position: number for number, position in enumerate(order)}
        self._shelf, self._part = shelf, part
        self._who = f"{time.time_ns():020}-{uuid.uuid4().hex[:8]}"
        self._written = 0
        self._own: set[int] = set()
        told = _told([_read(shelf, place, name) for name in shelf.names(part)])
        self._stories = {order[number]: story for number, story in told.items()}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        """Do nothing: no file is held open."""

    def stories(self, first: int = 0, last: int | None = None) -> Iterator[tuple[int, Story]]:
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
        self._own.update(entry.position for entry in entries if isinstance(entry, Begun) and entry.own_name)
        kept = [entry for entry in entries if isinstance(entry, Ended) or entry.position not in self._own]
        if not kept:
            return
        counted = [_bare(entry)._replace(position=self._counted[entry.position]) for entry in kept]
        lines = [json.dumps([type(entry).__name__, *entry]) for entry in counted]
        self._shelf.write(f"{self._part}/{self._who}-{self._written:06}.jsonl", "\n".join(lines).encode())
        self._written += 1

    def end(self, at: float) -> None:
        """Note nothing: whether a part has more to do is seen by its rows."""


def _bare(entry: Entry) -> Entry:
    """Leave out a token that another machine signed: a folder that is shared is no place for it."""
    return entry._replace(token=None) if isinstance(entry, Intent) else entry


def _read(shelf: Shelf, place: str, name: str) -> tuple[str, list[Entry]]:
    """Give who wrote a file, and its entries."""
    who = name.rpartition("-")[0]
    try:
        *lines, last = (shelf.read(name) or b"").decode().split("\n")
        whole = [*lines, last] if _is_whole(last) else lines
        return who, [_KINDS[kind](*values) for kind, *values in map(json.loads, whole)]
    except (ValueError, KeyError, TypeError):
        words = "its rows are then sent once more, of which names let none be twice but those that replace others"
        raise JournalError(f"{place}/{name} is damaged: remove it; {words}.") from None


def _is_whole(line: str) -> bool:
    """Tell whether a line is an entry to its end: the beginning of one is no JSON."""
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _told(files: Sequence[tuple[str, list[Entry]]]) -> dict[int, Story]:
    """Put together what several have written: a row is up if it is for any of them.

    A row that was found to be wrong is looked at anew: nothing of it was sent, and it may have been mended, or this
    machine may have the file that another had not.
    """
    begun: dict[int, Begun] = {}
    intents: dict[int, list[Intent]] = {}
    open_: dict[int, set[str]] = {}
    results: dict[int, str] = {}
    for who, entries in files:
        for entry in entries:
            if isinstance(entry, Begun):
                begun[entry.position] = Begun(*entry[:3], bool(entry.own_name))
            elif isinstance(entry, Intent):
                intents.setdefault(entry.position, []).append(entry)
                open_.setdefault(entry.position, set()).add(who)
            elif isinstance(entry, Settled):
                open_.get(entry.position, set()).discard(who)
            elif (
                isinstance(entry, Ended) and _status(entry.result) != "invalid" and not _up(results.get(entry.position))
            ):
                results[entry.position] = entry.result
    return {
        position: Story(
            begun.get(position),
            sorted(intents.get(position, []), key=lambda intent: intent.at),
            not open_.get(position),
            results.get(position),
        )
        for position in sorted(begun.keys() | results.keys())
    }


def _up(result: str | None) -> bool:
    return result is not None and _status(result) in SETTLED


def _status(result: str) -> Any:
    return json.loads(result)["status"]
