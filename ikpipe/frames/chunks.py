"""Where a run's rows come from: chunks of a table, one after another, so that no table is too long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import pandas as pd

from ikpipe.frames.adapters import FrameAdapter
from ikpipe.frames.cells import plain_cells, whole_floats
from ikpipe.frames.codec.dtypes import columns, levels
from ikpipe.frames.codec.text import FrameEncoder, decode_frame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROWS = 5_000  # of a chunk, at most: a long table starts as soon as a short one
SIZE = 8_000_000  # characters of a chunk, about, as pandas counts a frame's memory; a row that is larger is one


class Chunk(NamedTuple):
    """Some rows of a table, and the position of the first of them.

    `whole` tells of a column, by its place, whether all its floats are integers that missing cells made floats; levels
    of the index have the places before 0. `frozen` writes the table as text.
    """

    frame: pd.DataFrame
    start: int
    whole: Callable[[int], bool]
    frozen: FrameEncoder

    def part(self, first: int, last: int) -> Chunk:
        """Give some of its rows, counted within it."""
        return self._replace(frame=self.frame.iloc[first:last], start=self.start + first)

    def text(self) -> str:
        """Write its cells as text."""
        return self.frozen.piece(self.frame)


class TableSource(Protocol):
    """A table, chunk by chunk.

    `rows` is their number, or None where nobody knows it yet; `sample` are the first of them, with the columns of all
    that is known. `origin` says as plain JSON where another process can read the table again, or is None. `ahead`: it
    is in memory, and can be gone through at any time. `grows`: later chunks may have more columns.
    """

    rows: int | None
    sample: pd.DataFrame
    origin: dict[str, Any] | None
    ahead: bool
    grows: bool

    def chunks(self) -> Iterator[Chunk]:
        """Go through the table, once unless it is in memory; a table without rows has one chunk."""

    def look_through(self) -> None:
        """Find all columns, of a table that may grow."""

    def label(self, position: int) -> Any:
        """Give the label of a row."""


class InMemoryTable:
    """A frame, which is here as a whole.

    Parameters
    ----------
    table
        A pandas DataFrame, or what `FrameAdapter` takes.
    rows, size
        What a chunk has at most.
    """

    def __init__(self, table: Any, rows: int = ROWS, size: int = SIZE) -> None:
        self.native = FrameAdapter(table)
        self.frame = self.sample = frame = self.native.frame
        self.rows: int | None = len(frame)
        self.origin: dict[str, Any] | None = None
        self.ahead, self.grows = True, False
        self._most, self._size = rows, size
        self._wholes: dict[int, bool] = {}
        self._frozen = FrameEncoder(frame)

    def chunks(self) -> Iterator[Chunk]:
        """Go through the frame."""
        bare = self.frame.copy(deep=False)
        bare.attrs = {}  # or each slice would copy them
        start = 0
        while start < len(bare) or not start:
            chunk = fitting(bare.iloc[start : start + self._most], self._size)
            yield Chunk(chunk, start, self._whole, self._frozen)
            start += max(len(chunk), 1)

    def look_through(self) -> None:
        """Find all columns: they are known."""

    def label(self, position: int) -> Any:
        """Give the label of a row."""
        return next(iter(self.frame.index[position : position + 1]))  # a label as Python has it

    def cells(self, at: int) -> list[Any]:
        """Give the cells of a column, by its place, as plain values."""
        return plain_cells(self.frame.iloc[:, at], whole=self._whole(at))

    def _whole(self, at: int) -> bool:
        if at not in self._wholes:
            self._wholes[at] = whole_floats(levels(self.frame.index)[at] if at < 0 else self.frame.iloc[:, at])
        return self._wholes[at]


class FileTable:
    """A table that comes from a file, whose rows are counted, and not labelled.

    Parameters
    ----------
    origin
        Where another process can read it again, and which of its columns are `whole`; None if none can.
    """

    rows: int | None = None
    ahead = False
    grows = False

    def __init__(self, origin: dict[str, Any] | None) -> None:
        self.origin = origin

    def look_through(self) -> None:
        """Find all columns: they are known."""

    def label(self, position: int) -> Any:
        """Give the label of a row, which is its number."""
        return position

    def _whole(self, at: int) -> bool:
        return self.origin is not None and at in self.origin["whole"]


class JournalTable(FileTable):
    """A table of which a journal has all rows.

    Parameters
    ----------
    pieces
        Gives its pieces, each with its position, its rows, their cells and the head.
    rows
        Their number.
    origin
        Where it was read from, and what was known of it there.
    trusted
        Whether the journal is proven to be our own.
    """

    def __init__(
        self,
        pieces: Callable[[], Iterator[tuple[int, int, str, str | None]]],
        rows: int,
        origin: dict[str, Any],
        *,
        trusted: bool = False,
    ) -> None:
        super().__init__(origin)
        self._trusted = trusted
        self.rows = rows
        self._pieces = pieces
        self.sample = next(self.chunks()).frame

    def chunks(self) -> Iterator[Chunk]:
        """Go through the table."""
        for start, _, cells, head in self._pieces():
            frame = decode_frame(head or "", [cells], start, trusted=self._trusted)
            yield Chunk(frame, start, self._whole, FrameEncoder(frame, part=True))


def with_columns(frame: pd.DataFrame, labels: list[Any]) -> pd.DataFrame:
    """Give a frame these columns; of those that it has not, all cells are None."""
    none = pd.Series([None] * len(frame), index=frame.index, dtype=object)
    columns = [frame[label] if label in frame.columns else none for label in labels]
    return pd.concat(columns, axis=1, keys=labels) if columns else frame


def fitting(frame: pd.DataFrame, size: int = SIZE) -> pd.DataFrame:
    """Give as many of the first rows as are no larger than a chunk may be; one at least."""
    while len(frame) > 1 and sum(map(_weight, columns(frame, index=True))) > size:
        frame = frame.iloc[: (len(frame) + 1) // 2]
    return frame


def _weight(column: pd.Series[Any]) -> int:
    """Estimate the size of a column's text."""
    # Of a categorical only the codes are written, while its memory is mostly that of the categories.
    codes = isinstance(column.dtype, pd.CategoricalDtype)
    try:
        return column.size if codes else column.memory_usage(index=False, deep=True)
    except Exception:  # noqa: BLE001 - a cell's own `__sizeof__`, which concerns nobody else
        return column.memory_usage(index=False)
