"""The HTTP transport of uploads against real sockets: a request is sent once, and has a response or an error."""

from __future__ import annotations

import asyncio
import gc
import gzip
import socket
import ssl
import threading
import time
import tracemalloc
from contextlib import contextmanager, nullcontext, suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import trustme
from doubles import RawServer, reset_after, silent
from network import TightServer, reading

from ikpipe.service.transport import HTTPTransport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from doubles import Act, Talk


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
IN_STEP = [(socket.IPPROTO_TCP, "TCP_NOTSENT_LOWAT", 1 << 15)]
LOOPS = ["asyncio", *(["uvloop"] if find_spec("uvloop") else [])]


@pytest.fixture(params=LOOPS)
def run(request: pytest.FixtureRequest) -> Callable[[Callable[[HTTPTransport], Awaitable[Any]]], Any]:
    """Run a coroutine with a transport, on each installed event loop, and close the transport."""

    def run(do: Callable[[HTTPTransport], Awaitable[Any]], transport: HTTPTransport | None = None) -> Any:
        async def within() -> Any:
            async with transport or HTTPTransport(ssl.create_default_context(), IN_STEP) as one:
                return await do(one)

        if request.param == "uvloop":
            import uvloop  # type: ignore[import-not-found,unused-ignore]

            return uvloop.run(within())
        return asyncio.run(within())

    return run


@pytest.fixture
def full() -> Iterator[str]:
    """Yield the address of a socket whose queue is full, so that connecting never ends."""
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for one in (first, second):
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


