"""Escape cells that a spreadsheet would run as formulas, and unescape them.

By OWASP's rule on "CSV injection" (docs), a formula starts with one of ``= + - @``, their full-width forms, a tab or a
line break, even after quotes or spaces.
"""

import re

_FORMULA = re.compile(r"""[\s'"]*[=+\-@＝＋－＠\t\r\n]""")  # noqa: RUF001 - full-width forms
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


def guarded(cell: str) -> str:
    """Return a cell with an apostrophe before it if it would be a formula; a plain number is not one."""
    return f"'{cell}" if _FORMULA.match(cell) and not _NUMBER.fullmatch(cell) else cell


def is_guarded(cell: str) -> bool:
    """Whether the cell could be a result of `guarded`."""
    return cell.startswith("'") and _FORMULA.match(cell, 1) is not None


def unguarded(cell: str) -> str:
    """Return a cell without the apostrophe of `guarded`."""
    return cell[1:] if is_guarded(cell) else cell
