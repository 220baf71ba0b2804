"""The files below a URL that fsspec opens, such as ``s3://bucket/folder``: list them, and read those that are sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ikpipe.errors import MappingError, MissingExtra, describe_exception
from ikpipe.request.sources import FileSource
from ikpipe.run.syncing.local_folder import Scan
from ikpipe.run.syncing.patterns import PathFilter
from ikpipe.service.spool import DownloadFile, FetchError

if TYPE_CHECKING:
    from ikpipe.concurrency.bandwidth import BandwidthLimiter

_BLOCK = 1 << 20  # bytes read at a time
_LOCAL = ("file", "local")


class RemoteFolder:
    """A folder at a URL.

    `versions` tells, after `scan`, which version of a file is there, by its path: another text is another content.
    Raise `MappingError` if the URL cannot be opened, `MissingExtra` if fsspec is not installed.
    """

    def __init__(self, url: str) -> None:
        self.shown = _without_secrets(url)
        self.versions: dict[str, str] = {}
        self.limiter: BandwidthLimiter | None = None
        self._sizes: dict[str, int | None] = {}
        if "::" in url or urlsplit(url).scheme in _LOCAL:
            words = f"{self.shown} is not the URL of a folder that can be read."
            raise MappingError(words, fix="Use a path for a local folder, or a URL such as s3://bucket/folder.")
        try:
            fsspec: Any = import_module("fsspec")
        except ImportError:
            raise MissingExtra.for_extra("cloud", "A folder at a URL") from None
        try:
            self._files, self._folder = fsspec.core.url_to_fs(url)
        except Exception as error:  # noqa: BLE001 - each store has its own
            words = f"{self.shown} cannot be opened: {describe_exception(error)}."
            raise MappingError(words, fix="Correct the URL, and install what its protocol needs.") from None

    def scan(self, chosen: PathFilter) -> Scan:
        """Return the files of the folder, as they are now."""
        scan = Scan()
        try:
            self._files.invalidate_cache()
            found: dict[str, Any] = self._files.find(self._folder, detail=True)
        except Exception as error:  # noqa: BLE001 - each store has its own
            scan.errors.append(f"{self.shown} cannot be read: {describe_exception(error)}.")
            return scan
        start = str(self._folder).rstrip("/") + "/"
        for place, info in sorted(found.items()):
            path = place.removeprefix(start)
            if not place.startswith(start) or not path or info.get("type") == "directory":
                continue
            (scan.files if chosen.has(path) else scan.left).append(path)
            self._sizes[path] = info.get("size")
            self.versions[path] = self._version(place, info)
        return scan

    def _version(self, place: str, info: Any) -> str:
        """Return what a store says of the content of a file: its hash if there is one, else all that it lists."""
        for name in (
            "ETag",
            "etag",
            "md5Hash",
            "md5",
            "content_md5",
            "mtime",
            "LastModified",
            "last_modified",
            "created",
        ):
            if info.get(name):
                return f"{info.get('size')} {name} {info[name]}"
        return str(self._files.ukey(place))

    def source(self, text: str) -> FileSource | None:
        """Return the file that a cell's text stands for."""
        if text not in self._sizes:
            return None
        return FileSource("fetch", PurePosixPath(text).name, text, size=self._sizes[text])

    async def fetch(self, source: FileSource, folder: Callable[[], Path], max_size: int | None) -> FileSource:
        """Download a file to a folder; one that changes meanwhile, or fails, leaves no file. Raise `FetchError`."""
        shown = f"{self.shown.rstrip('/')}/{source.text}"
        file: DownloadFile | None = None
        try:
            place = f"{str(self._folder).rstrip('/')}/{source.text}"
            before = await asyncio.to_thread(self._now, place)
            file = DownloadFile(shown, folder)
            await self._store(place, file, shown, max_size)
            if await asyncio.to_thread(self._now, place) != before or file.size != (source.size or file.size):
                raise FetchError(f"{shown} changed while it was read.", retryable=True)
            if not file.size:
                raise FetchError(f"{shown}: This file is empty (0 bytes).")
        except BaseException as error:
            if file is not None:
                file.remove()
            if isinstance(error, FetchError) or not isinstance(error, Exception):
                raise
            gone = isinstance(error, FileNotFoundError)
            words = f"{shown} cannot be read: {describe_exception(error)}."
            raise FetchError(words, retryable=not gone) from None
        return FileSource("path", source.name, path=str(file.path), size=file.size)

    async def _store(self, place: str, file: DownloadFile, shown: str, max_size: int | None) -> None:
        with await asyncio.to_thread(self._files.open, place, "rb") as stream:
            while block := await asyncio.to_thread(stream.read, _BLOCK):
                if self.limiter is not None:
                    await self.limiter.take(len(block))
                await file.write(block)
                if max_size is not None and file.size > max_size:
                    raise FetchError(f"{shown} is too large: the account allows {max_size:,} bytes.")
        await file.end()

    def _now(self, place: str) -> str:
        self._files.invalidate_cache(place)
        return self._version(place, self._files.info(place))


def _without_secrets(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
