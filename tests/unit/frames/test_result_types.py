"""Results that no run can have written: one error that names row, column and value, whoever reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import ikpipe
from ikpipe.frames.result_types import check_result_columns
from ikpipe.request.result import EXTRA, RESULT_COLUMNS

if TYPE_CHECKING:
    from ikpipe import Account

ODD: dict[str, list[Any]] = {
    "string": [1.5, 2**70, b"x", [1], {"a": 1}, ("t",), True, "\ud800"],
    "Int64": ["text", 1.5, 2**70, float("inf"), b"x", [1], {"a": 1}, ("t",), True],
    "Float64": ["text", 10**400, b"x", [1], {"a": 1}, ("t",), True],
    "boolean": ["text", 1, 1.5, b"x", [1], {"a": 1}, ("t",)],
}
CASES = [(column, cell) for column, dtype in RESULT_COLUMNS.items() for cell in ODD.get(dtype, [])]
CASES += [(column, cell) for column in ("ik_tags", "ik_ai_tags") for cell in ("text", 1, b"x", {"a": 1})]
CASES += [(column, cell) for column in ("ik_extension_status", "ik_metadata", EXTRA) for cell in ("text", 1, [1])]


def results(column: str, cell: Any) -> pd.DataFrame:
    """Give two results, of which the second has an odd cell."""
    frame = pd.DataFrame(
        {"file": ["data:;base64,aGk="] * 2, "ik_status": ["failed"] * 2}, index=["a", "b"], dtype=object
    )
    if column not in frame:
        frame[column] = pd.Series([None] * 2, index=frame.index, dtype=object)
    frame.at["b", column] = cell  # noqa: PD008 - a list is one cell
    return frame


@pytest.mark.parametrize(("column", "cell"), CASES, ids=str)
def test_what_no_run_writes_is_named(column: str, cell: Any) -> None:
    """Each column of a run has cells of one type."""
    with pytest.raises(ikpipe.MappingError, match=rf"Row 'b': {column} is .*read_results"):
        check_result_columns(results(column, cell))


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        *(
            ("ik_size", 12.0),
            ("ik_size", np.int64(1)),
            ("ik_duration", 1),
            ("ik_is_published", np.True_),
            ("ik_url", None),
        ),
        *(
            ("ik_tags", ("a",)),
            ("ik_tags", np.array(["a"])),
            ("ik_tags", None),
            ("ik_metadata", {}),
            ("ik_size", pd.NA),
        ),
    ],
    ids=str,
)
def test_what_other_programs_make_of_it_is_taken(column: str, cell: Any) -> None:
    """Arrow's lists, whole floats, numpy's scalars."""
    check_result_columns(results(column, cell))


@pytest.mark.parametrize("call", ["retry", "refresh", "gallery"])
def test_whoever_reads_results_says_so(call: str, account: Account) -> None:
    """The error comes before anything is sent or shown."""
    frame = results("ik_size", "large")
    with pytest.raises(ikpipe.MappingError, match="ik_size is 'large'"):
        ikpipe.gallery(frame) if call == "gallery" else getattr(ikpipe, call)(frame, account)


def test_a_column_twice_is_an_error() -> None:
    """Which of two would count is not to be guessed."""
    frame = pd.concat([results("ik_size", 1), results("ik_size", 2)[["ik_size"]]], axis=1)
    with pytest.raises(ikpipe.MappingError, match="several columns 'ik_size'"):
        check_result_columns(frame)


def test_json_of_another_table_is_checked(account: Account) -> None:
    """Nested results of polars are JSON; what is none is an error."""
    with pytest.raises(ikpipe.MappingError, match="'ik_metadata' has cells that are not JSON"):
        ikpipe.retry(pl.DataFrame({"ik_status": ["failed"], "ik_metadata": ["{"]}), account)
