"""Convert results to frames and back; and other frames that users get."""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from ikpipe.errors import MappingError, Problem
from ikpipe.frames.adapters import FrameAdapter
from ikpipe.frames.chunks import Chunk, InMemoryTable, TableSource
from ikpipe.frames.result_columns import ResultColumns, cells_array, result_cells, stacked
from ikpipe.frames.result_types import check_result_columns
from ikpipe.request.result import CANCELLED, EXTRA, RESULT_COLUMNS, Result


def problem_frame(problems: Sequence[Problem]) -> pd.DataFrame:
    """Return problems as the frame that `ikpipe.check` returns."""
    frame = pd.DataFrame(problems, columns=list(Problem._fields))
    dtypes: dict[str, Any] = {"row": object, "position": "Int64", "column": object}
    frame = frame.astype({name: dtypes.get(name, "string") for name in Problem._fields})
    # Labels would be floats, if a warning about a column has none.
    frame["row"] = pd.Series([problem.row for problem in problems], dtype=object)
    return frame


class ResultCollector:
    """Collects the results of a run in a frame.

    `feed` is the input; its rows are collected too, unless it is in memory.
    """

    def __init__(self, feed: TableSource) -> None:
        self.results: Any = pd.DataFrame()
        self._native = feed.native if isinstance(feed, InMemoryTable) else None
        self._frame = feed.sample if feed.ahead else None
        self._chunks: list[pd.DataFrame] = []
        self._answers: list[ResultColumns] = []

    def prepare(self, chunk: Chunk, results: list[Result] | None) -> tuple[pd.DataFrame, ResultColumns]:
        """Return a chunk's rows, and its results."""
        return chunk.frame, ResultColumns(results, len(chunk.frame))

    def take(self, prepared: tuple[pd.DataFrame, ResultColumns]) -> None:
        """Add the next chunk's results."""
        rows, results = prepared
        if self._frame is None:
            self._chunks.append(rows)
        self._answers.append(results)

    def close(self, summary: Mapping[str, Any]) -> Any:
        """Return the results in the input's library; a frame has the summary as ``attrs["ikpipe"]``."""
        frame = pd.concat(self._chunks) if self._frame is None else self._frame
        if left := len(frame) - sum(part.rows for part in self._answers):
            self._answers.append(ResultColumns(None, left))
        results = with_result_columns(frame, stacked(self._answers))
        results.attrs = {**frame.attrs, "ikpipe": dict(summary)}
        self.results = results if self._native is None else self._native.back(results)
        return self.results


def with_result_columns(frame: pd.DataFrame, results_frame: pd.DataFrame) -> pd.DataFrame:
    """Return rows with the columns of their results, which replace columns of the same names."""
    kept = frame.loc[:, [not _is_answer(column) for column in frame.columns]]
    return pd.concat([kept, results_frame.set_axis(frame.index)], axis=1)


def with_results(chunk: Chunk, results_frame: pd.DataFrame) -> Chunk:
    """Return a chunk with the columns of its results."""
    return with_new_columns(chunk, results_frame, (*RESULT_COLUMNS, EXTRA))


def with_new_columns(chunk: Chunk, added: pd.DataFrame, names: Collection[str]) -> Chunk:
    """Return a chunk with further columns, which replace columns with any of these names."""
    kept = [at for at, column in enumerate(chunk.frame.columns) if column not in names]
    frame = pd.concat([chunk.frame.iloc[:, kept], added.set_axis(chunk.frame.index)], axis=1)

    def whole(at: int) -> bool:
        """Whether the floats of a column are sent as integers."""
        return chunk.has_integers(at if at < 0 else kept[at]) if at < len(kept) else False

    return chunk._replace(frame=frame, has_integers=whole)


def _is_answer(column: Any) -> bool:
    return column in RESULT_COLUMNS or column == EXTRA


def results_frame(results: Sequence[Result] | None, rows: int) -> pd.DataFrame:
    """Return results as a frame, one row each; None: all rows were cancelled before they started."""
    if results is None:  # one of them, repeated
        return results_frame([CANCELLED], 1).take([0] * rows).reset_index(drop=True)
    columns = {column: cells_array(cells, dtype) for column, cells, dtype in result_cells(results)}
    return pd.DataFrame(columns, copy=False)


