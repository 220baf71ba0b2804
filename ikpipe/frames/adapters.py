"""Convert tables of other libraries (polars, pyarrow, all with Arrow's C stream) to frames, and results back.

Columns are converted through Arrow arrays, not Python objects. The input's own columns are kept as they are; only those
of the results are made. Nested values in these become JSON, apart from the lists of text `ik_tags` and `ik_warnings`:
Arrow needs one type for all rows.
"""

import json
from collections.abc import Iterable
from functools import cache, lru_cache
from importlib import import_module
from typing import Any, Self, TypeVar

import pandas as pd

from ikpipe.errors import MappingError
from ikpipe.frames.codec.arrow_columns import as_objects, plain_column, to_frame
from ikpipe.frames.codec.foreign import sound
from ikpipe.frames.foreign_tables import in_memory
from ikpipe.request.result import EXTRA, LISTED, RESULT_COLUMNS

_DTYPES = ("string", "Int64", "Float64", "boolean")  # of result columns that are not objects
Frame = TypeVar("Frame")
"""A pandas or polars DataFrame, or a pyarrow Table: the result has the type of the input.

That of a polars LazyFrame is a polars DataFrame, that of another table with Arrow's C stream interface a pyarrow Table.
"""


class FrameAdapter:
    """A table as a frame, and conversions back to the table's library.

    `table` is a pandas or polars DataFrame, a pyarrow Table, or another one that `in_memory` reads; it is read once.
    Raise `MappingError` if it is not such a table.
    """

    def __init__(self, table: Any) -> None:
        self._own: pd.DataFrame | None = None
        self._table: Any = None
        self._names: dict[str, str] = {}  # other names of columns that share one, which narwhals does not accept
        table = in_memory(table)
        if isinstance(table, pd.DataFrame):
            self._own, self.frame = table, _readable(table)
            return
        table, self._names = _distinct(table)
        self._table = import_module("narwhals").from_native(table, eager_only=True)
        self.frame = _frame(self._table)
        if self._names:
            self.frame = self.frame.rename(columns=self._names)

    def back(self, results: pd.DataFrame, columns: Iterable[str] = (*RESULT_COLUMNS, EXTRA)) -> Any:
        """Return results in the table's library: the table's own columns, then those of the results."""
        if self._own is not None:
            return self._restored(results, columns)
        return self._with(_arrow(results[[name for name in columns if name in results.columns]]))

    def beside(self, frame: pd.DataFrame, columns: list[str]) -> Any:
        """Return a frame with further columns of text in the table's library."""
        if self._own is not None:
            return self._restored(frame, columns)
        pa: Any = import_module("pyarrow")
        return self._with(pa.table({name: pa.array(frame[name], pa.string(), from_pandas=True) for name in columns}))

    def _restored(self, results: pd.DataFrame, columns: Iterable[str]) -> pd.DataFrame:
        """Return results with the table's own columns as they were; `columns` are not among these."""
        if self._own is None or self._own is self.frame:
            return results
        kept = [at for at, name in enumerate(self._own.columns) if name not in columns]
        for place, at in enumerate(kept):
            if self._own.dtypes.iloc[at] != self.frame.dtypes.iloc[at]:
                results.isetitem(place, self._own.iloc[:, at].array)
        return results

    def _with(self, columns: Any) -> Any:
        """Return the table with the columns of an Arrow table, which replace columns of the same names."""
        import narwhals as nw

        added = nw.from_arrow(columns, backend=self._table.implementation)
        kept = [name for name in self._table.columns if name not in added.columns]
        return self._native(nw.concat([self._table.select(kept), added], how="horizontal"))

    def _native(self, table: Any) -> Any:
        """Return a table of narwhals in the table's library, with its own names."""
        native = table.to_native()
        if not self._names:
            return native
        return native.rename_columns([self._names.get(name, name) for name in native.column_names])

    def without_rows(self) -> Self:
        """Return the adapter of the same table without its rows."""
        return type(self)(self._native(self._table.head(0)) if self._own is None else self._own.iloc[:0])

    @property
    def is_pandas(self) -> bool:
        """Whether the table is a pandas DataFrame."""
        return self._own is not None

    def with_answers(self, answers: Any) -> Any:
        """Return the table with the columns of an Arrow table, which replace columns of the same names."""
        if self._own is None:
            return self._with(answers)
        names = answers.column_names
        stays = [name not in names for name in self._own.columns]
        kept = self._own if all(stays) else self._own.loc[:, stays]
        # Not `to_pandas`: for a small part, it takes more processor time than all of its journal.
        columns = {name: _cells(_dtype_of(name), one) for name, one in zip(names, answers.columns, strict=True)}
        if len(kept) <= _SMALL:
            return _with_arrays(kept, columns)
        return pd.concat([kept, pd.DataFrame(columns, index=kept.index, copy=False)], axis=1)

    def like(self, frame: pd.DataFrame) -> Any:
        """Return another frame, of text and numbers, in the table's library."""
        if self._own is not None:
            return frame
        import narwhals as nw

        pa: Any = import_module("pyarrow")
        converted = pa.Table.from_pandas(frame.convert_dtypes(), preserve_index=False)
        return nw.from_arrow(converted, backend=self._table.implementation).to_native()


