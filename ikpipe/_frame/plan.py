"""Frame → rows: which column gives which parameter, and each row's values."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from ikpipe._cells import plain_cells
from ikpipe._errors import BadValue, MappingError, Problem, nearest
from ikpipe._parameters import BY_WIRE, TABLE, encode, json_object, plain, tag_list
from ikpipe._template import Template

if TYPE_CHECKING:
    from ikpipe._frame.feed import Chunk

_METADATA = ("custom_metadata.", "customMetadata.")


class Row(NamedTuple):
    """One row of a frame: its place, each parameter's value, and the column that gave it.

    `trouble` are the values that could not be had at all, by parameter.
    """

    label: Any
    position: int
    values: dict[str, Any]
    columns: dict[str, Hashable]
    trouble: list[tuple[str, BadValue]]

    def problem(self, parameter: str, bad: BadValue) -> Problem:
        """Name this row, and the column where there is one, in a problem."""
        column = bad.column
        if column is None:
            column = self.columns.get(parameter, self.columns.get(parameter.partition(".")[0]))
        # Half a character, in a metadata key say, fits into no column of text.
        name, message, fix = (
            text.encode("utf-8", "backslashreplace").decode() for text in (parameter, bad.message, bad.fix)
        )
        return Problem(self.label, self.position, column, name, bad.code, message, fix)


_Cells = Mapping[int, Sequence[Any]]


class _Giver(NamedTuple):
    """One place that a parameter's value may come from: the columns it reads, and how."""

    columns: tuple[int, ...]
    value: Callable[[_Cells, int], Any]
    key: str | None = None  # of custom metadata, where the place gives just one


class Plan:
    """The mapping of a table's columns, checked as far as it can be without looking at a cell.

    Parameters
    ----------
    labels
        The labels of the table's columns.
    columns
        Parameter → column; a list of columns for `tags`; ``{field: column}`` for `custom_metadata`.
    keywords
        Parameter → value or template, the same for every row.

    Raises
    ------
    MappingError
        A column, parameter, template or constant is wrong; the message names the nearest right one.
    """

    def __init__(self, labels: pd.Index[Any], columns: Mapping[str, Any] | None, keywords: Mapping[str, Any]) -> None:
        self._names = _Names(labels)
        _check_names(columns or {})
        _check_names(keywords)
        self._givers: dict[str, list[_Giver]] = {}
        for parameter, target in (columns or {}).items():
            self._add(_snake(parameter), self._mapped(_snake(parameter), target))
        for parameter, givers in self._own_columns():
            self._add(parameter, givers)
        for parameter, value in keywords.items():
            if not _missing(value):
                self._add(_snake(parameter), [self._keyword(_snake(parameter), value)])

    def gives(self, parameter: str) -> bool:
        """Tell whether any column or keyword gives this parameter."""
        return parameter in self._givers

    def rows(self, chunk: Chunk) -> list[Row]:
        """Read the parameters of some rows."""
        used = sorted({column for givers in self._givers.values() for giver in givers for column in giver.columns})
        cells = {at: plain_cells(chunk.frame.iloc[:, at], whole=chunk.whole(at)) for at in used}
        labels = enumerate(chunk.frame.index)
        return [self._row(cells, offset, label, chunk.start + offset) for offset, label in labels]

    def _row(self, cells: _Cells, offset: int, label: Any, position: int) -> Row:
        row = Row(label, position, {}, {}, [])
        for parameter, givers in self._givers.items():
            try:
                if parameter == "custom_metadata":
                    self._merge(row, givers, cells, offset)
                else:
                    self._first(row, parameter, givers, cells, offset)
            except BadValue as bad:
                row.trouble.append((parameter, bad))
        return row

    def _first(self, row: Row, parameter: str, givers: list[_Giver], cells: _Cells, offset: int) -> None:
        """Take the value of the first giver that has one."""
        for giver in givers:
            value = giver.value(cells, offset)
            if value is not None:
                row.values[parameter] = value
                if giver.columns:
                    row.columns[parameter] = self._names.label(giver.columns[0])
                return

    def _merge(self, row: Row, givers: list[_Giver], cells: _Cells, offset: int) -> None:
        """Take each key of the custom metadata from the first giver that has it."""
        merged: dict[str, Any] = {}
        for giver in givers:
            value = giver.value(cells, offset)
            if value is None:
                continue
            found = {giver.key: value} if giver.key is not None else json_object(value)
            merged = merged | found | merged
            for key in found if giver.columns else ():
                row.columns.setdefault(f"custom_metadata.{key}", self._names.label(giver.columns[0]))
        if merged:
            row.values["custom_metadata"] = merged

    def _add(self, parameter: str, givers: list[_Giver]) -> None:
        if givers:
            self._givers.setdefault(parameter, []).extend(givers)

    def _mapped(self, parameter: str, target: Any) -> list[_Giver]:
        """Read an entry of `columns=`."""
        if parameter == "custom_metadata" and isinstance(target, list):
            target = {str(column): column for column in target}
        if parameter == "custom_metadata" and isinstance(target, Mapping):
            return [_cell(self._names.find(column, f"columns[{parameter!r}]"), key) for key, column in target.items()]
        if isinstance(target, Mapping) or (isinstance(target, list) and parameter != "tags"):
            raise MappingError(f"columns[{parameter!r}] is {target!r}; only tags take a list, custom_metadata a dict.")
        if isinstance(target, list):
            return [_joined([self._names.find(column, f"columns[{parameter!r}]") for column in target])]
        return [_cell(self._names.find(target, f"columns[{parameter!r}]"))]

    def _own_columns(self) -> Iterator[tuple[str, list[_Giver]]]:
        """Find the columns that are named like one metadata field, or like a parameter, in either spelling."""
        mapped = set(self._givers)
        keys = dict.fromkeys(key for prefix in _METADATA for key in self._names.below(prefix))
        for key in keys:
            found = [at for prefix in _METADATA for at in self._names.all(f"{prefix}{key}")]
            yield "custom_metadata", [_cell(self._only(f"custom_metadata.{key}", found), key)]
        for parameter, entry in TABLE.items():
            found = [at for name in dict.fromkeys((parameter, entry.wire)) for at in self._names.all(name)]
            if found and parameter not in mapped:
                yield parameter, [_cell(self._only(parameter, found))]
            elif found:
                yield parameter, [_cell(found[0])]

    def _only(self, parameter: str, found: list[int]) -> int:
        """Take the one column that is named like a parameter; which of two is not to be guessed."""
        if len(found) > 1:
            labels = " and ".join(repr(self._names.label(at)) for at in found)
            raise MappingError(f"The columns {labels} both are {parameter}; say which: columns={{{parameter!r}: …}}.")
        return found[0]

    def _keyword(self, parameter: str, value: Any) -> _Giver:
        """Read a keyword: a template, or a constant, whose rule is checked at once."""
        if parameter == "tags" and isinstance(value, list) and any("{" in str(tag) for tag in value):
            value = ",".join(map(str, value))
        if TABLE[parameter].template and isinstance(value, str):
            template = Template.read(parameter, value)
            if template.columns:
                return self._template(parameter, template)
            value = template.fill([])
        try:
            if parameter != "file":
                encode(parameter, value)
        except BadValue as bad:
            raise MappingError(f"{bad.message}; {bad.fix}.") from None
        return _Giver((), lambda _cells, _offset: value)

    def _template(self, parameter: str, template: Template) -> _Giver:
        columns = tuple(self._names.find(column, f"{parameter}=…{{{column}}}…") for column in template.columns)

        def value(cells: _Cells, offset: int) -> str:
            texts = []
            for at, name in zip(columns, template.columns, strict=True):
                cell = cells[at][offset]
                if cell is None:
                    words = f"{parameter}: the cell of {{{name}}} is empty"
                    raise BadValue("missing_cell", words, f"fill the column {name!r}", self._names.label(at))
                texts.append(plain(cell))
            return template.fill(texts)

        return _Giver(columns, value)


