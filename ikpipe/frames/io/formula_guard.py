"""Escape text that a spreadsheet would run as formulas, and unescape it.

By OWASP's rule on "CSV injection" (docs), a formula starts with one of ``= + - @``, their full-width forms, a tab or a
line break, even after quotes or spaces; so it does after characters that nobody sees. A spreadsheet whose locale has
another delimiter than the file also splits text at semicolons, commas, tabs and line breaks.
"""

import re

_UNSEEN = (
    r"\s\x00-\x1f\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    r"\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb"
)
_START = rf"""[{_UNSEEN}'"]*[=+\-@＝＋－＠]"""  # noqa: RUF001 - full-width forms
_FORMULA = re.compile(rf"{_START}|[{_UNSEEN}'\"]*[\t\r\n]")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_INSIDE = {
    delimiter: re.compile(rf"[{others}](?={_START})")
    for delimiter, others in {",": r";\t\r\n", ";": r",\t\r\n"}.items()
}
_GUARDED_INSIDE = re.compile(rf"([;,\t\r\n])'(?={_START})")


def guarded(text: str, delimiter: str = ",") -> str:
    """Return a cell with an apostrophe wherever a formula would start; a plain number is not one.

    `delimiter` is that of the file, at which no spreadsheet splits a cell.
    """
    if _NUMBER.fullmatch(text):
        return text
    text = _INSIDE[delimiter].sub(r"\g<0>'", text)
    return f"'{text}" if _FORMULA.match(text) else text


def is_guarded(text: str) -> bool:
    """Whether a cell could be a result of `guarded`, and differ from what was guarded."""
    return unguarded(text) != text


def unguarded(text: str) -> str:
    """Return a cell without the apostrophes of `guarded`."""
    if "'" not in text:  # as in most cells, for which the patterns take much longer
        return text
    text = text[1:] if text.startswith("'") and _FORMULA.match(text, 1) else text
    return _GUARDED_INSIDE.sub(r"\1", text)
