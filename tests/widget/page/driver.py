"""A page, in the words of somebody who uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bridge import Bridge
    from playwright.sync_api import Locator, Page


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

    def row(self, name: str) -> Locator:
        """Find a row of the table by the file's name."""
        return self.root.locator(".ik-row[data-id]").filter(has=self.page.get_by_text(name, exact=True))

    def wait_rows(self, count: int) -> None:
        """Wait until the list says that it has so many rows."""
        self.root.locator(f'.ik-grid[aria-rowcount="{count + 1}"]').wait_for()

    def wait_state(self, name: str, state: str) -> None:
        """Wait until a row is in a state, by the word that the page has for it."""
        self.row(name).locator(".ik-state").get_by_text(state, exact=True).wait_for()

    def evaluate(self, script: str, value: Any = None) -> Any:
        """Run JavaScript in the page."""
        return self.page.evaluate(script, value)
