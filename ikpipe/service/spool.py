"""The files of downloads, on this machine from their first byte until they are sent."""

from __future__ import annotations

import asyncio
import errno
import os
import secrets
import shutil
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Self

from ikpipe.errors import Error
from ikpipe.service.body import close_after

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_BLOCK = 1 << 20  # bytes written at a time
_FULL = (errno.ENOSPC, errno.EDQUOT)


class FetchError(Error):
    """A URL cannot be downloaded here.

    `again`: it may be worth another attempt; `wait`: the seconds that its host asks for; `full`: the temporary folder
    has no room for it now.
    """

    def __init__(self, message: str, *, again: bool = False, wait: float | None = None, full: bool = False) -> None:
        super().__init__(message)
        self.again, self.wait, self.full = again, wait, full


class SpoolFolder:
    """The temporary folder of a run's downloads: made for the first of them, and removed with whatever is in it."""

    def __init__(self) -> None:
        self._folder: TemporaryDirectory[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._folder is not None:
            with suppress(OSError):
                self._folder.cleanup()

    def __call__(self) -> Path:
        """Return the folder."""
        if self._folder is None:
            self._folder = TemporaryDirectory(prefix="ikpipe-")
        return Path(self._folder.name)


class DownloadFile:
    """A download's file; it is written by a thread, which removing it does not wait for."""

    def __init__(self, url: str, folder: Callable[[], Path]) -> None:
        self.size = 0
        self._url, self._folder = url, "for downloads"
        self._left = bytearray()
        self._hop: asyncio.Future[None] | None = None
        with self._told():
            self._folder = str(folder())
            self.path = Path(self._folder, secrets.token_hex(8))
            how = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
            self._end: int | None = os.open(self.path, how, 0o600)

    def reserve(self, size: int) -> None:
        """See that a file of so many bytes fits into the folder.

        Raises
        ------
        FetchError
            It does not, or not now.
        """
        with suppress(OSError):
            room = shutil.disk_usage(self._folder)
            if size > room.free:
                raise self._no_room(f"the file has {size:,} bytes", ever=size <= room.total)

    async def write(self, block: bytes) -> None:
        """Write on, some time soon."""
        self._left += block
        self.size += len(block)
        if len(self._left) >= _BLOCK:
            await self._flush()

    async def end(self) -> None:
        """Write what is left, and close the file."""
        await self._flush()
        with self._told():
            self.close()

    async def _flush(self) -> None:
        assert self._end is not None  # noqa: S101 - for mypy
        block, self._left = bytes(self._left), bytearray()
        with self._told():
            self._hop = asyncio.get_running_loop().run_in_executor(None, _write, self._end, block)
            await asyncio.shield(self._hop)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say which folder it is that something is wrong with."""
        try:
            yield
        except OSError as error:
            if error.errno in _FULL:
                raise self._no_room(f"{self.size:,} bytes of the file have come", ever=True) from None
            words = f"it cannot be stored in the temporary folder {self._folder}: {error.strerror or error}"
            again = error.errno in (errno.EMFILE, errno.ENFILE)
            raise FetchError(f"{self._url} cannot be downloaded: {words}", again=again) from None

    def _no_room(self, words: str, *, ever: bool) -> FetchError:
        fix = "free some room, or set TMPDIR to another folder"
        message = f"{self._url} cannot be downloaded: the temporary folder {self._folder} is full, {words}; {fix}"
        return FetchError(message, again=ever, full=ever)

    def close(self) -> None:
        """Close it, as soon as no thread writes any more: another file may get its number."""
        end, self._end = self._end, None
        if end is not None:
            close_after(end, self._hop)

    def remove(self) -> None:
        """Remove it."""
        with suppress(OSError):
            self.close()
        self.path.unlink(missing_ok=True)


def _write(end: int, block: bytes) -> None:
    left = memoryview(block)
    while left:
        left = left[os.write(end, left) :]
