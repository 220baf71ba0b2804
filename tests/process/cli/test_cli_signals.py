"""Ctrl-C, SIGTERM and SIGHUP: a run ends in good order."""

from __future__ import annotations

import io
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from doubles import RawServer, silent
from shell import NAMED, process, variables, wait_for

import ikpipe
from ikpipe.cli.signals import ignored_signals

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Ikp, Table

    from ikpipe.emulator import Emulator


SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("out", ["out.csv", "-"])
def test_run_drains(table: Table, emulator: Emulator, arrived: Callable[[], list[Any]], number: int, out: str) -> None:
    """A signal ends what is being sent, OUT is written whole, and the status is 130."""
    # At this rate the second row is a minute away.
    with process("upload", table(3), "-o", out, *NAMED, "--rate", "0.017", **variables(emulator)) as running:
        wait_for(arrived)
        running.send_signal(number)
        printed, said = running.communicate(timeout=20)
    if out == "-":
        Path("out.csv").write_text(printed)
    assert running.returncode == 130
    assert list(ikpipe.read_results("out.csv")["ik_status"]) == ["uploaded", "cancelled", "cancelled"]
    assert "1 of 3 rows uploaded" in said
    assert "Traceback" not in said


def test_second_signal_stops_at_once(table: Table, emulator: Emulator) -> None:
    """A second Ctrl-C does not wait for what is being sent; OUT is whole all the same."""
    with RawServer(silent) as host:
        environment = {**variables(emulator), "IMAGEKIT_UPLOAD_URL": host.url}
        with process("upload", table(1), "-o", "out.csv", *NAMED, **environment) as running:
            wait_for(lambda: host.requests)
            running.send_signal(signal.SIGINT)
            time.sleep(0.1)  # two signals at the same moment are one
            running.send_signal(signal.SIGINT)
            running.communicate(timeout=20)
    assert running.returncode == 130
    results = ikpipe.read_results("out.csv")
    assert list(results["ik_status"]) == ["unknown"]
    assert "stopped while the row was being sent" in results["ik_message"][0]


def test_check_ends_at_once(table: Table) -> None:
    """An interrupted check tells no result, since it has seen only a part."""
    with RawServer(silent) as host:
        source = table(1, picture=[f"{host.url}/a.png"])
        with process("check", source, "-o", "-", *NAMED, "--probe", "--fetch-host", "127.0.0.1") as running:
            wait_for(lambda: host.requests)
            running.send_signal(signal.SIGINT)
            printed, said = running.communicate(timeout=20)
    assert (running.returncode, printed) == (130, "")
    assert "No problems" not in said


@pytest.mark.usefixtures("signed_in")
def test_interrupt_before_the_run(ikp: Ikp, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever interrupts while the table is read is told that nothing was written."""

    class Interrupted(io.RawIOBase):
        """Standard input, at which Ctrl-C is pressed."""

        def readable(self) -> bool:
            return True

        def readinto(self, _buffer: Any) -> int:
            raise KeyboardInterrupt

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(Interrupted())))
    assert ikp("upload", "-", "-o", "out.csv", *NAMED) == (
        130,
        "",
        "ikpipe: Interrupted. No results were written.\n",
    )


def test_writing_is_not_disturbed() -> None:
    """While OUT is written, signals are put off for good."""
    before = signal.getsignal(signal.SIGINT)
    with ignored_signals():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGHUP)
    assert signal.getsignal(signal.SIGINT) == before


def test_handlers_are_put_back(ikp: Ikp, table: Table) -> None:
    """A command leaves the process's signal handlers as they were."""
    before = [signal.getsignal(number) for number in SIGNALS]
    ikp("check", table(1), *NAMED)
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_a_hangup_that_is_ignored_stays_so(
    table: Table, emulator: Emulator, arrived: Callable[[], list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under nohup, a run goes on when its terminal is closed."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # which the process inherits
    try:
        with process("upload", table(3), "-o", "out.csv", *NAMED, "--rate", "2", **variables(emulator)) as running:
            wait_for(arrived)
            running.send_signal(signal.SIGHUP)
            running.communicate(timeout=20)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert running.returncode == 0
    assert list(ikpipe.read_results("out.csv")["ik_status"]) == ["uploaded"] * 3


def test_a_terminal_that_is_closed(table: Table, emulator: Emulator, arrived: Callable[[], list[Any]]) -> None:
    """Closing a terminal ends what is being sent; OUT and the journal are complete, though nobody reads messages."""
    words = ["upload", table(3), "-o", "out.csv", "--journal", "run.ikjournal", *NAMED, "--rate", "0.017"]
    ours, theirs = pty.openpty()
    with subprocess.Popen(  # noqa: S603 - our own
        [sys.executable, "-c", CONTROLLING, *words],
        env={**os.environ, **variables(emulator)},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as running:
        os.close(theirs)
        wait_for(arrived)
        os.close(ours)
        assert running.wait(20) == 130
    assert list(ikpipe.read_results("out.csv")["ik_status"]) == ["uploaded", "cancelled", "cancelled"]
    results = ikpipe.resume("run.ikjournal", emulator.account, progress=False, rate=100)
    assert list(results["ik_status"]) == ["uploaded"] * 3


CONTROLLING = """
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # the terminal is this session's
from ikpipe.cli import main
sys.exit(main(sys.argv[1:]))
"""


def test_while_the_fields_are_asked_for(table: Table, emulator: Emulator) -> None:
    """Before the first row, too, OUT is written whole."""
    with RawServer(silent) as library:
        environment = {**variables(emulator), "IMAGEKIT_API_URL": library.url}
        source, brand = table(2, brand=["a", "b"]), ("--map", "custom_metadata=brand")
        with process("upload", source, "-o", "out.csv", *NAMED, *brand, **environment) as running:
            wait_for(lambda: library.requests)
            running.send_signal(signal.SIGINT)
            running.communicate(timeout=20)
    assert running.returncode == 130
    assert list(ikpipe.read_results("out.csv")["ik_status"]) == ["cancelled"] * 2
