"""Parses transformations: `w-400,h-300:rt-90` becomes a chain of steps, each a mapping of keys to values.

`,` separates the keys of a step, `:` separates steps [docs]. Unknown parts are collected: a rule says whether they are
ignored or rejected.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from PIL import ImageColor

from ikpipe.emulator.delivery import arithmetic

Step = dict[str, str]

THUMBNAIL = "w-400,h-400,c-at_max,f-auto"
"""The media library's thumbnails [guess: neither size nor format is documented]."""
BUILT_IN = {"media_library_thumbnail": THUMBNAIL, "ik_ml_thumbnail": THUMBNAIL}
"""The named transformations of every account [upload docs; newer docs for the second name]."""

CROPS = ("maintain_ratio", "maintain_ratio_no_enlarge", "force", "at_max", "at_max_enlarge", "at_least")
CROP_MODES = ("extract", "pad_extract", "pad_extract_no_shrink", "pad_resize", "pad_resize_no_enlarge")
FORMATS = ("auto", "jpg", "jpeg", "png", "webp", "avif", "gif", "orig")
_PART = re.compile(r"([^,:]*)([,:]|$)")
_HEX = re.compile(r"[0-9A-Fa-f]{6}(?:[0-9]{2})?")
_BLOCK_START = re.compile(r"(?:l-(?!end\b)|if-(?!end\b|else\b)).*")


class BadTransformationError(ValueError):
    """A transformation that is not possible; its text says why."""


@dataclass(slots=True)
class Chain:
    """A parsed transformation: its steps in order, and the unknown parts as written.

    `named`: it has only named transformations, which also work on private files [upload docs]. `thumbnail`: it has a
    built-in thumbnail.
    """

    steps: list[Step] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    named: bool = False
    thumbnail: bool = False

    def get(self, key: str) -> str | None:
        """Return the last value of a key in all steps, for keys of the whole result such as format and quality."""
        return next((step[key] for step in reversed(self.steps) if key in step), None)


def parse_transformation(text: str, named: Mapping[str, str]) -> Chain:
    """Parse a transformation; `named` has the account's named transformations.

    Raise `BadTransformationError` if a named transformation does not exist [spec: such a request fails].
    """
    chain, only_named, ignored_in_named = Chain(), True, list[str]()
    for parts in _steps(text.removeprefix("tr:"), chain.ignored):
        names = [part[2:] for part in parts if part.startswith("n-")]
        for name in names:
            chain.steps += _named_steps(name, named, ignored_in_named)
            chain.thumbnail |= name in BUILT_IN
            chain.named = True
        others = [part for part in parts if not part.startswith("n-")]
        if others:
            only_named = False
            chain.steps.append(_step(others, chain.ignored))
    chain.named &= only_named and not chain.ignored
    chain.ignored += ignored_in_named
    return chain


def _named_steps(name: str, named: Mapping[str, str], ignored: list[str]) -> list[Step]:
    text = named.get(name) or BUILT_IN.get(name)
    if text is None:
        raise BadTransformationError(f"Unknown named transformation {name}.")
    return [_step(parts, ignored) for parts in _steps(text.removeprefix("tr:"), ignored)]


def _steps(text: str, ignored: list[str]) -> list[list[str]]:
    """Split a chain into steps and parts; layers and conditions, which are not supported, are ignored as a whole."""
    steps: list[list[str]] = [[]]
    depth = 0
    for part, separator in _PART.findall(text):
        if _BLOCK_START.fullmatch(part):
            depth += 1
            ignored.append(part)  # the start of a block stands for all of it
        elif depth == 0:
            steps[-1].append(part)
        depth = max(0, depth - (part in {"l-end", "if-end"}))
        if separator == ":" and depth == 0:
            steps.append([])
    return [[part for part in parts if part] for parts in steps if any(parts)]


def _step(parts: list[str], ignored: list[str]) -> Step:
    step = {}
    for part in parts:
        key, value = _key_and_value(part)
        if key in VALUES and VALUES[key](value):
            step[key] = value
        else:
            ignored.append(part)
    return step


def _key_and_value(part: str) -> tuple[str, str]:
    """Split a part into key and value; an effect's key has two words: `e-sharpen-10`."""
    words = part.split("-", 2)
    if words[0] == "e" and len(words) > 1:
        return "-".join(words[:2]), "".join(words[2:])
    key, _, value = part.partition("-")
    return key, value


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


_FLAG = _matches("true|false")
VALUES: dict[str, Callable[[str], bool]] = {
    **dict.fromkeys(("w", "h"), _length),
    **dict.fromkeys(("x", "y", "xc", "yc"), arithmetic.is_expression),
    **dict.fromkeys(("pr", "lo", "md", "cp", "orig"), _FLAG),
    **dict.fromkeys(("e-grayscale", "e-contrast"), _matches("")),
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
    "r": _matches(r"max|\d{1,5}(_\d{1,5}){0,3}"),
    "bg": lambda value: value == "dominant" or is_color(value),
    "b": _border,
    "t": lambda value: value == "true" or _number(1, 99)(value),
    "fl": _matches("h|v|h_v|v_h"),
    "o": _number(0, 100),
    "di": bool,
}
"""The supported keys, and a check of their values [docs, sdk]."""
