"""Frame → rows: which column gives which parameter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from ikpipe.errors import InvalidValue, MappingError, did_you_mean
from ikpipe.frames.cells import plain_cells
from ikpipe.request.columns import cell_types, map_distinct
from ikpipe.request.names import without_slash
from ikpipe.request.parameters import BY_WIRE, TABLE, encode
from ikpipe.request.rows import MappedRows, ValueSource
from ikpipe.request.template import Template
from ikpipe.request.values import tag_list, to_text

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator

    from ikpipe.frames.chunks import Chunk
    from ikpipe.request.rows import Cells

_METADATA = ("custom_metadata.", "customMetadata.")
_SAID = "webhook_url"  # is taken from a column only where the call says so: it has the service tell others of the files


class ColumnMapping:
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
        self._givers: dict[str, list[ValueSource]] = {}
        for parameter, target in (columns or {}).items():
            self._add(_snake(parameter), self._mapped(_snake(parameter), target))
        said = {_snake(parameter) for parameter, value in keywords.items() if not _missing(value)}
        for parameter, givers in self._own_columns(said):
            self._add(parameter, givers)
        for parameter, value in keywords.items():
            if not _missing(value):
                self._add(_snake(parameter), [self._keyword(_snake(parameter), value)])

    def provides(self, parameter: str) -> bool:
        """Tell whether any column or keyword gives this parameter."""
        return parameter in self._givers

    def rows(self, chunk: Chunk) -> MappedRows:
        """Read the parameters of some rows."""
        used = sorted({column for givers in self._givers.values() for giver in givers for column in giver.columns})
        cells = {at: plain_cells(chunk.frame.iloc[:, at], whole=chunk.whole(at)) for at in used}
        return MappedRows(list(chunk.frame.index), chunk.start, self._givers, cells, self._names.label)

    def _add(self, parameter: str, givers: list[ValueSource]) -> None:
        if givers:
            self._givers.setdefault(parameter, []).extend(givers)

    def _mapped(self, parameter: str, target: Any) -> list[ValueSource]:
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

    def _own_columns(self, said: set[str]) -> Iterator[tuple[str, list[ValueSource]]]:
        """Find the columns that are named like one metadata field, or like a parameter, in either spelling.

        Parameters
        ----------
        said
            The parameters that keywords give.
        """
        mapped = set(self._givers)
        keys = dict.fromkeys(key for prefix in _METADATA for key in self._names.below(prefix))
        for key in keys:
            found = [at for prefix in _METADATA for at in self._names.all(f"{prefix}{key}")]
            yield "custom_metadata", [_cell(self._only(f"custom_metadata.{key}", found), key)]
        for parameter, entry in TABLE.items():
            found = [at for name in dict.fromkeys((parameter, entry.wire)) for at in self._names.all(name)]
            if found and parameter == _SAID:
                if parameter not in mapped | said:
                    raise self._unsaid(found[0])
            elif found and parameter not in mapped:
                yield parameter, [_cell(self._only(parameter, found))]
            elif found:
                yield parameter, [_cell(found[0])]

    def _unsaid(self, at: int) -> MappingError:
        name = str(self._names.label(at))
        return MappingError(
            f"The table has a column {name!r}. The address that is notified of each file comes from a column only if "
            f"you map it: pass columns={{{_SAID!r}: {name!r}}} (on the command line --map {_SAID}={name}), or drop or "
            "rename the column."
        )

    def _only(self, parameter: str, found: list[int]) -> int:
        """Take the one column that is named like a parameter; which of two is not to be guessed."""
        if len(found) > 1:
            labels = " and ".join(repr(self._names.label(at)) for at in found)
            raise MappingError(f"The columns {labels} both are {parameter}; say which: columns={{{parameter!r}: …}}.")
        return found[0]

    def _keyword(self, parameter: str, value: Any) -> ValueSource:
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
                text = encode(parameter, value)
            if parameter == "file_name":
                without_slash(text)
        except InvalidValue as bad:
            raise MappingError(f"{bad.message}; {bad.fix}.") from None
        return ValueSource((), lambda _cells, rows: [value] * rows)

    def _template(self, parameter: str, template: Template) -> ValueSource:
        columns = tuple(self._names.find(column, f"{parameter}=…{{{column}}}…") for column in template.columns)

        def fill(*found: Any) -> str:
            texts = []
            for cell, at, name in zip(found, columns, template.columns, strict=True):
                if cell is None:
                    words = f"{parameter}: the cell of {{{name}}} is empty"
                    raise InvalidValue("missing_cell", words, f"fill the column {name!r}", self._names.label(at))
                texts.append(to_text(cell))
            return template.fill(texts)

        def read(cells: Cells, _rows: int) -> list[Any]:
            found = [cells[at] for at in columns]
            return (
                template.fill_all(found)
                if all(cell_types(one) == {str} for one in found)
                else map_distinct(fill, *found)
            )

        return ValueSource(columns, read)


def _check_names(parameters: Iterable[str]) -> None:
    """See that each is a parameter, and that none is given in both spellings."""
    seen = set()
    for parameter in parameters:
        name = _snake(parameter)
        if name == "token":
            raise MappingError("'token' cannot be given: ikpipe signs a token for each attempt.")
        if name not in TABLE:
            raise MappingError(f"There is no upload parameter {parameter!r}{did_you_mean(parameter, TABLE)}.")
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
        """Give a column's label."""
        label: Hashable = self._labels[at]
        return label

    def all(self, name: str) -> list[int]:
        """Find the columns whose labels read like this."""
        return [at for at, text in enumerate(self._texts) if text == name]

    def below(self, prefix: str) -> list[str]:
        """Find the labels that begin like this, and give the rest of each."""
        return [text.removeprefix(prefix) for text in self._texts if text.startswith(prefix)]

    def find(self, name: Any, where: str) -> int:
        """Find the one column of this label, or say which is nearest."""
        found = [at for at, label in enumerate(self._labels) if label == name] or self.all(str(name))
        if not found:
            raise MappingError(f"{where}: the frame has no column {name!r}{did_you_mean(name, self._texts)}.")
        if len(found) > 1:
            raise MappingError(f"{where}: the frame has {len(found)} columns {name!r}; rename all but one.")
        return found[0]


def _cell(at: int, key: str | None = None) -> ValueSource:
    return ValueSource((at,), lambda cells, _rows: cells[at], key)


def _joined(columns: list[int]) -> ValueSource:
    def join(*found: Any) -> list[str] | None:
        return [tag for cell in found if cell is not None for tag in tag_list(cell)] or None

    def read(cells: Cells, rows: int) -> list[Any]:
        return map_distinct(join, *(cells[at] for at in columns)) or [None] * rows

    return ValueSource(tuple(columns), read)
