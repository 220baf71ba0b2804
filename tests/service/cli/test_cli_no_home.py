"""Commands of a user without a home folder: one error that says what to set, or none where nothing is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from shell import NAMED

if TYPE_CHECKING:
    from pathlib import Path

    from shell import Ikp, Table

SET_IT = "Set HOME or XDG_STATE_HOME"


@pytest.fixture(autouse=True)
def homeless(monkeypatch: pytest.MonkeyPatch, signed_in: None) -> None:
    """Have no home folder, as a user without an entry in the system, and the account in the environment."""
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name)
    monkeypatch.setattr("os.path.expanduser", lambda path: path)


def test_an_upload_with_a_journal(ikp: Ikp, table: Table, tmp_path: Path) -> None:
    """It needs no home folder, and leaves nothing that is named after one."""
    assert ikp("upload", table(1), "-o", "out.csv", "--journal", "run.ikjournal", *NAMED).status == 0
    assert not (tmp_path / "~").exists()


def test_an_upload_without_a_journal(ikp: Ikp, table: Table) -> None:
    """The error names both ways."""
    ran = ikp("upload", table(1), "-o", "out.csv", *NAMED)
    assert ran.status == 2
    assert f"{SET_IT} to a folder that can be written. Or use another journal with --journal." in ran.err


def test_an_upload_with_a_state(ikp: Ikp, table: Table) -> None:
    """The default place of the state is in the home folder; a file can be anywhere."""
    words = ("upload", table(1), "-o", "out.csv", "--journal", "run.ikjournal", "--on-existing", "sync", *NAMED)
    ran = ikp(*words)
    assert (ran.status, "no home folder" in ran.err) == (2, True)
    assert ikp(*words, "--state", "here.ikstate").status == 0


def test_a_temporary_emulator(ikp: Ikp, table: Table) -> None:
    """It has new keys each time."""
    assert ikp("upload", table(1), "-o", "out.csv", "--emulator", *NAMED).status == 0


@pytest.mark.parametrize("words", [("resume",), ("undo", "nosuch")])
def test_a_list_of_journals(words: tuple[str, ...], ikp: Ikp) -> None:
    """There is no folder that has them."""
    ran = ikp(*words)
    assert (ran.status, SET_IT in ran.err) == (2, True)


def test_a_journal_that_does_not_exist(ikp: Ikp) -> None:
    """Is what the error is about."""
    assert "There is no journal nosuch.ikjournal" in ikp("resume", "nosuch.ikjournal", "-o", "out.csv").err


def test_doctor_says_so(ikp: Ikp) -> None:
    """For both folders."""
    ran = ikp("doctor", "--offline")
    assert ran.status == 1
    assert "warning  Configuration            There is no home folder" in ran.out
    assert "problem  State folder             This machine has no such folder." in ran.out
