"""The edited table: rows of the input frame and of picked files as one frame, and its mapping."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ikpipe.errors import InvalidValue
from ikpipe.frames.cells import are_integers
from ikpipe.frames.chunks import Chunk, InMemoryTable
from ikpipe.frames.mapping import ColumnMapping
from ikpipe.frames.near_misses import NearMiss
from ikpipe.request.names import PARTS
from ikpipe.request.parameters import BY_WIRE, PATH, TABLE
from ikpipe.request.values import folder_levels
from ikpipe.run.existing.rules import ExistingRules
from ikpipe.run.job import check_changed_by
from ikpipe.widget.message_fields import LEFT_OUT, METADATA
from ikpipe.widget.picked_files import PickedFile
from ikpipe.widget.picture_edits import PICTURE
from ikpipe.widget.rows import WidgetRow

PICKED_COLUMNS = ("file", "size", "type", "folder")
"""The columns that a picked file fills."""


class EditedTable:
    """The input frame and its mapping, and both with the edits.

    `frame` is the input frame; never changed. `mapping` is as `prepare.collect_mapping` returns it. `labels` are those
    of the input that was given first: rows that are added later have none.
    """

    def __init__(self, frame: pd.DataFrame, mapping: Mapping[str, Any]) -> None:
        self.input, self.input_mapping = frame, mapping
        self.labels = frame.index
        self._ignored = list(mapping.get("ignore", ()))
        self._has_whole_floats: dict[int, bool] = {}

    def check(self) -> list[NearMiss]:
        """Check that the mapping fits the columns of the input and of picked files; return columns to warn of.

        Raise `MappingError` if it does not, or if the input has columns and nothing provides its files.
        """
        columns = list(self.input.columns)
        names = [*columns, *self._picked_columns(self.input)]
        ColumnMapping.read(pd.Index(names), self.input_mapping, numbered=False)
        check_changed_by(ExistingRules.of(self.input_mapping), names)
        if not columns:
            return []
        others = pd.Index([name for name in names if name in columns or name != "file"])
        own = ColumnMapping.read(others, self.input_mapping, numbered=False)
        own.check(self.input)
        return own.warnings

    def files_frame(self, files: Sequence[Any]) -> pd.DataFrame:
        """Return a table of files, in the column that the mapping takes them from."""
        column = self.input_mapping["columns"].get("file", "file")
        return pd.DataFrame({column: pd.Series([*files], dtype=object)})

    def extend(self, frame: pd.DataFrame) -> list[NearMiss]:
        """Add rows to the input, and return columns to warn of; raise `MappingError` if the mapping does not fit."""
        names = [*self.input.columns, *(label for label in frame.columns if label not in self.input.columns)]
        above = [self.input.iloc[:, at] for at in range(self.input.shape[1])]
        above += [pd.Series([None] * len(self.input), dtype=object)] * (len(names) - len(above))
        columns = [
            _extended(
                column.reset_index(drop=True), frame[name].tolist() if name in frame.columns else None, len(frame)
            )
            for name, column in zip(names, above, strict=True)
        ]
        joined = pd.concat(columns, axis=1, keys=range(len(names))).set_axis(pd.Index(names), axis=1)
        joined.attrs = dict(self.input.attrs)
        warnings = EditedTable(joined, self.input_mapping).check()
        self.input = joined
        self._has_whole_floats.clear()
        return warnings

    def edited_columns(self, rows: Iterable[WidgetRow]) -> list[str]:
        """Return the columns that are edited in any of the rows, in the order of the table of parameters."""
        columns = {column for row in rows for column in row.edits} - {LEFT_OUT, PICTURE}
        return sorted(columns, key=lambda column: ([*TABLE].index(column.partition(".")[0]), column))

    def mapping(self, edited: Collection[str]) -> dict[str, Any]:
        """Return the mapping of a frame in which these columns are edited: each comes from a column of its own."""
        names = {column.partition(".")[0] for column in edited}
        columns = self.input_mapping["columns"].items()
        unedited = {parameter: target for parameter, target in columns if _parameter_name(parameter) not in names}
        mapping = {**self.input_mapping, "columns": unedited}
        if self._ignored:  # a column that has edits is no longer ignored
            spellings = {name for column in edited for name in _spellings(column)}
            mapping["ignore"] = [label for label in self._ignored if str(label) not in spellings]
        return {**mapping, "edited": sorted(names & {*PARTS})} if self._has_path else mapping

    @property
    def _has_path(self) -> bool:
        """Whether a path sets folder and file name together."""
        return PATH in self.input_mapping["columns"] or PATH in self.input_mapping["parameters"]

    def _picked_columns(self, frame: pd.DataFrame) -> list[str]:
        """Return the columns that picked files add to a frame; a path has no use for the folders that they were in."""
        names = [name for name in PICKED_COLUMNS if name not in frame.columns]
        return [name for name in names if name != "folder" or not self._has_path]

    def frame(self, rows: Sequence[WidgetRow], edited: Sequence[str] | None = None) -> pd.DataFrame:
        """Return a frame of rows with their edits, labeled by position.

        `edited` is `edited_columns` of the rows, if the caller knows them.
        """
        frame = self._unedited_frame(rows)
        by_parameter: dict[str, list[str]] = {}
        for column in self.edited_columns(rows) if edited is None else edited:
            by_parameter.setdefault(column.partition(".")[0], []).append(column)
        for parameter, columns in by_parameter.items():
            self._apply_edits(frame, rows, parameter, columns)
        return frame

    def has_whole_floats(self, at: int) -> bool:
        """Whether all floats of a column are integers, by all rows of the input: a subset must not look different."""
        if not 0 <= at < self.input.shape[1]:
            return False
        if at not in self._has_whole_floats:
            self._has_whole_floats[at] = are_integers(self.input.iloc[:, at])
        return self._has_whole_floats[at]

    def part(self, frame: pd.DataFrame) -> TablePart:
        """Return a frame of some rows as the input of a run."""
        return TablePart(frame, self)

    def _unedited_frame(self, rows: Sequence[WidgetRow]) -> pd.DataFrame:
        """Return the cells of the input's rows and of picked files."""
        positions = [row.position for row in rows if row.position is not None]
        above = self.input.iloc[positions].reset_index(drop=True)
        picked = [row.picked for row in rows if row.picked is not None]
        if not picked:
            return above.copy(deep=False)
        labels = [*above.columns, *self._picked_columns(above)]
        cells = _picked_cells(picked)
        for name in ("size", "type"):  # an input's column `size` can be that of a shirt, which a template uses
            if name in above.columns:
                del cells[name]
        columns = []
        for at, label in enumerate(labels):
            column = above.iloc[:, at] if at < above.shape[1] else pd.Series([None] * len(above), dtype=object)
            columns.append(_extended(column, cells.pop(label, None) if isinstance(label, str) else None, len(picked)))
        frame = pd.concat(columns, axis=1, keys=range(len(labels))).set_axis(pd.Index(labels), axis=1)
        below = [row.position is None for row in rows]
        if below == sorted(below):
            return frame
        return frame.iloc[_ranks(sorted(range(len(rows)), key=below.__getitem__))].reset_index(drop=True)

    def _apply_edits(
        self, frame: pd.DataFrame, rows: Sequence[WidgetRow], parameter: str, columns: Sequence[str]
    ) -> None:
        """Set the edited cells of one parameter; the other rows keep the values of the mapping."""
        mapped = self._mapped_values(frame, parameter)
        if parameter == "custom_metadata" and mapped is not None:
            _set_column(frame, parameter, mapped)
        for column in columns:
            at = _column_at(frame, column)
            cells = [None] * len(frame)
            if at is not None and frame.columns[at] not in self._ignored:
                cells = frame.iloc[:, at].astype(object).tolist()
            if mapped is not None:
                cells = _mapped_cells(mapped, column)
            for offset, row in enumerate(rows):
                if column in row.edits:
                    cells[offset] = row.edits[column]
            _set_column(frame, column if at is None else at, cells)

    def _mapped_values(self, frame: pd.DataFrame, parameter: str) -> list[Any] | None:
        """Return a parameter's values by the keyword `columns`; None if it does not name the parameter."""
        targets = {_parameter_name(name): target for name, target in self.input_mapping["columns"].items()}
        if parameter not in targets:
            return None
        only = {**self.input_mapping, "columns": {parameter: targets[parameter]}, "parameters": {}}
        mapping = ColumnMapping.read(frame.columns, only)
        values: list[Any] = []
        for chunk in self.part(frame).chunks():
            values += mapping.rows(chunk).values()[parameter]
        return [None if isinstance(value, InvalidValue) else value for value in values]


