"""What is said to people, in lines."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rows import summed_up

from ikpipe import CODES
from ikpipe.cli.report import problems, summary
from ikpipe.cli.wording import in_options, one_line
from ikpipe.errors import RESULTS, RETRY, ApiName, MappingError, Message, Problem, keyword
from ikpipe.frames.results import problem_frame
from ikpipe.request.result import Result

ABOUT = {"rows": 0, "bytes": 0, "seconds": 0.0}
TEXT = st.text(max_size=200)


@pytest.mark.parametrize(
    ("text", "options"),
    [
        (Message("Set ", keyword("root"), "."), "Set --root."),
        (Message("Set ", keyword("root", ...), "."), "Set --root …."),
        (Message("Use ", keyword("file_kind", "base64"), "."), "Use --file-kind base64."),
        (Message("Use ", keyword("file_name", "{sku}.jpg"), "."), "Use --set file_name={sku}.jpg."),
        (Message("Use ", keyword("overwrite_file", True), "."), "Use --set overwrite_file=true."),
        (Message("Use ", ApiName("column", "tags"), "."), "Use --map tags=…."),
        (Message("Use ", ApiName("policy", "names", "as_given"), "."), "Use --policy names=as_given."),
        (Message("See ", ApiName("account", "max_file_size"), "."), "See max_file_size of the profile."),
        (Message("Use ", keyword("trust_journal", True), "."), "Use --trust-journal."),
        (Message("Use ", keyword("fetch_hosts", ["a", "b"]), "."), "Use --fetch-host a --fetch-host b."),
        (Message(RETRY, " checks the library."), "`ikpipe retry` checks the library."),
        (Message("The results are in ", RESULTS, "."), "The results are in OUT."),
        (MappingError("No.", about=ApiName("column", "file", "x")).text, "--map file=x: No."),
        ("There is no file 'http://a/?rate=5&root=x'.", "There is no file 'http://a/?rate=5&root=x'."),
    ],
)
def test_options_of_the_command_line(text: str, options: str) -> None:
    """Names of the Python interface become options; plain text stays."""
    assert in_options(text) == options


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
    head, *lines = problems(problem_frame(every), len(every), width)
    assert all(len(line) <= width for line in lines)
    counts = [int(line.split()[0]) for line in lines if line.startswith("  ") and line[2] != " "]
    assert sum(counts) == len(every)
    assert head.startswith(f"{len(every)} problem" if every else "No problems")


def test_summary_by_code() -> None:
    """The summary groups rows that are not uploaded by code, the most frequent first, and names them by index label."""
    bad = Result("invalid", "too_long", "the tags have 501 characters")
    lost = [Result(status, "server_error", "500") for status in ("unknown", "failed")]
    results = [Result("uploaded", size=1500), bad, *lost]
    about = {"rows": 4, "bytes": 2_000_000, "seconds": 1.25}
    tally = summed_up(pd.DataFrame(index=["a", "b", "c", "d"]), results, about)
    assert list(summary(tally, 80)) == [
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
    tally = summed_up(pd.DataFrame(), [], ABOUT)
    assert next(summary(tally, 80)) == "0 of 0 rows uploaded: 0 B stored in 0.0 s"


def test_code_of_a_later_version() -> None:
    """A code that nobody here knows, as a file of a later version can have, is shown without an explanation."""
    tally = summed_up(pd.DataFrame(index=[0]), [Result("unknown", "eclipse", "dark")], ABOUT)
    assert list(summary(tally, 80))[3:] == ["  1 unknown, eclipse", "    row 0  dark"]
