"""Sizes and crops: what a step makes of a picture's size, before a pixel is touched.

A picture is scaled, then a window is laid over it: what lies outside is cut off, and where the window reaches beyond
the picture there is padding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ikpipe.emulator.delivery import arithmetic
from ikpipe.emulator.delivery.grammar import BadTransformationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ikpipe.emulator.delivery.grammar import Step

Size = tuple[int, int]
Box = tuple[int, int, int, int]

LARGEST_SIDE = 65535
"""Sides beyond that are ignored (`docs`)."""
LARGEST_BY_RATIO = 5000
"""A device pixel ratio that makes a side larger than that is not considered (`docs`)."""

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
"""Where `fo` lays the window; `auto`, faces and objects are the centre here, for no stand-in sees any."""


class ResizePlan(NamedTuple):
    """What becomes of a picture's size: it is scaled, and then seen through a window."""

    scaled: Size
    window: Box


class Frame(NamedTuple):
    """What a step knows besides itself: sizes, the client's hints, and the area that the uploader chose."""

    initial: Size
    current: Size
    hints: Mapping[str, float] = {}
    custom: Box | None = None
    """Left, top, right and bottom of `customCoordinates`."""

    @property
    def variables(self) -> dict[str, float]:
        """What expressions can be made of."""
        return {
            "iw": self.initial[0],
            "ih": self.initial[1],
            "iar": self.initial[0] / self.initial[1],
            "cw": self.current[0],
            "ch": self.current[1],
            "car": self.current[0] / self.current[1],
        }

    def number(self, text: str) -> float:
        """Work out a number or an expression."""
        try:
            return arithmetic.evaluate(text, self.variables)
        except ValueError as error:
            raise BadTransformationError(str(error)) from None


def plan(step: Step, frame: Frame) -> ResizePlan:
    """Say what a step does to a picture's size.

    Raises
    ------
    BadTransformationError
        The window around a centre reaches beyond the picture (`docs`: "the crop will fail").
    """
    width, height = _wanted(step, frame)
    if width is None and height is None:
        return _whole(frame.current)
    across, down = frame.current
    if width is None or height is None:
        # one side alone: the other follows, and nothing is cut off (docs)
        scale = width / across if width is not None else (height or 1) / down
        return _whole(_times(frame.current, scale, width, height))
    mode = step.get("cm") or step.get("c", "maintain_ratio")
    return MODES[mode]((width, height), step, frame)


def _wanted(step: Step, frame: Frame) -> tuple[int | None, int | None]:
    """Give the size that is asked for; a side that is not is None."""
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
    return _whole_side(width, dpr), _whole_side(height, dpr)


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


def _whole_side(side: float | None, dpr: float) -> int | None:
    return None if side is None else max(1, round(side * dpr))


def _whole(size: Size) -> ResizePlan:
    return ResizePlan(size, (0, 0, *size))


def _times(size: Size, scale: float, width: int | None = None, height: int | None = None) -> Size:
    """Scale a size; a side that is known is given, so that no rounding changes it."""
    return width or max(1, round(size[0] * scale)), height or max(1, round(size[1] * scale))


def _scales(want: Size, size: Size) -> tuple[float, float]:
    return want[0] / size[0], want[1] / size[1]


def _anchor(step: Step) -> tuple[float, float]:
    return ANCHORS.get(step.get("fo", "center"), ANCHORS["center"])


def _window(want: Size, scaled: Size, anchor: tuple[float, float]) -> Box:
    """Lay a window over the scaled picture, at an edge, at a corner or in the middle."""
    left, top = (round((scaled[axis] - want[axis]) * anchor[axis]) for axis in (0, 1))
    return left, top, left + want[0], top + want[1]


def _around(want: Size, size: Size, centre: tuple[float, float]) -> Box:
    """Lay a window around a point, but inside the picture."""
    corner = (max(0, min(round(centre[axis] - want[axis] / 2), size[axis] - want[axis])) for axis in (0, 1))
    left, top = corner
    return left, top, left + want[0], top + want[1]


# The modes: each takes the size that is asked for


def _force(want: Size, _step: Step, _frame: Frame) -> ResizePlan:
    return _whole(want)


def _fit(want: Size, frame: Frame, scale: float) -> ResizePlan:
    across, down = _scales(want, frame.current)
    exact = want[0] if scale == across else None, want[1] if scale == down else None
    return _whole(_times(frame.current, scale, *exact))


