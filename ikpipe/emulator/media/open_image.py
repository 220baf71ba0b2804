"""Opens an untrusted image; nothing else in the emulator opens uploaded images."""

from pathlib import Path
from typing import IO

from PIL import Image, ImageFile

_FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "TIFF", "BMP", "ICO")
# Pillow reads WebP and AVIF into memory as a whole, all others only as far as needed
_LAZY_FORMATS = tuple(name for name in _FORMATS if name not in {"WEBP", "AVIF"})
LARGE = 32 * 1024 * 1024


def open_image(file: Path | IO[bytes], size: int) -> ImageFile.ImageFile:
    """Open an image of `size` bytes and parse its header, without Pillow's decoders of rare formats.

    An image of more than 32 MB is not read into memory, so a WebP or AVIF of that size is not recognized as an image.

    Raise an exception of any type: uploads can contain anything, and each decoder fails in its own way.
    """
    return Image.open(file, formats=_LAZY_FORMATS if size > LARGE else _FORMATS)
