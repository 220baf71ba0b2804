"""What this machine itself opens because a table says so: downloads (``fetch="client"``) and probes of URLs.

Each address is checked before it is opened, after a redirect too, and the connection goes to the address that was
checked: asking for a name twice could give two answers. Where a proxy of the environment, or a transport of the
caller's, opens the connection, it resolves names by itself; then what is refused is an address that is written out,
and, before a proxy, a name that this machine resolves to one.
"""

from __future__ import annotations

import asyncio
import socket
import time
import zlib
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx

from ikpipe.errors import describe_exception
from ikpipe.request.sources import FileSource
from ikpipe.service.public_hosts import Address, literal
from ikpipe.service.spool import DownloadFile, FetchError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
    from pathlib import Path

    from ikpipe.service.public_hosts import FetchHosts

URL_PATIENCE = 8  # seconds for a URL to send its headers (seed)
REDIRECTS = 10
LONGEST_WAIT = 60  # seconds that a host may ask for
SLOWEST = 1_000  # bytes a second, on average, once the time for the first of them is over
LARGEST = 10_000_000_000  # bytes of a download whose host does not say how long it is, and that has no other limit
_BLOCK = 1 << 20  # bytes that are decompressed at a time
_RETRYABLE = frozenset({408, 425, 429, 500, 502, 503, 504})
_PORTS = {"http": 80, "https": 443}
_NO_AUTH = httpx.Auth()  # with None, httpx would take credentials from the URL, or a .netrc file
_UNRESOLVABLE = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))


class DownloadTransports(NamedTuple):
    """The ways to a host: `direct` to an address, and `other` where a proxy or the caller's transport opens it.

    `proxied` tells which URLs go through a proxy; `own` that a transport is the caller's.
    """

    direct: httpx.AsyncBaseTransport
    other: httpx.AsyncClient
    proxied: Callable[[httpx.URL], bool]
    own: bool
    trace: Callable[[str, Mapping[str, Any]], Awaitable[None]]


