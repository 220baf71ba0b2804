"""Results → frame, and back; and the other frames that are given to users."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pandas as pd

from ikpipe.errors import MappingError, Problem
from ikpipe.frames.adapters import FrameAdapter
from ikpipe.frames.chunks import InMemoryTable
from ikpipe.frames.result_types import check_result_columns
from ikpipe.request.result import CANCELLED, EXTRA, RESULT_COLUMNS, Result

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from ikpipe.frames.chunks import Chunk, TableSource


def problem_frame(problems: Sequence[Problem]) -> pd.DataFrame:
    """Set out problems as `ikpipe.check` gives them."""
    frame = pd.DataFrame(problems, columns=list(Problem._fields))
    return frame.astype({"row": object, "position": "Int64", "column": object})


class ResultCollector:
    """Gathers the results of a run into a frame.

    Parameters
    ----------
    feed
        The input; what is not in memory as a whole is gathered too.
    """

    def __init__(self, feed: TableSource) -> None:
        self.results: Any = pd.DataFrame()
        self._native = feed.native if isinstance(feed, InMemoryTable) else None
        self._frame = feed.sample if feed.ahead else None
        self._chunks: list[pd.DataFrame] = []
        self._answers: list[pd.DataFrame] = []
        self._skipped = 0

    def prepare(self, chunk: Chunk, results: list[Result] | None) -> tuple[pd.DataFrame, pd.DataFrame | None]:
        """Set a chunk's results out."""
        return chunk.frame, None if results is None else results_frame(results, len(results))

    def take(self, prepared: tuple[pd.DataFrame, pd.DataFrame | None]) -> None:
        """Take the next chunk's results; many that were never begun are set out together."""
        rows, found = prepared
        if self._frame is None:
            self._chunks.append(rows)
        if found is None:
            self._skipped += len(rows)
            return
        self._set_out()
        self._answers.append(found)

    def _set_out(self) -> None:
        if self._skipped:
            self._answers.append(results_frame(None, self._skipped))
            self._skipped = 0

    def close(self, summary: Mapping[str, Any]) -> Any:
        """Give the whole as what the input was; a frame has the summary as ``attrs["ikpipe"]``."""
        frame = pd.concat(self._chunks) if self._frame is None else self._frame
        self._set_out()
        self._skipped = len(frame) - sum(map(len, self._answers))
        self._set_out()
        found = with_result_columns(frame, _stacked(self._answers))
        found.attrs = {**frame.attrs, "ikpipe": dict(summary)}
        self.results = found if self._native is None else self._native.back(found)
        return self.results


def with_result_columns(frame: pd.DataFrame, results_frame: pd.DataFrame) -> pd.DataFrame:
    """Set answers beside the rows that they are to; columns of their names are replaced."""
    kept = frame.loc[:, [not _is_answer(column) for column in frame.columns]]
    return pd.concat([kept, results_frame.set_axis(frame.index)], axis=1)


def with_results(chunk: Chunk, results_frame: pd.DataFrame) -> Chunk:
    """Set answers beside the rows of a chunk."""
    kept = [at for at, column in enumerate(chunk.frame.columns) if not _is_answer(column)]
    frame = with_result_columns(chunk.frame, results_frame)

    def whole(at: int) -> bool:
        return chunk.whole(at if at < 0 else kept[at]) if at < len(kept) else False

    return chunk._replace(frame=frame, whole=whole)


def _is_answer(column: Any) -> bool:
    return column in RESULT_COLUMNS or column == EXTRA


def results_frame(results: Sequence[Result] | None, rows: int) -> pd.DataFrame:
    """Set results out, a row each; None: all were cancelled before they began."""
    if results is None:  # one of them, again and again
        return results_frame([CANCELLED], 1).take([0] * rows).reset_index(drop=True)
    data = {column: _column(results, column[3:], dtype) for column, dtype in RESULT_COLUMNS.items()}
    # Fields that the service has learnt since this was written are kept, in a column of their own.
    if any(one.extra for one in results):
        data[EXTRA] = pd.Series([one.extra or None for one in results], dtype=object)
    return pd.DataFrame(data)


