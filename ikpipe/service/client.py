"""One attempt: a form on its way to the service, and what else is asked by httpx."""

from __future__ import annotations

import asyncio
import secrets
import socket
import time
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import httpx

from ikpipe.errors import AccountError, Error
from ikpipe.request.form import build_form
from ikpipe.request.policy import Policy
from ikpipe.request.reply import UploadReply, read_error, read_reply
from ikpipe.request.result import Result
from ikpipe.request.token import SignerError, TokenTimes, UploadToken, read_token, remote_expire, signing_request
from ikpipe.service.answers import asked, by_lower_name, in_time, whole
from ikpipe.service.body import OUT_OF_FILES, PIECE, FileChanged, MultipartStream, OutOfFiles
from ikpipe.service.download import Downloader, DownloadTransports
from ikpipe.service.proxies import proxied
from ikpipe.service.public_hosts import FetchHosts
from ikpipe.service.transport import IDLE, HTTPTransport, equip

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
    from pathlib import Path
    from types import TracebackType

    from ikpipe.request.account import Account
    from ikpipe.request.sources import FileSource

    Trace = Callable[[str, Mapping[str, Any]], Awaitable[None]]

_AGENT = f"ikpipe/{version('ikpipe')}"
_PATIENCE = httpx.Timeout(connect=10, write=30, read=30, pool=None)  # seconds without any progress
_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=IDLE)
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
_OUT_OF_FILES, _OUT_OF_FILES_AGAIN = 30, 0.05  # seconds that one more open file is waited for, and between two tries
NO_CONTENT = 204


class ApiError(Error):
    """The media API said no, or what cannot be read: `status` is the HTTP status, `answer` its JSON, or None."""

    def __init__(self, message: str, status: int, answer: Any = None) -> None:
        super().__init__(message)
        self.status, self.answer = status, answer


@cache
def _trusted() -> ssl.SSLContext:
    # Reading the machine's certificates takes 30 ms, too long for each call of upload_file.
    return httpx.create_ssl_context()


