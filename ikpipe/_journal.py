"""A run's journal: its table, what may have left, what came back; durable. The only file that knows sqlite3.

One SQLite file a run. Whoever writes to it holds it alone: a second process is told so. A write is durable when
`write` returns (WAL, `synchronous=FULL`), so that an intent is on the disk before the first byte of its request leaves;
many intents share a write.

::

    about     one row: facts of the run as JSON, the table's rows once all are here, when the run had no more to do
    pieces    the table's cells, some thousand rows each, in order; `head` is the table's, where it is not as before
    rows      position → the row's parameters as they are signed, the size of its file in bytes where it is known, and
              whether the name was made for this row alone
    intents   position → each request, before it leaves: `iat` and `exp` of its token, the token itself only where
              another machine signed it; `settled` once it is sure that nothing of it is stored
    results   position → the row's result, as JSON

No private key is in it, ever: a token is signed anew from the same parameters, `iat` and `exp`.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self

from ikpipe._errors import JournalError
from ikpipe._result import SETTLED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

FORMAT = 2
_SCHEMA = """
CREATE TABLE about (facts TEXT NOT NULL, rows INTEGER, ended REAL);
CREATE TABLE pieces (start INTEGER PRIMARY KEY, rows INTEGER NOT NULL, cells TEXT NOT NULL, head TEXT);
CREATE TABLE rows (position INTEGER PRIMARY KEY, fields TEXT NOT NULL, size INTEGER, own_name INTEGER NOT NULL);
CREATE TABLE intents (
    position INTEGER NOT NULL, iat INTEGER NOT NULL, exp INTEGER NOT NULL, token TEXT, at REAL NOT NULL,
    guess INTEGER NOT NULL, settled INTEGER NOT NULL DEFAULT 0);
CREATE INDEX intents_of ON intents (position);
CREATE TABLE results (position INTEGER PRIMARY KEY, result TEXT NOT NULL);
"""


class Piece(NamedTuple):
    """Some rows of the table, from a position on: their cells as text, and its head where that is not as before."""

    position: int
    rows: int
    cells: str
    head: str | None = None


class Complete(NamedTuple):
    """All rows of the table are here; `position` is the one after the last."""

    position: int


class Begun(NamedTuple):
    """A row as it is to be sent: `fields` are its parameters as JSON, `size` the bytes that are to be stored."""

    position: int
    fields: str
    size: int | None
    own_name: bool


class Intent(NamedTuple):
    """A request that is about to leave.

    `at` is the time in seconds since 1970; `token` is there only where another machine signed it; `guess`: a request
    before it may have been taken.
    """

    position: int
    iat: int
    exp: int
    at: float
    token: str | None = None
    guess: bool = False


class Settled(NamedTuple):
    """Nothing of the row's last request is stored."""

    position: int


class Ended(NamedTuple):
    """A row's result, as JSON."""

    position: int
    result: str


Entry = Piece | Complete | Begun | Intent | Settled | Ended


class Story(NamedTuple):
    """What a journal knows of a row: how it is sent, its intents in order, and its result, as JSON.

    `settled`: nothing of the last intent is stored.
    """

    begun: Begun | None
    intents: list[Intent]
    settled: bool
    result: str | None


class Notes(Protocol):
    """What a run needs of its journal; each part is described at `Journal`."""

    @property
    def path(self) -> Path | str: ...
    @property
    def facts(self) -> dict[str, Any]: ...
    @property
    def rows(self) -> int | None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *error: object) -> None: ...
    def pieces(self) -> Iterator[Piece]: ...
    def settled_paths(self) -> Iterator[tuple[int, str]]: ...
    def stories(self, first: int = 0, last: int | None = None) -> Iterator[tuple[int, Story]]: ...
    def write(self, entries: Sequence[Entry]) -> None: ...
    def end(self, at: float) -> None: ...