class Pieces(httpx.AsyncByteStream):
    """A body in pieces, optionally with a pause before each."""

    def __init__(self, *pieces: bytes, pause: float = 0.0) -> None:
        self.pieces, self.pause, self.given = pieces, pause, 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the pieces and count them."""
        for piece in self.pieces:
            if self.pause:
                await asyncio.sleep(self.pause)
            self.given += 1
            yield piece


def request(url: str, *pieces: bytes, headers: Any = (), stream: Any = None, **clocks: float | None) -> httpx.Request:
    """Return a request with a Content-Length, or with other headers."""
    body = stream or Pieces(*pieces)
    length = [("Content-Length", str(sum(map(len, pieces))))] if not headers else []
    address = httpx.URL(url)
    named = [(b"Host", address.netloc), *length, *headers]
    return httpx.Request("POST", address, headers=named, stream=body, extensions={"timeout": clocks})


async def post(transport: HTTPTransport, url: str, *pieces: bytes, **options: Any) -> tuple[int, bytes]:
    """Send a request and return the status and the body."""
    answer = await transport.handle_async_request(request(url, *pieces, **options))
    return answer.status_code, await answer.aread()


def saying(*data: bytes, pause: float = 0.0, reset: bool = False) -> Act:
    """Return an act that reads a complete request and sends data."""

    def act(talk: Talk) -> None:
        talk.request()
        for piece in data:
            talk.connection.sendall(piece)
            time.sleep(pause)
        if reset:
            talk.reset()

    return act


def lasting(talk: Talk) -> None:
    """Respond to every request of a connection until the peer closes it."""
    while True:
        talk.request()
        talk.connection.sendall(OK)


# What goes out


def test_a_small_request_is_one_write(run: Any) -> None:
    """Head and body arrive together."""
    seen = []

    def act(talk: Talk) -> None:
        seen.append(talk.connection.recv(1 << 16))
        talk.connection.sendall(OK)

    with RawServer(act) as server:
        assert run(lambda transport: post(transport, f"{server.url}/a?b", b"hello")) == (200, b"hi")
    host = server.url.removeprefix("http://")
    assert seen == [f"POST /a?b HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5\r\n\r\nhello".encode()]


def test_a_body_in_pieces_arrives_whole(run: Any) -> None:
    """3 MB in pieces of all sizes, one of them empty."""
    pieces = b"1", b"", b"2" * 70_000, b"3" * 3_000_000, b"4"
    with RawServer(saying(OK)) as server:
        assert run(lambda transport: post(transport, server.url, *pieces)) == (200, b"hi")
    assert server.requests[0].body == b"".join(pieces)


def test_a_body_without_a_length_goes_in_chunks(run: Any) -> None:
    """With a `Transfer-Encoding` and no length, the body is sent in chunks."""
    seen = []

    def act(talk: Talk) -> None:
        _, _, body = talk.head()
        while not body.endswith(b"0\r\n\r\n"):
            body += talk.connection.recv(1 << 16)
        seen.append(body)
        talk.connection.sendall(OK)

    with RawServer(act) as server:
        run(
            lambda transport: post(
                transport, server.url, b"ab", b"", b"c" * 17, headers=[("Transfer-Encoding", "chunked")]
            )
        )
    assert seen == [b"2\r\nab\r\n11\r\n" + b"c" * 17 + b"\r\n0\r\n\r\n"]


@pytest.mark.parametrize(("pieces", "words"), [((b"ab", b"cd"), "Too much"), ((b"ab",), "Too little")])
def test_a_body_of_another_length_is_no_request(pieces: tuple[bytes, ...], words: str, run: Any) -> None:
    """A body of another length than declared is an error; the server gets no complete request."""
    with RawServer(silent) as server, pytest.raises(httpx.LocalProtocolError, match=words):
        run(lambda transport: post(transport, server.url, *pieces, headers=[("Content-Length", "3")]))
    assert server.requests == []


@pytest.mark.parametrize(
    "header",
    [
        (b"X", b"a\r\nEvil: 1"),
        (b"X", b"a\nEvil: 1"),
        (b"X", b"a\0"),
        (b"X\r\nEvil", b"1"),
        (b"X Y", b"1"),
        (b"", b"1"),
        (b"Content-Length", b"+3"),
    ],
)
def test_no_header_can_hold_another(header: tuple[bytes, bytes], run: Any) -> None:
    """A header name or value with a line end is rejected before there is a connection."""
    with RawServer(silent) as server, pytest.raises(httpx.LocalProtocolError):
        run(lambda transport: post(transport, server.url, headers=[header]))
    assert server.connections == 0


def test_other_schemes_are_refused(run: Any) -> None:
    """An unsupported scheme is an error, as in httpx."""
    with pytest.raises(httpx.UnsupportedProtocol):
        run(lambda transport: post(transport, "ftp://127.0.0.1/a"))


def test_a_slow_reader_fills_no_memory(run: Any) -> None:
    """Of 20 MB, only the system's buffers and a piece or two are read ahead."""

    class Long(Pieces):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            for _ in range(160):
                yield bytes(125_000)

    def slow(talk: Talk) -> None:
        for _ in reading(talk, step=1 << 20, pause=0.001):
            pass
        talk.connection.sendall(OK)

    with TightServer(slow) as server:
        tracemalloc.start()
        try:
            sent = run(
                lambda transport: post(transport, server.url, stream=Long(), headers=[("Content-Length", "20000000")])
            )
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert sent == (200, b"hi")
    assert peak < 4_000_000


# What comes back


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", (200, b"hi")),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n1\r\ni\r\n0\r\nT: x\r\n\r\n", (200, b"hi")),
        (b"HTTP/1.1 200 OK\r\n\r\nhi", (200, b"hi")),
        (b"HTTP/1.0 200 OK\r\n\r\nhi", (200, b"hi")),
        (b"HTTP/1.1 204 No Content\r\n\r\n", (204, b"")),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", (304, b"")),
        (b"HTTP/1.1 500\r\nContent-Length: 0\r\n\r\n", (500, b"")),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nA: b\r\n\r\n" + OK, (200, b"hi")),
    ],
    ids=["length", "chunks", "close", "1.0", "204", "304", "no reason", "1xx"],
)
@pytest.mark.parametrize("cut", [False, True], ids=["at once", "by byte"])
def test_an_answer_is_read(data: bytes, expected: tuple[int, bytes], run: Any, *, cut: bool) -> None:
    """A response is read with any framing and in any pieces; 1xx responses are skipped."""
    pieces = [data[at : at + 1] for at in range(len(data))] if cut else [data]
    with RawServer(saying(*pieces)) as server:
        assert run(lambda transport: post(transport, server.url, b"x")) == expected


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhi",
        b"SSH-2.0-x\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    ],
    ids=["nothing", "head", "1xx", "length", "chunks", "no chunk", "no http", "two lengths", "upgrade"],
)
def test_an_answer_that_is_none_is_an_error(data: bytes, run: Any) -> None:
    """An incomplete response is an error."""
    with RawServer(saying(data)) as server, pytest.raises(httpx.RemoteProtocolError):
        run(lambda transport: post(transport, server.url, b"x"))


