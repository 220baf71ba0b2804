"""The uploader in Voila, where a notebook is an application and no code is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import nbformat
import pytest
from labs import notebook
from places import until
from scenario import UPLOADER, WATCHED, Files, check_arrived, check_results, complete, prepared
from screens import Screen

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from places import Place
    from playwright.sync_api import Page

    from ikpipe.emulator import Emulator

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("lab")]


def test_the_whole_scenario(
    page: Page,
    voila_server: Place,
    emulate: Callable[..., Emulator],
    picture: Callable[..., bytes],
    tmp_path: Path,
    shot: Callable[[str], None],
) -> None:
    """Three files by the chooser, a folder by a drop, a paste: all arrive as they should, and `.results` says so."""
    emulator, files = emulate(), Files(tmp_path, picture)
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
