"""The uploader and files that are there already: what it sends, and what it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from browsers import Browser

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ikpipe.emulator import Emulator

QUICK = ikpipe.Policy(index_lag=0.3, first_wait=0.02, look_ups=0, changes=0)
FILES = {"a.txt": b"aa", "b.txt": b"bbb", "c.txt": b"cccc"}


def send(account: ikpipe.Account, files: dict[str, bytes], **options: Any) -> tuple[ikpipe.Uploader, Browser]:
    """Pick files, and upload them; return the uploader with its rows as a page has them."""
    uploader = ikpipe.Uploader(account, folder="/in", policy=QUICK, **options)
    with Browser(uploader) as browser:
        browser.pick(files)
        uploader.send()
        browser.wait_idle()
    return uploader, browser


def posts(browser: Browser) -> int:
    """Return the number of files that the page was asked to upload."""
    return sum(len(message["posts"]) for message in browser.all("post"))


def test_files_that_are_there_are_not_posted(emulate: Callable[..., Emulator]) -> None:
    """Those with another size are, and other tags are changed in place."""
    account = emulate().account
    send(account, FILES, use_unique_file_name=False, tags=["a"])
    _, browser = send(account, {**FILES, "b.txt": b"longer"}, on_existing="sync", tags=["a"])
    assert {row["name"]: row["state"] for row in browser.rows.values()} == {
        "a.txt": "unchanged",
        "b.txt": "uploaded",
        "c.txt": "unchanged",
    }
    assert posts(browser) == 1
    uploader, browser = send(account, FILES, on_existing="skip")
    assert {*uploader.results["ik_status"]} == {"skipped"}
    assert posts(browser) == 0


def test_a_row_shows_the_file_that_is_there(emulate: Callable[..., Emulator]) -> None:
    """Its address and its picture are in the message to the page."""
    account = emulate().account
    first, _ = send(account, FILES, use_unique_file_name=False)
    _, browser = send(account, FILES, on_existing="skip")
    results = {row["name"]: row["result"] for row in browser.rows.values()}
    for name, url, thumbnail in first.results[["ik_name", "ik_url", "ik_thumbnail_url"]].itertuples(index=False):
        assert results[name]["url"].partition("?")[0] == url.partition("?")[0]
        assert results[name]["thumbnail"] == thumbnail


def test_retry_leaves_rows_whose_files_are_there(emulate: Callable[..., Emulator]) -> None:
    """They count as done, and cannot be edited or removed."""
    emulator = emulate()
    send(emulator.account, FILES, use_unique_file_name=False)
    uploader, _ = send(emulator.account, FILES, on_existing="sync")
    before = len(emulator.log())
    with Browser(uploader) as browser:
        uploader.retry()
        browser.wait_idle()
    assert len(emulator.log()) == before
    assert uploader.summary["counts"] == {"unchanged": 3}


def test_a_frame_s_content_is_compared_by_the_state(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """Two contents of one size differ, and the state is where it is asked to be."""
    account, state = emulate().account, tmp_path / "shop.ikstate"
    for content, status in ((b"one", "uploaded"), (b"one", "unchanged"), (b"two", "uploaded")):
        frame = pd.DataFrame({"file": [content], "file_name": ["1.txt"]})
        uploader = ikpipe.Uploader(account, frame, on_existing="sync", state=state, policy=QUICK)
        with Browser(uploader) as browser:
            uploader.send()
            browser.wait_idle()
        assert [*uploader.results["ik_status"]] == [status]
    assert state.exists()
    again = uploader.frame.pipe(ikpipe.upload, account, **uploader.mapping, progress=False)
    assert [*again["ik_status"]] == ["unchanged"]


def test_equal_rows_share_a_file(emulate: Callable[..., Emulator]) -> None:
    """The second one is a duplicate."""
    frame = pd.DataFrame({"file": [b"one", b"one"], "file_name": ["1.txt", "2.txt"]})
    uploader = ikpipe.Uploader(emulate().account, frame, dedupe=True, policy=QUICK)
    with Browser(uploader) as browser:
        uploader.send()
        browser.wait_idle()
    assert sorted(uploader.results["ik_status"]) == ["duplicate", "uploaded"]


def test_a_named_run_stores_a_frame_once(emulate: Callable[..., Emulator]) -> None:
    """Also from another uploader, after the kernel has restarted."""
    account = emulate().account
    frame = pd.DataFrame({"file": [b"one", b"two"], "file_name": ["1.txt", "2.txt"]})
    for status in ("uploaded", "exists"):
        uploader = ikpipe.Uploader(account, frame, run="autumn", policy=QUICK)
        with Browser(uploader) as browser:
            browser.pick({"c.txt": b"c"})
            uploader.send()
            browser.wait_idle()
        assert [*uploader.results["ik_status"]] == [status, status, "uploaded"]
    assert len(ikpipe.files(account)) == 4


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"on_existing": "keep"}, "The value must be 'replace' or 'skip'"),
        ({"on_existing": "sync", "use_unique_file_name": True}, "Names cannot be unique and fixed"),
        ({"on_existing": "sync", "changed_by": "daay"}, "There is no column .daay"),
        ({"state": ""}, "The value must not be empty"),
        ({"run": " "}, "text that names the run"),
    ],
)
def test_invalid_options_are_refused_at_once(options: dict[str, Any], words: str, account: ikpipe.Account) -> None:
    """When the uploader is made, and not when somebody presses a button."""
    with pytest.raises(ikpipe.MappingError, match=words):
        ikpipe.Uploader(account, pd.DataFrame({"file": [b"1"], "file_name": ["1.txt"], "day": [1]}), **options)


def test_sync_needs_the_key() -> None:
    """The library cannot be read without it."""
    account = ikpipe.Account("public_x", authentication_endpoint="http://127.0.0.1:9/auth")
    with pytest.raises(ikpipe.AccountError, match="private key"):
        ikpipe.Uploader(account, on_existing="sync")
