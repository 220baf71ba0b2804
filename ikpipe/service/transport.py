"""The HTTP transport of uploads: an httpx transport that opens, reuses and closes connections.

`connection.py` has the theory of operation of one connection. This module decides which connection a request uses:

- A connection that waits for a request to the same origin is reused, the one that waited shortest first, so that the
  others reach `MAX_IDLE` seconds and are closed. There is no limit: a request never waits for a connection.
- To open one, the host's addresses are tried in turn, IPv6 and IPv4 alternating; if one takes `_NEXT_ADDRESS_DELAY`
  seconds, the next is tried at the same time (Happy Eyeballs, RFC 8305).
- A request is sent once. After an error its connection is closed, never retried: whether the server has processed the
  request is for the caller to find out.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import httpx

from ikpipe.errors.logs import log_event
from ikpipe.service.connection import HTTPConnection
from ikpipe.service.exchange import EncodedRequest, Timeouts

if TYPE_CHECKING:
    import ssl

    Origin = tuple[str, str, int]  # scheme, host, port

_log = logging.getLogger("ikpipe.service")

MAX_IDLE = 2  # seconds that a connection waits for another request; servers close theirs after about 5 s
_NEXT_ADDRESS_DELAY = 0.25  # seconds
_CLOSE_TIMEOUT = 1  # seconds
_PORTS = {"http": 80, "https": 443}


class HTTPTransport(httpx.AsyncBaseTransport):
    """An httpx transport with its own HTTP/1.1 implementation on asyncio.

    The cost of a request does not depend on the number of other requests. Responses are small and returned complete;
    `HEAD` is not supported.

    `context` says which certificates to trust. `options` are those of each connection's socket, as far as the operating
    system has them: level, name, value. `idle` are the seconds that a connection waits for another request.
    """

    def __init__(
        self, context: ssl.SSLContext, options: Sequence[tuple[int, str, int]] = (), idle: float = MAX_IDLE
    ) -> None:
        context.set_alpn_protocols(["http/1.1"])
        self._context, self._options, self._max_idle = context, options, idle
        self._idle: dict[Origin, deque[HTTPConnection]] = {}
        self._open_connections: set[HTTPConnection] = set()
        self._sweep: asyncio.TimerHandle | None = None
        self._all_closed: asyncio.Future[None] | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request once and return its response.

        Raise `httpx.TransportError` if there is no complete response.
        """
        timeouts = _timeouts(request)
        encoded = EncodedRequest(request)
        origin = _origin(request.url)
        connection = self._take_idle(origin) or await self._connect(origin, timeouts.connect)
        try:
            response = await connection.exchange(encoded, timeouts)
        except BaseException:
            connection.abort()
            raise
        if connection.reusable and not encoded.closes:
            self._keep_idle(origin, connection)
        else:
            connection.abort()
        return response

    async def aclose(self) -> None:
        """Close all connections immediately, and wait until their sockets are closed."""
        if self._sweep is not None:
            self._sweep.cancel()
        for connection in list(self._open_connections):
            connection.abort()
        if self._open_connections:
            self._all_closed = asyncio.get_running_loop().create_future()
            with suppress(TimeoutError):  # it takes an iteration or two of the event loop
                async with asyncio.timeout(_CLOSE_TIMEOUT):
                    await self._all_closed

    # Idle connections

    def _take_idle(self, origin: Origin) -> HTTPConnection | None:
        """Return the usable connection that has waited for the shortest time."""
        connections = self._idle.get(origin)
        while connections:
            connection = connections.pop()
            if connection.is_usable(self._max_idle):
                return connection
            connection.abort()
            log_event(_log, "reconnect", "%s closed an idle connection.", _shown(origin), address=_shown(origin))
        return None

    def _keep_idle(self, origin: Origin, connection: HTTPConnection) -> None:
        self._idle.setdefault(origin, deque()).append(connection)
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(self._max_idle, self._close_idle)

    def _close_idle(self) -> None:
        """Close connections that have waited for too long, and schedule the next check."""
        self._sweep, now = None, asyncio.get_running_loop().time()
        oldest: list[float] = []
        for connections in self._idle.values():
            while connections and connections[0].last_progress + self._max_idle <= now:
                connections.popleft().abort()
            oldest += [connections[0].last_progress] if connections else []
        if oldest:
            self._sweep = asyncio.get_running_loop().call_at(min(oldest) + self._max_idle, self._close_idle)

    def _on_open(self, connection: HTTPConnection, connected_socket: object) -> None:
        self._open_connections.add(connection)
        set_socket_options(connected_socket, self._options)

    def _on_close(self, connection: HTTPConnection) -> None:
        self._open_connections.discard(connection)
        if self._all_closed is not None and not self._open_connections and not self._all_closed.done():
            self._all_closed.set_result(None)

    # Connecting

    async def _connect(self, origin: Origin, timeout: float | None) -> HTTPConnection:
        scheme, host, port = origin
        try:
            async with asyncio.timeout(timeout):
                connection = await self._connect_first(await _addresses(host, port), port)
            if scheme == "https":
                with self._abort_on_error(connection):
                    async with asyncio.timeout(timeout):
                        await connection.secure(self._context, host, timeout)
        except TimeoutError as error:
            raise httpx.ConnectTimeout(str(error) or f"No connection was established within {timeout:g} s.") from error
        except (OSError, UnicodeError) as error:  # the latter for names that DNS does not allow
            raise httpx.ConnectError(str(error)) from error
        log_event(_log, "connected", "A connection to %s was opened.", _shown(origin), address=_shown(origin))
        return connection

    async def _connect_first(self, addresses: list[str], port: int) -> HTTPConnection:
        """Return the first connection that is established; try the next address while one takes long.

        asyncio's own `happy_eyeballs_delay` can leave a socket open when it is cancelled.
        """
        if len(addresses) == 1:
            return await self._connect_to(addresses[0], port)
        tasks: list[asyncio.Task[HTTPConnection]] = []
        remaining = deque(addresses)
        try:
            while (winner := _connected(tasks)) is None and (remaining or _running(tasks)):
                if remaining:
                    tasks.append(asyncio.create_task(self._connect_to(remaining.popleft(), port)))
                delay = _NEXT_ADDRESS_DELAY if remaining else None
                await asyncio.wait(_running(tasks), timeout=delay, return_when=asyncio.FIRST_COMPLETED)
            return await (winner or tasks[-1])
        finally:
            for task in tasks:
                if task is not winner:
                    task.cancel()
                    task.add_done_callback(_abandon)

    async def _connect_to(self, address: str, port: int) -> HTTPConnection:
        loop = asyncio.get_running_loop()
        connection = HTTPConnection(loop, self._on_open, self._on_close)
        with self._abort_on_error(connection):
            await loop.create_connection(lambda: connection, address, port)
        return connection

    @contextmanager
    def _abort_on_error(self, connection: HTTPConnection) -> Iterator[None]:
        """Close a connection whose setup fails; not every event loop reports it as closed before it is set up."""
        try:
            yield
        except BaseException:
            connection.abort()
            self._on_close(connection)
            raise


