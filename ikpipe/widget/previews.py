"""Thumbnails and large previews of files that Python can read: a smaller image, or a small file itself."""

from __future__ import annotations

import base64
import io
import mimetypes
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from ikpipe.request.sources import FileSource
    from ikpipe.widget.rows import WidgetRow

SIZES = {"thumb": 320, "large": 1_600}  # pixels of the longer side, at most
MAX_UNCHANGED = 2_000_000  # bytes of a file that is sent as it is
MAX_DECODED = 100_000_000  # bytes of a base64 text that is decoded
_IMAGES = {"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/svg+xml", "image/bmp"}
_ORIENTATION, _SWAPPED = 0x0112, {5, 6, 7, 8}  # EXIF's tag, and those of its values that swap width and height
_SHOWN_BY_BROWSERS = frozenset({*_IMAGES, "video/mp4", "video/webm", "video/ogg", "video/quicktime"})


class RowPreview(NamedTuple):
    """A preview: its media type, its bytes, and the width and height of the upright original, if known."""

    type: str
    content: bytes
    pixels: tuple[int, int] | None = None


def make_preview(source: FileSource | None, media_type: str, size: str) -> RowPreview | None:
    """Return a preview of a file, or None if there is nothing to show.

    `media_type` is the file's, by its name. `size` is a key of `SIZES`.
    """
    file = None if source is None else local_file(source)
    if file is None:
        return None
    smaller = _downscaled(file, SIZES[size])
    if smaller is not None:
        return smaller
    content = _small_content(file)
    return RowPreview(media_type, content) if content is not None and media_type in _SHOWN_BY_BROWSERS else None


class PreviewSender:
    """Makes previews one after another in a thread, and sends each with `send_message`."""

    def __init__(self, send_message: Callable[[Mapping[str, Any], Sequence[bytes]], None]) -> None:
        self._send_message = send_message
        self._thread = ThreadPoolExecutor(1, "ikpipe.previews")

    def send(self, rows: Iterable[WidgetRow], size: str) -> None:
        """Send previews of rows; `size` is a key of `SIZES`. Returns at once."""
        for row in rows:
            self._thread.submit(partial(self._send, row, size))

    def _send(self, row: WidgetRow, size: str) -> None:
        preview = make_preview(row.view.file, row.view.media_type, size)
        head = {"type": "preview", "id": row.id, "size": size}
        if preview is None:
            self._send_message({**head, "none": True}, [])
        else:
            pixels = {} if preview.pixels is None else {"pixels": [*preview.pixels]}
            self._send_message({**head, "media": preview.type, **pixels}, [preview.content])


def media_type_of(name: str) -> str:
    """Return the media type by a file's extension, `""` if it is unknown."""
    ending = name.rpartition(".")[2] if "." in name else ""
    return mimetypes.guess_type(f"file.{ending}")[0] or ""


def local_file(source: FileSource) -> Path | bytes | None:
    """Return the path or the content of a file that Python has; None for others, such as URLs."""
    if source.path is not None:
        return Path(source.path)
    if source.kind == "bytes":
        return source.content
    if source.kind == "text" and (source.size or 0) <= MAX_DECODED:
        return base64.b64decode("".join(source.text.rpartition(",")[2].split()))
    return None


def _small_content(file: Path | bytes) -> bytes | None:
    if isinstance(file, bytes):
        return file if len(file) <= MAX_UNCHANGED else None
    try:
        return file.read_bytes() if file.stat().st_size <= MAX_UNCHANGED else None
    except OSError:
        return None


def _downscaled(file: Path | bytes, side: int) -> RowPreview | None:
    """Return a smaller image, if Pillow is installed and can read the file."""
    try:
        from PIL import Image, ImageOps
    except ImportError:
        return None
    try:
        with Image.open(io.BytesIO(file) if isinstance(file, bytes) else file) as image:
            pixels = image.size  # before `draft`, which changes it
            image.draft("RGB", (side, side))
            swapped = image.getexif().get(_ORIENTATION) in _SWAPPED
            upright: Any = ImageOps.exif_transpose(image)
            upright.thumbnail((side, side))
            transparent = upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info
            encoding, mode = ("PNG", "RGBA") if transparent else ("JPEG", "RGB")
            buffer = io.BytesIO()
            upright.convert(mode).save(buffer, encoding, quality=82)
    # Pillow raises many kinds of errors for broken files, and a missing preview is not an error.
    except Exception:  # noqa: BLE001
        return None
    return RowPreview(f"image/{encoding.lower()}", buffer.getvalue(), pixels[::-1] if swapped else pixels)
