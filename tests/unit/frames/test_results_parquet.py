"""Results as Parquet: the whole frame comes back."""

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from examples import plays
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from results_frames import FRAMES, INT64, TEXT

import ikpipe
from ikpipe.frames.chunks import InMemoryTable
from ikpipe.frames.io import parquet
from ikpipe.frames.io.writing import OutputStream, ParquetWriter


def again(frame: pd.DataFrame) -> pd.DataFrame:
    """Write a frame, and read it back."""
    return parquet.read(io.BytesIO(written(frame)), "results.parquet")


def written(frame: pd.DataFrame, rows: int = 5_000) -> bytes:
    """Write a frame, so many rows at a time."""
    stream = io.BytesIO()
    file = ParquetWriter(OutputStream(stream))
    for chunk in InMemoryTable(frame, rows).chunks():
        file.take(file.prepare(chunk))
    file.close(frame.attrs)
    return stream.getvalue()


def column(values: Any, dtype: Any = None) -> pd.DataFrame:
    """Make a frame of one column."""
    return pd.DataFrame({"a": pd.Series(values, dtype=dtype)})


@plays(40)
@given(FRAMES)
def test_columns_of_a_run_come_back(frame: pd.DataFrame) -> None:
    """Whatever stands in the `ik_` columns, equal values and dtypes come back."""
    assert_frame_equal(again(frame), frame)


@pytest.mark.parametrize(
    ("dtype", "cells"),
    [
        ("string", TEXT),
        ("string[python]", st.text(st.characters(), max_size=5)),
        ("string[pyarrow]", TEXT),
        ("Int64", INT64),
        ("UInt8", st.integers(0, 255)),
        ("Float64", st.floats(allow_nan=False)),
        ("boolean", st.booleans()),
        ("float64", st.floats()),
        ("datetime64[ns]", st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1))),  # noqa: DTZ001 - naive on purpose
        (
            "datetime64[s, Europe/Paris]",
            st.datetimes(timezones=st.just(UTC)).map(lambda one: one.replace(microsecond=0)),
        ),
        ("timedelta64[us]", st.timedeltas(timedelta(-9999), timedelta(9999))),
        ("category", TEXT),
        ("int64[pyarrow]", INT64),
    ],
)
@plays(25)
@given(data=st.data())
def test_extension_dtypes_come_back(dtype: str, cells: st.SearchStrategy[Any], data: st.DataObject) -> None:
    """Columns of pandas' own dtypes come back with their values, their missing cells and their dtype."""
    frame = column(data.draw(st.lists(st.none() | cells, max_size=5)), dtype)
    assert_frame_equal(again(frame), frame)


@pytest.mark.parametrize(
    "frame",
    [
        column(pd.Categorical(["a", None], categories=["b", "a"], ordered=True)),
        column(pd.Categorical([1, None, 2])),
        column(pd.Categorical(pd.Series(["a", 1, None], dtype=object))),
        column(pd.cut(pd.Series([1, 2, 3]), 2)),
        column(pd.period_range("2026", periods=2, freq="D")),
        column(pd.interval_range(0, 2)),
        column(pd.to_datetime(["2026-01-01", None]).astype("datetime64[s]")),
        column([1 + 2j, 0]),
        column(pd.arrays.SparseArray([0, 1])),
        column(np.array([1, 2], dtype="float16")),
        column([[1], None], pd.ArrowDtype(pa.list_(pa.int64()))),
        column(["\ud800"], object),
        pd.DataFrame({"a": [1, 2]}, index=pd.RangeIndex(5, 7)),
        pd.DataFrame({"a": [1, 2]}, index=[7, 7]),
        pd.DataFrame({"a": [1, 2]}, index=pd.Index(["x", None], dtype=object, name="a")),
        pd.DataFrame({"a": [1, 2]}, index=pd.CategoricalIndex(["x", "y"], name="n")),
        pd.DataFrame({"a": [1, 2]}, index=pd.date_range("2026", periods=2, name="when")),
        pd.DataFrame({"a": [1, 2]}, index=pd.MultiIndex.from_tuples([("x", 1), ("y", 2)], names=["k", None])),
        pd.DataFrame([[1, 2]], columns=["a", "a"]),
        pd.DataFrame([[1, 2]]),
        pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", "b"), ("a", "c")], names=["u", "v"])),
        pd.DataFrame({"a": pd.Series([], dtype=object), "b": pd.Series([], dtype="Int64")}),
        pd.DataFrame(index=range(3)),
        pd.DataFrame(),
    ],
    ids=range(24),
)
def test_frame_comes_back_whole(frame: pd.DataFrame) -> None:
    """Index, labels, dtypes and values of a frame come back, whatever their kind."""
    assert_frame_equal(again(frame), frame)


