"""The cells of a sheet, by row and column as its program counts them."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from ikpipe.request.suspicious_texts import ERRORS

MOST_ROWS, MOST_COLUMNS = 1_048_576, 16_384  # of a sheet in Excel
MOST_CELLS = 1 << 25  # of a sheet, with the empty ones before the last of each row
_UNSAVED = "#CALC!"
_SPARSE, _MANY = 100, 1 << 21  # cells that a row may have for each value, in a sheet of many cells


class Area(NamedTuple):
    """A rectangle of cells; rows and columns count from 1."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass
class Grid:
    """The cells of a sheet.

    `rows` has lists of cells by the rows' numbers; rows without values are not in it. `unsaved` are the places of
    formulas that were saved without a value. Merged areas have their value in the first cell. `hidden` has numbers of
    hidden rows.
    """

    rows: dict[int, list[object]] = field(default_factory=dict)
    merged: list[Area] = field(default_factory=list)
    unsaved: list[tuple[int, int]] = field(default_factory=list)
    hidden: set[int] = field(default_factory=set)
    _size: int = 0
    _values: int = 0

    def value(self, row: int, column: int) -> object:
        """Return the value of a cell; None if it has none."""
        cells = self.rows.get(row, ())
        return cells[column - 1] if column <= len(cells) else None

    def put(self, row: int, column: int, value: object) -> None:
        """Set the value of a cell; raise `ValueError` if the sheet has too many cells."""
        cells = self.rows.get(row)
        if cells is None:
            cells = self.rows[row] = []
        gap = column - 1 - len(cells)
        if gap < 0:
            cells[column - 1] = value
            return
        self._size += gap + 1
        self._values += 1
        if self._size > MOST_CELLS or (self._size > _MANY and self._size > _SPARSE * self._values):
            raise too_large()
        if gap:
            cells.extend([None] * gap)
        cells.append(value)

    def add_unsaved(self, row: int, column: int) -> None:
        """Note a cell with a formula that was saved without its value, which is an error like any other."""
        self.put(row, column, _UNSAVED)
        self.unsaved.append((row, column))

    def fill(self, areas: Iterable[tuple[Area, object]]) -> None:
        """Set the value of each empty cell of some areas, in rows that have values."""
        for line, columns, value in self._parts(areas):
            for column in columns:
                if self.value(line, column) is None:
                    self.put(line, column, value)

    def follow(self, links: Iterable[tuple[Area, object]]) -> None:
        """Replace the values of cells that have a link by its address."""
        for line, columns, target in self._parts(links):
            for column in columns:
                self.put(line, column, target)

    def _parts(self, areas: Iterable[tuple[Area, object]]) -> Iterator[tuple[int, range, object]]:
        """Yield the columns of each area in each of its rows that has values, as far as any row has values.

        Raise `ValueError` if the areas overlap so often that they have more cells than the sheet.
        """
        lines, width = sorted(self.rows), max(map(len, self.rows.values()), default=0)
        room = min(len(lines) * width, MOST_CELLS)
        for area, value in areas:
            columns = range(area.left, min(area.right, width) + 1)
            for line in lines[bisect_left(lines, area.top) : bisect_right(lines, area.bottom)]:
                room -= len(columns)
                if room < 0:
                    raise ValueError("merged cells or links of a sheet overlap. Save it again in its program")
                yield line, columns, value


class Sheet(NamedTuple):
    """A sheet of a workbook, whose cells are read by a function."""

    name: str
    visible: bool
    read: Callable[[], Grid]


def error_text(text: str) -> str:
    """Return the text of a cell with an error; one that is not known, as the most common one."""
    return text if text in ERRORS else "#N/A"


def letters(column: int) -> str:
    """Return the letters of a column, by its number."""
    text = ""
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(ord("A") + rest) + text
    return text


def too_large() -> ValueError:
    """Return the error of a sheet that has too many cells."""
    return ValueError("a sheet has more cells than a table. Remove cells that are far from the others")
