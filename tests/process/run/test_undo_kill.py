"""SIGKILL at each step of an undo, and of the run before it; then the same undo again: the library is as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import nights
import pytest
from crashing import killed

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ikpipe.emulator import Emulator

ROWS = 12
SWIFT = ikpipe.Policy(first_wait=0.02, index_lag=0.3, clock_skew=0, changes=0, look_ups=0)
OPTIONS: dict[str, Any] = {**nights.OPTIONS, "concurrency": 2, "policy": SWIFT}
STEPS = ("before a look-up", "after a look-up", "before an update", "after an update", "before a write of the journal")
RUN_STEPS = (
    "before a request",
    "after a body",
    "after a reply",
    "before an update",
    "after an update",
    "as a row ends",
)


def work(journal: Path, account: ikpipe.Account, *, transport: Any, **_: Any) -> None:
    """Undo a run; called in a process that dies."""
    ikpipe.undo(journal, account, dry_run=False, policy=SWIFT, transport=transport)


def run(emulate: Callable[..., Emulator], journal: Path, step: str | None = None, **options: Any) -> tuple[Any, Any]:
    """Have a library, and a run that changes it and dies at a step; return the emulator and the library before."""
    emulator = nights.open_library(emulate(restored_details="file"))
    nights.night(nights.table(ROWS), emulator, **OPTIONS, state=journal.with_name("state"))
    before = nights.library(emulator)
    frame = nights.table(ROWS + 4, 2, range(0, ROWS, 3), range(1, ROWS, 3))
    options = {**OPTIONS, "journal": journal, "state": journal.with_name("state"), **options}
    if step is None:
        assert set(ikpipe.upload(frame, emulator.account, **options)["ik_status"]) <= nights.SETTLED
    else:
        assert killed(ikpipe.upload, step, 2, frame, emulator.account, **options)
    return emulator, before


def state_of(library: dict[str, Any]) -> dict[str, Any]:
    """Return current bytes and details."""
    return {path: (one.sha256, sorted(one.details["tags"] or ()), one.metadata) for path, one in library.items()}


@pytest.mark.parametrize("mode", ["sync", "replace"])
@pytest.mark.parametrize("nth", [1, 3])
@pytest.mark.parametrize("step", STEPS)
def test_an_undo_dies_at_a_step(
    step: str, nth: int, mode: str, emulate: Callable[..., Emulator], tmp_path: Path
) -> None:
    """The same call again completes it, also where a restored version has lost its details meanwhile."""
    journal = tmp_path / "run.ikjournal"
    emulator, before = run(emulate, journal, on_existing=mode)
    killed(work, step, nth, journal, emulator.account)
    undone = ikpipe.undo(journal, emulator.account, dry_run=False, policy=SWIFT)
    assert set(undone["ik_change"]) <= {"done", "absent", "none"}, undone[
        ["ik_status", "ik_change", "ik_change_message"]
    ].to_string()
    assert state_of(nights.library(emulator)) == state_of(before)


@pytest.mark.parametrize("step", RUN_STEPS)
def test_a_run_that_died_is_undone(step: str, emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """What was stored without a result is found; nothing else is touched."""
    journal = tmp_path / "run.ikjournal"
    emulator, before = run(emulate, journal, step)
    nights.wait_for_lists(emulator)
    for _ in range(20):
        undone = ikpipe.undo(journal, emulator.account, dry_run=False, policy=SWIFT)
        if "failed" not in set(undone["ik_change"]):
            break
    assert set(undone["ik_change"]) <= {"done", "absent", "none"}, undone[
        ["ik_status", "ik_change", "ik_change_message"]
    ].to_string()
    assert state_of(nights.library(emulator)) == state_of(before)
