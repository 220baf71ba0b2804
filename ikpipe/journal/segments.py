"""The files of a shared journal that have its entries, and what this process knows of them.

A file is written once and never changed. A file whose rows have ids with the same beginning is in a folder of that
name, so that whoever asks for a few rows need not read all; any other file is in the folder "all". A process reads each
file once, and finds the entries of rows in a database of its own, which is in a temporary file that vanishes with it.

Files can be joined meanwhile (`joining.py`). A process that finds a file removed looks at the folders again. Lines keep
their origin, so a line that is in several files counts once.
"""

import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import NamedTuple

from ikpipe.journal.shared_entries import (
    beginning_of,
    complete_lines,
    damaged,
    has_entries,
)
from ikpipe.journal.storage import Storage

ROWS, ALL = "rows", "all"
_DIGITS = 2  # of an id that name a folder: 256 folders
_FEW = 4  # folders that are looked at singly
_AT_ONCE = 16  # files that are read at the same time
_ENDING = ".jsonl"
_WAITS = (0.0, 0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0, 1.0)
"""Seconds before the folders are listed again because files were joined: some stores list what is no longer there."""
_UNUSED = 600.0  # seconds after which this process forgets what it knows of a journal


class Line(NamedTuple):
    """A line, the name of its file, and its number there."""

    line: str
    name: str
    number: int


class Segments:
    """The files of the journal at `place`, as far as this process has read them; several threads may use it."""

    def __init__(self, storage: Storage, place: str) -> None:
        self.place = place
        self._storage = storage
        self._lock = threading.Lock()
        self._read: set[str] = set()
        self._lines = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._lines.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
            "CREATE TABLE lines (row TEXT, origin TEXT, name TEXT, number INTEGER, line TEXT);"
            "CREATE UNIQUE INDEX origins ON lines (row, origin);"
        )

    def add(self, name: str, lines: Sequence[str]) -> None:
        """Write a file; it is durable on return."""
        self._storage.write(name, "\n".join(lines).encode())
        with self._lock:
            self._note(name, lines)

    def lines(self, rows: Sequence[str]) -> dict[int, list[Line]]:
        """Return the lines of rows that have any, by position, in the order in which they were written."""
        with self._lock:
            self._refresh({row[:_DIGITS] for row in rows})
            query = "SELECT line, name, number FROM lines WHERE row = ? ORDER BY origin"
            found = {at: self._lines.execute(query, (row,)).fetchall() for at, row in enumerate(rows)}
        return {at: [*map(Line._make, some)] for at, some in found.items() if some}

    def _refresh(self, buckets: set[str]) -> None:
        """Read the files in some folders, and in the one of all, that this process does not know yet."""
        for wait in _WAITS:
            if wait:
                time.sleep(wait)
            new = [name for name in self._names(buckets) if name not in self._read]
            joined = False  # some of them meanwhile
            for name, content in contents_of(self._storage, new):
                try:
                    if content is not None:
                        self._note(name, complete_lines(content))
                except ValueError:
                    raise damaged(self.place, name) from None
                joined = joined or content is None
            if not joined:
                return

    def _names(self, buckets: set[str]) -> list[str]:
        """Return the names of the files in some folders, and in the one of all."""
        names, every = self._storage.names, f"{ROWS}/{ALL}"
        # The folder of all is listed twice: what is joined meanwhile moves there, and its files are replaced.
        few = [names(every), *(names(f"{ROWS}/{bucket}") for bucket in buckets)] if len(buckets) <= _FEW else None
        lists = [*(few or [self._storage.below(ROWS)]), names(every)]
        return [name for name in dict.fromkeys(chain.from_iterable(lists)) if has_entries(name)]

    def _note(self, name: str, lines: Sequence[str]) -> None:
        """Note the lines of a file, unless they are known."""
        rows = [(*beginning_of(line, name, number), name, number, line) for number, line in enumerate(lines)]
        self._lines.execute("BEGIN")
        self._lines.executemany("INSERT OR IGNORE INTO lines VALUES (?, ?, ?, ?, ?)", rows)
        self._lines.execute("COMMIT")
        self._read.add(name)


def name_of(rows: Iterable[str], name: str) -> str:
    """Return the name, with its folder, of a file for entries of some rows."""
    buckets = {row[:_DIGITS] for row in rows}
    return f"{ROWS}/{buckets.pop() if len(buckets) == 1 else ALL}/{name}{_ENDING}"


def contents_of(storage: Storage, names: Sequence[str]) -> Iterator[tuple[str, bytes | None]]:
    """Yield the contents of files, of which few are in memory."""
    if len(names) <= 1:
        yield from ((name, storage.read(name)) for name in names)
        return
    with ThreadPoolExecutor(_AT_ONCE) as readers:
        for at in range(0, len(names), _AT_ONCE):
            some = names[at : at + _AT_ONCE]
            yield from zip(some, readers.map(storage.read, some), strict=True)


class _Use(NamedTuple):
    segments: Segments
    until: float


_USES: dict[str, _Use] = {}
"""What is known of journals, by upload."""
_LOCK = threading.Lock()
_OF_PARENT: list[dict[str, _Use]] = []
"""What the process knew that this one is a copy of: not used, since they share files, and never closed."""


def _start_as_copy() -> None:
    """Start anew in a copy of a process, whose other threads may have held the lock."""
    global _USES, _LOCK
    _OF_PARENT.append(_USES)
    _USES, _LOCK = {}, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_as_copy)


def segments_of(storage: Storage, place: str, upload: str) -> Segments:
    """Return what this process knows of the journal at a place, for the prepared upload with this id."""
    with _LOCK:
        now = time.monotonic()
        for other in [one for one, use in _USES.items() if use.until < now and one != upload]:
            del _USES[other]
        segments = _USES[upload].segments if upload in _USES else Segments(storage, place)
        _USES[upload] = _Use(segments, now + _UNUSED)
    return segments
