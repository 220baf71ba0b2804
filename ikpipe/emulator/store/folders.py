"""The folders of the media library, also those without files."""

from ikpipe.emulator.store.database import Database

BELOW = "BETWEEN ? AND ?"
"""Selects the paths of a folder and of all folders below it, with an index; `bounds` returns its two values."""


def bounds(path: str) -> tuple[str, str]:
    """Return the path of a folder, which is the first in the order, and a text after those of all folders below it."""
    return path, f"{path[:-1]}0"  # "0" follows "/", and no path ends without a slash


class StoredFolders:
    """The folders by their paths, which begin and end with a slash."""

    SCHEMA = """
    CREATE TABLE IF NOT EXISTS folders (path TEXT PRIMARY KEY) WITHOUT ROWID;
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._paths = {row[0] for row in database.rows("SELECT path FROM folders")}

    def add(self, path: str) -> None:
        """Store a folder and its parents."""
        # most uploads go to folders that already exist
        while path not in self._paths:
            self._paths.add(path)
            self._database.write("INSERT OR IGNORE INTO folders VALUES (?)", path)
            path = path[: path.rstrip("/").rfind("/") + 1] or "/"

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
