"""A table's own columns come back as they were, whatever their types are, also for a part on a cluster."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import hypothesis.strategies as st
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from examples import plays
from hypothesis import given

import ikpipe
from ikpipe.frames.adapters import FrameAdapter
from ikpipe.frames.chunks import InMemoryTable
from ikpipe.frames.codec.text import decode_frame
from ikpipe.frames.io.writing import JsonLinesWriter, OutputStream, ParquetWriter
from ikpipe.frames.part_results import empty_results
from ikpipe.frames.results import ResultCollector

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FAR = 10**15
"""Beyond the years and the days of Python, in seconds."""
FIRST, LAST = dt.datetime(1, 1, 1, tzinfo=dt.UTC), dt.datetime(9999, 12, 31, tzinfo=dt.UTC)
PAIRS = pa.array([[1, 2], [3, 4], None], pa.list_(pa.int32(), 2))
COLUMNS: dict[str, pa.Array] = {
    "far_days": pa.array([dt.date(9999, 12, 31), dt.date(1, 1, 1), None]),
    "days_beyond": pa.array([10**8, -(10**8), None], pa.int32()).cast(pa.date32()),
    "far_moments": pa.array([LAST, FIRST, None], pa.timestamp("us", "Asia/Tokyo")),
    "moments_beyond": pa.array([FAR, -FAR, None], pa.timestamp("s")),
    "durations_beyond": pa.array([FAR, -FAR, None], pa.duration("s")),
    "list_of_durations_beyond": pa.array([[FAR], [], None], pa.list_(pa.duration("s"))),
    "nanoseconds": pa.array([1, 86_399_999_999_999, None], pa.time64("ns")),
    "string_view": pa.array(["a", "b" * 40, None], pa.string_view()),
    "binary_view": pa.array([b"a", b"b" * 40, None], pa.binary_view()),
    "large_string": pa.array(["a", "b", None], pa.large_string()),
    "dictionary": pa.array(["a", "b", None]).dictionary_encode(),
    "dictionary_of_numbers": pa.array([1, 2, None]).dictionary_encode(),
    "empty_struct": pa.array([{}, {}, None], pa.struct([])),
    "list_of_empty_structs": pa.array([[{}], [], None], pa.list_(pa.struct([]))),
    "struct_of_empty_struct": pa.array([{"a": {}}, {"a": None}, None], pa.struct([("a", pa.struct([]))])),
    "struct": pa.array(
        [{"a": 1, "b": None}, {"a": None, "b": "x"}, None], pa.struct([("a", pa.int64()), ("b", pa.string())])
    ),
    "null": pa.nulls(3),
    "list_of_lists": pa.array([[[1, 2], None], [], None], pa.list_(pa.list_(pa.int64()))),
    "list_view": pa.array([["x"], [None], None], pa.list_view(pa.string())),
    "map": pa.array([[("a", 1)], [], None], pa.map_(pa.string(), pa.int64())),
    "decimal256": pa.array([Decimal("1.20"), Decimal(10) ** 40, None], pa.decimal256(60, 2)),
    "run_end": pa.RunEndEncodedArray.from_arrays(pa.array([2, 3], pa.int32()), pa.array(["a", None])),
    "month": pa.array([pa.MonthDayNano([1, 2, 3]), None, None]),
    "tensor": pa.ExtensionArray.from_storage(pa.fixed_shape_tensor(pa.int32(), [2]), PAIRS),
    "union": pa.UnionArray.from_sparse(
        pa.array([0, 1, 0], pa.int8()), [pa.array([1, 2, 3]), pa.array(["a", "b", "c"])]
    ),
    **({"uuid": pa.array([b"0" * 16, b"1" * 16, None], pa.binary(16)).cast(pa.uuid())} if hasattr(pa, "uuid") else {}),
    **({"json": pa.array(["{}", "[1]", None], pa.json_())} if hasattr(pa, "json_") else {}),
}
NOT_IN_POLARS = {"list_view", "run_end", "month", "union", "decimal256"}


def arrow(column: pa.Array) -> pa.Table:
    """Return a pyarrow Table."""
    return pa.table({"own": column, "sku": ["a", "b", "c"]})


def pandas(column: pa.Array) -> pd.DataFrame:
    """Return a DataFrame whose column is Arrow's."""
    return pd.DataFrame({"own": pd.arrays.ArrowExtensionArray(pa.chunked_array([column])), "sku": ["a", "b", "c"]})  # type: ignore[attr-defined]


def polars(column: pa.Array) -> pl.DataFrame:
    """Return a polars DataFrame."""
    frame = pl.from_arrow(arrow(column))
    assert isinstance(frame, pl.DataFrame)
    return frame


def same(table: Any, results: Any) -> bool:
    """Whether the columns of a table are in its results as they are."""
    if isinstance(table, pa.Table):
        return bool(table.equals(results.select(["own", "sku"])))
    if isinstance(table, pl.DataFrame):
        return table.equals(results.select("own", "sku")) and table.schema["own"] == results.schema["own"]
    columns = [frame["own"].array.__arrow_array__() for frame in (table, results)]
    return bool(columns[0].equals(columns[1]))


