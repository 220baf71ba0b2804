"""`ikpipe undo`: what would be done is shown, and done with --yes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from shell import NAMED

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Ikp, Table

    from ikpipe.emulator import Emulator

SWIFT = ("--policy", "changes=0", "--policy", "look_ups=0")


@pytest.fixture
def account(ikp: Ikp, table: Table, emulate: Callable[..., Emulator], sign_in: Any) -> ikpipe.Account:
    """Upload two pictures with a journal; give their account."""
    emulator = emulate()
    sign_in(emulator)
    assert (
        ikp("upload", table(2, tags=["red", "blue"]), "-o", "out.csv", "--journal", "run.ikjournal", *NAMED).status == 0
    )
    return emulator.account


def test_it_shows_what_would_be_done(ikp: Ikp, account: ikpipe.Account) -> None:
    """Nothing is changed without --yes."""
    ran = ikp("undo", "run.ikjournal", *SWIFT)
    assert ran.status == 0
    assert "Undo of 2 rows: 2 to undo." in ran.err
    assert "planned. The file is deleted: the run created it." in ran.err
    assert "repeat the command with --yes" in ran.err
    assert "repeat the command" not in ikp("undo", "run.ikjournal", *SWIFT, "--yes", "-n").err
    assert len(ikpipe.files(account)) == 2


@pytest.mark.usefixtures("account")
def test_without_a_run_it_lists_them(ikp: Ikp, table: Table) -> None:
    """A run without --journal is in the list, which says how to go on; nothing else can be asked for without a run."""
    assert ikp("upload", table(1), "-o", "two.csv", *NAMED).status == 0
    ran = ikp("undo")
    assert (ran.status, "1 row: 1 uploaded" in ran.out, "  ikpipe undo JOURNAL" in ran.err) == (0, True, True)
    assert ikp("undo", "--yes").err.startswith("ikpipe: error: Name the run too: ikpipe undo RUN --yes")


@pytest.mark.parametrize("run", ["run.ikjournal", "out.csv"])
def test_it_is_done(run: str, ikp: Ikp, account: ikpipe.Account) -> None:
    """The journal and the results name the same files; OUT has what became of each row."""
    ran = ikp("undo", run, "--yes", "-o", "undone.csv", *SWIFT)
    assert (ran.status, len(ikpipe.files(account))) == (0, 0)
    assert "Undo of 2 rows: 2 undone." in ran.err
    assert pd.read_csv("undone.csv")["ik_change"].tolist() == ["done", "done"]
    again = ikp("undo", run, "--yes", *SWIFT)
    assert (again.status, "2 not in the library" in again.err) == (0, True)


def test_dry_run_wins(ikp: Ikp, account: ikpipe.Account) -> None:
    """Whatever else is given."""
    assert ikp("undo", "run.ikjournal", "--yes", "-n", *SWIFT).status == 0
    assert len(ikpipe.files(account)) == 2


def test_what_is_left_is_status_1(ikp: Ikp, account: ikpipe.Account) -> None:
    """Somebody changed a file since."""
    ikpipe.add_tags(ikpipe.files(account).head(1), account, ["mine"])
    ran = ikp("undo", "run.ikjournal", "--yes", *SWIFT)
    assert (ran.status, len(ikpipe.files(account))) == (1, 1)
    assert "Undo of 2 rows: 1 undone, 1 left as they are." in ran.err
    assert "left. Somebody changed it since: tags." in ran.err


@pytest.mark.parametrize("run", ["nothing.ikjournal", "table.csv"])
def test_what_is_no_run(run: str, ikp: Ikp, account: ikpipe.Account) -> None:
    """Status 2, with one error."""
    pd.DataFrame({"file": ["x"]}).to_csv("table.csv")
    ran = ikp("undo", run, "--yes", *SWIFT)
    assert ran.status == 2
    assert ran.err.startswith("ikpipe: error: ")
    assert len(ikpipe.files(account)) == 2
