"""Commands and programs whose standard streams are closed, full, not read, or of ASCII alone."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from shell import NAMED, Completed, process, variables

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


def redirected(redirection: str, *words: str, **environment: str) -> Completed:
    """Run a command whose standard streams a shell redirects."""
    command = f"{shlex.join([sys.executable, '-m', 'ikpipe', *words])} {redirection}"
    ran = subprocess.run(  # noqa: S603 - our own code
        ["/bin/bash", "-c", command],
        check=False,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return Completed(ran.returncode, ran.stdout, ran.stderr)


@pytest.mark.parametrize(
    "redirection",
    ["2>&-", "2>/dev/full", "2>&1 | head -c 1 >/dev/null; exit ${PIPESTATUS[0]}", "<&- >&- 2>&-", "2> >(exit)"],
)
def test_messages_that_nobody_can_read(redirection: str, table: Table, emulator: Emulator) -> None:
    """Neither the run nor OUT depends on them."""
    ran = redirected(redirection, "upload", table(2), "-o", "out.csv", *NAMED, **variables(emulator))
    assert ran.status == 0
    assert list(ikpipe.read_results("out.csv")["ik_status"]) == ["uploaded"] * 2


def test_messages_never_get_into_the_results(table: Table, emulator: Emulator) -> None:
    """With standard error closed, the number of the stream is not given to another file."""
    ran = redirected("2>&-", "upload", table(2), "-o", "-", *NAMED, "--journal", "run.ikjournal", **variables(emulator))
    assert (ran.status, ran.out.count("\n")) == (0, 3)
    assert ran.out.startswith("sku,")
    assert list(ikpipe.resume("run.ikjournal", emulator.account, progress=False)["ik_status"]) == ["uploaded"] * 2


def test_results_without_a_standard_output(table: Table, emulator: Emulator, arrived: Callable[[], list[Any]]) -> None:
    """The command says so before it sends anything."""
    ran = redirected(">&-", "upload", table(1), "-o", "-", *NAMED, **variables(emulator))
    assert (ran.status, ran.err) == (2, "ikpipe: error: Standard output is closed. Name a file with -o.\n")
    assert arrived() == []


@pytest.mark.parametrize("words", [["--help"], ["upload", "--help"], ["check", "nowhere-é.csv"]])
def test_a_locale_of_ascii(words: list[str]) -> None:
    """Characters that it does not have are escaped."""
    ran = redirected("", *words, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert ran.status == (0 if "--help" in words else 2)
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("stream", ["None", "open(os.devnull, 'w'); sys.stderr.close()", "open('/dev/full', 'w', 1)"])
def test_a_program_without_standard_error(stream: str, emulator: Emulator) -> None:
    """`upload` in a service, which shows progress by default."""
    code = (
        f"import os, sys; sys.stderr = {stream}\n"
        "import ikpipe, pandas as pd\n"
        "account = ikpipe.Account.from_env()\n"
        "print(*ikpipe.upload(pd.DataFrame({'file': [b'abc']}), account, file_name='a.txt')['ik_status'])\n"
        "sys.stdout.flush(); os._exit(0)"
    )
    ran = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code],
        env={**os.environ, **variables(emulator)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.stdout == "uploaded\n"
