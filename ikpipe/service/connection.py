"""One connection, and the exchanges on it: a request sent once, and its answer (HTTP/1.1 on asyncio).

Theory of operation
-------------------
One `HTTPConnection` is an asyncio protocol that carries one exchange at a time. `exchange` writes an `HTTPExchange`,
waits, and returns the whole answer; it raises an error of httpx where there is none. The connection never
repeats a request.

**Two states.** A server may answer before it has read the whole body, so the two directions have states of their own:

    Request   IDLE ── exchange() ──> WRITING ── the last piece is handed over ──> DRAINING ── it has left ──> SENT
    Answer    NONE ── exchange() ──> HEAD <──1xx── HEAD ── the head is complete ──> BODY ── its end ──> ENDED

`DRAINING` is skipped if all has left already. `ENDED` is the only end: a complete answer, an error, or a lost
connection. `_end` enters it once, and wakes `exchange`, which then sets `Request.IDLE`, whatever had been written.

**Who waits.** Only `exchange` waits, on one future. Callbacks of the transport change the state and wake it; it then
looks at the state again, so no callback needs to know what is waited for.

**What has left.** The write buffer's upper limit is 0 and asyncio says when it is empty (above TLS it is small), so
`_pending` is what still waits in this process. It tells writing from answering, and a slow line from one that stands.

**Time limits.** `Clocks` are seconds without progress. One timer for each connection is set again only when it fires:

    WRITING, DRAINING   bytes wait here: some of them must leave within `write`; none wait: the source is slow, no limit
    SENT                any byte of the answer within `read`, and the whole of it within `PATIENCE` times `read`

The second limit of `SENT` ends an answer that drips: each byte of it would be progress. It includes 1xx answers.

**Bounds.** Heads, 1xx answers included, have `_LONGEST_HEAD` bytes and `_MOST_HEADERS` headers; an answer has
`LONGEST_ANSWER` bytes, framing and trailers included. Bytes are counted as they arrive, before the parser keeps them.
Bodies are not decoded: nobody asked for an encoding.

**Reuse.** A connection is reused only if request and answer are complete, nothing waits here, HTTP allows it, and
nothing has arrived since (`fresh` asks the system, not the loop, which may not have been told yet). Bytes that arrive
while no request is under way end the connection: they would be taken for the answer to the next request.

**Early answers.** If the peer answers and closes, a write can fail before the answer was read. It then lies in the
system's buffer, where `_rescue` reads it. Above TLS that is not possible.
"""

from __future__ import annotations

import asyncio
import select
from contextlib import suppress
from typing import TYPE_CHECKING, cast

import httptools
import httpx

from ikpipe.service.message import HTTPExchange, HTTPRequest, HTTPResponse, Timeouts

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

_LONGEST_HEAD = 1 << 16  # bytes of all heads of an answer; the service's have less than 1 kB
_MOST_HEADERS = 128
LONGEST_ANSWER = 1 << 22  # bytes; the service's have some hundred
PATIENCE = 4  # times the limit for the next byte, until the whole answer must be here
_AHEAD = 1 << 17  # bytes that may wait above TLS
_LOOKS = 8  # in the time that writing may stand still
_FOREVER = 1e9  # seconds
_EXPECTED = (HTTPResponse.HEAD, HTTPResponse.BODY)


