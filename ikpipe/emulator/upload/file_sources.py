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
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")
_URL_SAFE = bytes.maketrans(b"-_", b"+/")


def kind(text: FormSpool) -> str:
    """Return `url`, `data-uri` or `base64`, by how the text begins."""
    head = text.head(8).lower()
    if head.startswith((b"http://", b"https://")):
        return "url"
    return "data-uri" if head.startswith(b"data:") else "base64"


class DownloadError(Exception):
    """A file that cannot be downloaded; the text says why."""


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
        """Download the URL in the text; raise `ErrorResponse` (400) if that is not possible [guess for the message]."""
        if text.size > LONGEST_URL:
            raise invalid_parameter("file", "The URL is too long.")
        try:
            return await self.download(text.head(LONGEST_URL).decode("utf-8", "replace").strip())
        except DownloadError as error:
            raise invalid_parameter("file", str(error)) from None

    async def download(self, url: str) -> FormSpool:
        """Download a URL, up to the maximum size.

        Raise `DownloadError` if the file cannot be downloaded, its headers take more than 8 s [upload docs], or its
        address is neither public nor allowed by the rule `fetch_hosts`.
        """
        spool = FormSpool(self._folder, self._limit)
        try:
            await self._download(url, spool)
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
            raise DownloadError(f"The file could not be downloaded {reason}.") from None
        return spool

    async def _download(self, url: str, spool: FormSpool) -> None:
        if self._client is None:
            transport = PublicTransport("fetch_hosts", self._rules.fetch_hosts)
            self._client = httpx.AsyncClient(follow_redirects=True, timeout=None, transport=transport)  # noqa: S113 - asyncio.timeout below
        async with AsyncExitStack() as stack:
            async with asyncio.timeout(self._rules.url_timeout):
                reply = await stack.enter_async_context(self._client.stream("GET", url))
            if reply.status_code != httpx.codes.OK:
                raise DownloadError(f"The file could not be downloaded from the URL: status {reply.status_code}.")
            async with asyncio.timeout(self._rules.url_body_timeout):
                async for chunk in reply.aiter_bytes():
                    spool.write(chunk)
                    if spool.size > self._limit:
                        return


def decode(text: FormSpool, folder: Path, limit: int, rules: Rules) -> FormSpool:
    """Decode base64, with or without the beginning of a data URI, in chunks.

    Raise `ErrorResponse` (400) if the text is not base64 [guess for the message], unless the rule `bad_base64` lets it
    be stored.
    """
    spool = FormSpool(folder, limit)
    try:
        for piece in _base64_pieces(text.chunks(), any_text=rules.bad_base64 == "store"):
            spool.write(base64.b64decode(piece, validate=True))
    except binascii.Error:
        spool.discard()
        raise invalid_parameter("file", "It is neither a file, nor base64, nor an http or https URL.") from None
    return spool


def _base64_pieces(chunks: Iterable[bytes], *, any_text: bool) -> Iterable[bytes]:
    """Split text where base64 can be split: after every fourth character."""
    chunks, rest = _without_prefix(chunks), b""
    for chunk in _only_base64(chunks) if any_text else chunks:
        rest += _WHITESPACE.sub(b"", chunk)
        end = len(rest) // 4 * 4
        yield rest[:end]
        rest = rest[end:]
    if len(rest) > 1 or not any_text:
        yield rest + b"=" * (-len(rest) % 4)


def _without_prefix(chunks: Iterable[bytes]) -> Iterable[bytes]:
    """Remove the beginning of a data URI."""
    first = True
    for chunk in chunks:
        yield _DATA_URI.sub(b"", chunk, count=1) if first else chunk
        first = False


def _only_base64(chunks: Iterable[bytes]) -> Iterable[bytes]:
    """Yield what Node.js decodes of any text [guess: the service does]: all base64 characters up to the first `=`."""
    for chunk in chunks:
        text, end, _ = chunk.partition(b"=")
        yield _NOT_BASE64.sub(b"", text.translate(_URL_SAFE))
        if end:
            return
