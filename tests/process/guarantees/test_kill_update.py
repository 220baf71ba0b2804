"""SIGKILL and faults while files are updated, then the same call again: the library is as the table says."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import httpx
import pandas as pd
import pytest
from crashing import SWIFT, UPDATE_STEPS, killed

import ikpipe
from ikpipe.journal.sqlite import SQLiteJournal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ikpipe import Account
    from ikpipe.emulator import Emulator

ROWS = 24
POLICY = ikpipe.Policy(first_wait=0.02, changes=0, look_ups=0, index_lag=SWIFT.index_lag)
OPTIONS: dict[str, Any] = {
    "columns": {"folder": "to"},
    "add_tags": "new",
    "remove_tags": "old",
    "description": "{sku}",
    "file_name": "{sku}-b.txt",
    "policy": POLICY,
    "progress": False,
}
OFTEN = ("before an update", "after an update", "before a look-up", "after a look-up")


@pytest.fixture
def shop(emulate: Callable[..., Emulator]) -> tuple[Emulator, pd.DataFrame]:
    """Store files, and return the table that changes them: half of the rows move their file."""
    emulator = emulate()
    frame = pd.DataFrame(
        {"file": [str(row).encode() for row in range(ROWS)], "sku": [f"{row:03}" for row in range(ROWS)]}
    )
    ikpipe.upload(
        frame, emulator.account, file_name="{sku}.txt", folder="/a", tags="old,kept", use_unique_file_name=False,
        progress=False,
    )  # fmt: skip
    table = pd.DataFrame({"sku": frame["sku"], "to": ["/b", None] * (ROWS // 2)})
    table["file_path"] = [f"/a/{sku}.txt" for sku in table["sku"]]
    return emulator, table


def check(account: Account, table: pd.DataFrame) -> None:
    """Check that the library has each file once, with one version, as the table says."""
    files = ikpipe.files(account, search='path : "/"').set_index("filePath")
    folders = table["to"].fillna("/a")
    assert {*files.index} == {f"{folder}/{sku}-b.txt" for folder, sku in zip(folders, table["sku"], strict=True)}
    assert files["description"].tolist() == [path.split("/")[2][:3] for path in files.index]
    assert [sorted(tags) for tags in files["tags"]] == [["kept", "new"]] * ROWS
    assert {info["name"] for info in files["versionInfo"]} == {"Version 1"}


def check_befores(journal: Path, account: Account) -> None:
    """Check that the journal has each file as it was before the first change of its row."""
    with SQLiteJournal.open(journal, account) as opened:
        firsts = {position: record.befores[0] for position, record in opened.records()}
    assert len(firsts) == ROWS
    for position, before in firsts.items():
        details = json.loads(before.before)
        assert details["filePath"] == f"/a/{position:03}.txt"
        assert sorted(details["tags"]) == ["kept", "old"]


@pytest.mark.parametrize("step", UPDATE_STEPS)
def test_a_process_dies_at_a_step(step: str, shop: tuple[Emulator, pd.DataFrame], tmp_path: Path) -> None:
    """The same call again changes what is left, whichever request the process died at."""
    emulator, table = shop
    journal = tmp_path / "update.ikjournal"
    for nth in (1, 5, 25) if step in OFTEN else (1,):
        killed(ikpipe.update, step, nth, table, emulator.account, journal=journal, **OPTIONS)
    changed = ikpipe.update(table, emulator.account, journal=journal, **OPTIONS)
    if step != "after the journal's end":
        assert set(changed["ik_change"]) == {"done"}
        check_befores(journal, emulator.account)
    check(emulator.account, table)


@pytest.mark.parametrize("step", ["before an update", "after an update"])
def test_the_default_journal_is_continued(step: str, shop: tuple[Emulator, pd.DataFrame]) -> None:
    """Also without a journal that is named: it is found by the table and what is changed."""
    emulator, table = shop
    for nth in (30, 12):
        assert killed(ikpipe.update, step, nth, table, emulator.account, **OPTIONS)
    changed = ikpipe.update(table, emulator.account, **OPTIONS)
    assert set(changed["ik_change"]) == {"done"}
    check(emulator.account, table)


def test_resume_finishes_an_update(shop: tuple[Emulator, pd.DataFrame], tmp_path: Path) -> None:
    """From its journal alone."""
    emulator, table = shop
    journal = tmp_path / "update.ikjournal"
    assert killed(ikpipe.update, "after an update", 30, table, emulator.account, journal=journal, **OPTIONS)
    changed = ikpipe.resume(journal, emulator.account, progress=False)
    assert set(changed["ik_change"]) == {"done"}
    assert changed["sku"].tolist() == table["sku"].tolist()
    check(emulator.account, table)


class Flaky(httpx.AsyncHTTPTransport):
    """A transport that fails at random: a request is lost, or its answer, or the answer is an error."""

    def __init__(self, seed: int, share: float) -> None:
        super().__init__()
        self._chance, self._share = random.Random(seed), share  # noqa: S311 - to repeat a run

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, or not."""
        if self._chance.random() >= self._share:
            return await super().handle_async_request(request)
        kind = self._chance.choice(["lost", "lost answer", "error", "error after"])
        if "a" in kind.split()[-1] and kind != "error":  # carried out
            await (await super().handle_async_request(request)).aread()
        if kind.startswith("error"):
            return httpx.Response(503, request=request)
        raise httpx.ReadError("lost", request=request)


@pytest.mark.parametrize("seed", range(4))
def test_a_fifth_of_the_requests_fails(seed: int, shop: tuple[Emulator, pd.DataFrame]) -> None:
    """What failed is sent again, and nothing is done twice; what is left is changed by the same call."""
    emulator, table = shop
    for number in range(5):
        options = {**OPTIONS, "transport": Flaky(seed * 10 + number, 0.2)}
        changed = ikpipe.update(table, emulator.account, **options)
        if set(changed["ik_change"]) == {"done"}:
            break
    check(emulator.account, table)
