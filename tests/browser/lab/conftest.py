"""One JupyterLab, one Voila, one Chromium for all scenarios of a run."""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING

import pytest
from browsing import browser, tab
from labs import SIZE, Lab, without_errors
from places import Place, jupyter_lab, voila
from scenario import Files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

SHOTS = os.environ.get("SHOTS")  # a folder for pictures of what the tests see


@pytest.fixture(scope="session")
def lab_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Run one JupyterLab."""
    with jupyter_lab(tmp_path_factory.mktemp("lab")) as place:
        yield place


@pytest.fixture(scope="session")
def voila_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Run one Voila."""
    with voila(tmp_path_factory.mktemp("voila")) as place:
        yield place


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    """Run one browser; it ends with the module, since its driver keeps the thread's event loop for itself."""
    with browser() as running:
        yield running


@pytest.fixture(scope="module")
def tabs() -> list[Page]:
    """Hold the page that tests use one after another, while none does: it has JupyterLab's scripts in its caches."""
    return []


@pytest.fixture
def page(chrome: Browser, tabs: list[Page]) -> Iterator[Page]:
    """Give an empty page; an error in it that nobody caught fails the test."""
    with tab(chrome, tabs, SIZE) as page, without_errors(page):
        yield page


_NUMBERS = itertools.count()


@pytest.fixture
def lab(page: Page, lab_server: Place) -> Iterator[Lab]:
    """Give a notebook in JupyterLab."""
    opened = Lab(page, lab_server, f"notebook-{next(_NUMBERS)}.ipynb")
    yield opened
    opened.shut()


@pytest.fixture
def shot(page: Page, request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Take a picture of the page, where someone wants to look."""

    def take(name: str) -> None:
        if SHOTS:
            page.screenshot(path=f"{SHOTS}/{name}.png")

    return take


@pytest.fixture
def files(tmp_path: Path, picture: Callable[..., bytes]) -> Files:
    """Give files to pick, drop and paste."""
    return Files(tmp_path, picture)
