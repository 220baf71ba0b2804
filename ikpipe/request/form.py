"""Fields and file → a multipart body (RFC 7578), framed once and sent as often as needed. Pure."""

from __future__ import annotations

import mimetypes
from functools import lru_cache
from posixpath import splitext
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ikpipe.request.sources import FileSource


class MultipartForm(NamedTuple):
    """A body but for its token: `head`, then `size` bytes of the file, then `tail(token)`.

    The token comes last, as official form uploads send it, so that a fresh one changes nothing before it.
    """

    boundary: str
    head: bytes
    size: int

    def tail(self, token: str) -> bytes:
        """Write what follows the file: the token's part and the end."""
        return f"\r\n{_opening(self.boundary, 'token')}\r\n{token}\r\n--{self.boundary}--\r\n".encode()

    @property
    def content_type(self) -> str:
        """The request's `Content-Type`."""
        return f"multipart/form-data; boundary={self.boundary}"


def build_form(fields: Mapping[str, str], source: FileSource, boundary: str) -> MultipartForm:
    """Frame a form: the signed texts verbatim, then the file.

    Parameters
    ----------
    fields
        Wire name → text, as signed.
    source
        The file; its size must be known unless it travels as text (URL, base64, data URI).
    boundary
        Text that occurs nowhere in the body: 32 random hexadecimal digits do not.
    """
    texts = "".join([f"{_opening(boundary, name)}\r\n{text}\r\n" for name, text in fields.items()])
    if source.kind in ("url", "text"):
        return MultipartForm(boundary, f"{texts}{_opening(boundary, 'file')}\r\n{source.text}".encode(), 0)
    name = source.name or fields.get("fileName", "file")
    opening = f"{_opening(boundary, 'file', _quoted(name))}Content-Type: {_kind(splitext(name)[1])}\r\n"
    return MultipartForm(boundary, f"{texts}{opening}\r\n".encode(), source.size or 0)


def _opening(boundary: str, name: str, filename: str | None = None) -> str:
    known = "" if filename is None else f'; filename="{filename}"'
    return f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{known}\r\n'


@lru_cache(maxsize=1024)
def _kind(ending: str) -> str:
    # By the ending alone: of a whole "data:…" mimetypes would take what stands in it.
    return mimetypes.guess_type(f"file{ending}")[0] or "application/octet-stream"


def _quoted(name: str) -> str:
    """Escape a file name as browsers do (HTML, "multipart/form-data encoding algorithm")."""
    known = name.encode("utf-8", "replace").decode()  # a path's name can be bytes of no encoding
    return known.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
