"""The summary of a process that is interrupted, killed, or crashes."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from subprocess import run
from typing import TYPE_CHECKING, Any

import pytest
import summaries
from shell import NAMED, process, variables, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Table

    from ikpipe.emulator import Emulator

REPORTS = ("--summary", "s.json", "--metrics-file", "m.prom", "--html", "r.html")
SLOWLY = ("--rate", "0.017")  # the second row is a minute away


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run(table: Table, emulator: Emulator, arrived: Callable[[], list[Any]], number: int) -> None:
    """The summary has the rows, and the exit status that the process has."""
    words = ("upload", table(3), "-o", "out.csv", *NAMED, *SLOWLY, *REPORTS)
    with process(*words, **variables(emulator)) as running:
        wait_for(arrived)
        running.send_signal(number)
        running.communicate(timeout=20)
    document = summaries.read("s.json")
    assert running.returncode == document["exit_status"] == 130
    assert (document["status"], document["counts"]) == ("interrupted", {"uploaded": 1, "cancelled": 2})
    assert 'ikpipe_run_status{command="upload",name="m",status="interrupted"} 1' in Path("m.prom").read_text("utf-8")
    assert "Interrupted" in Path("r.html").read_text("utf-8")


def test_a_killed_run(table: Table, emulator: Emulator, arrived: Callable[[], list[Any]]) -> None:
    """Its summary is not that of the night before: it has no end."""
    source = table(3)
    run(  # noqa: S603 - ours
        [sys.executable, "-m", "ikpipe", "check", source, *NAMED, *REPORTS], check=True, env={**os.environ}
    )
    assert summaries.read("s.json")["status"] == "finished"
    before = Path("m.prom").read_text("utf-8")
    words = ("upload", source, "-o", "out.csv", *NAMED, *SLOWLY, *REPORTS)
    with process(*words, **variables(emulator)) as running:
        wait_for(arrived)
        running.kill()
        running.communicate(timeout=20)
    document = summaries.read("s.json")
    assert (document["status"], document["exit_status"], document["ended"]) == ("running", None, None)
    assert Path("m.prom").read_text("utf-8") == before  # when the last run ended


CRASHING = """
import sys, ikpipe.cli, pandas
from unittest import mock
with mock.patch.object(pandas.Index, "identical", side_effect=ZeroDivisionError("bug")):
    sys.exit(ikpipe.cli.main())
"""


def test_a_crash(table: Table, emulator: Emulator) -> None:
    """A bug, here of pandas, has a traceback, and a summary."""
    words = [sys.executable, "-c", CRASHING, "upload", table(1), "-o", "out.csv", *NAMED, *REPORTS]
    ran = run(words, capture_output=True, text=True, check=False, env={**os.environ, **variables(emulator)})  # noqa: S603 - ours
    document = summaries.read("s.json")
    assert ran.returncode == document["exit_status"] == 1
    assert (document["status"], document["error"]["type"]) == ("crashed", "ZeroDivisionError")
