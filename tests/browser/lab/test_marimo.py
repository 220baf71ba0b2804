"""The uploader in marimo, which shows widgets in a shadow of the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from places import marimo, until
from scenario import UPLOADER, WATCHED, check_arrived, check_results, complete, prepared
from screens import Screen

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page
    from scenario import Files

    from ikpipe.emulator import Emulator

APP = """import marimo

app = marimo.App()


@app.cell
def _():
{cell}
    return


if __name__ == "__main__":
    app.run()
"""


def application(*lines: str) -> str:
    """Write a marimo notebook of one cell."""
    code = "\n".join(lines).splitlines()
    return APP.format(cell="\n".join(f"    {line}" if line else "" for line in code))


def test_the_whole_scenario(
    page: Page,
    emulate: Callable[..., Emulator],
    files: Files,
    tmp_path: Path,
    shot: Callable[[str], None],
) -> None:
    """Three files by the chooser, a folder by a drop, a paste: all arrive as they should, and `.results` says so."""
    emulator = emulate()
    home, results = tmp_path / "marimo", tmp_path / "results.json"
    (home / "notebooks").mkdir(parents=True)
    account = prepared(emulator, home / "notebooks", "account.json")
    made, _ = UPLOADER.splitlines()
    shown = "import marimo as mo\nmo.ui.anywidget(uploader)"
    path = home / "notebooks" / "app.py"
    path.write_text(application(account, made, WATCHED.format(name=results), shown))
    with marimo(home, path) as place:
        page.goto(place.url)
        screen = Screen(page).shown()
        files.bring(screen)
        screen.send(7)
        screen.up(7)
        shot("marimo")
        check_arrived(emulator, files)
        check_results(until(lambda: complete(results), "the results are written"))
