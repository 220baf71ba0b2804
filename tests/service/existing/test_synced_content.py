"""Nights after the first: what is sent again, by what identifies the content, and where that is kept."""

from __future__ import annotations

from decimal import Decimal
from itertools import count
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from doubles import Page
from rows import blobs, quiet

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from doubles import Site

    from ikpipe import Account

    Arrived = Callable[[], list[dict[str, Any]]]

_FOLDERS = count()


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have a state folder of its own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def folder() -> str:
    """Return a folder that no other test uses."""
    return f"/content/{next(_FOLDERS)}"


@pytest.fixture(params=["default", "file", "folder", "library"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Give a place of a state."""
    return {"default": None, "file": tmp_path / "s.ikstate", "folder": f"{tmp_path}/s/", "library": "library"}[
        request.param
    ]


def table(*contents: bytes, **columns: list[Any]) -> pd.DataFrame:
    """Return rows with a name each."""
    return blobs(*contents, file_name=[f"{number}.bin" for number in range(len(contents))], **columns)


def night(frame: pd.DataFrame, account: Account, folder: str, **options: Any) -> list[str]:
    """Sync a table, and return the statuses."""
    results = quiet(frame, account, folder=folder, on_existing="sync", **options)
    return list(results["ik_status"])


def test_only_what_changed_is_sent(place: Any, folder: str, account: Account) -> None:
    """A file of the same size and other content is replaced; one with other tags is changed in place."""
    first = table(b"one", b"two", b"six", tags=["a", "b", "c"])
    assert night(first, account, folder, state=place) == ["uploaded"] * 3
    assert night(first, account, folder, state=place) == ["unchanged"] * 3
    second = table(b"one", b"TWO", b"six", tags=["a", "b", "d"])
    assert night(second, account, folder, state=place) == ["unchanged", "uploaded", "updated"]
    assert night(second, account, folder, state=place) == ["unchanged"] * 3


def test_what_somebody_else_replaced_is_sent(place: Any, folder: str, account: Account) -> None:
    """A file of the same size that somebody else stored is not ours, although the state knows its path."""
    night(table(b"one"), account, folder, state=place)
    other = {"overwrite_custom_metadata": False}  # whoever does it keeps the metadata
    quiet(table(b"XXX"), account, folder=folder, use_unique_file_name=False, **other)
    assert night(table(b"one"), account, folder, state=place) == ["uploaded"]


def test_what_somebody_else_deleted_is_sent(place: Any, folder: str, account: Account) -> None:
    """A file that is gone is uploaded, whatever the state says."""
    night(table(b"one"), account, folder, state=place)
    ikpipe.delete(ikpipe.files(account, path=folder), account, dry_run=False)
    assert night(table(b"one"), account, folder, state=place) == ["uploaded"]


def test_a_lost_state_leaves_the_size(folder: str, account: Account, tmp_path: Path) -> None:
    """Without a record, sizes are compared; a file of another size is sent."""
    night(table(b"one", b"two"), account, folder, state=tmp_path / "lost.ikstate")
    again = table(b"one", b"other")
    assert night(again, account, folder, state=tmp_path / "new.ikstate") == ["unchanged", "uploaded"]


def test_an_old_state_sends_once_more(folder: str, account: Account, tmp_path: Path) -> None:
    """A backup of the state knows an earlier version: the file is sent again, and nothing is skipped."""
    path, backup = tmp_path / "s.ikstate", tmp_path / "backup"
    night(table(b"one"), account, folder, state=path)
    backup.write_bytes(path.read_bytes())
    night(table(b"two"), account, folder, state=path)
    path.write_bytes(backup.read_bytes())
    assert night(table(b"one"), account, folder, state=path) == ["uploaded"]


def test_sizes_alone(folder: str, account: Account) -> None:
    """`changed_by="size"` takes files of the same size as unchanged."""
    night(table(b"one"), account, folder, changed_by="size")
    assert night(table(b"two"), account, folder, changed_by="size") == ["unchanged"]


def test_a_column_tells(folder: str, account: Account) -> None:
    """A cell that differs from the last night's sends the file, whatever its bytes."""
    night(table(b"one", b"two", updated_at=["1", "1"]), account, folder, changed_by="updated_at")
    again = table(b"one", b"two", updated_at=["1", "2"])
    assert night(again, account, folder, changed_by="updated_at") == ["unchanged", "uploaded"]


class Wordless:
    """An object without a text."""

    def __str__(self) -> str:
        """Fail."""
        raise RuntimeError


@pytest.mark.parametrize("cell", [Wordless(), 10**5000, Decimal("sNaN"), [1, pd.NA], "\ud800"], ids=type)
def test_a_cell_of_any_kind_stops_no_run(cell: object, account: Account, folder: str) -> None:
    """What is wrong with a cell of the column concerns its row at most."""
    rows = table(b"one", b"two").assign(updated_at=pd.Series([cell, "1"], dtype=object))
    assert night(rows, account, folder, changed_by="updated_at") == ["uploaded"] * 2
    assert night(rows, account, folder, changed_by="updated_at") == ["unchanged"] * 2


def test_a_column_that_is_not_there(folder: str, account: Account) -> None:
    """The error names the closest column, before anything is sent."""
    with pytest.raises(ikpipe.MappingError, match=r"updated.*did you mean 'updated_at'"):
        night(table(b"one", updated_at=["1"]), account, folder, changed_by="updated")


@pytest.mark.parametrize("value", ["", "/dev/null/s.ikstate", "\x00"])
def test_a_state_that_cannot_be_used(folder: str, account: Account, value: str, arrived: Arrived) -> None:
    """The error says so before anything is sent."""
    with pytest.raises(ikpipe.MappingError, match=r"state|empty"):
        night(table(b"one"), account, folder, state=value)
    assert arrived() == []


def test_urls_by_what_their_host_says(folder: str, account: Account, site: Site) -> None:
    """A URL whose ETag is as before is unchanged; one with another is sent; one without is, too."""

    def put(path: str, *headers: tuple[str, str]) -> str:
        return site.put(path, Page(b"x", headers=headers))

    urls = [put("/1.bin", ("ETag", '"a"')), put("/2.bin", ("ETag", '"a"')), put("/3.bin")]
    frame = pd.DataFrame({"file": urls})
    options = {"fetch_hosts": ["127.0.0.1"]}
    assert night(frame, account, folder, **options) == ["uploaded"] * 3
    put("/2.bin", ("ETag", '"b"'))
    assert night(frame, account, folder, **options) == ["unchanged", "uploaded", "uploaded"]


def test_local_files(folder: str, account: Account, tmp_path: Path) -> None:
    """A file with other bytes is sent, also if it has the same size."""
    (tmp_path / "0.bin").write_bytes(b"one")
    (tmp_path / "1.bin").write_bytes(b"two")
    frame = pd.DataFrame({"file": ["0.bin", "1.bin"]})
    night(frame, account, folder, root=tmp_path)
    (tmp_path / "1.bin").write_bytes(b"TWO")
    assert night(frame, account, folder, root=tmp_path) == ["unchanged", "uploaded"]


def test_a_plain_upload_can_keep_a_state(folder: str, account: Account, tmp_path: Path) -> None:
    """With `state=`, the first night need not be a sync."""
    path = tmp_path / "s.ikstate"
    quiet(table(b"one", b"two"), account, folder=folder, use_unique_file_name=False, state=path)
    assert night(table(b"one", b"TWO"), account, folder, state=path) == ["unchanged", "uploaded"]


def test_metadata_survives_with_the_state_in_the_library(folder: str, account: Account) -> None:
    """A replacement keeps the metadata that the row does not give, and the state's own."""
    night(table(b"one"), account, folder, state="library")
    night(table(b"two"), account, folder, state="library")
    results = quiet(
        table(b"two"), account, folder=folder, on_existing="sync", state="library", response_fields="customMetadata"
    )
    assert list(results["ik_status"]) == ["unchanged"]


# Rows with the same content


def test_equal_rows_share_a_file(folder: str, account: Account, arrived: Arrived) -> None:
    """The second row has the first one's file, and nothing is sent for it."""
    results = quiet(table(b"one", b"one", b"two"), account, folder=folder, dedupe=True)
    assert list(results["ik_status"]) == ["uploaded", "duplicate", "uploaded"]
    assert results.loc[0, "ik_file_id"] == results.loc[1, "ik_file_id"]
    assert len(arrived()) == 2


def test_other_parameters_are_another_file(folder: str, account: Account) -> None:
    """Rows with other tags do not share a file."""
    results = quiet(table(b"one", b"one", tags=["a", "b"]), account, folder=folder, dedupe=True)
    assert list(results["ik_status"]) == ["uploaded", "uploaded"]


def test_without_dedupe_they_do_not(folder: str, account: Account) -> None:
    """The default."""
    assert list(quiet(table(b"one", b"one"), account, folder=folder)["ik_status"]) == ["uploaded", "uploaded"]


def test_another_run_shares_them_too(folder: str, account: Account, tmp_path: Path) -> None:
    """With a state, a file of an earlier run counts, as long as it is in the library."""
    options = {"folder": folder, "dedupe": True, "state": tmp_path / "s.ikstate"}
    first = quiet(table(b"one"), account, **options)
    again = quiet(table(b"one", b"two"), account, **options)
    assert list(again["ik_status"]) == ["duplicate", "uploaded"]
    assert again.loc[0, "ik_file_id"] == first.loc[0, "ik_file_id"]
    ikpipe.delete(ikpipe.files(account, path=folder), account, dry_run=False)
    assert list(quiet(table(b"one"), account, **options)["ik_status"]) == ["uploaded"]


def test_if_the_first_fails_the_next_is_sent(folder: str, account: Account) -> None:
    """A row whose twin is refused is sent itself."""
    frame = table(b"one", b"one", checks=['"file.size" > "1mb"', '"file.size" > "1mb"'])
    results = quiet(frame, account, folder=folder, dedupe=True, concurrency=1)
    assert list(results["ik_status"]) == ["failed", "failed"]
