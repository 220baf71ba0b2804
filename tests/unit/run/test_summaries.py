"""The summary of a run as data."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rows import result_frame
from summaries import SCHEMA, valid

import ikpipe
from ikpipe.errors import UnreachableError
from ikpipe.frames.plans import PlannedRow
from ikpipe.request.result import CANCELLED, Result
from ikpipe.request.secrets import without_secrets
from ikpipe.run.plan_report import PlanCounts
from ikpipe.run.summaries import LISTED, SummaryRecorder, summarized

RESULTS = [
    Result("uploaded", size=1500, warnings=["adjusted"]),
    *[Result("failed", "server_error", f"{at}") for at in range(30)],
    Result("invalid", "too_long", "The tags have 501 characters."),
]


def recorded(*results: Result, **summary: Any) -> SummaryRecorder:
    """Return what a run with these results records."""
    recorder = SummaryRecorder("upload")
    recorder.results(result_frame(pd.DataFrame(index=range(len(results))), list(results), summary))
    return recorder


def test_it_has_the_numbers_of_the_results() -> None:
    """Rows by status and code, bytes, warnings and problems."""
    document = valid(recorded(*RESULTS, seconds=16.0, bytes=1500, retries=7).document())
    assert document["counts"] == {"uploaded": 1, "failed": 30, "invalid": 1}
    assert document["errors"] == {"server_error": 30, "too_long": 1}
    assert (document["rows"], document["rate"], document["retries"]) == (32, 2.0, 7)
    assert (document["bytes_stored"], document["bytes_sent"], document["rows_with_warnings"]) == (1500, 1500, 1)


def test_it_says_the_same_as_summary() -> None:
    """`ikpipe.summary` of the same results has the same numbers."""
    frame = result_frame(pd.DataFrame(index=range(32)), RESULTS, {"seconds": 16.0, "run": "night", "journal": "/j"})
    recorder = SummaryRecorder("upload")
    recorder.results(frame)
    document, shown = recorder.document(), ikpipe.summary(frame)
    for name in ("counts", "errors", "rows", "seconds", "rate", "run", "journal"):
        assert document[name] == getattr(shown, name)
    assert document["bytes_stored"] == shown.bytes


def test_it_lists_the_first_rows_of_each_problem() -> None:
    """The most frequent problem comes first; each has at most ten rows, with their number."""
    first, second = recorded(*RESULTS).document()["problems"]
    assert (first["code"], first["count"], len(first["rows"])) == ("server_error", 30, LISTED)
    assert first["rows"][0] == {"row": 1, "position": 1, "line": None, "message": "0"}
    assert second["statuses"] == ["invalid"]


def test_a_row_has_the_line_of_its_file() -> None:
    """As spreadsheets count it."""
    recorder = recorded(*RESULTS)
    recorder.lines = range(2, 100)
    assert recorder.document()["problems"][0]["rows"][0]["line"] == 3


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (None, "finished"),
        (KeyboardInterrupt(), "interrupted"),
        (ikpipe.AccountError("refused"), "rejected"),
        (UnreachableError("away"), "unreachable"),
        (ikpipe.UploadError("100 failures"), "stopped"),
        (ikpipe.MappingError("no column"), "invalid"),
        (ikpipe.JournalError("in use"), "invalid"),
        (OSError("no space"), "invalid"),
        (ZeroDivisionError(), "crashed"),
    ],
)
def test_how_a_run_ended(error: BaseException | None, status: str) -> None:
    """One word, and the error as its class and message."""
    document = valid(SummaryRecorder("upload").document(error))
    assert document["status"] == status
    assert (document["error"] is None) == (error is None)


def test_an_error_after_the_first_rows_stopped_the_run() -> None:
    """Input is only invalid where nothing was done with it."""
    assert recorded(Result("uploaded")).document(ikpipe.JournalError("full"))["status"] == "stopped"


def test_an_interrupted_run_that_returned_its_results() -> None:
    """A drained run raises nothing; its own summary says that it was interrupted."""
    assert recorded(CANCELLED, interrupted=True).document()["status"] == "interrupted"


def test_a_run_that_has_not_ended() -> None:
    """It is running, and has no end."""
    document = valid(SummaryRecorder("upload").document(running=True))
    assert (document["status"], document["ended"]) == ("running", None)


def test_the_outcomes_of_changes() -> None:
    """What became of files is counted, and what failed is a problem."""
    counts = PlanCounts()
    counts.add("ab", [PlannedRow("done", None, ""), PlannedRow("failed", None, "There is no such tag.")])
    recorder = SummaryRecorder("update")
    recorder.planned(counts)
    document = valid(recorder.document())
    assert document["counts"] == {"done": 1, "failed": 1}
    assert document["problems"][0]["rows"][0]["message"] == "There is no such tag."


SECRET = "https://user:pass@bucket.example/a.jpg?X-Amz-Signature=5ecre7&x=1"


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        f"No reply from {SECRET}.",
        f'("{SECRET}")',
        f"{SECRET}, {SECRET}",
        "s3://key:pass@bucket/5#5ecre7",
        "private_5ecre7",
        "HTTPS://H/?5ecre7",
    ],
)
def test_no_secret(text: str) -> None:
    """Queries, users and passwords of URLs, and keys, are in no part of it."""
    recorder = recorded(Result("failed", "refused", text), mapping={"parameters": {text: [text]}}, warnings=[text])
    written = json.dumps(recorder.document(ikpipe.UploadError(text)))
    assert "5ecre7" not in written
    assert "pass@" not in written


def test_a_sentence_keeps_its_end() -> None:
    """The point after an address is the sentence's."""
    words = 'The file "https://h/a?s=1" failed. See https://h/b?s=1. (https://h/c)'
    assert without_secrets(words) == 'The file "https://h/a?***" failed. See https://h/b?***. (https://h/c)'


@pytest.mark.parametrize(
    "text", ["is_private_file must be true or false.", "private_key", "the column private_file.", "a://"]
)
def test_names_are_no_secrets(text: str) -> None:
    """Parameters and columns stay."""
    assert without_secrets(text) == text


@given(st.text())
def test_text_without_addresses_stays(text: str) -> None:
    """Whatever it is."""
    plain = text.replace(":/", "").replace("private_", "")
    assert without_secrets(plain) == plain


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        b"bytes",
        Path("a"),
        date(2026, 1, 1),
        object,
        {1: {2}},
        "\ud800\x1b[2J",
        True,
        10**30,
    ],
)
def test_any_value_of_a_mapping(value: object) -> None:
    """It becomes plain JSON that is text of one line."""
    document = recorded(mapping={"parameters": {"x": value}}).document()
    text = json.dumps(document, allow_nan=False, ensure_ascii=False)
    text.encode()
    assert "\x1b" not in text


def test_the_schema_is_valid() -> None:
    """It describes each field."""
    assert all("description" in field for field in SCHEMA["properties"].values())


def test_a_callback_that_fails_loses_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """Its exception is logged, and the call ends as it would."""
    with summarized("upload", lambda _summary: 1 / 0) as recorder:
        assert recorder is not None
    assert "The function on_summary raised an exception: ZeroDivisionError" in caplog.text


def test_a_callback_that_cannot_be_called() -> None:
    """It is refused before anything is sent."""
    with pytest.raises(ikpipe.MappingError, match="on_summary"), summarized("upload", "s.json"):  # type: ignore[arg-type]
        pytest.fail("it was called")
