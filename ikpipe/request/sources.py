"""Resolve the value of `file`: a URL, a path below a root, bytes, a data URI, base64 text."""

from __future__ import annotations

import base64
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, Literal, NamedTuple
from unicodedata import normalize

from ikpipe.errors import InvalidValue, Message, keyword, quoted, unreadable
from ikpipe.request.urls import last_segment, plain_place, valid_url

_SHOWN = 60  # characters of base64: more may be a file, and less a path
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(//)?")
# Browsers strip control characters and spaces around a URL (WHATWG URL, 4.4); the others come with copied text.
_HOST_FIRST = re.compile(r"\s*www\.[^/\s]+/", re.IGNORECASE)  # an address as browsers show it
_AROUND = "".join(map(chr, range(0x21))) + "\u00a0\u200b\ufeff"


class FileStamp(NamedTuple):
    """Identity and state of a file, to notice that it was replaced or changed since it was resolved."""

    device: int
    inode: int
    modified: int  # nanoseconds
    size: int

    @classmethod
    def of(cls, status: os.stat_result) -> FileStamp:
        """Return the stamp of a file."""
        return cls(status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size)


class FileSource(NamedTuple):
    """The origin of a file's bytes.

    `kind` is ``url`` (the service fetches it), ``fetch`` (this machine does), ``text`` (base64 or a data URI, sent
    as it is), ``bytes``, ``path``, or ``held`` (a browser has the file and sends it). `text` is the URL, the text, the
    path as it was given, or the browser's id of the file; `size` is in bytes, None for URLs. A path has the `stamp` of
    its file and, below a root, the root's real path as its `base`; `found_as` is another spelling of the path as given,
    under which the file was found.
    """

    kind: Literal["url", "fetch", "text", "bytes", "path", "held"]
    name: str | None = None
    text: str = ""
    content: bytes = b""
    path: str | None = None  # not a `Path`, which would keep the name of each file in Python's table of names
    size: int | None = None
    base: Path | None = None
    stamp: FileStamp | None = None
    found_as: str | None = None


@dataclass(frozen=True, slots=True)
class FileResolver:
    """Resolves the files of a run from the values of cells.

    `root` is the folder that text paths are relative to and must not leave; None rejects text that is not a URL. With
    `base64`, text is raw base64 (``file_kind="base64"``). `fetch` is ``"client"`` to download URLs to this machine and
    upload them from here. `max_size` is that of a file in bytes; None sets no limit here. `held` returns the file of a
    browser that a text stands for; None if there are none.
    """

    root: Path | None = None
    base64: bool = False
    fetch: str = "server"
    max_size: int | None = None
    held: Callable[[str], FileSource | None] | None = None

    def read(self, value: object) -> FileSource:
        """Return the file of one cell; nothing is opened yet.

        Raise `InvalidValue` if the file is missing, not allowed or too large, or the value cannot be a file.
        """
        return self._read(value, _Folders(self.root))

    def read_all(self, values: Iterable[Any]) -> list[FileSource | InvalidValue | None]:
        """Return the files of many cells, each or its problem, resolving each folder once. None stays None."""
        folders = _Folders(self.root)
        sources: list[FileSource | InvalidValue | None] = []
        for value in values:
            try:
                sources.append(None if value is None else self._read(value, folders))
            except InvalidValue as bad:
                sources.append(bad.with_traceback(None))
            except Exception as error:  # noqa: BLE001 - a cell can be of any class, and concerns its own row alone
                sources.append(unreadable(value, error))
        return sources

    def _read(self, value: object, folders: _Folders) -> FileSource:
        source = self._text(value, folders) if isinstance(value, str) else self._other(value, folders)
        if source.size == 0:
            raise InvalidValue("bad_file", "This file is empty (0 bytes).", "Use a file that is not empty.")
        if self.max_size is not None and source.size is not None and source.size > self.max_size:
            words = f"The file is too large ({source.size:,} bytes; the account allows {self.max_size:,})."
            raise InvalidValue("file_too_large", words, "Use a smaller file.")
        return source

    def _other(self, value: object, folders: _Folders) -> FileSource:
        if isinstance(value, (bytes, bytearray, memoryview)):
            return FileSource("bytes", content=bytes(value), size=len(value))
        if isinstance(value, Path):
            return self._path(value, value, folders)
        words = f"A value of type {type(value).__name__} cannot be a file: {quoted(value)}."
        raise InvalidValue("bad_file", words, "Use a URL, a path, bytes or a data URI.")

    def _text(self, text: str, folders: _Folders) -> FileSource:
        if self.held is not None and (held := self.held(text)) is not None:
            return held
        if self.base64:
            return FileSource("text", text=text, size=_base64_size(text))
        if place := plain_place(text):
            return FileSource(self._url_kind, place[1], place[0])
        if source := self._with_scheme(text.strip(_AROUND)):
            return source
        if self.root is None:
            fix: str = Message("If it is a path, pass the folder of the files with ", keyword("root"), ".")
            if _HOST_FIRST.match(text):
                fix = f"Write https:// before it: {quoted(f'https://{text.strip(_AROUND)}')}."
            raise InvalidValue(
                "file_not_allowed", f"The file {quoted(text)} is not a URL, and no root folder is set.", fix
            )
        return self._path(text, text, folders)

    @property
    def _url_kind(self) -> Literal["fetch", "url"]:
        return "fetch" if self.fetch == "client" else "url"

    def _with_scheme(self, text: str) -> FileSource | None:
        """Return the file of a URL or a data URI; None for text without a scheme."""
        scheme = _SCHEME.match(text)
        name = scheme[1].lower() if scheme else ""
        if name == "data":
            return _data_uri(text)
        if name in ("http", "https"):
            address = valid_url(text)
            return FileSource(self._url_kind, last_segment(address), address)
        if name == "file":
            fix = Message("Use a path, and set its root folder with ", keyword("root"), ".")
            raise InvalidValue("file_not_allowed", f"A file:// URL is not allowed: {quoted(text)}.", fix)
        if scheme and scheme[2]:
            words = f"The URL must start with http:// or https://: {quoted(text)}."
            raise InvalidValue("bad_url", words, "Correct the URL.")
        return None

    def _path(self, path: Path | str, given: object, folders: _Folders) -> FileSource:
        if source := folders.file(str(path)):
            return source
        try:
            return self._followed(Path(path), given)
        except InvalidValue as bad:
            if bad.code != "file_not_found":
                raise
            return self._found_otherwise(path, given, folders, bad)

    def _found_otherwise(self, path: Path | str, given: object, folders: _Folders, bad: InvalidValue) -> FileSource:
        """Return the file that a path means if it exists in another spelling: with slashes, or in another case.

        Raise `InvalidValue` if there is none, or it must not be uploaded: another spelling is checked as if it had been
        given.
        """
        for spelling in self._spellings(path, folders):
            try:
                source = self._followed(Path(spelling), given)
            except InvalidValue as other:
                if other.code == "file_not_found":
                    continue
                raise
            # The name is as given, except for what cannot be in the name of a file.
            name = PurePath(path_as_meant(path) if isinstance(path, str) else path).name
            return source._replace(name=name, found_as=spelling)
        raise bad.with_traceback(None)

    def _spellings(self, path: Path | str, folders: _Folders) -> Iterator[str]:
        """Yield other spellings of a path that does not exist."""
        text = str(path)
        meant = path_as_meant(text) if isinstance(path, str) else text
        if meant != text:
            yield meant
        if (found := folders.existing_spelling(meant)) not in (None, meant):
            yield found

    def _followed(self, path: Path, given: object) -> FileSource:
        """Return a file, following links; raise `InvalidValue` if it cannot be read or must not be."""
        shown = quoted(str(given))
        base, real, status = self._resolved(path, shown)
        if base is not None and not real.is_relative_to(base):
            words = f"The file {shown} is outside the root folder {self.root}."
            raise InvalidValue("file_not_allowed", words, "Move the file into the root folder.")
        if stat.S_ISDIR(status.st_mode):
            raise InvalidValue("file_unreadable", f"The path {shown} is a folder.", "Use the path of a file.")
        if not stat.S_ISREG(status.st_mode):
            raise InvalidValue("file_unreadable", f"The path {shown} is not a regular file.", "Use the path of a file.")
        if not os.access(real, os.R_OK):
            fix = "Change the file's permissions, or run ikpipe as a user who may read it."
            raise InvalidValue("file_unreadable", f"The file {shown} cannot be read: permission denied.", fix)
        return FileSource("path", path.name, str(given), b"", str(real), status.st_size, base, FileStamp.of(status))

    def _resolved(self, path: Path, shown: str) -> tuple[Path | None, Path, os.stat_result]:
        """Return the root and a file below it, both without links, and the status of the file."""
        try:
            base = self.root.resolve(strict=True) if self.root is not None else None
            real = (path if base is None else base / path).resolve(strict=True)
            return base, real, real.stat()
        except (FileNotFoundError, NotADirectoryError):
            where = f" in the folder {quoted(str(self.root))}" if self.root is not None else ""
            raise InvalidValue("file_not_found", f"There is no file {shown}{where}.", "Correct the path.") from None
        except (OSError, ValueError, RuntimeError) as error:
            why = getattr(error, "strerror", None) or error
            raise InvalidValue(
                "file_unreadable", f"The file {shown} cannot be read: {why}.", "Correct the path."
            ) from None


class _Folders:
    """Resolves files in folders that it resolves once: one `lstat` a file.

    Not to be kept: a folder that is replaced by a link later can lead anywhere.
    """

    def __init__(self, root: Path | None) -> None:
        self._root = root
        self._base: Path | None = None
        self._real: dict[str, str | None] = {}
        self._names: dict[Path, dict[str, list[str]]] = {}

    def file(self, text: str) -> FileSource | None:
        """Return a regular file; None if it is a link or cannot be read, and has to be resolved on its own."""
        parent, slash, name = text.rpartition("/")
        if name in ("", ".", "..") or (slash and not parent.strip("/")) or os.sep != "/":
            return None
        if parent not in self._real:
            self._real[parent] = self._resolved(parent)
        folder = self._real[parent]
        if folder is None:
            return None
        try:
            path = os.path.join(folder, name)  # noqa: PTH118 - `Path.lstat` takes twice as long
            status = os.lstat(path)
        except (OSError, ValueError):
            return None
        if not stat.S_ISREG(status.st_mode) or not os.access(path, os.R_OK):
            return None
        return FileSource("path", name, text, b"", path, status.st_size, self._base, FileStamp.of(status))

    def _resolved(self, parent: str) -> str | None:
        """Return the real path of a folder; None if it is outside the root or does not exist."""
        try:
            base = None if self._root is None else self._root.resolve(strict=True)
            real = ((base or Path()) / parent).resolve(strict=True)
        except (OSError, ValueError, RuntimeError):
            return None
        self._base = base
        return str(real) if base is None or real.is_relative_to(base) else None

    def existing_spelling(self, path: str) -> str | None:
        """Return a path with each level as it exists, in upper or lower case and any Unicode form; None if it does not.

        Tables from Windows and macOS rely on file systems that ignore both. Of two names that differ only in them,
        none is meant.
        """
        base, found = self._root or Path(), Path()
        for level in Path(path).parts:
            names = [level] if os.path.lexists(base / found / level) else self._alike(base / found, level)
            if len(names) != 1:
                return None
            found /= names[0]
        return str(found)

    def _alike(self, folder: Path, name: str) -> list[str]:
        """Return the names in a folder that are equal to a name apart from case and Unicode form."""
        if folder not in self._names:
            self._names[folder] = _names_by_key(folder)
        return self._names[folder].get(_spelling_key(name), [])


def _names_by_key(folder: Path) -> dict[str, list[str]]:
    """Return the names in a folder, together if only case or Unicode form differs; none if it cannot be listed."""
    names: dict[str, list[str]] = {}
    with suppress(OSError, ValueError):
        for name in os.listdir(folder):  # noqa: PTH208 - names are enough
            names.setdefault(_spelling_key(name), []).append(name)
    return names


def _spelling_key(name: str) -> str:
    return normalize("NFC", normalize("NFC", name).casefold())


def path_as_meant(path: str) -> str:
    """Return a path with slashes instead of the backslashes of Windows, and without spaces around it."""
    return path.strip(_AROUND).replace("\\", "/")


def _data_uri(text: str) -> FileSource:
    head, comma, data = text.partition(",")
    if not comma or not head.lower().endswith(";base64") or not head.isascii():
        words = f"The base64 data URI is not valid: {quoted(text)}."
        raise InvalidValue("bad_file", words, "Use data:image/png;base64,… .")
    return FileSource("text", text=text, size=_base64_size(data))


def _base64_size(text: str) -> int:
    """Return the decoded size of base64 text, in bytes."""
    try:
        size = len(base64.b64decode("".join(text.split()), validate=True))
    except ValueError as error:
        shown = quoted(text) if len(text) <= _SHOWN else f"{len(text):,} characters"
        words = f"The base64 is not valid ({error}): {shown}."
        raise InvalidValue("bad_file", words, "Encode the file again.") from None
    if not size:
        raise InvalidValue("bad_file", "This file is empty (0 bytes of base64).", "Use a file that is not empty.")
    return size