class HTTPConnection(asyncio.Protocol):
    """One connection: an exchange at a time.

    Parameters
    ----------
    opened, closed
        Told that it is there, with its socket, and that it is gone.
    """

    __slots__ = (
        *("_opened", "_closed", "_loop", "_raw", "_transport", "_readable", "_secure", "_gone", "_full"),
        *("_waiter", "_timer", "since", "_parser", "_clocks", "_request", "_answer", "_error", "_fit"),
        *("_headers", "_body", "_head_size", "_size", "_status", "_written", "_left", "_deadline"),
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        opened: Callable[[HTTPConnection, object], None],
        closed: Callable[[HTTPConnection], None],
    ) -> None:
        self._loop, self._opened, self._closed = loop, opened, closed
        self._raw: asyncio.Transport | None = None
        self._transport: asyncio.Transport | None = None
        self._readable: Callable[[], bool] = bool
        self._secure = self._gone = self._full = False
        self._request, self._answer = HTTPRequest.IDLE, HTTPResponse.NONE
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.since = 0.0  # of the last progress
        self._clear(Timeouts())

    def _clear(self, clocks: Timeouts) -> None:
        """Forget the exchange before."""
        self._clocks = clocks
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)
        self._fit = False
        self._error: httpx.TransportError | None = None
        self._deadline: float | None = None  # of the whole answer
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._head_size = self._size = self._status = self._written = self._left = 0

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

    async def exchange(self, message: HTTPExchange, clocks: Timeouts) -> httpx.Response:
        """Send a request and give its answer, which may come before all is sent."""
        if self._gone:  # nobody would say so a second time
            raise httpx.RemoteProtocolError("The connection was closed.")
        self._clear(clocks)
        self._request, self._answer = HTTPRequest.WRITING, HTTPResponse.HEAD
        self.since = self._loop.time()
        try:
            await self._send(message)
            while self._answer is not HTTPResponse.ENDED:
                await self._wait()
            if self._error is not None:
                raise self._error
            self._fit = self._fit and self._request is not HTTPRequest.WRITING
            return httpx.Response(self._status, headers=self._headers, stream=httpx.ByteStream(b"".join(self._body)))
        finally:
            self._request, self._answer = HTTPRequest.IDLE, HTTPResponse.NONE
            self._parser = self._error = None
            self.since = self._loop.time()

    async def _send(self, message: HTTPExchange) -> None:
        """Write the head with the first piece, then piece by piece, until all has left or the answer is here."""
        waiting = message.head
        async for piece in message.stream:
            waiting += message.framed(piece)
            if piece and self._answer is not HTTPResponse.ENDED:
                await self._write(waiting)
                waiting = b""
            if self._answer is HTTPResponse.ENDED:
                return
        waiting += message.end()
        if waiting:
            await self._write(waiting)
        pending = self._pending()
        self._request, self._left = HTTPRequest.DRAINING, self._written - pending
        self.since = self._loop.time()
        if not pending:
            self._sent()

    def _sent(self) -> None:
        """Start the time limits of the answer: all has left."""
        self._request, self.since = HTTPRequest.SENT, self._loop.time()
        if self._clocks.read is not None:
            self._deadline = self.since + PATIENCE * self._clocks.read

    async def _write(self, data: bytes) -> None:
        """Write, and wait until there is room for more."""
        assert self._transport is not None  # noqa: S101 - for mypy
        self._written += len(data)
        self.since = self._loop.time()
        self._transport.write(data)
        # Where writing failed, the loop has yet to say so, and asyncio complains of whoever goes on.
        while (self._full or self._transport.is_closing()) and self._answer is not HTTPResponse.ENDED:
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
        if self._answer in _EXPECTED:
            self._answer, self._error = HTTPResponse.ENDED, error
            self._wake()

    def _pending(self) -> int:
        """Give how many bytes have not left yet, above and below TLS."""
        if self._raw is None or self._transport is None:
            return 0
        above = self._transport.get_write_buffer_size() if self._secure else 0
        return above + self._raw.get_write_buffer_size()

    def _due(self) -> float | None:
        """Return when to look at the time limit that runs now: for writing while bytes wait here, else the answer's."""
        if self._pending():
            return None if self._clocks.write is None else self._loop.time() + self._clocks.write / _LOOKS
        if self._request is HTTPRequest.WRITING or self._clocks.read is None:
            return None
        due = self.since + self._clocks.read
        return due if self._deadline is None else min(due, self._deadline)

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
        if self._answer not in _EXPECTED:
            return
        now, pending = self._loop.time(), self._pending()
        left = self._written - pending
        if left != self._left:
            self._left, self.since = left, now
        if self._request is HTTPRequest.DRAINING and not pending:
            self._sent()
        if (late := self._late(now, pending)) is not None:
            self._end(late)
        else:
            self._watch()

    def _late(self, now: float, pending: int) -> httpx.TimeoutException | None:
        """Return the error of a time limit that has passed, if one has."""
        write, read = self._clocks.write, self._clocks.read
        if pending:
            return None if write is None or now - self.since < write else httpx.WriteTimeout("")
        if self._request is HTTPRequest.WRITING or read is None:
            return None
        if self._deadline is not None and now >= self._deadline:
            return httpx.ReadTimeout("The answer came too slowly.")
        return None if now - self.since < read else httpx.ReadTimeout("")

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
        if self._request is not HTTPRequest.WRITING:
            self.since = self._loop.time()
        self._size += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fit = False
            self._end(httpx.RemoteProtocolError(str(error)))
        most = _LONGEST_HEAD if self._answer is HTTPResponse.HEAD else LONGEST_ANSWER
        if self._size > most:
            self._end(httpx.RemoteProtocolError("The answer is too long."))

    def eof_received(self) -> None:
        """End an answer that goes on until the connection is closed, or one that is cut short."""
        self._gone = True
        if self._answer is HTTPResponse.BODY and not self._bounded():
            self._end()
        short = (
            "The answer was cut short."
            if self._answer is HTTPResponse.BODY
            else "Server disconnected without sending a response."
        )
        self._end(httpx.RemoteProtocolError(short))

    def _bounded(self) -> bool:
        """Tell whether the answer's head says where its body ends."""
        fields = {name.lower(): value.lower() for name, value in self._headers}
        return b"content-length" in fields or fields.get(b"transfer-encoding", b"").endswith(b"chunked")

    def connection_lost(self, error: Exception | None) -> None:
        """End what is going on."""
        self._gone = True
        if self._answer in _EXPECTED and error is not None and self._raw is not None:
            self._rescue(self._raw)
        lost = httpx.WriteError if self._request is HTTPRequest.WRITING else httpx.ReadError
        self._end(lost(str(error)) if error is not None else httpx.RemoteProtocolError("The connection was closed."))
        if self._timer is not None:
            self._timer.cancel()
        self._closed(self)

    def _rescue(self, raw: asyncio.Transport) -> None:
        """Read the answer that may lie in the system, where writing failed first, since nobody was read any more."""
        if self._secure:
            return
        with suppress(OSError, TypeError), raw.get_extra_info("socket").dup() as end:  # uvloop's cannot
            while self._answer in _EXPECTED and (data := end.recv(1 << 16)):
                self.data_received(data)

    # What the parser says

    def on_message_begin(self) -> None:
        """Begin an answer: a second one is none of ours."""
        if self._answer is HTTPResponse.ENDED:
            self._fit = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; what comes after the body is left."""
        self._head_size += len(name) + len(value) + len(": \r\n")
        if self._answer is HTTPResponse.HEAD:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Note that the body follows."""
        if self._head_size > _LONGEST_HEAD or len(self._headers) > _MOST_HEADERS:
            self._end(httpx.RemoteProtocolError("The answer has too many headers."))
        if self._parser is not None and self._answer is HTTPResponse.HEAD:
            self._answer, self._status = HTTPResponse.BODY, self._parser.get_status_code()

    def on_body(self, data: bytes) -> None:
        """Take a piece of the body."""
        if self._answer is HTTPResponse.BODY:
            self._body.append(data)

    def on_message_complete(self) -> None:
        """End the exchange, or go on after an answer that says that another will follow."""
        if self._parser is None or self._answer is not HTTPResponse.BODY:
            return
        if self._status >= 200:  # noqa: PLR2004 - HTTP
            self._fit = self._parser.should_keep_alive()
            self._end()
        elif self._status == 101:  # noqa: PLR2004 - HTTP
            self._end(httpx.RemoteProtocolError("The server wants to speak another protocol."))
        else:
            self._headers, self._answer = [], HTTPResponse.HEAD


def _watched(end: int) -> Callable[[], bool]:
    """Give what tells whether there is something to read: a request's connection would be one that the peer closed."""
    if not hasattr(select, "poll"):
        return lambda: bool(select.select([end], [], [], 0)[0])
    look = select.poll()
    look.register(end, select.POLLIN)
    return lambda: bool(look.poll(0))
