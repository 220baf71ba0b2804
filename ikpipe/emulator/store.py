"""The service's database: files with their details, versions, folders, metadata fields and used tokens.

One SQLite connection serves the event loop, and no other thread. Whatever happens between two awaits is therefore
atomic: of two uploads to one path, the later one sees what the other has stored. The writes of all uploads in one round
of the event loop are committed together. Inserts do not slow down as the database grows: new rows go to the end of
every index except that of the names.
"""

import asyncio
import json
import secrets
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from ikpipe.emulator.upload.jwt_reading import ReadToken

Details = dict[str, Any]
"""A file's details by their names in the API, without URLs, which depend on the port."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS files (
    id TEXT PRIMARY KEY, folder TEXT NOT NULL, name TEXT NOT NULL, stored REAL NOT NULL, details TEXT NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS files_at ON files (name, folder);
CREATE INDEX IF NOT EXISTS files_in ON files (folder);
CREATE TABLE IF NOT EXISTS versions (
    id TEXT NOT NULL, file TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (file, number)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tokens (
    digest TEXT NOT NULL, expires INTEGER NOT NULL, PRIMARY KEY (expires, digest)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS fields (
    id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, field TEXT NOT NULL, deleted INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS folders (path TEXT PRIMARY KEY) WITHOUT ROWID;
"""

_PROCESS = secrets.token_hex(5)
_COUNTER = count(secrets.randbelow(1 << 20))


def new_id() -> str:
    """Return a new id like the service's own: 24 hexadecimal digits from the time, a random number and a counter.

    Each is greater than the one before, so that an index of them grows at its end.
    """
    return f"{int(time.time()):08x}{_PROCESS}{next(_COUNTER) & 0xFFFFFF:06x}"


