"""Cancelled uploads on a slow line, and errors that a retry does not solve."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge import Bridge
    from driver import Uploads
    from stub import Stub

    from ikpipe.emulator import Emulator

    Open = Callable[..., tuple[Uploads, ikpipe.Uploader]]
    Files = Callable[[int], list[str]]
    Emulate = Callable[..., Emulator]


def sign(uploads: Uploads, name: str, state: str) -> None:
    """Wait until a row shows a state."""
    uploads.row(name).locator(f".ik-state .ik-is-{state}").wait_for()


def totals(bridge: Bridge, **change: Any) -> None:
    """Send the progress of a run that is slow."""
    bridge.say({"type": "totals", "sent": 0, "bytes": 5, "of": 10**9, "rate": 5000, "left": 60000.0, **change})


@pytest.fixture
def stopping(upload_page: Open, emulate: Emulate, files: Files) -> tuple[Uploads, ikpipe.Uploader]:
    """Return a page with a file whose upload was cancelled, and that is searched for."""
    emulator = emulate(latency=2)
    uploads, uploader = upload_page(emulator.account, allow="Failed to load", policy=ikpipe.Policy(index_lag=6))
    with uploads.page.expect_request(emulator.upload_url):
        uploads.choose(files(1))
        uploads.wait_rows(1)
        uploader.send()
    uploads.button("Cancel all").click()
    sign(uploads, "picture-0.png", "cancelling")
    return uploads, uploader


def test_a_cancelled_upload_is_checked(stopping: tuple[Uploads, ikpipe.Uploader]) -> None:
    """While the library is searched, the page says so, and estimates nothing."""
    uploads, _uploader = stopping
    uploads.row("picture-0.png").get_by_text("Stopping…").first.wait_for()
    totals(uploads.bridge)
    uploads.root.locator(".ik-footer").get_by_text("Stopping…").wait_for()
    assert "left" not in (uploads.root.locator(".ik-footer").text_content() or "")


@pytest.mark.parametrize("one", [True, False])
def test_stop_now_ends_the_wait(stopping: tuple[Uploads, ikpipe.Uploader], *, one: bool) -> None:
    """The row is unconfirmed at once, and what the search finds is shown later; nothing is sent twice."""
    uploads, uploader = stopping
    started = time.monotonic()
    if one:
        uploads.row("picture-0.png").hover()
    uploads.button("Stop now: picture-0.png" if one else "Stop now").click()
    sign(uploads, "picture-0.png", "unknown")
    assert time.monotonic() - started < 5
    uploads.page.wait_for_function("() => !document.querySelector('.ik-row .ik-is-unknown')")
    assert set(uploader.results["ik_status"]) <= {"cancelled", "exists"}


def test_a_cancelled_file_is_gray_and_can_be_sent_again(uploads: Uploads, stub: Stub) -> None:
    """It is no error: it has a filter of its own, the color of quiet text, and a retry."""
    stub.push({"id": "r0", "name": "a.jpg", "state": "cancelled"}, {"id": "r1", "name": "b.jpg", "state": "failed"})
    uploads.wait_rows(2)
    colors = [
        uploads.row(name).locator(".ik-state .ik-sign").evaluate("one => getComputedStyle(one).color")
        for name in ("a.jpg", "b.jpg")
    ]
    assert colors[0] != colors[1]
    chips = [uploads.root.locator(f".ik-group-{group} .ik-number").text_content() for group in ("cancelled", "failed")]
    assert chips == ["1", "1"]
    uploads.row("a.jpg").hover()
    uploads.button("Retry a.jpg").wait_for()


@pytest.mark.parametrize("fault", ["too-large", "taken"])
def test_a_final_error_has_no_retry(upload_page: Open, emulate: Emulate, files: Files, fault: str) -> None:
    """A file that would be rejected again can be removed, and neither button sends it again."""
    emulator = emulate(**({"image_limit": 10} if fault == "too-large" else {}))
    fixed = {"use_unique_file_name": False, "overwrite_file": False} if fault == "taken" else {}
    if fault == "taken":
        ikpipe.upload(pd.DataFrame({"file": [b"other"]}), emulator.account, file_name="picture-0.png", **fixed)
    uploads, uploader = upload_page(emulator.account, allow="Failed to load", **fixed)
    uploads.choose(files(1))
    uploads.wait_rows(1)
    uploader.send()
    sign(uploads, "picture-0.png", "failed")
    uploads.row("picture-0.png").hover()
    uploads.button("Remove picture-0.png").wait_for()
    assert uploads.root.get_by_role("button", name="Retry").locator("visible=true").count() == 0
    uploads.button("Remove picture-0.png").click()
    uploads.root.locator(".ik-empty:not([hidden])").wait_for()


def test_retry_all_leaves_final_errors(uploads: Uploads, stub: Stub) -> None:
    """The button counts and sends the rows that can be retried."""
    final = {"error": "name_taken", "message": "taken", "final": True}
    stub.push(
        {"id": "r0", "state": "failed", "result": final},
        {"id": "r1", "state": "failed", "result": {"error": "connection_failed", "message": "x"}},
    )
    uploads.wait_rows(2)
    uploads.button("Retry 1").click()
    assert uploads.bridge.wait_for("retry")[0]["ids"] == ["r1"]