def test_headers_come_as_they_are(run: Any) -> None:
    """Names, values and repeated headers are kept; trailers are not."""
    data = b"HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nLate: 1\r\n\r\n"
    with RawServer(saying(data)) as server:
        answer = run(lambda transport: transport.handle_async_request(request(server.url, b"x")))
    assert answer.headers.raw == [(b"X-A", b"1"), (b"x-a", b"2"), (b"Transfer-Encoding", b"chunked")]


def test_httpx_decodes_what_a_client_asked_for(run: Any) -> None:
    """The transport works in an httpx client, which decodes compressed responses."""
    body = gzip.compress(b"hi" * 100)
    data = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body

    async def ask(transport: HTTPTransport) -> bytes:
        async with httpx.AsyncClient(transport=transport) as client:
            return (await client.post(server.url, content=b"x")).content

    with RawServer(saying(data)) as server:
        assert run(ask) == b"hi" * 100


@pytest.mark.parametrize("ending", ["closed", "reset", "read on"])
def test_an_early_answer_ends_the_sending(ending: str, run: Any) -> None:
    """A server may respond before the body is complete; the rest of the body is not sent."""
    body = Pieces(*[bytes(100_000)] * 500)

    def act(talk: Talk) -> None:
        talk.head()
        talk.connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
        if ending == "reset":
            talk.reset()
        elif ending == "read on":
            with suppress(OSError):
                while talk.connection.recv(1 << 20):
                    pass

    with TightServer(act) as server:
        headers = [("Content-Length", "50000000")]
        assert run(lambda transport: post(transport, server.url, stream=body, headers=headers)) == (413, b"big")
    assert body.given < 400


def test_a_connection_that_broke_is_not_written_to(caplog: pytest.LogCaptureFixture, run: Any) -> None:
    """A closed connection is noticed at the next piece, without a warning by asyncio."""
    body = Pieces(*[bytes(100_000)] * 500)

    def act(talk: Talk) -> None:
        talk.head()
        talk.reset()

    with RawServer(act) as server, pytest.raises((httpx.WriteError, httpx.ReadError)):
        run(lambda transport: post(transport, server.url, stream=body, headers=[("Content-Length", "50000000")]))
    assert body.given < 500
    assert caplog.messages == []


