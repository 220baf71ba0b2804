"""The transformation grammar: `w-400,h-300:rt-90` becomes a chain of steps, each a mapping of keys to values.

`,` stands within a step, `:` between steps (`docs`). What is not understood is told apart: whether it is ignored or
refused is a rule's to say.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PIL import ImageColor

from ikpipe.emulator.delivery import arithmetic

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Step = dict[str, str]

THUMBNAIL = "w-400,h-400,c-at_max,f-auto"
"""What the media library's thumbnails are (`guess`: neither size nor format is documented)."""
BUILT_IN = {"media_library_thumbnail": THUMBNAIL, "ik_ml_thumbnail": THUMBNAIL}
"""The named transformations that every account has (`seed`; `docs`, newer, for the second name)."""

CROPS = ("maintain_ratio", "maintain_ratio_no_enlarge", "force", "at_max", "at_max_enlarge", "at_least")
CROP_MODES = ("extract", "pad_extract", "pad_extract_no_shrink", "pad_resize", "pad_resize_no_enlarge")
FORMATS = ("auto", "jpg", "jpeg", "png", "webp", "avif", "gif", "orig")
_MIXED = re.compile(r"[,:]")
_HEX = re.compile(r"[0-9A-Fa-f]{6}(?:[0-9]{2})?")
_OPENING = re.compile(r"(?:l-(?!end\b)|if-(?!end\b|else\b)).*")


class BadTransformationError(ValueError):
    """A transformation that cannot be carried out; its text says why."""


@dataclass(slots=True)
class Chain:
    """A transformation, read.

    Attributes
    ----------
    steps
        What is carried out, one after the other.
    ignored
        What was not understood, as it was written.
    named
        Whether it is nothing but named transformations, which work on private files too (`seed`).
    thumbnail
        Whether the media library's own thumbnail is among them.
    """

    steps: list[Step] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    named: bool = False
    thumbnail: bool = False

    def get(self, key: str) -> str | None:
        """Give the last value of a key in all steps, of those that hold for the whole: the format, the quality, …."""
        return next((step[key] for step in reversed(self.steps) if key in step), None)


def read(text: str, named: Mapping[str, str]) -> Chain:
    """Read a transformation; `named` says what the account's named ones stand for.

    Raises
    ------
    BadTransformationError
        A named transformation is asked for that there is not (`spec`: such a request fails).
    """
    chain, only, within = Chain(), True, list[str]()
    for parts in _steps(text.removeprefix("tr:"), chain.ignored):
        names = [part[2:] for part in parts if part.startswith("n-")]
        for name in names:
            chain.steps += _named(name, named, within)
            chain.thumbnail |= name in BUILT_IN
            chain.named = True
        others = [part for part in parts if not part.startswith("n-")]
        if others:
            only = False
            chain.steps.append(_step(others, chain.ignored))
    chain.named &= only and not chain.ignored
    chain.ignored += within
    return chain


def _named(name: str, named: Mapping[str, str], ignored: list[str]) -> list[Step]:
    text = named.get(name) or BUILT_IN.get(name)
    if text is None:
        raise BadTransformationError(f"There is no named transformation {name}.")
    return [_step(parts, ignored) for parts in _steps(text.removeprefix("tr:"), ignored)]


def _steps(text: str, ignored: list[str]) -> list[list[str]]:
    """Cut a chain into its parts; layers and conditions, which no stand-in draws, are put aside as a whole."""
    steps: list[list[str]] = [[]]
    depth, start = 0, 0
    for mark in [*_MIXED.finditer(text), None]:
        end = len(text) if mark is None else mark.start()
        part = text[start:end]
        start = end + 1
        opens = _OPENING.fullmatch(part) is not None
        depth += opens
        if depth == 0 and part:
            steps[-1].append(part)
        elif opens or depth == 0:
            ignored += [part] if part else []
        depth -= part in {"l-end", "if-end"} and depth > 0
        if mark is not None and mark.group() == ":" and depth == 0:
            steps.append([])
    return [parts for parts in steps if parts]


def _step(parts: list[str], ignored: list[str]) -> Step:
    step = {}
    for part in parts:
        key, value = _part(part)
        if key in VALUES and VALUES[key](value):
            step[key] = value
        else:
            ignored.append(part)
    return step


def _part(part: str) -> tuple[str, str]:
    """Part a key and its value; an effect's key has two words: `e-sharpen-10`."""
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


def is_colour(value: str) -> bool:
    """Tell a colour: six digits, two more for its opacity in per cent, or a name (`docs`)."""
    return _HEX.fullmatch(value) is not None or value in ImageColor.colormap


def _border(value: str) -> bool:
    width, _, colour = value.rpartition("_")
    return arithmetic.is_expression(width) and is_colour(colour)


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
    "bg": lambda value: value == "dominant" or is_colour(value),
    "b": _border,
    "t": lambda value: value == "true" or _number(1, 99)(value),
    "fl": _matches("h|v|h_v|v_h"),
    "o": _number(0, 100),
    "di": bool,
}
"""The keys that are carried out, and what each may be (`docs`, `sdk`)."""
