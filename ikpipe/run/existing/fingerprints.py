"""What identifies the content of a row's file: the hash of its bytes, what its host says, or a cell."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from urllib.parse import urlsplit

from ikpipe.request.content_hash import READING, unsigned
from ikpipe.request.sources import FileStamp
from ikpipe.run.existing.rules import SIZE
from ikpipe.service.spool import FetchError

if TYPE_CHECKING:
    from ikpipe.request.planner import UploadRequest
    from ikpipe.service.client import ServiceClient

AT_ONCE = 32
"""HEAD requests in flight."""
MOST_FAILURES = 5
"""Consecutive HEAD requests without any answer after which a host is not asked again: each can take 8 s."""
_BLOCK = 1 << 20  # bytes
_READERS = 2  # files that are read at the same time


class Fingerprint(NamedTuple):
    """What identifies the content of a row's file.

    `kind` is ``sha256``, ``etag``, ``modified`` (`Last-Modified` and length), ``column``, or empty if at best the size
    is known; `value` is a hash. `size` is in bytes, None if it is not known. `note` is a sentence that says why nothing
    better is known.
    """

    kind: str = ""
    value: str = ""
    size: int | None = None
    note: str | None = None

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}" if self.kind else ""

    @classmethod
    def parse(cls, text: str) -> Fingerprint:
        """Return the fingerprint in a text such as ``sha256:…``."""
        kind, _, value = text.partition(":")
        return cls(kind, value)


UNKNOWN = Fingerprint()
"""Nothing identifies the content."""


class FileHashes(Protocol):
    """The hashes of local files that were read before."""

    def hashes_of(self, files: Mapping[str, FileStamp]) -> dict[str, str]:
        """Return the SHA-256 of files, by their real paths, that are as they were when they were read."""

    def add_hashes(self, files: Mapping[str, tuple[FileStamp, str]]) -> None:
        """Keep the SHA-256 of files."""

    async def close(self) -> None:
        """Write all hashes, and close what has them."""


class FingerprintReader:
    """Reads the fingerprints of rows.

    `changed_by` is ``"content"``, ``"size"``, or a column of the table. `hashes` has those of local files from before.
    """

    def __init__(self, changed_by: str, client: ServiceClient, hashes: FileHashes) -> None:
        self._by, self._client, self._hashes = changed_by, client, hashes
        self._silent: Counter[str] = Counter()

    async def read(self, requests: Sequence[UploadRequest], cells: Sequence[Any] | None = None) -> list[Fingerprint]:
        """Return the fingerprint of each request's file; `cells` are those of the column that `changed_by` names."""
        if cells is not None:
            return [_of_cell(self._by, cell, request) for cell, request in zip(cells, requests, strict=True)]
        if self._by == SIZE:
            return [Fingerprint(size=request.source.size) for request in requests]
        found = await self._local(requests) | await self._heads(requests)
        return [found.get(at) or _of_bytes(request) for at, request in enumerate(requests)]

    # Local files

    async def _local(self, requests: Sequence[UploadRequest]) -> dict[int, Fingerprint]:
        """Return the fingerprints of the requests with local files, by their index."""
        local = {at: one.source for at, one in enumerate(requests) if one.source.path is not None}
        stamps = {one.path: one.stamp for one in local.values() if one.path is not None and one.stamp is not None}
        known = self._hashes.hashes_of(stamps)
        paths = list(dict.fromkeys(str(one.path) for one in local.values() if one.path not in known))
        read = dict(
            zip(paths, await _in_threads([partial(_hash, path, stamps.get(path)) for path in paths]), strict=True)
        )
        new = {path: (stamp, one) for path, one in read.items() if one is not None and (stamp := stamps.get(path))}
        if new:
            self._hashes.add_hashes(new)
        hashes = {**known, **{path: one for path, one in read.items() if one is not None}}
        return {at: _of_file(hashes.get(str(one.path)), one.size) for at, one in local.items()}

    # URLs

    async def _heads(self, requests: Sequence[UploadRequest]) -> dict[int, Fingerprint]:
        """Return the fingerprints of the requests with URLs, by their index; each URL is asked once."""
        urls: dict[str, list[int]] = {}
        for at, request in enumerate(requests):
            if request.source.kind in ("url", "fetch"):
                urls.setdefault(request.source.text, []).append(at)
        limit = asyncio.Semaphore(AT_ONCE)

        async def ask(url: str) -> Fingerprint:
            """Return the fingerprint of the file at a URL."""
            async with limit:
                return await self._of_url(url)

        answers = await asyncio.gather(*map(ask, urls))
        return {at: answer for places, answer in zip(urls.values(), answers, strict=True) for at in places}

    async def _of_url(self, url: str) -> Fingerprint:
        try:
            host = urlsplit(url).netloc
        except ValueError:
            host = ""
        if self._silent[host] >= MOST_FAILURES:
            return Fingerprint(note=f"{_place(url)} was not asked: its host did not answer before.")
        try:
            headers = await self._client.head(url)
        except FetchError as error:
            self._silent[host] += error.retryable
            return Fingerprint(note=error.text.replace(url, _place(url)))
        self._silent[host] = 0
        return of_headers(url, headers)


