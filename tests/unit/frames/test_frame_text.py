"""A frame as text that gives an equal one back."""

import json
import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from examples import plays
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from results_frames import FRAMES, INT64, NESTED, TEXT

from ikpipe.frames.chunks import InMemoryTable
from ikpipe.frames.codec.text import FrameEncoder, decode_frame

NAIVE = st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1))  # noqa: DTZ001 - naive on purpose
AWARE = st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
DELTA = st.timedeltas(timedelta(-9999), timedelta(9999))
ANYTHING = st.one_of(
    TEXT,
    st.text(st.characters(), max_size=4),
    st.binary(max_size=4),
    st.binary(max_size=4).map(bytearray),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.decimals(allow_nan=False),
    NESTED,
    st.tuples(st.integers(), TEXT),
    st.text("ab/.", max_size=4).map(Path),
    AWARE,
    NAIVE.map(pd.Timestamp),
    DELTA,
    st.sampled_from([pd.NA, pd.NaT, float("nan"), date(2026, 1, 1), uuid.UUID(int=1), PurePosixPath("a")]),
)
DTYPES: dict[str, st.SearchStrategy[Any]] = {
    "object": ANYTHING,
    "str": TEXT,
    "string": TEXT,
    "string[python]": st.text(st.characters(), max_size=4),
    "string[pyarrow]": TEXT,
    "Int64": INT64,
    "UInt64": st.integers(0, 2**64 - 1),
    "Int8": st.integers(-128, 127),
    "Float64": st.floats(allow_nan=False),
    "Float32": st.floats(allow_nan=False, width=32),
    "boolean": st.booleans(),
    "float64": st.floats(),
    "float32": st.floats(width=32),
    "float16": st.floats(width=16),
    "complex128": st.complex_numbers(),
    "category": TEXT,
    "datetime64[ns]": NAIVE,
    "datetime64[s]": NAIVE.map(lambda one: one.replace(microsecond=0)),
    "datetime64[us, Europe/Paris]": AWARE,
    "datetime64[ns, UTC+01:00]": AWARE,
    "timedelta64[us]": DELTA,
    "timedelta64[ns]": DELTA,
    "period[D]": st.dates(date(1700, 1, 1), date(2200, 1, 1)),
    "period[W-SUN]": st.dates(date(1700, 1, 1), date(2200, 1, 1)),
    "interval[float64, left]": st.integers(0, 9).map(lambda one: pd.Interval(one, one + 0.5, closed="left")),
    "Sparse[float64]": st.floats(allow_nan=False),
    "int64[pyarrow]": INT64,
    "utf8[pyarrow]": TEXT,
    "binary[pyarrow]": st.binary(max_size=4),
    "bool[pyarrow]": st.booleans(),
    "double[pyarrow]": st.floats(allow_nan=False),
    "timestamp[us, tz=Europe/Paris][pyarrow]": AWARE,
    "date32[day][pyarrow]": st.dates(),
}
WHOLE = {"int64": INT64, "uint64": st.integers(0, 2**64 - 1), "int8": st.integers(-128, 127), "bool": st.booleans()}
"""The dtypes that know no missing cell."""


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    """Draw a frame of any dtypes, with any labels and any index."""
    rows = draw(st.integers(0, 5))
    columns = [_column(draw, rows) for _ in range(draw(st.integers(0, 4)))]
    frame = pd.DataFrame(dict(enumerate(columns)), index=range(rows))
    frame.columns = draw(_labels(len(columns)))
    frame.index = draw(_index(rows)) if rows else frame.index
    frame.attrs = draw(st.dictionaries(TEXT, NESTED, max_size=2))
    return frame


def _column(draw: st.DrawFn, rows: int) -> "pd.Series[Any]":
    dtype = draw(st.sampled_from([*DTYPES, *WHOLE]))
    cell = st.none() | DTYPES[dtype] if dtype in DTYPES else WHOLE[dtype]
    return pd.Series(draw(st.lists(cell, min_size=rows, max_size=rows)), dtype=dtype)


def _several(cell: st.SearchStrategy[Any], count: int) -> st.SearchStrategy[list[Any]]:
    return st.lists(cell, min_size=count, max_size=count)


