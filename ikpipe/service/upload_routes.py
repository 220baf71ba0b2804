"""How an upload request reaches an address: over the project's own transport, a proxy, or the caller's transport."""

import socket
from collections.abc import Awaitable, Callable, Iterable, Mapping
from importlib.metadata import version
from typing import Any, NamedTuple

import httpx

from ikpipe.service.body import PIECE
from ikpipe.service.response_limits import read_raw, total_read_timeout
from ikpipe.service.transport import HTTPTransport, set_socket_options

Trace = Callable[[str, Mapping[str, Any]], Awaitable[None]]
Send = Callable[[httpx.Request], Awaitable[tuple[httpx.Response, bytes]]]

USER_AGENT = f"ikpipe/{version('ikpipe')}"
NO_AUTH = httpx.Auth()  # with None, httpx would take credentials from the URL, or a .netrc file
# A dead connection is detected within 30 s: by probes while it is silent, by missing acknowledgments while it sends.
KEEP_ALIVE = (
    (socket.SOL_SOCKET, "SO_KEEPALIVE", 1),
    (socket.IPPROTO_TCP, "TCP_KEEPIDLE", 10),
    (socket.IPPROTO_TCP, "TCP_KEEPALIVE", 10),  # macOS's name for it
    (socket.IPPROTO_TCP, "TCP_KEEPINTVL", 5),
    (socket.IPPROTO_TCP, "TCP_KEEPCNT", 3),
    (socket.IPPROTO_TCP, "TCP_USER_TIMEOUT", 25_000),  # milliseconds
)
# Without a limit, the operating system takes megabytes at once and then nothing for a long time. With it, the time
# limit for writing sees how fast the network is, and the one for the response starts when the body was sent.
SMALL_SEND_BUFFER = ((socket.IPPROTO_TCP, "TCP_NOTSENT_LOWAT", 1 << 15),)


class UploadRoute(NamedTuple):
    """How uploads reach one address: the function that sends a request, and the size of the pieces it sends best."""

    url: httpx.URL
    send: Send
    piece: int
    trace: Trace

    def request(
        self, content_type: str, length: int, stream: httpx.AsyncByteStream, timeouts: Mapping[str, float | None]
    ) -> httpx.Request:
        """Return the request that httpx's client would build, without the headers that uploads do not need."""
        headers = [
            (b"Host", self.url.netloc),
            (b"Accept", b"application/json"),
            (b"Accept-Encoding", b"identity"),
            (b"User-Agent", USER_AGENT.encode()),
            (b"Content-Type", content_type.encode()),
            (b"Content-Length", b"%d" % length),
        ]
        extensions = {"timeout": timeouts, "trace": self.trace}
        return httpx.Request("POST", self.url, headers=headers, stream=stream, extensions=extensions)


def choose_route(
    url: str,
    own: HTTPTransport,
    callers: httpx.AsyncBaseTransport | None,
    client: httpx.AsyncClient,
    trace: Trace,
    *,
    proxied: bool,
) -> UploadRoute:
    """Choose how uploads reach an address: by the caller's transport if there is one, else by a proxy or directly."""

    async def send_directly(request: httpx.Request) -> tuple[httpx.Response, bytes]:
        """Send a request by our own transport."""
        # Not by the client: what it does besides costs more processor time than all the rest of an upload.
        return await read_raw(await own.handle_async_request(request))

    async def send_by_callers(request: httpx.Request) -> tuple[httpx.Response, bytes]:
        """Send a request by the caller's transport."""
        assert callers is not None  # noqa: S101 - for mypy
        async with total_read_timeout(request):
            return await read_raw(await callers.handle_async_request(request))

    async def send_by_proxy(request: httpx.Request) -> tuple[httpx.Response, bytes]:
        """Send a request through a proxy."""
        async with total_read_timeout(request):
            return await read_raw(await client.send(request, auth=NO_AUTH, stream=True))

    address = httpx.URL(url)
    if callers is not None:
        return UploadRoute(address, send_by_callers, PIECE, trace)
    if proxied:
        return UploadRoute(address, send_by_proxy, PIECE, trace)
    # httpx's time limit for writing is for a whole piece; that of our transport is for any progress.
    return UploadRoute(address, send_directly, 2 * PIECE, trace)


def socket_option_trace(options: Iterable[tuple[int, str, int]]) -> Trace:
    """Return a trace function for httpx's requests that sets these options on the connections that they open."""

    async def trace(event: str, info: Mapping[str, Any]) -> None:
        """Set the socket options of a new connection."""
        if event.endswith(".connect_tcp.complete"):  # to the host itself, or to a proxy
            set_socket_options(info["return_value"].get_extra_info("socket"), options)

    return trace
