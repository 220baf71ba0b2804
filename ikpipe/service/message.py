"""A request as bytes, and what an exchange is described by: its time limits and its states."""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import NamedTuple

import httpx

_HEAD = re.compile(
    rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+ [\x21-\x7e]+ HTTP/1\.1\r\n"
    rb"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+: [^\r\n\0]*\r\n)*\r\n"
)


class HTTPRequest(Enum):
    """How far the request of an exchange is."""

    IDLE = auto()  # there is none
    WRITING = auto()  # pieces of it are still to come
    DRAINING = auto()  # the last piece was handed over, and part of it waits in this process
    SENT = auto()  # all of it has left


class HTTPResponse(Enum):
    """How far the answer of an exchange is."""

    NONE = auto()  # nothing is expected
    HEAD = auto()  # the head is incomplete; 1xx answers may come before it
    BODY = auto()  # the head is complete
    ENDED = auto()  # it is complete, or there will be none


class Timeouts(NamedTuple):
    """Seconds without any progress: while connecting, writing, and waiting for the answer; None waits for ever."""

    connect: float | None = None
    write: float | None = None
    read: float | None = None


class HTTPExchange:
    """A request as it goes out.

    `length` is that of the body, None where it goes in chunks; after the `last` one, the connection is closed.
    """

    __slots__ = ("_length", "_sent", "head", "last", "stream")

    def __init__(self, request: httpx.Request) -> None:
        pairs = request.headers.raw
        lines = [b"%b: %b\r\n" % pair for pair in pairs]
        self.head = b"%b %b HTTP/1.1\r\n%b\r\n" % (request.method.encode(), request.url.raw_path, b"".join(lines))
        fields = {name.lower(): value for name, value in pairs}
        whole = _HEAD.fullmatch(self.head) and self.head.count(b"\n") == len(pairs) + 2
        if not whole or b"host" not in fields:
            raise httpx.LocalProtocolError("A header is missing, or has characters that no header can have.")
        if request.method in ("HEAD", "CONNECT") or not isinstance(request.stream, httpx.AsyncByteStream):
            raise httpx.LocalProtocolError("This line takes no HEAD, no CONNECT, and no stream that cannot wait.")
        given = fields.get(b"content-length", b"0")
        if not given.isdigit():
            raise httpx.LocalProtocolError("The Content-Length is no number.")
        chunked = b"transfer-encoding" in fields and b"content-length" not in fields
        self._length, self._sent = None if chunked else int(given), 0
        self.stream, self.last = request.stream, fields.get(b"connection", b"").lower() == b"close"

    def framed(self, piece: bytes) -> bytes:
        """Give a piece as it goes out; no more than was promised."""
        self._sent += len(piece)
        if self._length is None:
            return b"%x\r\n%b\r\n" % (len(piece), piece) if piece else b""
        if self._sent > self._length:
            raise httpx.LocalProtocolError("Too much data for declared Content-Length")
        return piece

    def end(self) -> bytes:
        """Give what comes after the last piece; no less than was promised."""
        if self._length is None:
            return b"0\r\n\r\n"
        if self._sent < self._length:
            raise httpx.LocalProtocolError("Too little data for declared Content-Length")
        return b""
