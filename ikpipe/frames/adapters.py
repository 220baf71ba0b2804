"""Tables of other libraries (polars, pyarrow, what narwhals knows): taken as frames, and given back as what they were.

Columns go in and out as Arrow arrays, not as Python objects. The input's own columns are not touched at all: only the
results are made anew. What is nested in these becomes JSON, but for `ik_tags` and `ik_warnings`, lists of text: Arrow
wants one type for all rows.
"""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any, TypeVar

import pandas as pd

from ikpipe.errors import MappingError, MissingExtra
from ikpipe.frames.codec.foreign import sound
from ikpipe.request.result import EXTRA, LISTED, RESULT_COLUMNS

Frame = TypeVar("Frame")
"""A pandas or polars DataFrame, or a pyarrow Table: what goes in comes out."""


class FrameAdapter:
    """A table as a frame, and the way back.

    Parameters
    ----------
    table
        A pandas DataFrame, a polars DataFrame, a pyarrow Table, or another eager frame that narwhals knows.

    Raises
    ------
    MappingError
        It is no such table.
    """

    def __init__(self, table: Any) -> None:
        self._table = None if isinstance(table, pd.DataFrame) else _known(table)
        self.frame: pd.DataFrame = table if self._table is None else _frame(self._table)

    def back(self, results: pd.DataFrame) -> Any:
        """Give a results frame as what the table was: its own columns, then those of the results."""
        if self._table is None:
            return results
        import narwhals as nw

        answers = [column for column in (*RESULT_COLUMNS, EXTRA) if column in results.columns]
        made = nw.from_arrow(_arrow(results[answers]), backend=self._table.implementation)
        kept = [name for name in self._table.columns if name not in answers]
        return nw.concat([self._table.select(kept), made], how="horizontal").to_native()

    def beside(self, frame: pd.DataFrame, columns: list[str]) -> Any:
        """Give a frame that has further columns, of text, as what the table was."""
        if self._table is None:
            return frame
        import narwhals as nw

        pa: Any = import_module("pyarrow")
        texts = pa.table({name: pa.array(frame[name], pa.string(), from_pandas=True) for name in columns})
        made = nw.from_arrow(texts, backend=self._table.implementation)
        kept = [name for name in self._table.columns if name not in columns]
        return nw.concat([self._table.select(kept), made], how="horizontal").to_native()

    def flat(self, results: pd.DataFrame) -> Any:
        """Give a results frame as what the table was, with the same columns of the same dtypes whatever is in them.

        What is nested is JSON, in a pandas DataFrame also `ik_tags` and `ik_warnings`: it has no dtype of lists that
        Parquet gives back.
        """
        if EXTRA not in results.columns:
            results = results.assign(**{EXTRA: None})
        if self._table is not None:
            return self.back(results)
        pa: Any = import_module("pyarrow")
        kinds = {
            pa.string(): pd.StringDtype(),
            pa.int64(): pd.Int64Dtype(),
            pa.float64(): pd.Float64Dtype(),
            pa.bool_(): pd.BooleanDtype(),
        }
        answers = [*RESULT_COLUMNS, EXTRA]
        made = _arrow(results[answers], listed=()).to_pandas(types_mapper=kinds.get).set_axis(results.index)
        return pd.concat([results.drop(columns=answers), made], axis=1)

    def like(self, frame: pd.DataFrame) -> Any:
        """Give another frame, of text and numbers, as what the table was."""
        if self._table is None:
            return frame
        import narwhals as nw

        pa: Any = import_module("pyarrow")
        made = pa.Table.from_pandas(frame.convert_dtypes(), preserve_index=False)
        return nw.from_arrow(made, backend=self._table.implementation).to_native()


def _known(table: Any) -> Any:
    """Wrap a table of another library."""
    words = f"The frame is a {type(table).__name__}; ikpipe takes a pandas or polars DataFrame, or a pyarrow Table"
    if not any(hasattr(table, f"__{way}__") for way in ("arrow_c_stream", "narwhals_dataframe", "dataframe")):
        lazy = hasattr(table, "collect")
        raise MappingError(f"{words}: collect it first." if lazy else f"{words}.")
    try:
        import narwhals

        import_module("pyarrow")  # narwhals goes through it
    except ImportError:
        raise MissingExtra.for_extra("parquet", "A table that is no pandas DataFrame") from None
    try:
        return narwhals.from_native(table, eager_only=True)
    except TypeError:
        raise MappingError(f"{words}.") from None


def _frame(table: Any) -> pd.DataFrame:
    """Make a frame of a table, whose cells stay where they are if they are plain."""
    pa: Any = import_module("pyarrow")

    def dtype(kind: Any) -> Any:
        """Give the pandas dtype of an Arrow type."""
        if pa.types.is_nested(kind) or pa.types.is_dictionary(kind):
            return None  # objects, and categories
        text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
        return pd.StringDtype("pyarrow") if text else pd.ArrowDtype(kind)

    try:
        arrow = sound(table.to_arrow())
    except ValueError as error:
        raise MappingError(f"The table cannot be read: {error}.") from None
    frame: pd.DataFrame = arrow.to_pandas(types_mapper=dtype)
    for column in _nested(frame):
        try:
            frame[column] = frame[column].map(json.loads, na_action="ignore")
        except (TypeError, ValueError, RecursionError):
            raise MappingError(f"The column {column!r} has cells that are not the JSON a run writes there.") from None
    return frame


def _nested(frame: pd.DataFrame) -> list[str]:
    """Give the columns of results that are objects, and come as JSON."""
    kinds = {**RESULT_COLUMNS, EXTRA: "object"}
    return [column for column in frame.columns if kinds.get(column) == "object" and column not in LISTED]


def _arrow(answers: pd.DataFrame, listed: tuple[str, ...] = LISTED) -> Any:
    """Make an Arrow table of results; the columns `listed` have lists of text, and all others that are nested JSON."""
    pa: Any = import_module("pyarrow")
    kinds = {"string": pa.string(), "Int64": pa.int64(), "Float64": pa.float64(), "boolean": pa.bool_()}
    arrays = {}
    for column in answers.columns:
        kind, cells = kinds.get(RESULT_COLUMNS.get(column, "object")), answers[column]
        if kind is not None:
            arrays[column] = pa.array(cells, kind, from_pandas=True)
        elif column in listed:
            lists = [None if one is None else [str(tag) for tag in one] for one in cells]
            arrays[column] = pa.array(lists, pa.list_(pa.string()))
        else:
            texts = [None if one is None else json.dumps(one, ensure_ascii=False, default=str) for one in cells]
            arrays[column] = pa.array(texts, pa.string())
    return pa.table(arrays)
