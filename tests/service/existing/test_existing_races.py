"""Files that appear between the listing and the upload, and uploads whose answers are lost."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from rows import blobs, quiet

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from ikpipe import Account
    from ikpipe.emulator import Emulator


_FOLDERS = count()
SOON = ikpipe.Policy(first_wait=0.01, changes=0, look_ups=0, index_lag=0.3)


@pytest.fixture
def folder() -> str:
    """Return a folder that no other test uses."""
    return f"/races/{next(_FOLDERS)}"


class Overtaking(httpx.AsyncHTTPTransport):
    """A transport that does something before the first upload."""

    def __init__(self, act: Callable[[], object]) -> None:
        super().__init__()
        self._act: Callable[[], object] | None = act

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        if request.url.path.endswith("/upload") and self._act is not None:
            act, self._act = self._act, None
            act()
        return await super().handle_async_request(request)


def send(account: Account, folder: str, content: bytes, **options: Any) -> pd.Series[Any]:
    """Upload one row, and return its result."""
    keywords = {"file_name": "a.bin", "folder": folder, "policy": SOON, **options}
    return quiet(blobs(content), account, **keywords).loc[0]


def versions(account: Account, folder: str) -> list[str]:
    """Return the versions of the files in a folder."""
    return [info["name"] for info in ikpipe.files(account, path=folder)["versionInfo"]]


@pytest.mark.parametrize(
    ("mode", "theirs", "status", "version"),
    [
        ("skip", b"1", "skipped", "Version 1"),
        ("error", b"1", "failed", "Version 1"),
        ("sync", b"1", "unchanged", "Version 1"),
        ("sync", b"22", "uploaded", "Version 2"),
    ],
)
def test_a_file_that_appears_after_the_listing_is_decided_about(
    mode: str, theirs: bytes, status: str, version: str, folder: str, account: Account
) -> None:
    """It is never replaced unseen."""

    def overtake() -> None:
        """Overtake."""
        send(account, folder, theirs, use_unique_file_name=False)

    row = send(account, folder, b"1", on_existing=mode, transport=Overtaking(overtake))
    assert row["ik_status"] == status
    assert versions(account, folder) == [version]
    assert row.fillna("")["ik_error"] == ("name_taken" if status == "failed" else "")


def test_a_file_that_appears_after_the_listing_gets_the_details_of_the_row(folder: str, account: Account) -> None:
    """If it has its content."""

    def overtake() -> None:
        """Overtake."""
        send(account, folder, b"1", use_unique_file_name=False)

    row = send(account, folder, b"1", on_existing="sync", tags="red", transport=Overtaking(overtake))
    assert (row["ik_status"], row["ik_tags"], row["ik_attempts"]) == ("updated", ["red"], 1)


@pytest.mark.parametrize("mode", ["skip", "sync", "error"])
def test_a_file_that_is_not_listed_yet_is_found_once_it_is(mode: str, emulate: Callable[..., Emulator]) -> None:
    """The service knows it before its index does."""
    account = emulate(index_lag=0.5).account
    policy = ikpipe.Policy(first_wait=0.01, changes=0, look_ups=0, index_lag=3)
    send(account, "/in", b"1", use_unique_file_name=False)
    row = send(account, "/in", b"1", on_existing=mode, policy=policy)
    assert row["ik_status"] == {"skip": "skipped", "sync": "unchanged", "error": "failed"}[mode]


def test_a_file_that_is_never_listed_is_skipped_without_its_details(emulate: Callable[..., Emulator]) -> None:
    """The path is known."""
    account = emulate(index_lag=60).account
    send(account, "/in", b"1", use_unique_file_name=False)
    row = send(account, "/in", b"1", on_existing="skip")
    assert (row["ik_status"], row["ik_file_path"]) == ("skipped", "/in/a.bin")


def test_a_file_that_is_never_listed_is_not_replaced_by_sync(emulate: Callable[..., Emulator]) -> None:
    """Nobody can compare it."""
    emulator = emulate(index_lag=60)
    send(emulator.account, "/in", b"1", use_unique_file_name=False)
    row = send(emulator.account, "/in", b"22", on_existing="sync")
    assert (row["ik_status"], row["ik_error"]) == ("failed", "name_taken")


@pytest.mark.parametrize("mode", ["skip", "error", "sync"])
@pytest.mark.parametrize("fault", ["store-then-cut", "reset-after"])
def test_a_lost_answer_is_looked_up_and_is_no_file_of_somebody_else(
    mode: str, fault: str, emulate: Callable[..., Emulator]
) -> None:
    """Whether it was stored or not, there is one copy in the end."""
    emulator = emulate(faults={fault: 0.5}, seed=3, index_lag=0)
    frame = blobs(*(bytes([number]) for number in range(12)), file_name=[f"{number}" for number in range(12)])
    results = quiet(frame, emulator.account, folder="/in", on_existing=mode, policy=SOON, retries=20)
    assert set(results["ik_status"]) <= {"uploaded", "exists"}
    assert versions(emulator.account, "/in") == ["Version 1"] * 12


def test_a_replacement_whose_answer_is_lost_is_made_once(emulate: Callable[..., Emulator]) -> None:
    """The same token is sent again, and looked up."""
    emulator = emulate(index_lag=0)
    send(emulator.account, "/in", b"1", on_existing="sync")

    class Cutting(httpx.AsyncHTTPTransport):
        """Cutting."""

        left = 1

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            """Send a request; the first upload's answer is lost."""
            response = await super().handle_async_request(request)
            if request.url.path.endswith("/upload") and self.left:
                self.left -= 1
                await response.aread()
                raise httpx.ReadError("cut")
            return response

    row = send(emulator.account, "/in", b"22", on_existing="sync", transport=Cutting())
    assert row["ik_status"] == "exists"
    assert versions(emulator.account, "/in") == ["Version 2"]


def test_the_same_command_again_sends_what_is_left_and_nothing_twice(
    tmp_path: Any, emulate: Callable[..., Emulator]
) -> None:
    """A journal of an interrupted run has rows of which nobody knows; they are looked up, whatever is there."""
    emulator = emulate(faults={"store-then-cut": 1.0}, index_lag=0)
    frame = blobs(b"1", b"22", file_name=["0", "1"])
    first = quiet(
        frame, emulator.account, folder="/in", on_existing="sync", journal=tmp_path / "a.ikjournal",
        policy=ikpipe.Policy(first_wait=0, look_ups=0, index_lag=60), retries=0, timeout=0.5,
    )  # fmt: skip
    assert set(first["ik_status"]) <= {"exists", "unknown", "uploaded"}
    again = quiet(frame, emulator.account, folder="/in", on_existing="sync", policy=SOON)
    assert set(again["ik_status"]) == {"unchanged"}
    assert versions(emulator.account, "/in") == ["Version 1"] * 2
