"""The account's data in one folder: a part for each subject, which all share a database."""

from pathlib import Path

from ikpipe.emulator.store.database import Database
from ikpipe.emulator.store.fields import StoredFields
from ikpipe.emulator.store.files import StoredFiles
from ikpipe.emulator.store.folders import StoredFolders
from ikpipe.emulator.store.jobs import StoredJobs
from ikpipe.emulator.store.settings import StoredSettings
from ikpipe.emulator.store.tokens import SpentTokens

PARTS = (StoredFolders, StoredFiles, StoredFields, StoredSettings, SpentTokens, StoredJobs)


class Store:
    """The account's data in `directory`: `details.sqlite`, the bytes of each version, and uploads in progress."""

    def __init__(self, directory: Path) -> None:
        self.incoming = directory / "incoming"
        versions = directory / "versions"
        for folder in (self.incoming, versions):
            folder.mkdir(parents=True, exist_ok=True)
        # uploads that an earlier process was receiving when it was killed will never be completed
        for partial in self.incoming.iterdir():
            partial.unlink()
        self._database = database = Database(directory / "details.sqlite", "".join(part.SCHEMA for part in PARTS))
        self.folders = StoredFolders(database)
        self.files = StoredFiles(database, versions, self.folders)
        self.fields = StoredFields(database)
        self.jobs = StoredJobs(database)
        self.settings = StoredSettings(database)
        self.tokens = SpentTokens(database)
        database.finish_upgrade()
        self.close = database.close
        self.commit = database.commit

    def has_folder(self, path: str) -> bool:
        """Whether there is a folder at a path; the root always exists."""
        # a directory that an earlier version wrote can have files without rows for their folders
        return path == "/" or self.folders.exists(path) or self.files.any_below(path)
