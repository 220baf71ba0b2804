"""What `file` can be: a URL, a path below a root, bytes, a data URI, base64 text."""

from __future__ import annotations

import base64
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ikpipe._address import last_segment, web_address
from ikpipe._errors import BadValue, shown


@dataclass(frozen=True, slots=True)
class Source:
    """Where a file's bytes come from.

    `kind` is ``url`` (the service fetches it), ``fetch`` (this machine does), ``text`` (base64 or a data URI, sent
    as it is), ``bytes`` or ``path``. `text` is the URL or the text; `size` is in bytes, None for URLs.
    """

    kind: Literal["url", "fetch", "text", "bytes", "path"]
    name: str | None = None
    text: str = ""
    content: bytes = b""
    path: Path | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Intake:
    """How the files of a run are read from cells: what is allowed is said once.

    Parameters
    ----------
    root
        The folder that text paths live in, and may not lead out of; None refuses text that is no URL.
    base64
        Text is raw base64 (``file_kind="base64"``).
    fetch
        ``"client"`` streams URLs through this machine.
    max_size
        Largest file in bytes; None sets no limit here.
    """

    root: Path | None = None
    base64: bool = False
    fetch: str = "server"
    max_size: int | None = None

    def read(self, value: object) -> Source:
        """Say what a cell's file is; nothing is opened yet.

        Raises
        ------
        BadValue
            It is not there, not allowed, too large, or nothing that can be a file.
        """
        source = self._read(value)
        if source.size == 0:
            raise BadValue("bad_file", "the file has no bytes", "give a file that is not empty")
        if self.max_size is not None and source.size is not None and source.size > self.max_size:
            raise BadValue(
                "file_too_large",
                f"the file has {source.size:,} bytes, the account allows {self.max_size:,}",
                "make the file smaller",
            )
        return source

    def _read(self, value: object) -> Source:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, (bytes, bytearray, memoryview)):
            return Source("bytes", content=bytes(value), size=len(value))
        if isinstance(value, Path):
            return self._path(value, value)
        raise BadValue(
            "bad_file",
            f"{shown(value)} is a {type(value).__name__}, no file",
            "give a URL, a path, bytes or a data URI",
        )

    def _text(self, text: str) -> Source:
        if self.base64:
            return Source("text", text=text, size=_base64_size(text))
        if text[:5].lower() == "data:":
            return _data_uri(text)
        scheme = re.match(r"\s*([A-Za-z][A-Za-z0-9+.-]*):(//)?", text)
        if scheme and scheme[1].lower() in ("http", "https"):
            address = web_address(text)
            return Source("fetch" if self.fetch == "client" else "url", last_segment(address), address)
        if scheme and scheme[1].lower() == "file":
            raise BadValue("file_not_allowed", f"{shown(text)} is a file:// address", "give the path, and root=")
        if scheme and scheme[2]:
            raise BadValue("bad_url", f"{shown(text)} has the scheme {scheme[1]!r}", "use http:// or https://")
        if self.root is None:
            raise BadValue(
                "file_not_allowed",
                f"{shown(text)} is no URL, and paths are not read without a root",
                "name the folder of the files: root='…'",
            )
        return self._path(Path(text), text)

    def _path(self, path: Path, given: object) -> Source:
        try:
            base = self.root.resolve(strict=True) if self.root is not None else None
            real = (path if base is None else base / path).resolve(strict=True)
            status = real.stat()
        except (FileNotFoundError, NotADirectoryError):
            where = f" in {self.root}" if self.root is not None else ""
            raise BadValue("file_not_found", f"there is no file {shown(str(given))}{where}", "mend the path") from None
        except (OSError, ValueError, RuntimeError) as error:
            raise BadValue("file_unreadable", f"{shown(str(given))} cannot be read: {error}", "mend the path") from None
        if base is not None and not real.is_relative_to(base):
            raise BadValue(
                "file_not_allowed", f"{shown(str(given))} leads out of {self.root}", "keep files inside root"
            )
        if not stat.S_ISREG(status.st_mode):
            raise BadValue("file_unreadable", f"{shown(str(given))} is no plain file", "name a file, not a folder")
        return Source("path", path.name, path=real, size=status.st_size)


def _data_uri(text: str) -> Source:
    head, comma, data = text.partition(",")
    if not comma or not head.lower().endswith(";base64") or not head.isascii():
        raise BadValue("bad_file", f"{shown(text)} is no base64 data URI", "write data:image/png;base64,…")
    return Source("text", text=text, size=_base64_size(data))


def _base64_size(text: str) -> int:
    """Give the decoded size of base64 text in bytes."""
    try:
        size = len(base64.b64decode("".join(text.split()), validate=True))
    except ValueError as error:
        raise BadValue("bad_file", f"{shown(text)} is no base64: {error}", "encode the file again") from None
    if not size:
        raise BadValue("bad_file", "the base64 text holds no bytes", "encode the file again")
    return size