def timestamp() -> str:
    """Return the current time as the service writes it: `2026-11-23T19:18:24.000Z`."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Store:
    """The account's data in `directory`: `details.sqlite`, the bytes of each version, and uploads in progress."""

    def __init__(self, directory: Path) -> None:
        self.incoming = directory / "incoming"
        self._versions = directory / "versions"
        for folder in (self.incoming, self._versions):
            folder.mkdir(parents=True, exist_ok=True)
        # uploads that an earlier process was receiving when it was killed will never be completed
        for partial in self.incoming.iterdir():
            partial.unlink()
        self._fields: list[Details] | None = None
        self._path = directory / "details.sqlite"
        # opened in the thread that starts the emulator, then used in the event loop's thread only
        self._db = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None)
        # with synchronous=OFF, data survives a killed process; only a power failure could lose an upload
        self._db.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; {SCHEMA}")
        self._folders = {row[0] for row in self._rows("SELECT path FROM folders")}
        self.uploads: int = self._rows("SELECT count(*) FROM versions")[0][0]
        """The number of stored versions."""

    def close(self) -> None:
        """Close the database."""
        if self._db.in_transaction:
            self._db.execute("COMMIT")
        self._db.close()

    async def commit(self) -> None:
        """Commit what was written, before any response reports it.

        Other uploads run first, so that what they write is committed together with it.
        """
        if self._db.in_transaction:
            await asyncio.sleep(0)
        if self._db.in_transaction:
            self._db.execute("COMMIT")

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        return self._db.execute(query, values).fetchall()

    def _write(self, query: str, *values: object) -> int:
        """Execute a change, in a transaction that `commit` ends; return the number of changed rows."""
        if not self._db.in_transaction:
            self._db.execute("BEGIN IMMEDIATE")
        return self._db.execute(query, values).rowcount

    def bytes_of(self, version: str) -> Path:
        """Return the path of a version's bytes."""
        return self._versions / version

    # Tokens

    def spend(self, token: ReadToken) -> bool:
        """Mark a token as used; return False if it already was."""
        return self._write("INSERT OR IGNORE INTO tokens (digest, expires) VALUES (?, ?)", *_key(token)) == 1

    def unspend(self, token: ReadToken) -> None:
        """Mark a token as unused again."""
        self._write("DELETE FROM tokens WHERE digest = ? AND expires = ?", *_key(token))

    # Files

    def at(self, folder: str, name: str) -> Details | None:
        """Return the file with a name in a folder, or None."""
        return self._file("folder = ? AND name = ?", folder, name)

    def get(self, file_id: str) -> Details | None:
        """Return the file with an id, or None."""
        return self._file("id = ?", file_id)

    def _file(self, where: str, *values: str) -> Details | None:
        rows = self._rows(f"SELECT details FROM files WHERE {where}", *values)  # noqa: S608 - no input in it
        return json.loads(rows[0][0]) if rows else None

    def files(
        self, newest: float, *, folder: str | None = None, name: str | None = None, skip: int = 0
    ) -> Iterator[Details]:
        """Yield files, oldest first. Safe to call from any thread.

        `newest` is the latest time of storage, in seconds since 1970; `folder` and `name` select files directly in a
        folder, or with a name (None is all); the first `skip` files are left out.
        """
        filters = {column: value for column, value in (("folder", folder), ("name", name)) if value is not None}
        where = " AND ".join(["stored <= ?", *(f"{column} = ?" for column in filters)])
        query = f"SELECT details FROM files WHERE {where} ORDER BY rowid LIMIT -1 OFFSET ?"  # noqa: S608 - no input in it
        with closing(sqlite3.connect(self._path)) as reader:
            for (details,) in reader.execute(query, (newest, *filters.values(), skip)):
                yield json.loads(details)

    def versions(self, file_id: str) -> list[str]:
        """Return the ids of a file's versions, oldest first."""
        return [row[0] for row in self._rows("SELECT id FROM versions WHERE file = ? ORDER BY number", file_id)]

    def add_version(self, folder: str, details: Details, number: int, listed_from: float) -> None:
        """Store the details of a new version; for a new file, also the time from which lists show it."""
        file_id = details["fileId"]
        self._write(
            "INSERT INTO versions (id, file, number) VALUES (?, ?, ?)", details["versionInfo"]["id"], file_id, number
        )
        self._write(
            "INSERT INTO files VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET details = excluded.details",
            *(file_id, folder, details["name"], listed_from, json.dumps(details)),
        )
        self.add_folder(folder)
        self.uploads += 1

    def drop_oldest_version(self, file_id: str) -> None:
        """Delete a file's oldest version and its bytes."""
        version, number = self._rows("SELECT id, min(number) FROM versions WHERE file = ?", file_id)[0]
        self.uploads -= self._write("DELETE FROM versions WHERE file = ? AND number = ?", file_id, number)
        self.bytes_of(version).unlink(missing_ok=True)

    def update(self, details: Details) -> None:
        """Store the changed details of a file."""
        self._write("UPDATE files SET details = ? WHERE id = ?", json.dumps(details), details["fileId"])

    def delete(self, file_ids: Iterable[str]) -> list[str]:
        """Delete files with all their versions; return the ids that existed."""
        existing = [file_id for file_id in dict.fromkeys(file_ids) if self.get(file_id) is not None]
        for file_id in existing:
            versions = self.versions(file_id)
            self.uploads -= self._write("DELETE FROM versions WHERE file = ?", file_id)
            self._write("DELETE FROM files WHERE id = ?", file_id)
            for version in versions:
                self.bytes_of(version).unlink(missing_ok=True)
        return existing

    # Folders

    def add_folder(self, path: str) -> None:
        """Store a folder and its parents."""
        # most uploads go to folders that already exist
        while path not in self._folders:
            self._folders.add(path)
            self._write("INSERT OR IGNORE INTO folders VALUES (?)", path)
            path = path[: path.rstrip("/").rfind("/") + 1] or "/"

    def delete_folder(self, path: str) -> bool:
        """Delete a folder with everything below it; return False if it does not exist."""
        below = "substr({}, 1, length(?)) = ?"
        files = self._rows(f"SELECT id FROM files WHERE {below.format('folder')}", path, path)  # noqa: S608 - no input in it
        self.delete(row[0] for row in files)
        self._folders = {folder for folder in self._folders if not folder.startswith(path)}
        return bool(self._write(f"DELETE FROM folders WHERE {below.format('path')}", path, path) or files)  # noqa: S608 - no input in it

    # Custom metadata fields

    def fields(self) -> list[Details]:
        """Return the custom metadata fields in the order of their creation."""
        # cached: every upload needs them, and they rarely change
        if self._fields is None:
            rows = self._rows("SELECT field FROM fields WHERE NOT deleted ORDER BY rowid")
            self._fields = [json.loads(row[0]) for row in rows]
        return self._fields

    def has_field_name(self, name: str) -> bool:
        """Whether a custom metadata field has a name, or had it before it was deleted."""
        return bool(self._rows("SELECT 1 FROM fields WHERE name = ?", name))

    def save_field(self, field: Details) -> None:
        """Store a new or changed custom metadata field."""
        self._fields = None
        self._write(
            "INSERT INTO fields (id, name, field) VALUES (?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET field = excluded.field",
            *(field["id"], field["name"], json.dumps(field)),
        )

    def delete_field(self, field_id: str) -> bool:
        """Delete a custom metadata field, whose name stays taken [spec]; return False if it does not exist."""
        self._fields = None
        return self._write("UPDATE fields SET deleted = 1 WHERE id = ? AND NOT deleted", field_id) == 1


def _key(token: ReadToken) -> tuple[str, int]:
    return token.digest, token.expires
