"""Formats in templates: `{n:05d}` as Python formats numbers and text, `{day:%Y-%m-%d}` as `strftime` formats dates."""

import datetime
import re
from decimal import Decimal
from typing import Any

from ikpipe.errors import InvalidValue, MappingError, quoted
from ikpipe.request.formats import DEFAULT_FORMATS, CellFormats
from ikpipe.request.values import EXACT_FLOATS, iso_date, lost_digits, to_text

# Python's format specification: https://docs.python.org/3/library/string.html#format-specification-mini-language
_SPEC = re.compile(
    r"(?:.?(?P<align>[<>=^]))?(?P<number>[-+ ]?#?0?)(?P<width>\d*)(?P<group>[,_]?)"
    r"(?:\.(?P<precision>\d+))?(?P<type>[bdeEfFgGosxX%]?)"
)
_INTEGERS = tuple("bdoxX")
_DIRECTIVE = re.compile(r"%(-?)(.?)", re.DOTALL)
_DIRECTIVES = {"": "aAwdbBmyYHIpMSfzZjUWcxXGuV%", "-": "dmHIMSjy"}  # of every platform, and without leading zeros
_LONGEST = 300  # characters of a formatted value: more than a name can have
_VALID = "Use a number format such as 05d, .2f or ,d, a date format such as %Y-%m-%d, or a width such as >8."


def check_format(spec: str) -> None:
    """Check the format of a placeholder.

    Raise `MappingError` if it is not valid for any value; the message lists valid ones.
    """
    parts = _SPEC.fullmatch(spec)
    if parts is None and _is_for_dates(spec):
        return
    if parts is None or not spec:
        raise MappingError(f"The format {spec!r} is not valid.", fix=_VALID)
    if max(int(parts["width"] or 0), int(parts["precision"] or 0)) > _LONGEST:
        raise MappingError(f"The format {spec!r} is longer than {_LONGEST} characters.", fix=_VALID)
    example: Any = 7 if spec.endswith(_INTEGERS) else Decimal("0.5")
    try:
        format_cell(example, spec, DEFAULT_FORMATS)
    except ValueError as error:
        raise MappingError(f"The format {spec!r} is not valid: {error}.", fix=_VALID) from None


def _is_for_dates(spec: str) -> bool:
    """Whether a format has directives of `strftime`, and all of them are known on every platform."""
    directives = _DIRECTIVE.findall(spec)
    return bool(directives) and all(letter and letter in _DIRECTIVES[dash] for dash, letter in directives)


def _is_for_numbers(spec: str) -> bool:
    """Whether a format is for numbers alone; others, such as ``>8``, are for any value as text."""
    parts = _SPEC.fullmatch(spec)
    if parts is None:
        return False
    return bool(parts["number"] or parts["group"]) or parts["align"] == "=" or parts["type"] not in ("", "s")


def format_cell(cell: Any, spec: str, formats: CellFormats) -> str:
    """Return a cell in the format of a placeholder; numbers and dates may be text.

    Raise `InvalidValue` if the format does not fit the cell.
    """
    if _SPEC.fullmatch(spec) is None:
        return _to_date(cell, spec).strftime(spec)
    if _is_for_numbers(spec):
        return _number_text(_to_number(cell, spec, formats), spec)
    return format(to_text(cell), spec)


def _to_date(cell: Any, spec: str) -> datetime.date:
    if isinstance(cell, datetime.date):
        return cell
    try:
        return datetime.datetime.fromisoformat(iso_date(cell if isinstance(cell, str) else ""))
    except ValueError:
        words = f"{quoted(cell)} is not a date, which the format {spec} needs."
        raise InvalidValue("wrong_type", words, "Use a date, such as 2026-11-23.") from None


def _to_number(cell: Any, spec: str, formats: CellFormats) -> int | Decimal:
    """Return the number of a cell, an integer if the format is for integers."""
    number = cell
    try:
        if isinstance(cell, str):
            number = formats.to_number(cell)
        elif isinstance(cell, float):
            number = Decimal(float.__repr__(cell))  # the digits that the user sees
    except ArithmeticError:
        number = None
    if isinstance(number, bool) or not isinstance(number, (int, Decimal)) or not _is_short(number):
        words = f"{quoted(cell)} is not a number, which the format {spec} needs."
        raise InvalidValue("wrong_type", words, f"Use a number, such as 12{formats.decimal}5.")
    if isinstance(cell, float) and abs(cell) >= EXACT_FLOATS:
        raise lost_digits(cell)
    return _to_integer(number, cell, spec) if spec.endswith(_INTEGERS) else number


def _is_short(number: int | Decimal) -> bool:
    """Whether a number is finite, and not so large or small that its digits would take all memory."""
    exact = Decimal(number)
    return exact.is_finite() and (not exact or -_LONGEST < exact.adjusted() < _LONGEST)


def _to_integer(number: int | Decimal, cell: Any, spec: str) -> int:
    if "E+" in str(number):  # "1.23E+11", as spreadsheets shorten long numbers
        raise lost_digits(cell)
    if number != int(number):
        words = f"{quoted(cell)} is not a whole number, which the format {spec} needs."
        raise InvalidValue("wrong_type", words, "Correct the number, or use a format such as .2f.")
    return int(number)


def _number_text(number: int | Decimal, spec: str) -> str:
    """Return a number in a format; before Python 3.13, decimals cannot be grouped by underscores."""
    if isinstance(number, Decimal) and "_" in spec:
        return format(number, spec.replace("_", ",")).replace(",", "_")
    return format(number, spec)
