"""State in a SQLite file, which several processes can use at once.

::

    files     account, path → what was stored there last: fingerprint, ids and size
    sending   account, path → what was about to be sent, until its result is known
    hashes    local path → the stamp and the SHA-256 of a file
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from ikpipe.errors import MappingError, describe_exception, keyword
from ikpipe.request.sources import FileStamp
from ikpipe.run.existing.fingerprints import FileHashes, Fingerprint
from ikpipe.run.existing.known_files import KnownFile, SentFile

_log = logging.getLogger("ikpipe.run")
Value = TypeVar("Value")

APPLICATION = 0x696B5350  # "ikSP", in the header of every state file
_HEADER = b"SQLite format 3\x00"
_TEMPLATE = """
    CREATE TABLE IF NOT EXISTS files (
        account TEXT, path TEXT, fingerprint TEXT NOT NULL, file_id TEXT NOT NULL, version_id TEXT, size INTEGER,
        parameters TEXT NOT NULL, PRIMARY KEY (account, path)) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS contents ON files (account, fingerprint, parameters);
    CREATE TABLE IF NOT EXISTS sending (
        account TEXT, path TEXT, fingerprint TEXT NOT NULL, number INTEGER NOT NULL, size INTEGER, since REAL NOT NULL,
        parameters TEXT NOT NULL, PRIMARY KEY (account, path)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS hashes (
        path TEXT PRIMARY KEY, device TEXT, inode TEXT, modified INTEGER, size INTEGER, sha256 TEXT NOT NULL)
        WITHOUT ROWID;
"""
_WAIT = 30.0  # seconds for another process that is writing
_AT_ONCE = 500  # records in one query or transaction
_SETTLED_FOR = 2_000_000_000
"""Nanoseconds since the last change of a file after which a hash is kept: a second change within the resolution of the
file system's clock would not show (as in Git's index)."""


class SQLiteState:
    """The state of an account in a file, which is created if there is none; None: a temporary file.

    Raise `MappingError` if the file is not a state or cannot be used.
    """

    def __init__(self, path: Path | None, account: str) -> None:
        self.path = path
        self.hashes: FileHashes = self
        self._account = account
        self._lock = threading.RLock()  # the parts of a table on a worker of a cluster can have threads of their own
        self._known: list[KnownFile] = []
        self._failed = False
        with _errors_of(path):
            self._db = _open(path)

    # Files

    async def known(self, files: Mapping[str, Mapping[str, Any]]) -> dict[str, KnownFile]:
        """Return what is known of the library's files; what a run before was sending counts if it is there."""
        self._write_known()
        found: dict[str, KnownFile] = {}
        for row in self._select("SELECT * FROM files WHERE account = ? AND path IN", [*files]):
            found[row[1]] = KnownFile(*row[1:])
        for row in self._select("SELECT * FROM sending WHERE account = ? AND path IN", [*files]):
            sent = SentFile(*row[1:])
            current, record = sent.as_known(files[sent.path]), found.get(sent.path)
            if current is not None and (record is None or record.version_id != current.version_id):
                found[sent.path] = current
        return found

    async def same_content(self, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], KnownFile]:
        """Return files with the same content and parameters."""
        self._write_known()
        wanted, found = {*keys}, {}
        query = "SELECT * FROM files INDEXED BY contents WHERE account = ? AND fingerprint IN"
        for row in self._select(query, list(dict.fromkeys(text for text, _ in keys))):
            file = KnownFile(*row[1:])
            if (key := (file.fingerprint, file.parameters)) in wanted:
                found[key] = file
        return found

    def sent_with(
        self, fields: dict[str, str], fingerprint: Fingerprint, existing: Mapping[str, Any] | None
    ) -> dict[str, str]:
        """Return the fields unchanged: nothing of the state is in the library."""
        del fingerprint, existing
        return fields

    async def sending(self, files: Sequence[SentFile]) -> None:
        """Record durably what is about to be sent."""
        self._insert("INSERT OR REPLACE INTO sending VALUES (?, ?, ?, ?, ?, ?, ?)", files)

    async def remember(self, files: Sequence[KnownFile]) -> None:
        """Record what was stored."""
        with self._lock:
            self._known += files
        if len(self._known) >= _AT_ONCE:
            self._write_known()

    async def close(self) -> None:
        """Write all records, and close the file."""
        self._write_known()
        self._db.close()

    def _write_known(self) -> None:
        with self._lock:
            files, self._known = self._known, []
        if files:
            self._insert("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?)", files)
            ended = [(self._account, file.path) for file in files]
            self._attempt(lambda: self._many("DELETE FROM sending WHERE account = ? AND path = ?", ended), None)

    # All records, for a state that has them elsewhere

    def load(self, files: Sequence[KnownFile], sent: Sequence[SentFile]) -> None:
        """Add records; those of files that were stored later replace earlier ones."""
        self._insert("INSERT OR REPLACE INTO sending VALUES (?, ?, ?, ?, ?, ?, ?)", sent)
        self._insert("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?)", files)

    def everything(self) -> tuple[list[KnownFile], list[SentFile]]:
        """Return all records."""
        self._write_known()
        with self._lock:
            files = self._db.execute("SELECT * FROM files WHERE account = ?", (self._account,)).fetchall()
            sent = self._db.execute("SELECT * FROM sending WHERE account = ?", (self._account,)).fetchall()
        return [KnownFile(*row[1:]) for row in files], [SentFile(*row[1:]) for row in sent]

    # Hashes of local files

    def hashes_of(self, files: Mapping[str, FileStamp]) -> dict[str, str]:
        """Return the SHA-256 of files that have not changed since they were read."""
        paths = {_as_text(path): path for path in files}
        rows = self._select("SELECT * FROM hashes WHERE ?1 IS NOT NULL AND path IN", [*paths])
        found = ((paths[text], stamp, sha256) for text, *stamp, sha256 in rows)
        return {path: sha256 for path, stamp, sha256 in found if tuple(stamp) == _columns(files[path])}

    def add_hashes(self, files: Mapping[str, tuple[FileStamp, str]]) -> None:
        """Keep the SHA-256 of files that were not changed just before they were read."""
        settled = time.time_ns() - _SETTLED_FOR
        rows = [
            (_as_text(path), *_columns(stamp), one) for path, (stamp, one) in files.items() if stamp.modified < settled
        ]
        self._attempt(lambda: self._many("INSERT OR REPLACE INTO hashes VALUES (?, ?, ?, ?, ?, ?)", rows), None)

    # The database

    def _select(self, query: str, values: Sequence[str]) -> list[tuple[Any, ...]]:
        """Return the rows of a query that ends in ``IN``, for some values at a time."""

        def select() -> list[tuple[Any, ...]]:
            """Return all rows."""
            rows: list[tuple[Any, ...]] = []
            for first in range(0, len(values), _AT_ONCE):
                some = values[first : first + _AT_ONCE]
                marks = ", ".join("?" * len(some))
                rows += self._db.execute(f"{query} ({marks})", (self._account, *some)).fetchall()
            return rows

        return self._attempt(select, [])

    def _insert(self, statement: str, files: Iterable[KnownFile | SentFile]) -> None:
        rows = [(self._account, *file) for file in files]
        self._attempt(lambda: self._many(statement, rows), None)

    def _many(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        for first in range(0, len(rows), _AT_ONCE):
            with self._db:
                self._db.execute("BEGIN IMMEDIATE")
                self._db.executemany(statement, rows[first : first + _AT_ONCE])

    def _attempt(self, function: Callable[[], Value], instead: Value) -> Value:
        """Return a function's value; if the database fails, say so once, and go on without it."""
        try:
            with self._lock:
                return function()
        except (sqlite3.Error, ValueError, OverflowError) as error:  # the latter: text and numbers it cannot hold
            if not self._failed:
                _log.warning(
                    "The state %s cannot be used: %s. Files may be sent again.", self.path, describe_exception(error)
                )
            self._failed = True
            return instead


def _as_text(path: str) -> str:
    """Return a path as text that SQLite can keep: names of files can have bytes that are not UTF-8."""
    return path.encode("utf-8", "backslashreplace").decode()


def _columns(stamp: FileStamp) -> tuple[str, str, int, int]:
    """Return a stamp as it is kept; some file systems have numbers of 64 bits without a sign, which SQLite has not."""
    return str(stamp.device), str(stamp.inode), stamp.modified, stamp.size


def check_file(path: Path) -> None:
    """Check that a file is a state, or can be one; raise `MappingError` if it cannot."""
    with _errors_of(path):
        _is_begun(path)


@contextmanager
def _errors_of(path: Path | None) -> Iterator[None]:
    """Turn errors of a file into one that names it and says what to do."""
    try:
        yield
    except (OSError, ValueError, sqlite3.Error) as error:
        words = f"The state {path} cannot be used: {describe_exception(error)}."
        raise MappingError(words, fix="Check its permissions, or pass another file.") from None


def _open(path: Path | None) -> sqlite3.Connection:
    """Open a state; another file is not changed."""
    begun = path is not None and _is_begun(path)
    # SQLite deletes a file without a name when it is closed.
    db = sqlite3.connect(path or "", timeout=_WAIT, isolation_level=None, check_same_thread=False)
    try:
        # Not WAL, which needs memory that all processes share: a folder can be on another machine.
        db.execute("PRAGMA synchronous = NORMAL")
        if not begun:
            db.executescript(f"BEGIN IMMEDIATE; PRAGMA application_id = {APPLICATION}; {_TEMPLATE} COMMIT;")
    except BaseException:
        db.close()
        raise
    return db


def _is_begun(path: Path) -> bool:
    """Whether a file has a state; create it if there is none. Raise `MappingError` if it is another file."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        # 0600, since names of files can be confidential.
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    head = _head(path)
    if head and (head[:16] != _HEADER or int.from_bytes(head[68:72], "big") != APPLICATION):
        raise MappingError(f"The file {path} is not a state of ikpipe.", about=keyword("state", str(path)))
    return bool(head)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(100)
