"""`ikpipe resume` after a process was killed or stopped."""

from __future__ import annotations

import base64
import shlex
import signal
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from doubles import RawServer, silent, uploads_of
from history import violations
from shell import NAMED, process, variables, wait_for

import ikpipe
from ikpipe.journal.sqlite import SQLiteJournal

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from shell import Completed, Ikp, Table

    from ikpipe.emulator import Emulator


ROWS = 40


SLOW = ("--rate", "2")
"""So that the rows take twenty seconds: time enough to be cut off in the middle."""


FAST = ("--rate", "1000")


JOURNAL = Path("run.ikjournal")


@pytest.fixture
def service(emulate: Callable[..., Emulator], sign_in: Callable[[Emulator], None]) -> Emulator:
    """Give an account of its own, whose library shows a file at once."""
    emulator = emulate(index_lag=0)
    sign_in(emulator)
    return emulator


def cut_off(service: Emulator, *words: str) -> str:
    """Run a command, kill it when a few files have arrived, and give what it said."""
    before = len(uploads_of(service))
    with process(*words, *SLOW, **variables(service)) as running:
        wait_for(lambda: uploads_of(service)[before + 2 :])
        running.kill()
        _, said = running.communicate(timeout=20)
    assert running.returncode == -signal.SIGKILL
    assert len(uploads_of(service)) - before < ROWS / 2
    return said


def results_in(out: str, ran: Completed) -> pd.DataFrame:
    """Read OUT, wherever it went."""
    if out != "-":
        return ikpipe.read_results(out)
    Path("printed.csv").write_text(ran.out)
    return ikpipe.read_results("printed.csv")


def wrong(service: Emulator, results: pd.DataFrame, journal: Path = JOURNAL) -> list[str]:
    """Hold OUT and the journal to what the service saw."""
    results = results.assign(file=[base64.b64decode(uri.partition(",")[2]) for uri in results["picture"]])
    results.attrs["ikpipe"] = {"journal": str(journal)}
    return violations(service, results)


def ended(service: Emulator) -> set[str]:
    """Give the SKUs of the rows of which the journal knows the end."""
    with SQLiteJournal.open(JOURNAL, service.account) as journal:
        return {f"{position:05}" for position, story in journal.records() if story.result is not None}


def sent(service: Emulator, skus: set[str]) -> set[int]:
    """Tell how many times these rows were sent; a request that was cut off in its middle has no fields."""
    counts = Counter(entry["fields"]["fileName"][:5] for entry in uploads_of(service) if "fields" in entry)
    return {counts[sku] for sku in skus}


@pytest.mark.parametrize("out", ["out.csv", "out.jsonl", "out.parquet", "-"])
def test_a_killed_run_is_finished(ikp: Ikp, table: Table, service: Emulator, out: str) -> None:
    """Every row is up, nothing is stored twice, the status is 0, and OUT is whole, in the format of its ending."""
    cut_off(service, "upload", table(ROWS), "-o", "never.csv", *NAMED, "--journal", str(JOURNAL))
    ran = ikp("resume", str(JOURNAL), "-o", out, *FAST)
    assert ran.status == 0
    results = results_in(out, ran)
    assert (len(results), wrong(service, results)) == (ROWS, [])
    assert not Path("never.csv").exists()


def test_the_same_command_does_only_what_is_left(ikp: Ikp, table: Table, service: Emulator) -> None:
    """With the same journal, whoever types it again sends only the rows that had not ended."""
    words = ("upload", table(ROWS), "-o", "out.csv", *NAMED, "--journal", str(JOURNAL))
    cut_off(service, *words)
    done = ended(service)
    assert ikp(*words, *FAST).status == 0
    assert wrong(service, ikpipe.read_results("out.csv")) == []
    assert sent(service, done) == {1}


def test_the_command_that_it_named_finishes_it(ikp: Ikp, table: Table, service: Emulator) -> None:
    """Without `--journal` the run says at its beginning what to type, and that works as it stands."""
    said = cut_off(service, "upload", table(ROWS), "-o", "my out.csv", *NAMED)
    first, command = said.splitlines()[:2]
    assert first == "ikpipe: If this run is interrupted, finish it with:"
    words = shlex.split(command)
    assert (words[:2], words[3:]) == (["ikpipe", "resume"], ["-o", "my out.csv"])
    assert ikp(*words[1:], *FAST).status == 0
    assert wrong(service, ikpipe.read_results("my out.csv"), Path(words[2])) == []


def test_a_killed_retry_is_finished(ikp: Ikp, table: Table, service: Emulator) -> None:
    """A retry has a journal too: rows that were up stay, the others go up, and OUT may be RESULTS."""
    ikp("upload", table(ROWS), "-o", "r.csv", *NAMED, "--quiet")
    results = ikpipe.read_results("r.csv")
    first = results.loc[0, "ik_file_id"]
    results.loc[1:, "ik_status"] = "failed"
    results.loc[1:, "ik_file_path"] = None
    ikpipe.write_results(results, "r.csv")
    cut_off(service, "retry", "r.csv", "-o", "r.csv", *NAMED, "--journal", str(JOURNAL))
    done = ended(service)
    assert ikp("resume", str(JOURNAL), "-o", "r.csv", *FAST).status == 0
    again = ikpipe.read_results("r.csv")
    assert set(again["ik_status"]) <= {"uploaded", "exists"}
    assert again.loc[0, "ik_file_id"] == first
    assert (sent(service, {"00000"}), sent(service, done)) == ({1}, {2})


