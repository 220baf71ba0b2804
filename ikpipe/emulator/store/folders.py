"""The folders of the media library, also those without files."""

from collections.abc import Iterator
from typing import Any

from ikpipe.emulator.store.database import Database
from ikpipe.emulator.store.identifiers import new_id, timestamp

BELOW = "BETWEEN ? AND ?"
"""Selects the paths of a folder and of all folders below it, with an index; `bounds` returns its two values."""


def bounds(path: str) -> tuple[str, str]:
    """Return the path of a folder, which is the first in the order, and a text after those of all folders below it."""
    return path, f"{path[:-1]}0"  # "0" follows "/", and no path ends without a slash


class StoredFolders:
    """The folders by their paths, which begin and end with a slash."""

    SCHEMA = """
    CREATE TABLE IF NOT EXISTS folders (path TEXT PRIMARY KEY, id TEXT, parent TEXT, created TEXT) WITHOUT ROWID;
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        if database.is_earlier:
            self._upgrade()
        self._paths = {row[0] for row in database.rows("SELECT path FROM folders")}

    def add(self, path: str, *, like: str | None = None) -> None:
        """Store a folder and its parents; a new one gets the id and the time of creation of `like`, a folder's path."""
        is_new = path not in self._paths
        self._add(path)
        if is_new and like is not None:
            query = "UPDATE folders SET (id, created) = (SELECT id, created FROM folders WHERE path = ?) WHERE path = ?"
            self._database.write(query, like, path)

    def _add(self, path: str) -> None:
        # most uploads go to folders that already exist
        while path not in self._paths:
            self._paths.add(path)
            parent = _parent(path)
            self._database.write(
                "INSERT OR IGNORE INTO folders VALUES (?, ?, ?, ?)", path, new_id(), parent, timestamp()
            )
            path = parent

    def exists(self, path: str) -> bool:
        """Whether there is a folder at a path."""
        return path in self._paths

    def below(self, path: str) -> list[str]:
        """Return the paths of a folder and of all folders below it, parents first."""
        query = f"SELECT path FROM folders WHERE path {BELOW} ORDER BY path"  # noqa: S608 - no input in it
        return [row[0] for row in self._database.rows(query, *bounds(path))]

    def delete(self, path: str) -> None:
        """Delete a folder and the folders below it, but no file."""
        self._paths.difference_update(self.below(path))
        self._database.write(f"DELETE FROM folders WHERE path {BELOW}", *bounds(path))  # noqa: S608 - no input in it

    def select(self, parent: str | None) -> Iterator[dict[str, Any]]:
        """Yield the details of all folders, or of those directly in a folder. Safe to call from any thread."""
        query = "SELECT path, id, created FROM folders WHERE path != '/'"
        with self._database.reader() as reader:
            rows = reader.execute(query) if parent is None else reader.execute(f"{query} AND parent = ?", (parent,))
            for path, identifier, created in rows:
                yield folder_details(path, identifier, created)

    def _upgrade(self) -> None:
        """Add what the folders of an earlier version of the emulator lack."""
        for column in ("id", "parent", "created"):
            self._database.add_column("folders", column, "TEXT")
        self._database.write("CREATE INDEX folders_in ON folders (parent)")
        for (path,) in self._database.rows("SELECT path FROM folders"):
            query = "UPDATE folders SET id = ?, parent = ?, created = ? WHERE path = ?"
            self._database.write(query, new_id(), _parent(path), timestamp(), path)


def _parent(path: str) -> str:
    return path[: path.rstrip("/").rfind("/") + 1] or "/"


def folder_details(path: str, identifier: str, created: str) -> dict[str, Any]:
    """Return a folder as lists show it [spec]."""
    path = path.rstrip("/")
    return {
        "type": "folder",
        "folderId": identifier,
        "name": path.rpartition("/")[2],
        "folderPath": path,
        "customMetadata": {},
        "createdAt": created,
        "updatedAt": created,
    }
