"""`ikpipe update`: files are changed by the values of a table in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from shell import Completed

    from ikpipe import Account
    from ikpipe.emulator import Emulator

    Ikp = Callable[..., Completed]

NAMED = ("--map", "file=picture", "--set", "file_name={sku}.png")
FAST = ("--policy", "changes=0", "--policy", "look_ups=0")


@pytest.fixture
def library(
    ikp: Ikp,
    table: Callable[..., str],
    emulate: Callable[..., Emulator],
    sign_in: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Account:
    """Store two pictures with tags in an account of their own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    emulator = emulate()
    sign_in(emulator)
    ikp("upload", table(2, tags=["red", "blue"]), "-o", "out.csv", *NAMED)
    return emulator.account


def tags(account: Account) -> list[Any]:
    """Return the tags of all files."""
    return [sorted(some) for some in ikpipe.files(account).sort_values("filePath")["tags"]]


def test_results_are_changed(ikp: Ikp, library: Account) -> None:
    """A results file names its files; OUT has what became of each row."""
    done = ikp("update", "out.csv", "-o", "changed.csv", "--set", "add_tags=new", "--ignore", "tags", *FAST)
    assert done.status == 0
    assert done.err.splitlines()[0] == "ikpipe: If this run is interrupted, finish it with:"
    assert "ikpipe: Update of 2 rows: 2 done" in done.err
    assert tags(library) == [["new", "red"], ["blue", "new"]]
    changed = pd.read_csv("changed.csv")
    assert changed["ik_change"].tolist() == ["done", "done"]
    assert changed["ik_change_message"].tolist() == ["Changed: tag new is added."] * 2
    again = ikp("update", "out.csv", "--set", "add_tags=new", "--ignore", "tags", "--quiet", *FAST)
    assert (again.status, again.err) == (0, "")


def test_a_dry_run(ikp: Ikp, library: Account) -> None:
    """It shows what would be changed, and changes nothing."""
    done = ikp("update", "out.csv", "-n", "-o", "-", "--map", "description=sku", *FAST)
    assert done.status == 0
    assert "2 planned" in done.err
    assert "row 0 (line 2)  Would change: description." in done.err
    assert "Nothing was changed." in done.err
    assert "planned,Would change: description." in done.out
    assert ikpipe.files(library)["description"].isna().all()


def test_rows_that_are_not_changed(ikp: Ikp, library: Account) -> None:
    """Such as files that are not there: their rows are shown, and the exit status is 1."""
    path = ikpipe.files(library)["filePath"][0]
    pd.DataFrame({"path": [path, "/no.png"], "to": ["x", "x"]}).to_csv("moves.csv", index=False)
    done = ikp("update", "moves.csv", "--map", "file_path=path", "--map", "folder=to", *FAST)
    assert done.status == 1
    assert "1 absent" in done.err
    assert "row 1 (line 3)  There is no such file." in done.err
    assert f"/x{path}" in ikpipe.files(library, path="/x")["filePath"].tolist()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--set", "file=x"), "there is no update parameter 'file'"),
        (("--set", "ad_tags=x"), "did you mean 'add_tags'"),
        (("--set", "add_tags=x"), "--ignore tags"),
        (("--map", "folder=nowhere"), "no column 'nowhere'"),
        (("--root", "."), "unrecognized arguments: --root"),
    ],
)
@pytest.mark.usefixtures("library")
def test_mistakes(ikp: Ikp, words: tuple[str, ...], message: str) -> None:
    """They are one error in terms of options, and nothing is sent."""
    done = ikp("update", "out.csv", *words, *FAST)
    assert done.status == 2
    assert message in done.err


@pytest.mark.usefixtures("library")
def test_an_account_without_a_key(ikp: Ikp, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit status 3."""
    monkeypatch.delenv("IMAGEKIT_PRIVATE_KEY")
    assert ikp("update", "out.csv", "--set", "description=x").status == 3


def test_resume_finishes_an_update(ikp: Ikp, library: Account, tmp_path: Path) -> None:
    """The journal of an update that was stopped is continued, as is that of an upload."""
    frame = ikpipe.read_results("out.csv")
    journal = tmp_path / "u.ikjournal"
    options = {"add_tags": "new", "ignore": ["tags"], "journal": journal, "progress": False}
    wrong = ikpipe.Account(library.public_key, "private_wrong", api_url=library.api_url, upload_url=library.upload_url)
    with pytest.raises(ikpipe.AccountError):
        ikpipe.update(frame, wrong, **options)
    done = ikp("resume", str(journal), "-o", "changed.csv", "--trust-journal")
    assert done.status == 0, done.err
    assert "Update of 2 rows: 2 done" in done.err
    assert tags(library) == [["new", "red"], ["blue", "new"]]
    assert pd.read_csv("changed.csv")["ik_change"].tolist() == ["done", "done"]