def test_cells_come_back_as_the_same_objects() -> None:
    """In a column of objects, each cell comes back as what it was, but for paths."""
    cells = [
        {"a": [1, None]},
        None,
        pd.NA,
        b"\xff",
        datetime(2026, 1, 1, tzinfo=UTC),
        "1",
        1,
        1.0,
        (1,),
        {2},
    ]
    found = again(column(cells, object))["a"].tolist()
    assert [type(one) for one in found] == [type(one) for one in cells]
    assert [one for one in found if one is not pd.NA] == [one for one in cells if one is not pd.NA]


def test_attrs_come_back() -> None:
    """`attrs` come back, with Python objects in them."""
    frame = column([1])
    frame.attrs = {"ikpipe": {"journal": "j", "counts": {"uploaded": 1}, "mapping": (1, None)}}
    assert again(frame).attrs == frame.attrs


def test_paths_come_back_as_text() -> None:
    """No path comes out of a file: not from a cell, a category, an index, a label, nor from `attrs`."""
    path = Path("a")
    frame = column([path, (path, {path: [path]})], object).assign(b=pd.Categorical([path, None]))
    frame = frame.set_axis(pd.Index([path, 1], dtype=object, name=path)).rename(columns={"b": path})
    frame.attrs = {"from": path}
    found = again(frame)
    assert found.iloc[:, 0].tolist() == ["a", ("a", {"a": ["a"]})]
    assert (found.index.tolist(), found.index.name) == (["a", 1], "a")
    assert (found.iloc[:, 1].tolist()[0], found.columns.tolist(), found.attrs) == ("a", ["a", "a"], {"from": "a"})


def test_column_of_a_dtype_from_elsewhere_becomes_objects() -> None:
    """A dtype that is not known where the file is read leaves the values, as plain objects."""
    file = pq.ParquetFile(io.BytesIO(written(column([1 + 2j]))))
    frame = parquet.decoded(file.read(), file.metadata.metadata[b"ikpipe"].replace(b"complex128", b"geometry"))
    assert_frame_equal(frame, column([1 + 2j], object))


def test_other_programs_read_names_and_values() -> None:
    """To another reader the file has a column of the same name for each column, and text for nested values."""
    frame = pd.DataFrame({"brand": pd.Categorical(["x"]), "ik_tags": [["a"]]}, index=pd.Index([7], name="sku"))
    assert pq.read_table(io.BytesIO(written(frame))).to_pylist() == [{"sku": 7, "brand": "x", "ik_tags": '["a"]'}]


def test_parquet_of_another_program_is_read() -> None:
    """A file without our notes is read as pandas reads it."""
    stream = io.BytesIO()
    pq.write_table(pa.table({"sku": ["007"], "n": [1]}), stream)
    frame = parquet.read(stream, "products.parquet")
    assert frame.to_dict("list") == {"sku": ["007"], "n": [1]}


@pytest.mark.parametrize("content", [b"", b"sku,n\n", b"PAR1 broken PAR1"])
def test_what_is_no_parquet_is_said(content: bytes) -> None:
    """A file that is no Parquet is an error with its name."""
    with pytest.raises(ikpipe.Error, match="x cannot be read as a Parquet file"):
        parquet.read(io.BytesIO(content), "x")


@pytest.mark.parametrize(
    "index", [pd.RangeIndex(3, 17, 2), pd.date_range("2026-01-01", periods=7, freq="h"), pd.Index(list("abcdefg"))]
)
def test_an_index_comes_back_from_many_parts(index: Any) -> None:
    """However many rows are written at a time."""
    frame = pd.DataFrame({"a": range(7)}, index=index)
    assert_frame_equal(parquet.read(io.BytesIO(written(frame, rows=3)), "r.parquet"), frame)
