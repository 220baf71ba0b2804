"""Requests from this machine to the URLs of a table: downloads (``fetch="client"``) and probes.

Each address is checked before it is opened, also that of a redirect (`Downloader._open`), and the connection goes to
the address that was checked, because a second lookup of the name could return another one. A proxy of the environment
or a transport of the caller's resolves names itself. In this case an address that is written in the URL is rejected if
it is not public, and with a proxy also a name that this machine resolves to such an address.
"""

import asyncio
import socket
import time
import zlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from ikpipe.concurrency.bandwidth import BandwidthLimiter
from ikpipe.errors import ApiName, Message, describe_exception, keyword
from ikpipe.request.sources import FileSource
from ikpipe.service.public_hosts import Address, FetchHosts, literal
from ikpipe.service.response_limits import headers_by_name
from ikpipe.service.spool import DownloadFile, FetchError
from ikpipe.service.upload_routes import NO_AUTH

HEADERS_TIMEOUT = 8  # seconds in which a URL must send its headers [upload docs]
MAX_REDIRECTS = 10
OK = 200
MAX_WAIT = 60  # seconds that a host may ask to wait
MIN_RATE = 1_000  # average bytes per second, after the time limit for the first of them
MAX_SIZE = 10_000_000_000  # bytes of a download without a Content-Length and without another limit
_BLOCK = 1 << 20  # bytes decompressed at a time
_RETRYABLE = frozenset({408, 425, 429, 500, 502, 503, 504})
_PORTS = {"http": 80, "https": 443}
_UNRESOLVABLE = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))


class DownloadTransports(NamedTuple):
    """How downloads reach a host.

    `direct` connects to an address. `client` is used if a proxy, as `proxied` tells for a URL, or a transport of the
    caller's (`callers`) opens the connection. `trace` sets socket options.
    """

    direct: httpx.AsyncBaseTransport
    client: httpx.AsyncClient
    proxied: Callable[[httpx.URL], bool]
    callers: bool
    trace: Callable[[str, Mapping[str, Any]], Awaitable[None]]


