"""Results as Parquet, with everything that a frame has: its index, its labels, its dtypes, its cells and its ``attrs``.

Arrow keeps most columns by itself. What it cannot keep, above all `object` columns, goes in as tagged JSON; how each
column went in stands in the schema's metadata under ``ikpipe``, for `read` alone: to other programs it is a Parquet
file with text columns.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import IO, Any

import pandas as pd
from pandas.api.types import infer_dtype, pandas_dtype

from ikpipe._errors import Error
from ikpipe._frame import tagged
from ikpipe.tables import text
from ikpipe.tables.files import needed

_NOTES = b"ikpipe"


@dataclass(frozen=True)
class _Note:
    """How a column went in: `how` is arrow, pyarrow (its dtype is Arrow's too) or tagged, for JSON.

    `categories` are those of a categorical, as tagged JSON.
    """

    how: str
    dtype: str
    categories: str = ""


def write(frame: pd.DataFrame, stream: IO[bytes]) -> None:
    """Write a frame as Parquet."""
    needed("pyarrow.parquet", "parquet", "Writing a Parquet file").write_table(encoded(frame), stream)


def read(stream: IO[bytes], name: str) -> pd.DataFrame:
    """Read a Parquet file: one of `write` as the frame that it was, any other as pandas does."""
    pq = needed("pyarrow.parquet", "parquet", "Reading a Parquet file")
    try:
        table = pq.read_table(stream)
    except (ValueError, OSError) as error:
        raise Error(f"{name} is no Parquet file that can be read: {error}") from error
    frame: pd.DataFrame = decoded(table) if _NOTES in (table.schema.metadata or {}) else table.to_pandas()
    return frame


def encoded(frame: pd.DataFrame) -> Any:
    """Turn a frame, or a chunk of one, into an Arrow table that knows how to become it again."""
    pyarrow = needed("pyarrow", "parquet", "Writing a Parquet file")
    index = text.has_index(frame)
    pairs = [_encoded_column(pyarrow, column) for column in text.columns(frame, index=index)]
    notes = {
        "columns": [asdict(note) for _, note in pairs],
        "index": _described(frame.index) if index else None,
        "labels": _described(frame.columns) | {"values": tagged.encode(frame.columns.tolist())},
        "attrs": tagged.encode(frame.attrs),
        "rows": len(frame),
    }
    table = pyarrow.table([array for array, _ in pairs], names=text.names(frame, index=index))
    return table.replace_schema_metadata({_NOTES: json.dumps(notes)})


def decoded(table: Any) -> pd.DataFrame:
    """Turn what `encoded` made back into its frame."""
    notes = json.loads(table.schema.metadata[_NOTES])
    columns = [
        _decoded_column(array, _Note(**note)) for array, note in zip(table.columns, notes["columns"], strict=True)
    ]
    levels = notes["index"]["levels"] if notes["index"] else 0
    frame = pd.DataFrame(dict(enumerate(columns[levels:])), index=pd.RangeIndex(notes["rows"]))
    if notes["index"]:
        frame.index = _index(columns[:levels], notes["index"])
    frame.columns = _labels(notes["labels"])
    frame.attrs = tagged.decode(notes["attrs"])
    return frame


def _encoded_column(pyarrow: Any, column: "pd.Series[Any]") -> tuple[Any, _Note]:
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _encoded_categories(pyarrow, column, dtype)
    note = _Note("pyarrow" if isinstance(dtype, pd.ArrowDtype) else "arrow", _name(dtype))
    if note.dtype != "object":
        try:
            return pyarrow.array(column, from_pandas=True), note
        except (pyarrow.ArrowException, UnicodeError):
            pass  # Arrow has no such type, or no such text: it goes in as JSON.
    return pyarrow.array(map(tagged.encode, column.tolist()), pyarrow.string()), replace(note, how="tagged")


def _encoded_categories(pyarrow: Any, column: "pd.Series[Any]", dtype: pd.CategoricalDtype) -> tuple[Any, _Note]:
    """Store a categorical's values, which other programs can read, and beside them its categories."""
    categories = dtype.categories
    values = column.astype("string" if infer_dtype(categories) == "string" else object)
    array, note = _encoded_column(pyarrow, values)
    return array, replace(
        note, categories=tagged.encode([categories.tolist(), _name(categories.dtype), bool(dtype.ordered)])
    )


def _name(dtype: Any) -> str:
    """Name a dtype so that pandas finds it again; its own names for text leave out where the text is stored."""
    kept = isinstance(dtype, pd.StringDtype) and dtype.na_value is pd.NA
    return f"string[{dtype.storage}]" if kept else str(dtype)


def _decoded_column(array: Any, note: _Note) -> Any:
    values = _decoded_values(array, note)
    if not note.categories:
        return values
    categories, dtype, ordered = tagged.decode(note.categories)
    return pd.Series(pd.Categorical(values.tolist(), categories=_made(pd.Index, categories, dtype), ordered=ordered))


def _decoded_values(array: Any, note: _Note) -> Any:
    if note.how == "tagged":
        return _made(pd.Series, [tagged.decode(cell) for cell in array.to_pylist()], note.dtype)
    dtype: Any = pd.ArrowDtype(array.type) if note.how == "pyarrow" else pandas_dtype(note.dtype)
    # Through numpy, a missing cell would make large integers floats.
    if hasattr(dtype, "__from_arrow__"):
        return pd.Series(dtype.__from_arrow__(array))
    return array.to_pandas().astype(dtype)


def _made(kind: Callable[..., Any], values: list[Any], dtype: str) -> Any:
    """Make a series or an index; a dtype of a package that is not loaded here leaves plain objects."""
    try:
        return kind(values, dtype=pandas_dtype(dtype))
    except (TypeError, ValueError):
        return kind(values, dtype=object)


def _described(index: "pd.Index[Any]") -> dict[str, Any]:
    return {
        "levels": index.nlevels,
        "multi": isinstance(index, pd.MultiIndex),
        "names": tagged.encode(list(index.names)),
        "dtype": _name(index.dtype),
        "freq": index.freqstr if isinstance(index, pd.DatetimeIndex | pd.TimedeltaIndex) else None,
    }


def _index(levels: list["pd.Series[Any]"], note: dict[str, Any]) -> Any:
    names = tagged.decode(note["names"])
    if note["multi"]:
        return pd.MultiIndex.from_arrays(levels, names=names)
    # The array, because a series would bring its own name along.
    index = pd.Index(levels[0].array, dtype=levels[0].dtype, name=names[0])
    if note["freq"]:
        index = type(index)(index, freq=note["freq"])
    return index


def _labels(note: dict[str, Any]) -> Any:
    values, names = tagged.decode(note["values"]), tagged.decode(note["names"])
    if note["multi"]:
        return pd.MultiIndex.from_tuples(values, names=names)
    return _made(pd.Index, values, note["dtype"]).rename(names[0])