def _stacked(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Put answers below each other, column by column, letting go of each: all at once would take twice the room."""
    if len(parts) == 1:  # as in most runs of few rows
        return parts.pop()
    extra = any(EXTRA in part for part in parts)
    columns = {}
    for column in [*RESULT_COLUMNS, *([EXTRA] if extra else [])]:
        columns[column] = pd.concat([_taken(part, column) for part in parts], ignore_index=True)
    return pd.DataFrame(columns)


def _taken(part: pd.DataFrame, column: str) -> pd.Series[Any]:
    found: pd.Series[Any] = (
        part.pop(column) if column in part else pd.Series([None] * len(part), index=part.index, dtype=object)
    )
    return found


def settled_paths(chunk: Chunk, settled: Collection[str]) -> Iterator[tuple[int, str]]:
    """Give the position and the path in the library of the rows that are up, in a chunk of results."""
    frame = chunk.frame.reset_index(drop=True)
    if "ik_file_path" in frame.columns:
        paths = frame.loc[frame["ik_status"].isin(settled), "ik_file_path"].dropna()
        yield from zip(paths.index + chunk.start, paths, strict=True)


def _column(results: Sequence[Result], name: str, dtype: Any) -> pd.Series[Any]:
    values: Any = [getattr(one, name) for one in results]
    if dtype != "object" and values.count(None) == len(values):  # most are: pandas would look at each value again
        values = pd.NA
    column: pd.Series[Any] = pd.Series(values, index=range(len(results)), dtype=dtype)
    return column


def results_of(frame: pd.DataFrame) -> list[Result]:
    """Read a results frame's columns back, a result a row.

    Raises
    ------
    MappingError
        The frame has no `ik_status`: it is no results frame. Or a cell is nothing that a run writes.
    """
    if "ik_status" not in frame.columns:
        raise MappingError("The frame has no column 'ik_status': retry takes what upload or read_results gave.")
    frame = frame.copy(deep=False)
    frame.attrs = {}  # pandas copies them, deeply, with each column that is taken out
    check_result_columns(frame)
    columns = [column for column in (*RESULT_COLUMNS, EXTRA) if column in frame.columns]
    cells = [frame[column].astype(object).where(frame[column].notna(), None) for column in columns]
    names = [column.removeprefix("ik_") for column in columns]
    results = [Result(**dict(zip(names, row, strict=True))) for row in zip(*cells, strict=True)]
    for one in results:
        found: Any = one.warnings  # JSON in a cluster's results in pandas, an array in Arrow's tables
        one.warnings = json.loads(found) if isinstance(found, str) else None if found is None else list(found)
    return results


class RevisedResults:
    """A results frame whose results are to be changed: taken apart, and put together again.

    Parameters
    ----------
    table
        A results frame, or such a table of another library; it is not changed.

    Raises
    ------
    MappingError
        It has no `ik_status`.
    """

    def __init__(self, table: Any) -> None:
        self._native = FrameAdapter(table)
        self.results = results_of(self._native.frame)

    def close(self) -> Any:
        """Give the frame with the results as they are now, and the run's summary with their counts."""
        frame = self._native.frame
        found = with_result_columns(frame, results_frame(self.results, len(frame)))
        found.attrs = dict(frame.attrs)
        if isinstance(found.attrs.get("ikpipe"), dict):
            found.attrs["ikpipe"] = {
                **found.attrs["ikpipe"],
                "counts": dict(Counter(one.status for one in self.results)),
            }
        return self._native.back(found)


def cells_of(table: InMemoryTable, column: Any) -> list[Any]:
    """Give a column's cells as plain values, as they are mapped."""
    return table.cells([*table.frame.columns].index(column))


def single(file: object) -> pd.DataFrame:
    """Make a frame of one file."""
    return pd.DataFrame({"file": pd.Series([file], dtype=object)})


def listing_frame(files: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Set out what the media library lists, a row a file."""
    return pd.DataFrame(files)
