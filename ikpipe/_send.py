"""One attempt: the only file that knows httpx."""

from __future__ import annotations

import secrets
import socket
from contextlib import aclosing, suppress
from functools import cache
from typing import TYPE_CHECKING, Any, Self

import anyio
import httpx

from ikpipe._errors import AccountError, Error
from ikpipe._form import Form, frame
from ikpipe._policy import Policy
from ikpipe._reply import Reply, read
from ikpipe._result import Result
from ikpipe._source import Source
from ikpipe._token import Times, Token, read_token, remote_expire, signing_request

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
    from pathlib import Path
    from types import TracebackType

    from ikpipe._account import Account

URL_PATIENCE = 8  # seconds for a URL to send its headers (seed)
BLOCK = 1 << 20  # bytes read at a time
PIECE = 1 << 17  # bytes written at a time: the time-out is for so many, so that a slow line is no stall
_PATIENCE = httpx.Timeout(connect=10, write=30, read=30, pool=None)  # seconds without any progress
# Servers close idle connections after about 5 s; one that closes under our request leaves its row in doubt.
_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=2)
# A peer that is gone is found out within 30 s: by probes while it is silent, by what it does not acknowledge while
# bytes leave.
_ALIVE = (
    (socket.SOL_SOCKET, "SO_KEEPALIVE", 1),
    (socket.IPPROTO_TCP, "TCP_KEEPIDLE", 10),
    (socket.IPPROTO_TCP, "TCP_KEEPALIVE", 10),  # macOS's name for it
    (socket.IPPROTO_TCP, "TCP_KEEPINTVL", 5),
    (socket.IPPROTO_TCP, "TCP_KEEPCNT", 3),
    (socket.IPPROTO_TCP, "TCP_USER_TIMEOUT", 25_000),  # milliseconds
)
# Little waits unsent in the system's own buffer, which would else take megabytes at once and then nothing for a long
# time: so the clock for writing sees how slow the line is, and the one for the answer starts when the body has left.
_IN_STEP = ((socket.IPPROTO_TCP, "TCP_NOTSENT_LOWAT", 1 << 15),)
_NO_AUTH = httpx.Auth()  # with None, httpx would take credentials from the URL
_API_TRIES = 6


@cache
def _trusted() -> ssl.SSLContext:
    # Reading the machine's certificates takes 30 ms, too long for each call of upload_file.
    return httpx.create_ssl_context()