class TablePart(InMemoryTable):
    """Some rows of an edited table, whose cells are formatted as in the whole table."""

    def __init__(self, frame: pd.DataFrame, table: EditedTable) -> None:
        super().__init__(frame)
        self._table = table

    def chunk(self) -> Chunk:
        """Return all rows as one chunk, however many and large they are."""
        bare = self.frame.copy(deep=False)
        bare.attrs = {}
        return Chunk(bare, 0, self._sends_integers, self._frozen)

    def _sends_integers(self, at: int) -> bool:
        return self._table.has_whole_floats(at)


def _parameter_name(parameter: str) -> str:
    return BY_WIRE.get(parameter, parameter)


def _mapped_cells(mapped: list[Any], column: str) -> list[Any]:
    """Return the values of a parameter, or of one metadata field of it."""
    if not column.startswith(METADATA):
        return mapped
    return [(value or {}).get(column.removeprefix(METADATA)) for value in mapped]


def _picked_cells(files: Sequence[PickedFile]) -> dict[str, list[Any]]:
    return {
        "file": [file.cell for file in files],
        "size": [file.size for file in files],
        "type": [file.type for file in files],
        "folder": [file.folder for file in files],
    }


def _extended(column: pd.Series[Any], cells: list[Any] | None, count: int) -> pd.Series[Any]:
    """Return a column with `count` cells below it, None if there are none; its dtype stays if it can hold them."""
    if column.empty:
        return pd.Series([None] * count if cells is None else cells)
    if cells is None:
        # Missing values would turn integers and booleans into floats.
        plain = column.astype(object) if getattr(column.dtype, "kind", "O") in "iub" else column
        return plain.reindex(range(len(column) + count))
    return pd.Series([*column.astype(object).tolist(), *cells], dtype=object)


