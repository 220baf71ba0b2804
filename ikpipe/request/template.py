"""Templates: text with `{column}` in it, such as `"{sku|slug}-{row:03d}.jpg"`. Pure.

A placeholder is a name, then a format after ``:``, then filters after ``|``. The longest name that is a column wins, so
a column ``a|b`` or ``row`` is never taken for anything else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from typing import Any, NamedTuple

from ikpipe.errors import InvalidValue, MappingError, did_you_mean, keyword, quoted
from ikpipe.request.columns import cell_types, map_distinct, map_present
from ikpipe.request.formats import CellFormats
from ikpipe.request.locations import FILE_PARTS
from ikpipe.request.rows import FILE, ROW, Cells, ValueSource
from ikpipe.request.template_filters import DEFAULT, FILTERS
from ikpipe.request.template_formats import check_format, format_cell
from ikpipe.request.values import to_text

_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
SPECIAL = {"row": ROW, **dict.fromkeys(FILE_PARTS, FILE)}


class Placeholder(NamedTuple):
    """One ``{…}`` of a template.

    `text` is what is in the braces. `name` is a column's label, or ``row`` or ``file.…`` if `special`. `filters` are
    names with their texts.
    """

    text: str
    name: str
    special: bool = False
    format: str = ""
    filters: tuple[tuple[str, str], ...] = ()

    @classmethod
    def read(cls, text: str, is_column: Callable[[str], bool]) -> Placeholder:
        """Return the placeholder of the text in braces; raise `MappingError` if a format or a filter is not valid."""
        if is_column(text):
            return cls(text, text)
        name = _name(text, is_column)
        head, *filters = text[len(name) :].lstrip().split("|")
        form = head.removeprefix(":").rstrip() if filters else head.removeprefix(":")
        if head:
            check_format(form)
        special = name in SPECIAL and not is_column(name)
        return cls(text, name, special, form, tuple(map(_read_filter, filters)))

    def texts(self, cells: Sequence[Any], formats: CellFormats) -> list[Any]:
        """Return the text for each cell: None for a missing one, an `InvalidValue` for one that does not fit."""
        if self.special and (part := FILE_PARTS.get(self.name)):
            cells = map_present(part, cells)
        if not (self.format or self.filters) and cell_types(cells) == {str}:
            return list(cells)
        return map_distinct(lambda cell: self._render(cell, formats), cells)

    def _render(self, cell: Any, formats: CellFormats) -> str | None:
        """Return the text for a cell, or None if the cell is missing and the placeholder has no default."""
        text = None if cell is None else format_cell(cell, self.format, formats) if self.format else to_text(cell)
        for name, argument in self.filters:
            text = text or argument if name == DEFAULT else None if text is None else FILTERS[name](text)
        if text == "" and cell != "" and DEFAULT not in dict(self.filters):
            fix = "Correct the value, or add a default, such as |default:none."
            raise InvalidValue("missing_cell", f"{{{self.text}}} leaves nothing of {quoted(cell)}.", fix)
        return text


def _name(text: str, is_column: Callable[[str], bool]) -> str:
    """Return the name at the start of a placeholder's text: the longest one that is a column, else the shortest."""
    heads = [text[: mark.start()] for mark in re.finditer(r"[:|]", text)][::-1]
    names = (*heads, *map(str.rstrip, heads))  # "{sku | slug}": a space before a filter is not part of the name
    return next(filter(is_column, names), heads[-1].rstrip() if heads else text)


def _read_filter(text: str) -> tuple[str, str]:
    """Return a filter's name and its text."""
    name, colon, argument = text.strip().partition(":")
    known = ", ".join([*FILTERS, f"{DEFAULT}:text"])
    if name not in FILTERS and name != DEFAULT:
        words = f"There is no filter {name!r}{did_you_mean(name, [*FILTERS, DEFAULT])}."
        raise MappingError(words, fix=f"Use one of {known}.")
    if bool(colon) != (name == DEFAULT):
        words = f"The filter {name} needs a text." if name == DEFAULT else f"The filter {name} takes no text."
        raise MappingError(words, fix=f"Use one of {known}.")
    return name, argument


