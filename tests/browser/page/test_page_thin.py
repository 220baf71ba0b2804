"""The script as a notebook loads it, and a minimal upload."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from driver import Uploads


def test_three_files_are_picked_and_sent(
    uploads: Uploads, files: Callable[[int], list[str]], arrived: Callable[[], list[dict[str, Any]]]
) -> None:
    """Chosen files become rows, and the button uploads them."""
    uploads.choose(files(3))
    uploads.wait_rows(3)
    uploads.button("Upload 3 files").click()
    for at in range(3):
        uploads.wait_state(f"picture-{at}.png", "Uploaded")
    assert [entry["status"] for entry in arrived() if entry["method"] == "POST"] == [200] * 3


def test_a_notebook_can_load_the_joined_script(uploads: Uploads) -> None:
    """It is one module that exports the two functions that anywidget calls."""
    script = "async () => Object.keys((await import('/uploader.js')).default)"
    assert uploads.evaluate(script) == ["initialize", "render"]