class Wire:
    """The connections of one run, to the service and to nobody else but the URLs that are to be fetched here.

    Parameters
    ----------
    transport
        An httpx transport to use instead of the network (`transport=` of the public functions).
    timeout
        Seconds without any progress, instead of the defaults: 10 to connect, 30 to write, and to answer what `policy`
        says.
    policy
        How long the service may take to answer.
    """

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport | None = None,
        timeout: float | None = None,
        policy: Policy | None = None,
    ) -> None:
        patience = _PATIENCE if timeout is None else httpx.Timeout(timeout, pool=None)
        self._policy = (policy or Policy()) if timeout is None else None
        # Where the user says how long nothing may happen, the system may not be faster.
        options = (*_IN_STEP, *_ALIVE) if timeout is None else (*_IN_STEP,)
        self._client = httpx.AsyncClient(
            transport=transport,
            timeout=patience,
            limits=_LIMITS,
            verify=_trusted(),
            event_hooks={"request": [_equipping(options)]},
        )

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.__aexit__(kind, error, trace)

    async def upload(
        self,
        url: str,
        fields: Mapping[str, str],
        source: Source,
        token: Token,
        on_bytes: Callable[[int], None] = lambda _count: None,
    ) -> Reply:
        """Send one form, once, and read the answer.

        Never raises for what the network or the file does: that is in the reply. A request has no `Authorization`,
        since token and basic auth together are refused (spec).
        """
        body = _Body(frame(fields, source, secrets.token_hex(16)), source, token, on_bytes)
        how: dict[str, Any] = {"headers": body.headers(), "auth": _NO_AUTH, "timeout": self._patience(source)}
        try:
            async with aclosing(body.blocks()) as blocks:
                answer = await self._client.post(url, content=blocks, **how)
        except _FileChanged as changed:
            return Reply(Result("failed", "file_changed", str(changed)))
        except (httpx.TransportError, httpx.DecodingError) as error:
            return _lost(error, left=body.left)
        return read(answer.status_code, answer.headers, answer.content)

    def _patience(self, source: Source) -> httpx.Timeout:
        """Say how long nothing may happen; the answer may take its time, by the size of the file."""
        patience = self._client.timeout
        if self._policy is None:
            return patience
        policy, size = self._policy, source.size or len(source.text)
        wait = policy.url_wait if source.kind == "url" else policy.answer_wait + policy.answer_wait_per_mb * size / 1e6
        return httpx.Timeout(connect=patience.connect, write=patience.write, read=wait, pool=None)

    async def sign(self, fields: Mapping[str, str], account: Account, times: Times) -> Token:
        """Have the `authenticationEndpoint` sign these fields (seed).

        Raises
        ------
        Error
            It gave no token; the message has nothing of its answer's body.
        """
        endpoint = account.authentication_endpoint or ""
        request = signing_request(fields, account, remote_expire(times))
        try:
            answer = await self._client.post(endpoint, json=request, headers=dict(account.headers or {}))
            return read_token(answer.status_code, answer.json())
        except httpx.TransportError as error:
            raise Error(f"the authentication endpoint {endpoint} cannot be reached: {_said(error)}") from None
        except ValueError as error:
            raise Error(f"the authentication endpoint {endpoint} gave no token: {error}") from None

    async def api(self, account: Account, path: str, params: Mapping[str, str | int] | None = None) -> Any:
        """Ask the media API (basic auth with the private key, spec), waiting where it says to wait.

        Raises
        ------
        AccountError
            401 or 403: the key is not accepted.
        Error
            Anything else but a 200 with JSON.
        """
        auth = httpx.BasicAuth(account.key(), "")
        for left in reversed(range(_API_TRIES)):
            try:
                answer = await self._client.get(f"{account.api_url}{path}", params=params, auth=auth)
            except httpx.TransportError as error:
                raise Error(f"{account.api_url} cannot be reached: {_said(error)}") from None
            reply = read(answer.status_code, answer.headers, answer.content)
            if not (reply.again and left):
                break
            await anyio.sleep(reply.wait if reply.wait is not None else 1)
        if answer.status_code in (401, 403):
            raise AccountError(f"The media API refused the private key: {reply.result.message}")
        with suppress(ValueError):
            if answer.is_success:
                return answer.json()
        raise Error(f"The media API answered {answer.status_code}: {reply.result.message or 'no JSON'}")

    async def fetch(self, source: Source, folder: Path, max_size: int | None = None) -> Source:
        """Download a URL into a folder, to be sent from there (``fetch="client"``).

        Raises
        ------
        Error
            It cannot be had, or has more than `max_size` bytes.
        """
        path = folder / secrets.token_hex(8)
        size = 0
        try:
            async with (
                self._client.stream("GET", source.text, follow_redirects=True) as answer,
                await anyio.open_file(path, "wb") as file,
            ):
                if not answer.is_success:
                    raise Error(f"{source.text} answered {answer.status_code}")
                async for block in answer.aiter_bytes(BLOCK):
                    size += len(block)
                    if max_size is not None and size > max_size:
                        raise Error(f"{source.text} has more than the {max_size:,} bytes that the account allows")
                    await file.write(block)
        except (httpx.TransportError, httpx.TooManyRedirects, httpx.DecodingError) as error:
            raise Error(f"{source.text} cannot be downloaded: {_said(error)}") from None
        return Source("path", source.name, path=path, size=size)

    async def probe(self, url: str) -> str | None:
        """Ask a URL for its headers, and say what is wrong with it, if anything.

        Seed: the service gives up on a URL that sends no headers within 8 s.
        """
        try:
            async with self._client.stream("GET", url, follow_redirects=True, timeout=URL_PATIENCE) as answer:
                return None if answer.is_success else f"{url} answered {answer.status_code}"
        except httpx.TimeoutException:
            return f"{url} sent no headers within {URL_PATIENCE} s"
        except (httpx.TransportError, httpx.TooManyRedirects, httpx.InvalidURL) as error:
            return f"{url} cannot be reached: {_said(error)}"


