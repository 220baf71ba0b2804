"""`ikpipe sync`: totals on the terminal, results in a file, exit statuses."""

from __future__ import annotations

import os
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from syncs import library, write_tree

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Completed

    from ikpipe.emulator import Emulator

    Ikp = Callable[..., Completed]

_FOLDERS = count()
FILES = {"a.txt": "a", "b.txt": "bb", "sub/c.txt": "ccc"}


@pytest.fixture
def folder(signed_in: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Write a folder of three files, and return a folder of the library."""
    del signed_in
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    write_tree(Path("photos"), FILES)
    return f"/cli-sync/{next(_FOLDERS)}"


def test_totals(ikp: Ikp, folder: str, emulator: Emulator) -> None:
    """Without --delete it is done at once."""
    done = ikp("sync", "photos", folder)
    assert (done.status, done.out) == (0, "")
    assert "3 of 3 rows uploaded" in done.err
    assert len(library(emulator, folder)) == 3


def test_delete_needs_yes(ikp: Ikp, folder: str, emulator: Emulator) -> None:
    """--delete prints the plan, with what to type; --yes carries it out."""
    ikp("sync", "photos", folder)
    Path("photos/b.txt").unlink()
    plan = ikp("sync", "photos", folder, "--delete", "-o", "plan.csv")
    assert plan.status == 0
    assert "Plan for 3 rows: 2 unchanged, 1 delete" in plan.err
    assert f"Nothing in the source is at {folder}/b.txt" in plan.err
    assert "repeat the command with --yes" in plan.err
    assert "repeat the command" not in ikp("sync", "photos", folder, "--delete", "--yes", "-n").err
    assert list(pd.read_csv("plan.csv")["ik_action"]) == ["unchanged", "unchanged", "delete"]
    assert len(library(emulator, folder)) == 3
    done = ikp("sync", "photos", folder, "--delete", "--yes", "-o", "out.csv")
    assert (done.status, "1 file deleted" in done.err) == (0, True)
    assert list(pd.read_csv("out.csv")["ik_change"]) == ["none", "none", "done"]
    assert sorted(library(emulator, folder)) == ["a.txt", "sub/c.txt"]


def test_dry_run_wins(ikp: Ikp, folder: str, emulator: Emulator) -> None:
    """With --dry-run, nothing is done."""
    assert ikp("sync", "photos", folder, "-n", "--yes").status == 0
    assert library(emulator, folder) == {}


def test_a_refusal_names_the_option(
    ikp: Ikp, folder: str, emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    """The error has the option to type; with it, it is done."""
    ikp("sync", "photos", folder)
    for path in FILES:
        Path("photos", path).unlink()
    done = ikp("sync", "photos", folder, "--delete", "--yes")
    assert (done.status, "--delete-all" in done.err, "delete=" in done.err) == (2, True, False)
    plan = ikp("sync", "photos", folder, "--delete")
    assert (plan.status, "Nothing will be deleted: The source has no files" in caplog.text) == (1, True)
    assert len(library(emulator, folder)) == 3
    assert ikp("sync", "photos", folder, "--delete-all", "--yes").status == 0
    assert library(emulator, folder) == {}


def test_patterns(ikp: Ikp, folder: str, emulator: Emulator) -> None:
    """--include and --exclude are repeatable."""
    ikp("sync", "photos", folder, "--include", "a.*", "--include", "/sub/**", "--exclude", "*")
    assert sorted(library(emulator, folder)) == ["a.txt", "sub/c.txt"]
    wrong = ikp("sync", "photos", folder, "--exclude", "[a")
    assert (wrong.status, "--exclude '[a'" in wrong.err) == (2, True)


def test_some_rows_are_not(ikp: Ikp, folder: str, emulator: Emulator) -> None:
    """An empty file is reported; the status is 1, and what was to be deleted is."""
    ikp("sync", "photos", folder)
    write_tree(Path("photos"), {"empty.txt": ""})
    Path("photos/b.txt").unlink()
    done = ikp("sync", "photos", folder, "--delete", "--yes")
    assert (done.status, "1 invalid, bad_file" in done.err, "1 file deleted" in done.err) == (1, True, True)
    assert sorted(library(emulator, folder)) == ["a.txt", "sub/c.txt"]


def test_a_table(ikp: Ikp, folder: str, emulator: Emulator) -> None:
    """The options of `upload` map a table."""
    Path("in.csv").write_text("sku;path\n007;a.txt\n")
    done = ikp("sync", "in.csv", folder, "--map", "file=path", "--root", "photos", "--set", "file_name={sku}.txt")
    assert done.status == 0
    assert library(emulator, folder) == {"007.txt": b"a"}


@pytest.mark.parametrize("words", [("nothing", "/x"), ("photos", "/x", "--set", "file_name=a"), ("photos",)])
@pytest.mark.usefixtures("folder")
def test_mistakes(words: tuple[str, ...], ikp: Ikp) -> None:
    """One error on standard error, and the status 2."""
    done = ikp("sync", *words)
    assert (done.status, done.out) == (2, "")
    assert done.err.count("error:") == 1


def test_a_folder_that_cannot_be_read(ikp: Ikp, folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other files are sent, and the status is 1."""
    scan = os.scandir

    def failing(path: str | Path) -> object:
        """Fail for one folder."""
        if str(path).rstrip("/").endswith("sub"):
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(os, "scandir", failing)
    done = ikp("sync", "photos", folder)
    assert (done.status, "2 of 2 rows uploaded" in done.err) == (1, True)


@pytest.mark.usefixtures("signed_in")
def test_a_source_that_does_not_exist(ikp: Ikp) -> None:
    """The error says so, and not that a file has an unknown type."""
    ran = ikp("sync", "nofolder", "/x")
    assert (ran.status, "nofolder does not exist. Correct the path." in ran.err) == (2, True)
