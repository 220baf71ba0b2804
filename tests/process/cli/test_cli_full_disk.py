"""Full disks: that of OUT, and that of the journal."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from shell import NAMED, variables

import ikpipe

if TYPE_CHECKING:
    from shell import Ikp, Table

    from ikpipe.emulator import Emulator

COMMAND = """
import resource, sys
from ikpipe.cli import main

if sys.argv[1] != "-":
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
sys.exit(main(sys.argv[2:]))
"""


def run(limit: str, *words: str, emulator: Emulator, out: str = os.devnull) -> tuple[int, str]:
    """Run a command that writes files of so many bytes at most; return its status and what it says."""
    with Path(out).open("wb") as stream:
        done = subprocess.run(  # noqa: S603 - our own
            [sys.executable, "-c", COMMAND, limit, *words],
            env={**os.environ, **variables(emulator)},
            stdout=stream,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    return done.returncode, " ".join(done.stderr.split())


@pytest.mark.usefixtures("signed_in")
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no disk that is always full")
def test_the_disk_of_out(ikp: Ikp, table: Table, emulator: Emulator) -> None:
    """What OUT's disk refuses is told in the system's own words, and the journal has the results."""
    words = ("upload", table(1), "-o", "-", *NAMED, "--journal", "run.ikjournal")
    status, said = run("-", *words, emulator=emulator, out="/dev/full")
    assert status == 2
    assert "Not all results could be written: [Errno 28] No space left on device" in said
    assert ikp("resume", "run.ikjournal", "-o", "out.csv").status == 0
    assert list(ikpipe.read_results("out.csv")["ik_status"]) == ["uploaded"]


def test_the_disk_of_the_journal(table: Table, emulator: Emulator) -> None:
    """A journal that takes nothing more stops the run: OUT is written, and the error says so in the command's words."""
    words = ("--set", f"description={'x' * 900}", "--journal", "run", "--concurrency", "1")
    status, said = run("150000", "upload", table(60), "-o", "out.csv", *NAMED, *words, emulator=emulator)
    assert status == 2
    assert set(ikpipe.read_results("out.csv")["ik_status"]) == {"uploaded", "cancelled"}
    assert said.endswith("repair the disk, then resume. Retry OUT.")
