"""The service's database: one SQLite connection, which serves the event loop and no other thread.

Whatever happens between two awaits is therefore atomic: of two uploads to one path, the later one sees what the other
has stored. The writes of all uploads in one round of the event loop are committed together.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

Row = tuple[Any, ...]


class Database:
    """The SQLite file at `path`, with the tables of `schema`, which are created if they are missing."""

    def __init__(self, path: Path, schema: str) -> None:
        self._path = path
        self._afterwards: list[Callable[[], object]] = []
        # opened in the thread that starts the emulator, then used in the event loop's thread only
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        # with synchronous=OFF, data survives a killed process; only a power failure could lose an upload
        self._connection.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; {schema}")

    def add_column(self, table: str, column: str, kind: str) -> None:
        """Add a column to a table that an earlier version of the emulator created; its values are NULL."""
        if column not in {row[1] for row in self.rows(f"PRAGMA table_info({table})")}:
            self._connection.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")

    def close(self) -> None:
        """Close the database."""
        self._commit()
        self._connection.close()

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
        if not self._connection.in_transaction:
            self._connection.execute("BEGIN IMMEDIATE")
        return self._connection.execute(query, values).rowcount

    def read(self, query: str, *values: object) -> Iterator[Row]:
        """Yield the rows of a query, as they were committed. Safe to call from any thread."""
        with closing(sqlite3.connect(self._path)) as reader:
            yield from reader.execute(query, values)
