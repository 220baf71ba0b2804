"""Applies one step of a transformation to an image: trim, size, rotation, effects, corners, border, background."""

import math
from collections.abc import Callable

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

from ikpipe.emulator.delivery.resize import Frame, check_size, drop_opaque_alpha, parse_color, resize
from ikpipe.emulator.delivery.transformation_parser import Step

_CORNERS = 4


def apply_step(image: Image.Image, step: Step, frame: Frame) -> Image.Image:
    """Apply one step: size, then rotation, effects, corners, border and background [guess for the order].

    The image is RGB or RGBA, and so is the result.
    """
    image = _trim(image, step)
    frame = frame._replace(current=image.size)
    image = resize(image, step, frame)
    for key, effect in EFFECTS.items():
        if key in step:
            image = effect(image, step, frame._replace(current=image.size))
    return _flattened(image, step) if "bg" in step else image


def _with_alpha(image: Image.Image) -> Image.Image:
    return image if image.mode == "RGBA" else image.convert("RGBA")


def _trim(image: Image.Image, step: Step) -> Image.Image:
    """Trim edges that look like the top left corner [docs: a threshold of 1 to 99]."""
    if step.get("t", "false") == "false":
        return image
    limit = (10.0 if step["t"] == "true" else float(step["t"])) * 2.55
    # with premultiplied colors, all transparent pixels are alike
    plain = image.convert("RGBa") if image.mode == "RGBA" else image
    corner = plain.getpixel((0, 0))
    back = Image.new(plain.mode, plain.size, corner if isinstance(corner, tuple) else 0)
    red, green, blue, *alpha = ImageChops.difference(plain, back).split()
    difference = Image.merge("RGB", (red, green, blue)).convert("L")
    if alpha:
        difference = ImageChops.lighter(difference, alpha[0])
    box = difference.point(lambda level: 255 if level > limit else 0).getbbox()
    return image.crop(box) if box else image


def _flattened(image: Image.Image, step: Step) -> Image.Image:
    if image.mode != "RGBA":
        return image
    back = Image.new("RGBA", image.size, parse_color(step["bg"], image))
    return drop_opaque_alpha(Image.alpha_composite(back, image))


# The effects by key


def _rotate(image: Image.Image, step: Step, _frame: Frame) -> Image.Image:
    text = step["rt"]
    if text == "auto":  # the image is upright already
        return image
    degrees = float(text.removeprefix("N")) * (1 if text.startswith("N") else -1)
    if degrees % 90 == 0:
        return image.rotate(degrees, expand=True)
    angle = math.radians(degrees)
    across, down = abs(math.cos(angle)), abs(math.sin(angle))
    width, height = image.size
    # before the rotation, which would allocate an image of this size
    check_size((math.ceil(width * across + height * down), math.ceil(width * down + height * across)))
    return _with_alpha(image).rotate(degrees, Image.Resampling.BICUBIC, expand=True)


def _flip(image: Image.Image, step: Step, _frame: Frame) -> Image.Image:
    for direction in step["fl"].split("_"):
        image = ImageOps.mirror(image) if direction == "h" else ImageOps.flip(image)
    return image


def _grayscale(image: Image.Image, _step: Step, _frame: Frame) -> Image.Image:
    gray = image.convert("LA" if image.mode == "RGBA" else "L")
    return gray.convert(image.mode)


def _contrast(image: Image.Image, _step: Step, _frame: Frame) -> Image.Image:
    stretched = ImageOps.autocontrast(image.convert("RGB"))
    if image.mode == "RGBA":
        stretched.putalpha(image.getchannel("A"))
    return stretched


def _opacity(image: Image.Image, step: Step, _frame: Frame) -> Image.Image:
    share = float(step["o"]) / 100
    image = _with_alpha(image)
    image.putalpha(image.getchannel("A").point(lambda level: round(level * share)))
    return image


def _radius(image: Image.Image, step: Step, _frame: Frame) -> Image.Image:
    """Round the corners, clockwise from the top left; `max` makes an ellipse."""
    mask = Image.new("L", image.size, 0)
    draw = ImageDraw.Draw(mask)
    right, bottom = image.width - 1, image.height - 1
    if step["r"] == "max":
        draw.ellipse((0, 0, right, bottom), fill=255)
    else:
        _draw_corners(draw, step["r"], (right, bottom))
    image = _with_alpha(image)
    image.putalpha(ImageChops.multiply(image.getchannel("A"), mask))
    return image


def _draw_corners(draw: ImageDraw.ImageDraw, text: str, corner: tuple[int, int]) -> None:
    """Fill a rectangle with rounded corners."""
    right, bottom = corner
    draw.rectangle((0, 0, right, bottom), fill=255)
    largest = (min(corner) + 1) // 2
    numbers = [largest if radius == "max" else int(radius) for radius in text.split("_")]
    radii = numbers if len(numbers) == _CORNERS else numbers[:1] * _CORNERS
    for (across, down), radius in zip(((0, 0), (1, 0), (1, 1), (0, 1)), radii, strict=True):
        size = min(radius, largest)
        left, top = (right - size + 1) * across, (bottom - size + 1) * down
        if size:
            draw.rectangle((left, top, left + size - 1, top + size - 1), fill=0)
            # a quarter of the circle around the inner corner of that square
            x, y = left - size * across, top - size * down
            draw.pieslice((x, y, x + 2 * size - 1, y + 2 * size - 1), *_QUARTERS[across, down], fill=255)


_QUARTERS = {(0, 0): (180, 270), (1, 0): (270, 360), (1, 1): (0, 90), (0, 1): (90, 180)}
"""Start and end of each corner's quarter circle, in degrees clockwise from the positive x axis."""


def _border(image: Image.Image, step: Step, frame: Frame) -> Image.Image:
    """Add a border around the image, which becomes larger [guess]."""
    width, _, color = step["b"].rpartition("_")
    size = max(0, round(frame.number(width)))
    check_size((image.width + 2 * size, image.height + 2 * size))
    return drop_opaque_alpha(ImageOps.expand(_with_alpha(image), size, parse_color(color, image)))


EFFECTS: dict[str, Callable[[Image.Image, Step, Frame], Image.Image]] = {
    "rt": _rotate,
    "fl": _flip,
    "bl": lambda image, step, _frame: image.filter(ImageFilter.GaussianBlur(float(step["bl"]))),
    "e-grayscale": _grayscale,
    "e-contrast": _contrast,
    "e-sharpen": lambda image, _step, _frame: image.filter(ImageFilter.SHARPEN),
    "e-usm": lambda image, _step, _frame: image.filter(ImageFilter.UnsharpMask()),
    "o": _opacity,
    "r": _radius,
    "b": _border,
}
"""The effects of a step, in the order in which they are applied."""
