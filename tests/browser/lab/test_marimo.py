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


DEPENDENT = """import marimo

app = marimo.App()


@app.cell
def _():
    import marimo as mo
{cell}
    shown = mo.ui.anywidget(uploader)
    shown
    return mo, shown


@app.cell
def _(mo, shown):
    mo.md(f"Python sees {{len(shown.frame)}} files, {{len(shown.selection)}} selected, {{len(shown.results)}} done.")
    return


if __name__ == "__main__":
    app.run()
"""


def test_cells_that_depend_on_the_uploader_run_again(
    page: Page, emulate: Callable[..., Emulator], files: Files, tmp_path: Path
) -> None:
    """When files are added, selected and uploaded."""
    emulator = emulate()
    home = tmp_path / "marimo"
    (home / "notebooks").mkdir(parents=True)
    account = prepared(emulator, home / "notebooks", "account.json")
    made, _ = UPLOADER.splitlines()
    lines = f"{account}\n{made}".splitlines()
    path = home / "notebooks" / "app.py"
    path.write_text(DEPENDENT.format(cell="\n".join(f"    {line}" for line in lines)))
    with marimo(home, path) as place:
        page.goto(place.url)
        screen = Screen(page).shown()
        page.get_by_text("Python sees 0 files, 0 selected, 0 done.").wait_for()
        screen.pick(files.picked)
        page.get_by_text("Python sees 3 files, 0 selected, 0 done.").wait_for()
        screen.root.get_by_text("picked_1.png").first.click()
        page.get_by_text("Python sees 3 files, 1 selected, 0 done.").wait_for()
        screen.send(3)
        page.get_by_text("Python sees 3 files, 1 selected, 3 done.").wait_for()
