"""Uploads that a page reports are confirmed in batches, also if the library shows new files late."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from browsers import Browser

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from ikpipe.emulator import Emulator

FILES = {f"{number}.txt": b"%d" % number for number in range(60)}


def upload(emulator: Emulator, **options: Any) -> ikpipe.Uploader:
    """Upload files from a page."""
    uploader = ikpipe.Uploader(emulator.account, concurrency=30, **options)
    with Browser(uploader) as browser:
        browser.pick(FILES)
        uploader.send()
        assert set(browser.wait_idle().values()) == {"uploaded"}
    return uploader


def reads(emulator: Emulator) -> tuple[int, int]:
    """Return the number of searches and of single reads."""
    paths = [entry["path"] for entry in emulator.log() if entry["method"] == "GET"]
    return paths.count("/v1/files"), sum("/details" in path for path in paths)


def test_many_files_share_a_search(emulate: Callable[..., Emulator]) -> None:
    """Small files need fewer requests than one each, and have the details of the library."""
    emulator = emulate()
    uploader = upload(emulator, policy=ikpipe.Policy(look_ups=10))
    searches, single = reads(emulator)
    assert searches + single < len(FILES) / 2
    assert uploader.results["ik_size"].tolist() == [len(content) for content in FILES.values()]


def test_files_that_searches_miss_are_read(emulate: Callable[..., Emulator]) -> None:
    """If the library shows new files late, each is read by its id, and the searches end."""
    emulator = emulate(index_lag=60)
    upload(emulator)
    searches, single = reads(emulator)
    assert single == len(FILES)
    assert searches < len(FILES) / 2
