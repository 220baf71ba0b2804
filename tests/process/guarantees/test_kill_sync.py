"""SIGKILL while rows are compared with the library, then the same command again: the library equals the table."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from crashing import OFTEN, STEPS, SWIFT, killed, table
from doubles import uploads_of

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd

    from ikpipe import Account
    from ikpipe.emulator import Emulator

OPTIONS: dict[str, Any] = {
    "file_name": "{sku}.gif",
    "folder": "/kill/",
    "concurrency": 8,
    "retries": 30,
    "policy": replace(SWIFT, changes=0),
    "on_existing": "sync",
}
FAULTS = dict.fromkeys(("reset-after", "store-then-cut", "5xx", "429", "truncated"), 0.04)
DONE = {"uploaded", "exists", "unchanged", "updated"}


def night(rows: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the tables of two nights: a third of the files differs in content, a third in its tags."""
    before = table(rows).assign(tags="old")
    after = before.copy()
    for row in range(0, rows, 3):
        after.loc[row, "file"] = before.loc[row, "file"] + b"+"
    after.loc[list(range(1, rows, 3)), "tags"] = "new"
    return before, after


def check_library(account: Account, frame: pd.DataFrame) -> None:
    """Check that the library has the files of a table, each once, with at most one earlier version."""
    files = {row["name"]: row for row in ikpipe.files(account, path="/kill").to_dict("records")}
    assert files.keys() == {f"{sku}.gif" for sku in frame["sku"]}
    for row in frame.to_dict("records"):
        file = files[f"{row['sku']}.gif"]
        assert (file["size"], file["tags"]) == (len(row["file"]), [row["tags"]])


@pytest.mark.parametrize("step", STEPS)
def test_a_process_dies_at_a_step_of_a_second_night(
    step: str, emulate: Callable[..., Emulator], tmp_path: Path
) -> None:
    """The same command again ends it, with its journal or without."""
    emulator = emulate(seed=1)
    before, after = night(30)
    ikpipe.upload(before, emulator.account, progress=False, **OPTIONS)
    journal = tmp_path / "run.ikjournal"
    nth = {"after a look-up": 1, "before a look-up": 1}.get(step, 3 if step in OFTEN else 1)
    killed(ikpipe.upload, step, nth, after, emulator.account, journal=journal, **OPTIONS)
    results = ikpipe.upload(after, emulator.account, journal=journal, progress=False, **OPTIONS)
    assert set(results["ik_status"]) <= DONE
    check_library(emulator.account, after)
    stored = [entry for entry in uploads_of(emulator) if entry["stored"]]
    assert len(stored) == 30 + 10


@pytest.mark.parametrize("seed", range(6))
def test_processes_die_at_random_on_a_bad_day(seed: int, emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """A table is uploaded, then its next version, each killed and repeated."""
    chance = random.Random(seed)  # noqa: S311 - to repeat a run
    emulator = emulate(faults=FAULTS if seed % 2 else {}, seed=seed, fault_wait=5)
    for number, frame in enumerate(night(60)):
        journal = {"journal": tmp_path / f"{number}.ikjournal"} if seed % 3 else {}
        for _ in range(2):
            killed(
                ikpipe.upload, chance.choice(OFTEN), chance.randint(1, 20), frame, emulator.account,
                **journal, **OPTIONS,
            )  # fmt: skip
        results = ikpipe.upload(frame, emulator.account, progress=False, **journal, **OPTIONS)
        assert set(results["ik_status"]) <= DONE
        check_library(emulator.account, frame)
