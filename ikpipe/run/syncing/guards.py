"""What may be deleted from a folder of the library, and when nothing may be. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from ikpipe.errors import MappingError, Message, keyword
from ikpipe.request.names import canonical_path
from ikpipe.run.syncing.local_folder import Scan
from ikpipe.run.syncing.patterns import PathFilter
from ikpipe.service.library import version_id

ALL = "all"
"""The value of `delete` that deletes more than half of a folder, everything, or in the whole library."""
UNREAD = frozenset({"file_unreadable", "file_not_found", "file_changed", "fetch_failed", "unreadable_value"})
"""Codes of rows whose files could not be read."""


class LibraryFile(NamedTuple):
    """A file of the library as it was listed."""

    file_id: str
    version: str | None
    path: str
    details: Mapping[str, Any]

    @classmethod
    def of(cls, file: Mapping[str, Any]) -> LibraryFile:
        """Return a file from its details in the media API."""
        return cls(str(file["fileId"]), version_id(file), str(file["filePath"]), file)


class SyncScope:
    """Which files of the library a sync may move or delete: those in its folder that nothing in the source stands for.

    `folder` has no slash at its end; `names` is that of `Policy`. `chosen` are the patterns for paths of the library.
    """

    def __init__(self, folder: str, names: str, chosen: PathFilter) -> None:
        self.folder, self._names, self._chosen = folder, names, chosen
        self._targets: set[str] = set()
        self._protected: set[str] = set()
        self._folders: set[str] = set()

    def add_targets(self, paths: Iterable[str]) -> None:
        """Note paths in the library that the source has files for."""
        self._targets.update(canonical_path(path, self._names) for path in paths)

    def protect(self, scan: Scan) -> None:
        """Note what a folder has; all of it stays in the library, whether it is sent or left out."""
        self._protected.update(self._path(path) for path in (*scan.files, *scan.left))
        self._folders.update(self._path(path) for path in scan.left_folders)

    def _path(self, path: str) -> str:
        return canonical_path(f"{self.folder}/{path}", self._names).rstrip("/")

    def read(self, file: Mapping[str, Any]) -> tuple[bool, LibraryFile | None]:
        """Return whether a file of the folder counts, since no pattern excludes it, and the file if it may go."""
        path = canonical_path(str(file["filePath"]), "as_given")
        if not path.startswith(f"{self.folder}/") or not self._chosen.has(path[len(self.folder) + 1 :]):
            return False, None
        if path in self._targets:
            return True, None
        other = canonical_path(path, self._names)
        known = other in self._targets or other in self._protected or self._is_below(other)
        return True, None if known else LibraryFile.of(file)

    def _is_below(self, path: str) -> bool:
        """Whether a path is in a folder of which nothing was read."""
        at = path.find("/", len(self.folder) + 1) if self._folders else -1
        while at >= 0:
            if path[:at] in self._folders:
                return True
            at = path.find("/", at + 1)
        return path in self._folders or self.folder in self._folders


def check_delete(delete: object) -> None:
    """Check the value of `delete`; raise `MappingError` if it is not valid."""
    if not isinstance(delete, bool) and delete != ALL:
        raise MappingError("The value must be True, False or 'all'.", about=keyword("delete", delete))


def refusal(folder: str, rows: int, going: int, count: int, *, delete: bool | str) -> MappingError | None:
    """Return why files are not deleted although that was asked for; None if they are.

    `rows` are the files of the source, `going` the files that would be deleted of the `count` ones in the folder.
    """
    if delete is not True:
        return None
    fix = Message("If that is intended, use ", keyword("delete", ALL), ".")
    if not folder:
        words = "The folder / is the whole library, whose other files would be deleted."
        return MappingError(words, fix=Message("Name a folder. ", fix))
    if not rows:
        words = "The source has no files, so that all files of the folder would be deleted."
        return MappingError(words, fix=Message("Check the source and the patterns. ", fix))
    if 2 * going > count:
        words = f"{going:,} of the {count:,} files in {folder} would be deleted, more than half."
        return MappingError(words, fix=Message("Check the source and the folder. ", fix))
    return None


def obstacle(errors: Collection[str], statuses: Mapping[str, int], unread: int, unknown_targets: int) -> str | None:
    """Return why nothing is deleted or moved; None if nothing speaks against it.

    `errors` are those of reading the source. `statuses` are the numbers of rows by status, `unread` is that of rows
    whose files could not be read, `unknown_targets` that of rows for which nobody knows where they would be stored.
    """
    failed = {name: statuses[name] for name in ("failed", "unknown", "cancelled") if statuses.get(name)}
    if errors:
        return next(iter(errors))
    if failed:
        return f"Not all files were uploaded: {', '.join(f'{count:,} {name}' for name, count in failed.items())}."
    if unread:
        return f"{unread:,} {'file' if unread == 1 else 'files'} of the source could not be read."
    if unknown_targets:
        return f"{unknown_targets:,} invalid {'row has' if unknown_targets == 1 else 'rows have'} no known path."
    return None
