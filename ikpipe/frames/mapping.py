"""Map the columns of a table and the keywords of a call to upload parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import pandas as pd

from ikpipe.errors import ApiName, InvalidValue, MappingError, Message, did_you_mean, keyword, quoted
from ikpipe.frames.cells import plain_cells
from ikpipe.request.columns import cell_types, map_distinct
from ikpipe.request.formats import DEFAULT_FORMATS, CellFormats
from ikpipe.request.names import without_slash
from ikpipe.request.parameters import BY_WIRE, TABLE, encode, text_reader
from ikpipe.request.rows import MappedRows, ValueSource
from ikpipe.request.template import Template
from ikpipe.request.values import tag_list, to_text

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator

    from ikpipe.frames.chunks import Chunk
    from ikpipe.request.rows import Cells

_METADATA = ("custom_metadata.", "customMetadata.")
_EXPLICIT = "webhook_url"  # never mapped by a column's name alone: ImageKit sends data about the files to this URL


class ColumnMapping:
    """The mapping of a table's columns to parameters, checked without reading cells.

    Parameters
    ----------
    labels
        The labels of the table's columns.
    columns
        Parameter → column; a list of columns for `tags`; ``{field: column}`` for `custom_metadata`.
    keywords
        Parameter → value or template, for every row.
    formats
        How text is read.

    Raises
    ------
    MappingError
        A column, parameter, template or constant is wrong; the message suggests the most similar name.
    """

    def __init__(
        self,
        labels: pd.Index[Any],
        columns: Mapping[str, Any] | None,
        keywords: Mapping[str, Any],
        formats: CellFormats = DEFAULT_FORMATS,
    ) -> None:
        self.formats = formats
        self._names = _Names(labels)
        _check_names(columns or {})
        _check_names(keywords)
        self._sources: dict[str, list[ValueSource]] = {}
        for parameter, target in (columns or {}).items():
            self._add(_snake(parameter), self._mapped(_snake(parameter), target))
        passed = {_snake(parameter) for parameter, value in keywords.items() if not _missing(value)}
        for parameter, sources in self._own_columns(passed):
            self._add(parameter, sources)
        for parameter, value in keywords.items():
            if not _missing(value):
                self._add(_snake(parameter), [self._keyword(_snake(parameter), value)])

    @classmethod
    def read(cls, labels: pd.Index[Any], mapping: Mapping[str, Any]) -> Self:
        """Return the mapping of a run, as `prepare.collect_mapping` returns it, for a table with these labels."""
        formats = CellFormats.read(mapping.get("formats", {}))
        return cls(labels, mapping["columns"], mapping["parameters"], formats)

    def provides(self, parameter: str) -> bool:
        """Whether any column or keyword gives this parameter."""
        return parameter in self._sources

    def rows(self, chunk: Chunk) -> MappedRows:
        """Return the mapped rows of a chunk."""
        used = sorted({column for sources in self._sources.values() for source in sources for column in source.columns})
        cells = {at: plain_cells(chunk.frame.iloc[:, at], integers=chunk.has_integers(at)) for at in used}
        return MappedRows(list(chunk.frame.index), chunk.start, self._sources, cells, self._names.label)

    def _add(self, parameter: str, sources: list[ValueSource]) -> None:
        if sources:
            self._sources.setdefault(parameter, []).extend(self._formatted(parameter, source) for source in sources)

    def _formatted(self, parameter: str, source: ValueSource) -> ValueSource:
        """Return a source whose text is read in the formats of the table."""
        if (read := text_reader(parameter, self.formats)) is None:
            return source
        return source._replace(read=lambda cells, rows: map_distinct(read, source.read(cells, rows)))

    def _mapped(self, parameter: str, target: Any) -> list[ValueSource]:
        """Return the sources of an entry of `columns=`."""
        name = ApiName("column", parameter, target if isinstance(target, str) else None)
        if parameter == "custom_metadata" and isinstance(target, list):
            target = {str(column): column for column in target}
        if parameter == "custom_metadata" and isinstance(target, Mapping):
            return [_cell(self._names.find(column, name), key) for key, column in target.items()]
        if isinstance(target, Mapping) or (isinstance(target, list) and parameter != "tags"):
            fix = "Only tags take a list of columns, and only custom_metadata takes a dict."
            raise MappingError(f"The value must be the label of one column, not {target!r}.", fix=fix, about=name)
        if isinstance(target, list):
            return [_joined([self._names.find(column, name) for column in target], self.formats)]
        return [_cell(self._names.find(target, name))]

    def _own_columns(self, passed: set[str]) -> Iterator[tuple[str, list[ValueSource]]]:
        """Yield the sources in columns that are named like a metadata field, or like a parameter in either spelling.

        Parameters
        ----------
        passed
            The parameters that keywords give.
        """
        mapped = set(self._sources)
        keys = dict.fromkeys(key for prefix in _METADATA for key in self._names.below(prefix))
        for key in keys:
            places = [at for prefix in _METADATA for at in self._names.all(f"{prefix}{key}")]
            yield "custom_metadata", [_cell(self._only(f"custom_metadata.{key}", places), key)]
        for parameter, entry in TABLE.items():
            places = [at for name in dict.fromkeys((parameter, entry.wire)) for at in self._names.all(name)]
            if places and parameter == _EXPLICIT:
                if parameter not in mapped | passed:
                    raise self._not_mapped(places[0])
            elif places and parameter not in mapped:
                yield parameter, [_cell(self._only(parameter, places))]
            elif places:
                yield parameter, [_cell(places[0])]

    def _not_mapped(self, at: int) -> MappingError:
        label = str(self._names.label(at))
        return MappingError(
            f"The table has a column {label!r}. A column sets the URL that is notified about each file only if it is "
            "mapped.",
            fix=Message("Map it with ", ApiName("column", _EXPLICIT, label), ", or drop or rename the column."),
        )

    def _only(self, parameter: str, places: list[int]) -> int:
        """Return the place of the one column that is named like a parameter."""
        if len(places) > 1:
            labels = " and ".join(repr(self._names.label(at)) for at in places)
            fix = Message("Choose one with ", ApiName("column", parameter), ".")
            raise MappingError(f"The columns {labels} are both named like {parameter}.", fix=fix)
        return places[0]

    def _keyword(self, parameter: str, value: Any) -> ValueSource:
        """Return the source of a keyword: a template, or a constant, which is checked now."""
        if parameter == "tags" and isinstance(value, list) and any("{" in str(tag) for tag in value):
            value = self.formats.tag_separator.join(map(str, value))
        if TABLE[parameter].template and isinstance(value, str):
            template = Template.read(parameter, value)
            if template.columns:
                return self._template(parameter, template)
            value = template.fill([])
        read = text_reader(parameter, self.formats)
        try:
            if parameter != "file":
                text = encode(parameter, value if read is None else read(value))
            if parameter == "file_name":
                without_slash(text)
        except InvalidValue as bad:
            raise MappingError(bad.message, fix=bad.fix, about=keyword(parameter, value)) from None
        return ValueSource((), lambda _cells, rows: [value] * rows)

    def _template(self, parameter: str, template: Template) -> ValueSource:
        columns = tuple(self._names.find(name, keyword(parameter, f"{{{name}}}")) for name in template.columns)

        def fill(*cells: Any) -> str:
            """Return the template with a row's cells."""
            texts = []
            for cell, at, name in zip(cells, columns, template.columns, strict=True):
                if cell is None:
                    words = f"{TABLE[parameter].label} needs the column {quoted(name)}, which is empty in this row."
                    raise InvalidValue("missing_cell", words, "Fill in the cell.", self._names.label(at))
                texts.append(to_text(cell))
            return template.fill(texts)

        def read(cells: Cells, _rows: int) -> list[Any]:
            """Return the values of the rows."""
            used = [cells[at] for at in columns]
            if all(cell_types(column) == {str} for column in used):
                return template.fill_all(used)
            return map_distinct(fill, *used)

        return ValueSource(columns, read)