class ServiceClient:
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
    fetch_hosts
        Hosts that URLs may be fetched from here although they are not public.

    Attributes
    ----------
    held
        Gives the file that a cell's text stands for, where somebody else holds it and sends it.
    sleep
        Waits some seconds, and returns whether to go on: False where whoever started this drains it.
    heard
        Called with the service's time, in seconds since 1970, when the media API answers.
    """

    held: Callable[[str], FileSource | None] | None = None
    heard: Callable[[float], None] | None = None

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport | None = None,
        timeout: float | None = None,
        policy: Policy | None = None,
        fetch_hosts: Iterable[str] | FetchHosts = (),
    ) -> None:
        patience = _PATIENCE if timeout is None else httpx.Timeout(timeout, pool=None)
        self._policy = (policy or Policy()) if timeout is None else None
        self._rules = policy or Policy()
        # Where the user says how long nothing may happen, the system may not be faster.
        options = (*_IN_STEP, *_ALIVE) if timeout is None else (*_IN_STEP,)
        self._transport, self._line, self._trace = transport, HTTPTransport(_trusted(), options), _equipping(options)
        self.sleep: Callable[[float], Awaitable[bool]] = _slept
        self._roads: dict[str, _Road] = {}
        self._boundary, self._forms = secrets.token_hex(16), count()  # no form's boundary is in another's file
        self._client = httpx.AsyncClient(
            transport=transport,
            timeout=patience,
            limits=_LIMITS,
            verify=_trusted(),
            headers={"User-Agent": _AGENT},
            event_hooks={"request": [self._equip]},
        )
        self._direct = httpx.AsyncHTTPTransport(verify=_trusted(), limits=_LIMITS)
        network = DownloadTransports(self._direct, self._client, proxied, transport is not None, self._trace)
        self._downloader = Downloader(network, FetchHosts.read(fetch_hosts), patience, _AGENT)

    async def _equip(self, request: httpx.Request) -> None:
        # Not by a transport with `socket_options`: httpx takes no proxies from the environment where one is given.
        request.extensions["trace"] = self._trace

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._line.aclose()
            await self._direct.aclose()
        finally:
            await self._client.__aexit__(kind, error, trace)

    async def upload(
        self,
        url: str,
        fields: Mapping[str, str],
        source: FileSource,
        token: UploadToken,
        on_bytes: Callable[[int], None] = lambda _count: None,
    ) -> UploadReply:
        """Send one form, once, and read the answer.

        Never raises for what the network or the file does: that is in the reply. A request has no `Authorization`,
        since token and basic auth together are refused (spec).
        """
        until = time.monotonic() + _OUT_OF_FILES
        while True:
            try:
                return await self._attempt(url, fields, source, token, on_bytes)
            except OutOfFiles as error:  # nothing has left; others that are in flight give theirs back
                if time.monotonic() > until:
                    words = f"{error}: raise the limit of open files (ulimit -n), or lower concurrency="
                    return UploadReply(Result("failed", "file_unreadable", words), retryable=True)
            await asyncio.sleep(_OUT_OF_FILES_AGAIN)

    async def _attempt(
        self,
        url: str,
        fields: Mapping[str, str],
        source: FileSource,
        token: UploadToken,
        on_bytes: Callable[[int], None],
    ) -> UploadReply:
        form = build_form(fields, source, f"{self._boundary}{next(self._forms)}")
        road = self._road(url)
        body = MultipartStream(form, source, token.text, on_bytes, road.piece)
        stream = _Stream(body)
        try:
            request = road.request(form.content_type, body.length, stream, self._patience(source))
            answer, content = await road.ask(request)
        except FileChanged as changed:
            return UploadReply(Result("failed", "file_changed", str(changed)))
        except httpx.TransportError as error:
            if not body.left and _is_out_of_files(error):
                raise OutOfFiles(f"{url} cannot be connected to: too many open files") from None
            return _lost(error, left=body.left)
        finally:
            await stream.aclose()
            body.close()
        return read_reply(answer.status_code, by_lower_name(answer.headers), content, self._rules.own_answers)

    def _road(self, url: str) -> _Road:
        """Say how files get to an address; it is found out once."""
        if url not in self._roads:
            address = httpx.URL(url)
            by_proxy = self._transport is None and proxied(address)
            ask = self._through_a_proxy if by_proxy else self._directly if self._transport is None else self._by_theirs
            # httpx's own clock for writing is for a piece, the line's for any progress.
            piece = 2 * PIECE if ask == self._directly else PIECE
            self._roads[url] = _Road(address, ask, piece, self._trace)
        return self._roads[url]

    async def _directly(self, request: httpx.Request) -> tuple[httpx.Response, bytes]:
        """Hand a request to the transport itself: what else a client does, costs more than all the rest."""
        return await whole(await self._line.handle_async_request(request))

    async def _by_theirs(self, request: httpx.Request) -> tuple[httpx.Response, bytes]:
        """Use the transport that the caller gave."""
        async with in_time(request):
            return await whole(await self._transport.handle_async_request(request))  # type: ignore[union-attr]

    async def _through_a_proxy(self, request: httpx.Request) -> tuple[httpx.Response, bytes]:
        async with in_time(request):
            return await whole(await self._client.send(request, auth=_NO_AUTH, stream=True))

    def _patience(self, source: FileSource) -> dict[str, float | None]:
        """Say how long nothing may happen; the answer may take its time, by the size of the file."""
        patience = self._client.timeout
        wait = patience.read
        if self._policy is not None:
            by_size = self._policy.answer_within(source.size or len(source.text))
            wait = self._policy.url_wait if source.kind == "url" else by_size
        return {"connect": patience.connect, "write": patience.write, "read": wait, "pool": None}

    async def sign(self, fields: Mapping[str, str], account: Account, times: TokenTimes) -> UploadToken:
        """Have the `authenticationEndpoint` sign these fields (seed).

        Raises
        ------
        SignerError
            It gave no token; the message has nothing of its answer's body but its reason for a refusal.
        """
        endpoint = account.authentication_endpoint or ""
        request = signing_request(fields, account, remote_expire(times))
        try:
            headers = dict(account.headers or {})
            answer = await asked(self._client, "POST", endpoint, json=request, headers=headers)
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise SignerError(f"the authentication endpoint {endpoint} cannot be reached: {_said(error)}") from None
        status, answered = (
            answer.status_code,
            read_error(answer.status_code, by_lower_name(answer.headers), answer.content),
        )
        try:
            return read_token(status, answer.json())
        except ValueError as error:
            why = f"{status}: {answered.message}" if answered.message and not answer.is_success else error
            words = f"the authentication endpoint {endpoint} gave no token: {why}"
            raise SignerError(words, status, answered.wait) from None

    async def api(
        self, account: Account, path: str, params: Mapping[str, str | int] | None = None, *, content: Any = None
    ) -> Any:
        """Ask the media API (basic auth with the private key, spec), waiting where it says to wait.

        Parameters
        ----------
        account, path, params
            Whose library, and what is asked for.
        content
            What is posted, as JSON; None gets.

        Returns
        -------
        Any
            The answer's JSON; None where it has none to give (204).

        Raises
        ------
        AccountError
            401 or 403: the key is not accepted.
        ApiError
            Any other answer but a success with JSON.
        Error
            There is no answer.
        """
        auth = httpx.BasicAuth(account.key(), "")
        for left in reversed(range(_API_TRIES)):
            try:
                answer = await asked(
                    self._client,
                    "GET" if content is None else "POST",
                    f"{account.api_url}{path}",
                    params=params,
                    json=content,
                    auth=auth,
                )
            except (httpx.TransportError, httpx.DecodingError) as error:
                raise Error(f"{account.api_url} cannot be reached: {_said(error)}") from None
            reply = read_error(
                answer.status_code, by_lower_name(answer.headers), answer.content, self._rules.own_answers
            )
            if not (reply.retryable and left):
                break
            await self._pause(1.0 if reply.wait is None else reply.wait)
        if reply.own and reply.date is not None and self.heard is not None:
            self.heard(reply.date)
        if reply.own and answer.status_code in (401, 403):
            raise AccountError(f"The media API refused the private key: {reply.message}")
        parsed = None
        with suppress(ValueError):
            parsed = None if answer.status_code == NO_CONTENT else answer.json()
            if answer.is_success:
                return parsed
        words = f"The media API answered {answer.status_code}: {reply.message or 'no JSON'}"
        raise ApiError(words, answer.status_code, parsed)

    async def _pause(self, seconds: float) -> None:
        """Wait before the media API is asked again.

        Raises
        ------
        Error
            It would take too long, or the run was stopped meanwhile.
        """
        if seconds > self._rules.longest_wait:
            longest = f"longest_wait is {self._rules.longest_wait:g} s"
            raise Error(f"The media API asks to wait {seconds:,.0f} s before the next request, and {longest}.")
        if not await self.sleep(seconds):
            raise Error("The run was stopped while the media API asked to wait.")

    async def fetch(self, source: FileSource, folder: Callable[[], Path], max_size: int | None = None) -> FileSource:
        """Download a URL, to be sent from here (``fetch="client"``); see `Downloader.fetch`."""
        return await self._downloader.fetch(source, folder, max_size)

    async def probe(self, url: str) -> str | None:
        """Request a URL's headers, and return what is wrong with it, if anything; see `Downloader.probe`."""
        return await self._downloader.probe(url)


