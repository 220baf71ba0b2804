"""A browser for the tests: the system's Chromium, driven by Playwright, without a window and with a fresh profile.

Playwright's own browsers are not used: they are large, and come from elsewhere than the rest of the machine.
"""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PLACES = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",  # which is small in containers
)
SIZE: ViewportSize = {"width": 1000, "height": 720}
PATIENCE = 30_000  # ms that a condition in a page may take before the test fails
MISSING = """The widget's tests need Chromium, and there is none on this machine. Install your system's package
(Debian, Ubuntu: apt-get install chromium; Fedora: dnf install chromium; macOS: brew install --cask chromium),
or name a browser of that family: make CHROMIUM=/path/to/chrome …"""


def chromium() -> str | None:
    """Find the browser: what `CHROMIUM` names, else the system's."""
    named = os.environ.get("CHROMIUM")
    found = [shutil.which(name) for name in ([named] if named else NAMES)]
    places = [] if named else [place for place in PLACES if Path(place).exists()]
    return next(filter(None, [*found, *places]), None)


@contextmanager
def browser(*flags: str) -> Iterator[Browser]:
    """Run one."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=[*FLAGS, *flags])
        try:
            yield running
        finally:
            running.close()


def profile(browser: Browser, size: ViewportSize = SIZE) -> BrowserContext:
    """Make a fresh profile."""
    context = browser.new_context(viewport=size, accept_downloads=True)
    context.set_default_timeout(PATIENCE)
    return context


@contextmanager
def tab(browser: Browser, kept: list[Page], size: ViewportSize = SIZE) -> Iterator[Page]:
    """Give an empty page: the one in `kept`, if any, since a new one costs a second of the processor and more.

    What a test did in the page is gone. What it did to it is not: listeners and scripts for later, which it removes, or
    closes the page.
    """
    page = kept.pop() if kept else profile(browser, size).new_page()
    yield page
    if not page.is_closed():
        page.goto("about:blank")
        page.unroute_all()
        page.context.clear_permissions()
        page.emulate_media(color_scheme="null", reduced_motion="null", forced_colors="null")
        page.set_viewport_size(size)
        kept.append(page)


if __name__ == "__main__":
    sys.exit(None if chromium() else MISSING)