class Template(NamedTuple):
    """A parsed template: the texts between the placeholders, and the placeholders (one fewer)."""

    texts: tuple[str, ...]
    placeholders: tuple[Placeholder, ...]

    @classmethod
    def read(cls, parameter: str, text: str, is_column: Callable[[str], bool] = lambda _name: False) -> Template:
        """Return the template of a keyword's text; ``{{`` and ``}}`` are braces.

        `parameter` and `text` are the keyword and its value. `is_column` says whether the table has a column with a
        label. Raise `MappingError` if there is a single brace, or a format or filter is not valid.
        """
        texts, placeholders, end = [""], [], 0
        for piece in _PIECE.finditer(text):
            texts[-1] += text[end : piece.start()]
            end = piece.end()
            if piece[0] in ("{{", "}}"):
                texts[-1] += piece[0][0]
            elif piece[1] is not None:
                try:
                    placeholders.append(Placeholder.read(piece[1], is_column))
                except MappingError as error:
                    raise MappingError(error.message, fix=error.fix, about=keyword(parameter, piece[0])) from None
                texts.append("")
            else:
                fix = "Write {column} for a column, and {{ or }} for a brace."
                raise MappingError("There is a single brace.", fix=fix, about=keyword(parameter, text))
        texts[-1] += text[end:]
        return cls(tuple(texts), tuple(placeholders))

    def fill_all(self, columns: Sequence[Iterable[str]]) -> list[str]:
        """Return the texts of many rows, from the texts of each placeholder."""
        places = [place for pair in zip(columns, map(repeat, self.texts[1:]), strict=True) for place in pair]
        return list(map("".join, zip(repeat(self.texts[0]), *places, strict=False)))

    def source(
        self, label: str, find: Callable[[Placeholder], int], labels: Callable[[int], Any], formats: CellFormats
    ) -> ValueSource:
        """Return the source of the texts of a table's rows.

        `label` is the parameter, as the subject of messages. `find` returns the place of a placeholder's column,
        `labels` the label of the column at a place. `formats` say how numbers in text are written.
        """
        places = tuple(SPECIAL[one.name] if one.special else find(one) for one in self.placeholders)

        def read(cells: Cells, _rows: int) -> list[Any]:
            """Return the texts of the rows."""
            columns = [one.texts(cells[at], formats) for one, at in zip(self.placeholders, places, strict=True)]
            if all(cell_types(column) == {str} for column in columns):
                return self.fill_all(columns)
            problems = [
                self._problem(label, one, labels, at) for one, at in zip(self.placeholders, places, strict=True)
            ]
            return [self._filled(texts, problems) for texts in zip(*columns, strict=True)]

        return ValueSource(places, read)

    def _filled(self, texts: Iterable[Any], missing: list[InvalidValue]) -> str | InvalidValue:
        """Return the text of a row, or its first problem, with the column that has it."""
        for text, problem in zip(texts, missing, strict=True):
            if isinstance(text, InvalidValue):
                return text.at(problem.column)
            if text is None:
                return problem
        return self.texts[0] + "".join(value + text for value, text in zip(texts, self.texts[1:], strict=True))

    def _problem(self, label: str, one: Placeholder, labels: Callable[[int], Any], at: int) -> InvalidValue:
        """Return the problem of a row without a value for a placeholder."""
        if one.special:
            words = f"{label} needs {{{one.text}}}, but the file of this row has no name of its own."
            fix = "Use a column instead, or add a default, such as |default:none."
            return InvalidValue("missing_cell", words, fix)
        words = f"{label} needs the column {quoted(one.name)}, which is empty in this row."
        return InvalidValue("missing_cell", words, "Fill in the cell.", labels(at))
