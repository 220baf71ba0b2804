"""Templates: text with `{column}` in it, such as `"{sku}.jpg"`. Pure."""

from __future__ import annotations

import re
from itertools import repeat
from typing import TYPE_CHECKING, NamedTuple

from ikpipe.errors import MappingError, keyword

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


class Template(NamedTuple):
    """A parsed template: the texts between the columns, and the columns' names (one fewer)."""

    texts: tuple[str, ...]
    columns: tuple[str, ...]

    @classmethod
    def read(cls, parameter: str, text: str) -> Template:
        """Return the template of a keyword's text; ``{{`` and ``}}`` are braces.

        Raises
        ------
        MappingError
            There is a single brace.
        """
        texts, columns, end = [""], [], 0
        for piece in _PIECE.finditer(text):
            texts[-1] += text[end : piece.start()]
            end = piece.end()
            if piece[0] in ("{{", "}}"):
                texts[-1] += piece[0][0]
            elif piece[1] is not None:
                columns.append(piece[1])
                texts.append("")
            else:
                fix = "Write {column} for a column, and {{ or }} for a brace."
                raise MappingError("There is a single brace.", fix=fix, about=keyword(parameter, text))
        texts[-1] += text[end:]
        return cls(tuple(texts), tuple(columns))

    def fill(self, values: list[str]) -> str:
        """Return the text with one value for each column."""
        return self.texts[0] + "".join(value + text for value, text in zip(values, self.texts[1:], strict=True))

    def fill_all(self, columns: Sequence[Iterable[str]]) -> list[str]:
        """Return the texts of many rows, from the values of each column."""
        places = [place for pair in zip(columns, map(repeat, self.texts[1:]), strict=True) for place in pair]
        return list(map("".join, zip(repeat(self.texts[0]), *places, strict=False)))
