"""The results of parts of a table in pandas: those of few rows are put together in another way than of many."""

from __future__ import annotations

import pandas as pd
import pytest

from ikpipe.frames.adapters import FrameAdapter
from ikpipe.frames.part_results import answers_table
from ikpipe.request.result import Result

MANY = 120
RESULT = Result("uploaded", file_id="f1", name="a.gif", size=35, attempts=1, tags=["x", "y"])


def frame(rows: int) -> pd.DataFrame:
    """Return rows with cells of many types."""
    return pd.DataFrame(
        {
            "number": range(rows),
            "share": [0.5] * rows,
            "text": ["t"] * rows,
            "kind": pd.Categorical(["k"] * rows),
            "day": pd.to_datetime(["2026-12-01"] * rows),
            "moment": pd.to_datetime(["2026-12-01"] * rows).tz_localize("UTC"),
            "object": pd.Series([[1]] * rows, dtype=object),
            "another number": range(rows),
        }
    )


def results(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows with the same result each."""
    made: pd.DataFrame = FrameAdapter(rows).with_answers(answers_table([RESULT] * len(rows), lists=False))
    return made


@pytest.mark.parametrize(
    "columns",
    [
        [*frame(0).columns],
        [*"aabbccdd"],
        [*range(8)],
        pd.MultiIndex.from_product([["a", "b"], [*"cdef"]], names=["one", "two"]),
        pd.Index([*"abcdefgh"], name="letters"),
        [*"abcdefg", "ik_status"],
    ],
    ids=["names", "the same names", "numbers", "levels", "a name of all", "a column of results"],
)
@pytest.mark.parametrize("rows", [0, 1, 2])
def test_few_rows_have_the_columns_of_many(columns: pd.Index, rows: int) -> None:
    """And the same types, so that parts fit together."""
    many = frame(MANY).set_axis(columns, axis=1)
    many.index = pd.MultiIndex.from_arrays([range(MANY), ["i"] * MANY], names=["at", "what"])
    pd.testing.assert_frame_equal(results(many[:rows]), results(many)[:rows])


def test_who_changes_the_results_does_not_change_the_part() -> None:
    """Nor the results of other parts."""
    rows = frame(2)
    made, other = results(rows), results(rows)
    for at in range(made.shape[1]):
        made.iloc[0, at] = made.iloc[1, at] if at < rows.shape[1] else None
    made["text"].array[0] = made["ik_name"].array[0] = made["ik_url"].array[0] = "changed"
    pd.testing.assert_frame_equal(rows, frame(2))
    pd.testing.assert_frame_equal(other, results(rows))