def _column_at(frame: pd.DataFrame, column: str) -> int | None:
    """Return where the column of a parameter or a metadata field is, in either spelling."""
    return next((at for at, label in enumerate(frame.columns) if str(label) in _spellings(column)), None)


def _spellings(column: str) -> set[str]:
    head, dot, rest = column.partition(".")
    return {column, f"{TABLE[head].wire}{dot}{rest}"}


def _set_column(frame: pd.DataFrame, column: str | int, cells: list[Any]) -> None:
    """Set a column by its place or its name, which can be new."""
    series: Any = pd.Series(cells, index=frame.index, dtype=object)
    at = column if isinstance(column, int) else _column_at(frame, column)
    if at is None:
        frame[column] = series
    else:
        frame.isetitem(at, series)


def _ranks(order: Sequence[int]) -> list[int]:
    """Return where each number is in an order of numbers."""
    ranks = [0] * len(order)
    for rank, number in enumerate(order):
        ranks[number] = rank
    return ranks


def row_labels(index: pd.Index[Any], rows: Sequence[WidgetRow]) -> pd.Index[Any]:
    """Return the labels of rows; those that were added later continue them if they are numbers, else have their ids."""
    added = [row for row in rows if row.position is None or row.position >= len(index)]
    if not added:
        return index.take([row.position for row in rows if row.position is not None])
    if isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1:
        return pd.Index([row.number for row in rows], name=index.name)
    given = {row: index[row.position] for row in rows if row.position is not None and row.position < len(index)}
    return pd.Index([given.get(row, row.id) for row in rows], dtype=object, tupleize_cols=False)


def list_files(root: Path, folder: Any) -> pd.DataFrame:
    """Return a frame of the files in a folder and its subfolders, whose paths below `root` become upload folders."""
    files, folders = [], []
    for path, subfolders, names in os.walk(root):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        below = Path(path).relative_to(root)
        for name in sorted(names):
            if not name.startswith("."):
                files.append((below / name).as_posix())
                folders.append("/".join(["", *fixed_levels(folder), *below.parts]) if below.parts else None)
    return pd.DataFrame({"file": pd.Series(files, dtype=object), "folder": pd.Series(folders, dtype=object)})


def fixed_levels(folder: Any) -> list[str]:
    """Return the levels of an upload folder that is the same for all rows, none if it has `{column}` in it."""
    return folder_levels(folder) if isinstance(folder, str) and "{" not in folder else []
