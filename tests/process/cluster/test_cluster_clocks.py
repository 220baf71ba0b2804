"""Clocks of the driver and of workers that differ from the service's, by hours."""

from __future__ import annotations

import json
import logging
import time
from collections import Counter
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from parts import anew, plan, table
from shell import process

import ikpipe
from ikpipe import Account

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOURS = 3 * 3600.0
FIXED: dict[str, Any] = {"use_unique_file_name": False, "overwrite_file": False}
NOW = time.time
NUMBERS = count(1)


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    """Start an emulator in a process of its own, which has the right time whatever this one has."""
    with process("emulator", "--public-key", "public_clocks", "--private-key", "private_clocks") as running:
        assert running.stdout is not None
        url = running.stdout.readline().split()[-1]
        yield Account("public_clocks", "private_clocks", upload_url=f"{url}/api/v2/files/upload", api_url=url)


class Clocks:
    """The clock of this machine, which is the driver first and a worker then."""

    def __init__(self, account: Account, patch: pytest.MonkeyPatch) -> None:
        self.folder, self._account, self._patch = f"/clocks{next(NUMBERS)}/", account, patch

    def set(self, ahead: float) -> None:
        """Set this machine's clock some seconds ahead."""
        self._patch.setattr(time, "time", lambda: NOW() + ahead)

    def plan(self, ahead: float, **options: Any) -> ikpipe.cluster.PreparedUpload:
        """Prepare an upload on a driver whose clock is ahead, in a process that has not heard from the service yet."""
        self.set(ahead)
        options = {"folder": self.folder, **FIXED, **options}
        return plan(self._newly(options.pop("account", self._account)), **options)

    def worker(self, upload: ikpipe.cluster.PreparedUpload, ahead: float = 0.0) -> ikpipe.cluster.PreparedUpload:
        """Set the clock, and return an upload as a worker's new process has it."""
        self.set(ahead)
        return anew(replace(upload, account=self._newly(self._account)))

    def _newly(self, account: Account) -> Account:
        # What a process knows of a service's clock, it knows by its address.
        return replace(account, upload_url=f"{account.upload_url}?process={next(NUMBERS)}")

    def replies(self) -> Counter[int]:
        """Return how many uploads of this test had which HTTP status."""
        log = httpx.get(f"{self._account.api_url}/emulator/log").json()
        ours = [entry for entry in log if entry.get("fields", {}).get("folder") == self.folder]
        return Counter(entry["status"] for entry in ours)


@pytest.fixture
def clocks(account: Account, monkeypatch: pytest.MonkeyPatch) -> Clocks:
    """Set clocks for one test."""
    return Clocks(account, monkeypatch)


@pytest.mark.parametrize("options", [{}, {"on_existing": "skip", "overwrite_file": None}])
@pytest.mark.parametrize("clock_of", ["driver", "worker"])
@pytest.mark.parametrize("ahead", [HOURS, -HOURS])
def test_a_repeated_part_finds_its_files(ahead: float, clock_of: str, options: dict[str, Any], clocks: Clocks) -> None:
    """Neither ``name_taken`` nor ``skipped``, although the clock of the driver or of the second worker is wrong."""
    driver, worker = (ahead, 0.0) if clock_of == "driver" else (0.0, ahead)
    upload = clocks.plan(driver, **options)
    assert set(clocks.worker(upload)(table(2))["ik_status"]) == {"uploaded"}
    assert set(clocks.worker(upload, worker)(table(2))["ik_status"]) == {"exists"}


@pytest.mark.parametrize("ahead", [HOURS, -HOURS])
def test_a_file_from_before_is_not_taken_for_the_row_s(ahead: float, clocks: Clocks) -> None:
    """Somebody stored a file of the same size an hour before the upload was prepared."""
    clocks.worker(clocks.plan(0.0))(table(1))
    later = clocks.plan(ahead)
    results = clocks.worker(replace(later, since=later.since + 3600))(table(1))
    assert [*results["ik_error"]] == ["name_taken"]


def test_a_wrong_clock_is_one_warning_and_no_rejected_upload(clocks: Clocks, caplog: pytest.LogCaptureFixture) -> None:
    """Each part would have its first token rejected, and would say so."""
    upload = clocks.worker(clocks.plan(0.0), -HOURS)
    for part in range(3):
        assert set(upload(table(part + 1).iloc[part:])["ik_status"]) == {"uploaded"}
    assert clocks.replies() == {200: 3}
    words = "is 3 hours behind ImageKit's. The times of this upload are corrected by that. Set its clock"
    assert [words in one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING] == [True]


def test_with_unique_names_a_wrong_clock_costs_one_upload_in_a_process(clocks: Clocks) -> None:
    """The service is not asked for its time, but a rejected token shows it."""
    upload = clocks.worker(clocks.plan(0.0, use_unique_file_name=None, overwrite_file=None), -HOURS)
    for part in range(3):
        assert set(upload(table(part + 1).iloc[part:])["ik_status"]) == {"uploaded"}
    assert clocks.replies() == {200: 3, 400: 1}


def test_a_driver_that_cannot_reach_the_service_must_not_be_ahead(account: Account, clocks: Clocks) -> None:
    """Nobody knows how much, so nothing is sent; a small difference does not matter."""
    hidden = replace(account, upload_url="http://127.0.0.1:9/")
    upload = clocks.plan(HOURS, account=hidden)
    with pytest.raises(ikpipe.Error, match="The clock of the driver is at least 3 hours ahead of ImageKit's"):
        clocks.worker(upload)(table(1))
    assert clocks.replies() == {}
    upload = clocks.plan(20.0, account=hidden)
    assert set(clocks.worker(upload)(table(1))["ik_status"]) == {"uploaded"}


def test_a_journal_keeps_the_time_of_the_service(clocks: Clocks, tmp_path: Path) -> None:
    """The next night continues the run that a driver with a wrong clock has started."""
    first = clocks.plan(HOURS, journal=tmp_path)
    again = clocks.plan(-HOURS, journal=tmp_path)
    assert (again.since, again.service_clock) == (first.since, True)
    assert abs(first.since - NOW()) < 60


def test_a_shared_state_has_the_time_of_the_service(clocks: Clocks, tmp_path: Path) -> None:
    """By it, another machine recognizes the file of a row that a lost worker has sent."""
    upload = clocks.plan(0.0, on_existing="sync", overwrite_file=None, state=f"{tmp_path}/")
    clocks.worker(upload, HOURS)(table(1))
    lines = [json.loads(line) for path in tmp_path.glob("parts/*") for line in path.read_text().splitlines()]
    (since,) = [line["sending"][4] for line in lines if "sending" in line]
    assert abs(since - NOW()) < 60