KINDS = pytest.mark.parametrize(
    ("name", "kind"),
    [(name, kind) for name in COLUMNS for kind in (arrow, pandas, *([] if name in NOT_IN_POLARS else [polars]))],
)


@KINDS
def test_columns_of_results_are_as_they_were(name: str, kind: Callable[[pa.Array], Any]) -> None:
    """Not even their types change."""
    table = kind(COLUMNS[name])
    assert same(table, ResultCollector(InMemoryTable(table)).close({}))


@KINDS
def test_columns_of_a_part_are_as_they_were(name: str, kind: Callable[[pa.Array], Any]) -> None:
    """So an engine gets what it expects; of a part without rows too."""
    table = kind(COLUMNS[name])
    adapter = FrameAdapter(table)
    assert same(table[:0], empty_results(adapter.without_rows()))
    assert same(table, adapter.with_answers(pa.table({"ik_status": pa.array(["uploaded"] * 3, pa.large_string())})))


@KINDS
def test_any_column_can_be_recorded_and_written(name: str, kind: Callable[[pa.Array], Any], tmp_path: Path) -> None:
    """Whatever its type: the journal and each format of results have its values or their text."""
    table = kind(COLUMNS[name])
    [chunk] = InMemoryTable(table).chunks()
    assert len(decode_frame(chunk.encoder.head, [chunk.text()], trusted=True)) == 3
    for ending in ("csv", "jsonl", "parquet"):
        ikpipe.write_results(table, tmp_path / f"out.{ending}")
        assert ikpipe.read_results(tmp_path / f"out.{ending}")["sku"].tolist() == ["a", "b", "c"]


TYPES = st.recursive(
    st.sampled_from([pa.int8(), pa.uint64(), pa.float32(), pa.bool_(), pa.null(), pa.decimal128(9, 2)])
    | st.sampled_from([pa.string(), pa.large_string(), pa.string_view(), pa.binary()])
    | st.sampled_from([pa.date32(), pa.timestamp("s"), pa.timestamp("us", "UTC"), pa.duration("s"), pa.time64("ns")])
    | st.just(pa.dictionary(pa.int8(), pa.string())),
    lambda inner: st.one_of(
        inner.map(pa.list_),
        inner.map(pa.large_list),
        inner.map(lambda kind: pa.list_(kind, 2)),
        inner.map(lambda kind: pa.map_(pa.string(), kind)),
        st.lists(inner, max_size=2).map(lambda kinds: pa.struct([(f"f{at}", kind) for at, kind in enumerate(kinds)])),
    ),
    max_leaves=4,
)


def cells(kind: pa.DataType) -> st.SearchStrategy[Any]:
    """Return what a cell of a type can be, in the form that `pyarrow.array` takes."""
    types = pa.types
    if types.is_struct(kind):
        found: Any = st.fixed_dictionaries(
            {kind.field(at).name: cells(kind.field(at).type) for at in range(kind.num_fields)}
        )
    elif types.is_map(kind):
        found = st.lists(st.tuples(st.text(max_size=2), cells(kind.item_type)), max_size=2)
    elif types.is_fixed_size_list(kind):
        found = st.lists(cells(kind.value_type), min_size=2, max_size=2)
    elif types.is_list(kind) or types.is_large_list(kind):
        found = st.lists(cells(kind.value_type), max_size=2)
    elif (
        types.is_dictionary(kind) or types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)
    ):
        found = st.text(max_size=3)
    elif types.is_null(kind):
        return st.none()
    else:
        found = SCALARS[str(kind)]
    return st.none() | found


SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "int8": st.integers(-128, 127),
    "uint64": st.integers(0, 2**64 - 1),
    "float": st.floats(width=32, allow_nan=False),
    "bool": st.booleans(),
    "binary": st.binary(max_size=3),
    "date32[day]": st.integers(-(2**31), 2**31 - 1),
    "timestamp[s]": st.integers(-(2**62), 2**62),
    "timestamp[us, tz=UTC]": st.integers(-(2**62), 2**62),
    "duration[s]": st.integers(-(2**62), 2**62),
    "decimal128(9, 2)": st.integers(-(10**8), 10**8).map(lambda number: Decimal(number) / 100),
    "time64[ns]": st.integers(0, 86_400 * 10**9 - 1),
}


@st.composite
def columns(draw: st.DrawFn) -> pa.Array:
    """Return a column of any type."""
    kind = draw(TYPES)
    return pa.array([draw(cells(kind)) for _ in range(3)], kind)


@plays(200)
@given(columns(), st.sampled_from([arrow, pandas]))
def test_a_column_of_any_type_is_kept_and_written(column: pa.Array, kind: Callable[[pa.Array], Any]) -> None:
    """Whatever its values are."""
    table = kind(column)
    source = InMemoryTable(table)
    assert same(table, ResultCollector(source).close({}))
    [chunk] = source.chunks()
    assert len(decode_frame(chunk.encoder.head, [chunk.text()], trusted=True)) == 3
    for writer in (JsonLinesWriter, ParquetWriter):
        file = io.BytesIO()
        written = writer(OutputStream(file))
        written.take(written.prepare(chunk))
        written.close({})
        assert file.tell()