def test_killed_while_it_reads(ikp: Ikp, table: Table, service: Emulator) -> None:
    """A process that had not read IN to its end has sent nothing, and resume says what to type."""
    with process("upload", "-", "-o", "out.csv", *NAMED, "--journal", str(JOURNAL), **variables(service)) as running:
        assert running.stdin is not None
        head, _, row = Path(table(1)).read_text().partition("\n")
        running.stdin.write(f"{head}\n" + row * 5_000)  # more than a pipe holds: it reads
        running.stdin.flush()
        running.kill()
    ran = ikp("resume", str(JOURNAL), "-o", "out.csv")
    assert (ran.status, uploads_of(service)) == (2, [])
    assert ran.err.startswith("ikpipe: error: There is no journal run.ikjournal.")
    assert "nothing was sent: repeat the upload" in ran.err


def test_a_drained_run_is_finished(ikp: Ikp, table: Table, service: Emulator) -> None:
    """SIGTERM once: OUT and the journal are complete, the status is 130, and the last line finishes the run."""
    words = ("upload", table(3), "-o", "out.csv", *NAMED, "--journal", str(JOURNAL), "--rate", "0.017")
    with process(*words, **variables(service)) as running:
        wait_for(lambda: uploads_of(service))
        running.send_signal(signal.SIGTERM)
        _, said = running.communicate(timeout=20)
    assert running.returncode == 130
    assert wrong(service, ikpipe.read_results("out.csv")) == []
    assert said.splitlines()[-2:] == ["Next, to continue the run:", "  ikpipe resume run.ikjournal -o out.csv"]
    assert ikp(*shlex.split(said.splitlines()[-1])[1:], *FAST).status == 0
    results = ikpipe.read_results("out.csv")
    assert (list(results["ik_status"]), wrong(service, results)) == (["uploaded"] * 3, [])


def test_a_stopped_run_is_finished(ikp: Ikp, table: Table, service: Emulator) -> None:
    """SIGTERM twice: the row in flight is in doubt, in OUT and in the journal, and `resume` settles it."""
    with RawServer(silent) as host:
        environment = {**variables(service), "IMAGEKIT_UPLOAD_URL": host.url}
        words = ("upload", table(3), "-o", "out.csv", *NAMED, "--journal", str(JOURNAL), "--concurrency", "1")
        with process(*words, **environment) as running:
            wait_for(lambda: host.requests)
            running.send_signal(signal.SIGTERM)
            time.sleep(0.1)  # two signals at the same moment are one
            running.send_signal(signal.SIGTERM)
            running.communicate(timeout=20)
    assert running.returncode == 130
    assert list(ikpipe.read_results("out.csv")["ik_status"]) == ["unknown", "cancelled", "cancelled"]
    assert ikp("resume", str(JOURNAL), "-o", "out.csv").status == 0
    assert wrong(service, ikpipe.read_results("out.csv")) == []


def test_a_run_stopped_on_standard_output(ikp: Ikp, table: Table, service: Emulator) -> None:
    """Where the results went to standard output, the journal is what is left to go on from."""
    with process("upload", table(2), "-o", "-", *NAMED, "--rate", "0.017", **variables(service)) as running:
        wait_for(lambda: uploads_of(service))
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=20)
    assert said.splitlines()[-2] == "Next, to continue the run:"
    ran = ikp(*shlex.split(said.splitlines()[-1])[1:], *FAST)
    assert (ran.status, len(results_in("-", ran))) == (0, 2)


def test_a_refused_account(ikp: Ikp, table: Table, service: Emulator, emulate: Any, sign_in: Any) -> None:
    """An account that is refused meanwhile is status 3, and OUT has what was up already."""
    words = ("upload", table(3), "-o", "out.csv", *NAMED, "--journal", str(JOURNAL), "--rate", "0.017")
    with process(*words, **variables(service)) as running:
        wait_for(lambda: uploads_of(service))
        running.send_signal(signal.SIGTERM)
        running.communicate(timeout=20)
    keys = {"public_key": service.public_key, "private_key": service.private_key}
    sign_in(emulate(account_disabled=True, **keys))
    ran = ikp("resume", str(JOURNAL), "-o", "out.csv", "--concurrency", "1", *FAST)
    assert ran.status == 3
    assert list(ikpipe.read_results("out.csv")["ik_status"]) == ["uploaded", "failed", "cancelled"]
    assert ran.err.splitlines()[-1].startswith("ikpipe: error: The run stopped and sent nothing more: ")