class Downloader:
    """Downloads and probes the URLs of a table.

    `network` are the connections to their hosts. `hosts` are allowed in addition to public ones. `timeouts` are seconds
    without progress. `max_undeclared` is the maximum number of bytes of a file whose host does not say how long it is.
    `limiter` limits how many bytes a second are downloaded; None sets no limit.
    """

    def __init__(
        self,
        network: DownloadTransports,
        hosts: FetchHosts,
        timeouts: httpx.Timeout,
        user_agent: str,
        max_undeclared: int = MAX_SIZE,
    ) -> None:
        self.limiter: BandwidthLimiter | None = None
        self._network, self._hosts, self._timeouts, self._user_agent = network, hosts, timeouts, user_agent
        self._max_undeclared = max_undeclared

    async def fetch(self, source: FileSource, folder: Callable[[], Path], max_size: int | None = None) -> FileSource:
        """Download a URL to a file in a folder; a download that fails leaves no file.

        Raise `FetchError` if the URL cannot be downloaded, is empty, has more than `max_size` bytes, or the folder is
        full.
        """
        url = source.text
        file: DownloadFile | None = None
        try:
            async with self._open(url, self._timeouts.read) as response:
                if not response.is_success:
                    raise _status_error(url, response)
                file = DownloadFile(url, folder)
                await self._store(url, response, file, max_size)
            if not file.size:
                raise FetchError(f"{url}: This file is empty (0 bytes).")
        except BaseException as error:
            if file is not None:
                file.remove()
            if isinstance(error, FetchError) or not isinstance(error, Exception):
                raise
            raise _download_error(url, error) from None
        return FileSource("path", source.name, path=str(file.path), size=file.size)

    async def probe(self, url: str) -> str | None:
        """Request a URL's headers and return what is wrong, or None.

        The service gives up on a URL that sends no headers within 8 s [upload docs].
        """
        try:
            async with self._open(url, HEADERS_TIMEOUT) as response:
                return None if response.is_success else f"{url} responded with status {response.status_code}."
        except FetchError as error:
            return error.text
        except (TimeoutError, httpx.TimeoutException):
            return f"{url} did not respond within {HEADERS_TIMEOUT} s."
        except Exception as error:  # noqa: BLE001 - what a host causes concerns one row
            return f"{url} cannot be reached: {describe_exception(error)}"

    async def head(self, url: str) -> dict[str, str]:
        """Return the headers that describe the file at a URL, by lower-case name, from a HEAD request.

        Raise `FetchError` if there is no such answer; `retryable` if the host may answer later.
        """
        try:
            async with self._open(url, HEADERS_TIMEOUT, "HEAD") as response:
                if response.status_code != OK:
                    raise _status_error(url, response)
                return headers_by_name(response.headers)
        except Exception as error:
            if isinstance(error, FetchError):
                raise
            raise _download_error(url, error) from None

    # Requests

    @asynccontextmanager
    async def _open(self, url: str, read_timeout: float | None, method: str = "GET") -> AsyncGenerator[httpx.Response]:
        """Request a URL and yield the response without its body; follow redirects, each checked like the URL."""
        target = first = _parse(url, url)
        for _ in range(MAX_REDIRECTS + 1):
            async with asyncio.timeout(_sum(self._timeouts.connect, read_timeout)):
                response = await self._request(method, url, target, first, read_timeout)
            try:
                if not response.has_redirect_location:
                    yield response
                    return
                target = _parse(url, response.headers["location"], target)
            finally:
                await response.aclose()
        raise FetchError(f"{url} cannot be downloaded: it redirects more than {MAX_REDIRECTS} times.")

    async def _request(
        self, method: str, url: str, target: httpx.URL, first: httpx.URL, read_timeout: float | None
    ) -> httpx.Response:
        """Send one request to an address that was checked; only the URL's own host gets its credentials."""
        host, port = target.raw_host.decode("ascii").rstrip("."), target.port or _PORTS[target.scheme]
        network = self._network
        delegated = network.callers or network.proxied(target)
        addresses = await self._allowed_addresses(url, host, port, proxied=delegated)
        bare = target.copy_with(username=None, password=None)
        headers = {"Host": target.netloc.decode("ascii"), "User-Agent": self._user_agent, "Accept": "*/*"}
        headers["Accept-Encoding"] = "identity"
        if first.userinfo and _origin(target) == _origin(first):
            headers["Authorization"] = _basic_auth(first)
        if delegated:
            request = httpx.Request(method, bare, headers=headers, extensions=self._extensions(read_timeout))
            return await network.client.send(request, stream=True, auth=NO_AUTH, follow_redirects=False)
        if target.scheme == "https":  # httpx reuses a connection by address, but its certificate is for one host name
            headers["Connection"] = "close"
        error: httpx.TransportError = httpx.ConnectError("the host name has no address")
        for address in addresses:
            request = httpx.Request(
                method,
                bare.copy_with(host=str(address)),
                headers=headers,
                extensions=self._extensions(read_timeout, host),
            )
            try:
                return await network.direct.handle_async_request(request)
            except (httpx.ConnectError, httpx.ConnectTimeout) as failed:
                error = failed
        raise error

    def _extensions(self, read_timeout: float | None, host: str | None = None) -> dict[str, Any]:
        tls = {} if host is None or literal(host) is not None else {"sni_hostname": host}
        return {"timeout": {**self._timeouts.as_dict(), "read": read_timeout}, "trace": self._network.trace, **tls}

    async def _allowed_addresses(self, url: str, host: str, port: int, *, proxied: bool) -> list[Address]:
        """Return the addresses of a host that may be opened; none if whoever opens the connection resolves the name."""
        addresses = await self._addresses_to_check(url, host, port, proxied=proxied)
        allowed = [address for address in addresses if self._hosts.allows(host, port, address)]
        rejected = [address for address in addresses if address not in allowed]
        if rejected and (proxied or not allowed):
            raise _not_public(url, host, str(rejected[0]))
        return allowed

    async def _addresses_to_check(self, url: str, host: str, port: int, *, proxied: bool) -> list[Address]:
        if (address := literal(host)) is not None:
            return [address]
        if self._network.callers:
            local = host == "localhost" or host.endswith(".localhost")
            if local and not self._hosts.allows(host, port):
                raise _not_public(url, host, "this machine itself")
            return []
        try:
            return await _resolve(host, port)
        except OSError:
            if proxied:
                return []  # the proxy may resolve it
            raise

    # Storing

    async def _store(self, url: str, response: httpx.Response, file: DownloadFile, max_size: int | None) -> None:
        """Write a response's body to a file, within the limits of size and time."""
        declared = _declared_size(response)
        limit = max_size if max_size is not None else max(declared, self._max_undeclared)
        if declared > limit:
            raise _too_large(url, limit)
        if declared:
            file.reserve(declared)
        decode, loop = _decoder(url, response), asyncio.get_running_loop()
        started, read_timeout, received = loop.time(), self._timeouts.read, 0
        try:
            async with asyncio.timeout(read_timeout) as total:
                async for raw in response.aiter_raw():
                    received += len(raw)
                    if self.limiter is not None:  # a wait of our own says nothing about the host
                        total.reschedule(None)
                        waited = loop.time()
                        await self.limiter.take(len(raw))
                        started += loop.time() - waited
                    if read_timeout is not None:
                        total.reschedule(started + read_timeout + received / MIN_RATE)
                    for block in decode(raw):
                        if file.size + len(block) > limit:
                            raise _too_large(url, limit)
                        await file.write(block)
        except TimeoutError:
            rate = f"{received:,} bytes in {loop.time() - started:.0f} s"
            raise FetchError(f"{url} cannot be downloaded: the host is too slow ({rate}).", retryable=True) from None
        for block in decode(b""):
            await file.write(block)
        await file.end()