def uploaded_paths(chunk: Chunk, settled: Collection[str]) -> Iterator[tuple[int, str]]:
    """Yield the position and the library path of each uploaded row, in a chunk of results."""
    frame = chunk.frame.reset_index(drop=True)
    if "ik_file_path" in frame.columns:
        paths = frame.loc[frame["ik_status"].isin(settled), "ik_file_path"].dropna()
        yield from zip(paths.index + chunk.start, paths, strict=True)


def results_of(frame: pd.DataFrame) -> list[Result]:
    """Return the results in a frame's columns, one for each row.

    Raise `MappingError` if the frame has no `ik_status`, so it is not a results frame, or if a cell has a value that no
    run writes.
    """
    if "ik_status" not in frame.columns:
        words = "The table has no column 'ik_status', so it is not a table of results."
        raise MappingError(words, fix="Use what upload or read_results returned.")
    frame = frame.copy(deep=False)
    frame.attrs = {}  # pandas copies them, deeply, with each column that is taken out
    check_result_columns(frame)
    columns = [column for column in (*RESULT_COLUMNS, EXTRA) if column in frame.columns]
    cells = [_plain(frame[column].array) for column in columns]
    names = [column.removeprefix("ik_") for column in columns]
    results = [Result(**dict(zip(names, row, strict=True))) for row in zip(*cells, strict=True)]
    for one in results:
        cell: Any = one.warnings  # JSON in a cluster's results in pandas, an array in Arrow's tables
        one.warnings = json.loads(cell) if isinstance(cell, str) else None if cell is None else list(cell)
    return results


def _plain(cells: Any) -> list[Any]:
    """Return the cells of a column's array as plain values; None for each that is missing."""
    missing = cells.isna()
    if missing.all():  # common
        return [None] * len(cells)
    return [None if absent else cell for cell, absent in zip(cells.tolist(), missing, strict=True)]


class RevisedResults:
    """A results frame whose `results` can be changed.

    `table` is a results frame, or such a table of another library; it is not changed itself. Raise `MappingError` if it
    is not a results frame.
    """

    def __init__(self, table: Any) -> None:
        self._native = FrameAdapter(table)
        self.results = results_of(self._native.frame)

    def close(self) -> Any:
        """Return the frame with the changed results, and with their counts in the run's summary."""
        frame = self._native.frame
        results = with_result_columns(frame, results_frame(self.results, len(frame)))
        results.attrs = dict(frame.attrs)
        if isinstance(summary := frame.attrs.get("ikpipe"), dict):
            results.attrs["ikpipe"] = {**summary, "counts": dict(Counter(one.status for one in self.results))}
        return self._native.back(results)


def one_file_frame(file: object) -> pd.DataFrame:
    """Return a frame with one file."""
    return pd.DataFrame({"file": pd.Series([file], dtype=object)})


_LISTED_COLUMNS: dict[str, str] = {
    **dict.fromkeys(("type", "fileId", "name", "filePath", "url", "thumbnail", "fileType", "mime"), "string"),
    **dict.fromkeys(("size", "height", "width"), "Int64"),
    **dict.fromkeys(("tags", "AITags"), "object"),
    "description": "string",
    "customCoordinates": "string",
    **dict.fromkeys(("customMetadata", "embeddedMetadata", "versionInfo"), "object"),
    **dict.fromkeys(("isPrivateFile", "isPublished", "hasAlpha"), "boolean"),
    **dict.fromkeys(("createdAt", "updatedAt"), "string"),
    "duration": "Float64",
    "bitRate": "Int64",
    **dict.fromkeys(("videoCodec", "audioCodec"), "string"),
}
"""Column of a listing → its dtype [spec]; the service's further fields come after these."""


def listing_frame(files: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return the files of the media library as a frame, one row each."""
    further = dict.fromkeys(name for file in files for name in file if name not in _LISTED_COLUMNS)
    dtypes = {**_LISTED_COLUMNS, **dict.fromkeys(further, "object")}
    return pd.DataFrame({name: _listed(files, name, dtype) for name, dtype in dtypes.items()})


def _listed(files: Sequence[Mapping[str, Any]], name: str, dtype: str) -> Any:
    """Return a field of all files; as objects if the service sends what its documentation does not say."""
    values = [file.get(name) for file in files]
    try:
        return pd.Series(values, dtype=dtype)
    except (TypeError, ValueError):
        return pd.Series(values, dtype=object)