HASHABLE = st.none() | TEXT | st.integers(-9, 9) | st.tuples(st.integers(), TEXT) | st.dates()


def _labels(count: int) -> st.SearchStrategy[Any]:
    """Draw labels: text, anything, twice the same, in levels."""
    names = st.none() | TEXT | st.integers()
    flat = st.builds(
        lambda found, name: pd.Index(found, dtype=object, name=name, tupleize_cols=False),
        _several(HASHABLE, count),
        names,
    )
    text = _several(TEXT, count).map(lambda found: pd.Index(found, dtype="str"))
    if not count:
        return flat | text
    return st.one_of(flat, text, st.just(pd.RangeIndex(count)), _multi(count), st.just(pd.Index(["a"] * count)))


def _multi(count: int) -> st.SearchStrategy[Any]:
    return st.builds(
        lambda first, second, names: pd.MultiIndex.from_arrays(
            [pd.Series(first, dtype=object), pd.Series(second, dtype="Int64")], names=names
        ),
        _several(st.none() | TEXT, count),
        _several(st.none() | st.integers(0, 3), count),
        _several(st.none() | TEXT, 2),
    )


def _index(count: int) -> st.SearchStrategy[Any]:
    return st.one_of(
        _labels(count),
        st.builds(lambda start, step: pd.RangeIndex(start, start + count * step, step, name="n"), INT64_SMALL, STEPS),
        _several(st.none() | TEXT, count).map(lambda found: pd.CategoricalIndex(found, name="c")),
        st.just(pd.date_range("2026-03-29", periods=count, freq="h", tz="Europe/Paris", name="when")),
        st.just(pd.timedelta_range("1h", periods=count, freq="h")),
        st.just(pd.period_range("2026", periods=count, freq="M")),
        st.just(pd.interval_range(0, count)),
        _several(st.floats(), count).map(pd.Index),
    )


INT64_SMALL = st.integers(-9, 9)
STEPS = st.sampled_from([-2, -1, 1, 3])


def again(frame: pd.DataFrame, rows: int = 5_000, size: int = 8_000_000) -> pd.DataFrame:
    """Write a frame, and read it back."""
    return decode_frame(freeze(frame), [text for _, text in pieces(frame, rows, size)], trusted=True)


def freeze(frame: pd.DataFrame) -> str:
    """Write a frame's head."""
    return FrameEncoder(frame).head


def pieces(frame: pd.DataFrame, rows: int = 5_000, size: int = 8_000_000) -> list[tuple[int, str]]:
    """Write a frame's cells, chunk by chunk."""
    return [(chunk.start, chunk.text()) for chunk in InMemoryTable(frame, rows, size).chunks()]


def column(values: Any, dtype: Any = None) -> pd.DataFrame:
    """Make a frame of one column."""
    return pd.DataFrame({"a": pd.Series(values, dtype=dtype)})


def same(found: pd.DataFrame, frame: pd.DataFrame) -> None:
    """See that two frames are equal, and in columns of objects the classes of the cells too."""
    assert_frame_equal(found, frame, check_exact=True, check_freq=True)
    assert found.attrs == frame.attrs
    assert type(found.index) is type(frame.index)
    for place in range(frame.shape[1]):
        if frame.dtypes.iloc[place].kind == "O":
            pairs = zip(found.iloc[:, place], frame.iloc[:, place], strict=True)
            assert all(type(one) is type(other) for one, other in pairs)


@plays(100)
@given(frames())
def test_any_frame_comes_back(frame: pd.DataFrame) -> None:
    """Index, labels, dtypes, cells and attrs of any frame come back."""
    same(again(frame), frame)


@pytest.mark.parametrize("dtype", [*DTYPES, *WHOLE])
@plays(25)
@given(data=st.data())
def test_each_dtype_comes_back(dtype: str, data: st.DataObject) -> None:
    """A column of each dtype comes back, with its missing cells."""
    cell = st.none() | DTYPES[dtype] if dtype in DTYPES else WHOLE[dtype]
    frame = column(data.draw(st.lists(cell, max_size=6)), dtype)
    same(again(frame, rows=4), frame)


