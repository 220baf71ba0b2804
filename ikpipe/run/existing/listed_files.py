"""Listings of the media library, page by page. Their files are in a temporary file, so that they need little memory."""

from __future__ import annotations

import marshal
import sys
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO, Any
from unicodedata import normalize

from ikpipe.request.names import canonical_path, possible_paths
from ikpipe.request.planner import UploadRequest
from ikpipe.request.sources import FileSource
from ikpipe.request.targets import TargetRegistry
from ikpipe.request.values import to_json
from ikpipe.service.library import PAGE

EAGER = 5  # pages that are listed for each search that they may save
RESTARTS = 2  # of a listing that changed while it was read
_LENGTH = 4  # bytes of the length of a record
_SORT = "ASC_CREATED"  # new files come last, and a replaced one stays where it is


class DetailsFile:
    """A temporary file with the details of files, which no other process sees."""

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._end = 0

    def add(self, files: Sequence[Mapping[str, Any]]) -> list[int]:
        """Append the details of files, and return their places."""
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="ikpipe-")  # noqa: SIM115 - `close`
            weakref.finalize(self, self._file.close)
        # `marshal` takes a third of the time of JSON, and nobody else can write to the file.
        records = [marshal.dumps(_compact(file)) for file in files]
        places = []
        for record in records:
            places.append(self._end)
            self._end += _LENGTH + len(record)
        self._file.seek(0, 2)
        self._file.write(b"".join(part for record in records for part in (len(record).to_bytes(_LENGTH), record)))
        return places

    def read(self, place: int) -> dict[str, Any]:
        """Return the details of the file at a place."""
        assert self._file is not None  # noqa: S101 - for mypy
        self._file.seek(place)
        record = self._file.read(int.from_bytes(self._file.read(_LENGTH)))
        details: dict[str, Any] = marshal.loads(record)  # noqa: S302 - see `add`
        return details

    def close(self) -> None:
        """Delete the file."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            self._file = None


def _compact(file: Mapping[str, Any]) -> dict[str, Any]:
    """Return the details of a file without those that are empty; files that are read again share names and tags."""
    details: dict[str, Any] = {
        sys.intern(key): value for key, value in file.items() if value or isinstance(value, int | float)
    }
    if all(isinstance(tag, str) for tag in details.get("tags", ())):
        details["tags"] = [sys.intern(tag) for tag in details.get("tags", ())] or None
    return details


class ListedFiles:
    """The files of one listing, by their paths; 16 bytes of memory for each.

    `details` is where their details are kept. `names` is that of `Policy`: with ``"stored"``, a file whose path equals
    the target of a row once characters are replaced is found too.
    """

    def __init__(self, details: DetailsFile, names: str) -> None:
        self._details, self._names = details, names
        self._places = TargetRegistry()
        self._has_replaced = False  # whether a path has others with replaced characters

    def add(self, files: Sequence[Mapping[str, Any]]) -> bool:
        """Add files; return whether all are new. A path that was there before shows that the listing has changed."""
        places = dict(zip(map(_keys, files), self._details.add(files), strict=True))
        paths = [path for path, _ in places]
        known = self._places.find(paths)
        self._places.claim(paths, places.values())
        if self._names == "stored":
            others = {other: place for (path, other), place in places.items() if not other.endswith(path)}
            self._places.claim(others, others.values())
            self._has_replaced = self._has_replaced or bool(others)
        return not known and len(places) == len(files)

    def find(self, requests: Sequence[UploadRequest]) -> list[dict[str, Any] | None]:
        """Return the file at the target of each row; None where there is none."""
        keys = [keys_of(request, self._names) for request in requests]
        wanted = [key for row in keys for key in row if self._has_replaced or not key.startswith(_REPLACED)]
        places = self._places.find(wanted)
        return [self._first([(key, places[key]) for key in row if key in places]) for row in keys]

    def _first(self, found: Sequence[tuple[str, int]]) -> dict[str, Any] | None:
        """Return the first of some files that has the path under which it was found: hashes can be equal by chance."""
        for key, place in found:
            file = self._details.read(place)
            if key == (path := _path(file)) or key == _replaced(path):
                return file
        return None


class Listing:
    """A listing of a folder, or of a tree: the folder with those below it. It is read page by page.

    `details` and `names` are as for `ListedFiles`. `most` is the number of searches that would find all rows. `checked`
    is when its end was read, in seconds of the monotonic clock. Each page starts with the last file of the one before,
    which shows whether the library has changed meanwhile; then the listing starts again.
    """

    def __init__(self, folder: str, details: DetailsFile, names: str, most: float, *, tree: bool) -> None:
        self._folder, self._tree, self._details, self._names = folder, tree, details, names
        self._most = most
        self._read = self._restarts = self._skip = self._checked_at = self.pages = 0
        self._last: Any = None
        self.searches, self.complete, self.checked = 0, False, 0.0
        self.files = ListedFiles(details, names)

    @property
    def affordable(self) -> int:
        """The number of pages that are worth reading, instead of `searches`."""
        worth = min(EAGER * (self.searches - 1) + 1, self._most)
        return 0 if self._restarts > RESTARTS else int(worth) - self._read

    @property
    def ahead(self) -> int:
        """The number of pages to request at once: the more followed each other, the more are likely to follow."""
        return max(1, self.pages - self._checked_at)

    def query(self, number: int) -> dict[str, str | int]:
        """Return the query of a page."""
        skip = self._skip + (number - self.pages) * (PAGE - 1)
        query: dict[str, str | int] = {"sort": _SORT, "limit": PAGE, "skip": skip}
        if not self._tree:
            query["path"] = self._folder or "/"
        elif self._folder:
            query["searchQuery"] = in_tree(self._folder)
        return query

    def add(self, page: Sequence[Mapping[str, Any]]) -> bool:
        """Add the next page; return False if it shows that the library has changed: the first page is the next one."""
        self._read += 1
        first, begun = _id(page[0]) if page else None, self._last is not None
        new = page[1:] if begun else page
        if (begun and first != self._last) or not self.files.add([file for file in new if "fileId" in file]):
            self._restart()
            return False
        self.pages += 1
        self.complete = len(page) < PAGE
        if page:
            self._skip, self._last = self._skip + len(page) - 1, _id(page[-1])
        return True

    def check(self) -> None:
        """Make a complete listing read its end again: new files come last, and it moves if any file was deleted."""
        self.complete, self._checked_at = False, self.pages

    def _restart(self) -> None:
        self._restarts += 1
        self.pages = self._skip = self._checked_at = 0
        self._last, self.files = None, ListedFiles(self._details, self._names)


def _id(file: Mapping[str, Any]) -> Any:
    return file.get("fileId") or file.get("folderId")


def in_tree(folder: str) -> str:
    """Return the search for the files in a folder and below it [spec]."""
    return f"path : {to_json(folder + '/')}"


def search_query(requests: Sequence[UploadRequest], names: str) -> dict[str, str | int]:
    """Return the query that searches for the files of some rows."""
    folders: dict[str, list[str]] = {}
    for request in requests:
        folders.setdefault(folder_of(request), []).extend(_search_names(request, names))
    searches = {folder: " OR ".join(f"name = {to_json(name)}" for name in found) for folder, found in folders.items()}
    if len(searches) == 1:
        folder, search = searches.popitem()
        return {"searchQuery": search, "path": folder or "/", "limit": PAGE}
    parts = [f"({in_tree(folder)} AND ({search}))" for folder, search in searches.items()]
    return {"searchQuery": " OR ".join(parts), "limit": PAGE}


def match_files(
    files: Sequence[dict[str, Any]], requests: Sequence[UploadRequest], names: str
) -> list[dict[str, Any] | None]:
    """Return the file at the target of each row, among the files that a search has found."""
    # Two files can have paths that differ in their Unicode form only: the very path comes first.
    by_key: dict[str, dict[str, Any]] = {str(file.get("filePath")): file for file in files}
    for file in files:
        for key in _keys(file):
            by_key.setdefault(key, file)
    keys = ([request.target, *keys_of(request, names)] for request in requests)
    return [next((by_key[key] for key in some if key in by_key), None) for some in keys]


def request_at(path: str) -> UploadRequest:
    """Return a request whose target is a path in the library."""
    folder, _, name = path.rpartition("/")
    fields = {"folder": folder or "/", "fileName": name, "useUniqueFileName": "false"}
    return UploadRequest(None, 0, fields, FileSource("bytes"))


def folder_of(request: UploadRequest) -> str:
    """Return the folder of a row's target, without a slash at its end."""
    return request.target.rpartition("/")[0]


