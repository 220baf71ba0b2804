"""The folders of the media library, also those without files."""

from ikpipe.emulator.store.database import Database


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

    def delete(self, path: str) -> bool:
        """Delete a folder and the folders below it, but no file; return False if it does not exist."""
        self._paths = {folder for folder in self._paths if not folder.startswith(path)}
        return bool(self._database.write("DELETE FROM folders WHERE substr(path, 1, length(?)) = ?", path, path))
