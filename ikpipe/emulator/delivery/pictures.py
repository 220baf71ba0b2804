"""The one door through which an uploaded, untrusted picture is opened."""

from pathlib import Path
from typing import IO

from PIL import Image, ImageFile

_FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "TIFF", "BMP", "ICO")
# Pillow reads the others no further than it needs to, but these as a whole.
_LAZY_FORMATS = tuple(name for name in _FORMATS if name not in {"WEBP", "AVIF"})
LARGE = 32 * 1024 * 1024


def open_picture(file: Path | IO[bytes], size: int) -> ImageFile.ImageFile:
    """Open a picture and parse its header, with none of Pillow's readers for rarer formats.

    One of more than 32 MB is not held in memory, so that a WebP or AVIF of that size is taken for no picture.

    Raises
    ------
    Exception
        Anything at all: readers meet whatever the world uploads, and each has its own way to fail.
    """
    return Image.open(file, formats=_LAZY_FORMATS if size > LARGE else _FORMATS)
