"""SIGKILL at every step of the protocol, then `resume`: nothing is stored twice, no row is lost."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from crashing import OFTEN, ROW, STEPS, SWIFT, killed, table
from doubles import uploads_of
from history import UP, sent_again, violations

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd

    from ikpipe.emulator import Emulator

OPTIONS: dict[str, Any] = {
    "file_name": "{sku}.gif",
    "folder": "/kill/",
    "concurrency": 8,
    "retries": 30,
    "policy": SWIFT,
}
FAULTS = dict.fromkeys(("reset-after", "store-then-cut", "5xx", "429", "truncated"), 0.03)


def finish(journal: Path, frame: pd.DataFrame, emulator: Emulator, **names: Any) -> pd.DataFrame:
    """Finish a run that was cut off: by its journal alone, or from the beginning where nothing had begun."""
    with suppress(ikpipe.JournalError):
        return ikpipe.resume(journal, emulator.account, progress=False)
    assert uploads_of(emulator) == []
    return ikpipe.upload(frame, emulator.account, journal=journal, progress=False, **OPTIONS, **names)


@pytest.mark.parametrize("names", [{}, {"use_unique_file_name": False}], ids=["made here", "replacing"])
@pytest.mark.parametrize("step", STEPS)
def test_a_process_dies_at_a_step(
    step: str, names: dict[str, Any], emulate: Callable[..., Emulator], tmp_path: Path
) -> None:
    """Whatever the step, `resume` takes every row to its end: none twice, none lost, little sent again."""
    faults = {"store-then-cut": 0.3} if "look-up" in step else {}
    emulator = emulate(faults=faults, seed=1)
    frame, journal = table(40), tmp_path / "run.ikjournal"
    often = 4 if "write" in step else 15  # a write has no more rows than are in flight
    nth = often if step in OFTEN and "look-up" not in step else 1
    assert killed(ikpipe.upload, step, nth, frame, emulator.account, journal=journal, **OPTIONS, **names)
    again = sent_again(emulator)
    results = finish(journal, frame, emulator, **names)
    assert set(results["ik_status"]) <= UP
    assert violations(emulator, results) == []
    assert (sent_again(emulator) - again) * ROW <= 8 * ROW or faults  # what was in flight
    assert results["file"].tolist() == frame["file"].tolist()


RANDOM = [
    *((seed, 150) for seed in range(10)),
    *(pytest.param(seed, 500, marks=pytest.mark.soak) for seed in range(200)),
]


@pytest.mark.parametrize(("seed", "rows"), RANDOM)
def test_processes_die_at_random(seed: int, rows: int, emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """A run is killed anywhere, and so are those that resume it, on a bad day of the service."""
    chance = random.Random(seed)  # noqa: S311 - to repeat a run
    emulator = emulate(faults=FAULTS if seed % 2 else {}, seed=seed, fault_wait=5)
    names = chance.choice([{}, {"use_unique_file_name": False}, {"overwrite_file": False}])
    frame, journal = table(rows), tmp_path / "run.ikjournal"
    work: tuple[Any, ...] = (ikpipe.upload, frame, emulator.account)
    options = {"journal": journal, **OPTIONS, **names}
    for _ in range(3):
        nth = 1 + int(chance.random() ** 2 * 0.8 * rows)
        if not killed(work[0], chance.choice(OFTEN), nth, *work[1:], **options):
            break
        work, options = (ikpipe.resume, journal, emulator.account), {}
    results = finish(journal, frame, emulator, **names)
    assert set(results["ik_status"]) <= UP
    assert violations(emulator, results) == []