def test_an_answer_to_nothing_is_no_answer(run: Any) -> None:
    """Data that arrives before the request is not taken for its response."""
    said = threading.Event()

    def act(talk: Talk) -> None:
        talk.connection.sendall(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
        said.set()
        talk.connection.recv(1)

    class Late(Pieces):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            await asyncio.get_running_loop().run_in_executor(None, said.wait, 10)
            for _ in range(9):  # rounds of the loop
                await asyncio.sleep(0)
            yield b"x"

    with RawServer(act) as server, pytest.raises(httpx.RemoteProtocolError):
        run(lambda transport: post(transport, server.url, stream=Late(), headers=[("Content-Length", "1")]))


@pytest.mark.parametrize("farewell", [b"", b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"], ids=["silent", "word"])
def test_a_connection_that_is_closed_at_once_holds_nobody_up(farewell: bytes, run: Any) -> None:
    """A connection that breaks before, while or after the request is written ends the exchange."""

    async def many(transport: HTTPTransport) -> list[Any]:
        asked = (post(transport, server.url, b"x") for _ in range(40))
        return await asyncio.gather(*asked, return_exceptions=True)

    with RawServer(lambda talk: talk.connection.sendall(farewell)) as server:
        ends = run(many)
    assert all(isinstance(end, httpx.TransportError) or end == (503, b"") for end in ends)


# Connections


@pytest.mark.parametrize("how", ["one after another", "at once"])
def test_a_connection_is_used_again(how: str, run: Any) -> None:
    """Idle connections are reused; as many are opened as there are concurrent requests."""

    async def six(transport: HTTPTransport) -> None:
        if how == "at once":
            for _ in range(2):
                await asyncio.gather(*(post(transport, server.url, b"x") for _ in range(3)))
        else:
            for _ in range(6):
                await post(transport, server.url, b"x")

    with RawServer(lasting) as server:
        run(six)
    assert (server.connections, len(server.requests)) == (1 if how == "one after another" else 3, 6)


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        OK + b"more",
        OK + OK.replace(b"200", b"500").replace(b"hi", b"no"),
        OK,
    ],
    ids=["it says so", "1.0", "unasked-for", "another answer", "closed"],
)
def test_a_connection_that_ended_is_not_used_again(data: bytes, run: Any) -> None:
    """The server asked to close it, sent too much, or closed it."""

    async def two(transport: HTTPTransport) -> list[tuple[int, bytes]]:
        first = await post(transport, server.url, b"x")
        gone.wait(10)  # the loop stands still: nobody has told it yet
        return [first, await post(transport, server.url, b"x")]

    gone = threading.Event()

    def act(talk: Talk) -> None:
        saying(data)(talk)
        talk.connection.close()
        gone.set()

    with RawServer(act) as server:
        assert run(two) == [(200, b"hi")] * 2
    assert server.connections == 2


def test_what_comes_late_and_unasked_for_ends_a_connection(run: Any) -> None:
    """An idle connection is closed."""

    async def two(transport: HTTPTransport) -> None:
        await post(transport, server.url, b"x")
        closed = asyncio.get_running_loop().run_in_executor(None, ended.wait, 10)
        assert await closed
        await post(transport, server.url, b"x")

    ended = threading.Event()

    def act(talk: Talk) -> None:
        saying(OK)(talk)
        time.sleep(0.05)
        talk.connection.sendall(b"HTTP/1.1 408 Timeout\r\n\r\n")
        with suppress(OSError):
            talk.connection.recv(1)
        ended.set()

    with RawServer(act, lasting) as server:
        run(two)
    assert server.connections == 2


def test_a_request_may_be_the_last(run: Any) -> None:
    """`Connection: close` in a request closes its connection after the answer."""

    async def two(transport: HTTPTransport) -> None:
        for _ in range(2):
            await post(transport, server.url, headers=[("Content-Length", "0"), ("Connection", "close")])

    with RawServer(lasting) as server:
        run(two)
    assert server.connections == 2


def test_the_youngest_connection_goes_first(run: Any) -> None:
    """The others reach their maximum idle time and are closed."""
    used: list[int] = []
    allowed = [threading.Event() for _ in range(3)]

    def numbered(number: int) -> Act:
        def act(talk: Talk) -> None:
            with suppress(ConnectionError):
                while True:
                    talk.request()
                    allowed[number].wait(10)
                    used.append(number)
                    talk.connection.sendall(OK)

        return act

    async def rounds(transport: HTTPTransport) -> None:
        waiting = {asyncio.create_task(post(transport, server.url, b"x")) for _ in range(3)}
        for number in (2, 0, 1):
            allowed[number].set()
            _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for _ in range(3):
            await post(transport, server.url, b"x")

    with RawServer(numbered(0), numbered(1), numbered(2)) as server:
        run(rounds)
    assert used == [2, 0, 1, 1, 1, 1]


def test_a_connection_that_waits_too_long_is_closed(run: Any) -> None:
    """Idle connections are closed before the server closes them."""

    async def wait(transport: HTTPTransport) -> None:
        await asyncio.gather(*(post(transport, server.url, b"x") for _ in range(3)))
        assert await asyncio.get_running_loop().run_in_executor(None, ended.acquire)
        assert await asyncio.get_running_loop().run_in_executor(None, ended.acquire)
        assert await asyncio.get_running_loop().run_in_executor(None, ended.acquire)

    ended = threading.Semaphore(0)

    def act(talk: Talk) -> None:
        saying(OK)(talk)
        assert talk.connection.recv(1) == b""
        ended.release()

    with RawServer(act) as server:
        run(wait, HTTPTransport(ssl.create_default_context(), idle=0.1))


def test_no_request_is_sent_twice(run: Any) -> None:
    """A request whose connection breaks is not sent again, not even on a reused connection."""

    def act(talk: Talk) -> None:
        talk.request()
        talk.connection.sendall(OK)
        reset_after(talk)

    async def two(transport: HTTPTransport) -> None:
        await post(transport, server.url, b"x")
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
            await post(transport, server.url, b"y")

    with RawServer(act) as server:
        run(two)
    assert [request.body for request in server.requests] == [b"x", b"y"]


def test_a_cancelled_request_closes_its_connection_at_once(run: Any) -> None:
    """The server notices, and no connection stays open."""

    async def cancel(transport: HTTPTransport) -> None:
        task = asyncio.create_task(post(transport, server.url, b"x"))
        while not server.requests:  # noqa: ASYNC110 - by another thread
            await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.get_running_loop().run_in_executor(None, ended.wait, 5)

    ended = threading.Event()

    def act(talk: Talk) -> None:
        talk.request()
        with suppress(ConnectionResetError):
            assert talk.connection.recv(1) == b""
        ended.set()

    with RawServer(act) as server:
        run(cancel)


def test_a_host_has_several_addresses(run: Any) -> None:
    """`localhost` is reached at the address where a server listens."""
    with RawServer(saying(OK)) as server:
        assert run(lambda transport: post(transport, server.url.replace("127.0.0.1", "localhost"), b"x")) == (
            200,
            b"hi",
        )


@pytest.mark.parametrize("cancelled", [False, True])
def test_an_address_that_takes_its_time_is_not_waited_for(full: str, run: Any, *, cancelled: bool) -> None:
    """The next address is tried beside it; unused connections are closed, also after a cancellation."""
    port = int(full.rpartition(":")[2])

    async def first(transport: HTTPTransport) -> Any:
        async with asyncio.timeout(0.1 if cancelled else 9):
            connection = await transport._connect_first(["127.0.0.1", "127.0.0.2"], port)  # noqa: SLF001 - no name has both here
        connection.abort()

    with socket.create_server(("127.0.0.2", port)):
        began = time.monotonic()
        with pytest.raises(TimeoutError) if cancelled else nullcontext():
            run(first)
    assert time.monotonic() - began < 5


def test_many_that_are_cancelled_while_they_connect_leave_nothing(run: Any) -> None:
    """No socket stays open at any time of the cancellation (warnings are errors in tests)."""

    async def cancel(transport: HTTPTransport) -> None:
        for wait in range(12):
            tasks = [
                asyncio.create_task(post(transport, url, b"x")) for url in (server.url, by_name) for _ in range(20)
            ]
            await asyncio.sleep(wait / 1000)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    with RawServer(lasting) as server:
        by_name = server.url.replace("127.0.0.1", "localhost")
        run(cancel)
        gc.collect()


def test_no_timers_pile_up() -> None:
    """A timer is set for a connection, not for each request."""

    class Counting(asyncio.SelectorEventLoop):
        timers = 0

        def call_at(self, *given: Any, **more: Any) -> asyncio.TimerHandle:
            self.timers += 1
            return super().call_at(*given, **more)

    async def many() -> None:
        async with HTTPTransport(ssl.create_default_context()) as transport:
            for _ in range(50):
                await post(transport, server.url, b"x", connect=9, write=9, read=9)

    with RawServer(lasting) as server, asyncio.Runner(loop_factory=Counting) as runner:
        runner.run(many())
        loop = runner.get_loop()
    assert isinstance(loop, Counting)
    assert loop.timers < 10


# Clocks


def stall(talk: Talk) -> None:
    """Read only the headers."""
    talk.head()
    talk._server.closing.wait(10)  # noqa: SLF001 - its own server


def test_connecting_has_a_clock(full: str, run: Any) -> None:
    """A server that does not accept connections is a timeout."""
    with pytest.raises(httpx.ConnectTimeout):
        run(lambda transport: post(transport, full, b"x", connect=0.2, write=9, read=9))


def test_nobody_there_is_no_time_out(run: Any) -> None:
    """A port without a server and an invalid name are errors at once."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    for url in (f"http://127.0.0.1:{port}/", f"http://{'a' * 70}.test/"):
        with pytest.raises(httpx.ConnectError):
            run(lambda transport, url=url: post(transport, url, b"x"))


def test_writing_has_a_clock(run: Any) -> None:
    """A server that stops reading is a write timeout."""
    with TightServer(stall) as server, pytest.raises(httpx.WriteTimeout):
        run(lambda transport: post(transport, server.url, *[bytes(1 << 17)] * 80, connect=9, write=0.3, read=0.001))


def test_a_slow_line_is_no_stall(run: Any) -> None:
    """A body may take longer than the write timeout as long as there is progress."""

    def slow(talk: Talk) -> None:
        for _ in reading(talk, step=1 << 15, pause=0.02):
            pass
        talk.connection.sendall(OK)

    async def timed(transport: HTTPTransport) -> float:
        began = time.monotonic()
        await post(transport, server.url, *[bytes(1 << 17)] * 8, connect=9, write=0.5, read=9)
        return time.monotonic() - began

    with TightServer(slow) as server:
        assert 1 < run(timed) < 60


def test_a_slow_source_is_no_stall(run: Any) -> None:
    """While the source of the body is slow, no time limit runs."""
    body = Pieces(b"1", b"2", b"3", pause=0.3)
    headers = [("Content-Length", "3")]
    with RawServer(saying(OK)) as server:
        assert (
            run(lambda transport: post(transport, server.url, stream=body, headers=headers, write=0.2, read=0.2))[0]
            == 200
        )


def test_the_answer_has_a_clock(run: Any) -> None:
    """The time limit of the response starts when the body was sent."""

    async def timed(transport: HTTPTransport) -> float:
        began = time.monotonic()
        with pytest.raises(httpx.ReadTimeout):
            await post(transport, server.url, b"x", connect=9, write=9, read=0.3)
        return time.monotonic() - began

    with RawServer(silent) as server:
        assert 0.3 <= run(timed) < 5


def test_the_answers_clock_begins_when_the_body_has_left(run: Any) -> None:
    """A large body may take longer than the read timeout."""

    def slow(talk: Talk) -> None:
        for _ in reading(talk, step=1 << 15, pause=0.01):
            pass
        talk.connection.sendall(OK)

    with TightServer(slow) as server:
        answer = run(
            lambda transport: post(transport, server.url, *[bytes(1 << 17)] * 12, connect=9, write=9, read=0.5)
        )
    assert answer == (200, b"hi")


def test_an_answer_may_come_slowly(run: Any) -> None:
    """The read timeout is for the time without data; a response that stops in the middle is an error."""
    slow = [OK[at : at + 1] for at in range(len(OK))]
    with RawServer(saying(*slow, pause=0.02)) as server:
        assert run(lambda transport: post(transport, server.url, b"x", read=0.4)) == (200, b"hi")
    with RawServer(lambda talk: (saying(OK[:-1])(talk), silent(talk))) as server, pytest.raises(httpx.ReadTimeout):
        run(lambda transport: post(transport, server.url, b"x", read=0.2))


def test_each_request_has_its_own_clocks(run: Any) -> None:
    """A long time limit of one request does not apply to the next one on its connection."""

    def act(talk: Talk) -> None:
        talk.request()
        talk.connection.sendall(OK)
        silent(talk)

    async def two(transport: HTTPTransport) -> float:
        await post(transport, server.url, b"x", read=60)
        began = time.monotonic()
        with pytest.raises(httpx.ReadTimeout):
            await post(transport, server.url, b"x", read=0.2)
        return time.monotonic() - began

    with RawServer(act) as server:
        assert run(two) < 9


# TLS


class Authority:
    """A certificate authority of our own, and a server's end of TLS by it."""

    def __init__(self, *names: str) -> None:
        self._authority = trustme.CA()
        self.seen: list[tuple[str | None, str | None]] = []
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(*names).configure_cert(self.server)
        self.server.set_alpn_protocols(["h2", "http/1.1"])
        self.server.sni_callback = lambda end, name, _context: setattr(end, "asked", name)

    def client(self) -> ssl.SSLContext:
        """Give a context that trusts it."""
        context = ssl.create_default_context()
        self._authority.configure_trust(context)
        return context

    def write(self, path: Any) -> None:
        """Write its certificate into a file."""
        self._authority.cert_pem.write_to_path(path)

    def over(self, act: Act) -> Act:
        """Do an act over TLS."""

        def secured(talk: Talk) -> None:
            with suppress(ssl.SSLError), self.server.wrap_socket(talk.connection, server_side=True) as end:
                talk.connection = end
                self.seen.append((getattr(end, "asked", None), end.selected_alpn_protocol()))
                act(talk)

        return secured


@contextmanager
def secure(act: Act, *, name: str = "localhost") -> Iterator[tuple[RawServer, Authority, str]]:
    """Run a server with TLS, and give its address by name."""
    authority = Authority(name)
    with TightServer(authority.over(act)) as server:
        yield server, authority, server.url.replace("http://127.0.0.1", "https://localhost")


def test_tls_says_whom_it_asks_and_what_it_speaks(run: Any) -> None:
    """SNI has the host's name, ALPN is HTTP/1.1 alone; a connection is used again."""

    async def two(transport: HTTPTransport) -> list[tuple[int, bytes]]:
        return [await post(transport, url, b"x"), await post(transport, url, b"y")]

    with secure(lasting) as (server, authority, url):
        assert run(two, HTTPTransport(authority.client())) == [(200, b"hi")] * 2
    assert (authority.seen, server.connections) == ([("localhost", "http/1.1")], 1)


def test_a_large_body_goes_through_tls(run: Any) -> None:
    """5 MB arrive as they were."""
    body = bytes(range(256)) * 512
    with secure(saying(OK)) as (server, authority, url):
        assert run(lambda transport: post(transport, url, *[body] * 40), HTTPTransport(authority.client()))[0] == 200
    assert server.requests[0].body == body * 40


@pytest.mark.parametrize("trouble", ["nobody we trust", "another name"])
def test_a_certificate_is_checked(trouble: str, run: Any) -> None:
    """By whom it is, and for whom; nothing is sent."""
    with secure(lasting, name="localhost" if trouble == "nobody we trust" else "else.test") as (server, authority, url):
        context = ssl.create_default_context() if trouble == "nobody we trust" else authority.client()
        with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
            run(lambda transport: post(transport, url, b"x"), HTTPTransport(context))
    assert server.requests == []


def test_tls_has_the_clock_for_connecting(run: Any) -> None:
    """A server that takes the connection up and then says nothing."""
    with RawServer(silent) as server:
        url = server.url.replace("http://", "https://")
        with pytest.raises(httpx.ConnectTimeout):
            run(lambda transport: post(transport, url, b"x", connect=0.2, write=9, read=9))


@pytest.mark.parametrize("act", [lambda talk: talk.reset(), lambda talk: talk.connection.close()], ids=["reset", "end"])
def test_tls_that_breaks_off_is_no_connection(act: Act, run: Any) -> None:
    """A server that closes instead of greeting."""
    with RawServer(act) as server:
        url = server.url.replace("http://", "https://")
        with pytest.raises(httpx.ConnectError):
            run(lambda transport: post(transport, url, b"x", connect=9))


@pytest.mark.parametrize("phase", ["write", "read"])
def test_tls_has_the_other_clocks(phase: str, run: Any) -> None:
    """What waits below TLS has not left yet, and when all has left, the answer is waited for."""
    pieces = [bytes(1 << 17)] * 80 if phase == "write" else [b"x"]
    clocks = {"write": 0.3, "read": 0.001} if phase == "write" else {"write": 0.001, "read": 0.3}
    expected = httpx.WriteTimeout if phase == "write" else httpx.ReadTimeout
    with secure(stall if phase == "write" else silent) as (_, authority, url), pytest.raises(expected):
        run(lambda transport: post(transport, url, *pieces, connect=9, **clocks), HTTPTransport(authority.client()))


def test_a_cancelled_request_closes_tls_at_once(run: Any) -> None:
    """Without waiting for the other end's word of farewell."""

    async def cancel(transport: HTTPTransport) -> float:
        with suppress(TimeoutError):
            async with asyncio.timeout(0.3):
                await post(transport, url, b"x")
        began = time.monotonic()
        await transport.aclose()
        return time.monotonic() - began

    with secure(silent) as (_, authority, url):
        assert run(cancel, HTTPTransport(authority.client())) < 5
