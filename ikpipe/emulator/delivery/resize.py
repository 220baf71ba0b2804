"""Resizes and crops an image, as one step of a transformation says.

The image is scaled, then cropped to a window; where the window extends beyond the image, it is padded. The sizes are
computed first, by `plan`.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from PIL import Image, ImageColor

from ikpipe.emulator.delivery import arithmetic
from ikpipe.emulator.delivery.transformation_parser import BadTransformationError, Step

Size = tuple[int, int]
Box = tuple[int, int, int, int]
"""Left, top, right and bottom, in pixels."""
Color = tuple[int, int, int, int]
"""Red, green, blue and alpha, 0 to 255."""

LARGEST_SIDE = 65535
"""Larger sides are ignored [docs]."""
LARGEST_BY_RATIO = 5000
"""A device pixel ratio that would make a side larger is ignored [docs]."""
MOST_PIXELS = 100_000_000
"""Maximum number of pixels of an image that is read [docs], and so also of one that is made [guess]."""

ANCHORS = {
    "top_left": (0.0, 0.0),
    "top": (0.5, 0.0),
    "top_right": (1.0, 0.0),
    "left": (0.0, 0.5),
    "center": (0.5, 0.5),
    "right": (1.0, 0.5),
    "bottom_left": (0.0, 1.0),
    "bottom": (0.5, 1.0),
    "bottom_right": (1.0, 1.0),
}
"""Where `fo` puts the window; `auto`, faces and objects are the center here, since the emulator detects none."""


class ResizePlan(NamedTuple):
    """The size to which an image is scaled, and the window to which it is cropped."""

    scaled: Size
    window: Box


class Frame(NamedTuple):
    """The context of a step: sizes before all steps and before this one, the client's hints, and the focus area."""

    initial: Size
    current: Size
    hints: Mapping[str, float] = {}
    custom: Box | None = None
    """The area in `customCoordinates`."""
    base: Size | None = None
    """For a layer, the size of the image below it."""

    @property
    def variables(self) -> dict[str, float]:
        """The variables of expressions."""
        sizes = {"i": self.initial, "c": self.current, "b": self.base or self.initial}
        return {
            letter + name: value
            for letter, (width, height) in sizes.items()
            for name, value in (("w", width), ("h", height), ("ar", width / height))
        }

    def number(self, text: str) -> float:
        """Return the value of a number or an expression."""
        try:
            return arithmetic.evaluate(text, self.variables)
        except ValueError as error:
            raise BadTransformationError(str(error)) from None


def plan(step: Step, frame: Frame) -> ResizePlan:
    """Return the sizes that a step asks for.

    Raise `BadTransformationError` if the window around a center extends beyond the image [docs: "the crop will fail"].
    """
    width, height = _requested_size(step, frame)
    if width is None and height is None:
        return _uncropped(frame.current)
    across, down = frame.current
    if width is None or height is None:
        # with one side, the other follows, and nothing is cropped [docs]
        scale = width / across if width is not None else (height or 1) / down
        return _uncropped(_scaled(frame.current, scale, width, height))
    mode = step.get("cm") or step.get("c", "maintain_ratio")
    return MODES[mode]((width, height), step, frame)


def _requested_size(step: Step, frame: Frame) -> tuple[int | None, int | None]:
    """Return the size that a step asks for; a side that it leaves out is None."""
    width, height = _side(step, "w", frame, 0), _side(step, "h", frame, 1)
    ratio = _ratio(step, frame)
    if ratio and width and not height:
        height = width / ratio
    elif ratio and height and not width:
        width = height * ratio
    dpr = frame.hints.get("dpr", 1.0) if step.get("dpr") == "auto" else float(step.get("dpr", 1))
    sides = [side * dpr for side in (width, height) if side]
    if not all(1 <= side <= LARGEST_BY_RATIO for side in sides):
        dpr = 1.0
    return _round_side(width, dpr), _round_side(height, dpr)


