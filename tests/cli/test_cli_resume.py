"""`--journal` and `ikpipe resume`: a run that was cut off is finished, whatever cut it off."""

from __future__ import annotations

import base64
import csv
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
from ikpipe.journal.catalog import journals_folder
from ikpipe.journal.entries import RowEnded
from ikpipe.journal.sqlite import SQLiteJournal

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from shell import Completed, Ikp, Table

    from ikpipe.emulator import Emulator

pytestmark = pytest.mark.slow  # each test starts processes, some of them several

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


@pytest.fixture
def own_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Give the user a folder of journals that nobody else writes to."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


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


# Killed


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
    assert "nothing was sent; type the upload again" in ran.err


def test_killed_while_the_journal_is_made(ikp: Ikp, service: Emulator) -> None:
    """A journal that was never begun says so, and what to do."""
    SQLiteJournal.make(JOURNAL, service.account).close()
    ran = ikp("resume", str(JOURNAL), "-o", "out.csv")
    assert ran.status == 2
    assert ran.err.endswith("was never started: nothing was sent. Upload the table again.\n")


# Told to stop


def test_a_drained_run_is_finished(ikp: Ikp, table: Table, service: Emulator) -> None:
    """SIGTERM once: OUT and the journal are complete, the status is 130, and the last line finishes the run."""
    words = ("upload", table(3), "-o", "out.csv", *NAMED, "--journal", str(JOURNAL), "--rate", "0.017")
    with process(*words, **variables(service)) as running:
        wait_for(lambda: uploads_of(service))
        running.send_signal(signal.SIGTERM)
        _, said = running.communicate(timeout=20)
    assert running.returncode == 130
    assert wrong(service, ikpipe.read_results("out.csv")) == []
    assert said.splitlines()[-2:] == ["Next, to go on where it stopped:", "  ikpipe resume run.ikjournal -o out.csv"]
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
    assert said.splitlines()[-2] == "Next, to go on where it stopped:"
    ran = ikp(*shlex.split(said.splitlines()[-1])[1:], *FAST)
    assert (ran.status, len(results_in("-", ran))) == (0, 2)


# What it says


@pytest.mark.usefixtures("service")
def test_it_is_said_how_to_resume(ikp: Ikp, table: Table) -> None:
    """The first lines have the whole command to type; it is quoted for a shell."""
    ran = ikp("upload", table(1), "-o", "my out.csv", *NAMED, "--journal", "my run")
    assert ran.err.splitlines()[:2] == [
        "ikpipe: If this run is interrupted, finish it with:",
        "  ikpipe resume 'my run' -o 'my out.csv'",
    ]


