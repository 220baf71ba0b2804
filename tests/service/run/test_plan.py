"""`plan`: what an upload would do, and why, without doing it."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import pandas as pd
import polars as pl
import pytest
from rows import blobs, quiet

import ikpipe

if TYPE_CHECKING:
    from pathlib import Path

    from ikpipe import Account
    from ikpipe.emulator import Emulator

_FOLDERS = count()
COLUMNS = ["ik_action", "ik_target", "ik_reason", "ik_bytes", "ik_file_id", "ik_versions"]


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a state folder of its own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def folder() -> str:
    """Return a folder that no other test uses."""
    return f"/plan/{next(_FOLDERS)}"


def table(*contents: bytes, **columns: list[Any]) -> pd.DataFrame:
    """Return rows with a name each."""
    return blobs(*contents, file_name=[f"{number}.bin" for number in range(len(contents))], **columns)


def test_each_action(folder: str, account: Account) -> None:
    """New, changed, with other tags, the same, and invalid."""
    quiet(table(b"one", b"two", b"six"), account, folder=folder, tags="a", on_existing="sync")
    frame = table(b"one", b"TWO", b"six", b"new", b"bad", tags=["a", "a", "b", "a", "a" * 501])
    planned = ikpipe.plan(frame, account, folder=folder, on_existing="sync")
    assert list(planned["ik_action"]) == ["unchanged", "replace", "update", "upload", "invalid"]
    assert list(planned["ik_target"][:4]) == [f"{folder}/{number}.bin" for number in range(4)]
    assert planned["ik_bytes"].tolist() == [pd.NA, 3, pd.NA, 3, pd.NA]
    assert planned["ik_versions"].tolist() == [1, 1, 1, pd.NA, pd.NA]
    assert planned["ik_file_id"].notna().tolist() == [True, True, True, False, False]
    assert "Different: tags" in planned.loc[2, "ik_reason"]
    assert "500 characters" in planned.loc[4, "ik_reason"]
    actions = planned.attrs["ikpipe"]["actions"]
    assert actions == {"unchanged": 1, "replace": 1, "update": 1, "upload": 1, "invalid": 1}


@pytest.mark.parametrize(
    ("options", "action"),
    [
        ({"on_existing": "skip"}, "skip"),
        ({"on_existing": "error"}, "error"),
        ({"on_existing": "replace"}, "replace"),
        ({"use_unique_file_name": False}, "replace"),
        ({"use_unique_file_name": False, "overwrite_file": False}, "error"),
        ({}, "upload"),
    ],
    ids=str,
)
def test_each_mode(options: dict[str, Any], action: str, folder: str, account: Account) -> None:
    """What happens with a file that is there."""
    quiet(table(b"one"), account, folder=folder, use_unique_file_name=False)
    assert list(ikpipe.plan(table(b"two"), account, folder=folder, **options)["ik_action"]) == [action]


def test_nothing_is_done(folder: str, account: Account, emulator: Emulator) -> None:
    """No upload and no change reaches the service."""
    before = len(emulator.log())
    ikpipe.plan(table(b"one", b"two"), account, folder=folder, on_existing="sync", dedupe=True, state="library")
    assert {entry["method"] for entry in emulator.log()[before:]} == {"GET"}


def test_rows_that_share_a_file(folder: str, account: Account) -> None:
    """The later row names the first one."""
    planned = ikpipe.plan(table(b"one", b"one"), account, folder=folder, dedupe=True)
    assert list(planned["ik_action"]) == ["upload", "duplicate"]
    assert "Row '0'" in planned.loc[1, "ik_reason"] or "Row 0" in planned.loc[1, "ik_reason"]


def test_a_run_that_was_done_already(
    folder: str, account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the name of a run, its own files are recognized."""
    quiet(table(b"one"), account, folder=folder, run="night")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another"))
    planned = ikpipe.plan(table(b"one", b"two"), account, folder=folder, run="night")
    assert list(planned["ik_action"]) == ["unchanged", "upload"]


def test_other_libraries(folder: str, account: Account) -> None:
    """A polars DataFrame has a plan in polars."""
    frame = pl.DataFrame({"file": [b"one"], "file_name": ["a.bin"]})
    planned = ikpipe.plan(frame, account, folder=folder)
    assert isinstance(planned, pl.DataFrame)
    assert planned.columns == ["file", "file_name", *COLUMNS]


def test_an_empty_table(account: Account) -> None:
    """A table without rows has a plan without rows, with the same columns and dtypes."""
    planned = ikpipe.plan(pd.DataFrame({"file": pd.Series([], dtype=object)}), account)
    assert list(planned.dtypes[COLUMNS]) == ["string", "string", "string", "Int64", "string", "Int64"]


def test_without_a_private_key(folder: str) -> None:
    """The library cannot be read, and the error says what is missing."""
    account = ikpipe.Account("public_x", authentication_endpoint="http://127.0.0.1:9/")
    with pytest.raises(ikpipe.AccountError, match="private"):
        ikpipe.plan(table(b"one"), account, folder=folder)


def test_the_summary_counts_it(folder: str, account: Account) -> None:
    """`summary` shows totals, and reasons of what is not plain."""
    quiet(table(b"one"), account, folder=folder, on_existing="replace")
    text = str(ikpipe.summary(ikpipe.plan(table(b"two", b"new"), account, folder=folder, on_existing="replace")))
    assert text.splitlines()[0] == "Plan for 2 rows: 1 replace, 1 upload; 6 B to send"
    assert "row 0  A file is there already; it becomes an earlier version." in text


def test_a_misspelt_keyword(folder: str, account: Account) -> None:
    """The error suggests the right one."""
    with pytest.raises(ikpipe.MappingError, match="did you mean 'on_existing'"):
        ikpipe.plan(table(b"one"), account, folder=folder, on_exsting="skip")
