"""Where a run's rows come from: chunks of a table, one after another, so that no table is too long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import pandas as pd

from ikpipe._cells import whole_floats
from ikpipe._errors import MappingError
from ikpipe._frame.described import columns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROWS = 5_000  # of a chunk, at most: a long table starts as soon as a short one
SIZE = 8_000_000  # characters of a chunk, about, as pandas counts a frame's memory; a row that is larger is one


class Chunk(NamedTuple):
    """Some rows of a table, and the position of the first of them.

    `whole` tells of a column, by its place, whether all its floats are integers that missing cells made floats.
    """

    frame: pd.DataFrame
    start: int
    whole: Callable[[int], bool]

    def part(self, first: int, last: int) -> Chunk:
        """Give some of its rows, counted within it."""
        return Chunk(self.frame.iloc[first:last], self.start + first, self.whole)


class Feed(Protocol):
    """A table's chunks, in order."""

    rows: int | None
    """How many rows there are; None as long as nobody knows."""

    def chunks(self) -> Iterator[Chunk]:
        """Go through the table, once."""


class Whole:
    """A frame, which is here as a whole.

    Raises
    ------
    MappingError
        It is no DataFrame.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        if not isinstance(frame, pd.DataFrame):
            raise MappingError(f"The frame is a {type(frame).__name__}; ikpipe takes a pandas DataFrame.")
        self.frame = frame
        self.rows: int | None = len(frame)
        self._whole: dict[int, bool] = {}

    def chunks(self) -> Iterator[Chunk]:
        """Go through the frame."""
        bare = self.frame.copy(deep=False)
        bare.attrs = {}  # or each slice would copy them
        start = 0
        while start < len(bare):
            chunk = fitting(bare.iloc[start : start + ROWS])
            yield Chunk(chunk, start, self._is_whole)
            start += len(chunk)

    def label(self, position: int) -> Any:
        """Give a row's label."""
        return next(iter(self.frame.index[position : position + 1]))

    def _is_whole(self, at: int) -> bool:
        if at not in self._whole:
            self._whole[at] = whole_floats(self.frame.iloc[:, at])
        return self._whole[at]


def fitting(frame: pd.DataFrame, size: int = SIZE) -> pd.DataFrame:
    """Give as many of the first rows as are no larger than a chunk may be; one at least."""
    while len(frame) > 1 and sum(map(_weight, columns(frame, index=True))) > size:
        frame = frame.iloc[: (len(frame) + 1) // 2]
    return frame


def _weight(column: pd.Series[Any]) -> int:
    """Estimate the size of a column's text."""
    # Of a categorical only the codes are written, while its memory is mostly that of the categories.
    codes = isinstance(column.dtype, pd.CategoricalDtype)
    return column.size if codes else column.memory_usage(index=False, deep=True)
