"""A form on its way: its bytes in pieces, and whether the last of them has left."""

from __future__ import annotations

import asyncio
import errno
import os
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from ikpipe.errors import describe_exception
from ikpipe.request.sources import FileStamp

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator

    from ikpipe.request.form import MultipartForm
    from ikpipe.request.sources import FileSource

BLOCK = 1 << 20  # bytes read at a time, where that has to be waited for
PIECE = 1 << 17  # bytes written at a time: few enough for the clock for writing to see a slow line move
# A pipe in the file's place would never open; Windows has texts.
_READING = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
OUT_OF_FILES = (errno.EMFILE, errno.ENFILE)


class FileChanged(Exception):  # noqa: N818 - a row's end, no fault of a program
    """The file is not what it was when its length was written into the request."""


class OutOfFiles(Exception):  # noqa: N818 - is waited for
    """No more files can be open now, in this process or on this machine."""


def close_after(end: int, hop: asyncio.Future[Any] | None) -> None:
    """Close an open file once no thread uses it any more, since another file may get its number.

    Parameters
    ----------
    end
        The file's descriptor.
    hop
        What a thread is doing with it; None: nothing yet.
    """
    if hop is None or hop.done():
        os.close(end)
    else:
        hop.add_done_callback(lambda _: os.close(end))


class MultipartStream:
    """A form with its file and its token, given out once.

    Parameters
    ----------
    form, source, token
        What it is made of.
    on_bytes
        Told how many bytes of the file are on their way.
    piece
        Bytes given out at a time, at most.

    Attributes
    ----------
    length
        Of the whole, in bytes.
    left
        Whether the last piece was given out. Without it, which has the closing boundary, nothing can have been stored.
    """

    __slots__ = ("_file", "_head", "_on_bytes", "_piece", "_source", "_tail", "left", "length")

    def __init__(
        self, form: MultipartForm, source: FileSource, token: str, on_bytes: Callable[[int], None], piece: int = PIECE
    ) -> None:
        self._head, self._tail, self._source = form.head, form.tail(token), source
        self._on_bytes, self._piece = on_bytes, piece
        self.length = len(self._head) + form.size + len(self._tail)
        self.left = False
        self._file: _File | None = None

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    async def blocks(self) -> AsyncGenerator[bytes]:
        """Give the body; what is small goes out in one piece.

        Raises
        ------
        FileChanged
            It is longer or shorter than it was when it was framed, was changed, or cannot be read any more. The last
            piece is not given out then, so that nothing can be stored.
        OutOfFiles
            No more files can be open now.
        """
        if self._source.kind == "path":
            self._file = _File(self._source, self._piece)
        try:
            if self.length <= PIECE:
                content = await self._whole()
                self.left = True
                yield b"".join((self._head, content, self._tail))
                return
            for piece in _cut(self._head, self._piece):
                yield piece
            async with aclosing(self._content()) as pieces:
                async for piece in pieces:
                    yield piece
                    self._on_bytes(len(piece))
            self.left = True
            yield self._tail
        finally:
            self.close()

    async def _whole(self) -> bytes:
        content = self._source.content
        if self._file is not None:
            content = b"".join([piece async for piece in self._file.pieces()])
        self._on_bytes(len(content))
        return content

    def _content(self) -> AsyncGenerator[bytes]:
        return _pieces(self._source.content, self._piece) if self._file is None else self._file.pieces()


async def _pieces(content: bytes, most: int) -> AsyncGenerator[bytes]:
    for piece in _cut(content, most):
        yield piece


def _cut(content: bytes, most: int) -> Iterator[bytes]:
    for start in range(0, len(content), most):
        yield content[start : start + most]


def _opened(source: FileSource) -> int:
    """Open a file; below a root no link is followed, so that what was resolved when it was planned stays inside."""
    if source.base is None or source.path is None or os.open not in os.supports_dir_fd:
        return os.open(str(source.path), _READING | _NO_LINK)
    *folders, name = source.path.relative_to(source.base).parts
    end = os.open(source.base, _FOLDER | _NO_LINK)
    try:
        for folder in folders:
            above, end = end, os.open(folder, _FOLDER | _NO_LINK, dir_fd=end)
            os.close(above)
        return os.open(name, _READING | _NO_LINK, dir_fd=end)
    finally:
        os.close(end)


class _File:
    """An open file, read without holding up others: at once if its bytes are in memory, else in a thread.

    It is opened here, since a thread's file would stay open if nobody waited for it any more.
    """

    __slots__ = ("_at_hand", "_end", "_hop", "_piece", "_room", "_source", "_stamp")

    def __init__(self, source: FileSource, piece: int) -> None:
        self._source, self._piece, self._at_hand = source, piece, hasattr(os, "RWF_NOWAIT")
        self._end: int | None = None
        self._hop: asyncio.Future[bytes] | None = None
        self._room: memoryview | None = None
        try:
            self._end = _opened(source)
            self._stamp = FileStamp.of(os.fstat(self._end))
        except OSError as error:
            self.close()
            if error.errno in OUT_OF_FILES:
                raise OutOfFiles(f"{source.name} cannot be opened: {error.strerror}") from None
            raise self._unreadable(error) from None
        if source.stamp not in (None, self._stamp):
            self.close()
            raise self._changed("it was planned")

    async def pieces(self) -> AsyncGenerator[bytes]:
        """Give it part, piece by piece, exactly as long as it was when it was framed, and unchanged to its end."""
        source, left = self._source, self._source.size or 0
        try:
            while block := await self.read(left + 1):  # one byte more than there should be shows that it has grown
                left -= len(block)
                if left < 0:
                    break
                for piece in _cut(block, self._piece):
                    yield piece
            stamp = FileStamp.of(os.fstat(self._number))
        except Exception as error:  # noqa: BLE001 - whatever reading a file raises concerns its own row
            raise self._unreadable(error) from None
        if left:
            raise FileChanged(f"{source.name} is no longer {source.size:,} bytes long")
        if stamp != self._stamp:
            raise self._changed("it was opened")

    def _unreadable(self, error: Exception) -> FileChanged:
        words = error.strerror if isinstance(error, OSError) else describe_exception(error)
        return FileChanged(f"{self._source.name} cannot be read any more: {words}")

    def _changed(self, since: str) -> FileChanged:
        return FileChanged(f"{self._source.name} is no longer what it was when {since}: it was replaced or overwritten")

    @property
    def _number(self) -> int:
        assert self._end is not None  # noqa: S101 - for mypy
        return self._end

    async def read(self, most: int) -> bytes:
        """Read on, and give some bytes; none at the end."""
        if self._at_hand:
            try:
                self._room = self._room or memoryview(bytearray(min(most, self._piece)))
                return bytes(self._room[: os.preadv(self._number, [self._room], -1, os.RWF_NOWAIT)])
            except BlockingIOError:
                pass
            except OSError:  # no file system can do it all
                self._at_hand = False
        self._hop = asyncio.get_running_loop().run_in_executor(None, os.read, self._number, min(most, BLOCK))
        return await asyncio.shield(self._hop)

    def close(self) -> None:
        """Close it, as soon as no thread reads any more: another file may get its number."""
        end, self._end = self._end, None
        if end is not None:
            close_after(end, self._hop)
