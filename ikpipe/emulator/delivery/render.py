"""A stored picture becomes a derived one: opened, painted step by step, encoded."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageOps

from ikpipe.emulator.delivery.geometry import Frame
from ikpipe.emulator.delivery.grammar import BadTransformationError
from ikpipe.emulator.delivery.painting import MOST_PIXELS, paint
from ikpipe.emulator.delivery.pictures import open_picture

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import IO

    from ikpipe.emulator.delivery.geometry import Box
    from ikpipe.emulator.delivery.grammar import Chain

QUALITY = 80
"""Of formats that lose something (`docs`)."""
_NAMES = {"jpg": "JPEG", "jpeg": "JPEG", "png": "PNG", "webp": "WEBP", "avif": "AVIF", "gif": "GIF"}
_AS_THEY_ARE = ("JPEG", "PNG", "WEBP", "AVIF", "GIF")
"""Formats that browsers show, which a picture keeps if nobody asks for another."""
_LARGEST_WEBP = 16383


MOST_STEPS = 50
"""Steps of a transformation (`guess`: no limit is documented, yet a request must end)."""
MOST_TURNS = 8
"""Rotations in it, other than by right angles: each makes the picture larger (`guess`)."""
MOST_PAINTED = 500_000_000
"""Pixels that all steps of it may paint together (`guess`)."""


@dataclass(frozen=True, slots=True)
class RenderRequest:
    """What a client tells besides the address: which formats it takes, and its hints on width and pixel ratio."""

    accept: str = ""
    hints: Mapping[str, float] | None = None


def transform(
    file: Path | IO[bytes], size: int, chain: Chain, request: RenderRequest, custom: Box | None = None
) -> tuple[bytes, str]:
    """Give the derived picture's bytes, and its MIME type.

    Of an animation the first frame is taken. The picture is upright, and without the original's metadata unless the
    transformation keeps them.

    Raises
    ------
    BadTransformationError
        The transformation cannot be carried out, or the file is no whole picture.
    """
    try:
        with open_picture(file, size) as source:
            if source.width * source.height > MOST_PIXELS:
                raise BadTransformationError("The picture is larger than 100 megapixels.")
            picture = _upright(source)
            check_length(chain)
            initial, painted = picture.size, 0
            for step in chain.steps:
                picture = paint(picture, step, Frame(initial, picture.size, request.hints or {}, custom))
                painted += picture.width * picture.height
                if painted > MOST_PAINTED:
                    raise BadTransformationError("The steps would paint more than 500 megapixels in all.")
            return _encode(picture, source, chain, request)
    except BadTransformationError:
        raise
    except Exception as error:  # each decoder has its own way to fail
        raise BadTransformationError("The picture cannot be read.") from error


def check_length(chain: Chain) -> None:
    """Refuse a transformation of too many steps, or rotations.

    Raises
    ------
    BadTransformationError
        It has more.
    """
    if len(chain.steps) > MOST_STEPS:
        raise BadTransformationError(f"It has {len(chain.steps)} steps, {MOST_STEPS} are allowed.")
    turned = [step["rt"].removeprefix("N") for step in chain.steps if step.get("rt", "auto") != "auto"]
    turns = sum(float(degrees) % 90 != 0 for degrees in turned)
    if turns > MOST_TURNS:
        raise BadTransformationError(f"It has {turns} rotations, {MOST_TURNS} are allowed.")


def _upright(source: Image.Image) -> Image.Image:
    mode = "RGBA" if source.has_transparency_data else "RGB"
    picture = ImageOps.exif_transpose(source).convert(mode)
    # encoders take from there what nobody asked for
    picture.info = {}
    return picture


def _encode(picture: Image.Image, source: Image.Image, chain: Chain, request: RenderRequest) -> tuple[bytes, str]:
    kind = _format(picture, source, chain.get("f"), request.accept)
    if kind == "WEBP" and max(picture.size) > _LARGEST_WEBP:
        raise BadTransformationError(f"A WebP picture has at most {_LARGEST_WEBP} pixels a side.")
    if kind == "JPEG" and picture.mode == "RGBA":
        # black, as every background that nobody chose (docs)
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "black"), picture).convert("RGB")
    file = BytesIO()
    picture.save(file, kind, **_options(kind, source, chain))
    return file.getvalue(), Image.MIME[kind]


def _format(picture: Image.Image, source: Image.Image, asked: str | None, accept: str) -> str:
    """Choose the format: the one that is asked for, or the original's if browsers show it.

    `auto` is WebP where the client takes it, else JPEG, or PNG where there is transparency (`docs`).
    """
    own = "JPEG" if source.format == "MPO" else str(source.format)
    plain = "PNG" if picture.mode == "RGBA" else "JPEG"
    if asked == "auto":
        return "WEBP" if "image/webp" in accept else plain
    if asked in _NAMES and (asked != "gif" or own == "GIF"):  # no other picture becomes a GIF (docs)
        return _NAMES[asked]
    return own if own in _AS_THEY_ARE else plain


def _options(kind: str, source: Image.Image, chain: Chain) -> dict[str, Any]:
    options: dict[str, Any] = {"exif": b""} if kind != "GIF" else {}
    if kind in {"JPEG", "WEBP", "AVIF"}:
        options["quality"] = round(float(chain.get("q") or QUALITY))
    if kind == "JPEG" and chain.get("pr") == "true":
        options["progressive"] = True
    if kind == "WEBP" and chain.get("lo") == "true":
        options["lossless"] = True
    if chain.get("cp") == "true" and "icc_profile" in source.info:
        options["icc_profile"] = source.info["icc_profile"]
    if chain.get("md") == "true" and kind != "GIF":
        exif = source.getexif()
        exif.pop(0x0112, None)  # the orientation: it is upright now
        options["exif"] = exif
    return options