class Journal:
    """An open journal; `make` or `open` it, and close it in the end.

    Raises
    ------
    JournalError
        Whatever is wrong with the file, or with the disk below it: it names the file, and says what to do.
    """

    def __init__(self, path: Path, db: sqlite3.Connection) -> None:
        self.path = path
        self._db = db
        # Writes come from a thread of their own, and the end from the run's.
        self._lock = threading.Lock()

    @classmethod
    def make(cls, path: Path) -> Journal:
        """Open a journal, which is made where there is none."""
        with _told(path):
            # 0600, since a frame can hold what is nobody else's business.
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
            return cls(path, _connected(path))

    @classmethod
    def open(cls, path: Path) -> Journal:
        """Open a journal that is there, and was begun."""
        if not path.is_file():
            raise JournalError(f"There is no journal {path}.")
        if not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):  # SQLite calls that an I/O error
            raise JournalError(f"The journal {path} cannot be used; {_MENDS[sqlite3.SQLITE_READONLY]}.")
        with _told(path):
            journal = cls(path, _connected(path))
        try:
            if not journal.begun:
                raise JournalError(f"The journal {path} was never begun: nothing was sent. Upload the table again.")
            if (number := journal.facts.get("format")) != FORMAT:
                raise JournalError(f"The journal {path} has the format {number}; this ikpipe reads {FORMAT}.")
        except BaseException:
            journal.close()
            raise
        return journal

    def begin(self, facts: dict[str, Any], entries: Iterable[Entry] = ()) -> None:
        """Write what the run is to do: all at once, so that a process killed meanwhile leaves it never begun.

        Parameters
        ----------
        facts
            What to know of the run, as plain JSON values.
        entries
            The table, or its first pieces.
        """
        with _told(self.path), self._write() as db:
            for statement in _SCHEMA.split(";"):
                db.execute(statement)
            db.execute("INSERT INTO about VALUES (?, NULL, NULL)", (json.dumps({"format": FORMAT, **facts}),))
            _insert(db, entries)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file; what was written is in it alone, without a log beside it."""
        with self._lock:
            self._db.close()

    @property
    def begun(self) -> bool:
        """Whether it has a run to speak of."""
        with _told(self.path):
            return bool(self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])

    @property
    def facts(self) -> dict[str, Any]:
        """What `begin` was told of the run."""
        with _told(self.path):
            facts: dict[str, Any] = json.loads(self._about().facts)
        return facts

    @property
    def rows(self) -> int | None:
        """How many rows the table has; None as long as not all of them are here."""
        return self._about().rows

    def pieces(self) -> Iterator[Piece]:
        """Give the table, piece by piece, each with its head."""
        start, head = -1, None
        while True:
            found = self._asked("SELECT * FROM pieces WHERE start > ? ORDER BY start LIMIT 1", start)
            if not found:
                return
            piece = Piece(*found[0])
            start, head = piece.position, piece.head or head
            yield piece._replace(head=head)

    @property
    def kept(self) -> int:
        """How many rows of the table are here."""
        return int(self._asked("SELECT coalesce(max(start + rows), 0) FROM pieces")[0][0])

    def settled_paths(self) -> Iterator[tuple[int, str]]:
        """Give the position and the path in the library of each row that is up."""
        up = ", ".join(f"'{status}'" for status in SETTLED)
        query = (
            "SELECT position, json_extract(result, '$.file_path') AS path FROM results "  # noqa: S608 - our own words
            f"WHERE position > ? AND json_extract(result, '$.status') IN ({up}) AND path IS NOT NULL "
            f"ORDER BY position LIMIT {_PAGE}"
        )
        last = -1
        while found := self._asked(query, last):
            yield from found
            last = found[-1][0]

    def stories(self, first: int = 0, last: int | None = None) -> Iterator[tuple[int, Story]]:
        """Give what is known of each row that anything is known of, by position.

        Parameters
        ----------
        first, last
            The positions from the first on, and before the last; None goes on to the end.
        """
        bounds, where = (first, _END if last is None else last), "WHERE position >= ? AND position < ?"
        begun = {}
        for position, fields, size, own_name in self._asked(f"SELECT * FROM rows {where}", *bounds):  # noqa: S608
            begun[position] = Begun(position, fields, size, bool(own_name))
        intents: dict[int, list[Intent]] = {}
        settled: dict[int, bool] = {}
        query = f"SELECT position, iat, exp, at, token, guess, settled FROM intents {where} ORDER BY rowid"  # noqa: S608
        for position, iat, exp, at, token, guess, done in self._asked(query, *bounds):
            intents.setdefault(position, []).append(Intent(position, iat, exp, at, token, bool(guess)))
            settled[position] = bool(done)
        results = dict(self._asked(f"SELECT position, result FROM results {where}", *bounds))  # noqa: S608
        for position in sorted(begun.keys() | results.keys()):
            known = intents.get(position, [])
            yield position, Story(begun.get(position), known, settled.get(position, False), results.get(position))

    def write(self, entries: Sequence[Entry]) -> None:
        """Write entries, all of them or none; they are durable on return."""
        with _told(self.path), self._write() as db:
            _insert(db, entries)

    @property
    def ended(self) -> float | None:
        """When the run had no more to do, in seconds since 1970."""
        return self._about().ended

    def end(self, at: float) -> None:
        """Note when the run had no more to do."""
        with _told(self.path), self._write() as db:
            db.execute("UPDATE about SET ended = ?", (at,))

    def _about(self) -> _About:
        return _About(*self._asked("SELECT * FROM about")[0])

    def _asked(self, words: str, *values: object) -> list[Any]:
        with _told(self.path), self._lock:
            return self._db.execute(words, values).fetchall()

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise


class _About(NamedTuple):
    """The one row of its table."""

    facts: str
    rows: int | None
    ended: float | None


_PAGE = 5_000  # rows read at a time
_END = 2**63 - 1  # SQLite's largest integer
_STATEMENTS: dict[type[Entry], tuple[str, ...]] = {
    Piece: ("INSERT OR REPLACE INTO pieces VALUES {}",),
    Complete: ("UPDATE about SET rows = (SELECT column1 FROM (VALUES {}))",),
    Begun: ("INSERT OR REPLACE INTO rows VALUES {}",),
    Intent: ("INSERT INTO intents (position, iat, exp, at, token, guess) VALUES {}",),
    Settled: ("UPDATE intents SET settled = 1, token = NULL WHERE position IN (VALUES {})",),
    Ended: (
        "INSERT OR REPLACE INTO results VALUES {}",
        "UPDATE intents SET token = NULL WHERE token IS NOT NULL AND position IN (SELECT column1 FROM (VALUES {}))",
    ),
}
_SIZES = (64, 16, 4, 1)  # entries a statement: few sizes, so that each is prepared once


def _insert(db: sqlite3.Connection, entries: Iterable[Entry]) -> None:
    for part in _parts(entries):
        for kind, group in part.items():
            for words in _STATEMENTS[kind]:
                _execute(db, words, group)


def _parts(entries: Iterable[Entry]) -> Iterator[dict[type[Entry], list[Entry]]]:
    """Sort entries by kind; what a row does after it was settled comes into a later part."""
    settled: set[int] = set()
    part: dict[type[Entry], list[Entry]] = {kind: [] for kind in _STATEMENTS}
    for entry in entries:
        if entry.position in settled:
            yield part
            settled, part = set(), {kind: [] for kind in _STATEMENTS}
        if isinstance(entry, Settled):
            settled.add(entry.position)
        part[type(entry)].append(entry)
    yield part


def _execute(db: sqlite3.Connection, words: str, entries: Sequence[Entry]) -> None:
    """Execute a statement for many entries at once, since after each this thread has to wait for the run's."""
    for size in _SIZES:
        while len(entries) >= size:
            group, entries = entries[:size], entries[size:]
            places = ", ".join([f"({', '.join('?' * len(group[0]))})"] * size)
            db.execute(words.format(places), [cell for entry in group for cell in entry])


