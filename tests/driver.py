"""A page, and what a person does in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bridge import Bridge
    from playwright.sync_api import Locator, Page

Kernel = TypeVar("Kernel")


class Uploads:
    """The widget in a page."""

    def __init__(self, page: Page, bridge: Bridge) -> None:
        self.page, self.bridge = page, bridge
        self.root = page.locator(".ikpipe").first

    def button(self, name: str, *, exact: bool = True) -> Locator:
        """Find a button by its name."""
        return self.root.get_by_role("button", name=name, exact=exact)

    def choose(self, paths: Sequence[str]) -> None:
        """Pick files by the file chooser."""
        with self.page.expect_file_chooser() as chooser:
            self.root.get_by_role("button", name="Add files").locator("visible=true").click()
        chooser.value.set_files(list(paths))

    def drop(self, paths: Sequence[str]) -> None:
        """Drop files and folders from the system's file manager."""
        box = self.root.bounding_box()
        assert box is not None
        where = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
        session = self.page.context.new_cdp_session(self.page)
        data = {"items": [], "files": list(paths), "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            session.send("Input.dispatchDragEvent", {"type": kind, **where, "data": data})
        session.detach()

    def paste(self, name: str, kind: str, text: str) -> None:
        """Paste a file."""
        self.root.focus()
        self.root.evaluate(
            """(root, [name, type, text]) => {
                const clipboardData = new DataTransfer();
                clipboardData.items.add(new File([text], name, { type }));
                root.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
            }""",
            [name, kind, text],
        )

    def set_online(self, *, online: bool) -> None:
        """Set whether the browser is online; its messages to Python are not affected."""
        self.page.evaluate(
            """online => {
                Object.defineProperty(navigator, "onLine", { get: () => online, configurable: true });
                window.dispatchEvent(new Event(online ? "online" : "offline"));
            }""",
            online,
        )

    def wait_value(self, label: str, value: str) -> None:
        """Wait until a field holds a value."""
        field = self.root.get_by_label(label, exact=True)
        self.page.wait_for_function("([field, value]) => field.value === value", arg=[field.element_handle(), value])

    def wait_idle(self) -> None:
        """Wait until a run has started and ended, by the widget's footer."""
        self.bridge.wait_for("send")
        self.page.wait_for_function(
            """() => ![".ik-footer > .ik-bar", ".ik-group-busy", ".ik-group-ready"]
            .some(one => document.querySelector(one + ":not([hidden])"))"""
        )

    def wait_uploaded(self, count: int) -> None:
        """Wait until a number of files are uploaded."""
        self.root.locator(".ik-group-uploaded .ik-number").get_by_text(str(count), exact=True).wait_for()

    def row(self, name: str) -> Locator:
        """Find a row of the table by the file's name."""
        return self.root.locator(".ik-row[data-id]").filter(has=self.page.get_by_text(name, exact=True))

    def wait_rows(self, count: int) -> None:
        """Wait until the list has a number of rows."""
        self.root.locator(f'.ik-grid[aria-rowcount="{count + 1}"]').wait_for()

    def wait_state(self, name: str, state: str) -> None:
        """Wait until a row is in a state, by its label."""
        self.row(name).locator(".ik-state").get_by_text(state, exact=True).wait_for()

    def wait_states(self, states: Sequence[str]) -> None:
        """Wait until the table's rows are in these states, in order."""
        self.page.wait_for_function(
            """states => {
                const words = document.querySelectorAll(".ik-row[data-id] .ik-state .ik-lines > :first-child");
                return JSON.stringify([...words].map(one => one.textContent)) === JSON.stringify(states);
            }""",
            arg=list(states),
        )

    def restart(self, start: Callable[[], Kernel]) -> Kernel:
        """Disconnect the page from its kernel, start another one, and show its widget in the same page.

        The order matters: the old widget repeats what was not answered, and the new kernel must not hear that.
        """
        self.page.evaluate("() => { window.model.send = window.model.hear = () => {}; window.end(); }")
        kernel = start()
        self.page.evaluate(
            """async () => {
                window.model = await window.begin();
                await window.show(window.model, document.getElementById("cell"));
            }"""
        )
        return kernel

    def evaluate(self, script: str, value: Any = None) -> Any:
        """Run JavaScript in the page."""
        return self.page.evaluate(script, value)
