"""What the service remembers: files with their details, versions, metadata fields and spent tokens, on disk.

One SQLite connection serves the event loop, and no other thread: what happens between two awaits happens at once, so
that of two uploads to one target the later one sees what the other has stored. What many uploads write in one round of
the loop is committed together. Nothing grows slower with what is stored: new rows come to stand beside one another in
every index but that of the names.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import sqlite3
import time
from contextlib import closing
from itertools import count
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from ikpipe.emulator.upload.jwt_reading import ReadToken

Details = dict[str, Any]
"""A file's details under their wire names, without addresses: those depend on the port."""

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
    """Make an identifier that looks like the service's own: 24 hexadecimal digits, of the time, at random, of a count.

    Each is greater than the one before, so that an index of them grows at its end.
    """
    return f"{int(time.time()):08x}{_PROCESS}{next(_COUNTER) & 0xFFFFFF:06x}"


class Store:
    """The account's files in `directory`: `details.sqlite`, the bytes of each version, and uploads under way."""

    def __init__(self, directory: Path) -> None:
        self.incoming = directory / "incoming"
        self._versions = directory / "versions"
        for folder in (self.incoming, self._versions):
            folder.mkdir(parents=True, exist_ok=True)
        # whatever an earlier process was receiving when it was killed, no client will finish
        for left_over in self.incoming.iterdir():
            left_over.unlink()
        self._fields: list[Details] | None = None
        self._path = directory / "details.sqlite"
        # it is opened where the emulator starts, and used in the event loop's thread
        self._db = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None)
        # OFF outlives a killed process; only a power cut could lose an upload, and this is an emulator
        self._db.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; {SCHEMA}")
        self._folders = {row[0] for row in self._rows("SELECT path FROM folders")}
        self.uploads: int = self._rows("SELECT count(*) FROM versions")[0][0]
        """How many versions are stored."""

    def close(self) -> None:
        """Close the database."""
        if self._db.in_transaction:
            self._db.execute("COMMIT")
        self._db.close()

    async def commit(self) -> None:
        """Make last what was written, before anybody is told of it.

        Others have their turn first: whatever they write until then goes the same way.
        """
        if self._db.in_transaction:
            await asyncio.sleep(0)
        if self._db.in_transaction:
            self._db.execute("COMMIT")

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        return self._db.execute(query, values).fetchall()

    def _write(self, query: str, *values: object) -> int:
        """Change something; gives the number of rows that it was."""
        if not self._db.in_transaction:
            self._db.execute("BEGIN IMMEDIATE")
        return self._db.execute(query, values).rowcount

    def bytes_of(self, version: str) -> Path:
        """Give the place of a version's bytes."""
        return self._versions / version

    # Tokens

    def spend(self, token: ReadToken) -> bool:
        """Mark a token as used; False if it already was."""
        return self._write("INSERT OR IGNORE INTO tokens (digest, expires) VALUES (?, ?)", *_key(token)) == 1

    def give_back(self, token: ReadToken) -> None:
        """Make a token usable again."""
        self._write("DELETE FROM tokens WHERE digest = ? AND expires = ?", *_key(token))

    # Files

    def at(self, folder: str, name: str) -> Details | None:
        """Find the file at a place."""
        rows = self._rows("SELECT details FROM files WHERE folder = ? AND name = ?", folder, name)
        return json.loads(rows[0][0]) if rows else None

    def get(self, file_id: str) -> Details | None:
        """Find a file by its id."""
        rows = self._rows("SELECT details FROM files WHERE id = ?", file_id)
        return json.loads(rows[0][0]) if rows else None

    def files(
        self, newest: float, *, folder: str | None = None, name: str | None = None, skip: int = 0
    ) -> Iterator[Details]:
        """Give the files that were stored until then, oldest first; from any thread, and one by one.

        Parameters
        ----------
        newest
            In seconds since the epoch.
        folder, name
            Only those right in a folder, or with a name; None is all.
        skip
            Leave so many out.
        """
        narrow = {"folder": folder, "name": name}
        wanted = {column: value for column, value in narrow.items() if value is not None}
        where = " AND ".join(["stored <= ?", *(f"{column} = ?" for column in wanted)])
        query = f"SELECT details FROM files WHERE {where} ORDER BY rowid LIMIT -1 OFFSET ?"  # noqa: S608 - our own words
        with closing(sqlite3.connect(self._path)) as reader:
            for (details,) in reader.execute(query, (newest, *wanted.values(), skip)):
                yield json.loads(details)

    def versions(self, file_id: str) -> list[str]:
        """Give the ids of a file's versions, oldest first."""
        return [row[0] for row in self._rows("SELECT id FROM versions WHERE file = ? ORDER BY number", file_id)]

    def add_version(self, folder: str, details: Details, number: int, since: float) -> None:
        """Store the details of a new version; of a new file also the time from which lists have it."""
        file_id = details["fileId"]
        self._write(
            "INSERT INTO versions (id, file, number) VALUES (?, ?, ?)", details["versionInfo"]["id"], file_id, number
        )
        self._write(
            "INSERT INTO files VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET details = excluded.details",
            *(file_id, folder, details["name"], since, json.dumps(details)),
        )
        self.add_folder(folder)
        self.uploads += 1

    def drop_oldest_version(self, file_id: str) -> None:
        """Forget a file's first version and its bytes."""
        version, number = self._rows("SELECT id, min(number) FROM versions WHERE file = ?", file_id)[0]
        self.uploads -= self._write("DELETE FROM versions WHERE file = ? AND number = ?", file_id, number)
        self.bytes_of(version).unlink(missing_ok=True)

    def update(self, details: Details) -> None:
        """Store changed details of a file."""
        self._write("UPDATE files SET details = ? WHERE id = ?", json.dumps(details), details["fileId"])

    def delete(self, file_ids: Iterable[str]) -> list[str]:
        """Delete files with all their versions; gives the ids that were there."""
        found = [file_id for file_id in dict.fromkeys(file_ids) if self.get(file_id) is not None]
        for file_id in found:
            versions = self.versions(file_id)
            self.uploads -= self._write("DELETE FROM versions WHERE file = ?", file_id)
            self._write("DELETE FROM files WHERE id = ?", file_id)
            for version in versions:
                self.bytes_of(version).unlink(missing_ok=True)
        return found

    # Folders

    def add_folder(self, path: str) -> None:
        """Remember a folder, and those that it is in."""
        # most uploads go where others went before
        while path not in self._folders:
            self._folders.add(path)
            self._write("INSERT OR IGNORE INTO folders VALUES (?)", path)
            path = path[: path.rstrip("/").rfind("/") + 1] or "/"

    def delete_folder(self, path: str) -> bool:
        """Delete a folder with all that is below; False if there is none."""
        below = "substr({}, 1, length(?)) = ?"
        files = self._rows(f"SELECT id FROM files WHERE {below.format('folder')}", path, path)  # noqa: S608 - our own words
        self.delete(row[0] for row in files)
        self._folders = {one for one in self._folders if not one.startswith(path)}
        return bool(self._write(f"DELETE FROM folders WHERE {below.format('path')}", path, path) or files)  # noqa: S608 - as above

    # Custom metadata fields

    def fields(self) -> list[Details]:
        """Give the custom metadata fields, in the order of their making."""
        # every upload asks for them, and they hardly ever change
        if self._fields is None:
            rows = self._rows("SELECT field FROM fields WHERE NOT deleted ORDER BY rowid")
            self._fields = [json.loads(row[0]) for row in rows]
        return self._fields

    def has_field_name(self, name: str) -> bool:
        """Tell whether a custom metadata field has the name, or had it."""
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
        """Delete a custom metadata field, whose name stays taken (`spec`); False if there is none."""
        self._fields = None
        return self._write("UPDATE fields SET deleted = 1 WHERE id = ? AND NOT deleted", field_id) == 1


def _key(token: ReadToken) -> tuple[str, int]:
    return token.digest, token.expires
