"""Python values as JSON that gives them back."""

import enum
import json
from datetime import UTC
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ikpipe._frame import tagged

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
    HASHABLE | st.binary().map(bytearray) | st.sets(HASHABLE, max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(HASHABLE, inner, max_size=3),
    max_leaves=6,
)


@given(VALUES)
def test_values_come_back(value: Any) -> None:
    """A Python value of any kind in the table comes back equal, and of its own class."""
    found = tagged.decode(tagged.encode(value))
    assert found == value
    assert type(found) is type(value)


@given(VALUES)
def test_text_is_json_in_ascii(value: Any) -> None:
    """What is written is JSON for everybody, without bare NaN or infinity."""
    text = tagged.encode(value)
    assert text.isascii()
    json.loads(text, parse_constant=pytest.fail)


@pytest.mark.parametrize(
    "value",
    [
        pd.Timestamp("2026-01-01 12:00:00.123456789"),
        pd.Timestamp("2026-01-01", tz="Europe/Paris"),
        pd.Timedelta("1 days 00:00:00.000000001"),
        pd.Period("2026-01", "M"),
        pd.Interval(1, 2, closed="left"),
    ],
)
def test_pandas_scalars_come_back(value: Any) -> None:
    """Pandas' own scalars come back to the nanosecond."""
    assert tagged.decode(tagged.encode(value)) == value


@pytest.mark.parametrize("value", [None, pd.NA, pd.NaT])
def test_each_missing_value_comes_back_as_itself(value: Any) -> None:
    """None, NA and NaT are told apart."""
    assert tagged.decode(tagged.encode(value)) is value


def test_nan_comes_back() -> None:
    """NaN comes back as NaN."""
    assert np.isnan(tagged.decode(tagged.encode([float("nan")]))[0])


@pytest.mark.parametrize("array", [np.array([[1, 2], [3, 4]], dtype="int8"), np.array(["a", None]), np.array([])])
def test_arrays_come_back(array: "np.ndarray[Any, Any]") -> None:
    """An array comes back with its shape and dtype."""
    found = tagged.decode(tagged.encode(array))
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
        (1j.__class__, "<class 'complex'>"),
    ],
)
def test_other_kinds_become_the_plainest_value(value: Any, found: Any) -> None:
    """A subclass becomes its base class's value, a numpy scalar Python's, and anything else its text."""
    assert tagged.decode(tagged.encode(value)) == found
