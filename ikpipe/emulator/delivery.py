"""Derived pictures, as the delivery address serves them: for now the media library's thumbnail."""

from io import BytesIO
from pathlib import Path

from PIL import Image, ImageOps

from ikpipe.emulator.media import facts
from ikpipe.emulator.pictures import open_picture

THUMBNAIL = (400, 400)
"""The box, in pixels, that `tr:n-media_library_thumbnail` fits a picture into (guess: its size is not documented)."""


class NotAPictureError(ValueError):
    """No picture can be derived from this file."""


def thumbnail(path: Path) -> tuple[bytes, str]:
    """Give the media library's thumbnail of the picture at `path`, and its MIME type.

    It is upright, never larger than the original, and a JPEG, or a PNG where there is transparency.
    An SVG is its own thumbnail.

    Raises
    ------
    NotAPictureError
        The file is no picture, or a broken one.
    """
    if facts(path, path.name).mime == "image/svg+xml":
        return path.read_bytes(), "image/svg+xml"
    try:
        with open_picture(path, path.stat().st_size) as picture:
            return encode(fit(picture, THUMBNAIL))
    except Exception as error:  # each decoder has its own way to fail
        message = "The picture cannot be read."
        raise NotAPictureError(message) from error


def fit(picture: Image.Image, box: tuple[int, int]) -> Image.Image:
    """Scale the first frame down to fit the box, with its proportions kept and its EXIF rotation applied."""
    # Before the rotation, as the decoder itself can then scale; both sides of the box count alike.
    picture.thumbnail(box)
    return ImageOps.exif_transpose(picture)


def encode(picture: Image.Image) -> tuple[bytes, str]:
    """Give the picture's bytes in a format that each browser shows, without the original's metadata."""
    file = BytesIO()
    if picture.has_transparency_data:
        picture.convert("RGBA").save(file, "PNG", optimize=True)
        return file.getvalue(), "image/png"
    picture.convert("RGB").save(file, "JPEG", quality=85, exif=b"")
    return file.getvalue(), "image/jpeg"
