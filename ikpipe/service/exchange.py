"""One HTTP/1.1 exchange: the request as bytes, its time limits, and the states of request and response."""

import re
from enum import Enum, auto
from typing import NamedTuple

import httpx

_HEAD = re.compile(
    rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+ [\x21-\x7e]+ HTTP/1\.1\r\n"
    rb"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+: [^\r\n\0]*\r\n)*\r\n"
)


class RequestState(Enum):
    """How far the request of an exchange is."""

    IDLE = auto()  # there is no request
    WRITING = auto()  # the body is not written completely
    DRAINING = auto()  # everything is written, and part of it is still in this process's buffers
    SENT = auto()  # everything was passed to the operating system


class ResponseState(Enum):
    """How far the response of an exchange is."""

    NONE = auto()  # no response is expected
    HEAD = auto()  # the head is incomplete; 1xx responses may come before it
    BODY = auto()  # the head is complete
    ENDED = auto()  # the response is complete, or there will be none


class Timeouts(NamedTuple):
    """Seconds without progress: while connecting, writing, and waiting for the response; None waits forever."""

    connect: float | None = None
    write: float | None = None
    read: float | None = None


class EncodedRequest:
    """A request in the bytes of HTTP/1.1.

    `head` has request line and headers. `stream` is the body, not framed. `closes` says whether the request asks to
    close the connection after the response. Raise `httpx.LocalProtocolError` if the request cannot be sent: a header is
    missing or invalid, or the method or body is not supported.
    """

    __slots__ = ("_length", "_sent", "closes", "head", "stream")

    def __init__(self, request: httpx.Request) -> None:
        headers = request.headers.raw
        lines = b"".join(b"%b: %b\r\n" % header for header in headers)
        self.head = b"%b %b HTTP/1.1\r\n%b\r\n" % (request.method.encode(), request.url.raw_path, lines)
        fields = {name.lower(): value for name, value in headers}
        if b"host" not in fields or not _is_valid_head(self.head, lines=len(headers) + 2):
            raise httpx.LocalProtocolError("The request has no Host header, or an invalid header.")
        if request.method in ("HEAD", "CONNECT") or not isinstance(request.stream, httpx.AsyncByteStream):
            raise httpx.LocalProtocolError("HEAD, CONNECT and synchronous streams are not supported.")
        length = fields.get(b"content-length", b"0")
        if not length.isdigit():
            raise httpx.LocalProtocolError("The Content-Length is not a number.")
        chunked = b"transfer-encoding" in fields and b"content-length" not in fields
        self._length, self._sent = None if chunked else int(length), 0
        self.stream, self.closes = request.stream, fields.get(b"connection", b"").lower() == b"close"

    def frame(self, piece: bytes) -> bytes:
        """Return a piece of the body as it is sent: as a chunk if no length was declared."""
        self._sent += len(piece)
        if self._length is None:
            return b"%x\r\n%b\r\n" % (len(piece), piece) if piece else b""
        if self._sent > self._length:
            raise httpx.LocalProtocolError("Too much data for declared Content-Length")
        return piece

    def end(self) -> bytes:
        """Return what follows the last piece; raise if the body is shorter than declared."""
        if self._length is None:
            return b"0\r\n\r\n"
        if self._sent < self._length:
            raise httpx.LocalProtocolError("Too little data for declared Content-Length")
        return b""


def _is_valid_head(head: bytes, lines: int) -> bool:
    """Whether a head has valid characters only, and no header smuggles in another line."""
    return _HEAD.fullmatch(head) is not None and head.count(b"\n") == lines
