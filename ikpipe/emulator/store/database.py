"""The service's database: one SQLite connection, which serves the event loop and no other thread.

Whatever happens between two awaits is therefore atomic: of two uploads to one path, the later one sees what the other
has stored. The writes of all uploads in one round of the event loop are committed together.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Row = tuple[Any, ...]
VERSION = 1
"""The version of the tables."""
MAPPED = 1 << 40
"""The maximum number of bytes of the database that a reader maps into memory; SQLite has a limit of its own."""


class Database:
    """The SQLite file at `path`, with the tables of `schema`, which are created if they are missing."""

    def __init__(self, path: Path, schema: str) -> None:
        self._path = path
        self._afterwards: list[Callable[[], object]] = []
        self._idle: list[sqlite3.Connection] = []
        self._lent: set[sqlite3.Connection] = set()
        self._closed = False
        # opened in the thread that starts the emulator, then used in the event loop's thread only
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        # with synchronous=OFF, data survives a killed process; only a power failure could lose an upload
        self._connection.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; {schema}")
        self.is_earlier: bool = self.rows("PRAGMA user_version")[0][0] < VERSION
        """Whether the tables are new, or those of an earlier version of the emulator, which must be upgraded."""

    def add_column(self, table: str, column: str, kind: str) -> None:
        """Add a column to a table that an earlier version of the emulator created; its values are NULL."""
        if column not in {row[1] for row in self.rows(f"PRAGMA table_info({table})")}:
            self._begin()
            self._connection.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")

    def finish_upgrade(self) -> None:
        """Commit what the upgrade of an earlier version's tables has changed."""
        if self.is_earlier:
            self.write(f"PRAGMA user_version = {VERSION}")
            self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the database."""
        self._commit()
        self._closed = True
        for reader in list(self._lent):
            reader.interrupt()  # a search can take seconds
        for connection in (*self._idle, self._connection):
            connection.close()

    async def commit(self) -> None:
        """Commit what was written, before any response reports it.

        Other uploads run first, so that what they write is committed together with it.
        """
        if self._connection.in_transaction:
            await asyncio.sleep(0)
        self._commit()

    def after_commit(self, work: Callable[[], object]) -> None:
        """Run something after the next commit, such as the deletion of bytes that no details refer to any more.

        If the process is killed in between, bytes are left over; before the commit, details without bytes would be.
        """
        self._afterwards.append(work)

    def _commit(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("COMMIT")
        works, self._afterwards = self._afterwards, []
        for work in works:
            work()

    def rows(self, query: str, *values: object) -> list[Row]:
        """Return the rows of a query."""
        return self._connection.execute(query, values).fetchall()

    def write(self, query: str, *values: object) -> int:
        """Execute a change, in a transaction that `commit` ends; return the number of changed rows."""
        self._begin()
        return self._connection.execute(query, values).rowcount

    def write_many(self, query: str, rows: Iterable[Row]) -> None:
        """Execute a change for each of some rows of values, in the same transaction."""
        self._begin()
        self._connection.executemany(query, rows)

    def _begin(self) -> None:
        if not self._connection.in_transaction:
            self._connection.execute("BEGIN IMMEDIATE")

    @contextmanager
    def reader(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection that sees what was committed; for any thread."""
        # used again, since a new connection has no page in memory
        try:
            reader = self._idle.pop()
        except IndexError:
            reader = self._new_reader()
        self._lent.add(reader)
        try:
            yield reader
        finally:
            self._lent.discard(reader)
            if self._closed:
                reader.close()
            else:
                self._idle.append(reader)

    def _new_reader(self) -> sqlite3.Connection:
        reader = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None)
        reader.execute(f"PRAGMA mmap_size={MAPPED}")
        return reader
