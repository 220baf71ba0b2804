"""The network under the uploads, as an httpx transport: connections opened, kept for a while, and closed."""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import httpx

from ikpipe.service.connection import HTTPConnection
from ikpipe.service.message import HTTPExchange, Timeouts

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    Origin = tuple[str, str, int]  # scheme, host, port

IDLE = 2  # seconds that a connection waits for another request: servers close theirs after about 5 s
_NEXT_ADDRESS = 0.25  # seconds after which a host's next address is tried beside the first (RFC 8305)
_FAREWELL = 1  # seconds
_PORTS = {"http": 80, "https": 443}


class HTTPTransport(httpx.AsyncBaseTransport):
    """The network, for uploads: as an httpx transport, but with its own HTTP/1.1 on asyncio.

    No request is ever sent twice, connections are as many as there are requests at once, and all that a request costs
    does not depend on how many others there are. Answers are small, and given whole; `HEAD` is not for this line.

    Parameters
    ----------
    context
        Whom to trust.
    options
        Options of each connection's socket, where the system has them: level, name, value.
    idle
        Seconds that a connection waits for another request.
    """

    def __init__(
        self, context: ssl.SSLContext, options: Sequence[tuple[int, str, int]] = (), idle: float = IDLE
    ) -> None:
        context.set_alpn_protocols(["http/1.1"])
        self._context, self._options, self._idle = context, options, idle
        self._waiting: dict[Origin, deque[HTTPConnection]] = {}
        self._open: set[HTTPConnection] = set()
        self._sweep: asyncio.TimerHandle | None = None
        self._emptied: asyncio.Future[None] | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, once.

        Raises
        ------
        httpx.TransportError
            There is no answer, or no whole one.
        """
        clocks = _clocks(request)
        message = HTTPExchange(request)
        origin = _origin(request.url)
        connection = self._take(origin) or await self._connect(origin, clocks.connect)
        try:
            answer = await connection.exchange(message, clocks)
        except BaseException:
            connection.abort()
            raise
        if connection.fit and not message.last:
            self._keep(origin, connection)
        else:
            connection.abort()
        return answer

    async def aclose(self) -> None:
        """Close every connection at once, and wait until the system has them back."""
        if self._sweep is not None:
            self._sweep.cancel()
        for connection in list(self._open):
            connection.abort()
        if self._open:
            self._emptied = asyncio.get_running_loop().create_future()
            with suppress(TimeoutError):  # it takes a round or two of the loop
                async with asyncio.timeout(_FAREWELL):
                    await self._emptied

    # Connections between requests

    def _take(self, origin: Origin) -> HTTPConnection | None:
        """Take the connection that waits for the shortest time; the others may then be closed."""
        waiting = self._waiting.get(origin)
        while waiting:
            connection = waiting.pop()
            if connection.fresh(self._idle):
                return connection
            connection.abort()
        return None

    def _keep(self, origin: Origin, connection: HTTPConnection) -> None:
        self._waiting.setdefault(origin, deque()).append(connection)
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(self._idle, self._clear)

    def _clear(self) -> None:
        """Close what has waited for too long; the next look is when the next may have."""
        self._sweep, now = None, asyncio.get_running_loop().time()
        left: list[float] = []
        for waiting in self._waiting.values():
            while waiting and waiting[0].since + self._idle <= now:
                waiting.popleft().abort()
            left += [waiting[0].since] if waiting else []
        if left:
            self._sweep = asyncio.get_running_loop().call_at(min(left) + self._idle, self._clear)

    def _opened(self, connection: HTTPConnection, end: object) -> None:
        self._open.add(connection)
        equip(end, self._options)

    def _closed(self, connection: HTTPConnection) -> None:
        self._open.discard(connection)
        if self._emptied is not None and not self._open and not self._emptied.done():
            self._emptied.set_result(None)

    # Connecting

    async def _connect(self, origin: Origin, clock: float | None) -> HTTPConnection:
        scheme, host, port = origin
        try:
            async with asyncio.timeout(clock):
                connection = await self._first(await _addresses(host, port), port)
            if scheme == "https":
                with self._closing(connection):
                    async with asyncio.timeout(clock):
                        await connection.secure(self._context, host, clock)
        except TimeoutError as error:
            raise httpx.ConnectTimeout(str(error)) from error
        except (OSError, UnicodeError) as error:  # the latter: a name that DNS cannot have
            raise httpx.ConnectError(str(error)) from error
        return connection

    async def _first(self, addresses: list[str], port: int) -> HTTPConnection:
        """Connect to the first address that takes it; the next is tried beside one that takes its time.

        Not by asyncio's own `happy_eyeballs_delay`, which can leave a socket open when it is cancelled.
        """
        if len(addresses) == 1:
            return await self._dial(addresses[0], port)
        tasks: list[asyncio.Task[HTTPConnection]] = []
        left = deque(addresses)
        try:
            while (won := _connected(tasks)) is None and (left or _running(tasks)):
                if left:
                    tasks.append(asyncio.create_task(self._dial(left.popleft(), port)))
                wait = _NEXT_ADDRESS if left else None
                await asyncio.wait(_running(tasks), timeout=wait, return_when=asyncio.FIRST_COMPLETED)
            return await (won or tasks[-1])
        finally:
            for task in tasks:
                if task is not won:
                    task.cancel()
                    task.add_done_callback(_abandon)

    async def _dial(self, address: str, port: int) -> HTTPConnection:
        loop = asyncio.get_running_loop()
        connection = HTTPConnection(loop, self._opened, self._closed)
        with self._closing(connection):
            await loop.create_connection(lambda: connection, address, port)
        return connection

    @contextmanager
    def _closing(self, connection: HTTPConnection) -> Iterator[None]:
        """Close a connection that is not set up in the end; until it is, not every loop says that it is gone."""
        try:
            yield
        except BaseException:
            connection.abort()
            self._closed(connection)
            raise


async def _addresses(host: str, port: int) -> list[str]:
    """Give a host's addresses, of both families in turn (RFC 8305)."""
    with suppress(ValueError):
        return [str(ip_address(host))]
    families: dict[int, list[str]] = {}
    for family, _, _, _, place in await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM):
        families.setdefault(family, []).append(str(place[0]))
    return [address for turn in zip_longest(*families.values()) for address in turn if address is not None]


