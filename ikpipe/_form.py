"""Fields and file → a multipart body (RFC 7578), framed once and sent as often as needed. Pure."""

from __future__ import annotations

import mimetypes
from pathlib import PurePath
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ikpipe._source import Source


class Form(NamedTuple):
    """A body but for its token: `head`, then `size` bytes of the file, then `tail(token)`.

    The token comes last, as official form uploads send it, so that a fresh one changes nothing before it.
    """

    boundary: str
    head: bytes
    size: int

    def tail(self, token: str) -> bytes:
        """Write what follows the file: the token's part and the end."""
        return b"\r\n" + _part(self.boundary, 'name="token"') + f"{token}\r\n--{self.boundary}--\r\n".encode()

    def length(self, token: str) -> int:
        """Give the exact `Content-Length` in bytes."""
        return len(self.head) + self.size + len(self.tail(token))

    @property
    def content_type(self) -> str:
        """The request's `Content-Type`."""
        return f"multipart/form-data; boundary={self.boundary}"


def frame(fields: Mapping[str, str], source: Source, boundary: str) -> Form:
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
    parts = [_part(boundary, f'name="{name}"') + f"{text}\r\n".encode() for name, text in fields.items()]
    if source.kind in ("url", "text"):
        head = b"".join(parts) + _part(boundary, 'name="file"') + source.text.encode()
        return Form(boundary, head, 0)
    name = source.name or fields.get("fileName", "file")
    # By the ending alone: of a whole "data:…" mimetypes would take what stands in it.
    kind = mimetypes.guess_type(f"file{PurePath(name).suffix}")[0] or "application/octet-stream"
    head = b"".join(parts) + _part(boundary, f'name="file"; filename="{_quoted(name)}"', f"Content-Type: {kind}\r\n")
    return Form(boundary, head, source.size or 0)


def _part(boundary: str, disposition: str, more: str = "") -> bytes:
    return f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\n{more}\r\n".encode()


def _quoted(name: str) -> str:
    """Escape a file name as browsers do (HTML, "multipart/form-data encoding algorithm")."""
    known = name.encode("utf-8", "replace").decode()  # a path's name can be bytes of no encoding
    return known.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
