"""Temporary files of downloads, which exist until they are uploaded."""

import asyncio
import errno
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from ikpipe.concurrency.temporary import LockedFolder
from ikpipe.errors import Error
from ikpipe.service.body import OUT_OF_FILES, close_after

_BLOCK = 1 << 20  # bytes written at a time
_FULL = (errno.ENOSPC, errno.EDQUOT)


class FetchError(Error):
    """A URL cannot be downloaded.

    `again` says whether another attempt may succeed. `wait` are the seconds that the host asks to wait, or None. `full`
    says whether the temporary folder has no space at the moment.
    """

    def __init__(
        self,
        message: str,
        *,
        fix: str | None = None,
        retryable: bool = False,
        wait: float | None = None,
        full: bool = False,
    ) -> None:
        super().__init__(message, fix=fix)
        self.retryable, self.wait, self.full = retryable, wait, full


class SpoolFolder:
    """The temporary folder of a run's downloads: created for the first one, and removed with its content."""

    def __init__(self) -> None:
        self._folder: LockedFolder | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._folder is not None:
            with suppress(OSError):
                self._folder.cleanup()

    def __call__(self) -> Path:
        """Return the folder; create it if needed."""
        if self._folder is None:
            self._folder = LockedFolder()
        return self._folder.path


class DownloadFile:
    """The temporary file of one download, written in a thread; it can be removed while it is being written."""

    def __init__(self, url: str, folder: Callable[[], Path]) -> None:
        self.size = 0
        self._url, self._folder = url, "for downloads"
        self._buffer = bytearray()
        self._operation: asyncio.Future[None] | None = None
        with self._translate_errors():
            self._folder = str(folder())
            self.path = Path(self._folder, secrets.token_hex(8))
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
            self._descriptor: int | None = os.open(self.path, flags, 0o600)

    def reserve(self, size: int) -> None:
        """Check that the folder has space for a file of this size, in bytes.

        Raise `FetchError` if it has too little space, at the moment or in total.
        """
        with suppress(OSError):
            usage = shutil.disk_usage(self._folder)
            if size > usage.free:
                raise self._no_space(f"the file has {size:,} bytes", retryable=size <= usage.total)

    async def write(self, block: bytes) -> None:
        """Add a block to the file, buffered."""
        self._buffer += block
        self.size += len(block)
        if len(self._buffer) >= _BLOCK:
            await self._flush()

    async def end(self) -> None:
        """Write the buffer and close the file."""
        await self._flush()
        with self._translate_errors():
            self.close()

    async def _flush(self) -> None:
        assert self._descriptor is not None  # noqa: S101 - for mypy
        block, self._buffer = bytes(self._buffer), bytearray()
        with self._translate_errors():
            self._operation = asyncio.get_running_loop().run_in_executor(None, _write, self._descriptor, block)
            await asyncio.shield(self._operation)

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        """Raise a `FetchError` that names the folder instead of an `OSError`."""
        try:
            yield
        except OSError as error:
            if error.errno in _FULL:
                raise self._no_space(f"{self.size:,} bytes were downloaded", retryable=True) from None
            reason = f"it cannot be stored in the temporary folder {self._folder}: {error.strerror or error}"
            again = error.errno in OUT_OF_FILES
            raise FetchError(f"{self._url} cannot be downloaded: {reason}.", retryable=again) from None

    def _no_space(self, detail: str, *, retryable: bool) -> FetchError:
        message = f"{self._url} cannot be downloaded: the temporary folder {self._folder} is full ({detail})."
        fix = "Free disk space, or set TMPDIR to another folder."
        return FetchError(message, fix=fix, retryable=retryable, full=retryable)

    def close(self) -> None:
        """Close the file once no thread writes to it."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            close_after(descriptor, self._operation)

    def remove(self) -> None:
        """Close and remove the file."""
        with suppress(OSError):
            self.close()
        self.path.unlink(missing_ok=True)


def _write(descriptor: int, block: bytes) -> None:
    remaining = memoryview(block)
    while remaining:
        remaining = remaining[os.write(descriptor, remaining) :]
