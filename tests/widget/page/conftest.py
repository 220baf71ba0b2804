"""One browser a session, a fresh page a test."""

from __future__ import annotations

import asyncio
import re
from contextlib import ExitStack
from shutil import which
from typing import TYPE_CHECKING, Any

import pytest
from bridge import Bridge
from page_comm import Comm
from driver import Uploads
from stub import Stub

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, BrowserContext, Page

    from ikpipe.emulator import Emulator

FLAGS = [
    *("--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]
PATIENCE = 10_000  # ms that a condition may take before the test fails


@pytest.fixture(scope="session")
def browser() -> Iterator[tuple[Browser, asyncio.AbstractEventLoop]]:
    """Start the browser, and give it with the loop that it is driven by."""
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        running = asyncio.get_running_loop()
        asyncio._set_running_loop(None)
        path = which("chromium") or which("chromium-browser") or which("google-chrome")
        asyncio._set_running_loop(running)
        browser = driver.chromium.launch(executable_path=path, args=FLAGS, chromium_sandbox=False)
        yield browser, running
        asyncio._set_running_loop(running)
        browser.close()


@pytest.fixture
def context(browser: tuple[Browser, asyncio.AbstractEventLoop]) -> Iterator[BrowserContext]:
    """Give a fresh profile. Its driver's loop counts as running only within the test: others start loops of their own."""
    running, loop = browser
    asyncio._set_running_loop(loop)
    try:
        context = running.new_context(viewport={"width": 1000, "height": 720}, accept_downloads=True)
        context.set_default_timeout(PATIENCE)
        yield context
        context.close()
    finally:
        asyncio._set_running_loop(None)


@pytest.fixture
def bridge() -> Iterator[Bridge]:
    """Run the line between page and Python."""
    with Bridge() as bridge:
        yield bridge


@pytest.fixture
def stub(bridge: Bridge, emulator: Emulator) -> Stub:
    """Answer the page by a stub that signs for the shared emulator."""
    return Stub(bridge, emulator.account)


@pytest.fixture
def open_page(context: BrowserContext) -> Iterator[Callable[..., Uploads]]:
    """Open pages, which must end without an error in their console."""
    opened: list[tuple[Page, list[str], re.Pattern[str]]] = []
    with ExitStack():

        def open_one(bridge: Bridge, *, width: int = 1000, allow: str = "$^") -> Uploads:
            page, errors = context.new_page(), []
            page.set_viewport_size({"width": width, "height": 720})
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
            opened.append((page, errors, re.compile(allow)))
            page.goto(bridge.url)
            page.wait_for_selector("html[data-ready]", state="attached")
            return Uploads(page, bridge)

        yield open_one
        for _page, errors, allowed in opened:
            unexpected = [error for error in errors if not allowed.search(error)]
            assert not unexpected


@pytest.fixture
def uploads(stub: Stub, bridge: Bridge, open_page: Callable[..., Uploads]) -> Uploads:
    """Give a page whose kernel is the stub."""
    return open_page(bridge)


@pytest.fixture
def files(tmp_path: Any, picture: Callable[..., bytes]) -> Callable[[int], list[str]]:
    """Make pictures on the disk."""

    def make(count: int) -> list[str]:
        paths = [tmp_path / f"picture-{at}.png" for at in range(count)]
        for at, path in enumerate(paths):
            path.write_bytes(picture(at * 40, size=(64, 48)))
        return [str(path) for path in paths]

    return make


@pytest.fixture
def upload_page(open_page: Callable[..., Uploads], bridge: Bridge) -> Callable[..., tuple[Uploads, ikpipe.Uploader]]:
    """Open a page of a real uploader."""

    def open_one(account: ikpipe.Account, frame: Any = None, *, allow: str = "$^", **options: Any) -> Any:
        uploader = ikpipe.Uploader(account, frame, **options)
        Comm(bridge, uploader)
        return open_page(bridge, allow=allow), uploader

    return open_one
