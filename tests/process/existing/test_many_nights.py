"""Nights of a table with 100,000 local files: what is sent, and what the process takes."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import nights
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from ikpipe.emulator import Emulator

SECONDS, MEGABYTES = 15, 250
ROWS = [pytest.param(100_000, marks=pytest.mark.soak), 2_000]


@pytest.mark.parametrize("rows", ROWS)
def test_many_rows(rows: int, emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """Uploaded, unchanged, and with 1 % other contents and 1 % other details: exactly these are sent."""
    emulator, per_cent = nights.open_library(emulate()), rows // 100
    memory = Path("/dev/shm")  # noqa: S108 - a folder of our own in it
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        nights.write_files(Path(folder), nights.table(rows))

        def night(**changes: object) -> nights.Took:
            """Have a night in a process of its own."""
            given = {"rows": rows, "root": folder, **changes}
            took = nights.Elsewhere(emulator.account, given, {}, state=str(tmp_path / "nights.ikstate")).end()
            sys.stderr.write(f"{took}\n")
            return took

        assert night().counts == {"uploaded": rows}
        before = len(emulator.log())
        unchanged = night()
        assert unchanged.counts == {"unchanged": rows}
        assert nights.requests(emulator, before).keys() == {"read"}
        assert nights.requests(emulator, before)["read"] <= rows / 1000 * 1.5 + 3
        changes = {"night": 2, "changed": [*range(0, rows, 100)], "tagged": [*range(50, rows, 100)]}
        frame = nights.table(rows, **changes)
        nights.write_files(Path(folder), frame.iloc[::100])  # the others stay as they were
        before = len(emulator.log())
        changed = night(**changes)
        assert changed.counts == {"uploaded": per_cent, "updated": per_cent, "unchanged": rows - 2 * per_cent}
        arrived = nights.requests(emulator, before)
        assert (arrived["upload"], arrived["update"]) == (per_cent, per_cent)
    assert nights.missing(emulator, frame) == nights.second_copies(emulator) == []
    assert max(unchanged.megabytes, changed.megabytes) <= MEGABYTES
    assert unchanged.processor <= SECONDS  # other programs on this machine do not count