async def _addresses(host: str, port: int) -> list[str]:
    """Return a host's addresses, alternating between the families (RFC 8305)."""
    with suppress(ValueError):
        return [str(ip_address(host))]
    families: dict[int, list[str]] = {}
    for family, _, _, _, address in await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM):
        families.setdefault(family, []).append(str(address[0]))
    return [address for turn in zip_longest(*families.values()) for address in turn if address is not None]


def _running(tasks: list[asyncio.Task[HTTPConnection]]) -> list[asyncio.Task[HTTPConnection]]:
    return [task for task in tasks if not task.done()]


def _connected(tasks: list[asyncio.Task[HTTPConnection]]) -> asyncio.Task[HTTPConnection] | None:
    return next((task for task in tasks if task.done() and task.exception() is None), None)


def _abandon(task: asyncio.Task[HTTPConnection]) -> None:
    """Close a connection that was established too late."""
    if not task.cancelled() and task.exception() is None:
        task.result().abort()


def set_socket_options(connected_socket: Any, options: Iterable[tuple[int, str, int]]) -> None:
    """Set options of a socket, if there is one and the operating system has them."""
    for level, name, value in options:
        if connected_socket is not None and hasattr(socket, name):
            with suppress(OSError):
                connected_socket.setsockopt(level, getattr(socket, name), value)


def _timeouts(request: httpx.Request) -> Timeouts:
    seconds: Mapping[str, float | None] = request.extensions.get("timeout", {})
    return Timeouts(seconds.get("connect"), seconds.get("write"), seconds.get("read"))


def _shown(origin: Origin) -> str:
    return f"{origin[0]}://{origin[1]}:{origin[2]}"


def _origin(url: httpx.URL) -> Origin:
    scheme = url.scheme
    if scheme not in _PORTS or not url.raw_host:
        raise httpx.UnsupportedProtocol("The address is not an http:// or https:// URL with a host.")
    return scheme, url.raw_host.decode("ascii"), url.port or _PORTS[scheme]
