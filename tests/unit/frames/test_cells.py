"""Cells as plain Python values, in the form that the user sees."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ikpipe.errors import InvalidValue
from ikpipe.frames.cells import are_integers, plain_cells


def cells(values: Any, dtype: Any = None) -> list[Any]:
    """Read a column whole."""
    column = pd.Series(values, dtype=dtype)
    return plain_cells(column, integers=are_integers(column))


@pytest.mark.parametrize("dtype", ["float64", "float32", "Float64", "Float32", "double[pyarrow]", "object"])
def test_whole_floats_beside_missing_cells_are_integers(dtype: str) -> None:
    """A `sku` that was read as 12.0, since other cells are empty, is 12."""
    found = cells([12.0, None, 7.0], dtype)
    assert found == [12, None, 7]
    assert isinstance(found[0], int)


@pytest.mark.parametrize("dtype", ["float64", "Float64", "double[pyarrow]", "object", "category"])
def test_a_column_with_a_fraction_keeps_its_floats(dtype: str) -> None:
    """Where one price has a fraction, 12.0 is what the user sees in every other."""
    assert [repr(cell) for cell in cells([12.0, 12.5], dtype)] == ["12.0", "12.5"]


def test_a_category_of_whole_floats_is_of_integers() -> None:
    """Categories are read as what they stand for."""
    assert [repr(cell) for cell in cells([12.0, None], "category")] == ["12", "None"]


@pytest.mark.parametrize("dtype", ["float32", "Float32", "float16", "float[pyarrow]"])
def test_short_floats_keep_their_digits(dtype: str) -> None:
    """0.1 as float32 is 0.1, not 0.10000000149."""
    assert cells([0.5, 0.25, None], dtype) == [0.5, 0.25, None]
    assert cells([0.1], dtype) == [0.1]


@pytest.mark.parametrize(
    "dtype", ["str", "string", "string[pyarrow]", "object", "category", pd.ArrowDtype(pa.string())]
)
def test_texts_of_every_dtype(dtype: Any) -> None:
    """Text is text; an empty one is a missing cell, and a byte-order mark is no part of it."""
    assert cells(["007", None, "", "\ufeffa", "画像👟"], dtype) == ["007", None, None, "a", "画像👟"]


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT, "", [], {}, (), np.array([]), "\ufeff"])
def test_what_counts_as_missing(missing: object) -> None:
    """None, NaN, NA, and what is empty mean "not given"."""
    column = pd.Series([None, "a"], dtype=object)
    column[0] = missing
    assert plain_cells(column, integers=False) == [None, "a"]


@pytest.mark.parametrize("dtype", ["int64", "Int64", "int32", "uint8", "int64[pyarrow]"])
def test_integers_are_pythons(dtype: str) -> None:
    """Numbers of every width are plain integers."""
    assert [repr(cell) for cell in cells([1, 0], dtype)] == ["1", "0"]


@pytest.mark.parametrize("dtype", ["bool", "boolean", "bool[pyarrow]", "object"])
def test_booleans_are_pythons(dtype: str) -> None:
    """Booleans are neither numbers nor numpy's."""
    assert [repr(cell) for cell in cells([True, False], dtype)] == ["True", "False"]


def test_nullable_integers_keep_their_gaps() -> None:
    """A missing integer is missing, and the others stay integers."""
    assert cells([2**60 + 1, None], "Int64") == [2**60 + 1, None]


def test_a_mixed_column_keeps_each_cells_type() -> None:
    """An object column of everything: each cell stays what it is."""
    values = ["a", 1, True, Decimal("1.50"), b"x", datetime.date(2026, 11, 23), ["x"], {"k": 1}, 2.0]
    found = cells(values, object)
    assert found == [*values[:-1], 2]
    assert list(map(type, found)) == [*map(type, values[:-1]), int]


def test_dates_are_dates() -> None:
    """Timestamps stay timestamps, and a missing one is missing."""
    assert cells(["2026-11-23", None], "datetime64[ns]") == [pd.Timestamp("2026-11-23"), None]


@pytest.mark.parametrize(
    ("values", "kind", "found"),
    [
        ([["a", "b"], None, []], pa.list_(pa.string()), [["a", "b"], None, None]),
        ([{"k": 1}, None], pa.struct([("k", pa.int64())]), [{"k": 1}, None]),
        ([b"ab", None], pa.binary(), [b"ab", None]),
        ([Decimal("1.50"), None], pa.decimal128(5, 2), [Decimal("1.50"), None]),
    ],
)
def test_arrows_nested_values_are_pythons(values: list[Any], kind: pa.DataType, found: list[Any]) -> None:
    """Lists, structs, bytes and decimals of Arrow are plain lists, dicts, bytes and decimals."""
    assert cells(values, pd.ArrowDtype(kind)) == found


def test_arrays_in_cells_are_lists() -> None:
    """Arrays and scalars of numpy come out as Python's."""
    column = pd.Series([np.array(["a", "b"]), np.int64(3)], dtype=object)
    assert plain_cells(column, integers=False) == [["a", "b"], 3]


def test_a_view_of_bytes_stays_one() -> None:
    """A `memoryview` is a file's content, not a list of numbers."""
    view = memoryview(b"ab")
    assert cells(pd.Series([view], dtype=object)) == [view]


def test_a_slice_is_read_like_its_column() -> None:
    """What the whole column said of its floats holds for a part of it."""
    column = pd.Series([12.0, 12.5])
    assert [repr(cell) for cell in plain_cells(column[:1], integers=are_integers(column))] == ["12.0"]


def test_an_infinite_number_is_no_integer() -> None:
    """Infinity stays what it is, for the parameter's rule to refuse."""
    assert cells([np.inf, 1.0]) == [np.inf, 1.0]


def test_reading_changes_nothing() -> None:
    """The column is the same afterwards."""
    column = pd.Series([12.0, None, "\ufeffa", ["x"]], dtype=object)
    before = column.copy(deep=True)
    plain_cells(column, integers=True)
    pd.testing.assert_series_equal(column, before)


@pytest.mark.parametrize(
    ("number", "dtype"),
    [
        *((1234567890123456789, dtype) for dtype in ("float64", "Float64", "double[pyarrow]", "object")),
        (-(2**53), "float64"),
        *((123456789, dtype) for dtype in ("float32", "Float32", "float[pyarrow]")),
        (4097, "float16"),
    ],
)
def test_a_number_without_its_last_digits_is_a_problem(number: int, dtype: str) -> None:
    """A float is never sent as digits that the table does not have: other integers are the same float."""
    lost, missing = cells([float(number), None], dtype)
    assert isinstance(lost, InvalidValue)
    assert (lost.code, missing) == ("lost_digits", None)


def test_digits_that_are_there_are_kept() -> None:
    """Just below the limit, and in a column of integers, every digit is the user's."""
    assert cells([2.0**53 - 1, None]) == [2**53 - 1, None]
    assert cells([1234567890123456789, None], "Int64") == [1234567890123456789, None]
    assert cells([3.5e7, 0.5], "float32") == [3.5e7, 0.5]
