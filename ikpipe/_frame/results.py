"""Results → frame, and back; and the other frames that are given to users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from ikpipe._errors import MappingError, Problem
from ikpipe._result import EXTRA, RESULT_COLUMNS, Result

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def problem_frame(problems: Sequence[Problem]) -> pd.DataFrame:
    """Set out problems as `ikpipe.check` gives them."""
    frame = pd.DataFrame(problems, columns=list(Problem._fields))
    return frame.astype({"row": object, "position": "Int64", "column": object})


def result_frame(frame: pd.DataFrame, results: Sequence[Result], summary: Mapping[str, Any]) -> pd.DataFrame:
    """Set the results beside the rows that they came from.

    Parameters
    ----------
    frame
        The input: its index, order and columns are kept, columns of the results' names replaced.
    results
        One for each row, in the frame's order.
    summary
        What goes into ``attrs["ikpipe"]``.
    """
    kept = frame.loc[:, [column not in RESULT_COLUMNS and column != EXTRA for column in frame.columns]]
    answers = pd.concat([kept, _columns(results, frame.index)], axis=1)
    answers.attrs = {**frame.attrs, "ikpipe": dict(summary)}
    return answers


def _columns(results: Sequence[Result], index: pd.Index[Any]) -> pd.DataFrame:
    data = {column: _column(results, column[3:], index, dtype) for column, dtype in RESULT_COLUMNS.items()}
    # Fields that the service has learnt since this was written are kept, in a column of their own.
    if any(one.extra for one in results):
        data[EXTRA] = pd.Series([one.extra or None for one in results], index=index, dtype=object)
    return pd.DataFrame(data, index=index)


def _column(results: Sequence[Result], name: str, index: pd.Index[Any], dtype: Any) -> pd.Series[Any]:
    values: Any = [getattr(one, name) for one in results]
    if dtype != "object" and values.count(None) == len(values):  # most are: pandas would look at each value again
        values = pd.NA
    column: pd.Series[Any] = pd.Series(values, index=index, dtype=dtype)
    return column


def results_of(frame: pd.DataFrame) -> list[Result]:
    """Read a results frame's columns back, a result a row.

    Raises
    ------
    MappingError
        The frame has no `ik_status`: it is no results frame.
    """
    if "ik_status" not in frame.columns:
        raise MappingError("The frame has no column 'ik_status': retry takes what upload or read_results gave.")
    columns = [column for column in (*RESULT_COLUMNS, EXTRA) if column in frame.columns]
    cells = [frame[column].astype(object).where(frame[column].notna(), None) for column in columns]
    names = [column.removeprefix("ik_") for column in columns]
    return [Result(**dict(zip(names, row, strict=True))) for row in zip(*cells, strict=True)]


def single(file: object) -> pd.DataFrame:
    """Make a frame of one file."""
    return pd.DataFrame({"file": pd.Series([file], dtype=object)})


def listing_frame(files: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Set out what the media library lists, a row a file."""
    return pd.DataFrame(files)