def common_folder(folders: Sequence[str]) -> str:
    """Return the folder that all of these are in or below."""
    first, last = min(folders).split("/"), max(folders).split("/")
    common = next((at for at, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), len(first))
    return "/".join(first[:common])


def _replaced(path: str) -> str:
    """Return the key of a path with replaced characters, which differs from that of the same path as it is."""
    return _REPLACED + canonical_path(path, "stored")


_REPLACED = "stored:"  # no path starts so


def _keys(file: Mapping[str, Any]) -> tuple[str, str]:
    """Return the keys under which a file is found: its path, and that with replaced characters."""
    path = _path(file)
    return path, _replaced(path)


def _path(file: Mapping[str, Any]) -> str:
    return canonical_path(str(file.get("filePath")), "as_given")


def keys_of(request: UploadRequest, names: str) -> list[str]:
    """Return the keys under which the file of a row is found, the likeliest first."""
    target = canonical_path(request.target, "as_given")
    if names != "stored":
        return [target]
    given = [] if request.given is None else [canonical_path(request.given_target, "as_given")]
    return list(dict.fromkeys((target, *given, _replaced(target))))


def _search_names(request: UploadRequest, names: str) -> list[str]:
    """Return the names that a search for the file of a row looks for."""
    paths = [*possible_paths(request.target, names), *possible_paths(request.given_target, names)]
    found = [path.rpartition("/")[2] for path in paths]
    return list(dict.fromkeys([*found, *(normalize("NFD", name) for name in found)]))