class Downloader:
    """Opens the URLs of a table.

    Parameters
    ----------
    network
        The ways to their hosts.
    hosts
        Which hosts are allowed besides public ones.
    clocks
        Seconds without any progress.
    agent
        The `User-Agent`.
    """

    def __init__(self, network: DownloadTransports, hosts: FetchHosts, clocks: httpx.Timeout, agent: str) -> None:
        self._network, self._hosts, self._clocks, self._agent = network, hosts, clocks, agent

    async def fetch(self, source: FileSource, folder: Callable[[], Path], max_size: int | None = None) -> FileSource:
        """Download a URL into a folder, to be sent from there; nothing is left of a download that fails.

        Raises
        ------
        FetchError
            It cannot be had, is empty, has more than `max_size` bytes, or does not fit into the folder.
        """
        url = source.text
        file: DownloadFile | None = None
        try:
            async with self._opened(url, self._clocks.read) as answer:
                if not answer.is_success:
                    raise _status(url, answer)
                file = DownloadFile(url, folder)
                await self._store(url, answer, file, max_size)
            if not file.size:
                raise FetchError(f"{url}: This file is empty (0 bytes).")
        except BaseException as error:
            if file is not None:
                file.remove()
            if isinstance(error, FetchError) or not isinstance(error, Exception):
                raise
            raise _failed(url, error) from None
        return FileSource("path", source.name, path=file.path, size=file.size)

    async def probe(self, url: str) -> str | None:
        """Request a URL's headers, and return what is wrong with it, if anything.

        Seed: the service gives up on a URL that sends no headers within 8 s.
        """
        try:
            async with self._opened(url, URL_PATIENCE) as answer:
                return None if answer.is_success else f"{url} answered {answer.status_code}"
        except FetchError as error:
            return str(error)
        except (TimeoutError, httpx.TimeoutException):
            return f"{url} sent no headers within {URL_PATIENCE} s"
        except Exception as error:  # noqa: BLE001 - whatever a host makes of it concerns one row
            return f"{url} cannot be reached: {describe_exception(error)}"

    # Opening

    @asynccontextmanager
    async def _opened(self, url: str, patience: float | None) -> AsyncGenerator[httpx.Response]:
        """Request a URL, follow its redirects, each checked like the first, and give the answer with its headers."""
        place = first = _parsed(url, url)
        for _ in range(REDIRECTS + 1):
            async with asyncio.timeout(_sum(self._clocks.connect, patience)):
                answer = await self._ask(url, place, first, patience)
            try:
                if not answer.has_redirect_location:
                    yield answer
                    return
                place = _parsed(url, answer.headers["location"], place)
            finally:
                await answer.aclose()
        raise FetchError(f"{url} cannot be downloaded: it redirects more than {REDIRECTS} times")

    async def _ask(self, url: str, place: httpx.URL, first: httpx.URL, patience: float | None) -> httpx.Response:
        """Send one request to an address that was checked; credentials of the URL go to its own host alone."""
        host, port = place.raw_host.decode("ascii").rstrip("."), place.port or _PORTS[place.scheme]
        network = self._network
        proxied = network.own or network.proxied(place)
        addresses = await self._checked(url, host, port, proxied=proxied)
        bare = place.copy_with(username=None, password=None)
        headers = {"Host": place.netloc.decode("ascii"), "User-Agent": self._agent, "Accept": "*/*"}
        headers["Accept-Encoding"] = "identity"
        if first.userinfo and _origin(place) == _origin(first):
            headers["Authorization"] = _basic(first)
        if proxied:
            request = httpx.Request("GET", bare, headers=headers, extensions=self._extensions(patience))
            return await network.other.send(request, stream=True, auth=_NO_AUTH, follow_redirects=False)
        if place.scheme == "https":  # a connection is kept for an address, and its certificate is of one name there
            headers["Connection"] = "close"
        error: httpx.TransportError = httpx.ConnectError("its name has no address")
        for address in addresses:
            there = bare.copy_with(host=str(address))
            request = httpx.Request("GET", there, headers=headers, extensions=self._extensions(patience, host))
            try:
                return await network.direct.handle_async_request(request)
            except (httpx.ConnectError, httpx.ConnectTimeout) as failed:
                error = failed
        raise error

    def _extensions(self, patience: float | None, host: str | None = None) -> dict[str, Any]:
        named = {} if host is None or literal(host) is not None else {"sni_hostname": host}
        return {"timeout": {**self._clocks.as_dict(), "read": patience}, "trace": self._network.trace, **named}

    async def _checked(self, url: str, host: str, port: int, *, proxied: bool) -> list[Address]:
        """Return the addresses of a host that may be opened."""
        written = literal(host)
        if written is not None:
            found = [written]
        elif self._network.own:
            if (host == "localhost" or host.endswith(".localhost")) and not self._hosts.allows(host, port):
                raise _refused(url, host, "this machine itself")
            return []
        else:
            try:
                found = await _resolved(host, port)
            except OSError:
                if proxied:
                    return []  # the proxy may know it
                raise
        allowed = [address for address in found if self._hosts.allows(host, port, address)]
        refused = [address for address in found if address not in allowed]
        if refused and (proxied or not allowed):
            raise _refused(url, host, str(refused[0]))
        return allowed

    # Storing

    async def _store(self, url: str, answer: httpx.Response, file: DownloadFile, max_size: int | None) -> None:
        """Write a body into a file, within the limits of size and time."""
        length = answer.headers.get("content-length", "")
        promised = int(length) if length.isascii() and length.isdigit() and len(length) < 19 else None  # noqa: PLR2004
        most = max_size if max_size is not None else max(promised or 0, LARGEST)
        if promised is not None:
            if max_size is not None and promised > max_size:
                raise _too_large(url, max_size)
            file.reserve(promised)
        plain, loop = _plain(url, answer), asyncio.get_running_loop()
        began, patience, received = loop.time(), self._clocks.read, 0
        try:
            async with asyncio.timeout(patience) as clock:
                async for raw in answer.aiter_raw():
                    received += len(raw)
                    if patience is not None:
                        clock.reschedule(began + patience + received / SLOWEST)
                    for block in plain(raw):
                        if file.size + len(block) > most:
                            raise _too_large(url, most)
                        await file.write(block)
        except TimeoutError:
            words = f"{received:,} bytes came in {loop.time() - began:.0f} s"
            raise FetchError(f"{url} cannot be downloaded: it is too slow, {words}", again=True) from None
        for block in plain(b""):
            await file.write(block)
        await file.end()


