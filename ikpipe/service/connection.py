"""One connection: it sends a request once and reads its response (HTTP/1.1 on asyncio and httptools).

Theory of operation
-------------------
An `HTTPConnection` is an asyncio protocol that carries one exchange at a time. `exchange` writes an `EncodedRequest`,
waits, and returns the complete response; it raises an httpx error if there is none. A connection never repeats a
request.

**Two states.** A server may respond before it has read the whole body, so each direction has a state of its own:

    RequestState    IDLE ── exchange() ──> WRITING ── last piece written ──> DRAINING ── buffers empty ──> SENT
    ResponseState   NONE ── exchange() ──> HEAD <──1xx── HEAD ── head complete ──> BODY ── complete ──> ENDED

`DRAINING` is skipped if the buffers are empty. `ENDED` is the only final state: a complete response, an error, or a
lost connection. `_end` sets it once and wakes `exchange`, which then returns to `IDLE` from any request state.

**Who waits.** Only `exchange` waits, on one future. Callbacks of the transport change the state and wake it; it checks
the state again, so no callback needs to know what it waits for.

**What was sent.** The upper limit of the write buffer is 0, so asyncio reports when it is empty (with TLS the limit is
small). `_unsent` is the number of bytes that are still in this process. It tells writing from waiting for the response,
and a slow network from one that makes no progress.

**Time limits.** `Timeouts` are seconds without progress. Each connection has one timer, set again only when it fires:

    WRITING, DRAINING   if bytes are unsent, some must be sent within `write`; if not, the source is slow: no limit
    SENT                some byte of the response within `read`, and all of it within `TOTAL_READ_FACTOR` times `read`

The second limit of `SENT` ends a response of single bytes, each of which is progress. It includes 1xx responses.

**Size limits.** Heads, including those of 1xx responses, have at most `_MAX_HEAD` bytes and `_MAX_HEADERS` headers; a
response has at most `MAX_RESPONSE` bytes, with framing and trailers. Bytes are counted when they arrive, before the
parser stores them. Bodies are not decoded: requests ask for no encoding.

**Reuse.** A connection is reused only if request and response are complete, no bytes are unsent, HTTP allows it, and
nothing has arrived since. `is_usable` asks the operating system, because the event loop may not have been told yet.
Bytes that arrive while there is no request close the connection: they would be taken for the next response.

**Early responses.** If the server responds and closes, a write can fail before the response was read. The response is
then in the operating system's buffer, where `_read_pending_response` reads it. With TLS that is not possible.
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, cast

import httptools
import httpx

from ikpipe.service.exchange import EncodedRequest, RequestState, ResponseState, Timeouts

if TYPE_CHECKING:
    import ssl

_MAX_HEAD = 1 << 16  # bytes of all heads of a response; the service's have less than 1 kB
_MAX_HEADERS = 128
MAX_RESPONSE = 1 << 22  # bytes; the service's have a few hundred
TOTAL_READ_FACTOR = 4  # the limit for the complete response, as a multiple of the one for its next byte
_TLS_BUFFER = 1 << 17  # bytes that may be unsent above TLS
_CHECKS = 8  # checks of progress within the time limit for writing
_NO_LIMIT = 1e9  # seconds; asyncio takes no None
TOO_LARGE, TOO_SLOW = "The response is too large.", "The response took too long."
_UNFINISHED = (ResponseState.HEAD, ResponseState.BODY)


class HTTPConnection(asyncio.Protocol):
    """One connection, which carries one exchange at a time.

    `loop` is the event loop that runs the connection. `on_open` and `on_close` are called when the connection is open,
    with its socket, and when it is closed.
    """

    __slots__ = (
        *("_on_open", "_on_close", "_loop", "_raw", "_transport", "_readable", "_secure", "_closed", "_paused"),
        *("_waiter", "_timer", "last_progress", "_parser", "_timeouts", "_request", "_response", "_error", "_reusable"),
        *("_headers", "_body", "_head_size", "_received", "_status", "_written", "_sent", "_deadline"),
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        on_open: Callable[[HTTPConnection, object], None],
        on_close: Callable[[HTTPConnection], None],
    ) -> None:
        self._loop, self._on_open, self._on_close = loop, on_open, on_close
        self._raw: asyncio.Transport | None = None
        self._transport: asyncio.Transport | None = None
        self._readable: Callable[[], bool] = bool
        self._secure = self._closed = self._paused = False
        self._request, self._response = RequestState.IDLE, ResponseState.NONE
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.last_progress = 0.0  # time of the loop
        self._clear(Timeouts())

    def _clear(self, timeouts: Timeouts) -> None:
        """Reset what belongs to one exchange."""
        self._timeouts = timeouts
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)
        self._reusable = False
        self._error: httpx.TransportError | None = None
        self._deadline: float | None = None  # for the complete response
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._head_size = self._received = self._status = self._written = self._sent = 0

    # Called by the transport pool

    async def secure(self, context: ssl.SSLContext, host: str, timeout: float | None) -> None:
        """Start TLS. Not in `create_connection`, because bytes that wait below TLS must be visible, too."""
        raw = self._raw
        if raw is None or raw.is_closing():  # asyncio would wait until the time limit
            raise ConnectionResetError("the connection was closed before TLS was set up")
        limit = _NO_LIMIT if timeout is None else 2 * timeout  # the actual limit is set by the caller
        secured = await self._loop.start_tls(raw, self, context, server_hostname=host, ssl_handshake_timeout=limit)
        assert secured is not None  # noqa: S101 - for mypy
        secured.set_write_buffer_limits(high=_TLS_BUFFER)
        self._transport, self._secure = secured, True

    def is_usable(self, idle: float) -> bool:
        """Whether the connection can carry another request: not idle for too long, and nothing has arrived."""
        transport = self._raw
        if self._closed or transport is None or transport.is_closing():
            return False
        return self._loop.time() - self.last_progress < idle and not self._readable()

    @property
    def reusable(self) -> bool:
        """Whether the connection can be kept after the exchange that has ended."""
        return self._reusable and not self._closed and not self._unsent()

    def abort(self) -> None:
        """Close the connection immediately."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        for transport in (self._transport, self._raw):
            if transport is not None:
                transport.abort()

    async def exchange(self, request: EncodedRequest, timeouts: Timeouts) -> httpx.Response:
        """Send a request and return its response, which may arrive before everything was sent."""
        if self._closed:  # `connection_lost` was called already
            raise httpx.RemoteProtocolError("The connection was closed.")
        self._clear(timeouts)
        self._request, self._response = RequestState.WRITING, ResponseState.HEAD
        self.last_progress = self._loop.time()
        try:
            await self._send(request)
            while self._response is not ResponseState.ENDED:
                await self._wait()
            if self._error is not None:
                raise self._error
            self._reusable = self._reusable and self._request is not RequestState.WRITING
            return httpx.Response(self._status, headers=self._headers, stream=httpx.ByteStream(b"".join(self._body)))
        finally:
            self._request, self._response = RequestState.IDLE, ResponseState.NONE
            self._parser = self._error = None
            self.last_progress = self._loop.time()

    async def _send(self, request: EncodedRequest) -> None:
        """Write the head with the first piece, then piece by piece, until all is sent or the response ended."""
        data = request.head
        async for piece in request.stream:
            data += request.frame(piece)
            if piece and self._response is not ResponseState.ENDED:
                await self._write(data)
                data = b""
            if self._response is ResponseState.ENDED:
                return
        data += request.end()
        if data:
            await self._write(data)
        unsent = self._unsent()
        self._request, self._sent = RequestState.DRAINING, self._written - unsent
        self.last_progress = self._loop.time()
        if not unsent:
            self._start_reading()

    def _start_reading(self) -> None:
        """Start the time limits of the response, once everything is sent."""
        self._request, self.last_progress = RequestState.SENT, self._loop.time()
        if self._timeouts.read is not None:
            self._deadline = self.last_progress + TOTAL_READ_FACTOR * self._timeouts.read

    async def _write(self, data: bytes) -> None:
        """Write, and wait until the buffer has room."""
        assert self._transport is not None  # noqa: S101 - for mypy
        self._written += len(data)
        self.last_progress = self._loop.time()
        self._transport.write(data)
        # After a failed write, asyncio warns about further writes before it calls `connection_lost`.
        while (self._paused or self._transport.is_closing()) and self._response is not ResponseState.ENDED:
            await self._wait()

    # Waiting

    async def _wait(self) -> None:
        """Wait until the state changes."""
        self._start_timer()
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _end(self, error: httpx.TransportError | None = None) -> None:
        """End the exchange; only the first call has an effect."""
        if self._response in _UNFINISHED:
            self._response, self._error = ResponseState.ENDED, error
            self._wake()

    def _unsent(self) -> int:
        """Return the number of bytes that are still in this process, above and below TLS."""
        if self._raw is None or self._transport is None:
            return 0
        above = self._transport.get_write_buffer_size() if self._secure else 0
        return above + self._raw.get_write_buffer_size()

    def _next_check(self) -> float | None:
        """Return when to check progress: often while bytes are unsent, else at the time limit of the response."""
        if self._unsent():
            return None if self._timeouts.write is None else self._loop.time() + self._timeouts.write / _CHECKS
        if self._request is RequestState.WRITING or self._timeouts.read is None:
            return None
        due = self.last_progress + self._timeouts.read
        return due if self._deadline is None else min(due, self._deadline)

    def _start_timer(self) -> None:
        due = self._next_check()
        if due is None or (self._timer is not None and self._timer.when() <= due):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(due, self._check_progress)

    def _check_progress(self) -> None:
        """End the exchange if a time limit has passed without progress."""
        self._timer = None
        if self._response not in _UNFINISHED:
            return
        now, unsent = self._loop.time(), self._unsent()
        sent = self._written - unsent
        if sent != self._sent:
            self._sent, self.last_progress = sent, now
        if self._request is RequestState.DRAINING and not unsent:
            self._start_reading()
        if (error := self._timeout_error(now, unsent)) is not None:
            self._end(error)
        else:
            self._start_timer()

    def _timeout_error(self, now: float, unsent: int) -> httpx.TimeoutException | None:
        """Return the error of a time limit that has passed, if one has."""
        write, read = self._timeouts.write, self._timeouts.read
        if unsent:
            stalled = write is not None and now - self.last_progress >= write
            return httpx.WriteTimeout(f"No data could be sent for {write:g} s.") if stalled else None
        if self._request is RequestState.WRITING or read is None:
            return None
        if self._deadline is not None and now >= self._deadline:
            return httpx.ReadTimeout(TOO_SLOW)
        stalled = now - self.last_progress >= read
        return httpx.ReadTimeout(f"The server sent nothing for {read:g} s.") if stalled else None

    # Callbacks of the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Set up an open connection."""
        raw = cast("asyncio.Transport", transport)
        if self._closed:  # aborted while it was being opened
            raw.abort()
            return
        raw.set_write_buffer_limits(high=0)  # so that asyncio reports an empty buffer
        self._raw = self._transport = raw
        connected_socket = transport.get_extra_info("socket")
        self._readable = _poll_readable(connected_socket.fileno())
        self._on_open(self, connected_socket)

    def pause_writing(self) -> None:
        """Note that the write buffer is not empty."""
        self._paused = True

    def resume_writing(self) -> None:
        """Note that the write buffer has room again."""
        self._paused = False
        self.last_progress = self._loop.time()
        self._wake()

    def data_received(self, data: bytes) -> None:
        """Parse a part of the response; close the connection if no response is expected."""
        if self._parser is None or not self._written:
            self._end(httpx.RemoteProtocolError("The server sent data before the request."))
            self.abort()
            return
        if self._request is not RequestState.WRITING:
            self.last_progress = self._loop.time()
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._reusable = False
            self._end(httpx.RemoteProtocolError(str(error)))
        limit = _MAX_HEAD if self._response is ResponseState.HEAD else MAX_RESPONSE
        if self._received > limit:
            self._end(httpx.RemoteProtocolError(TOO_LARGE))

    def eof_received(self) -> None:
        """End a response without a length, which closing the connection completes, or report one that is incomplete."""
        self._closed = True
        if self._response is ResponseState.BODY and not self._has_length():
            self._end()
        incomplete = self._response is ResponseState.BODY
        reason = "The response is incomplete." if incomplete else "Server disconnected without sending a response."
        self._end(httpx.RemoteProtocolError(reason))

    def _has_length(self) -> bool:
        """Whether the response's head says where its body ends."""
        fields = {name.lower(): value.lower() for name, value in self._headers}
        return b"content-length" in fields or fields.get(b"transfer-encoding", b"").endswith(b"chunked")

    def connection_lost(self, error: Exception | None) -> None:
        """End the exchange, if there is one."""
        self._closed = True
        if self._response in _UNFINISHED and error is not None and self._raw is not None:
            self._read_pending_response(self._raw)
        if error is None:
            self._end(httpx.RemoteProtocolError("The connection was closed."))
        else:
            writing = self._request is RequestState.WRITING
            self._end(httpx.WriteError(str(error)) if writing else httpx.ReadError(str(error)))
        if self._timer is not None:
            self._timer.cancel()
        self._on_close(self)

    def _read_pending_response(self, raw: asyncio.Transport) -> None:
        """Read the response from the operating system's buffer after a failed write, which stops reading."""
        if self._secure:
            return
        with suppress(OSError, TypeError), raw.get_extra_info("socket").dup() as copy:  # uvloop's has no `dup`
            while self._response in _UNFINISHED and (data := copy.recv(1 << 16)):
                self.data_received(data)

    # Callbacks of the parser

    def on_message_begin(self) -> None:
        """Start a response; a second one makes the connection unusable."""
        if self._response is ResponseState.ENDED:
            self._reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a header; ignore trailers."""
        self._head_size += len(name) + len(value) + len(": \r\n")
        if self._response is ResponseState.HEAD:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Start the body."""
        if self._head_size > _MAX_HEAD or len(self._headers) > _MAX_HEADERS:
            self._end(httpx.RemoteProtocolError("The response has too many headers."))
        if self._parser is not None and self._response is ResponseState.HEAD:
            self._response, self._status = ResponseState.BODY, self._parser.get_status_code()

    def on_body(self, data: bytes) -> None:
        """Add a piece of the body."""
        if self._response is ResponseState.BODY:
            self._body.append(data)

    def on_message_complete(self) -> None:
        """End the exchange, or expect the next response after a 1xx one."""
        if self._parser is None or self._response is not ResponseState.BODY:
            return
        if self._status >= 200:  # noqa: PLR2004 - HTTP
            self._reusable = self._parser.should_keep_alive()
            self._end()
        elif self._status == 101:  # noqa: PLR2004 - HTTP
            self._end(httpx.RemoteProtocolError("The server switched to another protocol."))
        else:
            self._headers, self._response = [], ResponseState.HEAD


def _poll_readable(descriptor: int) -> Callable[[], bool]:
    """Return a function that tells whether a socket has something to read; the end of the stream counts."""
    if not hasattr(select, "poll"):
        return lambda: bool(select.select([descriptor], [], [], 0)[0])
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return lambda: bool(poll.poll(0))
