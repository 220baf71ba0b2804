"""`summary` and `report` of frames of every kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import ikpipe
from ikpipe.errors import Problem
from ikpipe.frames.results import problem_frame, results_frame
from ikpipe.request.result import Result

RESULTS = [
    Result("uploaded", size=1500, url="https://ik.imagekit.io/demo/a.jpg", name="a.jpg", warnings=["adjusted"]),
    Result("failed", "server_error", "500"),
    Result("invalid", "too_long", "The tags have 501 characters."),
]
RUN = {
    "effective_mapping": "file ← image_url",
    "run": "night",
    "journal": "/j/night.ikjournal",
    "seconds": 2.0,
    "bytes": 1500,
    "mapping": {"columns": {}},
}
KINDS: dict[str, Callable[[pd.DataFrame], Any]] = {
    "pandas": lambda frame: frame,
    "polars": lambda frame: pl.from_pandas(frame.astype({"ik_warnings": object}).dropna(axis=1, how="all")),
    "pyarrow": lambda frame: pa.Table.from_pandas(frame.dropna(axis=1, how="all")),
}


def results() -> pd.DataFrame:
    """Return three rows: one is uploaded, with a warning."""
    frame = results_frame(RESULTS, 3).set_axis(["x", "y", "z"])
    frame.attrs["ikpipe"] = RUN
    return frame


@pytest.mark.parametrize("kind", KINDS)
def test_a_summary_counts_the_rows(kind: str) -> None:
    """Statuses, codes and bytes, from the rows alone."""
    summary = ikpipe.summary(KINDS[kind](results()))
    assert (summary.rows, summary.bytes, summary.all_uploaded) == (3, 1500, False)
    assert summary.counts == {"uploaded": 1, "failed": 1, "invalid": 1}
    assert summary.errors == {"server_error": 1, "too_long": 1}


def test_a_summary_has_what_the_results_know_of_their_run() -> None:
    """Seconds, rate, run, journal and mapping."""
    summary = ikpipe.summary(results())
    assert (summary.seconds, summary.rate, summary.run) == (2.0, 1.5, "night")
    assert (summary.journal, summary.mapping) == (RUN["journal"], {"columns": {}})


def test_results_of_a_file_know_no_run() -> None:
    """What they do not know is None, and is not printed."""
    frame = results()
    frame.attrs = {}
    summary = ikpipe.summary(frame)
    assert (summary.seconds, summary.rate, summary.run, summary.journal, summary.mapping) == (None,) * 5
    assert str(summary).startswith("1 of 3 rows uploaded: 1.5 kB stored\n")


def test_a_summary_is_recounted_from_its_rows() -> None:
    """A part of a frame has a part of the totals, whatever its run counted."""
    assert ikpipe.summary(results().iloc[1:]).counts == {"failed": 1, "invalid": 1}


def test_rows_without_a_status_are_counted() -> None:
    """As after a join with other rows."""
    summary = ikpipe.summary(results().reindex(["x", "new"]))
    assert summary.counts == {"uploaded": 1, "no status": 1}


def test_a_summary_prints_reasons_and_rows() -> None:
    """Each code with what to do, and rows by label."""
    text = str(ikpipe.summary(results()))
    assert "1 failed, server_error" in text
    assert "row z  The tags have 501 characters." in text
    assert "Mapping: file ← image_url" in text
    assert "Journal: /j/night.ikjournal" in text


def test_a_notebook_shows_a_summary_with_pictures() -> None:
    """The report, then the gallery; nothing of it is markup of a table."""
    frame = results()
    frame.loc["y", "ik_message"] = "<script>alert(1)</script>"
    html = ikpipe.summary(frame)._repr_html_()
    assert html.startswith("<pre")
    assert html.count("server_error") <= 1
    assert 'class="ik-gallery' in html
    assert "<script" not in html


@pytest.mark.parametrize("call", [ikpipe.summary, ikpipe.report])
def test_other_tables_are_refused(call: Callable[[Any], Any]) -> None:
    """The error names the column that is missing."""
    with pytest.raises(ikpipe.MappingError, match="The table has no column"):
        call(pd.DataFrame({"file": ["a"]}))


def problems(count: int = 2) -> pd.DataFrame:
    """Return some problems of one kind and a warning."""
    rows = [Problem(f"r{at}", at, "tags", "tags", "error", "too_long", "It is long.", "Cut it.") for at in range(count)]
    return problem_frame([*rows, Problem("w", 9, None, "file_name", "warning", "name_adjusted", "It has a space.", "")])


@pytest.mark.parametrize("convert", [lambda frame: frame, pl.from_pandas, pa.Table.from_pandas])
def test_a_report_groups_problems_by_kind(convert: Callable[[pd.DataFrame], Any]) -> None:
    """Errors first, each with all that `check` wrote."""
    text = str(ikpipe.report(convert(problems())))
    assert text.startswith("2 problems in 2 rows")
    assert "row r1  tags  It is long. Cut it." in text
    assert "1 warning in 1 row" in text


def test_a_report_of_no_problems() -> None:
    """It says so."""
    assert str(ikpipe.report(problem_frame([]))) == "No problems."


def test_a_report_shows_some_rows_of_each_kind() -> None:
    """`limit` of them, and the number of the others."""
    text = str(ikpipe.report(problems(12), limit=5))
    assert ("row r4" in text, "row r5" in text) == (True, False)
    assert "and 7 more rows" in text


def test_a_notebook_shows_a_report_as_text() -> None:
    """Words of a table are never markup."""
    frame = problems()
    frame.loc[0, "message"] = "<script>"
    assert "&lt;script&gt;" in ikpipe.report(frame)._repr_html_()


class RemoteFrame:
    """A fake of a DataFrame of Spark Connect, which takes any unknown name for a column."""

    def __init__(self, rows: list[pd.DataFrame]) -> None:
        self.rows, self.columns = rows, ["ik_status"]

    def __getattr__(self, name: str) -> object:
        """Return what cannot be called."""
        return object()

    def __getitem__(self, names: list[str]) -> RemoteFrame:
        """Return some columns."""
        return self

    def mapInPandas(self, function: Any, schema: str) -> RemoteFrame:  # noqa: N802 - Spark's name
        """Apply a function to the rows."""
        return RemoteFrame([*function(iter(self.rows))])

    def collect(self) -> list[dict[str, Any]]:
        """Return all rows."""
        return [row for part in self.rows for row in part.to_dict("records")]


def test_a_summary_of_a_frame_that_has_any_name() -> None:
    """Only methods of its class say which engine it belongs to."""
    parts = [pd.DataFrame({"ik_status": ["uploaded", "failed"]}), pd.DataFrame({"ik_status": ["uploaded"]})]
    assert ikpipe.summary(RemoteFrame(parts)).counts == {"uploaded": 2, "failed": 1}