def _parsed(url: str, text: str, base: httpx.URL | None = None) -> httpx.URL:
    """Read the URL of a cell, or where it redirects to: http or https, with a host."""
    try:
        place = httpx.URL(text) if base is None else base.join(text)
        good = place.scheme in _PORTS and bool(place.raw_host) and place.host is not None
        place.raw_host.decode("ascii").encode("idna")
    except Exception as error:  # noqa: BLE001 - a host may send anything
        raise FetchError(
            f"{url} cannot be downloaded: {_leads(url, text)} is not a valid URL: {describe_exception(error)}"
        ) from None
    if not good:
        words = f"{_leads(url, text)} is not an http:// or https:// address"
        raise FetchError(f"{url} cannot be downloaded: {words}")
    return place


def _leads(url: str, text: str) -> str:
    return "it" if text == url else f"it redirects to {text[:200]!r}, which"


def _basic(place: httpx.URL) -> str:
    request = httpx.Request("GET", place)
    flow = httpx.BasicAuth(place.username, place.password).sync_auth_flow(request)
    return next(flow).headers["Authorization"]


def _origin(place: httpx.URL) -> tuple[str, bytes, int]:
    return place.scheme, place.raw_host.lower(), place.port or _PORTS[place.scheme]


async def _resolved(host: str, port: int) -> list[Address]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [address for one in found if (address := literal(str(one[4][0]))) is not None]


def _sum(connect: float | None, read: float | None) -> float | None:
    return None if connect is None or read is None else connect + read


def _plain(url: str, answer: httpx.Response) -> Callable[[bytes], Iterator[bytes]]:
    """Give what takes a body's bytes to the file's: they are the same, but for a host that always compresses."""
    coding = answer.headers.get("content-encoding", "identity").strip().lower()
    if coding in ("identity", ""):
        return lambda raw: iter((raw,) if raw else ())
    if coding not in ("gzip", "x-gzip", "deflate"):
        raise FetchError(f"{url} cannot be downloaded: it is sent as {coding[:40]!r}, though identity was asked for")
    decoder = zlib.decompressobj(47)  # either header

    def inflated(raw: bytes) -> Iterator[bytes]:
        if not raw and not decoder.eof:
            raise FetchError(f"{url} cannot be downloaded: its compressed data ends too early", again=True)
        while raw and not decoder.eof:
            yield decoder.decompress(raw, _BLOCK)
            raw = decoder.unconsumed_tail

    return inflated


def _refused(url: str, host: str, address: str) -> FetchError:
    what = f"{host} is" if host == address.strip("[]") else f"{host} has the address {address}, which is"
    fix = f"if this machine may open it, allow it with fetch_hosts=[{host!r}]"
    return FetchError(f"{url} is not opened: {what} not a public address; {fix}")


def _too_large(url: str, most: int) -> FetchError:
    whose = "that the account allows" if most < LARGEST else "that a download may have; set Account(max_file_size=…)"
    return FetchError(f"{url} has more than the {most:,} bytes {whose}")


def _status(url: str, answer: httpx.Response) -> FetchError:
    status = answer.status_code
    wait = _retry_after(answer.headers.get("retry-after", ""))
    if wait is not None and wait > LONGEST_WAIT:
        return FetchError(f"{url} answered {status} and asks to wait {wait:,.0f} s, which is too long")
    return FetchError(f"{url} answered {status}", again=status in _RETRYABLE, wait=wait)


def _retry_after(text: str) -> float | None:
    """Read how long a host asks to wait, in seconds: a number, or a date by this machine's clock."""
    if text.isascii() and text.isdigit():
        return float(text[:12])
    try:
        return max(parsedate_to_datetime(text).timestamp() - time.time(), 0.0)
    except (ValueError, OverflowError):
        return None


def _failed(url: str, error: Exception) -> FetchError:
    """Say why there is no download, and whether there may be one later."""
    kind = (TimeoutError, OSError, httpx.TransportError)
    never = (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.DecodingError)
    again = isinstance(error, kind) and not isinstance(error, never)
    if isinstance(error, socket.gaierror) and error.errno in _UNRESOLVABLE:
        again = False
    words = (
        "it sent no headers in time"
        if isinstance(error, TimeoutError) and not str(error)
        else describe_exception(error)
    )
    return FetchError(f"{url} cannot be downloaded: {words}", again=again)
