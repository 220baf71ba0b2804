"""Results as Parquet, with everything that a frame has: its index, its labels, its dtypes, its cells and its ``attrs``.

Arrow keeps most columns by itself. What it cannot keep, above all `object` columns, goes in as tagged JSON; how each
column went in stands in the schema's metadata under ``ikpipe``, for `read` alone: to other programs it is a Parquet
file with text columns.
"""

import json
from dataclasses import asdict, dataclass, replace
from typing import IO, Any

import pandas as pd
from pandas.api.types import infer_dtype, pandas_dtype

from ikpipe._errors import Error
from ikpipe._frame import tagged
from ikpipe._frame.described import (
    categorical,
    categories,
    columns,
    described,
    dtype_name,
    has_index,
    index_of,
    labels,
    labels_of,
    made,
)
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
    index = has_index(frame)
    pairs = [_encoded_column(pyarrow, column) for column in columns(frame, index=index)]
    notes = {
        "columns": [asdict(note) for _, note in pairs],
        "index": described(frame.index) if index else None,
        "labels": labels(frame.columns),
        "attrs": tagged.encode(frame.attrs),
        "rows": len(frame),
    }
    table = pyarrow.table([array for array, _ in pairs], names=text.names(frame, index=index))
    return table.replace_schema_metadata({_NOTES: json.dumps(notes)})


def decoded(table: Any) -> pd.DataFrame:
    """Turn what `encoded` made back into its frame."""
    notes = json.loads(table.schema.metadata[_NOTES])
    pairs = zip(table.columns, notes["columns"], strict=True)
    found = [_decoded_column(array, _Note(**note)) for array, note in pairs]
    levels = notes["index"]["levels"] if notes["index"] else 0
    frame = pd.DataFrame(dict(enumerate(found[levels:])), index=pd.RangeIndex(notes["rows"]))
    if notes["index"]:
        frame.index = index_of(found[:levels], notes["index"])
    frame.columns = labels_of(notes["labels"])
    frame.attrs = tagged.decode(notes["attrs"])
    return frame


def _encoded_column(pyarrow: Any, column: "pd.Series[Any]") -> tuple[Any, _Note]:
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _encoded_categories(pyarrow, column, dtype)
    own = isinstance(dtype, pd.ArrowDtype)
    note = _Note("pyarrow" if own else "arrow", dtype_name(dtype))
    if own or note.dtype != "object":
        try:
            return pyarrow.array(column, from_pandas=True), note
        except (pyarrow.ArrowException, UnicodeError):
            pass  # Arrow has no such type, or no such text: it goes in as JSON.
    return pyarrow.array(map(tagged.encode, column.tolist()), pyarrow.string()), replace(note, how="tagged")


def _encoded_categories(pyarrow: Any, column: "pd.Series[Any]", dtype: pd.CategoricalDtype) -> tuple[Any, _Note]:
    """Store a categorical's values, which other programs can read, and beside them its categories."""
    values = column.astype("string" if infer_dtype(dtype.categories) == "string" else object)
    array, note = _encoded_column(pyarrow, values)
    return array, replace(note, categories=categories(dtype))


def _decoded_column(array: Any, note: _Note) -> Any:
    values = _decoded_values(array, note)
    if not note.categories:
        return values
    return pd.Series(pd.Categorical(values.tolist(), dtype=categorical(note.categories)))


def _decoded_values(array: Any, note: _Note) -> Any:
    if note.how == "tagged":
        return made(pd.Series, [tagged.decode(cell) for cell in array.to_pylist()], note.dtype)
    dtype: Any = pd.ArrowDtype(array.type) if note.how == "pyarrow" else pandas_dtype(note.dtype)
    # Through numpy, a missing cell would make large integers floats.
    if hasattr(dtype, "__from_arrow__"):
        return pd.Series(dtype.__from_arrow__(array))
    return array.to_pandas().astype(dtype)
