"""The multipart body of an upload as a stream that reads its file while it is sent.

`request/form.py` builds what comes before and after the file.
"""

import asyncio
import errno
import os
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from pathlib import PurePath
from typing import Any

from ikpipe.concurrency.bandwidth import BandwidthLimiter
from ikpipe.errors import describe_exception
from ikpipe.request.form import MultipartForm
from ikpipe.request.sources import FileSource, FileStamp

BLOCK = 1 << 20  # bytes read at a time in a thread
PIECE = 1 << 17  # bytes written at a time: few enough that the time limit for writing sees progress on a slow network
# Opening a pipe would block without O_NONBLOCK; Windows would convert line ends without O_BINARY.
_READ_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_FOLDER_FLAGS = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
OUT_OF_FILES = (errno.EMFILE, errno.ENFILE)


class FileChanged(Exception):  # noqa: N818 - a row's result, not a programming error
    """The file has changed since its length was written into the request."""


class OutOfFiles(Exception):  # noqa: N818 - the caller waits and tries again
    """Too many files are open in this process or on this machine."""


def close_after(descriptor: int, operation: asyncio.Future[Any] | None) -> None:
    """Close a file descriptor once no thread uses it; another file may get its number right after.

    `operation` is the last operation on it in a thread; None if there was none.
    """
    if operation is None or operation.done():
        os.close(descriptor)
    else:
        operation.add_done_callback(lambda _: os.close(descriptor))


class MultipartStream:
    """The body of one upload: a form with its file and its token, read once.

    Parameters
    ----------
    form, source, token
        The encoded fields, the file, and the upload token.
    on_bytes
        Called with the number of bytes of the file that were passed on.
    piece
        Largest number of bytes in one piece.
    limiter
        Limits how many bytes a second are passed on; None sets no limit.

    Attributes
    ----------
    length
        Size of the body, in bytes.
    complete
        Whether the last piece was passed on. It has the closing boundary, so nothing can have been stored without it.
    """

    __slots__ = ("_file", "_head", "_limiter", "_on_bytes", "_piece", "_source", "_tail", "complete", "length")

    def __init__(
        self,
        form: MultipartForm,
        source: FileSource,
        token: str,
        on_bytes: Callable[[int], None],
        piece: int = PIECE,
        limiter: BandwidthLimiter | None = None,
    ) -> None:
        self._head, self._tail, self._source = form.head, form.tail(token), source
        self._on_bytes, self._piece, self._limiter = on_bytes, piece, limiter
        self.length = len(self._head) + form.size + len(self._tail)
        self.complete = False
        self._file: _File | None = None

    def close(self) -> None:
        """Close the file, if it is open."""
        if self._file is not None:
            self._file.close()

    async def blocks(self) -> AsyncGenerator[bytes]:
        """Yield the body, a small one in one piece.

        Raise `FileChanged` if the file's size or content has changed since the request was built, or it cannot be read.
        The last piece is then not passed on, so that nothing can be stored. Raise `OutOfFiles` if there are too many
        open files.
        """
        if self._source.kind == "path":
            self._file = _File(self._source, self._piece)
        try:
            if self.length <= PIECE and self._limiter is None:
                content = await self._read_all()
                self.complete = True
                yield b"".join((self._head, content, self._tail))
                return
            for piece in _split(self._head, self._piece):
                async for part in self._limited(piece):
                    yield part
            async with aclosing(self._content()) as pieces:
                async for piece in pieces:
                    async for part in self._limited(piece):
                        yield part
                        self._on_bytes(len(part))
            await self._wait_for(len(self._tail))
            self.complete = True
            yield self._tail
        finally:
            self.close()

    async def _limited(self, piece: bytes) -> AsyncGenerator[bytes]:
        """Yield a piece at the rate that is allowed, in parts that are small if it is low."""
        size = len(piece)
        while piece:
            if self._limiter is not None:
                size = self._limiter.piece(len(piece))
            part, piece = piece[:size], piece[size:]
            await self._wait_for(len(part))
            yield part

    async def _wait_for(self, count: int) -> None:
        """Wait until some bytes may be passed on."""
        if self._limiter is not None:
            await self._limiter.take(count)

    async def _read_all(self) -> bytes:
        content = self._source.content
        if self._file is not None:
            content = b"".join([piece async for piece in self._file.pieces()])
        self._on_bytes(len(content))
        return content

    def _content(self) -> AsyncGenerator[bytes]:
        return _pieces(self._source.content, self._piece) if self._file is None else self._file.pieces()


