"""The files of a shared journal that have its entries: what this process knows of them, and how they become fewer.

A file is written once and never changed. A file whose rows have ids with the same beginning is in a folder of that
name, so that whoever asks for a few rows need not read all; any other file is in the folder "all". A process reads each
file once, and finds the entries of rows in a database of its own, which is in a temporary file that vanishes with it.

A run of many small parts leaves many small files. `compact` joins them: it writes what they say in few files, and then
removes them. A process that finds a file removed looks at the folders again.
"""

import os
import sqlite3
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from ikpipe.errors import JournalError
from ikpipe.journal.entries import Entry
from ikpipe.journal.shared_entries import Proof, RowStory, Said, complete_lines, damaged, line_of, read_line, row_of
from ikpipe.journal.storage import Storage

_ROWS, _ALL = "rows", "all"
_DIGITS = 2  # of an id that name a folder: 256 folders
_FEW = 4  # folders that are looked at singly
_AT_ONCE = 16  # files that are read at the same time
_MANY = 200  # files that are joined into fewer
_SIZE = 4_000_000  # characters of such a file, about
_FULL, _OPEN = ".full.jsonl", ".jsonl"  # how names of files end that are never joined again, and of others
_KEPT = 400 * 86_400  # seconds for which a row that is uploaded is known
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
            "CREATE TABLE lines (row TEXT, name TEXT, number INTEGER, line TEXT);"
            "CREATE INDEX rows ON lines (row);"
        )

    def name(self, rows: Iterable[str], writer: str) -> str:
        """Return the name of a file for entries of some rows."""
        buckets = {row[:_DIGITS] for row in rows}
        return f"{_ROWS}/{buckets.pop() if len(buckets) == 1 else _ALL}/{time.time_ns():020}-{writer}{_OPEN}"

    def add(self, name: str, lines: Sequence[str]) -> None:
        """Write a file; it is durable on return."""
        self._storage.write(name, "\n".join(lines).encode())
        with self._lock:
            self._note(name, lines)

    def lines(self, rows: Sequence[str]) -> dict[int, list[Line]]:
        """Return the lines of rows that have any, by position, in the order in which they were written."""
        with self._lock:
            self._refresh({row[:_DIGITS] for row in rows})
            query = "SELECT line, name, number FROM lines WHERE row = ?"
            found = {at: self._lines.execute(query, (row,)).fetchall() for at, row in enumerate(rows)}
        return {at: sorted(map(Line._make, some), key=_when) for at, some in found.items() if some}

    def _refresh(self, buckets: set[str]) -> None:
        """Read the files in some folders, and in the one of all, that this process does not know yet."""
        for _ in range(10):
            # The folder of all is the last: what is joined meanwhile moves there.
            names = [*self._names(buckets), *self._storage.names(f"{_ROWS}/{_ALL}")]
            new = [name for name in names if name not in self._read]
            contents = _contents(self._storage, new)
            for name, content in contents:
                try:
                    if content is not None:
                        self._note(name, complete_lines(content))
                except ValueError:
                    raise damaged(self.place, name) from None
            if all(content is not None for _, content in contents):  # or some were joined meanwhile
                return

    def _names(self, buckets: set[str]) -> Iterator[str]:
        few = buckets if len(buckets) <= _FEW else {*_folders(self._storage)} - {_ALL}
        for bucket in few:
            yield from self._storage.names(f"{_ROWS}/{bucket}")

    def _note(self, name: str, lines: Sequence[str]) -> None:
        rows = [(row_of(line), name, number, line) for number, line in enumerate(lines)]
        self._lines.executemany("INSERT INTO lines VALUES (?, ?, ?, ?)", rows)
        self._read.add(name)


def _when(line: Line) -> tuple[str, int]:
    """Return what sorts lines by the time when they were written."""
    return line.name.rpartition("/")[2], line.number


