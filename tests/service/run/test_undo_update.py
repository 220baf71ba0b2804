"""Undo of an update: by its journal, by what it returned, and never by the results of the upload before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from rows import blobs, quiet

import ikpipe
from ikpipe.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

QUICK: dict[str, Any] = {"policy": ikpipe.Policy(changes=0, look_ups=0, first_wait=0.01)}
SEEN = ["filePath", "tags", "description"]


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ikpipe.Account]:
    """Give the account of an emulator and a state folder of its own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with Emulator() as emulator:
        yield emulator.account


def changed(account: ikpipe.Account) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Upload two files and update them; return the files before, and what `update` returned."""
    frame = blobs(b"1", b"2", file_name=["a.bin", "b.bin"])
    results = quiet(frame, account, folder="/p", tags="old", description="was", use_unique_file_name=False)
    before = library(account)
    options: dict[str, Any] = {
        "add_tags": "new",
        "remove_tags": "old",
        "unset": ["description"],
        "folder": "/q",
        "ignore": ["file_name"],
    }
    return before, ikpipe.update(results, account, progress=False, **options, **QUICK)


def library(account: ikpipe.Account) -> pd.DataFrame:
    """Return the files of the library with the details that an update changes."""
    return ikpipe.files(account, search='path : "/"')[SEEN].sort_values("filePath", ignore_index=True)


@pytest.mark.parametrize("by", ["frame", "journal"])
def test_an_update_is_undone(account: ikpipe.Account, by: str) -> None:
    """Details and paths are as before, and no file is deleted."""
    before, updated = changed(account)
    source = updated if by == "frame" else updated.attrs["ikpipe"]["journal"]
    undone = ikpipe.undo(source, account, dry_run=False, **QUICK)
    assert list(undone["ik_change"]) == ["done", "done"]
    pd.testing.assert_frame_equal(library(account), before)


def test_its_table_without_the_journal_is_refused(
    account: ikpipe.Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The `ik_` columns are those of the upload before, whose files must not be deleted for it."""
    _, updated = changed(account)
    ikpipe.write_results(updated, tmp_path / "changes.csv")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another machine"))
    with pytest.raises(ikpipe.JournalError, match="results of changes"):
        ikpipe.undo(tmp_path / "changes.csv", account, dry_run=False, **QUICK)
    assert len(library(account)) == 2
