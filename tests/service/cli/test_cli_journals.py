"""`ikpipe journals`: journals are listed, shown and deleted; nothing is proven, and nothing else is changed."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from shell import NAMED

from ikpipe.journal.catalog import journals_folder
from ikpipe.journal.sqlite import SQLiteJournal

if TYPE_CHECKING:
    from shell import Ikp, Table

    from ikpipe.emulator import Emulator

pytestmark = pytest.mark.usefixtures("signed_in")
DATA = Path(__file__).parents[2] / "data" / "journals"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a state folder without journals."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def night(ikp: Ikp, table: Table) -> Path:
    """Return the journal of a finished run that has a name; one of its three rows is invalid."""
    name = table(3, file_name=["a.png", "b/b.png", "c.png"])
    url = "https://hook.example.com/?X-Signature=c2VjcmV0"
    words = ("--map", "file=picture", "--set", f"webhook_url={url}", "--run", "night")
    assert ikp("upload", name, "-o", "out.csv", *words).status == 1
    (path,) = journals_folder().iterdir()
    return path


def older(path: Path, days: float) -> Path:
    """Let a file be so old."""
    os.utime(path, (time.time() - days * 86_400,) * 2)
    return path


def interrupted() -> Path:
    """Return the journal of a run of another account that was interrupted, in the state folder."""
    journals_folder().mkdir(parents=True, exist_ok=True)
    for suffix in ("", "-wal"):
        shutil.copy(f"{DATA}/interrupted.ikjournal{suffix}", journals_folder() / f"cut.ikjournal{suffix}")
    return journals_folder() / "cut.ikjournal"


def snapshot() -> dict[str, bytes]:
    """Return the content of all files in the state folder."""
    return {path.name: path.read_bytes() for path in journals_folder().iterdir()}


def test_the_list(ikp: Ikp, night: Path, emulator: Emulator) -> None:
    """Each journal has its state, run, command, account, rows by status, size and path."""
    cut = interrupted()
    before = snapshot()
    ran = ikp("journals")
    assert ran.status == 0
    for words in ("finished  night", f"upload by {emulator.public_key}: 3 rows: 2 uploaded, 1 invalid", str(night)):
        assert words in ran.out
    assert "interrupted" in ran.out
    assert str(cut) in ran.out
    assert snapshot() == before


def test_the_list_as_a_table(ikp: Ikp, night: Path) -> None:
    """By the extension of OUT."""
    interrupted()
    assert ikp("journals", "list", "-o", "journals.csv").status == 0
    listed = pd.read_csv("journals.csv").set_index("path")
    assert sorted(listed["state"]) == ["finished", "interrupted"]
    assert listed.loc[str(night), ["run", "command", "rows"]].tolist() == ["night", "upload", 3]


def test_nothing_to_list(ikp: Ikp) -> None:
    """Standard output is empty, and the message says where else to look."""
    ran = ikp("journals")
    assert (ran.status, ran.out) == (0, "")
    assert "FOLDER" in ran.err


def test_the_latest_of_a_name(ikp: Ikp, table: Table, night: Path) -> None:
    """Earlier journals of a name are marked; `show` takes the latest."""
    assert ikp("upload", table(1), "-o", "out.csv", *NAMED, "--run", "night").status == 0
    ran = ikp("journals")
    assert ran.out.count("there is a later one") == 1
    assert str(night) in ikp("journals", "show", "night").out


def test_a_run_in_progress(ikp: Ikp, night: Path) -> None:
    """It is listed as running, and never pruned."""
    import ikpipe

    with SQLiteJournal.open(older(night, 90), ikpipe.Account.from_env()):
        older(night, 90)
        assert "running" in ikp("journals").out
        assert "0 journals" in ikp("journals", "prune", "--interrupted", "--yes").err
    assert night.exists()


@pytest.mark.parametrize("run", ["night", "path"])
def test_what_a_journal_says(run: str, ikp: Ikp, night: Path) -> None:
    """Mapping, options, problems and what can be done, without secrets."""
    ran = ikp("journals", "show", run if run == "night" else str(night))
    assert ran.status == 0
    for words in ("Mapping:", "Options:", "row 1: invalid", f"ikpipe undo {night}", "https://hook.example.com/?***"):
        assert words in ran.out
    assert "c2VjcmV0" not in ran.out
    assert "private_" not in ran.out


def test_an_interrupted_one(ikp: Ikp) -> None:
    """What finishes it is named; a journal of another account and an earlier format needs no proof."""
    cut = interrupted()
    assert f"ikpipe resume {cut}" in ikp("journals", "show", str(cut)).out


@pytest.mark.parametrize("words", [["night-x"], [], ["out.csv"]])
def test_one_that_is_not_there(words: list[str], ikp: Ikp) -> None:
    """One sentence says so."""
    ran = ikp("journals", "show", *words)
    assert ran.status == 2
    assert "ikpipe journals" in ran.err


def test_files_that_are_none(ikp: Ikp, tmp_path: Path) -> None:
    """They are listed as such, shown as such, and never pruned."""
    (tmp_path / "a.ikjournal").write_text("notes")
    older(tmp_path / "a.ikjournal", 90)
    assert "unreadable" in ikp("journals", "list", str(tmp_path)).out
    assert "unreadable" in ikp("journals", "show", "a.ikjournal").out
    ikp("journals", "prune", str(tmp_path), "--interrupted", "--yes")
    assert (tmp_path / "a.ikjournal").read_text() == "notes"


def test_prune_is_dry(ikp: Ikp, night: Path) -> None:
    """What would be deleted is listed; -n wins over --yes."""
    older(night, 31)
    for words in ([], ["--yes", "-n"]):
        ran = ikp("journals", "prune", *words)
        assert (ran.status, str(night) in ran.err, "repeat the command with --yes" in ran.err) == (0, True, not words)
        assert night.exists()


@pytest.mark.parametrize(
    ("days", "words", "gone"),
    [(29, [], False), (31, [], True), (2, ["--older-than", "1d"], True), (31, ["--older-than", "8w"], False)],
)
def test_what_undo_needs_is_kept(days: float, words: list[str], gone: bool, ikp: Ikp, night: Path) -> None:  # noqa: FBT001
    """For 30 days, unless another age is asked for."""
    older(night, days)
    assert ikp("journals", "prune", "--yes", *words).status == 0
    assert night.exists() is not gone


def test_interrupted_ones_are_kept(ikp: Ikp) -> None:
    """Unless they are asked for; then their log goes, too."""
    cut = older(interrupted(), 90)
    assert ikp("journals", "prune", "--yes").status == 0
    assert cut.exists()
    assert ikp("journals", "prune", "--yes", "--interrupted").status == 0
    assert list(journals_folder().iterdir()) == []


def test_links_are_left(ikp: Ikp, night: Path, tmp_path: Path) -> None:
    """What a link leads to is not pruned, and neither is the link."""
    target = older(night.rename(tmp_path / "elsewhere"), 90)
    night.symlink_to(target)
    assert ikp("journals", "prune", "--yes").status == 0
    assert night.is_symlink()
    assert target.exists()


@pytest.mark.parametrize("words", [["lst"], ["prune", "--older-than", "3 days"], ["list", "nowhere"]])
def test_mistakes(words: list[str], ikp: Ikp) -> None:
    """The status is 2, and the message names the fix."""
    ran = ikp("journals", *words)
    assert ran.status == 2
    assert any(hint in ran.err for hint in ("list", "30d", "ikpipe journals"))
