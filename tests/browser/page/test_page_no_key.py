"""An account without a private key: what cannot be done is turned off, and says why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge import Bridge
    from driver import Uploads
    from stub import Stub

ACCOUNT = ikpipe.Account("public_shop", authentication_endpoint="https://shop.example/sign")


@pytest.mark.parametrize("key", [True, False])
def test_an_unconfirmed_upload_is_retried_only_if_it_can_be_searched_for(
    bridge: Bridge, stub: Stub, open_page: Callable[..., Uploads], *, key: bool
) -> None:
    """Without the key, the row says what to do instead, and neither button sends it."""
    bridge.state["settings"] = {"can_search": key}
    uploads = open_page(bridge)
    stub.push({"id": "r0", "name": "a.jpg", "state": "unknown", "result": {"error": "timed_out", "message": "late"}})
    uploads.wait_rows(1)
    uploads.row("a.jpg").hover()
    assert uploads.root.get_by_role("button", name="Retry").locator("visible=true").count() == (2 if key else 0)
    uploads.row("a.jpg").locator(".ik-state button").click()
    reason = uploads.root.get_by_text("uploads can't be checked here")
    reason.wait_for() if not key else uploads.root.get_by_role("dialog").wait_for()
    assert reason.count() == (0 if key else 1)


def test_the_panel_says_why_there_is_no_metadata(upload_page: Callable[..., Any], files: Any) -> None:
    """The account's fields cannot be read."""
    uploads = upload_page(ACCOUNT)[0]
    uploads.choose(files(1))
    uploads.wait_rows(1)
    uploads.row("picture-0.png").click()
    uploads.button("Edit").click()
    uploads.root.get_by_text("Custom metadata fields aren't available here").wait_for()
