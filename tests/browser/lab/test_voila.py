"""The uploader in Voila, where a notebook is an application and no code is seen."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING
from urllib.parse import quote

import nbformat
from labs import notebook
from places import ROOT, until
from scenario import UPLOADER, WATCHED, check_arrived, check_results, complete, prepared
from screens import Screen

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from places import Place
    from playwright.sync_api import Page
    from scenario import Files

    from ikpipe.emulator import Emulator

NOTEBOOKS = ROOT / "notebooks"


def test_the_notebook_as_a_page(page: Page, voila_server: Place, files: Files, shot: Callable[[str], None]) -> None:
    """The example notebook is a page without code, whose uploader works and whose table has been sent."""
    shutil.copytree(NOTEBOOKS, voila_server.folder, dirs_exist_ok=True)
    page.goto(f"{voila_server.url}/voila/render/03_uploader.ipynb")
    screen = Screen(page).shown()
    screen.pick(files.picked)
    screen.send(3)
    screen.up(3)
    assert page.get_by_text("Falcon 9 at dusk").first.is_visible()
    assert page.locator(".ik-gallery").is_visible()
    assert not page.get_by_text("import ikpipe").count()


def test_the_page_for_editors(page: Page, voila_server: Place, files: Files, shot: Callable[[str], None]) -> None:
    """`make app`: one uploader fills the page, without text beside it, and uploads nothing by itself."""
    shutil.copy(NOTEBOOKS / "Uploader.ipynb", voila_server.folder)
    page.goto(f"{voila_server.url}/voila/render/Uploader.ipynb")
    screen = Screen(page).shown()
    assert page.locator(".ikpipe").count() == 1
    assert page.locator(".jp-RenderedMarkdown").count() == 0
    screen.pick(files.picked)
    screen.root.locator(".ik-group-ready .ik-number").get_by_text("3", exact=True).wait_for()
    screen.send(3)
    screen.up(3)
    shot("app")


def test_the_whole_scenario(
    page: Page,
    voila_server: Place,
    emulate: Callable[..., Emulator],
    files: Files,
    tmp_path: Path,
    shot: Callable[[str], None],
) -> None:
    """Three files by the chooser, a folder by a drop, a paste: all arrive as they should, and `.results` says so."""
    emulator = emulate()
    results = tmp_path / "results.json"
    name = f"{tmp_path.name}.ipynb"
    account = prepared(emulator, voila_server.folder, f"{name}.json")
    made, shown = UPLOADER.splitlines()
    nbformat.write(notebook(account, made + WATCHED.format(name=results) + shown), voila_server.folder / name)
    page.goto(f"{voila_server.url}/voila/render/{quote(name)}")
    screen = Screen(page).shown()
    files.bring(screen)
    screen.send(7)
    screen.up(7)
    shot("voila")
    check_arrived(emulator, files)
    check_results(until(lambda: complete(results), "the results are written"))
