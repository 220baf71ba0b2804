"""Show a number of a spreadsheet as people see it: its number format can add zeros, text, a percent sign or a date."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache, partial
from importlib import import_module

Number = int | float
Show = Callable[[Number], object]

_EXACT = 2**53  # beyond it, floats skip integers
_LONGEST = 255  # characters of a format in Excel
_LARGEST = 10**15  # a spreadsheet has 15 digits
_TOKEN = re.compile(r'"([^"]*)"?|\\(.)|[_*].|(\[[^\]]*\])|(.)', re.DOTALL)
_SECTIONS = re.compile(r';(?=(?:[^"]*"[^"]*")*[^"]*$)(?<!\\;)')
_DIGITS, _ONLY_LOOKS = frozenset("0#."), frozenset(",/?eEgG@")  # thousands, exponents, `General`
_CONDITION = re.compile(r"\[[<>=]")
_ONLY_AT_ENDS = re.compile(r"[-+()\s]*")  # a sign, which is part of a number


def exact(number: Number) -> Number:
    """Return a number as it is stored, except that 12.0 is 12."""
    return int(number) if abs(number) < _EXACT and number == int(number) else number


def general(number: Number) -> Number:
    """Return a number in the digits that a spreadsheet shows: 0.1 + 0.2 is 0.3, and 12.0 is 12."""
    if isinstance(number, int) or not abs(number) < _EXACT:
        return number
    number = float(f"{number:.15g}")
    return int(number) if number.is_integer() else number


@lru_cache(maxsize=4096)
def show(code: str, *, since_1904: bool = False) -> Show:
    """Return the function that shows numbers in a number format.

    Dates are dates and times. Zeros before a number, text around its digits, and percent are text. Thousands
    separators, currency signs and decimals are not a part of the value: it stays a number.

    `code` is such as ``00000`` or ``"SKU-"0``. `since_1904` says whether dates count from 1904, as in workbooks of old
    Macs.
    """
    if len(code) > _LONGEST:
        return general
    # Excel's own formats, with its rules: which are dates, and the year 1900, which it takes for a leap year.
    formats = import_module("openpyxl.styles.numbers")
    if formats.is_date_format(code) and code != "General":
        return _elapsed if formats.is_timedelta_format(code) else partial(_moment, since_1904)
    if _CONDITION.search(code):
        return general
    patterns = [_Pattern.of(section) for section in _SECTIONS.split(code)]
    return partial(_by_sign, patterns) if any(patterns) else general


def _by_sign(patterns: "list[_Pattern | None]", number: Number) -> object:
    """Show a number in the section for its sign: positive, negative, zero."""
    at = 1 if number < 0 else 2 if number == 0 else 0
    own = at < len(patterns)
    pattern = patterns[at if own else 0]
    if pattern is None or abs(number) >= _LARGEST:
        return general(number)
    return f"{'-' if number < 0 and not own else ''}{pattern.fill(abs(number))}"


def _elapsed(number: Number) -> object:
    """Return a number of days as hours, minutes and seconds."""
    minutes, seconds = divmod(round(number * 86_400), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}" if 0 <= number < _LARGEST else number


def _moment(since_1904: bool, number: Number) -> object:  # noqa: FBT001 - bound by `show`
    dates = import_module("openpyxl.utils.datetime")
    try:
        return as_day(dates.from_excel(number, dates.MAC_EPOCH if since_1904 else dates.WINDOWS_EPOCH))
    except (OverflowError, ValueError):  # the spreadsheet shows ####
        return general(number)


def as_day(moment: object) -> object:
    """Return midnight as a date, which is how spreadsheets store one, and a length of time as text."""
    if isinstance(moment, timedelta):
        return _elapsed(moment / timedelta(days=1))
    at_midnight = isinstance(moment, datetime) and moment.time() == time()
    return date(moment.year, moment.month, moment.day) if isinstance(moment, datetime) and at_midnight else moment


@dataclass
class _Pattern:
    """A section of a format whose text is a part of the value.

    `parts` are digits (``0 # ?``), the point, and text in lists of one.
    """

    parts: list[str | list[str]]
    percent: bool

    @classmethod
    def of(cls, section: str) -> "_Pattern | None":
        """Return the pattern of a section, or None if it only formats a number."""
        parts: list[str | list[str]] = []
        for quoted, escaped, bracket, char in _TOKEN.findall(section):
            if (
                bracket[:2] == "[$" and bracket[:3] != "[$-"
            ) or char in _ONLY_LOOKS:  # a currency; thousands, exponents
                return None
            if char in _DIGITS:
                parts.append(char)
            elif text := quoted or escaped or char:
                parts.append([text])
        return cls(parts, ["%"] in parts) if _matters(parts) else None

    def fill(self, number: Number) -> str:
        """Return a positive number in this pattern; digits that do not fit are before its first digit."""
        point = self.parts.index(".") if "." in self.parts else len(self.parts)
        places = sum(isinstance(part, str) for part in self.parts[point + 1 :])
        exact = Decimal(repr(number)) * (100 if self.percent else 1)
        whole, _, fraction = f"{exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP):f}".partition(".")
        return self._whole(self.parts[:point], whole.lstrip("0")) + self._fraction(self.parts[point:], fraction)

    @staticmethod
    def _whole(parts: list[str | list[str]], digits: str) -> str:
        first = next((at for at, part in enumerate(parts) if isinstance(part, str)), -1)
        shown = []
        for at in range(len(parts) - 1, -1, -1):
            part = parts[at]
            if isinstance(part, list):
                shown.append(part[0])
                continue
            taken, digits = (digits, "") if at == first else (digits[-1:], digits[:-1])
            shown.append(taken or ("0" if part == "0" else ""))
        return "".join(reversed(shown))

    @staticmethod
    def _fraction(parts: list[str | list[str]], digits: str) -> str:
        least = sum(part == "0" for part in parts)
        digits = digits[:least] + digits[least:].rstrip("0")
        texts = "".join(part[0] for part in parts if isinstance(part, list))
        return (f".{digits}" if digits else "") + texts


def _matters(parts: list[str | list[str]]) -> bool:
    """Whether the zeros or the text of a pattern are a part of the value."""
    digits = [at for at, part in enumerate(parts) if isinstance(part, str)]
    texts = [(at, part[0]) for at, part in enumerate(parts) if isinstance(part, list)]
    if any(map(_is_money, (text for _, text in texts))):
        return False
    leading = parts[: parts.index(".") if "." in parts else len(parts)].count("0")
    inside = any(min(digits) < at < max(digits) for at, _ in texts if digits)
    return leading > 1 or inside or not all(_ONLY_AT_ENDS.fullmatch(text) for _, text in texts)


def _is_money(text: str) -> bool:
    return any(unicodedata.category(char) == "Sc" for char in text)