def _side(step: Step, key: str, frame: Frame, axis: int) -> float | None:
    text = step.get(key)
    if text is None:
        return None
    if text == "auto":
        return frame.hints.get("width") if key == "w" else None
    value = frame.number(text)
    if 0 < value < 1:
        value *= frame.current[axis]
    return value if 0 < value <= LARGEST_SIDE else None


def _ratio(step: Step, frame: Frame) -> float | None:
    text = step.get("ar")
    if text is None:
        return None
    across, _, down = text.replace("-", "_").partition("_")
    if arithmetic.is_expression(down) and not arithmetic.is_expression(text):
        return float(across) / float(down) if float(down) else None
    value = frame.number(text)
    return value if value > 0 else None


def _round_side(side: float | None, dpr: float) -> int | None:
    return None if side is None else max(1, round(side * dpr))


def _uncropped(size: Size) -> ResizePlan:
    return ResizePlan(size, (0, 0, *size))


def _scaled(size: Size, scale: float, width: int | None = None, height: int | None = None) -> Size:
    """Return a scaled size; sides that are known exactly are passed, so that rounding does not change them."""
    return width or max(1, round(size[0] * scale)), height or max(1, round(size[1] * scale))


def _scales(target: Size, size: Size) -> tuple[float, float]:
    return target[0] / size[0], target[1] / size[1]


def _window(target: Size, scaled: Size, step: Step) -> ResizePlan:
    """Put a window at an edge, at a corner or in the center of the scaled image."""
    anchor = ANCHORS.get(step.get("fo", "center"), ANCHORS["center"])
    left, top = (round((scaled[axis] - target[axis]) * anchor[axis]) for axis in (0, 1))
    return ResizePlan(scaled, (left, top, left + target[0], top + target[1]))


def _focused_window(target: Size, scaled: Size, step: Step, frame: Frame) -> ResizePlan:
    """Put a window where `fo` says; around `customCoordinates`, but inside the image, if it asks for them."""
    if step.get("fo") != "custom" or frame.custom is None:
        return _window(target, scaled, step)
    scale = scaled[0] / frame.current[0]
    left, top, right, bottom = frame.custom
    center = (left + right) / 2 * scale, (top + bottom) / 2 * scale
    x, y = (max(0, min(round(center[axis] - target[axis] / 2), scaled[axis] - target[axis])) for axis in (0, 1))
    return ResizePlan(scaled, (x, y, x + target[0], y + target[1]))


def _fit(target: Size, frame: Frame, scale: float) -> Size:
    across, down = _scales(target, frame.current)
    return _scaled(frame.current, scale, target[0] if scale == across else None, target[1] if scale == down else None)


# The crop modes: each gets the requested size


def _at_max(target: Size, frame: Frame) -> Size:
    return _fit(target, frame, min(*_scales(target, frame.current), 1.0))


def _at_max_enlarge(target: Size, frame: Frame) -> Size:
    return _fit(target, frame, min(_scales(target, frame.current)))


def _at_least(target: Size, frame: Frame) -> Size:
    return _fit(target, frame, max(_scales(target, frame.current)))


def _maintain_ratio(target: Size, step: Step, frame: Frame) -> ResizePlan:
    return _focused_window(target, _at_least(target, frame), step, frame)


def _maintain_ratio_no_enlarge(target: Size, step: Step, frame: Frame) -> ResizePlan:
    """Keep the requested aspect ratio without enlarging the image [guess: only the name is documented]."""
    shrink = min(1.0, *(1 / scale for scale in _scales(target, frame.current)))
    return _maintain_ratio(_scaled(target, shrink), step, frame)


def _extract(target: Size, step: Step, frame: Frame) -> ResizePlan:
    size = frame.current
    width, height = min(target[0], size[0]), min(target[1], size[1])
    if "xc" in step or "yc" in step:
        return ResizePlan(size, _around_center(target, step, frame))
    if "x" in step or "y" in step:
        left = max(0, min(round(frame.number(step.get("x", "0"))), size[0] - width))
        top = max(0, min(round(frame.number(step.get("y", "0"))), size[1] - height))
        return ResizePlan(size, (left, top, left + width, top + height))
    return _focused_window((width, height), size, step, frame)


