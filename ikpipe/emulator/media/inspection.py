"""What a stored file is: kind, format, size in pixels, codecs.

Everything is read from the file's own bytes. The name is used for one thing alone: the type of a file that is neither a
picture nor a video. Only headers are parsed, since this runs for each upload.
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

from ikpipe.emulator.delivery.pictures import open_picture
from ikpipe.emulator.media.facts import MediaFacts
from ikpipe.emulator.media.metadata import embedded, legacy, read_embedded

__all__ = ["embedded", "facts", "legacy", "look"]

_SVG = "{http://www.w3.org/2000/svg}svg"
_PIECE = 256 * 1024
# The last bytes of a whole file; a cut one is found without decoding it.
_ENDS = {"JPEG": b"\xff\xd9", "PNG": b"IEND"}
# MediaInfo's names on the left; the service answers with FFmpeg's.
_CODECS = {"avc": "h264", "mpeg-4 visual": "mpeg4", "mpeg audio": "mp3", "ac-3": "ac3"}
_VIDEOS = {"mpeg-4": ("video/mp4", "mp4"), "webm": ("video/webm", "webm"), "matroska": ("video/x-matroska", "mkv")}


def facts(path: Path, name: str) -> MediaFacts:
    """Say what the file at `path`, uploaded as `name`, is."""
    try:
        with path.open("rb") as source:
            return look(source, path.stat().st_size, name)[0]
    except OSError:
        return _other(name)


def look(source: IO[bytes], size: int, name: str) -> tuple[MediaFacts, dict[str, object]]:
    """Say what an open file, uploaded as `name`, is, and give the metadata in it if it is a picture.

    A broken, cut or hostile file is `non-image` and never an exception: the service stores what it cannot read (guess).
    """
    found, inside = _picture(source, size)
    if found is not None:
        return found, inside
    for read in (_drawing, _video):
        # Decoders meet whatever the world uploads, and each has its own way to fail.
        with suppress(Exception):
            source.seek(0)
            if found := read(source):
                return found, inside
    return _other(name), inside


def _picture(source: IO[bytes], size: int) -> tuple[MediaFacts | None, dict[str, object]]:
    try:
        picture = open_picture(source, size)
    except Exception:  # noqa: BLE001 - most often it is none
        return None, {}
    found = None
    with suppress(Exception):
        found = _picture_facts(picture)
    return found, read_embedded(picture)


def _picture_facts(picture: ImageFile.ImageFile) -> MediaFacts | None:
    # A camera's multi-picture file is, by its bytes, the JPEG of its first picture.
    kind = "JPEG" if picture.format == "MPO" else str(picture.format)
    if not _is_whole(picture, kind):
        return None
    return MediaFacts(
        file_type="image",
        mime=Image.MIME[kind],
        format="jpg" if kind == "JPEG" else kind.lower(),
        width=picture.width,
        height=picture.height,
        has_alpha=picture.has_transparency_data,
    )


def _is_whole(picture: ImageFile.ImageFile, kind: str) -> bool:
    end = _ENDS.get(kind)
    if end is None:
        return True
    if picture.fp is None:
        return False
    # Pillow has stopped at the pixels, so a thumbnail's end inside the EXIF data is not taken for the picture's.
    start = picture.fp.tell()
    found = _contains(picture.fp, end)
    picture.fp.seek(start)
    return found


def _contains(source: IO[bytes], wanted: bytes) -> bool:
    """Look for some bytes in the rest of a file, which may be larger than the memory."""
    before = b""
    while piece := source.read(_PIECE):
        if wanted in before + piece:
            return True
        before = piece[1 - len(wanted) :]
    return False


def _drawing(source: IO[bytes]) -> MediaFacts | None:
    if not source.read(256).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return None
    source.seek(0)
    root = _root(source)
    if root.tag != _SVG:
        return None
    width, height = _svg_size(root)
    return MediaFacts("image", "image/svg+xml", "svg", width, height, has_alpha=True)


def _root(source: IO[bytes]) -> Element:
    root: Element
    _, root = next(ElementTree.iterparse(source, events=("start",)))
    return root


def _svg_size(root: Element) -> tuple[int | None, int | None]:
    box = [_pixels(number) for number in re.split(r"[\s,]+", root.get("viewBox", "").strip())]
    across, down = box[2:] if len(box) == 4 else (None, None)  # noqa: PLR2004 - x, y, width, height
    return _pixels(root.get("width", "")) or across, _pixels(root.get("height", "")) or down


def _pixels(length: str) -> int | None:
    number = re.fullmatch(r"(\d{1,6}(?:\.\d+)?)(?:px)?", length.strip())
    return round(float(number[1])) if number else None


def _video(source: IO[bytes]) -> MediaFacts | None:
    if not _may_be_video(source.read(12)):
        return None
    source.seek(0)
    return _video_facts(source)


def _may_be_video(head: bytes) -> bool:
    return head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free") or head.startswith(b"\x1a\x45\xdf\xa3")


def _video_facts(source: IO[bytes]) -> MediaFacts | None:
    # Loading the native library costs more than reading a picture does; most uploads never need it.
    from pymediainfo import MediaInfo

    # An open file rather than its path: MediaInfo then cannot follow a reference to another file or address.
    media = MediaInfo.parse(source)
    whole, video = media.general_tracks[0], next(iter(media.video_tracks), None)
    if video is None:
        return None
    mime, extension = _video_type(whole)
    return MediaFacts(
        file_type="non-image",
        mime=mime,
        format=extension,
        width=video.width,
        height=video.height,
        bit_rate=round(whole.overall_bit_rate / 1000) if whole.overall_bit_rate else None,
        video_codec=_codec(video),
        audio_codec=_codec(next(iter(media.audio_tracks), None)),
        duration=whole.duration / 1000 if whole.duration else None,
    )


def _video_type(whole: Any) -> tuple[str, str]:
    if "qt" in str(whole.codec_id).split():
        return "video/quicktime", "mov"
    return _VIDEOS.get(str(whole.format).lower(), ("video/mp4", "mp4"))


def _codec(track: Any) -> str | None:
    if track is None or not track.format:
        return None
    name = str(track.format).lower()
    return _CODECS.get(name, name)


def _other(name: str) -> MediaFacts:
    stem, dot, ending = Path(name).name.partition(".")
    # names differ, endings hardly do
    return _other_ending((stem and "x") + dot + ending)


@lru_cache
def _other_ending(name: str) -> MediaFacts:
    mime, _ = mimetypes.guess_type(name)
    return MediaFacts("non-image", mime, Path(name).suffix.lstrip(".").lower())
