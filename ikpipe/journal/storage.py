"""A folder that several machines share: a path, or a URL for fsspec. Its files are small and written in one step."""

import os
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from inspect import signature
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from ikpipe.errors import JournalError, MissingExtra

_PART = ".part"  # of a file that is not complete yet
_ABANDONED = 86_400.0  # seconds after which nobody is writing such a file any more
_LONGEST_WRITE = 1.0  # seconds between finding no file and having written it, for another process
_NO_STORES = ("fsspec.spec", "fsspec.asyn")  # modules of classes that stores are derived from
_NEW = threading.Lock()


class Storage(Protocol):
    """Files by their names, which may contain folders."""

    def names(self, folder: str) -> list[str]:
        """Return the sorted names of the files directly in a folder; an empty list if there is no such folder."""

    def below(self, folder: str) -> list[str]:
        """Return the names of the files in the folders directly in a folder, with few requests."""

    def read(self, name: str) -> bytes | None:
        """Return the content of a file; None if there is no such file."""

    def write(self, name: str, content: bytes, *, new: bool = False) -> None:
        """Write a file durably and in one step: nobody reads a part of it, where the store allows that.

        `new`: a file that is there already is not changed. Who reads it then has what counts: where a store cannot tell
        whether there is one, the later of two writers, for whom this waits.
        """

    def remove(self, name: str) -> None:
        """Remove a file, if there is one."""

    def remove_abandoned(self) -> None:
        """Remove what processes left that were killed while they wrote."""


def open_storage(place: str | Path, purpose: str = "journal") -> Storage:
    """Open a folder, which is created if there is none.

    `place` is a path, or a URL such as ``s3://bucket/folder``; `purpose` is what errors call its content. Raise
    `JournalError` if it cannot be used, `MissingExtra` if it is a URL, and fsspec is not installed.
    """
    scheme, separator, rest = str(place).partition("://")
    if separator and scheme not in ("file", "local"):  # which fsspec would not write as a whole
        return _Remote(str(place), purpose)
    return _Local(Path(rest if separator else str(place)), purpose)


