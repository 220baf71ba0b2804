"""The keys of transformations, each with a check of its values [docs, sdk]."""

import re
from collections.abc import Callable, Mapping

from PIL import ImageColor

from ikpipe.emulator.delivery import arithmetic

CROPS = ("maintain_ratio", "maintain_ratio_no_enlarge", "force", "at_max", "at_max_enlarge", "at_least")
CROP_MODES = ("extract", "pad_extract", "pad_extract_no_shrink", "pad_resize", "pad_resize_no_enlarge")
FORMATS = ("auto", "jpg", "jpeg", "png", "webp", "avif", "gif", "orig")
POSITIONS = (
    *("top_left", "top", "top_right", "left", "center", "right"),
    *("bottom_left", "bottom", "bottom_right"),
)
LAYER_MODES = ("multiply", "cutter", "cutout")
_HEX = re.compile(r"[0-9A-Fa-f]{6}(?:[0-9]{2})?")


def _matches(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern)
    return lambda value: compiled.fullmatch(value) is not None


def _number(low: float, high: float) -> Callable[[str], bool]:
    is_number = _matches(r"\d{1,9}(\.\d+)?")
    return lambda value: is_number(value) and low <= float(value) <= high


def _length(value: str) -> bool:
    return value == "auto" or arithmetic.is_expression(value)


def _ratio(value: str) -> bool:
    number = r"\d{1,9}(\.\d+)?"
    return _matches(rf"{number}[-_]{number}")(value) or arithmetic.is_expression(value)


def is_color(value: str) -> bool:
    """Whether a text is a color: six hexadecimal digits, two more for the opacity in percent, or a name [docs]."""
    return _HEX.fullmatch(value) is not None or value in ImageColor.colormap


def _border(value: str) -> bool:
    width, _, color = value.rpartition("_")
    return arithmetic.is_expression(width) and is_color(color)


def _padding(value: str) -> bool:
    """Whether a text is one length, or up to four whole numbers as in CSS."""
    return arithmetic.is_expression(value) or _matches(r"\d{1,5}(_\d{1,5}){1,3}")(value)


def _offset(value: str) -> bool:
    """Whether a text is a number or an expression, with `N` in front if it is negative."""
    return arithmetic.is_expression(value.removeprefix("N"))


Checks = Mapping[str, Callable[[str], bool]]
_FLAG = _matches("true|false")
VALUES: Checks = {
    **dict.fromkeys(("w", "h"), _length),
    **dict.fromkeys(("x", "y", "xc", "yc"), arithmetic.is_expression),
    **dict.fromkeys(("pr", "lo", "md", "cp", "orig"), _FLAG),
    **dict.fromkeys(("e-grayscale", "e-contrast"), _matches("|1|true")),
    **dict.fromkeys(("e-sharpen", "e-usm"), _matches(r"[\d.-]*")),
    "ar": _ratio,
    "c": CROPS.__contains__,
    "cm": CROP_MODES.__contains__,
    "fo": _matches(r"[a-z_]+"),
    "dpr": lambda value: value == "auto" or _number(0.1, 5)(value),
    "q": _number(1, 100),
    "f": FORMATS.__contains__,
    "bl": _number(1, 100),
    "rt": _matches(r"auto|N?\d{1,3}(\.\d+)?"),
    "r": _matches(r"(max|\d{1,5})(_(max|\d{1,5})){0,3}"),
    "bg": lambda value: value == "dominant" or is_color(value),
    "b": _border,
    "t": lambda value: _FLAG(value) or _number(1, 99)(value),
    "fl": _matches("h|v|h_v|v_h"),
    "o": _number(0, 100),
    "di": bool,
    "so": arithmetic.is_expression,
}
"""The keys of images, and of the frames of videos."""
PLACEMENT: Checks = {
    "i": bool,
    "ie": bool,
    **dict.fromkeys(("lx", "ly", "lxc", "lyc"), _offset),
    **dict.fromkeys(("lfo", "lap"), POSITIONS.__contains__),
    "lm": LAYER_MODES.__contains__,
}
"""The keys of a layer itself: what it shows, where it is, and how it is blended."""
_TENTHS = _matches("[1-9]")
IMAGE_LAYER: Checks = {
    **{
        key: check for key, check in VALUES.items() if key not in {"f", "q", "pr", "lo", "md", "cp", "orig", "di", "so"}
    },
    **PLACEMENT,
    "al": _TENTHS,
}
"""The keys inside of an image layer; `al` is for a block of one color."""
TEXT_LAYER: Checks = {
    **{key: VALUES[key] for key in ("r", "rt", "fl")},
    **PLACEMENT,
    **dict.fromkeys(("w", "fs", "lh"), arithmetic.is_expression),
    **dict.fromkeys(("co", "bg"), is_color),
    "ff": bool,
    "ia": ("left", "right", "center").__contains__,
    "pa": _padding,
    "al": _TENTHS,
    "tg": _matches("(b|i|strikethrough)(_(b|i|strikethrough)){0,2}"),
}
"""The keys inside of a text layer."""
