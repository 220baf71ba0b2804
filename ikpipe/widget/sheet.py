"""The table as it was edited: the input frame's rows and those of picked files, as one frame; and its mapping."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from ikpipe.errors import InvalidValue
from ikpipe.frames.cells import whole_floats
from ikpipe.frames.chunks import InMemoryTable
from ikpipe.frames.mapping import ColumnMapping
from ikpipe.request.parameters import BY_WIRE, TABLE
from ikpipe.request.values import folder_levels
from ikpipe.widget.messages import METADATA

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ikpipe.frames.chunks import Chunk
    from ikpipe.widget.rows import PickedFile, WidgetRow

PICKED = ("file", "size", "type", "folder")
"""The columns that a picked file fills."""


class EditedTable:
    """The input frame and its mapping, and what edits make of both.

    Parameters
    ----------
    frame
        The input frame; never changed.
    mapping
        As `prepare.gather` gives it.
    """

    def __init__(self, frame: pd.DataFrame, mapping: Mapping[str, Any]) -> None:
        self.input, self.given = frame, mapping
        self._whole: dict[int, bool] = {}

    def check(self) -> None:
        """See that the mapping fits the input and what picked files bring.

        Raises
        ------
        MappingError
            It does not.
        """
        known = list(self.input.columns)
        names = [*known, *(name for name in PICKED if name not in known)]
        ColumnMapping(pd.Index(names), self.given["columns"], self.given["parameters"])

    def edited(self, rows: Iterable[WidgetRow]) -> list[str]:
        """Give the columns that are edited in some rows, in the table of parameters' order."""
        found = {column for row in rows for column in row.edits}
        return sorted(found, key=lambda column: ([*TABLE].index(column.partition(".")[0]), column))

    def mapping(self, edited: Iterable[str]) -> dict[str, Any]:
        """Give the mapping of a frame with these columns: what is edited comes from a column of its own."""
        names = {column.partition(".")[0] for column in edited}
        columns = self.given["columns"]
        kept = {parameter: target for parameter, target in columns.items() if _snake(parameter) not in names}
        return {**self.given, "columns": kept}

    def frame(self, rows: Sequence[WidgetRow], edited: Sequence[str] | None = None) -> pd.DataFrame:
        """Make a frame of some rows, in their order, with what was edited; its labels are numbers.

        Parameters
        ----------
        rows
            Of the input first, then those of picked files.
        edited
            The columns that are edited in any of them, where they are known.
        """
        frame = self._joined(rows)
        for parameter, group in _groups(self.edited(rows) if edited is None else edited).items():
            self._edit(frame, rows, parameter, group)
        return frame

    def whole(self, at: int) -> bool:
        """Tell of a column whether its floats are integers, by all rows of the input: some rows must not look other."""
        if not 0 <= at < self.input.shape[1]:
            return False
        if at not in self._whole:
            self._whole[at] = whole_floats(self.input.iloc[:, at])
        return self._whole[at]

    def feed(self, frame: pd.DataFrame) -> TablePart:
        """Give a frame of some rows as what a run goes through."""
        return TablePart(frame, self)

    def _joined(self, rows: Sequence[WidgetRow]) -> pd.DataFrame:
        """Put the input's rows and those of picked files below each other."""
        places = [row.position for row in rows if row.position is not None]
        known = self.input.iloc[places].reset_index(drop=True)
        picked = [row.held for row in rows if row.held is not None]
        if not picked:
            return known.copy(deep=False)
        own = _own(picked)
        labels = [*known.columns, *(name for name in PICKED if name not in known.columns)]
        # An input's own column `size` may be that of a shirt, which goes into names.
        fills = {name: cells for name, cells in own.items() if name in ("file", "folder") or name not in known.columns}
        below: list[list[Any] | None] = [fills.pop(label, None) if isinstance(label, str) else None for label in labels]
        columns = []
        for at, cells in enumerate(below):
            above = known.iloc[:, at] if at < known.shape[1] else pd.Series([None] * len(known), dtype=object)
            columns.append(_stacked(above, cells, len(picked)))
        return pd.concat(columns, axis=1, keys=range(len(labels))).set_axis(pd.Index(labels), axis=1)

    def _edit(self, frame: pd.DataFrame, rows: Sequence[WidgetRow], parameter: str, edited: Sequence[str]) -> None:
        """Set the edited cells of one parameter; what the mapping gave stays in the other rows."""
        mapped = self._mapped(frame, parameter)
        if parameter == "custom_metadata" and mapped is not None:
            _set(frame, parameter, mapped)
        for column in edited:
            at = _place(frame, column)
            cells = [None] * len(frame) if at is None else frame.iloc[:, at].astype(object).tolist()
            if mapped is not None:
                key = column.removeprefix(METADATA)
                cells = mapped if parameter != "custom_metadata" else [(one or {}).get(key) for one in mapped]
            for offset, row in enumerate(rows):
                if column in row.edits:
                    cells[offset] = row.edits[column]
            _set(frame, column if at is None else at, cells)

    def _mapped(self, frame: pd.DataFrame, parameter: str) -> list[Any] | None:
        """Give what columns give a parameter where the call's `columns` name it; None where they do not."""
        named = {_snake(one): target for one, target in self.given["columns"].items()}
        if parameter not in named:
            return None
        plan = ColumnMapping(frame.columns, {parameter: named[parameter]}, {})
        values: list[Any] = []
        for chunk in self.feed(frame).chunks():
            values += plan.rows(chunk).values()[parameter]
        return [None if isinstance(value, InvalidValue) else value for value in values]


