"""Responses that httpx reads: complete, and within a size and a time.

httpx limits the time of each read; it limits neither the size nor the total time of a response. For uploads over the
project's own transport, `connection.py` has these limits.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Self

import httpx

from ikpipe.service.connection import MAX_RESPONSE, TOO_LARGE, TOO_SLOW, TOTAL_READ_FACTOR

MAX_DECODED_RESPONSE = 1 << 26  # bytes; 1,000 files with all of their metadata have a few million
_FRAMING_HEADERS = ("content-encoding", "content-length", "transfer-encoding")


async def send_request(client: httpx.AsyncClient, method: str, url: str, **request: Any) -> httpx.Response:
    """Send a small request and return its response with the complete content, decoded.

    `TOTAL_READ_FACTOR` times the client's limit for each read, in seconds, limits the whole exchange. `request` are
    further arguments of `httpx.AsyncClient.stream`. Raise `httpx.TransportError` or `httpx.DecodingError` if there is
    no response, it is larger than `MAX_DECODED_RESPONSE`, or it takes too long.
    """
    read_timeout = client.timeout.read
    seconds = None if read_timeout is None else TOTAL_READ_FACTOR * read_timeout
    async with _total_timeout(seconds), client.stream(method, url, **request) as response:
        content = await _content(response.aiter_bytes(), MAX_DECODED_RESPONSE)
    headers = [(name, value) for name, value in response.headers.multi_items() if name not in _FRAMING_HEADERS]
    return httpx.Response(response.status_code, headers=headers, content=content, request=response.request)


async def read_raw(response: httpx.Response) -> tuple[httpx.Response, bytes]:
    """Read the content of an upload's response without decoding it: uploads ask for no encoding."""
    if isinstance(response.stream, httpx.ByteStream):
        return response, b"".join(response.stream)
    if response.is_stream_consumed:  # by a transport of the caller's
        return response, await response.aread()
    try:
        return response, await _content(response.aiter_raw(), MAX_RESPONSE)
    finally:
        await response.aclose()


async def _content(blocks: AsyncIterator[bytes], limit: int) -> bytes:
    """Return the content of a response; raise if it has more than `limit` bytes."""
    content = bytearray()
    async for block in blocks:
        content += block
        if len(content) > limit:
            raise httpx.RemoteProtocolError(TOO_LARGE)
    return bytes(content)


@asynccontextmanager
async def _total_timeout(seconds: float | None) -> AsyncIterator[asyncio.Timeout]:
    """Limit the time of all that is inside, whatever the limits of its parts are."""
    try:
        async with asyncio.timeout(seconds) as total:
            yield total
    except TimeoutError as error:
        if not total.expired():
            raise
        raise httpx.ReadTimeout(TOO_SLOW) from error


@asynccontextmanager
async def total_read_timeout(request: httpx.Request) -> AsyncIterator[None]:
    """Limit the time from the end of the request's body to the end of the response."""
    read_timeout = request.extensions["timeout"]["read"]
    loop = asyncio.get_running_loop()
    async with _total_timeout(None) as total:
        if read_timeout is not None:
            assert isinstance(request.stream, httpx.AsyncByteStream)  # noqa: S101 - for mypy
            limit = TOTAL_READ_FACTOR * read_timeout
            request.stream = _NotifyingStream(request.stream, lambda: total.reschedule(loop.time() + limit))
        yield


class _NotifyingStream(httpx.AsyncByteStream):
    """A request body that calls a function at its end."""

    def __init__(self, stream: httpx.AsyncByteStream, on_end: Callable[[], None]) -> None:
        self._pieces, self._on_end = aiter(stream), on_end

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        try:
            return await anext(self._pieces)
        except StopAsyncIteration:
            self._on_end()
            raise


def headers_by_name(headers: httpx.Headers) -> dict[str, str]:
    """Return headers by lower-case name; a lookup in `httpx.Headers` goes through all of them each time."""
    values: dict[str, str] = {}
    for raw, value in headers.raw:
        name, text = raw.lower().decode("latin-1"), value.decode("utf-8", "replace")
        values[name] = f"{values[name]}, {text}" if name in values else text
    return values
