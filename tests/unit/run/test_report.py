"""Problems and results as text."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from ikpipe import CODES
from ikpipe.cli.wording import in_options
from ikpipe.errors import Problem, one_line
from ikpipe.frames.results import problem_frame
from ikpipe.request.result import Result
from ikpipe.run.report import ReportWriter, StatusCounts

TEXT = st.text(max_size=200)


@given(TEXT)
def test_one_line(text: str) -> None:
    """Any text becomes one line that does not steer a terminal."""
    line = one_line(text)
    assert line.isprintable()
    assert len(line.splitlines()) <= 1


@given(st.lists(st.tuples(TEXT, TEXT, st.sampled_from(list(CODES)), TEXT), max_size=8), st.integers(30, 120))
def test_problems_fit(found: list[tuple[str, str, str, str]], width: int) -> None:
    """Whatever the problems are, no example is wider than the terminal, and all are counted."""
    every = [
        Problem(row, at, column, "file", "error", code, text, text)
        for at, (row, column, code, text) in enumerate(found)
    ]
    head, *lines = ReportWriter(width).problems(problem_frame(every), len(every))
    assert all(len(line) <= width for line in lines)
    counts = [int(line.split()[0]) for line in lines if line.startswith("  ") and line[2] != " "]
    assert sum(counts) == len(every)
    assert head.startswith(f"{len(every)} problem" if every else "No problems")


def test_summary_by_code() -> None:
    """The summary groups rows that are not uploaded by code, the most frequent first, and names them by index label."""
    bad = Result("invalid", "too_long", "the tags have 501 characters")
    lost = [Result(status, "server_error", "500") for status in ("unknown", "failed")]
    results = [Result("uploaded", size=1500), bad, *lost]
    about = {"bytes": 2_000_000, "seconds": 1.25}
    lines = ReportWriter(80, write=in_options).summary(StatusCounts.of("abcd", results), about)
    assert list(lines) == [
        "1 of 4 rows uploaded: 1.5 kB stored, 2.0 MB sent from here in 1.2 s",
        "  1 uploaded, 1 invalid, 1 unknown, 1 failed",
        "",
        "  2 unknown/failed, server_error: ImageKit answered with a server error (5xx);",
        "    the file may be stored. `ikpipe retry` checks the library first.",
        "    row c  500",
        "    row d  500",
        "",
        "  1 invalid, too_long: The text is too long. Shorten it.",
        "    row b  the tags have 501 characters",
    ]


def test_summary_of_nothing() -> None:
    """An empty table has a summary too."""
    lines = ReportWriter().summary(StatusCounts.of([], []), {"seconds": 0.0})
    assert list(lines) == ["0 of 0 rows uploaded: 0 B stored in 0.0 s"]


def test_code_of_a_later_version() -> None:
    """A code that nobody here knows, as a file of a later version can have, is shown without an explanation."""
    counts = StatusCounts.of([0], [Result("unknown", "eclipse", "dark")])
    assert list(ReportWriter().summary(counts, {}))[3:] == ["  1 unknown, eclipse", "    row 0  dark"]


def test_a_row_is_named_by_the_line_of_its_file() -> None:
    """Spreadsheets count from 1, with the header."""
    counts = StatusCounts.of([7], [Result("failed", "eclipse", "dark")], 5)
    assert list(ReportWriter(lines=range(2, 9)).summary(counts, {}))[-1] == "    row 7 (line 7)  dark"


def test_counts_are_the_same_after_a_worker_wrote_them() -> None:
    """Parts of a cluster's results are counted where they are, and their counts added here."""
    results = [Result("uploaded", size=7), Result("failed", "server_error", "500"), Result("unknown", "server_error")]
    counts = StatusCounts()
    for at, result in enumerate(results):
        counts.add(StatusCounts.from_json(StatusCounts.of([at], [result], None).to_json()))
    assert counts.statuses == Counter(result.status for result in results)
    assert (counts.stored_bytes, counts.errors) == (7, {"server_error": 2})
    assert counts.error_statuses == {"server_error": ["failed", "unknown"]}
