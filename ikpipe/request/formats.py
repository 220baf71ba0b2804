"""How text is read where countries and programs differ: separators of tags, decimal marks, words for booleans. Pure."""

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple, Self

from ikpipe.errors import MappingError, keyword
from ikpipe.request.values import FALSE_WORDS, TRUE_WORDS, check_not_printed, separated, to_flag

_SEPARATOR = re.compile(r'[^\w\[\]"%]+')
_GROUPED = {
    ".": re.compile(r"[+-]?\d{1,3}(?:,\d{3})+\.\d+"),
    ",": re.compile(r"[+-]?\d{1,3}(?:\.\d{3})+,\d+"),
}


class CellFormats(NamedTuple):
    """The formats of a table's text; each field is a keyword of `ikpipe.upload`.

    `tag_separator` is between tags, `decimal` is the decimal mark. `true_values` and `false_values` are words for true
    and false in addition to `true/false`, `yes/no` and `1/0`, in lower case.
    """

    tag_separator: str = ","
    decimal: str = "."
    true_values: tuple[str, ...] = ()
    false_values: tuple[str, ...] = ()

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Self:
        """Return the formats of a mapping, which has those that were passed.

        Raise `MappingError` if a format is not valid.
        """
        separator, decimal = given.get("tag_separator", ","), given.get("decimal", ".")
        if not isinstance(separator, str) or not _SEPARATOR.fullmatch(separator):
            words = "The separator must be a character such as ; or |, not a letter, a digit, a bracket, a quote or %."
            raise MappingError(words, about=keyword("tag_separator", separator))
        if decimal not in (".", ","):
            raise MappingError("The decimal mark must be '.' or ','.", about=keyword("decimal", decimal))
        true, false = (_words(name, given.get(name, ())) for name in ("true_values", "false_values"))
        if both := ({*true} | TRUE_WORDS) & ({*false} | FALSE_WORDS):
            words = f"{min(both)!r} cannot mean both true and false."
            raise MappingError(words, fix="Remove it from one of them.", about=keyword("true_values", list(true)))
        return cls(separator, decimal, true, false)

    def to_flag(self, value: object) -> str:
        """Return ``true`` or ``false`` for a boolean, or for a word for it."""
        word = str(value).strip().lower()
        return "true" if word in self.true_values else "false" if word in self.false_values else to_flag(value)

    def split_tags(self, value: object) -> object:
        """Return separated text as a list of tags; other values, and a JSON list, are returned as they are.

        Raise `InvalidValue` if the text is a list as a program prints it.
        """
        if self.tag_separator == "," or not isinstance(value, str) or value.lstrip().startswith("["):
            return value
        check_not_printed(value)
        return separated(value, self.tag_separator)

    def to_number(self, text: str) -> Decimal:
        """Return the number that a text is.

        Thousands may only be separated if the decimal mark is there too (``1,234.50``): ``1,234`` has two meanings.

        Raise `ArithmeticError` if it is not a number.
        """
        mark, other = (".", ",") if self.decimal == "." else (",", ".")
        text = text.strip()
        if "_" in text or (other in text and not _GROUPED[mark].fullmatch(text)):
            raise InvalidOperation
        return Decimal(text.replace(other, "").replace(mark, "."))


DEFAULT_FORMATS = CellFormats()
FORMATS = CellFormats._fields
"""The names of the keywords."""


def _words(name: str, given: Any) -> tuple[str, ...]:
    """Return words for a boolean in lower case, without repetitions."""
    words = [given] if isinstance(given, str) else given if isinstance(given, (list, tuple, set)) else [None]
    texts = [word.strip().lower() for word in words if isinstance(word, str)]
    if len(texts) < len(words) or not all(texts):
        raise MappingError("The value must be a word, or a list of words.", about=keyword(name, given))
    return tuple(dict.fromkeys(texts))
