"""Previews of files on the kernel's side: a small picture, or the bytes themselves where they are few."""

from __future__ import annotations

import base64
import io
import mimetypes
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

    from ikpipe.request.sources import FileSource

SIZES = {"thumb": 320, "large": 1_600}  # pixels of the longer side, at most
FEW = 2_000_000  # bytes that are sent as they are
MOST = 100_000_000  # bytes of a picture that is made smaller
_PICTURES = {"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/svg+xml", "image/bmp"}
_ORIENTATION, _TURNED = 0x0112, {5, 6, 7, 8}  # EXIF's tag, and those of its values that swap width and height
_PLAIN = frozenset({*_PICTURES, "video/mp4", "video/webm", "video/ogg", "video/quicktime"})


class RowPreview(NamedTuple):
    """A preview: its media type, its bytes, and the upright picture's own width and height, where they are known."""

    type: str
    content: bytes
    pixels: tuple[int, int] | None = None


def look(source: FileSource | None, kind: str, size: str) -> RowPreview | None:
    """Make a preview of a file; None where there is nothing to be seen.

    Parameters
    ----------
    source
        The file.
    kind
        Its media type, as its name says.
    size
        A key of `SIZES`.
    """
    file = None if source is None else _opened(source)
    if file is None:
        return None
    smaller = _smaller(file, SIZES[size])
    if smaller is not None:
        return smaller
    content = _content(file)
    return RowPreview(kind, content) if content is not None and kind in _PLAIN else None


def kind_of(name: str) -> str:
    """Say a file's media type by its name; nothing where it does not say."""
    ending = name.rpartition(".")[2] if "." in name else ""
    return mimetypes.guess_type(f"file.{ending}")[0] or ""


def _opened(source: FileSource) -> Path | bytes | None:
    if source.kind == "path":
        return source.path
    if source.kind == "bytes":
        return source.content
    if source.kind == "text" and (source.size or 0) <= MOST:
        return base64.b64decode("".join(source.text.rpartition(",")[2].split()))
    return None


def _content(file: Path | bytes) -> bytes | None:
    if isinstance(file, bytes):
        return file if len(file) <= FEW else None
    try:
        return file.read_bytes() if file.stat().st_size <= FEW else None
    except OSError:
        return None


def _smaller(file: Path | bytes, side: int) -> RowPreview | None:
    """Make a picture smaller, where Pillow is here and can."""
    try:
        from PIL import Image, ImageOps
    except ImportError:
        return None
    try:
        with Image.open(io.BytesIO(file) if isinstance(file, bytes) else file) as picture:
            pixels = picture.size  # a draft is smaller
            picture.draft("RGB", (side, side))
            turned = picture.getexif().get(_ORIENTATION) in _TURNED
            upright: Any = ImageOps.exif_transpose(picture)
            upright.thumbnail((side, side))
            clear = upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info
            kind, mode = ("PNG", "RGBA") if clear else ("JPEG", "RGB")
            buffer = io.BytesIO()
            upright.convert(mode).save(buffer, kind, quality=82)
    # Whatever a broken file makes Pillow raise: it is a preview.
    except Exception:  # noqa: BLE001
        return None
    return RowPreview(f"image/{kind.lower()}", buffer.getvalue(), pixels[::-1] if turned else pixels)