def _check_names(parameters: Iterable[str]) -> None:
    """See that each is a parameter, and that none is given in both spellings."""
    seen = set()
    for parameter in parameters:
        name = _snake(parameter)
        if name == "token":
            raise MappingError("'token' cannot be given: ikpipe signs a token for each attempt.")
        if name not in TABLE:
            raise MappingError(f"There is no upload parameter {parameter!r}{nearest(parameter, TABLE)}.")
        if name in seen:
            raise MappingError(f"{name} is given twice, in both spellings; keep one of them.")
        seen.add(name)


def _missing(value: Any) -> bool:
    """Tell whether a keyword means "not given", as such a cell would."""
    return (isinstance(value, str) and not value) or (pd.api.types.is_scalar(value) and bool(pd.isna(value)))


def _snake(parameter: str) -> str:
    return BY_WIRE.get(parameter, parameter)


class _Names:
    """A frame's column labels, found by what people type."""

    def __init__(self, labels: pd.Index[Any]) -> None:
        self._labels = list(labels)
        self._texts = [str(label).removeprefix("\ufeff") for label in self._labels]

    def label(self, at: int) -> Hashable:
        label: Hashable = self._labels[at]
        return label

    def all(self, name: str) -> list[int]:
        return [at for at, text in enumerate(self._texts) if text == name]

    def below(self, prefix: str) -> list[str]:
        return [text.removeprefix(prefix) for text in self._texts if text.startswith(prefix)]

    def find(self, name: Any, where: str) -> int:
        """Find the one column of this label, or say which is nearest."""
        found = [at for at, label in enumerate(self._labels) if label == name] or self.all(str(name))
        if not found:
            raise MappingError(f"{where}: the frame has no column {name!r}{nearest(name, self._texts)}.")
        if len(found) > 1:
            raise MappingError(f"{where}: the frame has {len(found)} columns {name!r}; rename all but one.")
        return found[0]


def _cell(at: int, key: str | None = None) -> _Giver:
    return _Giver((at,), lambda cells, offset: cells[at][offset], key)


def _joined(columns: list[int]) -> _Giver:
    def value(cells: _Cells, offset: int) -> list[str] | None:
        found = [cells[at][offset] for at in columns]
        return [tag for cell in found if cell is not None for tag in tag_list(cell)] or None

    return _Giver(tuple(columns), value)
