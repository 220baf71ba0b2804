"""What a run shows of itself while it runs: refusals, totals of files, waits, and which rows ended it."""

from __future__ import annotations

import gzip
import io
import os
import re
import sys
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from rows import blobs, quiet

import ikpipe
from ikpipe.concurrency.interrupts import to_sync
from ikpipe.emulator import Emulator
from ikpipe.frames.io.streams import open_table
from ikpipe.frames.results import ResultCollector
from ikpipe.run import engine
from ikpipe.run.job import UploadJob
from ikpipe.run.prepare import collect_mapping

if TYPE_CHECKING:
    from pathlib import Path

    from ikpipe import Account
    from ikpipe.run.progress import Progress


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return what was printed on standard error, which is no terminal, without the times."""
    return [re.sub(r"^[\d-]{10} [\d:]{8} ", "", line) for line in capsys.readouterr().err.splitlines()]


def test_the_first_row_of_each_reason_is_shown(account: Account, capsys: pytest.CaptureFixture[str]) -> None:
    """At once, with its label; the others are counted in the last line."""
    frame = blobs(*[b"x"] * 6).assign(checks=["what?", None, "what?", None, None, None], tags=[*[None] * 5, "%"])
    ikpipe.upload(frame.set_axis([*"abcdef"]), account, file_name="a")
    shown = lines(capsys)
    assert [line for line in shown if " failed (" in line] == [
        "ikpipe: Row 'a' failed (bad_checks): Your request contains invalid syntax for the checks parameter."
    ]
    assert [line.partition(":")[0] for line in shown if "is invalid" in line] == ["ikpipe"]
    assert re.search(r"ikpipe: 6 of 6 rows, .*2 failed: bad_checks \(2\), 1 invalid: \w+ \(1\)$", shown[-1])


def test_rows_of_an_earlier_process_are_not_shown_again(
    account: Account, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They were when they were refused; they are counted."""
    frame = blobs(*[b"x"] * 3).assign(checks=["what?", None, None])
    with pytest.raises(ikpipe.UploadError):
        quiet(frame, account, file_name="a", journal=tmp_path / "j", max_failures=1, concurrency=1)
    ikpipe.resume(tmp_path / "j", account, max_failures=5)
    shown = lines(capsys)
    assert not any(" failed (" in line for line in shown)
    assert "1 failed: bad_checks (1)" in shown[-1]


@pytest.mark.parametrize("packed", [False, True])
def test_a_streamed_table_has_an_estimate_and_then_its_number_of_rows(
    packed: bool,  # noqa: FBT001 - a parameter of the test
    account: Account,
    tmp_path: Path,
) -> None:
    """By the part of the file that was read, also of a compressed one."""
    text = "file,tags\n" + "".join(f'"data:;base64,QUFB",%{os.urandom(40).hex()}\n' for at in range(12_000))
    path = tmp_path / ("t.csv.gz" if packed else "t.csv")
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    seen: list[tuple[int | None, int | None]] = []
    table = open_table(str(path))
    options = engine.send_options(progress=lambda at: seen.append((at.rows, at.expected)))
    job = UploadJob(table, collect_mapping({"file": "file", "tags": "tags"}, None, None, "server", {"file_name": "a"}))
    to_sync(engine.send, "upload")(job, account, options, ResultCollector(table), None)
    estimates = [expected for rows, expected in seen if rows is None and expected is not None]
    assert all(abs(one - 12_000) < 3_000 for one in estimates)
    assert estimates
    assert seen[-1][0] == 12_000


def test_a_pipe_has_no_estimate(tmp_path: Path) -> None:
    """Its size is not known."""
    del tmp_path
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"file\nx\n")))
        assert open_table("-").read_share is None


def test_a_wait_of_the_run_is_shown(tmp_path: Path) -> None:
    """What the service asks for, in seconds, when it asks for it."""
    waits: set[str] = set()
    with Emulator(tmp_path, faults={"429": 0.5}, seed=1, fault_wait=100) as emulator:
        frame = blobs(*(bytes([at]) for at in range(6)))
        ikpipe.upload(frame, emulator.account, file_name="a", concurrency=1, progress=lambda at: waits.add(at.waiting))
    assert "ImageKit asks to wait 1 s" in waits


def test_what_is_in_flight_is_counted(account: Account) -> None:
    """Up to the maximum, and nothing at the end."""
    flights: list[int] = []
    ikpipe.upload(
        blobs(*(bytes([at]) * 400_000 for at in range(8))),
        account,
        file_name="a",
        concurrency=3,
        progress=lambda at: flights.append(at.in_flight),
    )
    assert (max(flights), flights[-1]) == (3, 0)


def test_a_callback_that_fails_stops_the_run_with_its_results(account: Account) -> None:
    """Whenever it is called, the rows are there, and the error says what it raised."""

    def fail(at: Progress) -> None:
        """Fail from the beginning."""
        raise RuntimeError(f"{at.done} rows cannot be drawn")

    with pytest.raises(ikpipe.UploadError, match="cannot be drawn") as caught:
        ikpipe.upload(blobs(b"x", b"y"), account, file_name="a", progress=fail)
    assert caught.value.results is not None
    assert len(caught.value.results) == 2


# Which rows ended a run


def test_an_upload_names_the_rows_that_ended_it(account: Account) -> None:
    """By their labels, as many as can be read."""
    frame = blobs(*[b"x"] * 30).assign(checks=["what?"] * 30)
    with pytest.raises(ikpipe.UploadError, match=r"after 3 failures \(max_failures=3\): rows 0, 1, 2\. The first"):
        quiet(frame, account, file_name="a", concurrency=1, max_failures=3)
    with pytest.raises(ikpipe.UploadError, match=r"rows 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, …\. The first"):
        quiet(frame, account, file_name="a", concurrency=1, max_failures=12)


@pytest.mark.parametrize("dry_run", [True, False])
def test_an_update_stops_after_its_failures(account: Account, dry_run: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Rows that break a rule, or are refused; the error has the frame."""
    stored_file = ikpipe.upload_file(b"x", account, file_name="u")
    ids = [*[stored_file.file_id] * 3, None]
    frame = pd.DataFrame({"ik_file_id": ids, "description": ["a", "b", "c", "d"]}, index=[*"pqrs"])
    with pytest.raises(ikpipe.UploadError, match=r"after 2 failures \(max_failures=2\): rows 'q', 'r'") as caught:
        ikpipe.update(frame, account, progress=False, max_failures=2, dry_run=dry_run)
    results: Any = caught.value.results
    assert results["ik_change"].tolist()[1:3] == ["failed", "failed"]


def test_an_update_counts_failures_from_one(account: Account) -> None:
    """It is an error of the call."""
    frame = pd.DataFrame({"ik_file_id": ["a"], "description": ["b"]})
    with pytest.raises(ikpipe.MappingError, match="max_failures=0"):
        ikpipe.update(frame, account, progress=False, max_failures=0)