def _parse(url: str, text: str, base: httpx.URL | None = None) -> httpx.URL:
    """Return the URL of a cell, or of its redirect from `base`; raise unless it is http or https with a host."""
    subject = "it" if text == url else f"it redirects to {text[:200]!r}, which"
    try:
        target = httpx.URL(text) if base is None else base.join(text)
        valid = target.scheme in _PORTS and bool(target.raw_host) and target.host is not None
        target.raw_host.decode("ascii").encode("idna")
    except Exception as error:  # noqa: BLE001 - a host may send anything
        reason = f"{subject} is not a valid URL: {describe_exception(error)}"
        raise FetchError(f"{url} cannot be downloaded: {reason}.") from None
    if not valid:
        raise FetchError(f"{url} cannot be downloaded: {subject} is not an http:// or https:// URL with a host.")
    return target


def _basic_auth(url: httpx.URL) -> str:
    flow = httpx.BasicAuth(url.username, url.password).sync_auth_flow(httpx.Request("GET", url))
    return next(flow).headers["Authorization"]


def _declared_size(response: httpx.Response) -> int:
    """Return the Content-Length in bytes; 0 if it is missing or invalid."""
    length = response.headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 19 else 0  # noqa: PLR2004


def _origin(url: httpx.URL) -> tuple[str, bytes, int]:
    return url.scheme, url.raw_host.lower(), url.port or _PORTS[url.scheme]


async def _resolve(host: str, port: int) -> list[Address]:
    entries = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [address for entry in entries if (address := literal(str(entry[4][0]))) is not None]


def _sum(connect: float | None, read: float | None) -> float | None:
    return None if connect is None or read is None else connect + read


def _decoder(url: str, response: httpx.Response) -> Callable[[bytes], Iterator[bytes]]:
    """Return a function from the body's bytes to the file's; they only differ if the host compresses unasked."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding in ("identity", ""):
        return lambda raw: iter((raw,) if raw else ())
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise FetchError(f"{url} cannot be downloaded: its encoding {encoding[:40]!r} is not supported.")
    decoder = zlib.decompressobj(47)  # zlib or gzip header

    def decompress(raw: bytes) -> Iterator[bytes]:
        """Yield the decompressed content of a block."""
        if not raw and not decoder.eof:
            raise FetchError(f"{url} cannot be downloaded: its compressed data is incomplete.", retryable=True)
        while raw and not decoder.eof:
            yield decoder.decompress(raw, _BLOCK)
            raw = decoder.unconsumed_tail

    return decompress


def _not_public(url: str, host: str, address: str) -> FetchError:
    subject = f"{host} is" if host == address.strip("[]") else f"{host} has the address {address}, which is"
    fix = Message("If this machine may open it, allow it with ", keyword("fetch_hosts", [host]), ".")
    return FetchError(f"{url} was not opened: {subject} not a public address.", fix=fix)


def _too_large(url: str, limit: int) -> FetchError:
    if limit < MAX_SIZE:
        return FetchError(f"{url} has more than the {limit:,} bytes that the account allows.")
    fix = Message("Set ", ApiName("account", "max_file_size", ...), ".")
    return FetchError(f"{url} has more than the {limit:,} bytes of the download limit.", fix=fix)


def _status_error(url: str, response: httpx.Response) -> FetchError:
    status = response.status_code
    wait = _retry_after(response.headers.get("retry-after", ""))
    if wait is not None and wait > MAX_WAIT:
        return FetchError(f"{url} responded with status {status} and asks to wait {wait:,.0f} s, which is too long.")
    return FetchError(f"{url} responded with status {status}.", retryable=status in _RETRYABLE, wait=wait)


def _retry_after(text: str) -> float | None:
    """Return how long a host asks to wait, in seconds, from a number or a date; None if the header is neither."""
    if text.isascii() and text.isdigit():
        return float(text[:12])
    try:
        return max(parsedate_to_datetime(text).timestamp() - time.time(), 0.0)
    except (ValueError, OverflowError):
        return None


def _download_error(url: str, error: Exception) -> FetchError:
    """Return the error of a failed download, and whether another attempt may succeed."""
    temporary = (TimeoutError, OSError, httpx.TransportError)
    permanent = (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.DecodingError)
    again = isinstance(error, temporary) and not isinstance(error, permanent)
    if isinstance(error, socket.gaierror) and error.errno in _UNRESOLVABLE:
        again = False
    timed_out = isinstance(error, TimeoutError) and not str(error)
    reason = "the host did not respond in time" if timed_out else describe_exception(error)
    return FetchError(f"{url} cannot be downloaded: {reason}.", retryable=again)
