"""The widget from Python: pick, send, see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from browsers import Browser

import ikpipe

if TYPE_CHECKING:
    from ikpipe.emulator import Emulator


def test_three_picked_files_are_sent(emulator: Emulator) -> None:
    """They go from the browser to the service, and their results are here."""
    uploader = ikpipe.Uploader(emulator.account, tags=["picked"])
    with Browser(uploader) as browser:
        browser.pick({"a.txt": b"aa", "b.txt": b"bbb", "trip/day1/c.txt": b"cccc"})
        uploader.send()
        assert set(browser.settled().values()) == {"uploaded"}
    results = uploader.results
    assert list(results["ik_status"]) == ["uploaded"] * 3
    assert list(results["ik_size"]) == [2, 3, 4]
    assert results["ik_file_path"].iloc[2].startswith("/trip/day1/c_")
    assert list(results["ik_tags"]) == [["picked"]] * 3
