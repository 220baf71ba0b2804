"""One request on one connection, sent once, and its answer: HTTP/1.1 on asyncio."""

from __future__ import annotations

import asyncio
import re
import select
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, cast

import httptools
import httpx

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

_LONGEST_ANSWER = 1 << 24  # bytes; the service's have some hundred
_AHEAD = 1 << 17  # bytes that may wait above TLS
_LOOKS = 8  # in the time that writing may stand still
_FOREVER = 1e9  # seconds
_HEAD = re.compile(
    rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+ [\x21-\x7e]+ HTTP/1\.1\r\n"
    rb"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+: [^\r\n\0]*\r\n)*\r\n"
)


class Clocks(NamedTuple):
    """Seconds without any progress: while connecting, writing, and waiting for the answer; None waits for ever."""

    connect: float | None = None
    write: float | None = None
    read: float | None = None


class Message:
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


class Connection(asyncio.Protocol):
    """One connection: an exchange at a time.

    What is waited for is known by flags, and one future wakes whoever waits; one timer, set again only when it has
    run down, is the clock of all exchanges.

    Parameters
    ----------
    opened, closed
        Told that it is there, with its socket, and that it is gone.
    """

    __slots__ = (
        *("_opened", "_closed", "_loop", "_raw", "_transport", "_readable", "_secure", "_gone", "_full"),
        *("_waiter", "_timer", "since", "_parser", "_clocks", "_busy", "_sending", "_over", "_error", "_fit"),
        *("_headers", "_headed", "_body", "_size", "_status", "_written", "_left", "_draining"),
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        opened: Callable[[Connection, object], None],
        closed: Callable[[Connection], None],
    ) -> None:
        self._loop, self._opened, self._closed = loop, opened, closed
        self._raw: asyncio.Transport | None = None
        self._transport: asyncio.Transport | None = None
        self._readable: Callable[[], bool] = bool
        self._secure = self._gone = self._full = self._busy = False
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.since = 0.0  # of the last progress
        self._clear(Clocks())

    def _clear(self, clocks: Clocks) -> None:
        """Forget the exchange before."""
        self._clocks = clocks
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)
        self._sending = self._over = self._fit = self._headed = self._draining = False
        self._error: httpx.TransportError | None = None
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._size = self._status = self._written = self._left = 0

    # What the line asks

    async def secure(self, context: ssl.SSLContext, host: str, clock: float | None) -> None:
        """Set up TLS. Not by `create_connection`, since what waits below TLS must be seen, too."""
        raw = self._raw
        if raw is None or raw.is_closing():  # asyncio would wait for it until the clock runs out
            raise ConnectionResetError("the connection was closed before TLS was set up")
        wait = _FOREVER if clock is None else 2 * clock  # the clock proper is around it
        secured = await self._loop.start_tls(raw, self, context, server_hostname=host, ssl_handshake_timeout=wait)
        assert secured is not None  # noqa: S101 - for mypy
        secured.set_write_buffer_limits(high=_AHEAD)
        self._transport, self._secure = secured, True

    def fresh(self, idle: float) -> bool:
        """Tell whether it may carry another request: young enough, and nothing came that nobody asked for."""
        transport = self._raw
        if self._gone or transport is None or transport.is_closing() or self._loop.time() - self.since >= idle:
            return False
        return not self._readable()

    @property
    def fit(self) -> bool:
        """Whether it may be kept after the exchange that has ended."""
        return self._fit and not self._gone and not self._pending()

    def abort(self) -> None:
        """Close it at once."""
        self._gone = True
        if self._timer is not None:
            self._timer.cancel()
        for transport in (self._transport, self._raw):
            if transport is not None:
                transport.abort()

    async def exchange(self, message: Message, clocks: Clocks) -> httpx.Response:
        """Send a request and give its answer, which may come before all is sent."""
        if self._gone:  # nobody would say so a second time
            raise httpx.RemoteProtocolError("The connection was closed.")
        self._clear(clocks)
        self._busy = self._sending = True
        self.since = self._loop.time()
        try:
            await self._send(message)
            while not self._over:
                await self._wait()
            if self._error is not None:
                raise self._error
            self._fit = self._fit and not self._sending
            return httpx.Response(self._status, headers=self._headers, stream=httpx.ByteStream(b"".join(self._body)))
        finally:
            self._busy = False
            self._parser = self._error = None
            self.since = self._loop.time()

    async def _send(self, message: Message) -> None:
        """Write the head with the first piece, then piece by piece, until all has left or the answer is here."""
        waiting = message.head
        async for piece in message.stream:
            waiting += message.framed(piece)
            if piece and not self._over:
                await self._write(waiting)
                waiting = b""
            if self._over:
                return
        waiting += message.end()
        if waiting:
            await self._write(waiting)
        pending = self._pending()
        self._sending, self._left, self._draining = False, self._written - pending, pending > 0
        self.since = self._loop.time()

    async def _write(self, data: bytes) -> None:
        """Write, and wait until there is room for more."""
        assert self._transport is not None  # noqa: S101 - for mypy
        self._written += len(data)
        self.since = self._loop.time()
        self._transport.write(data)
        # Where writing failed, the loop has yet to say so, and asyncio complains of whoever goes on.
        while (self._full or self._transport.is_closing()) and not self._over:
            await self._wait()

    # Waiting

    async def _wait(self) -> None:
        """Wait until something happens."""
        self._watch()
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _end(self, error: httpx.TransportError | None = None) -> None:
        """End the exchange, the first time this is called."""
        if self._busy and not self._over:
            self._over, self._error = True, error
            self._wake()

    def _pending(self) -> int:
        """Give how many bytes have not left yet, above and below TLS."""
        if self._raw is None or self._transport is None:
            return 0
        above = self._transport.get_write_buffer_size() if self._secure else 0
        return above + self._raw.get_write_buffer_size()

    def _due(self) -> float | None:
        """Give when to look at the clock that runs now: writing's while bytes wait here, the answer's after that."""
        if self._pending():
            return None if self._clocks.write is None else self._loop.time() + self._clocks.write / _LOOKS
        return None if self._sending or self._clocks.read is None else self.since + self._clocks.read

    def _watch(self) -> None:
        due = self._due()
        if due is None or (self._timer is not None and self._timer.when() <= due):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(due, self._look)

    def _look(self) -> None:
        """See whether there was progress in time."""
        self._timer = None
        if not self._busy or self._over:
            return
        now, pending = self._loop.time(), self._pending()
        left = self._written - pending
        if left != self._left or (self._draining and not pending):
            self.since = now
        self._left, self._draining = left, pending > 0
        clock = self._clocks.write if pending else None if self._sending else self._clocks.read
        if clock is not None and now - self.since >= clock:
            self._end(httpx.WriteTimeout("") if pending else httpx.ReadTimeout(""))
        else:
            self._watch()

    # What the transport says

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a connection into use."""
        raw = cast("asyncio.Transport", transport)
        if self._gone:  # given up while it was being opened
            raw.abort()
            return
        raw.set_write_buffer_limits(high=0)  # so that it is known when the last byte has left
        self._raw = self._transport = raw
        end = transport.get_extra_info("socket")
        self._readable = _watched(end.fileno())
        self._opened(self, end)

    def pause_writing(self) -> None:
        """Note that bytes wait here."""
        self._full = True

    def resume_writing(self) -> None:
        """Note that all have left, or enough of them."""
        self._full = False
        self.since = self._loop.time()
        self._wake()

    def data_received(self, data: bytes) -> None:
        """Read on in an answer; what nobody asked for ends the connection."""
        if self._parser is None or not self._written:
            self._end(httpx.RemoteProtocolError("Something came that nobody had asked for."))
            self.abort()
            return
        if not self._sending:
            self.since = self._loop.time()
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fit = False
            self._end(httpx.RemoteProtocolError(str(error)))

    def eof_received(self) -> None:
        """End an answer that goes on until the connection is closed, or one that is cut short."""
        self._gone = True
        if self._headed and not self._bounded():
            self._end()
        short = "The answer was cut short." if self._headed else "Server disconnected without sending a response."
        self._end(httpx.RemoteProtocolError(short))

    def _bounded(self) -> bool:
        """Tell whether the answer's head says where its body ends."""
        fields = {name.lower(): value.lower() for name, value in self._headers}
        return b"content-length" in fields or fields.get(b"transfer-encoding", b"").endswith(b"chunked")

    def connection_lost(self, error: Exception | None) -> None:
        """End what is going on."""
        self._gone = True
        if self._busy and not self._over and error is not None and self._raw is not None:
            self._rescue(self._raw)
        lost = httpx.WriteError if self._sending else httpx.ReadError
        self._end(lost(str(error)) if error is not None else httpx.RemoteProtocolError("The connection was closed."))
        if self._timer is not None:
            self._timer.cancel()
        self._closed(self)

    def _rescue(self, raw: asyncio.Transport) -> None:
        """Read the answer that may lie in the system, where writing failed first, since nobody was read any more."""
        if self._secure:
            return
        with suppress(OSError, TypeError), raw.get_extra_info("socket").dup() as end:  # uvloop's cannot
            while not self._over and (data := end.recv(1 << 16)):
                self.data_received(data)

    # What the parser says

    def on_message_begin(self) -> None:
        """Begin an answer: a second one is none of ours."""
        if self._over:
            self._fit = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; what comes after the body is left."""
        if not self._headed and not self._over:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Note that the body follows."""
        if self._parser is not None and not self._over:
            self._headed, self._status = True, self._parser.get_status_code()

    def on_body(self, data: bytes) -> None:
        """Take a piece of the body."""
        if self._over:
            return
        self._body.append(data)
        self._size += len(data)
        if self._size > _LONGEST_ANSWER:
            self._end(httpx.RemoteProtocolError("The answer does not end."))

    def on_message_complete(self) -> None:
        """End the exchange, or go on after an answer that says that another will follow."""
        if self._parser is None or self._over:
            return
        if self._status >= 200:  # noqa: PLR2004 - HTTP
            self._fit = self._parser.should_keep_alive()
            self._end()
        elif self._status == 101:  # noqa: PLR2004 - HTTP
            self._end(httpx.RemoteProtocolError("The server wants to speak another protocol."))
        else:
            self._headers, self._headed = [], False


def _watched(end: int) -> Callable[[], bool]:
    """Give what tells whether there is something to read: a request's connection would be one that the peer closed."""
    if not hasattr(select, "poll"):
        return lambda: bool(select.select([end], [], [], 0)[0])
    look = select.poll()
    look.register(end, select.POLLIN)
    return lambda: bool(look.poll(0))
