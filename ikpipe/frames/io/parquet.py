"""Write and read results as Parquet, with the index, labels, dtypes, cells and ``attrs`` of the frame.

Arrow stores most columns itself. Others, above all `object` columns, are written as tagged JSON; the schema's metadata
has under ``ikpipe`` how each column is encoded, for `read`: other programs see a Parquet file with text columns.

In files of other programs, only the columns are read, and of pandas' metadata only the index columns and plain dtypes:
the rest could build any dtype, and any ``attrs``.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import IO, Any, NamedTuple

import pandas as pd
from pandas.api.types import infer_dtype, pandas_dtype

from ikpipe.errors import Error
from ikpipe.frames.codec import foreign, json_values
from ikpipe.frames.codec.arrow_columns import parts_of, to_frame
from ikpipe.frames.codec.bounds import is_column_dtype
from ikpipe.frames.codec.dtypes import categorical, categories, columns, described, dtype_name, framed, labels, made
from ikpipe.frames.io import results_text
from ikpipe.frames.io.content import HEAD, refuse_other_kinds
from ikpipe.frames.io.opening import InputFile, import_extra, name_of, open_input, read_as

_NOTES = b"ikpipe"
_INTEGERS = ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64")


@dataclass(frozen=True)
class _Note:
    """How a column is encoded: `how` is arrow, pyarrow (its dtype is Arrow's too) or tagged, for JSON.

    `categories` are those of a categorical, as tagged JSON.
    """

    how: str
    dtype: str
    categories: str = ""


def read(stream: IO[bytes], name: str) -> pd.DataFrame:
    """Return the frame of a Parquet file: of results as it was written, of other files as pandas does."""
    with read_as("a Parquet file", name):
        file = _opened(stream, name)
        noted = (file.metadata.metadata or {}).get(_NOTES)
        table = file.read()
        frame: pd.DataFrame = to_frame(foreign.sound(table)) if noted is None else decoded(table, noted, name)
        return frame


def _opened(stream: IO[bytes], name: str) -> Any:
    """Return a reader of a Parquet file."""
    pq = import_extra("pyarrow.parquet", "parquet", "Reading a Parquet file")
    refuse_other_kinds(stream.read(HEAD), name, "parquet")
    stream.seek(0)
    return pq.ParquetFile(stream)


def groups(stream: IO[bytes]) -> Iterator[pd.DataFrame]:
    """Yield the chunks of a file of results."""
    file = import_extra("pyarrow.parquet", "parquet", "Reading a Parquet file").ParquetFile(stream)
    notes = json.loads(file.metadata.metadata[_NOTES])
    for group in range(file.num_row_groups):
        table = file.read_row_group(group)
        yield decoded(table, json.dumps(notes | {"rows": table.num_rows}), trusted=True)


def is_ours(source: InputFile) -> bool:
    """Whether a file has results, with ikpipe's metadata."""
    with open_input(source) as stream, read_as("a Parquet file", name_of(source)):
        return _NOTES in (_opened(stream, name_of(source)).metadata.metadata or {})


class Facts(NamedTuple):
    """The number of a file's rows, its columns, and the places of columns with floats that are not all integers."""

    rows: int
    names: list[str]
    fractions: set[int]


def facts(stream: IO[bytes], name: str) -> Facts:
    """Return what a file shows before its rows are mapped."""
    compute, types = import_extra("pyarrow.compute", "parquet", ""), import_extra("pyarrow.types", "parquet", "")
    with read_as("a Parquet file", name):
        file = _opened(stream, name)
        floats = {at for at, field in enumerate(file.schema_arrow) if types.is_floating(field.type)}
        fractions: set[int] = set()
        for group in range(file.num_row_groups):
            for at in floats - fractions:
                table = file.read_row_group(group, columns=[file.schema_arrow.names[at]])
                if any(_has_fractions(compute, column) for column in table.columns):  # several of the same name
                    fractions.add(at)
        return Facts(file.metadata.num_rows, file.schema_arrow.names, fractions)


def _has_fractions(compute: Any, column: Any) -> bool:
    cells = column.cast("float64")
    return compute.all(compute.equal(cells, compute.round(cells))).as_py() is False


def frames(stream: IO[bytes], name: str, rows: int) -> Iterator[pd.DataFrame]:
    """Yield a file as frames of some rows, with the same dtypes, even if cells are missing."""
    pyarrow = import_extra("pyarrow", "parquet", "Reading a Parquet file")
    with read_as("a Parquet file", name):
        file = _opened(stream, name)
        batches = file.iter_batches(rows)
    while True:
        with read_as("a Parquet file", name):
            batch = next(batches, None)
            table = file.schema_arrow.empty_table() if batch is None else pyarrow.Table.from_batches([batch])
            frame = _plain(pyarrow, foreign.sound(table))
        yield frame
        if batch is None:
            return


def _plain(pyarrow: Any, table: Any) -> pd.DataFrame:
    """Return a part of a table as a frame, with the same dtypes as the other parts."""
    for at, field in enumerate(table.schema):
        if pyarrow.types.is_dictionary(field.type):  # each part would have its own categories
            table = table.set_column(at, field.name, table.column(at).cast(field.type.value_type))
    nullable = {getattr(pyarrow, f"{dtype.lower()}")(): getattr(pd, f"{dtype}Dtype")() for dtype in _INTEGERS}
    return to_frame(table, ({**nullable, pyarrow.bool_(): pd.BooleanDtype()}).get)


class EncodedTable(NamedTuple):
    """A chunk of a frame as an Arrow table, and the data to decode it.

    `how` has the encoding of each column; `frame` has the index and the labels; `indexed`: the index is in the table.
    """

    table: Any
    how: list[dict[str, Any]]
    frame: pd.DataFrame
    indexed: bool

    @classmethod
    def of(cls, frame: pd.DataFrame, as_json: Collection[str] = (), *, index: bool) -> "EncodedTable":
        """Return an encoded frame, with tagged JSON in the columns `as_json`, whose cells Arrow cannot all store."""
        pyarrow = import_extra("pyarrow", "parquet", "Writing a Parquet file")
        names = results_text.names(frame, index=index)
        named = zip(names, columns(frame, index=index), strict=True)
        pairs = [_encoded_column(pyarrow, column, as_json=name in as_json) for name, column in named]
        table = pyarrow.table([array for array, _ in pairs], names=names)
        return cls(table, [asdict(note) for _, note in pairs], frame, index)

    def alike(self, other: "EncodedTable") -> bool:
        """Whether both can be parts of one file."""
        return self.how == other.how and self.table.schema.equals(other.table.schema)

    def differing(self, other: "EncodedTable") -> set[str]:
        """Return the columns of both with different encodings or types."""
        theirs = {field.name: (field.type, how) for field, how in zip(other.table.schema, other.how, strict=True)}
        mine = ((field.name, (field.type, how)) for field, how in zip(self.table.schema, self.how, strict=True))
        return {name for name, way in mine if theirs.get(name, way) != way}

    def notes(self, rows: int, attrs: Mapping[Any, Any]) -> dict[bytes, str]:
        """Return the file's metadata for `read`; `rows` and `attrs` are those of the whole table."""
        index = described(self.frame.index) if self.indexed else None
        if index is not None and index["range"]:
            start, _, step = index["range"]
            index["range"] = [start, start + rows * step, step]
        notes = {
            "columns": self.how,
            "index": index,
            "labels": labels(self.frame.columns),
            "attrs": json_values.encode(dict(attrs)),
            "rows": rows,
        }
        return {_NOTES: json.dumps(notes)}


def decoded(table: Any, noted: str | bytes, name: str = "the file", *, trusted: bool = False) -> pd.DataFrame:
    """Return the frame of a file's table.

    `noted` are the notes in its metadata; `name` is the file's, for errors. `trusted` says whether this process has
    just written the file: only then paths are paths, instead of text.
    """
    notes = json.loads(noted)
    pairs = zip(table.column_names, foreign.stored(table).columns, notes["columns"], strict=True)
    series = [_decoded_column(array, _Note(**note), f"{name}, {column}", trusted) for column, array, note in pairs]
    return framed(series, notes["index"]["levels"] if notes["index"] else 0, notes, trusted=trusted)


def _encoded_column(pyarrow: Any, column: "pd.Series[Any]", *, as_json: bool = False) -> tuple[Any, _Note]:
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype) and not as_json:
        return _encoded_categories(pyarrow, column, dtype)
    own = isinstance(dtype, pd.ArrowDtype)
    note = _Note("pyarrow" if own else "arrow", dtype_name(dtype))
    if (own or note.dtype != "object") and not as_json:
        try:
            array = pyarrow.array(column, from_pandas=True)
        except (pyarrow.ArrowException, UnicodeError):
            pass  # Arrow has no such type or text: it is written as JSON.
        else:
            if not _has_empty_struct(pyarrow.types, array.type):
                return array, note
    return pyarrow.array(map(json_values.encode, column.tolist()), pyarrow.string()), replace(note, how="tagged")


