"""Results of rows whose files were there already: written, read, shown, refreshed and retried."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import ikpipe
from ikpipe.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDER = "/there/"
STATUSES = ["unchanged", "updated", "uploaded", "duplicate", "skipped"]


def gif(color: int) -> bytes:
    """Return an image of one pixel."""
    return b"GIF89a\1\0\1\0\x80\0\0" + bytes([color] * 6) + b",\0\0\0\0\1\0\1\0\0\2\2D\1\0;"


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    """Run an emulator that has some files."""
    with Emulator() as running:
        yield running


@pytest.fixture(scope="module")
def results(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Return results with a row of each status of `STATUSES`, in this order."""
    state = tmp_path_factory.mktemp("state") / "s.ikstate"
    usual: dict[str, Any] = {"folder": FOLDER, "tags": ["a"], "state": state, "progress": False}
    frame = pd.DataFrame({"file": [gif(1), gif(2), gif(3)], "file_name": ["1.gif", "2.gif", "3.gif"]})
    ikpipe.upload(frame, emulator.account, on_existing="sync", **usual)
    rows = pd.DataFrame({"file": [gif(1), gif(2), gif(4), gif(4)], "file_name": ["1.gif", "2.gif", "4.gif", "5.gif"]})
    rows["tags"] = [["a"], ["b"], ["c"], ["c"]]
    synced = ikpipe.upload(rows, emulator.account, on_existing="sync", dedupe=True, **usual)
    skipped = ikpipe.upload(frame.iloc[2:], emulator.account, on_existing="skip", **usual)
    found = pd.concat([synced, skipped.assign(tags=[["a"]])], ignore_index=True)
    assert [*found["ik_status"]] == STATUSES
    return found


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet", "xlsx"])
def test_they_are_read_as_they_were_written(ending: str, results: pd.DataFrame, tmp_path: Path) -> None:
    """With all details of the files that were there."""
    ikpipe.write_results(results.drop(columns=["file"]), tmp_path / f"results.{ending}")
    again = ikpipe.read_results(tmp_path / f"results.{ending}")
    own = [name for name in results if str(name).startswith("ik_")]
    assert_frame_equal(again[own], results[own])


@pytest.mark.parametrize(
    "name", ["ik_file_id", "ik_url", "ik_thumbnail_url", "ik_file_path", "ik_size", "ik_version_id"]
)
def test_they_have_the_details_of_a_file(name: str, results: pd.DataFrame) -> None:
    """As if it had been uploaded."""
    assert results[name].notna().all()


def test_a_gallery_shows_their_pictures(results: pd.DataFrame) -> None:
    """Each has a card, and none is among the rows that are not uploaded."""
    html = ikpipe.gallery(results)._repr_html_()
    assert html.count("<figure>") == len(STATUSES)
    for status in STATUSES:
        assert f'ik-good">1 {status}' in html


def test_what_a_gallery_leaves_out_can_have_been_there(results: pd.DataFrame) -> None:
    """Most of these rows were not uploaded."""
    assert "4 more are uploaded or there already" in ikpipe.gallery(results, limit=1)._repr_html_()


def test_a_summary_counts_them_as_done(results: pd.DataFrame) -> None:
    """Each status has its number."""
    summary = ikpipe.summary(results)
    assert summary.counts == dict.fromkeys(STATUSES, 1)
    assert summary.all_uploaded
    for status in STATUSES:
        assert status in str(summary)


def test_refresh_reads_their_details(results: pd.DataFrame, emulator: Emulator) -> None:
    """The statuses stay, since they say what the run did."""
    before = len(emulator.log())
    assert_frame_equal(ikpipe.refresh(results, emulator.account), results)
    assert len(emulator.log()) == before
    fresh = ikpipe.refresh(results, emulator.account, every=True)
    assert [*fresh["ik_status"]] == STATUSES
    assert [*fresh["ik_file_id"]] == [*results["ik_file_id"]]
    assert len(emulator.log()) == before + len(STATUSES)


def test_retry_leaves_them(results: pd.DataFrame, emulator: Emulator) -> None:
    """There is nothing left to do."""
    before = len(emulator.log())
    again = ikpipe.retry(results, emulator.account, columns={"file": "file"}, folder=FOLDER, progress=False)
    assert [*again["ik_status"]] == STATUSES
    assert len(emulator.log()) == before
