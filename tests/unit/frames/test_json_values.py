"""Python values as JSON that gives them back."""

import enum
import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ikpipe.frames.codec import json_values

HASHABLE = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False),
        st.complex_numbers(allow_nan=False),
        st.decimals(allow_nan=False),
        st.text(st.characters()),
        st.sampled_from(["!", "="]),
        st.binary(),
        st.datetimes(),
        st.datetimes(timezones=st.just(UTC)),
        st.dates(),
        st.times(),
        st.timedeltas(),
        st.uuids(),
        st.text().map(Path),
        st.text().map(PurePosixPath),
        st.text().map(PureWindowsPath),
    ),
    lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3),
    max_leaves=4,
)
VALUES = st.recursive(
    HASHABLE | st.binary().map(bytearray) | st.binary().map(memoryview) | st.sets(HASHABLE, max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(HASHABLE, inner, max_size=3),
    max_leaves=6,
)


@given(VALUES)
def test_values_come_back(value: Any) -> None:
    """A Python value of any kind in the table comes back equal, and of its own class, where the text is our own."""
    found = json_values.decode(json_values.encode(value), trusted=True)
    assert found == value
    assert type(found) is type(value)


@given(st.lists(VALUES) | st.lists(st.text() | st.integers()) | st.lists(st.none() | st.floats()))
def test_cells_are_written_as_any_list(cells: list[Any]) -> None:
    """The quick way writes what the long one does."""
    assert json_values.encode_cells(cells) == json_values.encode(cells)


@given(VALUES)
def test_text_is_json_in_ascii(value: Any) -> None:
    """What is written is JSON for everybody, without bare NaN or infinity."""
    text = json_values.encode(value)
    assert text.isascii()
    json.loads(text, parse_constant=pytest.fail)


@pytest.mark.parametrize(
    "value",
    [
        pd.Timestamp("2026-01-01 12:00:00.123456789"),
        pd.Timestamp("2026-01-01").as_unit("s"),
        pd.Timestamp("2026-10-25 00:30", tz="UTC").tz_convert("Europe/Paris"),
        pd.Timestamp("2026-01-01", tz=timezone(timedelta(minutes=9, seconds=21))),
        pd.Timedelta("1 days 00:00:00.000000001"),
        pd.Timedelta(5, "s").as_unit("ms"),
        pd.Period("2026-01", "M"),
        pd.Period("2026-01-01", "W-SUN"),
        pd.Interval(1, 2, closed="left"),
        np.datetime64("2026-01-01T00:00:00.000000001", "ns"),
        np.timedelta64(5, "ns"),
    ],
    ids=repr,
)
def test_times_of_pandas_and_numpy_come_back(value: Any) -> None:
    """Their scalars come back to the nanosecond, with their unit and their zone's name."""
    found = json_values.decode(json_values.encode(value))
    assert found == value
    assert repr(found) == repr(value)
    assert getattr(found, "unit", None) == getattr(value, "unit", None)


@pytest.mark.parametrize("fold", [0, 1])
def test_times_of_a_zone_come_back(fold: int) -> None:
    """The hour that the end of summer time repeats comes back as it was, in the same zone."""
    value = datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Paris"), fold=fold)
    found = json_values.decode(json_values.encode(value))
    assert repr(found) == repr(value)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "Europe"])
@pytest.mark.parametrize("kind", [pd.Timestamp, datetime])
def test_times_of_a_zone_that_is_not_known_keep_their_moment(kind: Any, zone: str) -> None:
    """Where a zone has no such name, the moment is still the same."""
    value = kind(2026, 7, 1, 12, tzinfo=ZoneInfo("Europe/Paris"))
    assert json_values.decode(json_values.encode(value).replace("Europe/Paris", zone)) == value


@pytest.mark.parametrize("value", [None, pd.NA, pd.NaT])
def test_each_missing_value_comes_back_as_itself(value: Any) -> None:
    """None, NA and NaT are told apart."""
    assert json_values.decode(json_values.encode(value)) is value


def test_nan_comes_back() -> None:
    """NaN comes back as NaN."""
    assert np.isnan(json_values.decode(json_values.encode([float("nan")]))[0])


@pytest.mark.parametrize("array", [np.array([[1, 2], [3, 4]], dtype="int8"), np.array(["a", None]), np.array([])])
def test_arrays_come_back(array: "np.ndarray[Any, Any]") -> None:
    """An array comes back with its shape and dtype."""
    found = json_values.decode(json_values.encode(array))
    np.testing.assert_array_equal(found, array)
    assert found.dtype == array.dtype


class _Colour(enum.StrEnum):
    RED = "red"


class _Level(enum.IntEnum):
    LOW = 1


class _List(list[int]):
    pass


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (_Colour.RED, "red"),
        (_Level.LOW, 1),
        (_List([1]), [1]),
        (np.int64(5), 5),
        (np.bool_(True), True),
        (np.longdouble("1.5"), "1.5"),
        (1j.__class__, "<class 'complex'>"),
    ],
)
def test_other_kinds_become_the_plainest_value(value: Any, found: Any) -> None:
    """A subclass becomes its base class's value, a numpy scalar Python's, and anything else its text."""
    assert json_values.decode(json_values.encode(value)) == found
