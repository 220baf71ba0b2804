"""What `file` can be: a URL, a path below a root, bytes, a data URI, base64 text."""

from __future__ import annotations

import base64
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from ikpipe.errors import InvalidValue, short_repr, unreadable
from ikpipe.request.urls import last_segment, plain_place, valid_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_SCHEME = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.-]*):(//)?")


class FileStamp(NamedTuple):
    """What tells whether a path is still the file that was planned, with the same content."""

    device: int
    inode: int
    modified: int  # nanoseconds
    size: int

    @classmethod
    def of(cls, status: os.stat_result) -> FileStamp:
        """Return the stamp of a file."""
        return cls(status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size)


class FileSource(NamedTuple):
    """Where a file's bytes come from.

    `kind` is ``url`` (the service fetches it), ``fetch`` (this machine does), ``text`` (base64 or a data URI, sent
    as it is), ``bytes``, ``path``, or ``held`` (somebody else has it, and sends it). `text` is the URL, the text, the
    path as it was given, or what its holder calls it; `size` is in bytes, None for URLs. A path that was planned has a
    `stamp`, and, below a root, the real path of that as its `base`, which it is opened below.
    """

    kind: Literal["url", "fetch", "text", "bytes", "path", "held"]
    name: str | None = None
    text: str = ""
    content: bytes = b""
    path: Path | None = None
    size: int | None = None
    base: Path | None = None
    stamp: FileStamp | None = None


@dataclass(frozen=True, slots=True)
class FileResolver:
    """How the files of a run are read from cells: what is allowed is said once.

    Parameters
    ----------
    root
        The folder that text paths live in, and may not lead out of; None refuses text that is no URL.
    base64
        Text is raw base64 (``file_kind="base64"``).
    fetch
        ``"client"`` streams URLs through this machine.
    max_size
        Largest file in bytes; None sets no limit here.
    held
        Gives the file that a text stands for, where somebody else holds it; None: nobody does.
    """

    root: Path | None = None
    base64: bool = False
    fetch: str = "server"
    max_size: int | None = None
    held: Callable[[str], FileSource | None] | None = None

    def read(self, value: object) -> FileSource:
        """Say what a cell's file is; nothing is opened yet.

        Raises
        ------
        InvalidValue
            It is not there, not allowed, too large, or nothing that can be a file.
        """
        return self._read(value, _Folders(self.root))

    def read_all(self, values: Iterable[Any]) -> list[FileSource | InvalidValue | None]:
        """Say what many cells are, at one time: a folder that they lead through is looked at once. None stays None."""
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
            raise InvalidValue("bad_file", "the file has no bytes", "give a file that is not empty")
        if self.max_size is not None and source.size is not None and source.size > self.max_size:
            raise InvalidValue(
                "file_too_large",
                f"the file has {source.size:,} bytes, the account allows {self.max_size:,}",
                "make the file smaller",
            )
        return source

    def _other(self, value: object, folders: _Folders) -> FileSource:
        if isinstance(value, (bytes, bytearray, memoryview)):
            return FileSource("bytes", content=bytes(value), size=len(value))
        if isinstance(value, Path):
            return self._path(value, value, folders)
        raise InvalidValue(
            "bad_file",
            f"{short_repr(value)} is a {type(value).__name__}, no file",
            "give a URL, a path, bytes or a data URI",
        )

    def _text(self, text: str, folders: _Folders) -> FileSource:
        if self.held is not None and (held := self.held(text)) is not None:
            return held
        if self.base64:
            return FileSource("text", text=text, size=_base64_size(text))
        kind: Literal["fetch", "url"] = "fetch" if self.fetch == "client" else "url"
        if place := plain_place(text):
            return FileSource(kind, place[1], place[0])
        if text[:5].lower() == "data:":
            return _data_uri(text)
        scheme = _SCHEME.match(text)
        if scheme and scheme[1].lower() in ("http", "https"):
            address = valid_url(text)
            return FileSource(kind, last_segment(address), address)
        if scheme and scheme[1].lower() == "file":
            raise InvalidValue(
                "file_not_allowed", f"{short_repr(text)} is a file:// address", "give the path, and root="
            )
        if scheme and scheme[2]:
            raise InvalidValue("bad_url", f"{short_repr(text)} has the scheme {scheme[1]!r}", "use http:// or https://")
        if self.root is None:
            raise InvalidValue(
                "file_not_allowed",
                f"{short_repr(text)} is no URL, and paths are not read without a root",
                "name the folder of the files: root='…'",
            )
        return self._path(text, text, folders)

    def _path(self, path: Path | str, given: object, folders: _Folders) -> FileSource:
        return folders.file(str(path)) or self._followed(Path(path), given)

    def _followed(self, path: Path, given: object) -> FileSource:
        """Find a file wherever links lead, and say what is wrong if it is none that may be read."""
        try:
            base = self.root.resolve(strict=True) if self.root is not None else None
            real = (path if base is None else base / path).resolve(strict=True)
            status = real.stat()
        except (FileNotFoundError, NotADirectoryError):
            where = f" in {self.root}" if self.root is not None else ""
            raise InvalidValue(
                "file_not_found", f"there is no file {short_repr(str(given))}{where}", "mend the path"
            ) from None
        except (OSError, ValueError, RuntimeError) as error:
            raise InvalidValue(
                "file_unreadable", f"{short_repr(str(given))} cannot be read: {error}", "mend the path"
            ) from None
        if base is not None and not real.is_relative_to(base):
            raise InvalidValue(
                "file_not_allowed", f"{short_repr(str(given))} leads out of {self.root}", "keep files inside root"
            )
        if not stat.S_ISREG(status.st_mode):
            raise InvalidValue(
                "file_unreadable", f"{short_repr(str(given))} is no plain file", "name a file, not a folder"
            )
        if not os.access(real, os.R_OK):
            words = f"{short_repr(str(given))} cannot be read: permission denied"
            raise InvalidValue(
                "file_unreadable", words, "change the file's permissions, or run as a user who may read it"
            )
        return FileSource("path", path.name, str(given), b"", real, status.st_size, base, FileStamp.of(status))


class _Folders:
    """Folders that were resolved a moment ago, so that each of their files needs but one look.

    Nobody may keep it: a folder that is replaced by a link meanwhile can lead anywhere.
    """

    def __init__(self, root: Path | None) -> None:
        self._root = root
        self._base: Path | None = None
        self._real: dict[str, Path | None] = {}

    def file(self, text: str) -> FileSource | None:
        """Find a plain file; None where there is anything to follow, or wrong."""
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
        return FileSource("path", name, text, b"", folder / name, status.st_size, self._base, FileStamp.of(status))

    def _resolved(self, parent: str) -> Path | None:
        """Say where a folder lies; None where it is out of the root, or there is none."""
        try:
            base = None if self._root is None else self._root.resolve(strict=True)
            real = ((base or Path()) / parent).resolve(strict=True)
        except (OSError, ValueError, RuntimeError):
            return None
        self._base = base
        return real if base is None or real.is_relative_to(base) else None


def _data_uri(text: str) -> FileSource:
    head, comma, data = text.partition(",")
    if not comma or not head.lower().endswith(";base64") or not head.isascii():
        raise InvalidValue("bad_file", f"{short_repr(text)} is no base64 data URI", "write data:image/png;base64,…")
    return FileSource("text", text=text, size=_base64_size(data))


def _base64_size(text: str) -> int:
    """Give the decoded size of base64 text in bytes."""
    try:
        size = len(base64.b64decode("".join(text.split()), validate=True))
    except ValueError as error:
        raise InvalidValue("bad_file", f"{short_repr(text)} is no base64: {error}", "encode the file again") from None
    if not size:
        raise InvalidValue("bad_file", "the base64 text holds no bytes", "encode the file again")
    return size
