"""A `file` that is text: a URL to download, a data URI or base64 to decode."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import httpx

from ikpipe.emulator.outbound import NotPublicError, Outbound
from ikpipe.emulator.refusals import invalid
from ikpipe.emulator.upload.form import FormSpool

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ikpipe.emulator.settings import Rules

LONGEST_URL = 8192
_DATA_URI = re.compile(rb"data:[^,]*?;base64,", re.IGNORECASE)
_WHITE = re.compile(rb"\s+")


def kind(text: FormSpool) -> str:
    """Tell `url`, `data-uri` and `base64` apart by their beginning."""
    head = text.head(8).lower()
    if head.startswith((b"http://", b"https://")):
        return "url"
    return "data-uri" if head.startswith(b"data:") else "base64"


class Fetcher:
    """Downloads URL files with one client, made when the first is asked for."""

    def __init__(self, folder: Path, limit: int, rules: Rules) -> None:
        self._folder = folder
        self._limit = limit
        self._rules = rules
        self._client: httpx.AsyncClient | None = None

    async def close(self) -> None:
        """Close the client's connections."""
        if self._client is not None:
            await self._client.aclose()

    async def fetch(self, text: FormSpool) -> FormSpool:
        """Download the URL that the file's text is.

        Raises
        ------
        Refusal
            400 if the file can not be had, or its headers not within 8 s (`seed`; the words are a `guess`), or if its
            address is not public and not allowed by the rule `fetch_hosts`.
        """
        if text.size > LONGEST_URL:
            raise invalid("file", "The URL is too long.")
        spool = FormSpool(self._folder, self._limit)
        try:
            await self._download(text.head(LONGEST_URL).decode().strip(), spool)
        except NotPublicError as error:
            spool.discard()
            raise invalid("file", f"The file could not be downloaded from the URL: {error}.") from None
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError) as error:
            spool.discard()
            why = "in time" if isinstance(error, TimeoutError) else "from the URL"
            raise invalid("file", f"The file could not be downloaded {why}.") from None
        except BaseException:
            spool.discard()
            raise
        return spool

    async def _download(self, url: str, spool: FormSpool) -> None:
        if self._client is None:
            outbound = Outbound("fetch_hosts", self._rules.fetch_hosts)
            self._client = httpx.AsyncClient(follow_redirects=True, timeout=None, transport=outbound)  # noqa: S113 - timed below, as a whole
        async with AsyncExitStack() as stack:
            async with asyncio.timeout(self._rules.url_timeout):
                reply = await stack.enter_async_context(self._client.stream("GET", url))
            if reply.status_code != httpx.codes.OK:
                raise invalid("file", f"The file could not be downloaded from the URL: status {reply.status_code}.")
            async with asyncio.timeout(self._rules.url_body_timeout):
                async for chunk in reply.aiter_bytes():
                    spool.write(chunk)
                    if spool.size > self._limit:
                        return


def decode(text: FormSpool, folder: Path, limit: int) -> FormSpool:
    """Decode base64 text, with or without a data URI's beginning, piece by piece.

    Raises
    ------
    Refusal
        400 if it is not base64 (the words are a `guess`).
    """
    spool = FormSpool(folder, limit)
    try:
        for piece in _quadruples(text.chunks()):
            spool.write(base64.b64decode(piece, validate=True))
    except binascii.Error:
        spool.discard()
        raise invalid("file", "It is neither a file, nor base64, nor an http or https URL.") from None
    return spool


def _quadruples(chunks: Iterable[bytes]) -> Iterable[bytes]:
    """Cut text where base64 can be cut: after each fourth character."""
    rest, first = b"", True
    for chunk in chunks:
        piece = _DATA_URI.sub(b"", chunk, count=1) if first else chunk
        rest, first = rest + _WHITE.sub(b"", piece), False
        cut = len(rest) // 4 * 4
        yield rest[:cut]
        rest = rest[cut:]
    yield rest + b"=" * (-len(rest) % 4)
