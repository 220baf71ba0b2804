"""Steps carried out with Pillow: each becomes one picture from another."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PIL import Image, ImageChops, ImageColor, ImageDraw, ImageFilter, ImageOps

from ikpipe.emulator.delivery import geometry
from ikpipe.emulator.delivery.grammar import BadTransformationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ikpipe.emulator.delivery.geometry import Frame
    from ikpipe.emulator.delivery.grammar import Step

Picture = Image.Image
Colour = tuple[int, int, int, int]

MOST_PIXELS = 100_000_000
"""Pixels of a picture that goes in (`docs`); so also of one that comes out (`guess`)."""
_SIDES = 4


def paint(picture: Picture, step: Step, frame: Frame) -> Picture:
    """Carry out one step: size first, then turning, effects, corners, border and background (the order is a `guess`).

    The picture is RGB or RGBA, and so is what comes out.
    """
    picture = _trim(picture, step)
    frame = frame._replace(current=picture.size)
    picture = _resize(picture, step, frame)
    for key, effect in EFFECTS.items():
        if key in step:
            picture = effect(picture, step, frame._replace(current=picture.size))
    return _flattened(picture, step) if "bg" in step else picture


def colour(text: str, picture: Picture) -> Colour:
    """Read a colour; `dominant` is the mean of the picture's."""
    if text == "dominant":
        red, green, blue, alpha = picture.convert("RGBA").resize((1, 1), Image.Resampling.BOX).tobytes()
        return red, green, blue, alpha
    by_name = text in ImageColor.colormap
    red, green, blue, *_ = ImageColor.getrgb(text if by_name else f"#{text[:6]}")
    # the two digits of the opacity are decimal (docs)
    opacity = 100 if by_name else int(text[6:] or 100)
    return red, green, blue, min(255, round(opacity * 2.55))


def _with_alpha(picture: Picture) -> Picture:
    return picture if picture.mode == "RGBA" else picture.convert("RGBA")


def _without_needless_alpha(picture: Picture) -> Picture:
    if picture.mode == "RGBA" and picture.getchannel("A").getextrema() == (255, 255):
        return picture.convert("RGB")
    return picture


def _resize(picture: Picture, step: Step, frame: Frame) -> Picture:
    scaled, window = geometry.plan(step, frame)
    _check_size(scaled)
    if scaled != picture.size:
        picture = picture.resize(scaled, Image.Resampling.LANCZOS)
    if window == (0, 0, *scaled):
        return picture
    left, top, right, bottom = window
    _check_size((right - left, bottom - top))
    if left >= 0 and top >= 0 and right <= scaled[0] and bottom <= scaled[1]:
        return picture.crop(window)
    back = Image.new("RGBA", (right - left, bottom - top), colour(step.get("bg", "black"), picture))
    back.paste(picture, (-left, -top), picture if picture.mode == "RGBA" else None)
    return _without_needless_alpha(back)


def _check_size(size: tuple[int, int]) -> None:
    if size[0] * size[1] > MOST_PIXELS:
        raise BadTransformationError("The picture would be larger than 100 megapixels.")


def _trim(picture: Picture, step: Step) -> Picture:
    """Cut off edges that look like the corner (`docs`: a threshold of 1 to 99)."""
    if "t" not in step:
        return picture
    threshold = 10.0 if step["t"] == "true" else float(step["t"])
    plain = picture.convert("RGB")
    corner = plain.getpixel((0, 0))
    back = Image.new("RGB", plain.size, corner if isinstance(corner, tuple) else 0)
    limit = threshold * 2.55
    box = ImageChops.difference(plain, back).convert("L").point(lambda level: 255 if level > limit else 0).getbbox()
    return picture.crop(box) if box else picture


def _flattened(picture: Picture, step: Step) -> Picture:
    if picture.mode != "RGBA":
        return picture
    back = Image.new("RGBA", picture.size, colour(step["bg"], picture))
    return _without_needless_alpha(Image.alpha_composite(back, picture))


# The effects, by their keys


def _rotate(picture: Picture, step: Step, _frame: Frame) -> Picture:
    text = step["rt"]
    if text == "auto":  # it is upright already
        return picture
    degrees = float(text.removeprefix("N")) * (1 if text.startswith("N") else -1)
    if degrees % 90 == 0:
        return picture.rotate(degrees, expand=True)
    angle = math.radians(degrees)
    across, down = abs(math.cos(angle)), abs(math.sin(angle))
    width, height = picture.size
    _check_size((math.ceil(width * across + height * down), math.ceil(width * down + height * across)))
    return _with_alpha(picture).rotate(degrees, Image.Resampling.BICUBIC, expand=True)


