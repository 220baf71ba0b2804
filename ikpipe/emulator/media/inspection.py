"""Inspects a file: type, format, dimensions and codecs.

Everything is read from the file's bytes. The name is used only for the type of files that are neither images nor
videos. Only headers are parsed, since this runs for each upload.
"""

import mimetypes
import re
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import IO, Any
from xml.etree.ElementTree import Element

from defusedxml import ElementTree
from PIL import Image, ImageFile

from ikpipe.emulator.media.facts import MediaFacts
from ikpipe.emulator.media.metadata import read_embedded
from ikpipe.emulator.media.open_image import open_image

_SVG_TAG = "{http://www.w3.org/2000/svg}svg"
_CHUNK = 256 * 1024
# the last bytes of a complete file, which show that it is not truncated without decoding it
_ENDS = {"JPEG": b"\xff\xd9", "PNG": b"IEND"}
# MediaInfo's names to FFmpeg's, which the service uses
_CODECS = {"avc": "h264", "mpeg-4 visual": "mpeg4", "mpeg audio": "mp3", "ac-3": "ac3"}
_VIDEOS = {"mpeg-4": ("video/mp4", "mp4"), "webm": ("video/webm", "webm"), "matroska": ("video/x-matroska", "mkv")}


def inspect_file(source: IO[bytes], size: int, name: str) -> tuple[MediaFacts, dict[str, object]]:
    """Return the properties of an open file that was uploaded as `name`, and the metadata embedded in an image.

    A broken, truncated or hostile file is `non-image` and raises nothing: the service stores what it cannot read
    [guess].
    """
    properties, metadata = _image(source, size)
    if properties is not None:
        return properties, metadata
    for read in (_svg, _video):
        with suppress(Exception):  # uploads can contain anything, and each decoder fails in its own way
            source.seek(0)
            if properties := read(source):
                return properties, metadata
    return _other(name), metadata


def _image(source: IO[bytes], size: int) -> tuple[MediaFacts | None, dict[str, object]]:
    try:
        image = open_image(source, size)
    except Exception:  # noqa: BLE001 - most often it is none
        return None, {}
    properties = None
    with suppress(Exception):
        properties = _image_facts(image)
    return properties, read_embedded(image)


def _image_facts(image: ImageFile.ImageFile) -> MediaFacts | None:
    # the bytes of a camera's multi-image file (MPO) are the JPEG of its first image
    kind = "JPEG" if image.format == "MPO" else str(image.format)
    if not _is_complete(image, kind):
        return None
    return MediaFacts(
        file_type="image",
        mime=Image.MIME[kind],
        format="jpg" if kind == "JPEG" else kind.lower(),
        width=image.width,
        height=image.height,
        has_alpha=image.has_transparency_data,
    )


def _is_complete(image: ImageFile.ImageFile, kind: str) -> bool:
    end = _ENDS.get(kind)
    if end is None:
        return True
    if image.fp is None:
        return False
    # Pillow has stopped at the pixels, so the end of a thumbnail in the EXIF data is not mistaken for the image's
    start = image.fp.tell()
    complete = _contains(image.fp, end)
    image.fp.seek(start)
    return complete


def _contains(source: IO[bytes], pattern: bytes) -> bool:
    """Whether the rest of a file, which may be larger than the memory, contains some bytes."""
    overlap = b""
    while chunk := source.read(_CHUNK):
        if pattern in overlap + chunk:
            return True
        overlap = chunk[1 - len(pattern) :]
    return False


def _svg(source: IO[bytes]) -> MediaFacts | None:
    if not source.read(256).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return None
    source.seek(0)
    root = _root(source)
    if root.tag != _SVG_TAG:
        return None
    width, height = _svg_size(root)
    return MediaFacts("image", "image/svg+xml", "svg", width, height, has_alpha=True)


def _root(source: IO[bytes]) -> Element:
    root: Element
    _, root = next(ElementTree.iterparse(source, events=("start",)))
    return root


def _svg_size(root: Element) -> tuple[int | None, int | None]:
    box = [_pixels(number) for number in re.split(r"[\s,]+", root.get("viewBox", "").strip())]
    width, height = box[2:] if len(box) == 4 else (None, None)  # noqa: PLR2004 - x, y, width, height
    return _pixels(root.get("width", "")) or width, _pixels(root.get("height", "")) or height


def _pixels(length: str) -> int | None:
    match = re.fullmatch(r"(\d{1,6}(?:\.\d+)?)(?:px)?", length.strip())
    return round(float(match[1])) if match else None


def _video(source: IO[bytes]) -> MediaFacts | None:
    if not _may_be_video(source.read(12)):
        return None
    source.seek(0)
    return _video_facts(source)


def _may_be_video(head: bytes) -> bool:
    return head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free") or head.startswith(b"\x1a\x45\xdf\xa3")


def _video_facts(source: IO[bytes]) -> MediaFacts | None:
    # loading the native library takes longer than inspecting an image, and most uploads never need it
    from pymediainfo import MediaInfo

    # an open file, not its path: MediaInfo then cannot follow references to other files or URLs
    media = MediaInfo.parse(source)
    general, video = media.general_tracks[0], next(iter(media.video_tracks), None)
    if video is None:
        return None
    mime, extension = _video_type(general)
    return MediaFacts(
        file_type="non-image",
        mime=mime,
        format=extension,
        width=video.width,
        height=video.height,
        bit_rate=round(general.overall_bit_rate / 1000) if general.overall_bit_rate else None,
        video_codec=_codec(video),
        audio_codec=_codec(next(iter(media.audio_tracks), None)),
        duration=general.duration / 1000 if general.duration else None,
    )


def _video_type(general: Any) -> tuple[str, str]:
    if "qt" in str(general.codec_id).split():
        return "video/quicktime", "mov"
    return _VIDEOS.get(str(general.format).lower(), ("video/mp4", "mp4"))


def _codec(track: Any) -> str | None:
    if track is None or not track.format:
        return None
    name = str(track.format).lower()
    return _CODECS.get(name, name)


def _other(name: str) -> MediaFacts:
    stem, dot, ending = Path(name).name.partition(".")
    # cached by the extension: names differ, extensions rarely do
    return _other_by_extension((stem and "x") + dot + ending)


@lru_cache
def _other_by_extension(name: str) -> MediaFacts:
    mime, _ = mimetypes.guess_type(name)
    return MediaFacts("non-image", mime, Path(name).suffix.lstrip(".").lower())