class _Local:
    """A folder of this machine's file system."""

    def __init__(self, folder: Path, purpose: str) -> None:
        self._folder, self._purpose = folder, purpose

    def names(self, folder: str) -> list[str]:
        """Return the sorted names of the complete files directly in a folder."""
        with _errors_of(str(self._folder), self._purpose):
            try:
                names = os.listdir(f"{self._folder}/{folder}")  # noqa: PTH208 - paths take five times as long
            except FileNotFoundError:
                return []
        return sorted(f"{folder}/{name}" for name in names if not name.endswith(_PART))

    def below(self, folder: str) -> list[str]:
        """Return the names of the complete files in the folders directly in a folder."""
        folders = [inner for inner in self.names(folder) if (self._folder / inner).is_dir()]
        return [name for inner in folders for name in self.names(inner)]

    def read(self, name: str) -> bytes | None:
        """Return the content of a file; None if there is no such file."""
        with _errors_of(str(self._folder), self._purpose):
            try:
                return (self._folder / name).read_bytes()
            except FileNotFoundError:
                return None

    def write(self, name: str, content: bytes, *, new: bool = False) -> None:
        """Write a file under a temporary name, and rename it when it is on the disk."""
        path = f"{self._folder}/{name}"
        part = f"{path}.{uuid.uuid4().hex}{_PART}"
        with _errors_of(str(self._folder), self._purpose):
            with os.fdopen(_create(part), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            if new:
                _put_new(Path(part), Path(path))
            else:
                os.replace(part, path)  # noqa: PTH105 - a part of one row has no time for paths
            _sync(path.rpartition("/")[0])

    def remove(self, name: str) -> None:
        """Remove a file, if there is one."""
        with _errors_of(str(self._folder), self._purpose):
            (self._folder / name).unlink(missing_ok=True)

    def remove_abandoned(self) -> None:
        """Remove temporary files, unless somebody may still be writing them."""
        for part in self._folder.rglob(f"*{_PART}"):
            with suppress(OSError):  # another process removes it too
                if part.stat().st_mtime < time.time() - _ABANDONED:
                    part.unlink()


class _Remote:
    """A folder at a URL, by fsspec; an object of a store appears complete or not at all."""

    def __init__(self, url: str, purpose: str) -> None:
        try:
            fsspec: Any = import_module("fsspec")
        except ImportError:
            raise MissingExtra.for_extra("dask", f"A {purpose} at a URL") from None
        self._url, self._purpose = url, purpose
        with _errors_of(url, purpose):
            self._files, self._folder = fsspec.core.url_to_fs(url)
            self._files.invalidate_cache()

    def names(self, folder: str) -> list[str]:
        """Return the sorted names of the complete files directly in a folder."""
        with _errors_of(self._url, self._purpose):
            try:
                self._files.invalidate_cache()
                paths = self._files.ls(f"{self._folder}/{folder}", detail=False)
            except FileNotFoundError:
                return []
        return sorted(f"{folder}/{PurePosixPath(path).name}" for path in paths)

    def below(self, folder: str) -> list[str]:
        """Return the names of the complete files in the folders directly in a folder, by one list of the store."""
        with _errors_of(self._url, self._purpose):
            self._files.invalidate_cache()
            paths = [PurePosixPath(path) for path in self._files.find(f"{self._folder}/{folder}")]
        return sorted(f"{folder}/{path.parent.name}/{path.name}" for path in paths)

    def read(self, name: str) -> bytes | None:
        """Return the content of a file; None if there is no such file."""
        with _errors_of(self._url, self._purpose):
            try:
                content: bytes = self._files.cat_file(f"{self._folder}/{name}")
            except FileNotFoundError:
                return None
            return content

    def write(self, name: str, content: bytes, *, new: bool = False) -> None:
        """Write an object, which replaces another one of that name unless it is to be `new`."""
        path = f"{self._folder}/{name}"
        with _errors_of(self._url, self._purpose):
            self._files.makedirs(str(PurePosixPath(path).parent), exist_ok=True)
            if new:
                self._write_new(name, path, content)
            else:
                self._files.pipe_file(path, content)

    def _write_new(self, name: str, path: str, content: bytes) -> None:
        """Write an object if there is none."""
        with _NEW:  # a store may look for one before it writes
            if self.read(name) is not None:
                return
            if _creates(self._files):
                with suppress(Exception):  # there is one by now, or this store has no such condition
                    self._files.pipe_file(path, content, mode="create")
                if self.read(name) is not None:
                    return
            self._files.pipe_file(path, content)
        time.sleep(_LONGEST_WRITE)

    def remove(self, name: str) -> None:
        """Remove an object, if there is one."""
        with _errors_of(self._url, self._purpose), suppress(FileNotFoundError):
            self._files.rm_file(f"{self._folder}/{name}")

    def remove_abandoned(self) -> None:
        """Do nothing: an object that was not written as a whole is not there."""


def _creates(files: Any) -> bool:
    """Whether a store writes an object on condition that there is none; others only look for one first."""
    write: Any = getattr(files, "_pipe_file", files.pipe_file)
    function = getattr(write, "__func__", write)
    return "mode" in signature(function).parameters and function.__module__ not in _NO_STORES


def _create(path: str) -> int:
    """Create a file, and its folder if there is none, and return its handle; other users must not read them."""
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY
    try:
        return os.open(path, flags, 0o600)
    except FileNotFoundError:
        Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(path, flags, 0o600)


def _put_new(part: Path, path: Path) -> None:
    """Rename a file, unless another file has the name."""
    try:
        path.hardlink_to(part)
    except FileExistsError:
        part.unlink()
    except OSError:  # there are file systems without links
        if not path.exists():
            part.replace(path)
            time.sleep(_LONGEST_WRITE)
        part.unlink(missing_ok=True)
    else:
        part.unlink()


def _sync(folder: str) -> None:
    """Write the folder itself to the disk, where the system can."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _errors_of(place: str, purpose: str) -> Iterator[Any]:
    """Turn any error of a folder into one that names it and says what to do."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - each store has its own
        raise JournalError(f"The {purpose}'s folder {place} cannot be used: {error!r}.", another=True) from None