@plays(40)
@given(FRAMES)
def test_columns_of_a_run_come_back(frame: pd.DataFrame) -> None:
    """A results frame comes back too, as one that is sent again."""
    same(again(frame), frame)


@plays(50)
@given(frames(), st.integers(1, 6), st.integers(0, 2_000))
def test_the_size_of_the_pieces_changes_nothing(frame: pd.DataFrame, rows: int, size: int) -> None:
    """However the frame is cut, it comes back."""
    same(again(frame, rows, size), frame)


@pytest.mark.parametrize(
    "frame",
    [
        column(pd.Categorical(["a", None], categories=["b", "a"], ordered=True)),
        column(pd.Categorical([1, None, 2])),
        column(pd.Categorical(pd.Series(["a", 1, None], dtype=object))),
        column(pd.Categorical(pd.to_datetime(["2026-01-01", None]).tz_localize("Europe/Paris"))),
        column(pd.Categorical([])),
        column(pd.cut(pd.Series([1, 2, 3]), 2)),
        column(["\ud800", None], object),
        column(pd.period_range("2026", periods=2, freq="2D")),
        column(pd.arrays.SparseArray([0, 1])),
        pd.DataFrame([[1, 2]], columns=pd.date_range("2026", periods=2, freq="D", tz="Europe/Paris")),
        pd.DataFrame([[1, 2]], columns=pd.CategoricalIndex(["x", "y"], ["y", "x", "z"], ordered=True)),
        pd.DataFrame([[1, 2]], columns=pd.Index([("a", 1), ("b", 2)], tupleize_cols=False)),
        pd.DataFrame({"a": [1, 2]}, index=pd.Index([("a", 1), ("b", 2)], tupleize_cols=False)),
        pd.DataFrame({"a": [1, 2]}, index=[7, 7]),
        pd.DataFrame({"a": [1, 2]}, index=pd.Index([True, False])),
        pd.DataFrame({"a": [1, 2]}, index=pd.MultiIndex.from_tuples([("x", 1), ("y", None)], names=["k", None])),
        pd.DataFrame({"a": [1, 2]}, index=pd.MultiIndex([pd.Index([2**62 + 1]), [True]], [[0, -1], [-1, 0]])),
        pd.DataFrame({"a": [1, 2]}, index=pd.MultiIndex.from_product([pd.date_range("2026", periods=2), ["x"]])),
        pd.DataFrame({"a": [1, 2]}, index=pd.MultiIndex.from_arrays([["x", "y"]], names=["only"])),
        pd.DataFrame(columns=["a", "b"]),
        pd.DataFrame({"a": []}, index=pd.MultiIndex.from_arrays([[], []])),
        pd.DataFrame({"a": []}, index=pd.Index([], dtype="str")),
        pd.DataFrame(index=range(3)),
        pd.DataFrame(index=["a", "b"]),
        pd.DataFrame(),
    ],
    ids=range(25),
)
def test_rarer_frames_come_back(frame: pd.DataFrame) -> None:
    """Kinds of columns, labels and indexes that are not often met come back, cut or whole."""
    same(again(frame), frame)
    same(again(frame, rows=1), frame)


def test_cells_come_back_as_the_same_objects() -> None:
    """In a column of objects, each cell comes back as what it was."""
    cells = [{"a": [1, None]}, None, pd.NA, pd.NaT, Path("a"), b"\xff", "1", 1, 1.0, True, (1,), {2}, Decimal("1.10")]
    found = again(column(cells, object))["a"].tolist()
    assert [repr(one) for one in found] == [repr(one) for one in cells]


def test_attrs_come_back() -> None:
    """`attrs` come back, with Python objects in them."""
    frame = column([1])
    frame.attrs = {"source": Path("j"), "ikpipe": {"counts": {"uploaded": 1}, "mapping": (1, None)}, 1: b"x"}
    assert again(frame).attrs == frame.attrs


def test_a_frame_without_duplicate_labels_stays_so() -> None:
    """The frame's own flag comes back."""
    assert not again(column([1]).set_flags(allows_duplicate_labels=False)).flags.allows_duplicate_labels


