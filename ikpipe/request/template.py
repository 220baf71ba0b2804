"""Text with `{column}` in it: `"{sku}.jpg"`. Pure."""

from __future__ import annotations

import re
from itertools import repeat
from typing import TYPE_CHECKING, NamedTuple

from ikpipe.errors import MappingError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


class Template(NamedTuple):
    """A template, parted: the texts between the columns, and the columns' names (one fewer)."""

    texts: tuple[str, ...]
    columns: tuple[str, ...]

    @classmethod
    def read(cls, parameter: str, text: str) -> Template:
        """Part a keyword's text; ``{{`` and ``}}`` are braces.

        Raises
        ------
        MappingError
            A brace stands alone.
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
                raise MappingError(
                    f"{parameter}={text!r}: a brace stands alone; write {{{{ or }}}} for a brace itself."
                )
        texts[-1] += text[end:]
        return cls(tuple(texts), tuple(columns))

    def fill(self, values: list[str]) -> str:
        """Put one value in each column's place."""
        return self.texts[0] + "".join(value + text for value, text in zip(values, self.texts[1:], strict=True))

    def fill_all(self, columns: Sequence[Iterable[str]]) -> list[str]:
        """Put the values of many rows in their places, given column by column."""
        places = [place for pair in zip(columns, map(repeat, self.texts[1:]), strict=True) for place in pair]
        return list(map("".join, zip(repeat(self.texts[0]), *places, strict=False)))
