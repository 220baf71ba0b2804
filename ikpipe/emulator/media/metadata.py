"""The metadata embedded in an image (EXIF, IPTC and XMP), as the two metadata fields of the upload response show it."""

import math
import os
import struct
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from PIL import ExifTags, Image, ImageFile, IptcImagePlugin

from ikpipe.emulator.media.facts import MediaFacts
from ikpipe.emulator.media.open_image import open_image
from ikpipe.emulator.media.phash import phash

_IFD = ExifTags.IFD
# Pillow names tags as the standard does, the service as ExifTool does [docs, the example response]
_EXIFTOOL = {
    "DateTime": "ModifyDate",
    "DateTimeDigitized": "CreateDate",
    "ExifInteroperabilityOffset": "InteropOffset",
    "ExposureBiasValue": "ExposureCompensation",
    "FlashPixVersion": "FlashpixVersion",
    "FocalLengthIn35mmFilm": "FocalLengthIn35mmFormat",
    "ISOSpeedRatings": "ISO",
    "JpegIFByteCount": "ThumbnailLength",
    "JpegIFOffset": "ThumbnailOffset",
    "SubsecTime": "SubSecTime",
    "SubsecTimeDigitized": "SubSecTimeDigitized",
    "SubsecTimeOriginal": "SubSecTimeOriginal",
}
# IPTC record 2, by the names in the example of the upload docs
_IPTC = {
    5: "Title",
    25: "Keywords",
    55: "DateCreated",
    80: "Creator",
    90: "City",
    92: "Location",
    95: "State",
    101: "Country",
    105: "Headline",
    110: "Credit",
    115: "Source",
    116: "Copyright",
    120: "Description",
}
_XMP = {"rights": "Copyright"}
_VIDEO_PROPERTIES = ("height", "width", "bitRate", "duration", "videoCodec", "audioCodec")


def read_embedded(image: ImageFile.ImageFile) -> dict[str, object]:
    """Return the EXIF, IPTC and XMP of an open image as `embeddedMetadata` shows them [upload docs].

    If several have the same property, XMP takes precedence over IPTC, and IPTC over EXIF [guess]. All values are JSON.
    """
    metadata: dict[str, object] = {}
    # broken metadata in a valid image is common, and no reason to reject the upload
    with suppress(Exception):  # each parser fails in its own way
        for read in (_exif, _iptc, _xmp):
            metadata |= read(image)
    return metadata


def legacy(path: Path, facts: "MediaFacts") -> dict[str, object]:
    """Return the `metadata` field, whose format is older than that of `embeddedMetadata` [docs].

    For a video it has the codecs instead of the properties of an image.
    """
    if facts.file_type != "image":
        return {name: value for name, value in facts.details.items() if name in _VIDEO_PROPERTIES}
    size = {"height": facts.height, "width": facts.width, "size": path.stat().st_size, "format": facts.format}
    try:
        with open_image(path, path.stat().st_size) as image:
            return size | _legacy_image(image, facts)
    except Exception:  # noqa: BLE001 - an SVG, or an image that is broken after its header
        return size | {"hasTransparency": facts.has_alpha, "exif": {}}


def _legacy_image(image: Image.Image, facts: "MediaFacts") -> dict[str, object]:
    exif = image.getexif()
    return {
        "hasColorProfile": "icc_profile" in image.info,
        "quality": 0,  # as in all documented examples
        "density": round(image.info.get("dpi", (72, 72))[0]),
        "hasTransparency": facts.has_alpha,
        "exif": _legacy_exif(exif) if exif else {},
        "pHash": phash(image),
    }


def _legacy_exif(exif: Image.Exif) -> dict[str, object]:
    return {
        "image": _named(exif, ExifTags.TAGS),
        "thumbnail": _named(exif.get_ifd(_IFD.IFD1), ExifTags.TAGS),
        "exif": _named(exif.get_ifd(_IFD.Exif), ExifTags.TAGS),
        "gps": _named(exif.get_ifd(_IFD.GPSInfo), ExifTags.GPSTAGS),
        "interoperability": _named(exif.get_ifd(_IFD.Interop), _INTEROP),
        "makernote": {},
    }