def of_headers(url: str, headers: Mapping[str, str]) -> Fingerprint:
    """Return the fingerprint of the file at a URL from the headers of a response, by lower-case name.

    A strong `ETag` identifies the bytes; a weak one does not (RFC 9110, 8.8.1). `Last-Modified` only counts together
    with the length, since a file can change twice in a second.
    """
    length = headers.get("content-length", "")
    encoded = headers.get("content-encoding", "identity").strip().lower() not in ("identity", "")
    size = int(length) if length.isascii() and length.isdigit() and len(length) < 19 and not encoded else None  # noqa: PLR2004
    etag, modified, place = headers.get("etag", "").strip(), headers.get("last-modified", "").strip(), unsigned(url)
    if len(etag) > 2 and etag.startswith('"') and etag.endswith('"'):  # noqa: PLR2004 - the quotes
        return Fingerprint("etag", _digest(place, etag), size)
    if modified and size is not None:
        return Fingerprint("modified", _digest(place, modified, length), size)
    return Fingerprint(size=size, note=f"{_place(url)} has neither a strong ETag nor Last-Modified with a length.")


def parameters_hash(fields: Mapping[str, str]) -> str:
    """Return a hash of a form's texts besides the name, for rows that share one file."""
    names = ("fileName", "useUniqueFileName", "overwriteFile")
    return _digest(json.dumps({name: text for name, text in sorted(fields.items()) if name not in names}))


def _of_bytes(request: UploadRequest) -> Fingerprint:
    """Return the fingerprint of bytes, of text that is sent as it is, or of a browser's file."""
    source = request.source
    if source.kind == "held":
        return Fingerprint(size=source.size, note="The browser has the file, so only its size is compared.")
    content = source.content or source.text.encode("utf-8", "surrogatepass")
    return Fingerprint("sha256", hashlib.sha256(content).hexdigest(), source.size)


def _of_cell(column: str, cell: Any, request: UploadRequest) -> Fingerprint:
    size = request.source.size
    if cell is None:
        return Fingerprint(size=size, note=f"The column {column!r} is empty in this row.")
    try:
        text = str(cell)
    except Exception:  # noqa: BLE001 - any object can be in a cell, and concerns its own row
        return Fingerprint(size=size, note=f"The cell of the column {column!r} cannot be read as text.")
    return Fingerprint("column", _digest(column, text), size)


def _of_file(sha256: str | None, size: int | None) -> Fingerprint:
    if sha256 is None:
        return Fingerprint(size=None, note="The file cannot be read, or changes while it is read.")
    return Fingerprint("sha256", sha256, size)


def _place(url: str) -> str:
    """Return a URL without credentials, query and fragment, which can hold secrets."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "The URL"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _digest(*texts: str) -> str:
    return hashlib.sha256(json.dumps(texts).encode()).hexdigest()


async def _in_threads(calls: Sequence[Any]) -> list[Any]:
    """Return the values of functions, a few at a time in threads of their own."""
    limit = asyncio.Semaphore(_READERS)

    async def call(function: Any) -> Any:
        """Return the value of one function."""
        async with limit:
            return await asyncio.to_thread(function)

    return await asyncio.gather(*map(call, calls))


def _hash(path: str, stamp: FileStamp | None) -> str | None:
    """Return the SHA-256 of a file; None if it cannot be read, or is another one than it was when it was planned."""
    try:
        with os.fdopen(os.open(Path(path), READING), "rb") as file:
            digest = hashlib.sha256()
            while block := file.read(_BLOCK):
                digest.update(block)
            same = stamp is None or FileStamp.of(os.fstat(file.fileno())) == stamp
    except OSError:
        return None
    return digest.hexdigest() if same else None