def _at_max(want: Size, _step: Step, frame: Frame) -> ResizePlan:
    return _fit(want, frame, min(*_scales(want, frame.current), 1.0))


def _at_max_enlarge(want: Size, _step: Step, frame: Frame) -> ResizePlan:
    return _fit(want, frame, min(_scales(want, frame.current)))


def _at_least(want: Size, _step: Step, frame: Frame) -> ResizePlan:
    return _fit(want, frame, max(_scales(want, frame.current)))


def _maintain_ratio(want: Size, step: Step, frame: Frame) -> ResizePlan:
    scaled = _at_least(want, step, frame).scaled
    if step.get("fo") == "custom" and frame.custom is not None:
        scale = scaled[0] / frame.current[0]
        left, top, right, bottom = frame.custom
        return ResizePlan(scaled, _around(want, scaled, ((left + right) / 2 * scale, (top + bottom) / 2 * scale)))
    return ResizePlan(scaled, _window(want, scaled, _anchor(step)))


def _maintain_ratio_no_enlarge(want: Size, step: Step, frame: Frame) -> ResizePlan:
    """Keep the wanted proportions, in a size that the picture has (`guess`: its name is all that is documented)."""
    less = min(1.0, *(1 / scale for scale in _scales(want, frame.current)))
    return _maintain_ratio(_times(want, less), step, frame)


def _extract(want: Size, step: Step, frame: Frame) -> ResizePlan:
    size = frame.current
    inside = min(want[0], size[0]), min(want[1], size[1])
    if "xc" in step or "yc" in step:
        return ResizePlan(size, _centred(want, step, frame))
    if "x" in step or "y" in step:
        left, top = (
            max(0, min(round(frame.number(step.get(key, "0"))), size[axis] - inside[axis]))
            for axis, key in enumerate(("x", "y"))
        )
        return ResizePlan(size, (left, top, left + inside[0], top + inside[1]))
    if step.get("fo") == "custom" and frame.custom is not None:
        left, top, right, bottom = frame.custom
        return ResizePlan(size, _around(inside, size, ((left + right) / 2, (top + bottom) / 2)))
    return ResizePlan(size, _window(inside, size, _anchor(step)))


def _centred(want: Size, step: Step, frame: Frame) -> Box:
    middle = f"{frame.current[0] / 2:.9f}", f"{frame.current[1] / 2:.9f}"
    across, down = frame.number(step.get("xc", middle[0])), frame.number(step.get("yc", middle[1]))
    left, top = round(across - want[0] / 2), round(down - want[1] / 2)
    if left < 0 or top < 0 or left + want[0] > frame.current[0] or top + want[1] > frame.current[1]:
        raise BadTransformationError("The area around xc and yc reaches beyond the picture.")
    return left, top, left + want[0], top + want[1]


def _pad_extract(want: Size, step: Step, frame: Frame) -> ResizePlan:
    return ResizePlan(frame.current, _window(want, frame.current, _anchor(step)))


def _pad_extract_no_shrink(want: Size, step: Step, frame: Frame) -> ResizePlan:
    """Pad, but cut nothing off (`guess`: its name is all that is documented)."""
    size = frame.current
    return _pad_extract((max(want[0], size[0]), max(want[1], size[1])), step, frame)


def _pad_resize(want: Size, step: Step, frame: Frame) -> ResizePlan:
    scaled = _at_max_enlarge(want, step, frame).scaled
    return ResizePlan(scaled, _window(want, scaled, _anchor(step)))


def _pad_resize_no_enlarge(want: Size, step: Step, frame: Frame) -> ResizePlan:
    scaled = _at_max(want, step, frame).scaled
    return ResizePlan(scaled, _window(want, scaled, _anchor(step)))


MODES: dict[str, Callable[[Size, Step, Frame], ResizePlan]] = {
    "maintain_ratio": _maintain_ratio,
    "maintain_ratio_no_enlarge": _maintain_ratio_no_enlarge,
    "force": _force,
    "at_max": _at_max,
    "at_max_enlarge": _at_max_enlarge,
    "at_least": _at_least,
    "extract": _extract,
    "pad_extract": _pad_extract,
    "pad_extract_no_shrink": _pad_extract_no_shrink,
    "pad_resize": _pad_resize,
    "pad_resize_no_enlarge": _pad_resize_no_enlarge,
}
"""The strategies of `c` and `cm`, for steps that ask for both sides (`docs`)."""
