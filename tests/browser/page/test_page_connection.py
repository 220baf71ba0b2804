"""A kernel that is busy, was restarted or has stopped, in a notebook that knows its status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge import Bridge
    from driver import Uploads
    from playwright.sync_api import Locator
    from stub import Stub

HOST = """() => {
    const signal = () => {
        const listeners = new Set();
        return {
            connect: (one) => listeners.add(one),
            disconnect: (one) => listeners.delete(one),
            emit: () => [...listeners].forEach((one) => one()),
        };
    };
    const kernel = {
        status: "idle",
        connectionStatus: "connected",
        statusChanged: signal(),
        connectionStatusChanged: signal(),
        become(change) {
            Object.assign(kernel, change);
            kernel.statusChanged.emit();
            kernel.connectionStatusChanged.emit();
        },
    };
    window.manager = { kernel };
}"""


@pytest.fixture
def notebook(stub: Stub, bridge: Bridge, page: Any, open_page: Callable[..., Uploads]) -> Uploads:
    """Return a page in a notebook, with one ready file and one uploaded one."""
    page.add_init_script(f"({HOST})()")
    uploads = open_page(bridge)
    stub.push({"id": "r0", "name": "a.jpg"})
    stub.push({"id": "r1", "name": "b.jpg", "state": "uploaded", "result": {"url": "https://x.example/b.jpg"}})
    uploads.wait_rows(2)
    return uploads


pytestmark = pytest.mark.usefixtures("own_page")


def become(uploads: Uploads, **change: str | bool) -> None:
    """Change the status of the notebook's kernel."""
    uploads.evaluate("change => window.manager.kernel.become(change)", change)


def notice(uploads: Uploads, text: str) -> None:
    """Wait for a notice."""
    uploads.root.locator(".ik-notice").get_by_text(text).wait_for()


def is_off(uploads: Uploads) -> bool:
    """Whether the button that uploads is turned off."""
    return bool(uploads.root.locator("button.ik-primary").first.evaluate("one => Boolean(one.closest('[inert]'))"))


def is_dim(place: Locator) -> bool:
    """Whether an element looks turned off."""
    return bool(place.evaluate("one => getComputedStyle(one).filter") == "opacity(0.45)")


def test_a_restarted_kernel_is_named_at_once(notebook: Uploads) -> None:
    """The page says what to do, turns its buttons off, and still shows what it has."""
    assert not is_off(notebook)
    become(notebook, status="restarting")
    notice(notebook, "The kernel was restarted. Run this cell again to continue.")
    become(notebook, status="idle")
    notice(notebook, "The kernel was restarted. Run this cell again to continue.")
    assert is_off(notebook)
    assert is_dim(notebook.root.locator(".ik-top"))
    assert is_dim(notebook.root.locator(".ik-footer"))
    notebook.row("b.jpg").dblclick()
    notebook.root.get_by_role("dialog").wait_for()


def test_the_actions_of_a_row_say_why_they_are_off(notebook: Uploads, stub: Stub) -> None:
    """Those that need Python look off, and say what to do, as buttons and in the menu; the others work."""
    stub.push({"id": "r2", "name": "c.jpg", "state": "failed", "result": {"error": "server_error", "message": "x"}})
    row = notebook.row("c.jpg")
    row.wait_for()
    become(notebook, status="restarting")
    notice(notebook, "The kernel was restarted.")
    row.hover()
    retry, preview = (row.get_by_role("button", name=name) for name in ("Retry", "Preview"))
    assert (is_dim(retry), is_dim(preview)) == (True, False)
    toast = notebook.root.locator(".ik-toast:not(.ik-hidden)").get_by_text("The kernel was restarted.")
    retry.click()
    toast.wait_for()
    row.click(button="right")
    notebook.root.get_by_role("menuitem", name="Preview").click()
    notebook.root.get_by_role("dialog").wait_for()
    assert notebook.bridge.of("retry") == []


def test_a_restarted_kernel_gets_no_messages(notebook: Uploads, stub: Stub) -> None:
    """It does not know the widget, and would log an error for each message."""
    become(notebook, status="restarting")
    notice(notebook, "The kernel was restarted.")
    before = len(notebook.bridge.heard)
    notebook.row("a.jpg").click()
    notebook.page.keyboard.press("F2")
    notebook.root.locator(".ik-toast").get_by_text("The kernel was restarted.").wait_for()
    notebook.page.wait_for_timeout(300)
    assert len(notebook.bridge.heard) == before
    assert stub.rows["r0"]["state"] == "ready"


def test_an_answer_that_was_on_the_way_does_not_hide_a_restart(notebook: Uploads) -> None:
    """The kernel had sent it before."""
    become(notebook, status="restarting")
    notice(notebook, "The kernel was restarted.")
    notebook.evaluate("() => [...globalThis[Symbol.for('ikpipe.uploader.queues')]][0].kernel.emit('answer', 0)")
    notice(notebook, "The kernel was restarted.")
    assert is_off(notebook)


def test_a_stopped_kernel_is_named(notebook: Uploads) -> None:
    """A kernel that crashed for good has to be started."""
    become(notebook, status="dead")
    notice(notebook, "The kernel has stopped.")
    assert is_off(notebook)


def test_a_kernel_that_was_shut_down_is_named(notebook: Uploads) -> None:
    """JupyterLab disposes of its connection, which does not come back, and no longer knows its status."""
    become(notebook, status="unknown", connectionStatus="disconnected", isDisposed=True)
    notice(notebook, "The kernel has stopped.")
    assert is_off(notebook)


def test_a_busy_kernel_keeps_the_buttons(notebook: Uploads, stub: Stub) -> None:
    """What is asked meanwhile is done when the cell has ended."""
    stub.deaf = True
    become(notebook, status="busy")
    notebook.row("a.jpg").click()
    notice(notebook, "Python is running another cell. Your changes apply when it finishes.")
    assert not is_off(notebook)
    stub.wake()
    notebook.root.locator(".ik-notice").wait_for(state="detached")


def test_an_idle_kernel_that_does_not_answer_was_restarted(notebook: Uploads, stub: Stub) -> None:
    """An idle kernel without an answer does not know the widget; an answer proves that it does."""
    become(notebook, status="busy")
    become(notebook, status="idle")
    stub.deaf = True
    notebook.row("a.jpg").click()
    notice(notebook, "The kernel was restarted.")
    stub.wake()
    notebook.root.locator(".ik-notice").wait_for(state="detached")
    assert not is_off(notebook)


def test_a_notebook_that_never_reports_a_busy_kernel_is_not_believed(notebook: Uploads, stub: Stub) -> None:
    """Some notebooks say that the kernel is idle whatever it does."""
    stub.deaf = True
    notebook.row("a.jpg").click()
    notebook.bridge.wait_for("ping", len(notebook.bridge.of("ping")) + 3)
    notice(notebook, "Python is running another cell.")
    stub.wake()


def test_a_lost_connection_is_named(notebook: Uploads, stub: Stub) -> None:
    """The page reconnects on its own, so its buttons stay."""
    stub.deaf = True
    become(notebook, connectionStatus="connecting")
    notebook.row("a.jpg").click()
    notice(notebook, "The connection to Python was lost. Reconnecting…")
    assert not is_off(notebook)