def _equipping(options: Iterable[tuple[int, str, int]]) -> Callable[[httpx.Request], Awaitable[None]]:
    """Give what is done to each request, so that a connection that it opens has these options."""

    async def trace(event: str, info: Mapping[str, Any]) -> None:
        if not event.endswith(".connect_tcp.complete"):  # of the host itself, or of a proxy
            return
        connection = info["return_value"].get_extra_info("socket")
        for level, name, value in options:
            if connection is not None and hasattr(socket, name):  # not every system has them all
                with suppress(OSError):
                    connection.setsockopt(level, getattr(socket, name), value)

    async def equip(request: httpx.Request) -> None:
        # Not by a transport with `socket_options`: httpx takes no proxies from the environment where one is given.
        request.extensions["trace"] = trace

    return equip


class _FileChanged(Exception):  # noqa: N818 - never leaves this file
    """The file is not what it was when its length was written into the request."""


class _Body:
    """A form on its way: its blocks, and whether the last of them has left."""

    def __init__(self, form: Form, source: Source, token: Token, on_bytes: Callable[[int], None]) -> None:
        self._form, self._source, self._token, self._on_bytes = form, source, token, on_bytes
        self.left = False

    def headers(self) -> dict[str, str]:
        return {
            "Content-Type": self._form.content_type,
            "Content-Length": str(self._form.length(self._token.text)),
            "Accept": "application/json",
        }

    async def blocks(self) -> AsyncGenerator[bytes]:
        """Give the body; what is small goes out in one piece."""
        waiting = self._form.head
        async with aclosing(_content(self._source)) as content:
            async for block in content:
                pieces = memoryview(waiting + block)
                whole = len(pieces) // PIECE * PIECE
                for start in range(0, whole, PIECE):
                    yield bytes(pieces[start : start + PIECE])
                waiting = bytes(pieces[whole:])
                self._on_bytes(len(block))
        # Without the token and the closing boundary, which come last, nothing can have been stored.
        self.left = True
        yield waiting + self._form.tail(self._token.text)


async def _content(source: Source) -> AsyncGenerator[bytes]:
    """Read a file part, block by block, exactly as long as it was when it was framed."""
    if source.kind == "bytes":
        for start in range(0, len(source.content), BLOCK):
            yield source.content[start : start + BLOCK]
    if source.kind != "path" or source.path is None:
        return
    left = source.size or 0
    try:
        async with await anyio.open_file(source.path, "rb") as file:
            while block := await file.read(min(BLOCK, left + 1)):
                left -= len(block)
                if left < 0:
                    break
                yield block
    except OSError as error:
        raise _FileChanged(f"{source.name} cannot be read any more: {error.strerror}") from None
    if left:
        raise _FileChanged(f"{source.name} is no longer {source.size:,} bytes long")


def _lost(error: httpx.TransportError | httpx.DecodingError, *, left: bool) -> Reply:
    """Say what a request without an answer means: whether the file may be stored."""
    if isinstance(error, (httpx.UnsupportedProtocol, httpx.LocalProtocolError)):
        return Reply(Result("failed", "connection_failed", _said(error)))
    if not left or isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError)):
        return Reply(Result("failed", "connection_failed", _said(error)), again=True)
    if isinstance(error, httpx.DecodingError):
        return Reply(Result("unknown", "bad_reply", _said(error)))
    code = "timed_out" if isinstance(error, httpx.TimeoutException) else "connection_lost"
    return Reply(Result("unknown", code, _said(error)))


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