def _around_center(target: Size, step: Step, frame: Frame) -> Box:
    center = f"{frame.current[0] / 2:.9f}", f"{frame.current[1] / 2:.9f}"
    across, down = frame.number(step.get("xc", center[0])), frame.number(step.get("yc", center[1]))
    left, top = round(across - target[0] / 2), round(down - target[1] / 2)
    if left < 0 or top < 0 or left + target[0] > frame.current[0] or top + target[1] > frame.current[1]:
        raise BadTransformationError("The area around xc and yc extends beyond the image.")
    return left, top, left + target[0], top + target[1]


def _pad_extract_no_shrink(target: Size, step: Step, frame: Frame) -> ResizePlan:
    """Pad, but do not crop [guess: only the name is documented]."""
    size = frame.current
    return _window((max(target[0], size[0]), max(target[1], size[1])), size, step)


MODES: dict[str, Callable[[Size, Step, Frame], ResizePlan]] = {
    "maintain_ratio": _maintain_ratio,
    "maintain_ratio_no_enlarge": _maintain_ratio_no_enlarge,
    "force": lambda target, _step, _frame: _uncropped(target),
    "at_max": lambda target, _step, frame: _uncropped(_at_max(target, frame)),
    "at_max_enlarge": lambda target, _step, frame: _uncropped(_at_max_enlarge(target, frame)),
    "at_least": lambda target, _step, frame: _uncropped(_at_least(target, frame)),
    "extract": _extract,
    "pad_extract": lambda target, step, frame: _window(target, frame.current, step),
    "pad_extract_no_shrink": _pad_extract_no_shrink,
    "pad_resize": lambda target, step, frame: _window(target, _at_max_enlarge(target, frame), step),
    "pad_resize_no_enlarge": lambda target, step, frame: _window(target, _at_max(target, frame), step),
}
"""The crop modes of `c` and `cm`, for steps with both sides [docs]."""


# The pixels


def resize(image: Image.Image, step: Step, frame: Frame) -> Image.Image:
    """Return an image scaled, cropped and padded as a step says."""
    scaled, window = plan(step, frame)
    check_size(scaled)
    if scaled != image.size:
        image = image.resize(scaled, Image.Resampling.LANCZOS)
    if window == (0, 0, *scaled):
        return image
    left, top, right, bottom = window
    check_size((right - left, bottom - top))
    if left >= 0 and top >= 0 and right <= scaled[0] and bottom <= scaled[1]:
        return image.crop(window)
    back = Image.new("RGBA", (right - left, bottom - top), parse_color(step.get("bg", "black"), image))
    back.paste(image, (-left, -top), image if image.mode == "RGBA" else None)
    return drop_opaque_alpha(back)


def check_size(size: Size) -> None:
    """Raise an error if an image of this size would be too large."""
    if size[0] * size[1] > MOST_PIXELS:
        raise BadTransformationError("The image would be larger than 100 megapixels.")


def parse_color(text: str, image: Image.Image) -> Color:
    """Return a color; `dominant` is the mean color of the image."""
    if text == "dominant":
        red, green, blue, alpha = image.convert("RGBA").resize((1, 1), Image.Resampling.BOX).tobytes()
        return red, green, blue, alpha
    by_name = text in ImageColor.colormap
    red, green, blue, *_ = ImageColor.getrgb(text if by_name else f"#{text[:6]}")
    # the two digits of the opacity are decimal, not hexadecimal [docs]
    opacity = 100 if by_name else int(text[6:] or 100)
    return red, green, blue, min(255, round(opacity * 2.55))


def drop_opaque_alpha(image: Image.Image) -> Image.Image:
    """Return an image without its alpha channel if that is opaque everywhere."""
    if image.mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255):
        return image.convert("RGB")
    return image
