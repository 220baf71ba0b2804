"""Renders a transformation: opens a stored image, applies each step, encodes the result."""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import IO, Any, NamedTuple

from PIL import Image

from ikpipe.emulator.delivery.layers import Rendering, upright
from ikpipe.emulator.delivery.limits import check_length
from ikpipe.emulator.delivery.resize import MOST_PIXELS, Box
from ikpipe.emulator.delivery.transformation_parser import BadTransformationError, Chain
from ikpipe.emulator.media.open_image import open_image

QUALITY = 80
"""The default quality of lossy formats [docs]."""
_PILLOW_NAMES = {"jpg": "JPEG", "jpeg": "JPEG", "png": "PNG", "webp": "WEBP", "avif": "AVIF", "gif": "GIF"}
_BROWSER_FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF")
"""Formats that browsers display, which an image keeps unless another is requested."""
_LARGEST_WEBP = 16383


class RenderRequest(NamedTuple):
    """What a client sends besides the URL: the formats that it accepts, and hints about width and pixel ratio."""

    accept: str = ""
    hints: Mapping[str, float] = {}


def render(
    file: Path | IO[bytes],
    size: int,
    chain: Chain,
    request: RenderRequest,
    custom: Box | None = None,
    files: Mapping[str, Path] | None = None,
) -> tuple[bytes, str]:
    """Return the bytes of the transformed image, and its MIME type.

    Only the first frame of an animation is used. The image is upright, and without the original's metadata unless the
    transformation keeps them. `custom` is the area in `customCoordinates`; `files` has the files of layers by their
    paths in the library. Raise `BadTransformationError` if the transformation is not possible, or a file is not a
    complete image.
    """
    try:
        with open_image(file, size) as source:
            # so far only the header is read: nothing larger is ever decoded
            if source.width * source.height > MOST_PIXELS:
                raise BadTransformationError("The image is larger than 100 megapixels.")
            check_length(chain.steps)
            image = Rendering(request.hints, files or {}).apply(upright(source), chain.steps, custom=custom)
            return _encode(image, source, chain, request)
    except BadTransformationError:
        raise
    except Exception as error:  # each decoder fails in its own way
        raise BadTransformationError("The image cannot be read.") from error


def _encode(image: Image.Image, source: Image.Image, chain: Chain, request: RenderRequest) -> tuple[bytes, str]:
    kind = _format(image, source, chain.get("f"), request.accept)
    if kind == "WEBP" and max(image.size) > _LARGEST_WEBP:
        raise BadTransformationError(f"The sides of a WebP image have at most {_LARGEST_WEBP} pixels.")
    if kind == "JPEG" and image.mode == "RGBA":
        # black is the default background [docs]
        image = Image.alpha_composite(Image.new("RGBA", image.size, "black"), image).convert("RGB")
    file = BytesIO()
    image.save(file, kind, **_options(source, chain))
    return file.getvalue(), Image.MIME[kind]


def _format(image: Image.Image, source: Image.Image, requested: str | None, accept: str) -> str:
    """Return the format: the requested one, or the original's if browsers display it.

    `auto` is WebP if the client accepts it, else JPEG, or PNG if there is transparency [docs].
    """
    original = "JPEG" if source.format == "MPO" else str(source.format)
    fallback = "PNG" if image.mode == "RGBA" else "JPEG"
    if requested == "auto":
        return "WEBP" if "image/webp" in accept else fallback
    if requested in _PILLOW_NAMES and (requested != "gif" or original == "GIF"):  # only a GIF can become a GIF [docs]
        return _PILLOW_NAMES[requested]
    return original if original in _BROWSER_FORMATS else fallback


def _options(source: Image.Image, chain: Chain) -> dict[str, Any]:
    """Return how to encode an image; each of Pillow's encoders ignores the options that its format does not have."""
    options: dict[str, Any] = {
        "quality": round(float(chain.get("q") or QUALITY)),
        "progressive": chain.get("pr") == "true",
        "lossless": chain.get("lo") == "true",
        "icc_profile": source.info.get("icc_profile") if chain.get("cp") == "true" else None,
        "exif": b"",
    }
    if chain.get("md") == "true":
        options["exif"] = source.getexif()
        options["exif"].pop(0x0112, None)  # the orientation: the image is upright now
    return options
