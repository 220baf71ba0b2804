"""Read a run's rows in chunks, from memory, a file or a journal, so that a table can be of any length."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import pandas as pd

from ikpipe.frames.adapters import FrameAdapter
from ikpipe.frames.cells import are_integers, plain_cells
from ikpipe.frames.codec.dtypes import columns, levels
from ikpipe.frames.codec.text import FrameEncoder, decode_frame

ROWS = 5_000  # maximum of a chunk: a long table starts as soon as a short one
SIZE = 8_000_000  # characters of a chunk, roughly, as pandas estimates memory; a larger row is a chunk of its own


class Chunk(NamedTuple):
    """Some rows of a table, and the position of the first.

    `has_integers` returns, for a column's place, whether all its floats are integers that missing cells made floats;
    levels of the index have negative places. `encoder` writes the table as text.
    """

    frame: pd.DataFrame
    start: int
    has_integers: Callable[[int], bool]
    encoder: FrameEncoder

    def part(self, first: int, last: int) -> Chunk:
        """Return some of the rows, by their offsets in the chunk."""
        return self._replace(frame=self.frame.iloc[first:last], start=self.start + first)

    def text(self) -> str:
        """Return the cells as text."""
        return self.encoder.piece(self.frame)


class TableSource(Protocol):
    """A table that is read in chunks.

    `rows` is the number of rows, or None if it is not known yet; `sample` has the first rows, and all columns that are
    known. `origin` tells, as plain JSON, where another process can read the table again, or is None. `ahead`: the table
    is in memory, and can be read at any time. `grows`: later chunks may have more columns. `lines` has the line
    of each row in its file, as spreadsheets count them; None if it is not a file of lines. `read_share` is the share of
    the file that was read so far; None if it is not known.
    """

    rows: int | None
    lines: Sequence[int] | None
    sample: pd.DataFrame
    origin: dict[str, Any] | None
    ahead: bool
    grows: bool

    @property
    def read_share(self) -> float | None:
        """The share of the file that was read so far, above 0 and up to 1."""

    def chunks(self) -> Iterator[Chunk]:
        """Yield the chunks, once unless the table is in memory; a table without rows has one chunk."""

    def find_columns(self) -> None:
        """Find all columns of a table that may grow."""

    def label(self, position: int) -> Any:
        """Return the label of a row."""


class InMemoryTable:
    """A table in memory.

    `table` is a pandas DataFrame, another table that `FrameAdapter` supports, or such an adapter. `rows` and `size` are
    the maximum number of rows and characters of a chunk. `lines` is as for `TableSource`.
    """

    def __init__(self, table: Any, rows: int = ROWS, size: int = SIZE, lines: Sequence[int] | None = None) -> None:
        self.lines = lines
        self.native = table if isinstance(table, FrameAdapter) else FrameAdapter(table)
        self.frame = self.sample = frame = self.native.frame
        self.rows: int | None = len(frame)
        self.origin: dict[str, Any] | None = None
        self.ahead, self.grows = True, False
        self._most, self._size = rows, size
        self._wholes: dict[int, bool] = {}
        self._frozen = FrameEncoder(frame)

    def chunks(self) -> Iterator[Chunk]:
        """Yield the chunks."""
        bare = self.frame.copy(deep=False)
        bare.attrs = {}  # or each slice would copy them
        start = 0
        while start < len(bare) or not start:
            chunk = fitting(bare.iloc[start : start + self._most], self._size)
            yield Chunk(chunk, start, self._sends_integers, self._frozen)
            start += max(len(chunk), 1)

    @property
    def read_share(self) -> float | None:
        """All is known of a table in memory."""
        return None

    def find_columns(self) -> None:
        """Do nothing: all columns are known."""

    def label(self, position: int) -> Any:
        """Return the label of a row."""
        return next(iter(self.frame.index[position : position + 1]))  # as a Python value

    def cells(self, at: int) -> list[Any]:
        """Return the cells of a column, by its place, as plain values; levels of the index have negative places."""
        return plain_cells(self._column(at), integers=self._sends_integers(at))

    def _column(self, at: int) -> pd.Series[Any]:
        return levels(self.frame.index)[at] if at < 0 else self.frame.iloc[:, at]

    def _sends_integers(self, at: int) -> bool:
        if at not in self._wholes:
            self._wholes[at] = are_integers(self._column(at))
        return self._wholes[at]


class FileTable:
    """A table from a file, whose rows are numbered and not labeled.

    `origin` is where another process can read the table again, and which of its columns are `whole`; None if none can.
    """

    rows: int | None = None
    lines: Sequence[int] | None = None
    ahead = False
    grows = False

    def __init__(self, origin: dict[str, Any] | None) -> None:
        self.origin = origin

    @property
    def read_share(self) -> float | None:
        """The share of the file that was read so far; None: it is not known."""
        return None

    def find_columns(self) -> None:
        """Do nothing: all columns are known."""

    def label(self, position: int) -> Any:
        """Return the label of a row, which is its position."""
        return position

    def _whole(self, at: int) -> bool:
        return self.origin is not None and at in self.origin["whole"]


class JournalTable(FileTable):
    """A table whose rows are all in a journal.

    `pieces` yields position, number of rows, cells and head of each piece; `rows` is the number of rows, None if it is
    not known. `origin` is where the table was read from, and which of its columns are `whole`. `trusted` says whether
    the journal is proven to be this account's own.
    """

    def __init__(
        self,
        pieces: Callable[[], Iterator[tuple[int, int, str, str | None]]],
        rows: int | None,
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
        """Yield the chunks."""
        for start, _, cells, head in self._pieces():
            frame = decode_frame(head or "", [cells], start, trusted=self._trusted)
            yield Chunk(frame, start, self._whole, FrameEncoder(frame, part=True))


def recorded_table(pieces: Iterable[tuple[int, int, str, str | None]]) -> pd.DataFrame:
    """Return the rows of a proven journal's pieces, which are as `JournalTable` describes them."""
    parts = [decode_frame(head or "", [cells], start, trusted=True) for start, _, cells, head in pieces]
    return pd.concat(parts) if parts else pd.DataFrame()


def with_columns(frame: pd.DataFrame, labels: list[Any]) -> pd.DataFrame:
    """Return a frame with these columns; in columns that it lacks, all cells are None."""
    none = pd.Series([None] * len(frame), index=frame.index, dtype=object)
    columns = [frame[label] if label in frame.columns else none for label in labels]
    return pd.concat(columns, axis=1, keys=labels) if columns else frame


def fitting(frame: pd.DataFrame, size: int = SIZE) -> pd.DataFrame:
    """Return the first rows that fit the size of a chunk; at least one."""
    while len(frame) > 1 and sum(map(_weight, columns(frame, index=True))) > size:
        frame = frame.iloc[: (len(frame) + 1) // 2]
    return frame


def _weight(column: pd.Series[Any]) -> int:
    """Return the estimated size of a column's text."""
    # Only the codes of a categorical are written, while its memory is mostly that of the categories.
    codes = isinstance(column.dtype, pd.CategoricalDtype)
    try:
        return column.size if codes else column.memory_usage(index=False, deep=True)
    except Exception:  # noqa: BLE001 - a cell's own `__sizeof__` can raise anything
        return column.memory_usage(index=False)
