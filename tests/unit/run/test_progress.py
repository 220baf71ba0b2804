"""A run's progress: what is said of it, and the ways in which it is drawn."""

from __future__ import annotations

import io
import sys
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tqdm.std import tqdm

from ikpipe.run.progress import EVERY, NoProgress, Progress, ProgressBar, ProgressLines, display, format_bytes


class Terminal(io.StringIO):
    """A stream that says that somebody looks at it."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def progress(**counts: int) -> Progress:
    """Make the progress of ten rows."""
    return Progress(10, Counter(counts), 12_300_000)


# What is said


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (12_345_678, "12.3 MB"), (5e9, "5.0 GB"), (7.2e13, "72000.0 GB")],
)
def test_bytes_are_written_for_people(count: float, text: str) -> None:
    """In the units of SI."""
    assert format_bytes(count) == text


@given(st.integers(0, 10**15))
def test_bytes_are_never_far_off(count: int) -> None:
    """What is written is what was counted, to half of its last digit."""
    number, unit = format_bytes(count).split()
    factor = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9}[unit]
    assert abs(float(number) * factor - count) <= 0.0501 * factor


def test_no_bytes_are_not_said() -> None:
    """Where the service fetches the files, no bytes leave this machine, and none are spoken of."""
    assert Progress(3, Counter(uploaded=2, failed=1)).text() == "1 failed"


def test_trouble_is_said_and_success_is_not() -> None:
    """Bytes first, then the rows that are not simply up."""
    assert progress(uploaded=3, failed=2, invalid=1).text() == "12.3 MB, 2 failed, 1 invalid"
    assert progress(uploaded=3, failed=0).text() == "12.3 MB"


def test_done_are_all_rows_with_a_status() -> None:
    """Whatever the status is."""
    assert progress(uploaded=3, failed=2, cancelled=1).done == 6


# How it is drawn


def test_a_bar_ends_where_the_run_ended() -> None:
    """The bar has as many steps as rows are done, and says what is to be said."""
    stream = Terminal()
    bar = ProgressBar(tqdm(total=10, unit="row", file=stream))
    bar(progress(uploaded=4))
    bar(progress(uploaded=4))
    bar(progress(uploaded=7, failed=2))
    bar.close()
    last = stream.getvalue().rpartition("\r")[2]
    assert "9/10" in last
    assert "12.3 MB, 2 failed" in last


@pytest.mark.parametrize(
    ("done", "rows", "line"), [(1, 1, "1 of 1 row"), (1, None, "1 row"), (1, 2, "1 of 2 rows"), (2, None, "2 rows")]
)
def test_numbers_agree(done: int, rows: int | None, line: str) -> None:
    """One row is a row."""
    stream = io.StringIO()
    lines = ProgressLines(stream)
    lines(Progress(rows, Counter(uploaded=done)))
    lines.close()
    assert stream.getvalue() == f"ikpipe: {line}\n"


def test_lines_are_few() -> None:
    """One every five seconds, whatever happens between, and the last state at the end."""
    stream, now = io.StringIO(), [0.0]
    lines = ProgressLines(stream, lambda: now[0])
    for row in range(1, 9):
        now[0] += 1
        lines(progress(uploaded=row))
    lines.close()
    assert stream.getvalue().splitlines() == [
        "ikpipe: 5 of 10 rows, 12.3 MB",
        "ikpipe: 8 of 10 rows, 12.3 MB",
    ]
    assert EVERY == 5


def test_the_last_line_is_not_said_twice() -> None:
    """What was just printed is not printed again at the end."""
    stream, now = io.StringIO(), [0.0]
    lines = ProgressLines(stream, lambda: now[0])
    now[0] = 6
    lines(progress(uploaded=10))
    lines.close()
    assert stream.getvalue().count("\n") == 1


def test_a_run_without_rows_prints_no_line() -> None:
    """Nothing was done, nothing is said."""
    stream = io.StringIO()
    ProgressLines(stream).close()
    assert stream.getvalue() == ""


def test_a_callback_gets_every_step() -> None:
    """The user's own function is given the progress each time, and nothing is drawn beside it."""
    heard: list[int] = []
    show = display(lambda at: heard.append(at.done), 10)
    show(progress(uploaded=1))
    show(progress(uploaded=2))
    show.close()
    assert heard == [1, 2]


def test_quiet_is_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    """`progress=False` draws nothing anywhere."""
    show = display(wanted=False, rows=10)
    show(progress(uploaded=10))
    show.close()
    assert capfd.readouterr() == ("", "")


def test_no_rows_need_no_bar() -> None:
    """An empty frame draws nothing."""
    assert isinstance(display(wanted=True, rows=0), NoProgress)


def test_a_terminal_has_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where standard error is a terminal, the bar is drawn there."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    show = display(wanted=True, rows=10)
    assert isinstance(show, ProgressBar)
    show(progress(uploaded=10))
    show.close()
    assert "10/10" in stream.getvalue()


def test_a_pipe_has_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody looks, plain lines go to standard error."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    show = display(wanted=True, rows=10)
    show(progress(uploaded=10))
    show.close()
    assert stream.getvalue() == "ikpipe: 10 of 10 rows, 12.3 MB\n"


class Shell:
    """IPython, as far as it is asked whether it has a kernel."""

    def __init__(self, *, kernel: bool) -> None:
        if kernel:
            self.kernel = self

    def get_ipython(self) -> Any:
        """Give the running shell."""
        return self


@pytest.mark.parametrize(("kernel", "kind"), [(True, ProgressBar), (False, ProgressLines)])
def test_a_notebook_has_a_widget(kernel: bool, kind: type, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001 - a parameter of the test
    """In a notebook's kernel the bar is a widget; IPython in a terminal is a terminal."""
    pytest.importorskip("ipywidgets")
    monkeypatch.setitem(sys.modules, "IPython", Shell(kernel=kernel))
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    monkeypatch.setattr("tqdm.notebook.tqdm", lambda **options: tqdm(file=io.StringIO(), **options))
    show = display(wanted=True, rows=10)
    assert isinstance(show, kind)
    show.close()
