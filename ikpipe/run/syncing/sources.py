"""What is synced: a local folder, a folder at a URL, or a table; each as a table with a row for each file."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ikpipe.errors import MappingError, Message, keyword, quoted
from ikpipe.frames.chunks import InMemoryTable
from ikpipe.frames.io.reading import read_table
from ikpipe.frames.syncs import folder_table
from ikpipe.run.syncing.local_folder import Scan, scan_folder
from ikpipe.run.syncing.patterns import PathFilter
from ikpipe.run.syncing.remote_folder import RemoteFolder
from ikpipe.service.client import ServiceClient

_OF_TABLES = ("columns", "ignore", "file", "file_name", "path", "root", "fetch", "file_kind")
_WIDTH = 200  # characters of a path in a message
_ODD = re.compile(r"[^/]*:|[#\x00-\x20\u00a0\u200b\ufeff]")
"""The start of a path that could be read as a URL, or as the mark of a missing cell."""


@dataclass
class Source:
    """The rows of a sync.

    `table` has a row for each file, `keywords` are those of `ikpipe.upload` that map it. `scan` is what was read of a
    folder; None for a table. `scan_again` reads the folder as it is now. `prepare` tells a client how to get the files.
    """

    table: InMemoryTable
    keywords: dict[str, Any]
    scan: Scan | None = None
    scan_again: Callable[[], Scan] | None = None
    prepare: Callable[[ServiceClient], None] = lambda _client: None


def open_source(source: Any, folder: str, chosen: PathFilter, keywords: Mapping[str, Any]) -> Source:
    """Return the rows of a source; `keywords` are those of the call.

    Raise `MappingError` if it cannot be read, or a keyword does not apply to it.
    """
    if not isinstance(source, str | os.PathLike):
        return _of_table(source, folder, keywords)
    text = os.fspath(source)
    if isinstance(source, str) and "://" in text:
        _check(keywords, (*_OF_TABLES, "changed_by"))
        return _remote(RemoteFolder(text), folder, chosen, keywords)
    path = Path(text)
    if path.is_dir():
        _check(keywords, _OF_TABLES)
        return _local(path, folder, chosen, keywords)
    if not path.is_file():
        raise MappingError(f"The source {quoted(text, _WIDTH)} does not exist.", fix="Name a folder, a URL or a table.")
    return _of_table(read_table(text), folder, keywords)


def _of_table(table: Any, folder: str, keywords: Mapping[str, Any]) -> Source:
    """Return the rows of a table; the folder of a sync is not a template."""
    literal = folder.replace("{", "{{").replace("}", "}}")
    return Source(InMemoryTable(table), {"folder": literal, **keywords})


def _check(keywords: Mapping[str, Any], unused: tuple[str, ...]) -> None:
    """Check that no keyword says where the files of a folder come from or go to: the folder does."""
    for name in unused:
        if keywords.get(name):
            words = Message(keyword(name), " is only for a table: a folder's files keep their names and folders.")
            raise MappingError(words, fix="Omit it.")


def _local(root: Path, folder: str, chosen: PathFilter, keywords: Mapping[str, Any]) -> Source:
    known = os.stat(root)  # noqa: PTH116 - the file system that is mounted there now

    def scan() -> Scan:
        """Read the folder, unless it is another one by now."""
        try:
            now = os.stat(root)  # noqa: PTH116
        except OSError as error:
            return Scan(errors=[f"The folder {root} cannot be read: {error.strerror}."])
        if (now.st_dev, now.st_ino) != (known.st_dev, known.st_ino):
            return Scan(errors=[f"The folder {root} is another one than it was: it was replaced or unmounted."])
        return scan_folder(root, chosen)

    first = scan()
    cells = [f"./{path}" if _ODD.match(path) else path for path in first.files]
    table = folder_table(first.files, cells, folder)
    return Source(InMemoryTable(table), {**keywords, "root": root}, first, scan)


def _remote(files: RemoteFolder, folder: str, chosen: PathFilter, keywords: Mapping[str, Any]) -> Source:
    first = files.scan(chosen)
    if not (first.files or first.left or first.errors):  # a store has no folder without files
        raise MappingError(f"There are no files at {files.shown}.", fix="Correct the URL.")
    versions = [files.versions[path] for path in first.files]
    table = folder_table(first.files, first.files, folder, versions)

    def prepare(client: ServiceClient) -> None:
        """Have a client read the files of the folder."""
        client.external_source, client.external_fetch = files.source, files.fetch
        files.limiter = client.download_limiter

    return Source(
        InMemoryTable(table), {**keywords, "changed_by": "version"}, first, lambda: files.scan(chosen), prepare
    )
