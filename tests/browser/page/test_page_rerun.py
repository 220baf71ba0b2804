"""The cell that creates the uploader is run again, in the same kernel or after a restart: no row is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from page_comm import Comm

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge import Bridge

    from ikpipe.emulator import Emulator

KEEPS_ANSWERING = """() => {
    const old = window.model;
    window.end();
    old.hear = () => {};
    old.send = (sent) => {
        for (const { type, line, n, at } of sent.type === "batch" ? sent.messages : [sent])
            if (type === "ping")
                setTimeout(() => old.emit("msg:custom", { type: "pong", line, n, at, taken: at }, []));
    };
}"""
"""The old kernel answers, but no view shows its uploader any more."""
SHOW = """async () => {
    window.model = await window.begin();
    await window.show(window.model, document.getElementById("cell"));
}"""
OPTIONS: dict[str, Any] = {"folder": "/in", "use_unique_file_name": False}


class SameKernel(Comm):
    """A comm of a process with several uploaders."""

    process = "a-kernel"


@pytest.fixture(params=["same kernel", "restarted"])
def run_again(request: pytest.FixtureRequest, bridge: Bridge) -> Callable[..., Any]:
    """Return a function that runs the cell again, and returns the new uploader and the words of the notice."""
    same = request.param == "same kernel"

    def run(uploads: Any, account: ikpipe.Account) -> tuple[ikpipe.Uploader, str]:
        uploader = ikpipe.Uploader(account, **OPTIONS)
        if same:
            uploads.evaluate(KEEPS_ANSWERING)
            SameKernel(bridge, uploader)
            uploads.evaluate(SHOW)
        else:
            uploads.restart(lambda: Comm(bridge, uploader))
        return uploader, "this cell was run again" if same else "the kernel restarted"

    return run


def test_rows_and_results_are_kept(
    run_again: Callable[..., Any],
    open_page: Callable[..., Any],
    bridge: Bridge,
    emulate: Callable[..., Emulator],
    files: Callable[[int], list[str]],
) -> None:
    """A file that was renamed keeps its new name, a deleted one stays deleted, an unfinished one can be resumed."""
    account = emulate().account
    first = ikpipe.Uploader(account, **OPTIONS)
    SameKernel(bridge, first)
    uploads = open_page(bridge)
    uploads.choose(files(3))
    uploads.wait_rows(3)
    uploads.row("picture-0.png").click()
    uploads.row("picture-1.png").click(modifiers=["Control"])
    uploads.button("Upload selected").click()
    uploads.wait_uploaded(2)
    uploads.row("picture-0.png").click()
    uploads.page.keyboard.press("F2")
    uploads.root.get_by_label("Name", exact=True).fill("hero")
    uploads.page.keyboard.press("Tab")
    uploads.row("hero.png").wait_for()
    uploads.row("picture-1.png").click()
    uploads.root.locator(".ik-selection").get_by_role("button", name="Delete from library").click()
    uploads.root.get_by_role("alertdialog").get_by_role("button", name="Delete 1 file").click()
    uploads.wait_state("picture-1.png", "Deleted")

    second, reason = run_again(uploads, account)
    uploads.row("hero.png").wait_for()
    uploads.wait_state("picture-1.png", "Deleted")
    uploads.root.get_by_text(f"1 file wasn't finished when {reason}.").first.wait_for()
    uploads.button("Resume").click()
    uploads.wait_rows(3)
    uploads.button("Upload 1 file").click()
    uploads.wait_uploaded(2)
    assert {*ikpipe.files(account)["name"]} == {"hero.png", "picture-2.png"}
    assert second.results["ik_name"].tolist() == ["hero.png", "picture-2.png"]
    assert second.results["ik_url"].iloc[0].endswith("/in/hero.png")


def test_an_uploader_that_is_still_shown_keeps_its_rows(
    open_page: Callable[..., Any],
    bridge: Bridge,
    emulator: Emulator,
    files: Callable[[int], list[str]],
) -> None:
    """Another cell shows another uploader beside it."""
    SameKernel(bridge, ikpipe.Uploader(emulator.account, **OPTIONS))
    uploads = open_page(bridge)
    uploads.choose(files(1))
    uploads.wait_rows(1)
    uploads.evaluate(KEEPS_ANSWERING.replace("window.end();", ""))
    SameKernel(bridge, ikpipe.Uploader(emulator.account, **OPTIONS))
    uploads.evaluate(SHOW)
    uploads.page.wait_for_timeout(1500)
    assert uploads.page.locator(".ikpipe").count() == 2
    assert uploads.page.get_by_text("wasn't finished").count() == 0
