"""A folder that several machines share: a path, or a URL that fsspec knows. Small files, written once, as a whole."""

from __future__ import annotations

import os
import uuid
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Protocol

from ikpipe.errors import JournalError, MissingExtra

if TYPE_CHECKING:
    from collections.abc import Iterator


_PART = ".part"  # of a file that is not whole yet


class Storage(Protocol):
    """Files by their names, which may have folders in them."""

    def names(self, folder: str) -> list[str]:
        """Give the names of the files right in a folder, in order; none where there is no such folder."""

    def read(self, name: str) -> bytes | None:
        """Read a file; None where there is none."""

    def write(self, name: str, content: bytes, *, new: bool = False) -> None:
        """Write a file, durably and as a whole: nobody ever reads a part of it, where the store allows that.

        `new`: one that is there by then stays as it is; in a store, the later one of two at the same moment does.
        """


def open_storage(place: str | Path) -> Storage:
    """Open a folder, which is made where there is none.

    Parameters
    ----------
    place
        A path, or a URL such as ``s3://bucket/folder``.

    Raises
    ------
    JournalError
        It cannot be used.
    MissingExtra
        It is a URL, and fsspec is not installed.
    """
    scheme, separator, rest = str(place).partition("://")
    if separator and scheme not in ("file", "local"):  # which fsspec would not write as a whole
        return _Remote(str(place))
    return _Local(Path(rest if separator else str(place)))


class _Local:
    """A folder of this machine, or one that is mounted here."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self, folder: str) -> list[str]:
        with _told(str(self._folder)):
            try:
                found = [path.name for path in (self._folder / folder).iterdir()]
            except FileNotFoundError:
                return []
        return sorted(f"{folder}/{name}" for name in found if not name.endswith(_PART))

    def read(self, name: str) -> bytes | None:
        with _told(str(self._folder)):
            try:
                return (self._folder / name).read_bytes()
            except FileNotFoundError:
                return None

    def write(self, name: str, content: bytes, *, new: bool = False) -> None:
        path = self._folder / name
        part = path.with_name(f"{path.name}.{uuid.uuid4().hex}{_PART}")
        with _told(str(self._folder)):
            # 0700 and 0600: what is in it can be nobody else's business.
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            if new:
                _put_new(part, path)
            else:
                part.replace(path)
            _sync(path.parent)


class _Remote:
    """A folder somewhere else, by fsspec; an object of a store appears as a whole, or not at all."""

    def __init__(self, url: str) -> None:
        try:
            fsspec: Any = import_module("fsspec")
        except ImportError:
            raise MissingExtra.for_extra("dask", "A journal at a URL") from None
        self._url = url
        with _told(url):
            self._files, self._folder = fsspec.core.url_to_fs(url)
            self._files.invalidate_cache()

    def names(self, folder: str) -> list[str]:
        with _told(self._url):
            try:
                self._files.invalidate_cache()
                found = self._files.ls(f"{self._folder}/{folder}", detail=False)
            except FileNotFoundError:
                return []
        return sorted(f"{folder}/{PurePosixPath(name).name}" for name in found)

    def read(self, name: str) -> bytes | None:
        with _told(self._url):
            try:
                content: bytes = self._files.cat_file(f"{self._folder}/{name}")
            except FileNotFoundError:
                return None
            return content

    def write(self, name: str, content: bytes, *, new: bool = False) -> None:  # noqa: ARG002 - few stores have it
        path = f"{self._folder}/{name}"
        with _told(self._url):
            self._files.makedirs(str(PurePosixPath(path).parent), exist_ok=True)
            self._files.pipe_file(path, content)


def _put_new(part: Path, path: Path) -> None:
    """Give a file its name, unless another has it."""
    try:
        path.hardlink_to(part)
    except FileExistsError:
        part.unlink()
    except OSError:  # there are file systems without links
        part.replace(path)
    else:
        part.unlink()


def _sync(folder: Path) -> None:
    """Have the folder itself on the disk, where the system can."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _told(place: str) -> Iterator[Any]:
    """Turn what a folder says into an error that names it, and says what to do."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - each store has its own
        words = f"The journal's folder {place} cannot be used: {error!r}; mend that, or name another with journal=."
        raise JournalError(words) from None
