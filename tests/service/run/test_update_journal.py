"""What an update records of the files that it changes, and how an interrupted one goes on."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import httpx
import pandas as pd
import pytest

import ikpipe
from ikpipe.concurrency.interrupts import CURRENT_CONTROL
from ikpipe.journal.sqlite import SQLiteJournal

if TYPE_CHECKING:
    from pathlib import Path

    from ikpipe import Account
    from ikpipe.journal.entries import RowRecord

SOON = ikpipe.Policy(first_wait=0.01, changes=0, look_ups=0)


@pytest.fixture
def table(account: Account, request: pytest.FixtureRequest) -> pd.DataFrame:
    """Upload three files, and return their paths."""
    frame = pd.DataFrame({"file": [b"1", b"2", b"3"], "sku": [*"abc"]})
    options = {"file_name": "{sku}.txt", "folder": f"/{request.node.name}", "use_unique_file_name": False}
    results = ikpipe.upload(frame, account, tags=["old", "kept"], progress=False, **options)
    return results[["ik_file_path", "sku"]]


def change(frame: Any, account: Account, **options: Any) -> Any:
    """Update without waiting and drawing."""
    return ikpipe.update(frame, account, **{"policy": SOON, "progress": False, **options})


def records(path: Path, account: Account) -> dict[int, RowRecord]:
    """Return what a journal has of rows."""
    with SQLiteJournal.open(path, account) as journal:
        return dict(journal.records())


def test_files_are_recorded_before_they_are_changed(table: pd.DataFrame, account: Account, tmp_path: Path) -> None:
    """With all tags that they get, and their new paths; and how rows ended."""
    path = tmp_path / "j"
    options = {"add_tags": "new", "remove_tags": "old", "file_name": "{sku}2.txt", "description": "x"}
    changed = change(table, account, journal=path, **options)
    row = records(path, account)[1]
    (before,) = row.befores
    folder = table["ik_file_path"][1].rpartition("/")[0]
    assert json.loads(before.before)["tags"] == ["old", "kept"]
    new = {"description": "x", "filePath": f"{folder}/b2.txt", "tags": ["kept", "new"]}
    assert json.loads(before.changes) == new
    ended = json.loads(row.result or "")
    assert (ended["status"], ended["file_path"], ended["tags"]) == ("updated", new["filePath"], new["tags"])
    assert changed.attrs["ikpipe"]["journal"] == str(path)


def test_nothing_is_recorded_of_a_dry_run(table: pd.DataFrame, account: Account, tmp_path: Path) -> None:
    """It has no journal."""
    changed = change(table, account, journal=tmp_path / "j", description="x", dry_run=True)
    assert changed.attrs["ikpipe"]["journal"] == table.attrs["ikpipe"]["journal"]
    assert not (tmp_path / "j").exists()


def test_retry_still_has_the_mapping_of_the_upload(account: Account) -> None:
    """Rows that were not uploaded can be, after others were updated."""
    frame = pd.DataFrame({"file": [b"1", b"2"], "sku": ["a", "b"], "tags": ["x", "50%"]})
    options = {"file_name": "{sku}.txt", "folder": "/retried", "use_unique_file_name": False, "progress": False}
    changed = change(ikpipe.upload(frame, account, **options), account, description="x", ignore=["tags"])
    assert changed["ik_change"].tolist() == ["done", "none"]
    again = ikpipe.retry(changed.assign(tags="x"), account, progress=False)
    assert again["ik_file_path"].tolist() == ["/retried/a.txt", "/retried/b.txt"]


class Stop(BaseException):
    """Ends a process, as far as a test can."""


def stopping(after: int, path: str) -> httpx.AsyncBaseTransport:
    """Return a transport that stops the process after some requests to a path, before the next."""

    class Stopping(httpx.AsyncHTTPTransport):
        sent = answered = 0

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            """Send a request, or stop once those before it are answered."""
            if not request.url.path.endswith(path):
                return await super().handle_async_request(request)
            self.sent += 1
            while self.sent > after:
                if self.answered == after:
                    raise Stop
                await asyncio.sleep(0.001)
            response = await super().handle_async_request(request)
            self.answered += 1
            return response

    return Stopping()


@pytest.mark.parametrize("finish", ["update", "resume"])
def test_an_interrupted_update_is_finished(table: pd.DataFrame, account: Account, tmp_path: Path, finish: str) -> None:
    """Rows whose files have their new paths are known by the journal."""
    options = {"description": "x", "file_name": "{sku}2.txt", "journal": tmp_path / "j"}
    with pytest.raises(BaseException):  # noqa: B017, PT011 - of an event loop that ended
        change(table, account, transport=stopping(2, "/rename"), **options)
    if finish == "update":
        changed = change(table, account, **options)
    else:
        changed = ikpipe.resume(tmp_path / "j", account, policy=SOON, progress=False)
    assert changed["ik_change"].tolist() == ["done"] * 3
    assert "Changed before the update was interrupted." in set(changed["ik_change_message"])
    assert change(table, account, **options)["ik_change"].tolist() == ["absent"] * 3  # a new update, by earlier paths


def test_a_half_done_change_is_completed_by_the_same_call(table: pd.DataFrame, account: Account) -> None:
    """A file that was renamed, and not moved, is known by the journal."""
    options = {"file_name": "{sku}2.txt", "folder": "/elsewhere", "description": "{sku}"}

    class Failing(httpx.AsyncHTTPTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            """Reject moves."""
            if request.url.path.endswith("/move"):
                return httpx.Response(400, json={"message": "no"}, request=request)
            return await super().handle_async_request(request)

    failed = change(table, account, transport=Failing(), **options)
    assert set(failed["ik_change"]) == {"failed"}
    assert failed["ik_change_message"][0].endswith(
        f"Changed before that: description, path {_beside(table, 'a2.txt')}."
    )
    assert set(change(table, account, **options)["ik_change"]) == {"done"}


def _beside(table: pd.DataFrame, name: str) -> str:
    return f"{table['ik_file_path'][0].rpartition('/')[0]}/{name}"


class Interrupting(httpx.AsyncHTTPTransport):
    """A transport that interrupts the run with the first change, as Ctrl-C does."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        if request.method != "GET" and (control := CURRENT_CONTROL.get()) is not None:
            control.interrupt()
        return await super().handle_async_request(request)


def test_an_interrupt_leaves_rows_cancelled(table: pd.DataFrame, account: Account) -> None:
    """What was sent is complete, the frame is whole, and the same call continues."""
    options = {"policy": ikpipe.Policy(first_wait=0.01, changes=10, look_ups=0), "description": "x"}
    changed = change(table, account, transport=Interrupting(), **options)
    assert changed["ik_change"].tolist() == ["done", "cancelled", "cancelled"]
    assert changed.attrs["ikpipe"]["interrupted"]
    assert change(table, account, **options)["ik_change"].tolist() == ["done"] * 3


def test_a_journal_of_an_upload_is_not_used(table: pd.DataFrame, account: Account, tmp_path: Path) -> None:
    """An interrupted upload is not forgotten because of an update."""
    path = tmp_path / "j"
    frame = table.assign(file=b"x")
    ikpipe.upload(frame, account, file_name="x", journal=path, progress=False, transport=Interrupting())
    with pytest.raises(ikpipe.JournalError, match="belongs to another run"):
        change(table, account, description="x", journal=path)
