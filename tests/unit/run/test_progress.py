"""A run's progress: what is said of it, and the ways in which it is drawn."""

from __future__ import annotations

import io
import pickle
import re
import sys
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tqdm.std import tqdm

from ikpipe.errors import Message, keyword
from ikpipe.run.progress import STOPPING, Progress, format_bytes, format_seconds
from ikpipe.run.progress_display import (
    EVERY,
    NoProgress,
    ProgressBar,
    ProgressLines,
    display,
    fit,
)


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


# What is measured


def running(rows: int | None, *steps: tuple[float, int, int]) -> Progress:
    """Return the progress of a run that began at 0: times, uploaded rows and bytes so far."""
    at = Progress(rows, _began=0.0, _now=0.0)
    for now, done, sent in steps:
        at.counts["uploaded"], at.bytes = done, sent
        at.note(now)
    return at


def test_the_rate_is_that_of_the_last_seconds() -> None:
    """What was long ago does not count: 100 rows a second at first, then one."""
    steps = [(float(second), 100 * min(second, 20) + max(second - 20, 0), 1000 * second) for second in range(1, 41)]
    at = running(10_000, *steps)
    assert (at.rows_per_second, at.bytes_per_second) == (1, 1000)


def test_the_time_left_follows_the_rate() -> None:
    """Half of the rows in 20 seconds, so 20 seconds are left; unknown at the very start, and without a total."""
    assert running(200, (20, 100, 0)).seconds_left == 20
    assert running(200, (0.5, 1, 0)).seconds_left is None
    assert running(200, (20, 0, 0)).seconds_left is None
    assert running(None, (20, 100, 0)).seconds_left is None


def test_the_time_left_follows_a_rate_that_has_changed() -> None:
    """After ten minutes at a tenth of the rate, the first minutes do not count."""
    steps = [(float(second), 10 * min(second, 60) + max(second - 60, 0), 0) for second in range(1, 661)]
    assert running(1_300, *steps).seconds_left == pytest.approx(100)


def test_a_table_of_unknown_length_has_an_estimate() -> None:
    """By the part of its file that was read; it is rounded, said to be one, and never less than what is done."""
    at = running(None, (20, 5_000, 0))
    at.expected = 49_873
    assert at.parts()[0].text == "5,000 of about 49,900 rows"
    assert at.seconds_left == pytest.approx((49_873 - 5_000) / 250)
    at.expected = 4_000
    assert at.total == 5_000


def test_samples_need_little_memory() -> None:
    """However long a run is, those of the last minute are kept."""
    at = running(None, *((second / 100, second, 0) for second in range(100_000)))
    assert len(pickle.dumps(at)) < 10_000


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "1 s"), (12, "12 s"), (59.6, "1:00 min"), (130, "2:10 min"), (11_100, "3:05 h"), (200_000, "2 days")],
)
def test_seconds_are_written_for_people(seconds: float, text: str) -> None:
    """With the unit."""
    assert format_seconds(seconds) == text


