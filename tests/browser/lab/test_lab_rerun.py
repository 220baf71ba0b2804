"""The cell that creates the uploader is run again in the same kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labs import notebook
from scenario import UPLOADER, prepared, stored
from screens import Screen

if TYPE_CHECKING:
    from collections.abc import Callable

    from labs import Lab
    from scenario import Files

    from ikpipe.emulator import Emulator


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
