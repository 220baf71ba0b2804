"""The service's own hosts, for clients that have them built in: HTTPS on loopback, in front of an emulator.

A client comes through the proxy (`HTTPS_PROXY`), or directly if it resolves names itself (`front.address`). It trusts
the certificate authority in `front.authority` (`SSL_CERT_FILE`, `NODE_EXTRA_CA_CERTS`, `--ca-cert`).
"""

from __future__ import annotations

import re
import ssl
from contextlib import AsyncExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

import trustme
from anyio import (
    BrokenResourceError,
    ClosedResourceError,
    EndOfStream,
    connect_tcp,
    create_task_group,
    create_tcp_listener,
)
from anyio.abc import SocketAttribute
from anyio.from_thread import start_blocking_portal
from anyio.streams.buffered import BufferedByteReceiveStream
from anyio.streams.tls import TLSStream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from anyio.abc import ByteStream, TaskStatus

HOSTS = ("api.imagekit.io", "upload.imagekit.io", "ik.imagekit.io")
"""Where the service has its API, its uploads and its delivery: `Emulator(hosts=HOSTS)` serves them."""
LONGEST_HEAD = 1 << 16
GONE = (BrokenResourceError, ClosedResourceError, EndOfStream, ConnectionError, ssl.SSLError)


class TLSFront(NamedTuple):
    """Where a front is, and who asked for it."""

    proxy: str
    """The URL of the proxy, for the variable `HTTPS_PROXY`."""
    address: tuple[str, int]
    """Host and port where TLS begins at once, without a proxy."""
    authority: Path
    """The file with the certificate authority."""
    asked: list[str]
    """The hosts that clients asked the proxy for, in order: one for each connection."""

    @property
    def environment(self) -> dict[str, str]:
        """The variables that programs in Go, Python and Node read."""
        certificates = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
        return {"HTTPS_PROXY": self.proxy, **dict.fromkeys(certificates, str(self.authority))}


@contextmanager
def tls_front(url: str, folder: Path, *, rewrite: str | None = None) -> Iterator[TLSFront]:
    """Run a front of the server at `url`, which is on loopback.

    `folder` gets the file of the certificate authority. `rewrite` is the `Host` header with which requests arrive at
    the server, as behind a reverse proxy; None leaves it as the client sent it.
    """
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*HOSTS).configure_cert(context)
    relay = _Relay(int(url.rpartition(":")[2]), context, rewrite)
    with start_blocking_portal() as portal:
        serving, (proxy, direct) = portal.start_task(relay.serve)
        try:
            yield TLSFront(f"http://127.0.0.1:{proxy}", ("127.0.0.1", direct), folder / "authority.pem", relay.asked)
        finally:
            serving.cancel()


class _Relay:
    """Takes connections, decrypts them, and passes on what is in them."""

    def __init__(self, port: int, context: ssl.SSLContext, rewrite: str | None) -> None:
        self.asked: list[str] = []
        self._port, self._context, self._rewrite = port, context, rewrite

    async def serve(self, *, task_status: TaskStatus[list[int]]) -> None:
        """Serve until canceled, from when the ports are known: of the proxy, and of TLS without one."""
        async with AsyncExitStack() as stack, create_task_group() as group:
            ports = []
            for handle in (self._tunnel, self._decrypted):
                listener = await stack.enter_async_context(await create_tcp_listener(local_host="127.0.0.1"))
                group.start_soon(listener.serve, handle)
                ports.append(listener.extra_attributes[SocketAttribute.local_port]())
            task_status.started(ports)

    async def _tunnel(self, client: ByteStream) -> None:
        """Serve a connection to the proxy: `CONNECT` to a host of the service, and no other request."""
        async with client:
            with suppress(*GONE):
                head, _ = await _head(client)
                asked = re.match(rb"CONNECT ([^ :]+):443 ", head)
                if asked is None or asked[1].decode() not in HOSTS:
                    await client.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
                    return
                self.asked.append(asked[1].decode())
                await client.send(b"HTTP/1.1 200 Connected\r\n\r\n")
                await self._decrypted(client)

    async def _decrypted(self, client: ByteStream) -> None:
        """Serve a connection that begins with TLS."""
        with suppress(*GONE):
            inner = await TLSStream.wrap(client, ssl_context=self._context, server_side=True, standard_compatible=False)
            async with inner, await connect_tcp("127.0.0.1", self._port) as server:
                if self._rewrite is not None:
                    await server.send(_rewritten(*await _head(inner), self._rewrite))
                async with create_task_group() as group:
                    group.start_soon(_pass_on, inner, server)
                    await _pass_on(server, inner)
                    group.cancel_scope.cancel()


async def _head(stream: ByteStream) -> tuple[bytes, bytes]:
    """Read to the end of the headers; the second is what came after them."""
    buffered = BufferedByteReceiveStream(stream)
    head = await buffered.receive_until(b"\r\n\r\n", LONGEST_HEAD)
    return head, buffered.buffer


def _rewritten(head: bytes, rest: bytes, host: str) -> bytes:
    """Give a request another `Host`; it is the last of its connection, since those after it are not read."""
    lines = [line for line in head.split(b"\r\n") if not re.match(rb"(?i)(host|connection):", line)]
    return b"\r\n".join([*lines, b"Host: " + host.encode(), b"Connection: close", b"", rest])


async def _pass_on(here: ByteStream, there: ByteStream) -> None:
    """Pass on what comes, to its end."""
    with suppress(*GONE):
        async for data in here:
            await there.send(data)