def test_a_wait_is_said_until_it_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Instead of the time left, with the seconds that it still takes; a shorter one does not hide a longer one."""
    monkeypatch.setattr("time.monotonic", lambda: 20.0)
    at = running(200, (20, 100, 0))
    at.wait(12, "ImageKit asks to wait")
    at.wait(2, "ImageKit asks to wait")
    at.note(21)
    assert [part.text for part in at.parts()][:2] == ["100 of 200 rows", "ImageKit asks to wait 11 s"]
    assert fit(at, at.parts(), 30) == "100/200, waiting 11 s"
    at.note(33)
    assert at.waiting == ""


def test_an_activity_is_said_while_nothing_is_in_flight() -> None:
    """And has been for a second: otherwise it would flicker."""
    at = Progress(10, activity="reading the table", _began=0.0, _busy=10.0)
    at.note(10.5)
    assert [part.text for part in at.parts()] == ["0 of 10 rows"]
    at.note(11)
    assert [part.text for part in at.parts()] == ["0 of 10 rows", "reading the table"]
    at.flight(3)
    assert [part.text for part in at.parts()] == ["0 of 10 rows", "3 in flight"]


def refused() -> Progress:
    """Return a progress with rows that were refused."""
    at = Progress(10, Counter(uploaded=2, failed=3, invalid=1, skipped=1), _began=0.0, _now=0.0)
    assert [at.refused("failed", code) for code in ("checks", "too_large", "checks")] == [True, True, False]
    assert at.refused("invalid", None)
    return at


def test_refusals_have_their_reasons() -> None:
    """By status, the most frequent first."""
    assert fit(refused(), refused().parts(), 200) == (
        "7 of 10 rows, 1 skipped, 3 failed: checks (2), too_large (1), 1 invalid: no reason (1)"
    )


# How it is drawn


def test_what_does_not_fit_is_left_out() -> None:
    """The rows are always said, then what was refused; never more than the width, unless the rows alone are more."""
    at, full = refused(), refused().parts()
    assert fit(at, full, 50) == "7 of 10 rows, 1 skipped, 3 failed, 1 invalid"
    assert fit(at, full, 40) == "7 of 10 rows, 3 failed, 1 invalid"
    assert fit(at, full, 30) == "7/10, 3 failed, 1 invalid"
    assert fit(at, full, 20) == "7/10, 3 failed"
    assert fit(at, full, 5) == "7/10"


counts = st.dictionaries(
    st.sampled_from(["uploaded", "failed", "invalid", "unknown", "skipped"]), st.integers(0, 10**7)
)


@given(
    counts,
    st.one_of(st.none(), st.integers(10**8, 10**9)),
    st.integers(0, 10**15),
    st.sampled_from([40, 80, 120]),
    st.floats(0, 10**6),
)
def test_a_bar_never_wraps(counted: dict[str, int], rows: int | None, sent: int, columns: int, now: float) -> None:
    """Whatever is counted: each state is shorter than the terminal's line."""
    stream = Terminal()
    bar = ProgressBar(tqdm(total=rows, file=stream, bar_format=" ", ascii=True), lambda: columns - 1, clock=lambda: now)
    at = Progress(rows, Counter(counted), sent, in_flight=200, _began=0.0)
    for status in ("failed", "invalid"):
        at.refused(status, "a_rather_long_reason")
    bar(at)
    bar.close()
    assert all(len(line) < columns for line in re.split("[\r\n]", stream.getvalue()))


def test_a_bar_ends_where_the_run_ended() -> None:
    """It says what became of the rows."""
    stream, now = Terminal(), [0.0]
    bar = ProgressBar(tqdm(total=10, unit="row", file=stream), lambda: 79, clock=lambda: now[0])
    bar(progress(uploaded=4))
    bar(progress(uploaded=4))
    bar(progress(uploaded=7, failed=2))
    bar.close()
    last = stream.getvalue().rpartition("\r")[2]
    assert last.startswith(" 90% |")
    assert "9 of 10 rows" in last
    assert "12.3 MB" in last
    assert "2 failed" in last


def test_a_bar_is_drawn_ten_times_a_second() -> None:
    """However often it is called."""
    stream, now = Terminal(), [0.0]
    bar = ProgressBar(tqdm(total=10_000, file=stream, bar_format=" "), lambda: 79, clock=lambda: now[0])
    for row in range(1, 1_001):
        now[0] += 0.001
        bar(progress(uploaded=row))
    assert stream.getvalue().count("\r") <= 13


def test_a_bar_learns_the_number_of_rows() -> None:
    """Without it there is no share, and no bar."""
    stream, now = Terminal(), [0.0]
    bar = ProgressBar(tqdm(total=None, file=stream, bar_format=" "), lambda: 79, clock=lambda: now[0])
    at = Progress(None, Counter(uploaded=5))
    bar(at)
    assert "%" not in stream.getvalue()
    at.rows, now[0] = 10, 1.0
    bar(at)
    assert " 50% |" in stream.getvalue()