@cache
def _dtype_of(column: str) -> Any:
    """Return the dtype of a column of results that come as Arrow arrays: objects are JSON, and so text."""
    dtype = RESULT_COLUMNS.get(column, "object")
    return pd.api.types.pandas_dtype("string" if dtype == "object" else dtype)


def _with_arrays(frame: Any, columns: dict[str, Any]) -> pd.DataFrame:
    """Return a small frame with further columns.

    `concat` and pandas' constructor examine each column, which takes longer than to upload a row.
    """
    arrays = [*(array.copy() for array in frame._iter_column_arrays()), *columns.values()]  # noqa: SLF001
    names, make = frame.columns.append(_names(*columns)), pd.DataFrame._from_arrays  # type: ignore[attr-defined]  # noqa: SLF001
    made: pd.DataFrame = make(arrays, names, frame.index, verify_integrity=False)
    return made


@lru_cache(4)
def _names(*columns: str) -> Any:
    return pd.Index(columns)


def _cells(dtype: Any, cells: Any) -> Any:
    """Return Arrow's cells as an array of a pandas dtype."""
    if cells.null_count == len(cells) <= _SMALL:
        return _missing(dtype, len(cells)).copy()
    return dtype.__from_arrow__(cells)


_SMALL = 100  # rows, up to which columns without values are kept: of longer ones, these would take much memory


@lru_cache(64)
def _missing(dtype: Any, rows: int) -> Any:
    """Return a column without values, of which most results have many."""
    return pd.array([None] * rows, dtype=dtype)


def _distinct(table: Any) -> tuple[Any, dict[str, str]]:
    """Return a table with distinct names of columns, and the former names of those that have another one."""
    names = getattr(table, "column_names", [])
    if not isinstance(names, list) or len(set(names)) == len(names) or not hasattr(table, "rename_columns"):
        return table, {}
    distinct = [name if names.index(name) == at else f"{name}\0{at}" for at, name in enumerate(names)]
    return table.rename_columns(distinct), dict(zip(distinct, names, strict=True))


def _readable(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame in which Arrow columns of types that pandas cannot process have others."""
    made = frame
    for at, dtype in enumerate(frame.dtypes):
        pa: Any = import_module("pyarrow") if isinstance(dtype, pd.ArrowDtype) else None
        if pa is None:
            continue
        column = pa.chunked_array(frame.iloc[:, at].array.__arrow_array__())
        plain = plain_column(column, nested=True)
        if plain is not column:
            made = frame.copy(deep=False) if made is frame else made
            made.isetitem(
                at, as_objects(column, frame.index) if plain is None else pd.arrays.ArrowExtensionArray(plain)
            )
    return made


def _frame(table: Any) -> pd.DataFrame:
    """Return a table as a frame, without copying plain cells."""
    try:
        arrow = sound(table.to_arrow())
    except ValueError as error:
        raise MappingError(f"The table cannot be read: {error}.") from None
    frame = to_frame(arrow, _dtype)
    for column in _nested(frame):
        try:
            frame[column] = frame[column].map(json.loads, na_action="ignore")
        except (TypeError, ValueError, RecursionError):
            words = f"The column {column!r} has cells that are not JSON as a run writes it."
            raise MappingError(words, fix="Use the table that the run returned, or drop the column.") from None
    return frame


def _dtype(kind: Any) -> Any:
    """Return the pandas dtype for an Arrow type."""
    types: Any = import_module("pyarrow").types
    if types.is_nested(kind) or types.is_dictionary(kind):
        return None  # objects, and categories
    text = types.is_string(kind) or types.is_large_string(kind)
    return pd.StringDtype("pyarrow") if text else pd.ArrowDtype(kind)


def _nested(frame: pd.DataFrame) -> list[str]:
    """Return the columns of results that are objects in pandas, and JSON in other libraries."""
    kinds = {**RESULT_COLUMNS, EXTRA: "object"}
    return [column for column in frame.columns if kinds.get(column) == "object" and column not in LISTED]


def _arrow(answers: pd.DataFrame, listed: tuple[str, ...] = LISTED) -> Any:
    """Return results as an Arrow table: lists of text in the columns `listed`, other nested values as JSON."""
    pa: Any = import_module("pyarrow")
    kinds = dict(zip(_DTYPES, (pa.string(), pa.int64(), pa.float64(), pa.bool_()), strict=True))
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
