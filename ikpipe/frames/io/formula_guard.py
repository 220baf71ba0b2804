"""Cells that a spreadsheet would take for a formula, made harmless, and back.

The rule is OWASP's on "CSV injection" (docs): a formula begins with one of ``= + - @``, their full-width forms, a tab
or a line break, and quotes or spaces before it do not help.
"""

import re

_FORMULA = re.compile(r"""[\s'"]*[=+\-@＝＋－＠\t\r\n]""")  # noqa: RUF001 - the full-width forms are meant
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


def guarded(cell: str) -> str:
    """Put an apostrophe before a cell that would be a formula; a plain number is none."""
    return f"'{cell}" if _FORMULA.match(cell) and not _NUMBER.fullmatch(cell) else cell


def is_guarded(cell: str) -> bool:
    """Tell whether the cell looks as `guarded` would leave it."""
    return cell.startswith("'") and _FORMULA.match(cell, 1) is not None


def unguarded(cell: str) -> str:
    """Take the apostrophe of `guarded` off again."""
    return cell[1:] if is_guarded(cell) else cell
