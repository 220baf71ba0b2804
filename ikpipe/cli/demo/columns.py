"""Rows of text as a table for people, on a terminal or in a file."""

from __future__ import annotations

from itertools import zip_longest
from textwrap import wrap
from typing import TYPE_CHECKING
from unicodedata import combining, east_asian_width

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_GAP = "  "
_NARROWEST = 12  # cells of the terminal; less is no use for a sentence


def columns(rows: Iterable[Sequence[str]], *, width: int, indent: int = 0) -> str:
    """Set the rows out in columns, and break their last cells into lines where the terminal is too narrow.

    Parameters
    ----------
    rows
        The first may be headings. All rows have equally many cells.
    width
        Of the terminal, in character cells.
    indent
        Spaces before each line.
    """
    table = [[" ".join(cell.split()) for cell in row] for row in rows]
    widths = _fit([max(map(cells, column)) for column in zip(*table, strict=True)], width - indent)
    return "\n".join(" " * indent + line for row in table for line in _lines(row, widths))


def cells(text: str) -> int:
    """Count the terminal's cells that the text takes: two for a wide letter, none for an accent that combines."""
    return sum(0 if combining(letter) else 1 + (east_asian_width(letter) in "WF") for letter in text)


def _fit(widths: list[int], room: int) -> list[int]:
    """Take what is missing from the widest columns, a cell at a time, so that short ones stay whole."""
    fitted = list(widths)
    while sum(fitted) + len(_GAP) * (len(fitted) - 1) > room and max(fitted) > _NARROWEST:
        fitted[fitted.index(max(fitted))] -= 1
    return fitted


def _lines(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    wrapped = [_wrap(cell, width) for cell, width in zip(row, widths, strict=True)]
    return [
        _GAP.join(part + " " * (width - cells(part)) for part, width in zip(line, widths, strict=True)).rstrip()
        for line in zip_longest(*wrapped, fillvalue="")
    ]


def _wrap(text: str, width: int) -> list[str]:
    # textwrap counts letters; each wide one takes a second cell.
    spare = cells(text) - len(text)
    return wrap(text, max(1, width - (spare if len(text) > width // 2 else 0))) or [""]
