"""The one door through which an uploaded, untrusted picture is opened."""

from pathlib import Path

from PIL import Image, ImageFile

_FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "TIFF", "BMP", "ICO")


def open_picture(path: Path) -> ImageFile.ImageFile:
    """Open the picture at `path` and parse its header, with none of Pillow's readers for rarer formats.

    Raises
    ------
    Exception
        Anything at all: readers meet whatever the world uploads, and each has its own way to fail.
    """
    return Image.open(path, formats=_FORMATS)
