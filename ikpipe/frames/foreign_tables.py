"""Read tables of other libraries into memory, once: a stream of record batches cannot be read again."""

from __future__ import annotations

from importlib import import_module
from typing import Any
from weakref import WeakSet

import pandas as pd

from ikpipe.errors import MappingError, MissingExtra, reason
from ikpipe.errors.scrubbing import scrubbed

_FIX = (
    "Use a pandas or polars DataFrame, a pyarrow Table, or another table with Arrow's C stream interface "
    "(__arrow_c_stream__), such as a polars LazyFrame or a DuckDB relation."
)
_ENGINES = {
    "dask": "Use ikpipe.dask for it, or call its method compute().",
    "pyspark": "Use ikpipe.spark for it, or call its method toPandas().",
}
"""Package of a table that is on a cluster → what to do."""
_ARROW = ("__arrow_c_stream__", "__arrow_c_array__")
_READ: WeakSet[Any] = WeakSet()
"""Readers that have been read: they would look like tables without rows."""


def in_memory(table: Any) -> Any:
    """Return a table in memory, which can be read any number of times; itself if it is one.

    A polars LazyFrame becomes a polars DataFrame. Another lazy table or stream is read through Arrow's C stream
    interface, and becomes a pyarrow Table. Raise `MappingError` if this is not a table, or cannot be read.
    """
    if isinstance(table, pd.DataFrame):
        return table
    kind = type(table)
    words = f"ikpipe cannot read a {kind.__name__} as a table."
    if fix := _ENGINES.get(kind.__module__.partition(".")[0]):
        raise MappingError(words, fix=fix)
    lazy = kind.__name__ == "LazyFrame" and hasattr(table, "collect")
    if not lazy and not any(hasattr(table, way) for way in (*_ARROW, "__narwhals_dataframe__", "__dataframe__")):
        raise MappingError(words, fix=_FIX)
    try:
        narwhals: Any = import_module("narwhals")
        pyarrow: Any = import_module("pyarrow")  # which narwhals uses
    except ImportError:
        raise MissingExtra.for_extra("parquet", "A table that is not a pandas DataFrame") from None
    if isinstance(table, pyarrow.Table):
        return table
    if lazy:
        return _computed(table.collect, words)
    try:
        narwhals.from_native(table, eager_only=True)
    except TypeError:
        return _streamed(pyarrow, table, words)
    return table


def _streamed(pyarrow: Any, table: Any, words: str) -> Any:
    """Return a pyarrow Table with what a table has behind Arrow's interface."""
    if isinstance(table, pyarrow.RecordBatchReader):
        if table in _READ:
            fix = "Read it into a table with its method read_all(), and use that each time."
            raise MappingError("The RecordBatchReader was read before, and can be read only once.", fix=fix)
        _READ.add(table)
    return _computed(lambda: pyarrow.table(table), words)


def _computed(compute: Any, words: str) -> Any:
    """Return what a function computes; `words` are those of the error if it fails."""
    try:
        return compute()
    except Exception as error:  # noqa: BLE001 - each library has its own
        raise MappingError(f"{words} {type(error).__name__}: {scrubbed(reason(error))}", fix=_FIX) from None
