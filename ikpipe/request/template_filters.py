"""The filters of templates: functions from text to text. Pure."""

from collections.abc import Callable
from unicodedata import category, combining, normalize

from ikpipe.errors import InvalidValue, quoted

DEFAULT = "default"
"""The filter that takes a text, for missing cells."""


def slug(text: str) -> str:
    """Return text in lower case, with ``-`` instead of everything but letters, marks and numerals of any script."""
    lower = normalize("NFKC", normalize("NFKC", text).lower())
    return "-".join("".join(char if category(char)[0] in "LMN" else " " for char in lower).split())


# Latin letters that Unicode does not decompose, as passports and library catalogs write them.
_LETTERS = {"ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D"}
_LETTERS |= {"ł": "l", "Ł": "L", "þ": "th", "Þ": "Th", "ð": "d", "Ð": "D", "\u0131": "i", "ħ": "h", "Ħ": "H"}
_PUNCTUATION = {"Pd": "-", "Pi": "'", "Pf": "'", "Zs": " "}


def to_ascii(text: str) -> str:
    """Return text with Latin letters as plain ones: ``Größe`` becomes ``Grosse``.

    Raise `InvalidValue` if it has other letters or symbols, which ASCII cannot replace.
    """
    plain = "".join(
        _LETTERS.get(char) or _PUNCTUATION.get(category(char), char)
        for char in normalize("NFKD", text)
        if not combining(char)
    )
    if not plain.isascii():
        bad = next(char for char in plain if not char.isascii())
        words = f"{quoted(text)} cannot be written in ASCII, because of {quoted(bad)}."
        raise InvalidValue("bad_character", words, "Remove the filter ascii, or replace the character.")
    return plain


FILTERS: dict[str, Callable[[str], str]] = {
    "slug": slug,
    "lower": str.lower,
    "upper": str.upper,
    "strip": str.strip,
    "ascii": to_ascii,
}
