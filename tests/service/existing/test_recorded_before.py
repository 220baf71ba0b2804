"""What a run records of the files that it replaces or changes, before it does."""

from __future__ import annotations

import json
from itertools import count
from typing import TYPE_CHECKING, Any

import httpx
import nights
import pandas as pd
import pytest
from emulator_client import LOOPBACK, Client

import ikpipe
from ikpipe.emulator import Emulator
from ikpipe.journal.sqlite import SQLiteJournal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ikpipe.journal.entries import RowBefore

FOLDERS = count()


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """One emulator for all tests, each of which has a folder of its own."""
    with Emulator(**LOOPBACK) as emulator, httpx.Client(timeout=60) as http:
        yield Client(nights.open_library(emulator), http)


def befores(client: Client, path: Path, content: str, **row: Any) -> tuple[tuple[RowBefore, ...], dict[str, Any]]:
    """Upload a row over a file; return what its journal has of the file, and the file's details before."""
    folder = f"/before/{next(FOLDERS)}/"
    there = client.fixed("a.gif", nights.gif("a"), folder=folder, tags="red", description="was here").json()
    frame = pd.DataFrame({"file": [nights.gif(content)], "sku": ["a"], **{name: [one] for name, one in row.items()}})
    options = {
        **nights.OPTIONS,
        "columns": None,
        "folder": folder,
        "changed_by": "size" if content == "a" else "content",
    }
    ikpipe.upload(frame, client.emulator.account, journal=path, state=path.with_name("state"), **options)
    with SQLiteJournal.open(path, client.emulator.account) as journal:
        return dict(journal.records())[0].befores, there


def test_an_update_records_what_it_changes(client: Client, tmp_path: Path) -> None:
    """The details before, and those that it sets."""
    (before,), there = befores(client, tmp_path / "j", "a", tags="blue", is_published="no")
    assert (before.file_id, before.version_id) == (there["fileId"], there["versionInfo"]["id"])
    assert json.loads(before.before)["tags"] == ["red"]
    assert json.loads(before.before)["isPublished"] is True
    assert json.loads(before.changes) == {"tags": ["blue"], "isPublished": False}


def test_a_replacement_records_the_version_before(client: Client, tmp_path: Path) -> None:
    """With its details, since a new version may have others."""
    (before,), there = befores(client, tmp_path / "j", "longer" * 20, tags="blue")
    assert (before.file_id, before.version_id) == (there["fileId"], there["versionInfo"]["id"])
    assert json.loads(before.before)["description"] == "was here"
    assert json.loads(before.changes) == {}


def test_an_unchanged_row_records_nothing(client: Client, tmp_path: Path) -> None:
    """There is nothing to undo."""
    assert befores(client, tmp_path / "j", "a", tags="red")[0] == ()