def _equipping(options: Iterable[tuple[int, str, int]]) -> Trace:
    """Give what httpx is to tell of a request's steps, so that a connection that it opens has these options."""

    async def trace(event: str, info: Mapping[str, Any]) -> None:
        if event.endswith(".connect_tcp.complete"):  # of the host itself, or of a proxy
            equip(info["return_value"].get_extra_info("socket"), options)

    return trace


class _Road(NamedTuple):
    """How files get to one address."""

    url: httpx.URL
    ask: Callable[[httpx.Request], Awaitable[tuple[httpx.Response, bytes]]]
    piece: int
    trace: Trace

    def request(
        self, kind: str, length: int, stream: httpx.AsyncByteStream, clocks: Mapping[str, float | None]
    ) -> httpx.Request:
        """Write a request as httpx's client would, but for what an upload has no use for."""
        headers = [
            (b"Host", self.url.netloc),
            (b"Accept", b"application/json"),
            (b"Accept-Encoding", b"identity"),
            (b"User-Agent", _AGENT.encode()),
            (b"Content-Type", kind.encode()),
            (b"Content-Length", b"%d" % length),
        ]
        extensions = {"timeout": clocks, "trace": self.trace}
        return httpx.Request("POST", self.url, headers=headers, stream=stream, extensions=extensions)


class _Stream(httpx.AsyncByteStream):
    """A body as httpx takes it, which leaves no file open."""

    def __init__(self, body: MultipartStream) -> None:
        self._blocks = body.blocks()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._blocks

    async def aclose(self) -> None:
        """Close the file, if it is still open."""
        await self._blocks.aclose()


def _lost(error: httpx.TransportError, *, left: bool) -> UploadReply:
    """Say what a request without an answer means: whether the file may be stored."""
    if isinstance(error, (httpx.UnsupportedProtocol, httpx.LocalProtocolError)):
        return UploadReply(Result("failed", "connection_failed", _said(error)))
    if not left or isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError)):
        return UploadReply(Result("failed", "connection_failed", _said(error)), retryable=True)
    code = "timed_out" if isinstance(error, httpx.TimeoutException) else "connection_lost"
    return UploadReply(Result("unknown", code, _said(error)))


def _is_out_of_files(error: BaseException | None) -> bool:
    """Whether a connection could not be opened since this process, or machine, has too many open files."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in OUT_OF_FILES:
            return True
        error = error.__cause__ or error.__context__
    return False


async def _slept(seconds: float) -> bool:
    return await asyncio.sleep(seconds, True)


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
