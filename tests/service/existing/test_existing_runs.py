"""Runs that compare with the library: what stops them, what continues them, and what their results are read from."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import TYPE_CHECKING, Any

import httpx
import pandas as pd
import pytest
from doubles import RawServer, answering
from rows import blobs, quiet

import ikpipe
from ikpipe.run.prepare import collect_mapping
from ikpipe.run.stored_mapping import merged

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ikpipe import Account

    Arrived = Callable[[], list[dict[str, Any]]]

_FOLDERS = count()
SOON = ikpipe.Policy(first_wait=0.01, changes=0, look_ups=0)


@pytest.fixture
def folder() -> str:
    """Return a folder that no other test uses."""
    return f"/runs/{next(_FOLDERS)}"


def table(rows: int) -> pd.DataFrame:
    """Return rows with a name each."""
    return blobs(*[b"1"] * rows, file_name=[f"{row}.bin" for row in range(rows)])


def beyond(account: Account, url: str) -> Account:
    """Return the account with another media API."""
    return ikpipe.Account(account.public_key, account.private_key, upload_url=account.upload_url, api_url=url)


@pytest.mark.parametrize("mode", ["skip", "error"])
def test_a_library_that_cannot_be_read_leaves_the_check_to_the_service(
    mode: str, folder: str, account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is replaced."""
    quiet(table(1), account, folder=folder, use_unique_file_name=False)
    with RawServer(answering(500, {"message": "Sorry."})) as server:
        results = quiet(table(2), beyond(account, server.url), folder=folder, on_existing=mode, policy=SOON)
    assert results["ik_status"].tolist() == [{"skip": "skipped", "error": "failed"}[mode], "uploaded"]
    assert "could not be read" in caplog.text


def test_sync_sends_nothing_that_it_could_not_compare(folder: str, account: Account, arrived: Arrived) -> None:
    """The rows say why."""
    with RawServer(answering(500, {"message": "Sorry."})) as server:
        results = quiet(table(2), beyond(account, server.url), folder=folder, on_existing="sync", policy=SOON)
    assert results["ik_error"].tolist() == ["library_unreadable"] * 2
    assert "Sorry." in results.loc[0, "ik_message"]
    assert arrived() == []


def test_a_library_that_stays_unreadable_stops_the_run(folder: str, account: Account) -> None:
    """The rest is not sent, and can be resumed."""
    with RawServer(answering(500, {"message": "Sorry."})) as server, pytest.raises(ikpipe.UploadError) as caught:
        quiet(table(2_000), beyond(account, server.url), folder=folder, on_existing="sync", policy=SOON)
    assert "Sorry." in str(caught.value)
    assert caught.value.results is not None
    assert caught.value.results["ik_status"].value_counts().to_dict() == {"failed": 1_000, "cancelled": 1_000}


@pytest.mark.parametrize("mode", ["skip", "sync"])
def test_a_rejected_private_key_stops_the_run(mode: str, account: Account, arrived: Arrived) -> None:
    """Before anything is sent."""
    wrong = ikpipe.Account(
        account.public_key, "private_of_somebody_else=", upload_url=account.upload_url, api_url=account.api_url
    )
    with pytest.raises(ikpipe.AccountError, match="private key") as caught:
        quiet(table(2), wrong, on_existing=mode, policy=SOON)
    assert caught.value.results is not None
    assert caught.value.results["ik_status"].tolist() == ["cancelled"] * 2
    assert arrived() == []


