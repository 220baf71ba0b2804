"""Results that are kept in little memory: the frame of them is as if they had never been."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from ikpipe.errors import Message
from ikpipe.frames.result_columns import ResultColumns, stacked
from ikpipe.frames.results import results_frame
from ikpipe.request.result import CANCELLED, RESULT_COLUMNS, Result

DEEP: list[Any] = []
for _ in range(3000):
    DEEP = [DEEP]
FULL = Result("uploaded", url="https://a.example/é", size=7, duration=0.5, tags=["a", "b"], is_private_file=True)
UNUSUAL = [
    pytest.param({"tags": np.array(["a", "b"], dtype=object)}, id="an array, as tables of Arrow have"),
    pytest.param({"tags": ["a", Message("b")]}, id="a class of text"),
    pytest.param({"custom_metadata": {"a": {1, 2}}}, id="a set"),
    pytest.param({"metadata": {"a": b"b"}}, id="bytes"),
    pytest.param({"tags": ("a", "b")}, id="a tuple"),
]
CHUNKS = [
    pytest.param([[FULL, Result("failed", "code")], [FULL]], id="several statuses"),
    pytest.param([[FULL] * 3, [FULL] * 3, [FULL] * 2], id="equal rows"),
    pytest.param(
        [[FULL], [CANCELLED] * 2, [Result("unchanged", custom_metadata={"a": [1, None, 1.5, True]})]], id="nested"
    ),
    pytest.param([[], [FULL]], id="an empty chunk"),
    pytest.param([[]], id="no rows"),
    pytest.param([[FULL], [Result("uploaded", extra={"new": 1})]], id="fields of a later version"),
]


@pytest.mark.parametrize("chunks", CHUNKS)
def test_chunks_below_each_other_are_as_one_frame(chunks: list[list[Result]]) -> None:
    """Cells, dtypes and order are the same, however the rows came."""
    results = [result for chunk in chunks for result in chunk]
    joined = stacked([ResultColumns(chunk, len(chunk)) for chunk in chunks])
    assert_frame_equal(joined, results_frame(results, len(results)))


@pytest.mark.parametrize("fields", UNUSUAL)
def test_values_that_json_does_not_have_stay(fields: dict[str, Any]) -> None:
    """A service does not send them, and results of earlier runs may have them."""
    (name, value), joined = *fields.items(), stacked([ResultColumns([FULL, Result("exists", **fields)], 2)])
    assert joined[f"ik_{name}"][1] is value


def test_a_value_of_thousands_of_levels_stays() -> None:
    """No value is lost because it is too deep to be kept in another form."""
    assert stacked([ResultColumns([Result("exists", tags=DEEP)], 1)])["ik_tags"][0] is DEEP


def test_rows_that_never_started_are_cancelled() -> None:
    """They need no result of their own."""
    joined = stacked([ResultColumns([FULL], 1), ResultColumns(None, 2)])
    assert joined["ik_status"].tolist() == ["uploaded", "cancelled", "cancelled"]


@pytest.mark.parametrize("chunks", [[[FULL] * 2], [[FULL] * 2, [FULL] * 2]], ids=["one chunk", "two chunks"])
@pytest.mark.parametrize("column", [name for name, dtype in RESULT_COLUMNS.items() if dtype != "object"])
def test_a_cell_can_be_changed_alone(chunks: list[list[Result]], column: str) -> None:
    """Chunks with equal cells share memory until a cell is changed."""
    joined = stacked([ResultColumns(chunk, 2) for chunk in chunks])
    before, other = joined.iloc[1:].copy(), stacked([ResultColumns(chunk, 2) for chunk in chunks])
    joined.loc[0, column] = {"string": "new", "boolean": False}.get(RESULT_COLUMNS[column], 3)
    assert_frame_equal(joined.iloc[1:], before)
    assert_frame_equal(other.iloc[1:], before)


def test_nested_values_of_rows_are_apart() -> None:
    """Changing the tags of a row changes those of no other row."""
    joined = stacked([ResultColumns([Result("exists", tags=["a"]), Result("exists", tags=["a"])], 2)])
    joined["ik_tags"][0].append("b")
    assert joined["ik_tags"].tolist() == [["a", "b"], ["a"]]


def test_text_that_is_none_is_as_pandas_takes_it() -> None:
    """A field that has another type than text is not a reason to lose the results of a run."""
    joined = stacked([ResultColumns([Result("exists", name="a"), Result("exists", name=5)], 2)])  # type: ignore[arg-type]
    assert_frame_equal(joined[["ik_name"]], pd.DataFrame({"ik_name": pd.array(["a", "5"], dtype="string")}))
