"""What the service remembers: files with their details, versions, metadata fields and spent tokens, on disk.

One SQLite connection serves every thread, one transaction at a time: two uploads to one target follow each other,
so that one of them sees what the other has stored.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

Details = dict[str, Any]
"""A file's details under their wire names, without addresses: those depend on the port."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS files (
    id TEXT PRIMARY KEY, folder TEXT NOT NULL, name TEXT NOT NULL, stored REAL NOT NULL, details TEXT NOT NULL,
    UNIQUE (folder, name));
CREATE TABLE IF NOT EXISTS versions (id TEXT PRIMARY KEY, file TEXT NOT NULL, number INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS versions_of ON versions (file, number);
CREATE TABLE IF NOT EXISTS tokens (digest TEXT PRIMARY KEY, expires INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS fields (
    id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, field TEXT NOT NULL, deleted INTEGER NOT NULL DEFAULT 0);
"""


def new_id() -> str:
    """Make an identifier that looks like the service's own: 24 hexadecimal digits."""
    return secrets.token_hex(12)


@dataclass(frozen=True, slots=True)
class Stored:
    """A file's details, and since when it can be in lists (seconds since the epoch)."""

    details: Details
    since: float


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
        self._lock = threading.RLock()
        self._fields: list[Details] | None = None
        self._db = sqlite3.connect(directory / "details.sqlite", check_same_thread=False, isolation_level=None)
        # OFF outlives a killed process; only a power cut could lose an upload, and this is an emulator
        self._db.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; {SCHEMA}")

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the store for this thread alone; an exception undoes what was written."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._db.execute(query, values).fetchall()

    def bytes_of(self, version: str) -> Path:
        """Give the place of a version's bytes."""
        return self._versions / version

    # Tokens

    def spend(self, digest: str, expires: int) -> bool:
        """Mark a token as used; False if it already was."""
        with self._lock:
            return self._db.execute("INSERT OR IGNORE INTO tokens VALUES (?, ?)", (digest, expires)).rowcount == 1

    def give_back(self, digest: str) -> None:
        """Make a token usable again."""
        self._rows("DELETE FROM tokens WHERE digest = ?", digest)

    # Files

    def at(self, folder: str, name: str) -> Details | None:
        """Find the file at a place."""
        rows = self._rows("SELECT details FROM files WHERE folder = ? AND name = ?", folder, name)
        return json.loads(rows[0][0]) if rows else None

    def get(self, file_id: str) -> Details | None:
        """Find a file by its id."""
        rows = self._rows("SELECT details FROM files WHERE id = ?", file_id)
        return json.loads(rows[0][0]) if rows else None

    def files(self, folder: str | None = None) -> Iterator[Stored]:
        """Give every file, or those right in one folder, oldest first."""
        query = "SELECT details, stored FROM files"
        if folder is None:
            rows = self._rows(f"{query} ORDER BY stored, rowid")
        else:
            rows = self._rows(f"{query} WHERE folder = ? ORDER BY stored, rowid", folder)
        return (Stored(json.loads(details), stored) for details, stored in rows)

    def uploads(self) -> int:
        """Count the versions that are stored."""
        return int(self._rows("SELECT count(*) FROM versions")[0][0])

    def versions(self, file_id: str) -> list[str]:
        """Give the ids of a file's versions, oldest first."""
        return [row[0] for row in self._rows("SELECT id FROM versions WHERE file = ? ORDER BY number", file_id)]

    def add_version(self, folder: str, details: Details, number: int, since: float) -> None:
        """Store the details of a new version; of a new file also the time from which lists have it."""
        file_id = details["fileId"]
        self._rows("INSERT INTO versions VALUES (?, ?, ?)", details["versionInfo"]["id"], file_id, number)
        self._rows(
            "INSERT INTO files VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET details = excluded.details",
            *(file_id, folder, details["name"], since, json.dumps(details)),
        )

    def drop_version(self, version: str) -> None:
        """Forget one version and its bytes."""
        self._rows("DELETE FROM versions WHERE id = ?", version)
        self.bytes_of(version).unlink(missing_ok=True)

    def update(self, details: Details) -> None:
        """Store changed details of a file."""
        self._rows("UPDATE files SET details = ? WHERE id = ?", json.dumps(details), details["fileId"])

    def delete(self, file_ids: Iterable[str]) -> list[str]:
        """Delete files with all their versions; gives the ids that were there."""
        with self.transaction():
            found = [file_id for file_id in dict.fromkeys(file_ids) if self.get(file_id) is not None]
            for file_id in found:
                for version in self.versions(file_id):
                    self.drop_version(version)
                self._rows("DELETE FROM files WHERE id = ?", file_id)
        return found

    # Custom metadata fields

    def fields(self) -> list[Details]:
        """Give the custom metadata fields, in the order of their making."""
        with self._lock:
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
        self._rows(
            "INSERT INTO fields (id, name, field) VALUES (?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET field = excluded.field",
            *(field["id"], field["name"], json.dumps(field)),
        )

    def delete_field(self, field_id: str) -> bool:
        """Delete a custom metadata field, whose name stays taken (`spec`); False if there is none."""
        with self._lock:
            self._fields = None
            return (
                self._db.execute("UPDATE fields SET deleted = 1 WHERE id = ? AND NOT deleted", (field_id,)).rowcount
                == 1
            )