class TablePart(InMemoryTable):
    """Some rows of a sheet, which look as they do among all."""

    def __init__(self, frame: pd.DataFrame, sheet: EditedTable) -> None:
        super().__init__(frame)
        self._sheet = sheet

    def chunk(self) -> Chunk:
        """Give all rows as one chunk; for some, whose number is known to be small."""
        return next(iter(InMemoryTable.chunks(self)))

    def _whole(self, at: int) -> bool:
        return self._sheet.whole(at)


def _snake(parameter: str) -> str:
    return BY_WIRE.get(parameter, parameter)


def _own(picked: Sequence[PickedFile]) -> dict[str, list[Any]]:
    """Give the cells that picked files have of themselves."""
    return {
        "file": [held.cell for held in picked],
        "size": [held.size for held in picked],
        "type": [held.type for held in picked],
        "folder": [held.folder for held in picked],
    }


def _groups(columns: Iterable[str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for column in columns:
        groups.setdefault(column.partition(".")[0], []).append(column)
    return groups


def _stacked(above: pd.Series[Any], cells: list[Any] | None, more: int) -> pd.Series[Any]:
    """Put cells below a column, which keeps its dtype where that has room for them."""
    if above.empty:
        return pd.Series([None] * more if cells is None else cells)
    if cells is None:
        # Integers must not become floats, nor booleans.
        plain = above.astype(object) if getattr(above.dtype, "kind", "O") in "iub" else above
        return plain.reindex(range(len(above) + more))
    return pd.Series([*above.astype(object).tolist(), *cells], dtype=object)


def _place(frame: pd.DataFrame, column: str) -> int | None:
    """Find the column of a parameter or a metadata field, in either spelling."""
    head, dot, rest = column.partition(".")
    names = {column, f"{TABLE[head].wire}{dot}{rest}"}
    return next((at for at, label in enumerate(frame.columns) if str(label) in names), None)


def _set(frame: pd.DataFrame, column: str | int, cells: list[Any]) -> None:
    """Put cells into a column, by its place, or under a new name."""
    series: Any = pd.Series(cells, index=frame.index, dtype=object)
    place = column if isinstance(column, int) else _place(frame, column)
    if place is None:
        frame[column] = series
    else:
        frame.isetitem(place, series)


def labels(index: pd.Index[Any], rows: Sequence[WidgetRow]) -> pd.Index[Any]:
    """Give rows the labels that they have among all: the input's, then numbers that go on, or the rows' own names."""
    known = index.take([row.position for row in rows if row.position is not None])
    picked = [row.id for row in rows if row.position is None]
    if not picked:
        return known
    if isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1:
        return pd.Index([*known, *(len(index) + int(name[1:]) for name in picked)], name=index.name)
    return pd.Index([*known, *picked], dtype=object, tupleize_cols=False)


def files_below(root: Path, folder: Any) -> pd.DataFrame:
    """Make a frame of the files in a folder and those below it; relative paths become folders."""
    files, folders = [], []
    for place, below, names in os.walk(root):
        below[:] = sorted(name for name in below if not name.startswith("."))
        way = Path(place).relative_to(root)
        for name in sorted(names):
            if not name.startswith("."):
                files.append((way / name).as_posix())
                folders.append("/".join(["", *levels_of(folder), *way.parts]) if way.parts else None)
    return pd.DataFrame({"file": pd.Series(files, dtype=object), "folder": pd.Series(folders, dtype=object)})


def levels_of(folder: Any) -> list[str]:
    """Give the levels of the folder that all rows go to; one with `{column}` in it has none."""
    return folder_levels(folder) if isinstance(folder, str) and "{" not in folder else []