def _has_empty_struct(types: Any, kind: Any) -> bool:
    """Whether a type is, or contains, a struct without fields, which Parquet cannot have."""
    parts = parts_of(types, kind)
    return parts == [] or any(_has_empty_struct(types, part) for part in parts or ())


def _encoded_categories(pyarrow: Any, column: "pd.Series[Any]", dtype: pd.CategoricalDtype) -> tuple[Any, _Note]:
    """Return a categorical's values, which other programs can read, with its categories in the note."""
    values = column.astype("string" if infer_dtype(dtype.categories) == "string" else object)
    array, note = _encoded_column(pyarrow, values)
    return array, replace(note, categories=categories(dtype))


def _decoded_column(array: Any, note: _Note, where: str, trusted: bool) -> Any:  # noqa: FBT001 - passed on
    values = _decoded_values(array, note, where, trusted)
    if not note.categories:
        return values
    return pd.Series(pd.Categorical(values.tolist(), dtype=categorical(note.categories, trusted=trusted)))


def _decoded_values(array: Any, note: _Note, where: str, trusted: bool) -> Any:  # noqa: FBT001 - passed on
    if note.how == "tagged":
        return made(pd.Series, _decoded_cells(array.to_pylist(), where, trusted), note.dtype)
    name = note.dtype if is_column_dtype(note.dtype) else "object"
    dtype: Any = pd.ArrowDtype(array.type) if note.how == "pyarrow" else pandas_dtype(name)
    # Through numpy, a missing cell would convert large integers to floats.
    if hasattr(dtype, "__from_arrow__"):
        return pd.Series(dtype.__from_arrow__(array))
    return array.to_pandas().astype(dtype)


def _decoded_cells(texts: list[str], where: str, trusted: bool) -> list[Any]:  # noqa: FBT001 - passed on
    cells: list[Any] = []
    try:
        # `extend` appends one by one: after an error, the length is the place of the cell.
        cells.extend(json_values.decode(text, trusted=trusted) for text in texts)
    except ValueError as error:
        raise Error(f"{where}, row {len(cells)}: {error}.") from None
    return cells
