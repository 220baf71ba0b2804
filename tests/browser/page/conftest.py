"""A new page with the widget for each test."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from bridge import Bridge
from driver import Uploads
from page_comm import Comm
from stub import Stub

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import BrowserContext, Page

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


@pytest.fixture
def open_page(context: BrowserContext) -> Iterator[Callable[..., Uploads]]:
    """Return a function that opens pages; any error in them that does not match `allow` fails the test."""
    opened: list[tuple[list[str], re.Pattern[str]]] = []

    def open_one(bridge: Bridge, *, allow: str = "$^") -> Uploads:
        page = context.new_page()
        opened.append((errors_of(page), re.compile(allow)))
        page.goto(bridge.url)
        page.wait_for_selector("html[data-ready]", state="attached")
        return Uploads(page, bridge)

    yield open_one
    for errors, allowed in opened:
        assert [error for error in errors if not allowed.search(error)] == []


def errors_of(page: Page) -> list[str]:
    """Collect the uncaught errors of a page and the errors in its console."""
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    return errors


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
        return open_page(bridge, allow=allow), uploader

    return open_one
