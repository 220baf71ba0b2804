"""A form on its way: its bytes in pieces, and whether the last of them has left."""

from __future__ import annotations

import asyncio
import os
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator

    from ikpipe._form import Form
    from ikpipe._source import Source

BLOCK = 1 << 20  # bytes read at a time, where that has to be waited for
PIECE = 1 << 17  # bytes written at a time: few enough for the clock for writing to see a slow line move
# A pipe in the file's place would never open; Windows has texts.
_READING = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class FileChanged(Exception):  # noqa: N818 - a row's end, no fault of a program
    """The file is not what it was when its length was written into the request."""


class Body:
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

    __slots__ = ("_head", "_on_bytes", "_piece", "_source", "_tail", "left", "length")

    def __init__(
        self, form: Form, source: Source, token: str, on_bytes: Callable[[int], None], piece: int = PIECE
    ) -> None:
        self._head, self._tail, self._source = form.head, form.tail(token), source
        self._on_bytes, self._piece = on_bytes, piece
        self.length = len(self._head) + form.size + len(self._tail)
        self.left = False

    async def blocks(self) -> AsyncGenerator[bytes]:
        """Give the body; what is small goes out in one piece.

        Raises
        ------
        FileChanged
            It is longer or shorter than it was when it was framed, or cannot be read any more.
        """
        if self.length <= PIECE:
            content = await self._whole()
            self.left = True
            yield b"".join((self._head, content, self._tail))
            return
        for piece in _cut(self._head, self._piece):
            yield piece
        async with aclosing(_content(self._source, self._piece)) as pieces:
            async for piece in pieces:
                yield piece
                self._on_bytes(len(piece))
        self.left = True
        yield self._tail

    async def _whole(self) -> bytes:
        content = self._source.content
        if self._source.kind == "path":
            content = b"".join([piece async for piece in _content(self._source, self._piece)])
        self._on_bytes(len(content))
        return content


def _cut(content: bytes, most: int) -> Iterator[bytes]:
    for start in range(0, len(content), most):
        yield content[start : start + most]


async def _content(source: Source, most: int) -> AsyncGenerator[bytes]:
    """Give a file part, piece by piece, exactly as long as it was when it was framed."""
    if source.kind != "path":
        for piece in _cut(source.content, most):
            yield piece
        return
    left = source.size or 0
    try:
        with _opened(str(source.path), most) as file:
            while block := await file.read(left + 1):  # one byte more than there should be shows that it has grown
                left -= len(block)
                if left < 0:
                    break
                for piece in _cut(block, most):
                    yield piece
    except OSError as error:
        raise FileChanged(f"{source.name} cannot be read any more: {error.strerror}") from None
    if left:
        raise FileChanged(f"{source.name} is no longer {source.size:,} bytes long")


class _File:
    """An open file, read without holding up others: at once if its bytes are in memory, else in a thread."""

    __slots__ = ("_at_hand", "_end", "_hop", "_piece", "_room")

    def __init__(self, end: int, piece: int) -> None:
        self._end, self._piece, self._at_hand = end, piece, hasattr(os, "RWF_NOWAIT")
        self._hop: asyncio.Future[bytes] | None = None
        self._room: memoryview | None = None

    async def read(self, most: int) -> bytes:
        """Read on, and give some bytes; none at the end."""
        if self._at_hand:
            try:
                self._room = self._room or memoryview(bytearray(min(most, self._piece)))
                return bytes(self._room[: os.preadv(self._end, [self._room], -1, os.RWF_NOWAIT)])
            except BlockingIOError:
                pass
            except OSError:  # no file system can do it all
                self._at_hand = False
        self._hop = asyncio.get_running_loop().run_in_executor(None, os.read, self._end, min(most, BLOCK))
        return await asyncio.shield(self._hop)

    def close(self) -> None:
        """Close it, as soon as no thread reads any more: another file may get its number."""
        if self._hop is None or self._hop.done():
            os.close(self._end)
        else:
            self._hop.add_done_callback(lambda _: os.close(self._end))


@contextmanager
def _opened(path: str, piece: int) -> Iterator[_File]:
    # Opened here, since a thread's file would stay open if nobody waited for it any more.
    file = _File(os.open(path, _READING), piece)
    try:
        yield file
    finally:
        file.close()
