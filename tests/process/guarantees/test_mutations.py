"""Recovery broken on purpose, in the code that runs: the history checker must detect it each time.

`test_protocol` does the same to the model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from crashing import killed, table
from history import violations
from test_protocol import FreshAtOnce, NoLook

import ikpipe
from ikpipe.request.recovery import RecoveryMachine
from ikpipe.run.executor import UploadExecutor

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ikpipe.emulator import Emulator

OPTIONS: dict[str, Any] = {
    "file_name": "{sku}.gif",
    "use_unique_file_name": False,
    "concurrency": 8,
    "policy": ikpipe.Policy(first_wait=0.02, index_lag=0.3),
    "progress": False,
}


@pytest.mark.parametrize(("machine", "found"), [(RecoveryMachine, False), (FreshAtOnce, True), (NoLook, True)])
def test_a_broken_row_is_found_out(
    machine: type[RecoveryMachine], emulate: Callable[..., Emulator], monkeypatch: pytest.MonkeyPatch, *, found: bool
) -> None:
    """With a fresh token at once, or without lookup, files are stored twice and detected; unchanged, none is."""
    monkeypatch.setattr("ikpipe.run.executor.RecoveryMachine", machine)
    emulator = emulate(faults={"store-then-cut": 0.3}, seed=1)
    results = ikpipe.upload(table(60), emulator.account, retries=2, **OPTIONS)
    assert bool(violations(emulator, results)) is found


async def _nothing(self: UploadExecutor, task: Any, *_: object) -> bool:
    """Write no intent."""
    task.first_sent = task.first_sent or 1.0
    return self is not None


def forgetful(*args: Any, **options: Any) -> None:
    """Upload without intents."""
    UploadExecutor._record = _nothing  # type: ignore[method-assign]  # noqa: SLF001
    ikpipe.upload(*args, **options)


@pytest.mark.parametrize(("upload", "found"), [(ikpipe.upload, False), (forgetful, True)])
def test_a_run_without_intents_is_found_out(
    upload: Callable[..., Any], emulate: Callable[..., Emulator], tmp_path: Path, *, found: bool
) -> None:
    """Rows in flight when a process is killed are stored twice without intents; unchanged, none is."""
    emulator = emulate()
    options = {**OPTIONS, "journal": tmp_path / "run"}
    del options["progress"]
    assert killed(upload, "after a reply", 15, table(40), emulator.account, **options)
    results = ikpipe.resume(tmp_path / "run", emulator.account, progress=False)
    words = [one for one in violations(emulator, results) if one.startswith("stored")]
    assert bool(words) is found
