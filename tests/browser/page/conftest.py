"""A page with the widget for each test."""

from __future__ import annotations

import re
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from bridge import Bridge
from browsing import tab
from driver import Uploads
from page_comm import Comm
from stub import Stub

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, ConsoleMessage, Error, Page

    from ikpipe.emulator import Emulator


@pytest.fixture
def bridge() -> Iterator[Bridge]:
    """Run the bridge between the page and Python."""
    with Bridge() as bridge:
        yield bridge


@pytest.fixture
def stub(bridge: Bridge, emulator: Emulator) -> Stub:
    """Return a stub of the kernel that signs for the shared emulator."""
    return Stub(bridge, emulator.account)


@pytest.fixture(scope="session")
def tabs() -> list[Page]:
    """Hold the page that tests use one after another, while none does."""
    return []


@pytest.fixture
def page(chromium: Browser, tabs: list[Page]) -> Iterator[Page]:
    """Return an empty page: storage of other tests belongs to other bridges, whose ports are in their origins."""
    with tab(chromium, tabs) as page:
        yield page


@pytest.fixture
def open_page(page: Page) -> Iterator[Callable[..., Uploads]]:
    """Return a function that opens the page; any error in it that does not match `allow` fails the test."""
    with ExitStack() as stack:

        def open_one(bridge: Bridge, *, allow: str = "$^") -> Uploads:
            stack.enter_context(without_errors(page, re.compile(allow)))
            page.goto(bridge.url)
            page.wait_for_selector("html[data-ready]", state="attached")
            return Uploads(page, bridge)

        yield open_one


@contextmanager
def without_errors(page: Page, allowed: re.Pattern[str]) -> Iterator[None]:
    """Check that a page has no uncaught error, and none in its console, but for those that are allowed."""
    errors: list[str] = []

    def uncaught(error: Error) -> None:
        errors.append(str(error))

    def logged(line: ConsoleMessage) -> None:
        if line.type == "error":
            errors.append(line.text)

    page.on("pageerror", uncaught)
    page.on("console", logged)
    yield
    page.remove_listener("pageerror", uncaught)
    page.remove_listener("console", logged)
    assert [error for error in errors if not allowed.search(error)] == []


@pytest.fixture
def uploads(stub: Stub, bridge: Bridge, open_page: Callable[..., Uploads]) -> Uploads:
    """Return a page whose kernel is the stub."""
    return open_page(bridge)


@pytest.fixture
def files(tmp_path: Any, picture: Callable[..., bytes]) -> Callable[[int], list[str]]:
    """Return a function that creates image files."""

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
        uploads = open_page(bridge, allow=allow)
        if frame is not None:  # until its rows are shown, the buttons of an empty list are there, and vanish then
            uploads.wait_rows(len(frame))
        return uploads, uploader

    return open_one
