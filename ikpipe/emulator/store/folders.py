"""The folders of the media library, also those without files."""

from collections.abc import Callable, Iterator
from typing import Any

from ikpipe.emulator.store.database import Database
from ikpipe.emulator.store.identifiers import new_id, timestamp

BELOW = "BETWEEN ? AND ?"
"""Selects the paths of a folder and of all folders below it, with an index; `bounds` returns its two values."""


def bounds(path: str) -> tuple[str, str]:
    """Return the path of a folder, which is the first in the order, and a text after those of all folders below it."""
    return path, f"{path[:-1]}0"  # "0" follows "/", and no path ends without a slash


def _nobody(_event: str, _data: dict[str, Any]) -> None:
    """Ignore a change."""


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
        self.changed: Callable[[str, dict[str, Any]], None] = _nobody
        """Is called for each change of a folder, with the event and its data."""

    def add(self, path: str) -> None:
        """Store a folder and its parents."""
        added = []
        # most uploads go to folders that already exist
        while path not in self._paths:
            self._paths.add(path)
            parent = _parent(path)
            folder = (path, new_id(), timestamp())
            self._database.write("INSERT OR IGNORE INTO folders VALUES (?, ?, ?, ?)", *folder[:2], parent, folder[2])
            added.append(folder)
            path = parent
        for folder in reversed(added):
            self._tell("folder.created", *folder)

    def rename(self, path: str, new: str) -> None:
        """Store a folder under another path as well, with its id and its time of creation, unless it exists there."""
        if new in self._paths:
            return
        self.add(_parent(new))
        for identifier, created in self._database.rows("SELECT id, created FROM folders WHERE path = ?", path):
            self._paths.add(new)
            self._database.write("INSERT INTO folders VALUES (?, ?, ?, ?)", new, identifier, _parent(new), created)
            self._tell("folder.updated", new, identifier, created)

    def _tell(self, event: str, path: str, identifier: str, created: str) -> None:
        if path != "/":
            self.changed(event, folder_details(path, identifier, created))

    def exists(self, path: str) -> bool:
        """Whether there is a folder at a path."""
        return path in self._paths

    def below(self, path: str) -> list[str]:
        """Return the paths of a folder and of all folders below it, parents first."""
        query = f"SELECT path FROM folders WHERE path {BELOW} ORDER BY path"  # noqa: S608 - no input in it
        return [row[0] for row in self._database.rows(query, *bounds(path))]

    def delete(self, path: str, *, renamed: bool = False) -> None:
        """Delete a folder and the folders below it, but no file; those that were renamed exist elsewhere."""
        query = f"SELECT path, id FROM folders WHERE path {BELOW} ORDER BY path"  # noqa: S608 - no input in it
        folders = [*self._database.rows(query, *bounds(path))]
        self._paths.difference_update(path for path, _ in folders)
        self._database.write(f"DELETE FROM folders WHERE path {BELOW}", *bounds(path))  # noqa: S608 - no input in it
        for _, identifier in [] if renamed else folders:
            self.changed("folder.deleted", {"folderId": identifier})

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