def test_a_message_has_the_names_of_its_reader() -> None:
    """Such as the options of the command line; and nothing in it controls the terminal."""
    stream = io.StringIO()
    lines = ProgressLines(stream, write=lambda text: text.replace("root=", "--root "), now=lambda: "now")
    lines.announce(Message("Set ", keyword("root"), ".\x1b[2J"))
    assert "\x1b" not in stream.getvalue()
    assert stream.getvalue().startswith("now Set ")


@pytest.mark.parametrize(
    ("done", "rows", "line"), [(1, 1, "1 of 1 row"), (1, None, "1 row"), (1, 2, "1 of 2 rows"), (2, None, "2 rows")]
)
def test_numbers_agree(done: int, rows: int | None, line: str) -> None:
    """One row is a row."""
    stream = io.StringIO()
    lines = ProgressLines(stream, now=lambda: "now")
    lines(Progress(rows, Counter(uploaded=done)))
    lines.close()
    assert stream.getvalue().startswith(f"now ikpipe: {line}, in 1 s")


def lines_of(seconds: int, step: float) -> list[float]:
    """Return when a run of some seconds prints a line."""
    now, printed = [0.0], []
    lines = ProgressLines(io.StringIO(), lambda: now[0], now=lambda: printed.append(now[0]) or "now")  # type: ignore[func-returns-value]
    at = Progress(10)
    while now[0] < seconds:
        now[0] += step
        lines(at)
    return printed


def test_lines_are_few() -> None:
    """One every five seconds at first, whatever happens between."""
    assert lines_of(26, 0.5) == [5, 10, 15, 20, 25]
    assert EVERY == 5


def test_a_long_run_prints_fewer_lines() -> None:
    """One in five minutes after hours; a night is not a thousand lines."""
    printed = lines_of(8 * 3600, 1)
    assert len(printed) < 250
    assert printed[-1] - printed[-2] == 300


def test_a_run_without_rows_prints_no_line() -> None:
    """Nothing was done, nothing is said, also if it was being read."""
    stream = io.StringIO()
    lines = ProgressLines(stream)
    lines(Progress(None, activity="reading the table"))
    lines.close()
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
    assert "10 of 10 rows" in stream.getvalue()


def test_a_pipe_has_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody looks, plain lines go to standard error."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    show = display(wanted=True, rows=10)
    show(progress(uploaded=10))
    show.close()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ikpipe: 10 of 10 rows, in 1 s, 12.3 MB\n", stream.getvalue())


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


def test_a_notebook_shows_the_text_next_to_its_widget() -> None:
    """Which has the number of rows as soon as it is known."""
    pytest.importorskip("ipywidgets")
    notebook = pytest.importorskip("tqdm.notebook")
    bar = notebook.tqdm(total=None, display=False)
    show = ProgressBar(bar, clock=lambda: 0.0)
    at = Progress(None, Counter(uploaded=3), _began=0.0)
    show(at)
    at.rows = 10
    at.counts["failed"] = 1
    at.refused("failed", "tags")
    show.close()
    left, widget, right = bar.container.children
    assert (widget.value, widget.max, left.value.strip()) == (4, 10, "40%")
    text = right.value.replace("\u2007", " ")
    assert "4 of 10 rows" in text
    assert "1 failed: tags (1)" in text


def test_an_interrupted_run_says_that_it_stops() -> None:
    """Also while it finishes what is in flight."""
    at = Progress(10, in_flight=3, activity=STOPPING, _began=0.0)
    at.note(0.5)
    assert [part.text for part in at.parts()] == ["0 of 10 rows", "stopping", "3 in flight"]


def test_rows_that_a_stopped_run_cancels_are_shown() -> None:
    """They count as done, which would look as if they were uploaded."""
    at = Progress(300, Counter(uploaded=2, cancelled=250, skipped=1), activity=STOPPING, _began=0.0)
    assert fit(at, at.parts(), 45) == "253 of 300 rows, stopping, 250 cancelled"
