"""Commands whose output is a pipe that its reader closes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shell import NAMED, process, variables

import ikpipe

if TYPE_CHECKING:
    from pathlib import Path

    from shell import Table

    from ikpipe.emulator import Emulator


def test_pipe_closed_early(table: Table, emulator: Emulator) -> None:
    """A reader that leaves early costs neither the run's status nor its results."""
    with process("upload", table(1), "-o", "-", *NAMED, "--journal", "run.ikjournal", **variables(emulator)) as running:
        assert running.stdout is not None
        running.stdout.close()
        assert running.stderr is not None
        said = running.stderr.read()
        assert running.wait() == 0
    assert said.count("Standard output was closed before all results were written") == 1
    assert "Traceback" not in said
    results = ikpipe.resume("run.ikjournal", emulator.account, progress=False)
    assert list(results["ik_status"]) == ["uploaded"]


def test_listing_cut_short(emulator: Emulator, tmp_path: Path) -> None:
    """A reader that has seen enough of a list ends the command without a word."""
    with process("files", TMPDIR=str(tmp_path), **variables(emulator)) as running:
        assert running.stdout is not None
        running.stdout.close()
        assert running.stderr is not None
        assert running.stderr.read() == ""
        assert running.wait() == 0
    assert list(tmp_path.iterdir()) == []
