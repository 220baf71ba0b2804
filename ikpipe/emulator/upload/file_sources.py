"""Gets a `file` that is text: downloads a URL, decodes a data URI or base64."""

import asyncio
import base64
import binascii
import re
from collections.abc import Iterable
from contextlib import AsyncExitStack
from pathlib import Path

import httpx

from ikpipe.emulator.error_responses import invalid_parameter
from ikpipe.emulator.outbound_hosts import NotPublicError, PublicTransport
from ikpipe.emulator.rules import Rules
from ikpipe.emulator.upload.form import FormSpool

LONGEST_URL = 8192
_DATA_URI = re.compile(rb"data:[^,]*?;base64,", re.IGNORECASE)
_WHITESPACE = re.compile(rb"\s+")


def kind(text: FormSpool) -> str:
    """Return `url`, `data-uri` or `base64`, by how the text begins."""
    head = text.head(8).lower()
    if head.startswith((b"http://", b"https://")):
        return "url"
    return "data-uri" if head.startswith(b"data:") else "base64"


class Fetcher:
    """Downloads URL files with one HTTP client, which is created for the first of them.

    `folder` is where large files go. `limit` is the maximum size of a file in bytes. `rules` have the time limits and
    the allowed hosts.
    """

    def __init__(self, folder: Path, limit: int, rules: Rules) -> None:
        self._folder = folder
        self._limit = limit
        self._rules = rules
        self._client: httpx.AsyncClient | None = None

    async def close(self) -> None:
        """Close all connections."""
        if self._client is not None:
            await self._client.aclose()

    async def fetch(self, text: FormSpool) -> FormSpool:
        """Download the URL in the text.

        Raise `ErrorResponse` (400) if the file cannot be downloaded, its headers take more than 8 s [upload docs; guess
        for the message], or its address is neither public nor allowed by the rule `fetch_hosts`.
        """
        if text.size > LONGEST_URL:
            raise invalid_parameter("file", "The URL is too long.")
        spool = FormSpool(self._folder, self._limit)
        try:
            await self._download(text.head(LONGEST_URL).decode().strip(), spool)
        except BaseException as error:
            spool.discard()
            if isinstance(error, NotPublicError):
                reason = f"from the URL: {error}"
            elif isinstance(error, TimeoutError):
                reason = "in time"
            elif isinstance(error, httpx.HTTPError | httpx.InvalidURL | ValueError):
                reason = "from the URL"
            else:
                raise
            raise invalid_parameter("file", f"The file could not be downloaded {reason}.") from None
        return spool

    async def _download(self, url: str, spool: FormSpool) -> None:
        if self._client is None:
            transport = PublicTransport("fetch_hosts", self._rules.fetch_hosts)
            self._client = httpx.AsyncClient(follow_redirects=True, timeout=None, transport=transport)  # noqa: S113 - asyncio.timeout below
        async with AsyncExitStack() as stack:
            async with asyncio.timeout(self._rules.url_timeout):
                reply = await stack.enter_async_context(self._client.stream("GET", url))
            if reply.status_code != httpx.codes.OK:
                problem = f"The file could not be downloaded from the URL: status {reply.status_code}."
                raise invalid_parameter("file", problem)
            async with asyncio.timeout(self._rules.url_body_timeout):
                async for chunk in reply.aiter_bytes():
                    spool.write(chunk)
                    if spool.size > self._limit:
                        return


def decode(text: FormSpool, folder: Path, limit: int) -> FormSpool:
    """Decode base64, with or without the beginning of a data URI, in chunks.

    Raise `ErrorResponse` (400) if the text is not base64 [guess for the message].
    """
    spool = FormSpool(folder, limit)
    try:
        for piece in _base64_pieces(text.chunks()):
            spool.write(base64.b64decode(piece, validate=True))
    except binascii.Error:
        spool.discard()
        raise invalid_parameter("file", "It is neither a file, nor base64, nor an http or https URL.") from None
    return spool


def _base64_pieces(chunks: Iterable[bytes]) -> Iterable[bytes]:
    """Split text where base64 can be split: after every fourth character."""
    rest, first = b"", True
    for chunk in chunks:
        piece = _DATA_URI.sub(b"", chunk, count=1) if first else chunk
        rest, first = rest + _WHITESPACE.sub(b"", piece), False
        end = len(rest) // 4 * 4
        yield rest[:end]
        rest = rest[end:]
    yield rest + b"=" * (-len(rest) % 4)