def _connected(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        # Exclusive: held until it is closed, also by the death of the process, and no third file beside it.
        db.executescript("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;")
        db.execute("BEGIN IMMEDIATE")
        db.execute("COMMIT")
    except BaseException:
        db.close()
        raise
    return db


_ELSEWHERE = "or name another file with journal="
_MENDS = {
    sqlite3.SQLITE_BUSY: "another process is using it: wait until that run has ended",
    sqlite3.SQLITE_READONLY: f"it may not be written to: mend its permissions, {_ELSEWHERE}",
    sqlite3.SQLITE_FULL: "the disk is full: free some space, then resume",
    sqlite3.SQLITE_IOERR: "the disk does not take it: free some space or mend the disk, then resume",
    sqlite3.SQLITE_CANTOPEN: f"it cannot be opened: mend the path or its permissions, {_ELSEWHERE}",
    sqlite3.SQLITE_NOTADB: f"it is no journal: mend the path, {_ELSEWHERE}",
    sqlite3.SQLITE_CORRUPT: "it is damaged: take a copy of it, or look with ikpipe.files what is up before you upload "
    "again",
}


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn what SQLite and the system say into an error that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF  # the rest tells kinds of one trouble apart
        mend = _MENDS.get(code, f"mend that, {_ELSEWHERE}")
        raise JournalError(f"The journal {path} cannot be used ({error}); {mend}.") from None
    except OSError as error:
        raise JournalError(
            f"The journal {path} cannot be made: {error.strerror}; name another file with journal=."
        ) from None
    except json.JSONDecodeError as error:
        raise JournalError(f"The journal {path} is damaged: {error}.") from None
