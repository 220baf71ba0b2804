"""`ServiceClient`: upload attempts, media API requests and their retries, remote signing, downloads."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from ikpipe.concurrency.bandwidth import Bandwidth, BandwidthLimiter
from ikpipe.errors import AccountError, ApiName, Error, Message, OutageError, describe_exception
from ikpipe.errors.logs import log_event, note_requests
from ikpipe.request.account import COPY_KEYS, Account
from ikpipe.request.form import build_form
from ikpipe.request.policy import Policy
from ikpipe.request.reply import ErrorReply, UploadReply, read_error, read_reply
from ikpipe.request.result import Result
from ikpipe.request.sources import FileSource
from ikpipe.request.token import SignerError, TokenTimes, UploadToken, read_token, remote_expire, signing_request
from ikpipe.service.body import OUT_OF_FILES, FileChanged, MultipartStream, OutOfFiles
from ikpipe.service.certificates import ssl_context
from ikpipe.service.download import Downloader, DownloadTransports
from ikpipe.service.exchange_log import log_api_retry, log_response
from ikpipe.service.proxies import Proxies, ProxyTransport
from ikpipe.service.public_hosts import FetchHosts
from ikpipe.service.response_limits import headers_by_name, send_request
from ikpipe.service.transport import MAX_IDLE, HTTPTransport
from ikpipe.service.upload_routes import (
    KEEP_ALIVE,
    SMALL_SEND_BUFFER,
    USER_AGENT,
    UploadRoute,
    choose_route,
    socket_option_trace,
)

_TIMEOUT = httpx.Timeout(connect=10, write=30, read=30, pool=None)  # seconds without progress
_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=MAX_IDLE)
_API_ATTEMPTS = 6
_SERVER_ERROR = 500  # and above: the service failed, not the request
_FILE_TIMEOUT, _FILE_RETRY = 30, 0.05  # seconds: how long to wait for a free file descriptor, and between attempts
NO_CONTENT = 204

_log = logging.getLogger("ikpipe.service")


class ApiError(Error):
    """The media API rejected a request or sent an invalid response: its HTTP status, and its JSON or None."""

    def __init__(self, message: str, status: int, answer: Any = None) -> None:
        super().__init__(message)
        self.status, self.answer = status, answer


class _ApiOutageError(ApiError, OutageError):
    """A response of the media API that another attempt may not get: a rate limit or a server error."""


def _transport(proxy: httpx.URL | None = None) -> httpx.AsyncHTTPTransport:
    """Return a transport of httpx, through a proxy if there is one."""
    secured = proxy is not None and proxy.scheme == "https"
    through = None if proxy is None else httpx.Proxy(proxy, ssl_context=ssl_context() if secured else None)
    return httpx.AsyncHTTPTransport(verify=ssl_context(), limits=_LIMITS, proxy=through)


class ServiceClient:
    """The connections of one run: to the service, and to the hosts of URLs that are downloaded.

    They are open in an ``async with`` block, and in blocks within it, such as runs that follow each other.

    Parameters
    ----------
    transport
        An httpx transport to use instead of the network (`transport=` of the public functions).
    timeout
        Seconds without progress, instead of the defaults: 10 to connect, 30 to write, and for the response what
        `policy` says.
    policy
        How long the service may take to respond.
    fetch_hosts
        Hosts that URLs may be downloaded from although they are not public.

    Attributes
    ----------
    external_source
        Returns the file for a cell's text if that file is not on this machine: another process sends it, or
        `external_fetch` gets it.
    external_fetch
        Gets the files that are downloaded, instead of requests to their URLs; its parameters are those of `fetch`.
    sleep
        Waits a number of seconds and returns whether to continue: False once the run drains.
    on_service_time
        Called with the service's time, in seconds since 1970, when the media API responds.
    """

    external_source: Callable[[str], FileSource | None] | None = None
    external_fetch: Callable[[FileSource, Callable[[], Path], int | None], Awaitable[FileSource]] | None = None
    on_service_time: Callable[[float], None] | None = None

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport | None = None,
        timeout: float | None = None,
        policy: Policy | None = None,
        fetch_hosts: Iterable[str] | FetchHosts = (),
    ) -> None:
        self._bandwidth: Bandwidth | None = None
        timeouts = _TIMEOUT if timeout is None else httpx.Timeout(timeout, pool=None)
        self._policy, self._user_timeout = policy or Policy(), timeout is not None
        # A timeout that the user sets must not be cut short by the operating system.
        options = (*SMALL_SEND_BUFFER, *KEEP_ALIVE) if timeout is None else SMALL_SEND_BUFFER
        self._callers_transport, self._transport = transport, HTTPTransport(ssl_context(), options)
        self._trace = socket_option_trace(options)
        self.sleep: Callable[[float], Awaitable[bool]] = _sleep
        self._routes: dict[str, UploadRoute] = {}
        self._boundary, self._form_numbers = secrets.token_hex(16), count()  # no file can have another form's boundary
        self._proxies = Proxies()
        self._client = httpx.AsyncClient(
            transport=transport or ProxyTransport(self._proxies, _transport),
            trust_env=False,  # see `ProxyTransport`
            timeout=timeouts,
            headers={"User-Agent": USER_AGENT},
            event_hooks={"request": [self._add_trace]},
        )
        self._direct = _transport()
        self._users = 0
        network = DownloadTransports(
            self._direct, self._client, self._proxies.used_for, transport is not None, self._trace
        )
        hosts = FetchHosts.read(fetch_hosts)
        self._downloader = Downloader(network, hosts, timeouts, USER_AGENT)

    def limit(self, bandwidth: Bandwidth | None) -> None:
        """Limit how many bytes of files a second are sent and downloaded; None sets no limit."""
        self._bandwidth = bandwidth
        self._downloader.limiter = self.download_limiter

    def is_saturated(self) -> bool:
        """Whether uploads wait for the bandwidth that the caller set, so that more of them would gain nothing."""
        return self._bandwidth is not None and self._bandwidth.upload.saturated

    @property
    def download_limiter(self) -> BandwidthLimiter | None:
        """What limits how many bytes of files a second are downloaded; None: nothing does."""
        return None if self._bandwidth is None else self._bandwidth.download

    async def _add_trace(self, request: httpx.Request) -> None:
        request.extensions["trace"] = self._trace

    async def __aenter__(self) -> Self:
        note_requests(ours=True)
        self._users += 1
        if self._users == 1:
            await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._users -= 1
        try:
            if not self._users:
                await self._close(kind, error, trace)
        finally:
            note_requests(ours=False)

    async def _close(self, *error: Any) -> None:
        try:
            await self._transport.aclose()
            await self._direct.aclose()
        finally:
            await self._client.__aexit__(*error)

    def check_proxies(self, account: Account) -> None:
        """Raise `Error` if the environment's proxy for an address of the account cannot be used."""
        if self._callers_transport is None and self._proxies:
            for url in (account.upload_url, account.api_url):
                self._proxies.find(httpx.URL(url))

    async def upload(
        self,
        url: str,
        fields: Mapping[str, str],
        source: FileSource,
        token: UploadToken,
        on_bytes: Callable[[int], None] = lambda _count: None,
    ) -> UploadReply:
        """Send one upload request, once, and return its reply.

        Errors of the network and of the file are in the reply, not raised. The request has no `Authorization` header:
        the service rejects a token together with basic authentication [spec].
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + _FILE_TIMEOUT
        while True:
            try:
                return await self._attempt(url, fields, source, token, on_bytes)
            except OutOfFiles as error:  # nothing was sent; uploads in flight will close their files
                if loop.time() > until:
                    message = f"{error}. Raise the limit of open files (ulimit -n), or lower concurrency=."
                    return UploadReply(Result("failed", "file_unreadable", message), retryable=True)
            await asyncio.sleep(_FILE_RETRY)

    async def _attempt(
        self,
        url: str,
        fields: Mapping[str, str],
        source: FileSource,
        token: UploadToken,
        on_bytes: Callable[[int], None],
    ) -> UploadReply:
        if url not in self._routes:
            proxied = self._proxies.used_for(httpx.URL(url))
            self._routes[url] = choose_route(
                url, self._transport, self._callers_transport, self._client, self._trace, proxied=proxied
            )
        route = self._routes[url]
        form = build_form(fields, source, f"{self._boundary}{next(self._form_numbers)}")
        limiter = None if self._bandwidth is None else self._bandwidth.upload
        body = MultipartStream(form, source, token.text, on_bytes, route.piece, limiter)
        loop, stream = asyncio.get_running_loop(), _BodyStream(body)
        began = loop.time()
        try:
            request = route.request(form.content_type, body.length, stream, self._timeouts(source))
            response, content = await route.send(request)
        except FileChanged as changed:
            return UploadReply(Result("failed", "file_changed", str(changed)))
        except httpx.TransportError as error:
            if not body.complete and _is_out_of_files(error):
                raise OutOfFiles(f"{url} cannot be connected to: too many open files") from None
            reply = _reply_of_error(error, complete=body.complete)
            about = {"address": url, "code": reply.result.error, "seconds": round(loop.time() - began, 3)}
            log_event(_log, "connection_failed", "%s gave no answer: %s", url, reply.result.message, **about)
            return reply
        finally:
            await stream.aclose()
            body.close()
        log_response(request, response, began, body.length)
        return read_reply(response.status_code, headers_by_name(response.headers), content, self._policy.own_answers)

    async def probe_token(self, url: str, fields: Mapping[str, str], token: UploadToken) -> UploadReply:
        """Send a token without a file, which stores nothing; return the service's reply about the token."""
        parts = {name: (None, value) for name, value in (*fields.items(), ("token", token.text))}
        try:
            response = await send_request(self._client, "POST", url, files=parts)
        except (httpx.TransportError, httpx.DecodingError) as error:
            return UploadReply(Result("failed", "connection_failed", describe_exception(error)))
        headers = headers_by_name(response.headers)
        return read_reply(response.status_code, headers, response.content, self._policy.own_answers)

    def _timeouts(self, source: FileSource) -> dict[str, float | None]:
        """Return the time limits of an upload; the service may take longer to respond for a large file or a URL."""
        seconds = self._client.timeout
        read = seconds.read
        if not self._user_timeout:
            by_size = self._policy.answer_within(source.size or len(source.text))
            read = self._policy.url_wait if source.kind == "url" else by_size
        return {"connect": seconds.connect, "write": seconds.write, "read": read, "pool": None}

    async def sign(self, fields: Mapping[str, str], account: Account, times: TokenTimes) -> UploadToken:
        """Return a token for these fields from the `authenticationEndpoint` [upload docs].

        Raise `SignerError` if the endpoint returned no token; of its response, the message only has the reason for a
        rejection.
        """
        endpoint = account.authentication_endpoint or ""
        request = signing_request(fields, account, remote_expire(times))
        try:
            headers = dict(account.headers or {})
            response = await send_request(self._client, "POST", endpoint, json=request, headers=headers)
        except (httpx.TransportError, httpx.DecodingError) as error:
            reason = describe_exception(error)
            raise SignerError(f"The authentication endpoint {endpoint} cannot be reached: {reason}") from None
        status = response.status_code
        reply = read_error(status, headers_by_name(response.headers), response.content)
        try:
            return read_token(status, response.json())
        except ValueError as error:
            reason = f"{status}: {reply.message}" if reply.message and not response.is_success else str(error)
            message = f"The authentication endpoint {endpoint} returned no token: {reason}"
            raise SignerError(message, status, reply.wait) from None

    async def api(
        self,
        account: Account,
        path: str,
        params: Mapping[str, str | int] | None = None,
        *,
        content: Any = None,
        method: str | None = None,
    ) -> Any:
        """Send a request to the media API, with basic authentication by the private key [spec]; return its JSON.

        A request that fails for a reason that passes, such as a rate limit or a server error, is sent up to
        `_API_ATTEMPTS` times; between attempts it waits as long as the service asks for, else 1 s.

        `content` is sent as JSON with POST, or another `method`; None sends a GET. A response without content (204) is
        None. Raise `AccountError` if the key is not accepted (401 or 403), `ApiError` for any other response but a
        success with JSON, `OutageError` if there is no response or only such as may pass.
        """
        method, auth = method or ("GET" if content is None else "POST"), httpx.BasicAuth(account.key(), "")
        for attempts_left in reversed(range(_API_ATTEMPTS)):
            began = asyncio.get_running_loop().time()
            try:
                url = f"{account.api_url}{path}"
                response = await send_request(self._client, method, url, params=params, json=content, auth=auth)
            except (httpx.TransportError, httpx.DecodingError) as error:
                raise OutageError(f"{account.api_url} cannot be reached: {describe_exception(error)}") from None
            headers = headers_by_name(response.headers)
            reply = read_error(response.status_code, headers, response.content, self._policy.own_answers)
            log_response(response.request, response, began)
            if not (reply.retryable and attempts_left):
                break
            wait = 1.0 if reply.wait is None else reply.wait
            log_api_retry(path, response.status_code, wait, reply.message, _API_ATTEMPTS - attempts_left + 1)
            await self._pause(wait)
        return self._read_api_response(response, reply)

    def _read_api_response(self, response: httpx.Response, reply: ErrorReply) -> Any:
        """Return the JSON of a media API response, or raise its error."""
        status = response.status_code
        if reply.own and reply.date is not None and self.on_service_time is not None:
            self.on_service_time(reply.date)
        if reply.own and status in (401, 403):
            raise AccountError(f"The media API rejected the private key: {reply.message}", fix=COPY_KEYS)
        null = status == NO_CONTENT or response.content.strip() == b"null"
        if response.is_success and (null or reply.answer is not None):
            return reply.answer
        reason = reply.message or "the response is not JSON"
        kind = _ApiOutageError if reply.retryable or status >= _SERVER_ERROR else ApiError
        raise kind(f"The media API answered with status {status}: {reason}", status, reply.answer)

    async def _pause(self, seconds: float) -> None:
        """Wait before the next request to the media API.

        Raise `OutageError` if the wait is longer than `Policy.longest_wait`, `Error` if the run was stopped meanwhile.
        """
        longest = self._policy.longest_wait
        if seconds > longest:
            ask = f"The media API asks to wait {seconds:,.0f} s before the next request, and "
            raise OutageError(Message(ask, ApiName("policy", "longest_wait", ...), f" allows {longest:g} s."))
        if not await self.sleep(seconds):
            raise Error("The run was stopped while the media API asked to wait.")

    async def fetch(self, source: FileSource, folder: Callable[[], Path], max_size: int | None = None) -> FileSource:
        """Download a URL to a temporary file (``fetch="client"``); see `Downloader.fetch`."""
        if self.external_fetch is not None:
            return await self.external_fetch(source, folder, max_size)
        return await self._downloader.fetch(source, folder, max_size)

    async def probe(self, url: str) -> str | None:
        """Request a URL's headers and return what is wrong, or None; see `Downloader.probe`."""
        return await self._downloader.probe(url)

    async def head(self, url: str) -> dict[str, str]:
        """Return the headers of a HEAD request; see `Downloader.head`."""
        return await self._downloader.head(url)


class _BodyStream(httpx.AsyncByteStream):
    """A multipart body as an httpx stream, which closes the file at the end."""

    def __init__(self, body: MultipartStream) -> None:
        self._blocks = body.blocks()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._blocks

    async def aclose(self) -> None:
        """Close the file, if it is still open."""
        await self._blocks.aclose()


def _reply_of_error(error: httpx.TransportError, *, complete: bool) -> UploadReply:
    """Return the reply for a request without a response: `unknown` if the body was complete, so may be stored."""
    message = describe_exception(error)
    if isinstance(error, (httpx.UnsupportedProtocol, httpx.LocalProtocolError)):
        return UploadReply(Result("failed", "connection_failed", message))
    if not complete or isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError)):
        return UploadReply(Result("failed", "connection_failed", message), retryable=True)
    code = "timed_out" if isinstance(error, httpx.TimeoutException) else "connection_lost"
    return UploadReply(Result("unknown", code, message))


def _is_out_of_files(error: BaseException | None) -> bool:
    """Whether a connection failed because this process or machine has too many open files."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in OUT_OF_FILES:
            return True
        error = error.__cause__ or error.__context__
    return False


async def _sleep(seconds: float) -> bool:
    return await asyncio.sleep(seconds, True)