def test_a_run_that_is_stopped_while_it_lists_returns_its_frame(folder: str, account: Account) -> None:
    """A listing is not waited for."""

    class Slow(httpx.AsyncHTTPTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            """Hold a listing back."""
            if request.method == "GET":
                control = CURRENT_CONTROL.get()
                assert control is not None
                asyncio.get_running_loop().call_later(0.1, control.interrupt)
                await asyncio.sleep(20)
            return await super().handle_async_request(request)

    from ikpipe.concurrency.interrupts import CURRENT_CONTROL

    results = quiet(table(3), account, folder=folder, on_existing="sync", transport=Slow())
    assert results["ik_status"].tolist() == ["cancelled"] * 3


@pytest.mark.parametrize("mode", ["skip", "sync"])
def test_a_finished_journal_has_the_rows_that_were_left(
    mode: str, folder: str, account: Account, tmp_path: Path
) -> None:
    """The same call again returns the same results, and asks for nothing."""
    quiet(table(2), account, folder=folder, use_unique_file_name=False)
    options: Any = {"folder": folder, "on_existing": mode, "journal": tmp_path / "a.ikjournal"}
    first = quiet(table(3), account, **options)
    again = ikpipe.resume(options["journal"], account, progress=False)
    columns = ["ik_status", "ik_file_id", "ik_url"]
    pd.testing.assert_frame_equal(again[columns].reset_index(drop=True), first[columns].reset_index(drop=True))


@pytest.mark.parametrize("ending", ["parquet", "csv", "jsonl"])
def test_results_from_a_file_are_retried_by_the_same_rule(
    ending: str, folder: str, account: Account, tmp_path: Path, arrived: Arrived
) -> None:
    """Parquet has it; for others it is passed again."""
    frame = pd.DataFrame({"file": ["a.bin", "b.bin"]})
    for name in frame["file"]:
        (tmp_path / name).write_bytes(b"1")
    quiet(frame, account, root=tmp_path, folder=folder, on_existing="sync")
    results = quiet(frame, account, root=tmp_path, folder=folder, on_existing="sync")
    results.loc[1, "ik_status"] = "failed"
    path = tmp_path / f"results.{ending}"
    ikpipe.write_results(results, path)
    sent = len(arrived())
    rule = {} if ending == "parquet" else {"on_existing": "sync", "folder": folder}
    again = ikpipe.retry(ikpipe.read_results(path), account, root=tmp_path, progress=False, **rule)
    assert again["ik_status"].tolist() == ["unchanged", "unchanged"]
    assert len(arrived()) == sent


def test_an_unknown_row_of_which_nothing_is_recorded_is_compared(folder: str, account: Account) -> None:
    """The file at its path can be the one from before; only a journal can tell since when it is there."""
    quiet(table(1), account, folder=folder, use_unique_file_name=False)
    unknown = table(1).assign(ik_status="unknown", ik_error="connection_lost")
    again = ikpipe.retry(
        unknown, account, columns={"file": "file"}, folder=folder, on_existing="sync", tags="red", progress=False
    )
    assert again["ik_status"].tolist() == ["updated"]


@pytest.mark.parametrize(
    "rules",
    [
        {"on_existing": "delete"},
        {"on_existing": ["skip"]},
        {"state": "/etc/passwd"},
        {"on_existing": "skip", "state": "x"},
        "skip",
        [1],
    ],
)
def test_a_rule_from_a_file_is_one_that_ikpipe_writes(rules: object) -> None:
    """Whoever writes a results file writes its mapping too."""
    about = {"ikpipe": {"mapping": {"columns": {}, "parameters": {}, "existing": rules}}}
    with pytest.raises(ikpipe.MappingError, match="not one that ikpipe writes"):
        merged(about, collect_mapping(None, None, None, "server", {}), None)


def test_another_rule_for_a_retry_replaces_that_of_the_results() -> None:
    """As every keyword does."""
    stored = collect_mapping(None, None, None, "server", {}, existing={"on_existing": "skip"})
    given = collect_mapping(None, None, None, "server", {}, existing={"on_existing": "sync"})
    assert merged({"ikpipe": {"mapping": stored}}, given, None)["existing"] == {"on_existing": "sync"}


def test_the_statuses_are_in_progress_and_summary(folder: str, account: Account) -> None:
    """A file that was there is not said to be uploaded."""
    quiet(table(2), account, folder=folder, use_unique_file_name=False)
    seen: list[dict[str, int]] = []
    results = ikpipe.upload(
        table(3),
        account,
        folder=folder,
        on_existing="sync",
        progress=lambda progress: seen.append(dict(progress.counts)),
    )
    assert seen[-1] == {"unchanged": 2, "uploaded": 1}
    assert results.attrs["ikpipe"]["counts"] == {"unchanged": 2, "uploaded": 1}
    summary = ikpipe.summary(results)
    assert str(summary).startswith("1 of 3 rows uploaded, 2 already there: 1 B stored")
    assert summary.all_uploaded


def test_check_knows_the_keyword(account: Account) -> None:
    """Two rows cannot have one target."""
    frame = blobs(b"1", b"2", file_name=["a", "a"])
    assert ikpipe.check(frame, account, on_existing="skip")["code"].tolist() == ["same_target"]


def test_a_failure_limit_counts_rows_that_were_taken(folder: str, account: Account) -> None:
    """They are failures."""
    quiet(table(3), account, folder=folder, use_unique_file_name=False)
    with pytest.raises(ikpipe.UploadError, match="after 2 failures"):
        quiet(table(3), account, folder=folder, on_existing="error", max_failures=2)


def test_the_uploader_has_the_keyword(account: Account) -> None:
    """And returns it in its mapping."""
    uploader = ikpipe.Uploader(account, blobs(b"1", file_name=["a"]), on_existing="skip")
    assert uploader.mapping["on_existing"] == "skip"


def test_a_run_without_the_keyword_reads_no_library(folder: str, account: Account) -> None:
    """Nothing changes for it; `replace` is what the service does anyway."""
    methods: list[str] = []

    class Counting(httpx.AsyncHTTPTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            """Note a request."""
            methods.append(request.method)
            return await super().handle_async_request(request)

    quiet(table(2), account, folder=folder, use_unique_file_name=False, transport=Counting())
    quiet(table(2), account, folder=folder, on_existing="replace", transport=Counting())
    assert methods == ["POST"] * 4