def _flip(picture: Picture, step: Step, _frame: Frame) -> Picture:
    for way in step["fl"].split("_"):
        picture = ImageOps.mirror(picture) if way == "h" else ImageOps.flip(picture)
    return picture


def _blur(picture: Picture, step: Step, _frame: Frame) -> Picture:
    return picture.filter(ImageFilter.GaussianBlur(float(step["bl"])))


def _grayscale(picture: Picture, _step: Step, _frame: Frame) -> Picture:
    grey = picture.convert("LA" if picture.mode == "RGBA" else "L")
    return grey.convert(picture.mode)


def _contrast(picture: Picture, _step: Step, _frame: Frame) -> Picture:
    stretched = ImageOps.autocontrast(picture.convert("RGB"))
    if picture.mode == "RGBA":
        stretched.putalpha(picture.getchannel("A"))
    return stretched


def _sharpen(picture: Picture, _step: Step, _frame: Frame) -> Picture:
    return picture.filter(ImageFilter.SHARPEN)


def _unsharp(picture: Picture, _step: Step, _frame: Frame) -> Picture:
    return picture.filter(ImageFilter.UnsharpMask())


def _opacity(picture: Picture, step: Step, _frame: Frame) -> Picture:
    share = float(step["o"]) / 100
    picture = _with_alpha(picture)
    picture.putalpha(picture.getchannel("A").point(lambda level: round(level * share)))
    return picture


def _radius(picture: Picture, step: Step, _frame: Frame) -> Picture:
    """Round the corners, clockwise from the top left; `max` leaves an ellipse."""
    mask = Image.new("L", picture.size, 0)
    draw = ImageDraw.Draw(mask)
    right, bottom = picture.width - 1, picture.height - 1
    if step["r"] == "max":
        draw.ellipse((0, 0, right, bottom), fill=255)
    else:
        _draw_corners(draw, step["r"], (right, bottom))
    picture = _with_alpha(picture)
    picture.putalpha(ImageChops.multiply(picture.getchannel("A"), mask))
    return picture


def _draw_corners(draw: ImageDraw.ImageDraw, text: str, corner: tuple[int, int]) -> None:
    """Fill a rectangle, then take its corners away."""
    right, bottom = corner
    draw.rectangle((0, 0, right, bottom), fill=255)
    given = [int(radius) for radius in text.split("_")]
    radii = given if len(given) == _SIDES else given[:1] * _SIDES
    most = (min(corner) + 1) // 2
    for (across, down), radius in zip(((0, 0), (1, 0), (1, 1), (0, 1)), radii, strict=True):
        size = min(radius, most)
        left, top = (right - size + 1) * across, (bottom - size + 1) * down
        if size:
            draw.rectangle((left, top, left + size - 1, top + size - 1), fill=0)
            # the quarter of a circle whose middle is the square's inner corner
            x, y = left - size * across, top - size * down
            draw.pieslice((x, y, x + 2 * size - 1, y + 2 * size - 1), *_QUARTERS[across, down], fill=255)


_QUARTERS = {(0, 0): (180, 270), (1, 0): (270, 360), (1, 1): (0, 90), (0, 1): (90, 180)}
"""Where the quarter of a corner begins and ends, in degrees clockwise from three o'clock."""


def _border(picture: Picture, step: Step, frame: Frame) -> Picture:
    """Put a border around the picture, which grows by it (`guess`)."""
    width, _, tint = step["b"].rpartition("_")
    size = max(0, round(frame.number(width)))
    _check_size((picture.width + 2 * size, picture.height + 2 * size))
    return _without_needless_alpha(ImageOps.expand(_with_alpha(picture), size, colour(tint, picture)))


EFFECTS: dict[str, Callable[[Picture, Step, Frame], Picture]] = {
    "rt": _rotate,
    "fl": _flip,
    "bl": _blur,
    "e-grayscale": _grayscale,
    "e-contrast": _contrast,
    "e-sharpen": _sharpen,
    "e-usm": _unsharp,
    "o": _opacity,
    "r": _radius,
    "b": _border,
}
"""What a step does besides its size, in this order."""