def _running(tasks: list[asyncio.Task[HTTPConnection]]) -> list[asyncio.Task[HTTPConnection]]:
    return [task for task in tasks if not task.done()]


def _connected(tasks: list[asyncio.Task[HTTPConnection]]) -> asyncio.Task[HTTPConnection] | None:
    return next((task for task in tasks if task.done() and task.exception() is None), None)


def _abandon(task: asyncio.Task[HTTPConnection]) -> None:
    """Close a connection that came too late."""
    if not task.cancelled() and task.exception() is None:
        task.result().abort()


def equip(end: Any, options: Iterable[tuple[int, str, int]]) -> None:
    """Give a socket these options, where there is one and the system has them."""
    for level, name, value in options:
        if end is not None and hasattr(socket, name):
            with suppress(OSError):
                end.setsockopt(level, getattr(socket, name), value)


def _clocks(request: httpx.Request) -> Timeouts:
    given: Mapping[str, float | None] = request.extensions.get("timeout", {})
    return Timeouts(given.get("connect"), given.get("write"), given.get("read"))


def _origin(url: httpx.URL) -> Origin:
    scheme = url.scheme
    if scheme not in _PORTS or not url.raw_host:
        raise httpx.UnsupportedProtocol("Only http:// and https:// addresses with a host can be asked.")
    return scheme, url.raw_host.decode("ascii"), url.port or _PORTS[scheme]
