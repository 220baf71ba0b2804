"""`--journal` and `ikpipe resume`: an interrupted run is finished, however it was interrupted."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from doubles import uploads_of
from shell import NAMED, variables

import ikpipe
from ikpipe.journal.catalog import journals_folder
from ikpipe.journal.sqlite import SQLiteJournal

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Ikp, Table

    from ikpipe.emulator import Emulator

JOURNAL = Path("run.ikjournal")


@pytest.fixture
def service(emulate: Callable[..., Emulator], sign_in: Callable[[Emulator], None]) -> Emulator:
    """Return a new account whose library lists a file at once."""
    emulator = emulate(index_lag=0)
    sign_in(emulator)
    return emulator


@pytest.fixture
def own_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Set a folder of journals that no other test writes to."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


# Killed


def test_killed_while_the_journal_is_made(ikp: Ikp, service: Emulator) -> None:
    """For a journal without a run, the message says so, and what to do."""
    SQLiteJournal.make(JOURNAL, service.account).close()
    ran = ikp("resume", str(JOURNAL), "-o", "out.csv")
    assert ran.status == 2
    assert ran.err.endswith("was never started: nothing was sent. Upload the table again.\n")


# Told to stop


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
    assert "  ikpipe resume run -o out.csv --profile a" in ran.err.splitlines()


@pytest.mark.usefixtures("service")
def test_a_bad_call_is_not_told_how_to_resume(ikp: Ikp, table: Table) -> None:
    """A run that was not started cannot be resumed: only the error is printed."""
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
    """`--journal` works with `--emulator`: the same command continues it; a message says its limits."""
    words = ("upload", table(1), "-o", "out.csv", *NAMED, "--emulator", "--journal", str(JOURNAL))
    first = ikp(*words)
    assert "use run.ikjournal only with this emulator" in first.err
    before = ikpipe.read_results("out.csv")
    assert (first.status, ikp(*words).status) == (0, 0)
    assert ikpipe.read_results("out.csv").equals(before)


@pytest.mark.usefixtures("service", "own_state")
def test_runs_that_can_be_resumed(ikp: Ikp, table: Table) -> None:
    """`resume` alone prints the interrupted runs, one per line, and the command to type."""
    ikp("upload", table(2, picture=["", ""]), "-o", "out.csv", *NAMED, "--max-failures", "1")
    [path] = journals_folder().iterdir()
    ran = ikp("resume")
    [line] = ran.out.splitlines()
    begun, rows, word, shown = line.split()
    assert (ran.status, rows, word, shown) == (0, "2", "rows", str(path))
    assert begun[:2] == "20"
    assert ran.err.splitlines() == ["ikpipe: Finish one of them with:", "  ikpipe resume JOURNAL -o results.csv"]


@pytest.mark.usefixtures("service", "own_state")
def test_no_run_can_be_resumed(ikp: Ikp, table: Table) -> None:
    """Where every run has ended, or there was none, nothing is printed, and it is said where journals are."""
    for _ in range(2):
        ran = ikp("resume")
        assert (ran.status, ran.out) == (0, "")
        assert ran.err.startswith(f"ikpipe: No interrupted runs in {journals_folder()}.\n")
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
        (("run.csv", "-o", "run.csv"), "run.csv is the journal, which is never overwritten"),
        (("in.csv", "-o", "out.csv"), "in.csv is not an ikpipe journal, and was not changed. Correct the path."),
        (("cut", "-o", "out.csv"), "it is damaged. Use a copy of it, or check with `ikpipe files` which files"),
        (("run", "-o", "out.csv", "--policy", "lag=1"), "there is no policy field 'lag'"),
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
    assert "another process is using it. Wait until that run has ended." in ran.err


@pytest.mark.usefixtures("service")
def test_another_accounts_run(ikp: Ikp, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused, with the public key that it needs."""
    ikp("upload", table(1), "-o", "-", *NAMED, "--journal", "run")
    monkeypatch.setenv("IMAGEKIT_PUBLIC_KEY", "public_other")
    ran = ikp("resume", "run", "-o", "out.csv")
    assert (ran.status, ran.err.count("\n")) == (2, 1)
    assert "not to public_other. Resume it with the keys that it was started with." in ran.err


@pytest.mark.usefixtures("service")
def test_without_an_account(ikp: Ikp, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without keys it is said so, with status 3."""
    ikp("upload", table(1), "-o", "-", *NAMED, "--journal", "run")
    monkeypatch.delenv("IMAGEKIT_PUBLIC_KEY")
    assert ikp("resume", "run", "-o", "out.csv").status == 3


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
    """Failed rows, taken from a results file and fixed, can be used with either command."""
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
