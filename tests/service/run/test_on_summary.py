"""`on_summary=`: the summary of a call, however it ends."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from rows import blobs, quiet
from summaries import valid

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ikpipe.emulator import Emulator

Documents = list[dict[str, Any]]


@pytest.fixture
def documents() -> Documents:
    """Return a list for summaries."""
    return []


def test_a_run_that_finished(emulator: Emulator, documents: Documents) -> None:
    """It is called once, with what the results have."""
    results = quiet(blobs(b"a", b"b", b""), emulator.account, file_name="a", on_summary=documents.append)
    (document,) = map(valid, documents)
    attrs = results.attrs["ikpipe"]
    assert (document["command"], document["status"]) == ("upload", "finished")
    assert document["counts"] == {"uploaded": 2, "invalid": 1}
    for name in ("run", "journal", "seconds", "rows", "counts", "retries", "effective_mapping"):
        assert document[name] == attrs[name]
    assert document["bytes_sent"] == attrs["bytes"]


def test_attempts_after_the_first_are_counted(emulate: Callable[..., Emulator], documents: Documents) -> None:
    """A refusal that is tried again is a retry."""
    emulator = emulate(faults={"refuse": 0.5}, seed=3)
    policy = ikpipe.Policy(first_wait=0.01)
    results = quiet(blobs(*[b"x"] * 8), emulator.account, file_name="a", policy=policy, on_summary=documents.append)
    attempts = results["ik_attempts"].sum() - 8
    assert attempts > 0
    assert valid(documents[0])["retries"] == attempts


def test_a_mapping_error(emulator: Emulator, documents: Documents) -> None:
    """It is called before the exception is raised."""
    with pytest.raises(ikpipe.MappingError):
        ikpipe.upload(pd.DataFrame({"x": [1]}), emulator.account, on_summary=documents.append)
    assert [(valid(one)["status"], one["error"]["type"]) for one in documents] == [("invalid", "MappingError")]


def test_a_rejected_account(emulate: Callable[..., Emulator], documents: Documents) -> None:
    """It has the rows as far as they got."""
    emulator = emulate(account_disabled=True)
    with pytest.raises(ikpipe.AccountError):
        quiet(blobs(*[b"x"] * 3), emulator.account, file_name="a", concurrency=1, on_summary=documents.append)
    (document,) = map(valid, documents)
    assert document["status"] == "rejected"
    assert document["counts"] == {"failed": 1, "cancelled": 2}


def test_too_many_failures(emulator: Emulator, documents: Documents) -> None:
    """The run stopped."""
    with pytest.raises(ikpipe.UploadError):
        quiet(blobs(*[b""] * 3), emulator.account, file_name="a", max_failures=1, on_summary=documents.append)
    assert valid(documents[0])["status"] == "stopped"


def test_an_exception_in_it_loses_nothing(emulator: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    """The results are returned."""
    results = quiet(blobs(b"a"), emulator.account, file_name="a", on_summary=lambda _document: 1 / 0)
    assert list(results["ik_status"]) == ["uploaded"]
    assert "on_summary" in caplog.text


def test_a_retry_and_a_resume(emulator: Emulator, tmp_path: Path, documents: Documents) -> None:
    """Each has its own name."""
    journal = tmp_path / "run.ikjournal"
    results = quiet(blobs(b"a", b"b"), emulator.account, file_name="a", journal=journal)
    ikpipe.retry(results, emulator.account, progress=False, on_summary=documents.append)
    with pytest.raises(ikpipe.JournalError):
        ikpipe.resume(tmp_path / "other.ikjournal", emulator.account, on_summary=documents.append)
    assert [(valid(one)["command"], one["status"], one["rows"]) for one in documents] == [
        ("retry", "finished", 2),
        ("resume", "invalid", 0),
    ]


def test_a_sync(emulate: Callable[..., Emulator], tmp_path: Path, documents: Documents) -> None:
    """A dry run has the plan; the sync has its results, and what was deleted."""
    account = emulate().account
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "a.gif").write_bytes(b"GIF89a1")
    for dry in (True, False):
        ikpipe.sync(folder, account, "/s", dry_run=dry, progress=False, on_summary=documents.append)
    planned, done = map(valid, documents)
    assert (planned["dry_run"], planned["counts"]) == (True, {"upload": 1})
    assert (done["dry_run"], done["counts"], done["sync"]["deleted"]) == (False, {"uploaded": 1}, 0)


def test_in_a_coroutine(emulator: Emulator, documents: Documents) -> None:
    """`aupload` has it, too."""
    asyncio.run(
        ikpipe.aupload(blobs(b"a"), emulator.account, file_name="a", progress=False, on_summary=documents.append)
    )
    assert valid(documents[0])["counts"] == {"uploaded": 1}


def test_a_task_that_is_cancelled(emulator: Emulator, documents: Documents) -> None:
    """It is interrupted; what is known of its rows is in it."""

    async def cancelled() -> None:
        upload = ikpipe.aupload(
            blobs(*[b"a"] * 50), emulator.account, file_name="a", rate=1, progress=False, on_summary=documents.append
        )
        task = asyncio.create_task(upload)
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert valid(documents[0])["status"] == "interrupted"
