"""The location of a row's file, from which templates take its name and folder: the path of its URL, or below the root.

It is taken from the text alone: nothing is read from the disk. Pure.
"""

import os
import re
from collections.abc import Callable
from pathlib import Path
from posixpath import splitext
from typing import Any, NamedTuple
from urllib.parse import unquote

from ikpipe.request.sources import path_as_meant

FILE_PARTS: dict[str, Callable[[str], str]] = {
    "file.name": lambda location: location.rpartition("/")[2],
    "file.stem": lambda location: splitext(location.rpartition("/")[2])[0],
    "file.ext": lambda location: splitext(location.rpartition("/")[2])[1],
    "file.dir": lambda location: location.rpartition("/")[0].strip("/"),
}
"""What a template can take from a location; ``file.ext`` has its dot."""

_PICKED = re.compile(r"browser://[^/]*/[^/]*/(.*)", re.DOTALL)  # a file that was picked in a browser, of the uploader
_ADDRESS = re.compile(r"\s*[A-Za-z][A-Za-z0-9+.-]*://[^/\\?#]*[/\\]*([^?#]*)")  # and its path
_DATA = re.compile(r"\s*data:", re.IGNORECASE)


class FileLocator(NamedTuple):
    """Where the files of a run are: below `root`, if it is given; `base64`: text is content, and has no location."""

    root: str | None = None
    base64: bool = False

    def locate(self, value: Any) -> str | None:
        """Return the location of a row's file, such as ``shoes/red.jpg``; None if the file has none.

        A file that is a problem itself can have any location, since its row is not sent.
        """
        if value is None:
            return "file"
        if isinstance(value, Path):
            return self._below_root(str(value))
        if not isinstance(value, str) or self.base64 or _DATA.match(value):
            return None
        if picked := _PICKED.fullmatch(value):
            return picked[1].replace("/", "_")
        address = _ADDRESS.match(value)
        return _decoded(address[1]) if address else self._below_root(path_as_meant(value))

    def _below_root(self, path: str) -> str:
        path = os.path.normpath(path)
        if Path(path).is_absolute():
            root = os.path.abspath(self.root) if self.root is not None else os.sep  # noqa: PTH100 - follows no links
            path = os.path.relpath(path, root)
        return Path(path).as_posix()


def _decoded(path: str) -> str | None:
    """Return the location of the path of a URL; None if it ends with a slash."""
    path = path.strip().replace("\\", "/")
    if "%" in path:  # a slash that was percent-encoded is part of a name, not a separator
        path = "/".join(unquote(level).replace("/", "_") for level in path.split("/"))
    return path if path and not path.endswith("/") else None
