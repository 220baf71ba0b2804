"""The cell that creates the uploader runs again in the same kernel: in JupyterLab by hand, in marimo by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labs import notebook
from places import marimo
from scenario import UPLOADER, prepared, stored
from screens import Screen

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from labs import Lab
    from playwright.sync_api import Page
    from scenario import Files

    from ikpipe.emulator import Emulator

APP = """import marimo

app = marimo.App()


@app.cell
def _():
    import marimo as mo
    again = mo.ui.button(label="Run again", value=0, on_click=lambda count: count + 1)
    again
    return again, mo


@app.cell
def _(again, mo):
    again.value
{cell}
    shown = mo.ui.anywidget(uploader)
    shown
    return (shown,)


@app.cell
def _(mo, shown):
    mo.md(f"Python sees {{len(shown.frame)}} files, {{len(shown.results)}} done.")
    return


if __name__ == "__main__":
    app.run()
"""


def bring_some(screen: Screen, files: Files) -> None:
    """Upload three files, and add three others."""
    screen.pick(files.picked)
    screen.send(3)
    screen.up(3)
    screen.pick(files.dropped)
    screen.button("Upload 3 files").wait_for()


def resume(screen: Screen) -> None:
    """See the three uploaded files, and upload the others."""
    screen.up(3)
    screen.has("3 files weren't finished when this cell was run again.")
    screen.button("Resume").click()
    screen.send(3)
    screen.up(6)


def test_a_cell_that_is_run_again_in_jupyterlab(lab: Lab, emulate: Callable[..., Emulator], files: Files) -> None:
    """Nothing is lost, and nothing is uploaded twice."""
    emulator = emulate()
    lab.open(notebook(prepared(emulator, lab.path.parent, f"{lab.path.stem}.json"), UPLOADER))
    lab.run_all()
    bring_some(Screen(lab.page).shown(), files)
    lab.run_all()
    resume(Screen(lab.page).shown())
    lab.until_kernel("len(uploader.results) == 6")
    assert len(stored(emulator)) == 6


def test_a_cell_that_runs_again_in_marimo(
    page: Page, emulate: Callable[..., Emulator], files: Files, tmp_path: Path
) -> None:
    """Nothing is lost, and nothing is uploaded twice; cells that depend on it see all files."""
    emulator = emulate()
    home = tmp_path / "marimo"
    (home / "notebooks").mkdir(parents=True)
    account = prepared(emulator, home / "notebooks", "account.json")
    made, _ = UPLOADER.splitlines()
    lines = f"{account}\n{made}".splitlines()
    path = home / "notebooks" / "app.py"
    path.write_text(APP.format(cell="\n".join(f"    {line}" for line in lines)))
    with marimo(home, path) as place:
        page.goto(place.url)
        bring_some(Screen(page).shown(), files)
        page.get_by_role("button", name="Run again").click()
        resume(Screen(page).shown())
        page.get_by_text("Python sees 6 files, 6 done.").wait_for()
        assert len(stored(emulator)) == 6