async def _pieces(content: bytes, size: int) -> AsyncGenerator[bytes]:
    for piece in _split(content, size):
        yield piece


def _split(content: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


def _open_file(source: FileSource) -> int:
    """Open a file; below a root folder follow no links, which could lead outside of it since the row was checked."""
    if source.base is None or source.path is None or os.open not in os.supports_dir_fd:
        return os.open(str(source.path), _READ_FLAGS | _NO_LINK)
    *folders, name = PurePath(source.path).relative_to(source.base).parts
    descriptor = os.open(source.base, _FOLDER_FLAGS | _NO_LINK)
    try:
        for folder in folders:
            parent, descriptor = descriptor, os.open(folder, _FOLDER_FLAGS | _NO_LINK, dir_fd=descriptor)
            os.close(parent)
        return os.open(name, _READ_FLAGS | _NO_LINK, dir_fd=descriptor)
    finally:
        os.close(descriptor)


class _File:
    """An open file, read without blocking the event loop: directly if its bytes are cached, else in a thread.

    It is opened in the event loop's thread: a file opened by another thread would stay open after a cancellation.
    """

    __slots__ = ("_buffer", "_descriptor", "_nowait", "_operation", "_piece", "_source", "_stamp")

    def __init__(self, source: FileSource, piece: int) -> None:
        self._source, self._piece, self._nowait = source, piece, hasattr(os, "RWF_NOWAIT")
        self._descriptor: int | None = None
        self._operation: asyncio.Future[bytes] | None = None
        self._buffer: memoryview | None = None
        try:
            self._descriptor = _open_file(source)
            self._stamp = FileStamp.of(os.fstat(self._descriptor))
        except OSError as error:
            self.close()
            if error.errno in OUT_OF_FILES:
                raise OutOfFiles(f"{source.name} cannot be opened: {error.strerror}") from None
            raise self._unreadable(error) from None
        if source.stamp not in (None, self._stamp):
            self.close()
            raise self._changed("it was checked")

    async def pieces(self) -> AsyncGenerator[bytes]:
        """Yield the content in pieces; raise unless it has the declared size and does not change until the end."""
        source, remaining = self._source, self._source.size or 0
        try:
            while block := await self.read(remaining + 1):  # one byte more than declared, to see whether it has grown
                remaining -= len(block)
                if remaining < 0:
                    break
                for piece in _split(block, self._piece):
                    yield piece
            stamp = FileStamp.of(os.fstat(self._number))
        except Exception as error:  # noqa: BLE001 - an unreadable file fails its own row
            raise self._unreadable(error) from None
        if remaining:
            raise FileChanged(f"{source.name} no longer has {source.size:,} bytes")
        if stamp != self._stamp:
            raise self._changed("it was opened")

    def _unreadable(self, error: Exception) -> FileChanged:
        reason = error.strerror if isinstance(error, OSError) else describe_exception(error)
        return FileChanged(f"{self._source.name} can no longer be read: {reason}")

    def _changed(self, since: str) -> FileChanged:
        return FileChanged(f"{self._source.name} was replaced or overwritten after {since}")

    @property
    def _number(self) -> int:
        assert self._descriptor is not None  # noqa: S101 - for mypy
        return self._descriptor

    async def read(self, limit: int) -> bytes:
        """Return the next bytes, at most `limit`; none at the end."""
        if self._nowait:
            try:
                self._buffer = self._buffer or memoryview(bytearray(min(limit, self._piece)))
                return bytes(self._buffer[: os.preadv(self._number, [self._buffer], -1, os.RWF_NOWAIT)])
            except BlockingIOError:
                pass
            except OSError:  # not supported by this file system
                self._nowait = False
        self._operation = asyncio.get_running_loop().run_in_executor(None, os.read, self._number, min(limit, BLOCK))
        return await asyncio.shield(self._operation)

    def close(self) -> None:
        """Close the file once no thread reads it."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            close_after(descriptor, self._operation)
