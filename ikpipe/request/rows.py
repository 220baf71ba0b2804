"""Mapped rows: the values of each parameter, column by column, and problems that name row and column."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from types import NoneType
from typing import Any, NamedTuple

from ikpipe.errors import InvalidValue, Problem
from ikpipe.request.columns import cell_types, map_distinct
from ikpipe.request.names import PARTS, split_path
from ikpipe.request.parameters import PATH, TABLE
from ikpipe.request.suspicious_texts import find_marks, mark_warning
from ikpipe.request.values import json_object, to_flag

Cells = Mapping[int, list[Any]]

ROW, FILE = -1, -2
"""In place of a column: the rows' numbers, counting from 1, and the locations of their files."""


class ValueSource(NamedTuple):
    """One source of a parameter's values: the columns that it reads, and how.

    `read` takes the cells by column and the number of rows; a value that cannot be made is an `InvalidValue`.
    """

    columns: tuple[int, ...]
    read: Callable[[Cells, int], list[Any]]
    key: str | None = None  # of custom metadata, if the source has the value of one key
    text: str | None = None  # of a keyword, for people


class MappedRows:
    """Consecutive rows of a table, with the values of their parameters.

    `start` is the position of the first row. `sources` are parameter → the sources of its value, by priority; `cells`
    those of all columns that the sources read. `label` returns a column's label, and `locate` the location of the file
    of a cell, for templates. `notes` has the warnings about the rows' cells: offset of the row → parameters and
    warnings.
    """

    def __init__(
        self,
        labels: list[Any],
        start: int,
        sources: Mapping[str, Sequence[ValueSource]],
        cells: Cells,
        label: Callable[[int], Hashable],
        locate: Callable[[Any], str | None] = str,
    ) -> None:
        self.labels, self.start = labels, start
        self._sources, self._label, self._locate = sources, label, locate
        self._cells = {**cells, ROW: list(range(start + 1, start + 1 + len(labels)))}
        self._read: dict[str, list[list[Any]]] = {}
        self.notes: dict[int, list[tuple[str, InvalidValue]]] = {}
        for at in cells:
            self._note_marks(at)

    def _note_marks(self, at: int) -> None:
        """Note the cells of a column that are errors or missing values as text; errors are read as missing cells.

        In columns of booleans they stay, and are problems: the default of a boolean may publish a private file.
        """
        if not (marks := find_marks(self._cells[at])):
            return
        users = [name for name, sources in self._sources.items() if any(at in one.columns for one in sources)]
        is_flag = any(name in TABLE and TABLE[name].encode is to_flag for name in users)
        cells = self._cells[at] = self._cells[at][:]
        for offset in () if is_flag else marks:
            note = (users[0], mark_warning(cells[offset], self._label(at)))
            self.notes.setdefault(offset, []).append(note)
            cells[offset] = None if note[1].code == "error_cell" else cells[offset]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def positions(self) -> range:
        """The rows' positions in the table."""
        return range(self.start, self.start + len(self))

    def values(self) -> dict[str, list[Any]]:
        """Return each parameter's values: None if a row has none, an `InvalidValue` if it cannot be made."""
        if any(FILE in source.columns for sources in self._sources.values() for source in sources):
            self._cells[FILE] = map_distinct(self._locate, self._first("file"))
        values = {name: self._merged() if name == "custom_metadata" else self._first(name) for name in self._sources}
        return values if PATH not in values else _with_path(values)

    def _first(self, parameter: str) -> list[Any]:
        """Return the value of the first source that has one, for each row."""
        values: list[Any] = [None] * len(self)
        read = self._read[parameter] = []
        for source in self._sources[parameter]:
            read.append(source.read(self._cells, len(self)))
            pairs = zip(values, read[-1], strict=True)
            values = read[0] if len(read) == 1 else [own if own is not None else other for own, other in pairs]
            if NoneType not in cell_types(values):
                break
        return values

    def _merged(self) -> list[Any]:
        """Return custom metadata with each key of the first source that has it, for each row."""
        sources = self._sources["custom_metadata"]
        read = self._read["custom_metadata"] = [source.read(self._cells, len(self)) for source in sources]

        def merge(*values: Any) -> dict[str, Any] | None:
            """Return one mapping; earlier sources take precedence."""
            merged: dict[str, Any] = {}
            for source, value in zip(sources, values, strict=True):
                if value is not None:
                    merged = merged | _metadata(source, value) | merged
            return merged or None

        return map_distinct(merge, *read)

    def columns(self, offset: int) -> dict[str, Hashable]:
        """Return the label of the column of each of a row's values, and of each key of its metadata."""
        if not self._read:
            self.values()
        labels: dict[str, Hashable] = {}
        for parameter, read in self._read.items():
            pairs = zip(self._sources[parameter], read, strict=False)  # not all had to be read
            present = [(source, values[offset]) for source, values in pairs if values[offset] is not None]
            if parameter == "custom_metadata":
                labels |= self._metadata_columns(present)
            elif present:
                names = (parameter, *PARTS) if parameter == PATH else (parameter,)
                labels |= dict.fromkeys(names, self._origin(*present[0]))
        return {name: label for name, label in labels.items() if label is not None}

    def _metadata_columns(self, present: list[tuple[ValueSource, Any]]) -> dict[str, Hashable]:
        labels: dict[str, Hashable] = {}
        for source, value in present:
            try:
                keys = _metadata(source, value)
            except Exception:  # noqa: BLE001 - a value that cannot be read has no keys
                break
            labels = dict.fromkeys((f"custom_metadata.{key}" for key in keys), self._origin(source)) | labels
        return labels

    def _origin(self, source: ValueSource, value: object = None) -> Hashable:
        """Return the label of the first column of a source, unless the value is a problem that has its own; or None."""
        if isinstance(value, InvalidValue) and value.code not in ("unreadable_value", "lost_digits"):
            return None
        return next((self._label(at) for at in source.columns if at >= 0), None)

    def problem(self, offset: int, parameter: str, bad: InvalidValue, severity: str = "error") -> Problem:
        """Return a problem or a warning of a row, with the column if there is one."""
        column = bad.column
        if column is None:
            columns = self.columns(offset)
            column = columns.get(parameter, columns.get(parameter.partition(".")[0]))
        name, message, fix = map(_writable, (parameter, bad.message, bad.fix))
        return Problem(self.labels[offset], self.start + offset, column, name, severity, bad.code, message, fix)


def _with_path(values: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Return values with the folder and the name of each path, which then only has the problems of the rows."""
    pairs = map_distinct(split_path, values[PATH])
    parts = [(None, None, pair) if isinstance(pair, InvalidValue) else (*pair, None) for pair in pairs]
    columns = {name: [part[at] for part in parts] for at, name in enumerate((*PARTS, PATH))}
    for name in PARTS:  # a page of the uploader can have edited one of them
        if name in values:
            both = zip(values[name], columns[name], strict=True)
            columns[name] = [own if own is not None else other for own, other in both]
    return {**values, **columns}


def _metadata(source: ValueSource, value: Any) -> dict[str, Any]:
    return {source.key: value} if source.key is not None else json_object(value)


def _writable(text: str) -> str:
    """Return text with lone surrogates escaped (of a metadata key, for example), which no column of text can have."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode()
    return text
