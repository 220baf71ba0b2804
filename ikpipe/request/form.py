"""Build the multipart body of an upload (RFC 7578), once for all attempts. Pure."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from functools import lru_cache
from posixpath import splitext
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ikpipe.request.sources import FileSource


class MultipartForm(NamedTuple):
    """A body without its token: `head`, then `size` bytes of the file, then `tail(token)`.

    The token is last, as in ImageKit's own form uploads, so that a new one changes only the end.
    """

    boundary: str
    head: bytes
    size: int

    def tail(self, token: str) -> bytes:
        """Return the bytes after the file: the token's part and the end."""
        return f"\r\n{_opening(self.boundary, 'token')}\r\n{token}\r\n--{self.boundary}--\r\n".encode()

    @property
    def content_type(self) -> str:
        """The request's `Content-Type`."""
        return f"multipart/form-data; boundary={self.boundary}"


def build_form(fields: Mapping[str, str], source: FileSource, boundary: str) -> MultipartForm:
    """Return the form of the signed texts, unchanged, and the file.

    `fields` are wire name → text, as signed. The size of `source` must be known unless it is sent as text (URL, base64,
    data URI). `boundary` is text that does not occur in the body, such as 32 random hexadecimal digits.
    """
    texts = "".join([f"{_opening(boundary, name)}\r\n{text}\r\n" for name, text in fields.items()])
    if source.kind in ("url", "text"):
        return MultipartForm(boundary, f"{texts}{_opening(boundary, 'file')}\r\n{source.text}".encode(), 0)
    name = source.name or fields.get("fileName", "file")
    opening = f"{_opening(boundary, 'file', _quoted(name))}Content-Type: {_kind(splitext(name)[1])}\r\n"
    return MultipartForm(boundary, f"{texts}{opening}\r\n".encode(), source.size or 0)


def _opening(boundary: str, name: str, filename: str | None = None) -> str:
    file = "" if filename is None else f'; filename="{filename}"'
    return f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n'


@lru_cache(maxsize=1024)
def _kind(ending: str) -> str:
    # Not of the whole name: mimetypes would read the type in a "data:…" URI.
    return mimetypes.guess_type(f"file{ending}")[0] or "application/octet-stream"


def _quoted(name: str) -> str:
    """Return a file name escaped as by browsers (HTML, "multipart/form-data encoding algorithm")."""
    valid = name.encode("utf-8", "replace").decode()  # a path's name can be bytes that are not UTF-8
    return valid.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
