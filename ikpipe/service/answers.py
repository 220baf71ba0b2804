"""Answers that httpx reads: whole, within a size and a time.

httpx limits the time of each read, and nothing limits the size of what it reads. Answers to uploads over the transport
of our own have these bounds there (`connection.py`).
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Self

import httpx

from ikpipe.service.connection import LONGEST_ANSWER, PATIENCE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

LONGEST_LISTING = 1 << 26  # bytes; 1,000 files with all of their metadata have a few million
_OF_THE_FRAMING = ("content-encoding", "content-length", "transfer-encoding")


async def asked(client: httpx.AsyncClient, method: str, url: str, **request: Any) -> httpx.Response:
    """Send a small request, and return its answer with the whole content, decoded.

    Parameters
    ----------
    client
        Its limit for each read, in seconds, times `PATIENCE` limits the whole exchange.
    **request
        As for `httpx.AsyncClient.stream`.

    Raises
    ------
    httpx.TransportError, httpx.DecodingError
        There is no answer, it is longer than `LONGEST_LISTING`, or it takes too long.
    """
    wait = client.timeout.read
    try:
        async with (
            asyncio.timeout(None if wait is None else PATIENCE * wait) as clock,
            client.stream(method, url, **request) as answer,
        ):
            content = bytearray()
            async for block in answer.aiter_bytes():
                content += block
                if len(content) > LONGEST_LISTING:
                    raise httpx.RemoteProtocolError("The answer is too long.")
    except TimeoutError as error:
        if not clock.expired():
            raise
        raise httpx.ReadTimeout("The answer came too slowly.") from error
    headers = [(name, value) for name, value in answer.headers.multi_items() if name not in _OF_THE_FRAMING]
    return httpx.Response(answer.status_code, headers=headers, content=bytes(content), request=answer.request)


async def whole(answer: httpx.Response) -> tuple[httpx.Response, bytes]:
    """Read an answer as it came: nobody asked for an encoding, and no answer of the service is long."""
    if isinstance(answer.stream, httpx.ByteStream):
        return answer, b"".join(answer.stream)
    if answer.is_stream_consumed:  # a transport of the caller's has read it already
        return answer, await answer.aread()
    content = bytearray()
    try:
        async for block in answer.aiter_raw():
            content += block
            if len(content) > LONGEST_ANSWER:
                raise httpx.RemoteProtocolError("The answer is too long.")
    finally:
        await answer.aclose()
    return answer, bytes(content)


@asynccontextmanager
async def in_time(request: httpx.Request) -> AsyncIterator[None]:
    """Limit the time from when the body was taken to the end of the answer; httpx only limits that of each read."""
    wait = request.extensions["timeout"]["read"]
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(None) as clock:
            if wait is not None:
                assert isinstance(request.stream, httpx.AsyncByteStream)  # noqa: S101 - for mypy
                request.stream = _Ending(request.stream, lambda: clock.reschedule(loop.time() + PATIENCE * wait))
            yield
    except TimeoutError as error:
        if not clock.expired():
            raise
        raise httpx.ReadTimeout("The answer came too slowly.") from error


class _Ending(httpx.AsyncByteStream):
    """A body that tells when all of it was taken."""

    def __init__(self, stream: httpx.AsyncByteStream, ended: Callable[[], None]) -> None:
        self._pieces, self._ended = aiter(stream), ended

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        try:
            return await anext(self._pieces)
        except StopAsyncIteration:
            self._ended()
            raise


def by_lower_name(headers: httpx.Headers) -> dict[str, str]:
    """Return headers by their lower-case names; httpx's own lookup goes through them all each time."""
    names: dict[str, str] = {}
    for raw, value in headers.raw:
        name, text = raw.lower().decode("latin-1"), value.decode("utf-8", "replace")
        names[name] = f"{names[name]}, {text}" if name in names else text
    return names
