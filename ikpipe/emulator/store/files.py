"""Files with their details, versions and bytes.

Inserts hardly slow down as the database grows: new rows go to the end of every index but those of names and tags.
"""

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from ikpipe.emulator.store import selection
from ikpipe.emulator.store.database import Database
from ikpipe.emulator.store.folders import BELOW, StoredFolders, bounds
from ikpipe.emulator.store.identifiers import timestamp
from ikpipe.emulator.store.selection import Indexed, ListOrder

Details = dict[str, Any]
"""A file's details by their names in the API, without URLs, which depend on the port."""
OF_THE_BYTES = frozenset(
    ("size", "hasAlpha", "width", "height", "bitRate", "videoCodec", "audioCodec", "duration", "embeddedMetadata")
)
"""The details that follow from a version's bytes."""

_COLUMNS = ("id", "folder", "name", "stored", "details", *selection.SORTED_BY)
_INSERT = (
    f"INSERT INTO files ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608 - no input in it
    " ON CONFLICT (id) DO UPDATE SET details = excluded.details"
)


class StoredFiles:
    """The files of the media library; the bytes of each version are a file of `directory`."""

    SCHEMA = """
    CREATE TABLE IF NOT EXISTS files (
        id TEXT PRIMARY KEY, folder TEXT NOT NULL, name TEXT NOT NULL, stored REAL NOT NULL, details TEXT NOT NULL);
    CREATE UNIQUE INDEX IF NOT EXISTS files_at ON files (name, folder);
    CREATE TABLE IF NOT EXISTS versions (
        id TEXT NOT NULL, file TEXT NOT NULL, number INTEGER NOT NULL, details TEXT, PRIMARY KEY (file, number))
        WITHOUT ROWID;
    """

    def __init__(self, database: Database, directory: Path, folders: StoredFolders) -> None:
        self._database = database
        self._directory = directory
        self._folders = folders
        if database.is_earlier:
            self._upgrade()
        self.uploads: int = database.rows("SELECT count(*) FROM versions")[0][0]
        """The number of stored versions."""

    def bytes_of(self, version: str) -> Path:
        """Return the path of a version's bytes."""
        return self._directory / version

    def size(self) -> int:
        """Return the size of all versions in bytes. Safe to call from any thread."""
        total = 0
        with os.scandir(self._directory) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):  # deleted in the meantime
                    total += entry.stat().st_size
        return total

    def at(self, folder: str, name: str) -> Details | None:
        """Return the file with a name in a folder, or None."""
        return self._file("folder = ? AND name = ?", folder, name)

    def get(self, file_id: str) -> Details | None:
        """Return the file with an id, or None."""
        return self._file("id = ?", file_id)

    def _file(self, where: str, *values: str) -> Details | None:
        rows = self._database.rows(f"SELECT details FROM files WHERE {where}", *values)  # noqa: S608 - no input in it
        return json.loads(rows[0][0]) if rows else None

    def select(self, newest: float, conditions: Sequence[Indexed], order: ListOrder, skip: int = 0) -> Iterator[str]:
        """Yield the details of files that meet conditions as JSON, in an order. Safe to call from any thread.

        `newest` is the latest time of storage, in seconds since 1970; the first `skip` files are left out.
        """
        return selection.select_files(self._database, conditions, order, newest, skip)

    def select_earlier(self, newest: float, folder: str | None) -> Iterator[Details]:
        """Yield all earlier versions of files, or those of files directly in a folder. Safe to call from any thread."""
        query = (
            "SELECT files.details, versions.details FROM versions JOIN files ON files.id = versions.file"
            " WHERE versions.details IS NOT NULL AND stored <= ? AND folder = ifnull(?, folder)"
        )
        with self._database.reader() as reader:
            for current, details in reader.execute(query, (newest, folder)):
                yield _own_details(json.loads(current), details)

    def any_below(self, folder: str) -> bool:
        """Whether there are files in a folder or below it."""
        query = f"SELECT 1 FROM files WHERE folder {BELOW} LIMIT 1"  # noqa: S608 - no input in it
        return bool(self._database.rows(query, *bounds(folder)))

    # Versions: the details of the current one are those of the file, each earlier one has its own

    def versions(self, file_id: str) -> list[str]:
        """Return the ids of a file's versions, oldest first."""
        rows = self._database.rows("SELECT id FROM versions WHERE file = ? ORDER BY number", file_id)
        return [row[0] for row in rows]

    def earlier(self, file_id: str) -> list[Details]:
        """Return the details of all versions but the current one, newest first."""
        current = self.get(file_id)
        if current is None:
            return []
        query = "SELECT details FROM versions WHERE file = ? AND details IS NOT NULL ORDER BY number DESC"
        return [_own_details(current, row[0]) for row in self._database.rows(query, file_id)]

    def version(self, file_id: str, version_id: str) -> Details | None:
        """Return the details of a version of a file, or None."""
        current = self.get(file_id)
        if current is None or current["versionInfo"]["id"] == version_id:
            return current
        rows = self._database.rows("SELECT details FROM versions WHERE file = ? AND id = ?", file_id, version_id)
        return _own_details(current, rows[0][0]) if rows else None

    def next_number(self, file_id: str) -> int:
        """Return the number of a file's next version."""
        return int(self._database.rows("SELECT max(number) + 1 FROM versions WHERE file = ?", file_id)[0][0])

    def add_version(self, folder: str, details: Details, number: int, listed_from: float) -> None:
        """Store the details of a new version; for a new file, also the time from which lists show it."""
        file_id, write = details["fileId"], self._database.write
        if number > 1:
            self._archive(file_id)
        write("INSERT INTO versions (id, file, number) VALUES (?, ?, ?)", details["versionInfo"]["id"], file_id, number)
        keys = (details.get(detail) for detail in selection.SORTED_BY)
        write(_INSERT, file_id, folder, details["name"], listed_from, json.dumps(details), *keys)
        add_tag = "INSERT OR IGNORE INTO tags SELECT ?, rowid FROM files WHERE id = ?"
        self._database.write_many(add_tag, ((tag, file_id) for tag in _tags(details)))
        self._folders.add(folder)
        self.uploads += 1

    def _archive(self, file_id: str) -> None:
        """Keep the details of the current version, which another one is about to replace."""
        details = self.get(file_id)
        if details is not None:
            # an earlier version was created when it became one [recorded: so were those of imagekit-python's fixtures]
            now = timestamp()
            self.update_version(details | {"type": "file-version", "createdAt": now, "updatedAt": now})

    def update_version(self, details: Details) -> None:
        """Store the changed details of an earlier version."""
        query = "UPDATE versions SET details = ? WHERE file = ? AND id = ?"
        self._database.write(query, json.dumps(details), details["fileId"], details["versionInfo"]["id"])

    def restore(self, details: Details) -> None:
        """Make an earlier version the current one, with these details; the current one becomes an earlier version."""
        self._archive(details["fileId"])
        query = "UPDATE versions SET details = NULL WHERE file = ? AND id = ?"
        self._database.write(query, details["fileId"], details["versionInfo"]["id"])
        self.update(details)

    def drop_oldest_version(self, file_id: str) -> str | None:
        """Delete a file's oldest version that is not the current one, and its bytes; return its id if there is one."""
        earlier = self.earlier(file_id)
        if not earlier:
            return None
        oldest: str = earlier[-1]["versionInfo"]["id"]
        self.delete_version(file_id, oldest)
        return oldest

    def delete_version(self, file_id: str, version_id: str) -> None:
        """Delete an earlier version and its bytes."""
        self.uploads -= self._database.write("DELETE FROM versions WHERE file = ? AND id = ?", file_id, version_id)
        self._delete_bytes(version_id)

    # Changes

    def update(self, details: Details) -> None:
        """Store the changed details of a file."""
        self._database.write("UPDATE files SET details = ? WHERE id = ?", json.dumps(details), details["fileId"])

    def move(self, folder: str, details: Details) -> None:
        """Store the details of a file that has another path now."""
        self._database.write(
            "UPDATE files SET folder = ?, name = ?, details = ? WHERE id = ?",
            *(folder, details["name"], json.dumps(details), details["fileId"]),
        )
        self._folders.add(folder)

    def link_bytes(self, version: str, new_version: str) -> None:
        """Make the bytes of a version those of another one as well: they are never changed, only deleted."""
        source, target = self.bytes_of(version), self.bytes_of(new_version)
        try:
            target.hardlink_to(source)
        except OSError:  # a file system without links, or too many of them
            shutil.copyfile(source, target)

    def delete(self, file_ids: Iterable[str]) -> list[str]:
        """Delete files with all their versions; return the ids that existed."""
        existing = [file_id for file_id in dict.fromkeys(file_ids) if self.get(file_id) is not None]
        for file_id in existing:
            versions = self.versions(file_id)
            self.uploads -= self._database.write("DELETE FROM versions WHERE file = ?", file_id)
            self._database.write("DELETE FROM files WHERE id = ?", file_id)
            for version in versions:
                self._delete_bytes(version)
        return existing

    def _delete_bytes(self, version: str) -> None:
        self._database.after_commit(partial(self.bytes_of(version).unlink, missing_ok=True))

    def _upgrade(self) -> None:
        """Add what new tables lack, and those of an earlier version of the emulator: columns, indexes, triggers."""
        self._database.add_column("versions", "details", "TEXT")
        for detail, kind in selection.SORTED_BY.items():
            self._database.add_column("files", detail, kind)
        self._database.write("CREATE INDEX versions_earlier ON versions (file) WHERE details IS NOT NULL")
        for statement in selection.SCHEMA:
            self._database.write(statement)
        self._database.write("UPDATE files SET details = details")  # the trigger fills columns and adds tags
        query = (
            "SELECT versions.id, number, files.details FROM versions JOIN files ON files.id = versions.file"
            " WHERE versions.id != json_extract(files.details, '$.versionInfo.id')"
        )
        for version, number, current in self._database.rows(query):
            # what is known of this version, and what all versions of a file have in common
            known = {name: value for name, value in json.loads(current).items() if name not in OF_THE_BYTES}
            info = {"id": version, "name": f"Version {number}"}
            size = self.bytes_of(version).stat().st_size
            self.update_version(known | {"type": "file-version", "versionInfo": info, "size": size})


def _own_details(current: Details, earlier: str) -> Details:
    """Return the details of an earlier version, which has the name and the folder of the file."""
    own: Details = json.loads(earlier)
    return own | {name: current[name] for name in ("fileId", "name", "filePath")}


def _tags(details: Details) -> set[str]:
    """Return the tags by which a file is found, also those that an extension found [docs]."""
    return {*(details["tags"] or ()), *(tag["name"] for tag in details["AITags"] or ())}