def test_the_profile_is_said_too(
    ikp: Ikp, table: Table, emulator: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The command to type takes the keys from where this run has them."""
    monkeypatch.setattr("platformdirs.user_config_path", lambda _name: tmp_path)
    names = {name.removeprefix("IMAGEKIT_").lower(): value for name, value in variables(emulator).items()}
    (tmp_path / "config.toml").write_text("\n".join(["[a]", *(f'{name} = "{text}"' for name, text in names.items())]))
    ran = ikp("upload", table(1), "-o", "out.csv", *NAMED, "--journal", "run", "--profile", "a")
    assert ran.err.splitlines()[1] == "  ikpipe resume run -o out.csv --profile a"


@pytest.mark.usefixtures("service")
def test_a_bad_call_is_not_told_how_to_resume(ikp: Ikp, table: Table) -> None:
    """What was never begun cannot be resumed: nothing but the error is said."""
    ran = ikp("upload", table(1), "-o", "out.csv", "--map", "file=pictur")
    assert "resume" not in ran.err


@pytest.mark.usefixtures("own_state")
def test_an_emulated_run_leaves_no_journal(ikp: Ikp, table: Table) -> None:
    """Its service is gone, so that nobody is told to resume it, not by OUT either."""
    ran = ikp("upload", table(1), "-o", "out.parquet", *NAMED, "--emulator")
    assert (ran.status, "resume" in ran.err, journals_folder().exists()) == (0, False, False)
    assert ikpipe.read_results("out.parquet").attrs["ikpipe"]["journal"] is None


@pytest.mark.usefixtures("own_state")
def test_an_emulated_run_with_a_journal(ikp: Ikp, table: Table) -> None:
    """`--journal` can be tried too: the same command goes on with it, and it is said to be of no other use."""
    words = ("upload", table(1), "-o", "out.csv", *NAMED, "--emulator", "--journal", str(JOURNAL))
    first = ikp(*words)
    assert "run.ikjournal is a journal of this service alone; name another file for ImageKit" in first.err
    before = ikpipe.read_results("out.csv")
    assert (first.status, ikp(*words).status) == (0, 0)
    assert ikpipe.read_results("out.csv").equals(before)


@pytest.mark.usefixtures("service", "own_state")
def test_runs_that_can_be_resumed(ikp: Ikp, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """`resume` alone prints the runs that were cut off, a line each, and says what to type."""
    monkeypatch.setattr(SQLiteJournal, "end", lambda *_: None)
    ikp("upload", table(2), "-o", "out.csv", *NAMED)
    [path] = journals_folder().iterdir()
    ran = ikp("resume")
    [line] = ran.out.splitlines()
    begun, rows, word, shown = line.split()
    assert (ran.status, rows, word, shown) == (0, "2", "rows", str(path))
    assert begun[:2] == "20"
    assert ran.err.splitlines() == ["ikpipe: finish one of them with:", "  ikpipe resume JOURNAL -o results.csv"]


@pytest.mark.usefixtures("service", "own_state")
def test_no_run_can_be_resumed(ikp: Ikp, table: Table) -> None:
    """Where every run has ended, or there was none, nothing is printed, and it is said where journals are."""
    for _ in range(2):
        ran = ikp("resume")
        assert (ran.status, ran.out) == (0, "")
        assert ran.err.startswith(f"ikpipe: no run is left to finish in {journals_folder()}\n")
        assert "ikpipe resume FILE -o OUT" in ran.err
        ikp("upload", table(1), "-o", "out.csv", *NAMED)


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("my run",), "Name a file for the results: ikpipe resume 'my run' -o OUT"),
        (("-o", "out.csv"), "Name the journal too: ikpipe resume JOURNAL -o OUT"),
        (("missing", "-o", "out.csv"), "There is no journal missing."),
        (("run", "-o", "missing/out.csv"), "the folder missing does not exist"),
        (("run.csv", "-o", "run.csv"), "run.csv is the journal itself, which is never overwritten"),
        (("in.csv", "-o", "out.csv"), "in.csv is not an ikpipe journal, and was not changed. Correct the path."),
        (("cut", "-o", "out.csv"), "it is damaged. Use a copy of it, or check with `ikpipe files` which files"),
        (("run", "-o", "out.csv", "--policy", "lag=1"), "a policy has no field 'lag'"),
        (("run", "-o", "out.csv", "--emulator"), "unrecognized arguments: --emulator"),
    ],
)
def test_bad_options(ikp: Ikp, table: Table, words: tuple[str, ...], said: str) -> None:
    """What cannot be resumed is one line on standard error, status 2, and no OUT."""
    ikp("upload", table(300), "-o", "-", "--map", "file=sku", "--journal", "run")
    Path("run.csv").write_bytes(Path("run").read_bytes())
    Path("cut").write_bytes(Path("run").read_bytes()[:20_000])
    ran = ikp("resume", *words)
    assert (ran.status, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert said in ran.err
    assert not Path("out.csv").exists()


def test_a_run_under_way(ikp: Ikp, table: Table, service: Emulator) -> None:
    """The journal of a run that another process is at is left to it."""
    ikp("upload", table(1), "-o", "-", *NAMED, "--journal", "run")
    with SQLiteJournal.open(Path("run"), service.account):
        ran = ikp("resume", "run", "-o", "out.csv")
    assert (ran.status, ran.err.count("\n")) == (2, 1)
    assert "another process is using it: wait until that run has ended." in ran.err


@pytest.mark.usefixtures("service")
def test_another_accounts_run(ikp: Ikp, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused, with the public key that it needs."""
    ikp("upload", table(1), "-o", "-", *NAMED, "--journal", "run")
    monkeypatch.setenv("IMAGEKIT_PUBLIC_KEY", "public_other")
    ran = ikp("resume", "run", "-o", "out.csv")
    assert (ran.status, ran.err.count("\n")) == (2, 1)
    assert "not to public_other: resume it with the keys that it was started with." in ran.err


@pytest.mark.usefixtures("service")
def test_without_an_account(ikp: Ikp, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without keys it is said so, with status 3."""
    ikp("upload", table(1), "-o", "-", *NAMED, "--journal", "run")
    monkeypatch.delenv("IMAGEKIT_PUBLIC_KEY")
    assert ikp("resume", "run", "-o", "out.csv").status == 3


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


@pytest.mark.usefixtures("service")
def test_a_disk_that_fills_up(ikp: Ikp, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """A journal that takes nothing more stops the run: OUT is written, and the error says so in the command's words."""
    write = SQLiteJournal.write

    def full(journal: SQLiteJournal, entries: list[Any]) -> None:
        if any(isinstance(entry, RowEnded) for entry in entries):
            raise ikpipe.JournalError("The journal run cannot be used (disk is full); free some space, then resume.")
        write(journal, entries)

    monkeypatch.setattr(SQLiteJournal, "write", full)
    ran = ikp("upload", table(2), "-o", "out.csv", *NAMED, "--journal", "run", "--concurrency", "1")
    assert ran.status == 2
    assert len(ikpipe.read_results("out.csv")) == 2
    assert ran.err.splitlines()[-1].endswith("free some space, then resume. Retry OUT.")


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize("command", ["upload", "retry"])
def test_out_is_not_the_journal(ikp: Ikp, table: Table, command: str) -> None:
    """One file cannot be both: nothing is sent, and nothing is made."""
    ran = ikp(command, table(1), "-o", "out.csv", *NAMED, "--journal", "./out.csv")
    assert ran.status == 2
    assert "out.csv is the journal, which is never overwritten. Name another file." in ran.err
    assert not Path("out.csv").exists()


# Failed rows alone


@pytest.mark.parametrize("command", ["retry", "upload"])
def test_failed_rows_alone(
    ikp: Ikp, table: Table, service: Emulator, pictures: Callable[[int], list[str]], command: str
) -> None:
    """The rows that are not up, taken out of a results file and mended, are good for either command."""
    mended = pictures(4)
    ikp("upload", table(4, picture=[mended[0], None, mended[2], None]), "-o", "r.csv", *NAMED, "--set", "tags=new")
    with Path("r.csv").open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["ik_status"] != "uploaded"]
    with Path("failed.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows({**row, "picture": mended[int(row["sku"])]} for row in rows)
    ran = ikp(command, "failed.csv", "-o", "out.csv", *NAMED)
    results = ikpipe.read_results("out.csv")
    assert (ran.status, list(results["sku"]), list(results["ik_status"])) == (0, ["00001", "00003"], ["uploaded"] * 2)
    assert list(results.columns) == list(ikpipe.read_results("r.csv").columns)
    assert len(uploads_of(service)) == 4