_INTEROP = {tag.value: tag.name for tag in ExifTags.Interop}


def _exif(image: ImageFile.ImageFile) -> dict[str, object]:
    # Pillow would decode a PNG of any size to read the chunks after its pixels
    plain = image.format == "PNG" and image.fp is not None and _ends_with_pixels(image.fp)
    exif = Image.Image.getexif(image) if plain else image.getexif()
    return (
        _named(exif, ExifTags.TAGS)
        | _named(exif.get_ifd(_IFD.Exif), ExifTags.TAGS)
        | _named(exif.get_ifd(_IFD.GPSInfo), ExifTags.GPSTAGS)
    )


def _ends_with_pixels(png: IO[bytes]) -> bool:
    """Whether the last chunk of a PNG before its end has pixels."""
    start, kind, last = png.tell(), b"", b""
    png.seek(len(b"\x89PNG\r\n\x1a\n"))
    while kind != b"IEND" and len(chunk := png.read(8)) == 8:  # noqa: PLR2004 - a length and a type
        last, (length, kind) = kind, struct.unpack(">I4s", chunk)
        png.seek(length + 4, os.SEEK_CUR)
    png.seek(start)
    return (last, kind) == (b"IDAT", b"IEND")


def _named(tags: Mapping[int, Any], names: Mapping[int, str]) -> dict[str, object]:
    values = {names[tag]: _to_json(value) for tag, value in tags.items() if tag in names and tag not in _NESTED}
    return {_EXIFTOOL.get(name, name): value for name, value in values.items() if value is not None}


_NESTED = {_IFD.Exif, _IFD.GPSInfo, _IFD.Interop, ExifTags.Base.MakerNote}


def _to_json(value: Any) -> object:
    """Return an EXIF value as JSON; values that JSON cannot represent (binary data, 0/0) are None."""
    match value:
        case bytes():
            text = value.removeprefix(b"ASCII\0\0\0").strip(b"\0").decode("ascii", "replace")
            return text if text.isprintable() and text.isascii() else list(value) if len(value) <= 4 else None  # noqa: PLR2004 - such as versions
        case str():
            return value.strip("\0 ")
        case tuple() | list():
            return [_to_json(item) for item in value]
        case int():
            return value
    number = float(value)
    return number if math.isfinite(number) else None


def _iptc(image: Image.Image) -> dict[str, object]:
    records = IptcImagePlugin.getiptcinfo(image) or {}  # type: ignore[arg-type]
    return {_IPTC[tag]: _iptc_text(value) for (record, tag), value in records.items() if record == 2 and tag in _IPTC}  # noqa: PLR2004 - the application record


def _iptc_text(value: bytes | list[bytes]) -> object:
    if isinstance(value, list):
        return [_iptc_text(item) for item in value]
    return value.decode("utf-8", "replace")


def _xmp(image: Image.Image) -> dict[str, object]:
    packet = image.getxmp()
    blocks = packet.get("xmpmeta", packet).get("RDF", {}).get("Description", [])
    properties = [item for block in _as_list(blocks) for item in block.items()]
    return {_xmp_name(name): _xmp_value(value) for name, value in properties if value and name != "about"}


def _xmp_name(name: str) -> str:
    return _XMP.get(name, name[0].upper() + name[1:])


def _xmp_value(value: Any) -> object:
    """Return the content of RDF containers: the default language of an `Alt`, the items of a `Bag` or `Seq`."""
    match value:
        case {"Alt": {"li": items}}:
            return _xmp_value(_as_list(items)[0])
        case {"Bag": {"li": items}} | {"Seq": {"li": items}}:
            return [_xmp_value(item) for item in _as_list(items)]
        case {"text": text}:
            return text
    return value


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