def test_the_frame_is_untouched() -> None:
    """Writing changes nothing of the frame, nor of its `attrs`."""
    frame = column(["x", None], object)
    frame.attrs = {"a": [1]}
    before = frame.copy()
    again(frame)
    same(frame, before)


def test_objects_of_other_classes_become_text() -> None:
    """What tagged JSON does not know comes back as its text."""
    assert again(column([ZoneInfo("Europe/Paris")], object))["a"].tolist() == ["Europe/Paris"]


@pytest.mark.parametrize("type_", [pa.list_(pa.int64()), pa.decimal128(5, 2)])
def test_arrow_types_without_a_name_become_objects(type_: pa.DataType) -> None:
    """An Arrow dtype that pandas cannot find by name leaves its cells as objects."""
    cells = [[1], None] if pa.types.is_list(type_) else [Decimal("1.10"), None]
    found = again(column(cells, pd.ArrowDtype(type_)))["a"]
    assert found.dtype == object
    assert found.tolist()[0] == cells[0]
    assert found.tolist()[1] is pd.NA


def test_a_dtype_from_elsewhere_becomes_objects() -> None:
    """A dtype that is not known where the text is read leaves the values, as plain objects."""
    frame = column([1 + 2j])
    found = decode_frame(freeze(frame).replace("complex128", "geometry"), [text for _, text in pieces(frame)])
    same(found, column([1 + 2j], object))


def test_chunks_tell_where_they_begin() -> None:
    """Each piece comes with the position of its first row."""
    assert [start for start, _ in pieces(column(range(7)), rows=3)] == [0, 3, 6]


def test_chunks_keep_to_their_size() -> None:
    """Rows with much in them go into small pieces, one that is too large for any into its own."""
    frame = column([b"x" * 100] * 8 + [b"x" * 5_000] + [b"x" * 100] * 8)
    found = [(start, len(text)) for start, text in pieces(frame, size=1_000)]
    assert len(found) < len(frame)
    assert [start for start, length in found if length > 1_500] == [8]


def test_categories_do_not_make_pieces_small() -> None:
    """A categorical weighs what its codes do, however long its categories are."""
    frame = column(pd.Categorical(["x" * 10_000, "y"]))
    assert len(pieces(frame, size=1_000)) == 1


def test_all_of_it_is_json() -> None:
    """Head and pieces are JSON for everybody, in ASCII, without bare NaN or infinity."""
    frame = column([1.5, float("nan"), float("inf")]).assign(b=pd.Series(["\ud800", "é", None], dtype=object))
    for text in (freeze(frame), *(text for _, text in pieces(frame))):
        assert text.isascii()
        json.loads(text, parse_constant=pytest.fail)


def test_missing_numbers_are_null() -> None:
    """NaN among floats needs no tag."""
    assert [text for _, text in pieces(column([1.5, np.nan]))] == ["[[1.5, null]]"]


@pytest.mark.parametrize(
    ("head", "texts"),
    [
        ("", ["[[1, 2]]"]),
        ("[]", ["[[1, 2]]"]),
        ("{}", ["[[1, 2]]"]),
        (freeze(column([1, 2])), []),
        (freeze(column([1, 2])), ["[[1]]"]),
        (freeze(column([1, 2])), ["[[1, 2]]", "[[3]]"]),
        (freeze(column([1, 2])), ["[[1, 2], [1, 2]]"]),
        (freeze(column([1, 2])), ["[[1, 2"]),
        (freeze(column([1, 2])), ["1"]),
        (freeze(column([1, 2])), ['[[{"!": "module", "=": "os"}, 2]]']),
        (freeze(column([1, 2], "category")), ["[[0, 5]]"]),
        (freeze(column([1, 2], "datetime64[s]")).replace("64[s]", "64[0s]"), ["[[1, 2]]"]),
        (freeze(column([1, 2], "datetime64[ns, UTC]")).replace("UTC", "Mars/Olympus"), ["[[1, 2]]"]),
    ],
    ids=range(13),
)
def test_other_text_is_refused(head: str, texts: list[str]) -> None:
    """Text that is broken, not all there, or no frame's is an error."""
    with pytest.raises(ValueError, match=r"."):
        decode_frame(head, texts)
