"""Parts of few rows: what they share in a process, and what each of them writes."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from parts import plan, stored, table

import ikpipe
from ikpipe import Account

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd

    from ikpipe.cluster import PreparedUpload
    from ikpipe.emulator import Emulator


def one_by_one(upload: PreparedUpload, rows: pd.DataFrame) -> list[str]:
    """Upload each row as a part, and return their statuses."""
    return [status for at in range(len(rows)) for status in upload(rows[at : at + 1])["ik_status"]]


def connections(caplog: pytest.LogCaptureFixture) -> int:
    """Return the number of connections that were opened."""
    return sum(vars(record).get("event") == "connected" for record in caplog.records)


def test_parts_that_follow_each_other_share_connections(account: Account, caplog: pytest.LogCaptureFixture) -> None:
    """One for each would cost more than a small part itself; a busy machine can need another one after two seconds."""
    with caplog.at_level(logging.DEBUG, "ikpipe.service"):
        assert one_by_one(plan(account), table(10)) == ["uploaded"] * 10
    assert connections(caplog) < 10


def test_parts_at_the_same_time(emulate: Callable[..., Emulator], caplog: pytest.LogCaptureFixture) -> None:
    """Threads share no connection at the same time, and do not need one for each part."""
    emulator = emulate()
    rows, upload = table(20), plan(emulator.account, slots=4)
    with caplog.at_level(logging.DEBUG, "ikpipe.service"), ThreadPoolExecutor(4) as threads:
        results = [*threads.map(upload, [rows[at : at + 1] for at in range(20)])]
    assert [result["ik_status"].item() for result in results] == ["uploaded"] * 20
    assert [result["ik_name"].item().partition("_")[0] for result in results] == [*rows["sku"]]
    assert stored(emulator) == 20
    assert connections(caplog) < 20


def test_parts_with_other_columns_are_mapped_anew(account: Account) -> None:
    """The mapping of the part before is used only if the columns are the same."""
    rows, upload = table(2), plan(account, folder="/{sku}/")
    first, second = upload(rows[:1]), upload(rows[1:].assign(description="later")[["description", "file", "sku"]])
    assert [*first["ik_file_path"], *second["ik_file_path"]] == [
        f"/{sku}/{name}" for sku, name in zip(rows["sku"], [*first["ik_name"], *second["ik_name"]], strict=True)
    ]


def test_a_part_that_failed_leaves_nothing_to_the_next_one(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker whose key was missing or wrong works as soon as it has the right one."""
    upload = plan(emulator.account)
    elsewhere = replace(upload, account=Account("public_other", "private_other").without_secrets())
    monkeypatch.delenv("IMAGEKIT_PRIVATE_KEY", raising=False)
    with pytest.raises(ikpipe.Error):
        elsewhere(table(1))
    assert [*upload(table(1))["ik_status"]] == ["uploaded"]


def objects(folder: Path) -> int:
    """Return the number of files below a folder."""
    return sum(path.is_file() for path in folder.rglob("*"))


@pytest.mark.parametrize(
    ("options", "most"),
    [
        ({}, 1),
        ({"key": "sku"}, 1),
        ({"key": "sku", "use_unique_file_name": False}, 2),
        ({"key": "sku", "on_existing": "replace"}, 2),
        ({"on_existing": "skip"}, 2),
    ],
)
def test_a_part_of_one_row_writes_few_files(
    options: dict[str, Any], most: int, emulate: Callable[..., Emulator], tmp_path: Path
) -> None:
    """An object store takes as long for each as for a large one."""
    upload = plan(emulate().account, journal=tmp_path / "journal", **options)
    before = objects(tmp_path)
    assert one_by_one(upload, table(5)) == ["uploaded"] * 5
    assert objects(tmp_path) - before <= 5 * most
    assert one_by_one(upload, table(5)) == ["uploaded"] * 5
    assert objects(tmp_path) - before <= 5 * most


def test_a_part_of_one_row_with_a_state_writes_few_files(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """What is about to be sent, and what was stored: in the journal, and in the state."""
    for folder in ("journal", "state"):
        (tmp_path / folder).mkdir()
    upload = plan(emulate().account, journal=tmp_path / "journal", state=tmp_path / "state", on_existing="sync")
    before = objects(tmp_path)
    assert one_by_one(upload, table(5)) == ["uploaded"] * 5
    assert objects(tmp_path) - before <= 5 * 4