def _written(name: str) -> int:
    """Return the time when a file was written, in nanoseconds since 1970; 0 for a name that nobody here made."""
    digits = name.rpartition("/")[2].partition("-")[0]
    return int(digits) if digits.isdecimal() else 0


def _folders(storage: Storage) -> list[str]:
    return [name.rpartition("/")[2] for name in storage.names(_ROWS)]


def _contents(storage: Storage, names: Sequence[str]) -> list[tuple[str, bytes | None]]:
    if len(names) <= 1:
        return [(name, storage.read(name)) for name in names]
    with ThreadPoolExecutor(_AT_ONCE) as readers:
        return [*zip(names, readers.map(storage.read, names), strict=True)]


class _Use(NamedTuple):
    segments: Segments
    until: float


_USES: dict[tuple[int, str], _Use] = {}
"""What is known of journals, by process and upload: a copy of a process would share the database's file."""
_LOCK = threading.Lock()


def segments_of(storage: Storage, place: str, upload: str) -> Segments:
    """Return what this process knows of the journal at a place, for the prepared upload with this id."""
    key = (os.getpid(), upload)
    with _LOCK:
        now = time.monotonic()
        for other in [one for one, use in _USES.items() if use.until < now and one != key]:
            del _USES[other]
        segments = _USES[key].segments if key in _USES else Segments(storage, place)
        _USES[key] = _Use(segments, now + _UNUSED)
    return segments


def compact(storage: Storage, place: str, proof: Proof) -> None:
    """Join the files of a journal, if there are many small ones; leave out what is older than a year.

    Files that this account has not written, or that are damaged, stay as they are: whoever needs their rows says so.
    """
    names = [name for folder in _folders(storage) for name in storage.names(f"{_ROWS}/{folder}")]
    small = sorted((name for name in names if not name.endswith(_FULL)), key=_written)
    if len(small) < _MANY:
        return
    rows: dict[str, list[Said]] = defaultdict(list)
    times: dict[str, int] = {}
    joined = []
    for name, content in _contents(storage, small):
        try:
            lines = complete_lines(content or b"")
            said = [(row_of(line), read_line(line, 0, name, n, place, proof)) for n, line in enumerate(lines)]
        except (JournalError, ValueError):
            continue
        joined.append(name)
        for row, one in said:
            rows[row].append(one)
            times[row] = _written(name)
    oldest = time.time_ns() - _KEPT * 10**9
    stories = ((times[row], row, RowStory.of(said)) for row, said in rows.items())
    kept = sorted((one for one in stories if one[0] >= oldest or not one[2].settled), key=lambda one: one[:2])
    _write_joined(storage, kept, proof)
    for name in joined:
        storage.remove(name)


def _write_joined(storage: Storage, stories: Iterable[tuple[int, str, RowStory]], proof: Proof) -> None:
    """Write what is known of rows, which are sorted by the time of their last entry, in files of about `_SIZE`."""
    writer, files = uuid.uuid4().hex[:8], 0
    pending: list[tuple[str, Entry, str | None]] = []
    last = size = 0
    for last, row, story in stories:
        some = [(row, entry, content) for entry, content in story.entries(0)]
        pending += some
        size += sum(len(str(one)) for one in some)
        if size >= _SIZE:
            _write(storage, f"{last:020}-{writer}-{files:06}{_FULL}", pending, proof)
            pending, size, files = [], 0, files + 1
    if pending:
        _write(storage, f"{last:020}-{writer}-{files:06}{_OPEN}", pending, proof)


def _write(storage: Storage, name: str, told: Iterable[tuple[str, Entry, str | None]], proof: Proof) -> None:
    """Write entries of rows, each with the hash of what was sent, in the folder of all."""
    name = f"{_ROWS}/{_ALL}/{name}"
    lines = [line_of(row, entry, content, name, n, proof.seal) for n, (row, entry, content) in enumerate(told)]
    storage.write(name, "\n".join(lines).encode())