def _check_names(parameters: Iterable[str]) -> None:
    """Raise a `MappingError` if one is not a parameter, or is given in both spellings."""
    seen = set()
    for parameter in parameters:
        name = _snake(parameter)
        if name == "token":
            raise MappingError("The token cannot be set: ikpipe signs one for each attempt.", fix="Remove it.")
        if name not in TABLE:
            raise MappingError(f"There is no upload parameter {parameter!r}{did_you_mean(parameter, TABLE)}.")
        if name in seen:
            raise MappingError(f"{name} is given twice, in both spellings.", fix="Keep one of them.")
        seen.add(name)


def _missing(value: Any) -> bool:
    """Whether a keyword's value means "not given", as in a cell."""
    return (isinstance(value, str) and not value) or (pd.api.types.is_scalar(value) and bool(pd.isna(value)))


def _snake(parameter: str) -> str:
    return BY_WIRE.get(parameter, parameter)


class _Names:
    """A table's column labels, found by their texts."""

    def __init__(self, labels: pd.Index[Any]) -> None:
        self._labels = list(labels)
        self._texts = [str(label).removeprefix("\ufeff") for label in self._labels]

    def label(self, at: int) -> Hashable:
        """Return a column's label."""
        label: Hashable = self._labels[at]
        return label

    def all(self, name: str) -> list[int]:
        """Return the places of the columns with this text as label."""
        return [at for at, text in enumerate(self._texts) if text == name]

    def below(self, prefix: str) -> list[str]:
        """Return the rest of each label that starts with a prefix."""
        return [text.removeprefix(prefix) for text in self._texts if text.startswith(prefix)]

    def find(self, label: Any, name: ApiName) -> int:
        """Return the place of the one column with a label.

        Raises
        ------
        MappingError
            There is none, or several.
        """
        places = [at for at, known in enumerate(self._labels) if known == label] or self.all(str(label))
        if not places:
            words = f"The table has no column {label!r}{did_you_mean(label, self._texts)}."
            raise MappingError(words, about=name)
        if len(places) > 1:
            words = f"The table has {len(places):,} columns {label!r}."
            raise MappingError(words, fix="Rename all but one.", about=name)
        return places[0]


def _cell(at: int, key: str | None = None) -> ValueSource:
    return ValueSource((at,), lambda cells, _rows: cells[at], key)


def _joined(columns: list[int], formats: CellFormats) -> ValueSource:
    def join(*row: Any) -> list[str] | None:
        """Return the tags of all columns of a row."""
        return [tag for cell in row if cell is not None for tag in tag_list(formats.split_tags(cell))] or None

    def read(cells: Cells, rows: int) -> list[Any]:
        """Return the values of the rows."""
        return map_distinct(join, *(cells[at] for at in columns)) or [None] * rows

    return ValueSource(tuple(columns), read)
