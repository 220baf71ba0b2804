"""Many files are renamed by a pattern, and text in them is replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from driver import Uploads
    from playwright.sync_api import Locator

    from ikpipe import Uploader
    from ikpipe.emulator import Emulator


@pytest.fixture
def listed(upload_page: Callable[..., Any], emulator: Emulator) -> tuple[Uploads, Uploader]:
    """Return a page with three selected files."""
    names = ["IMG_1.jpg", "IMG_2.jpg", "other.jpg"]
    frame = pd.DataFrame({"file": [b"x"] * 3, "file_name": names, "tags": [["img", "a"], ["b"], ["Img"]]})
    uploads, uploader = upload_page(emulator.account, frame)
    uploads.row("IMG_1.jpg").click()
    uploads.page.keyboard.press("Control+a")
    return uploads, uploader


def open_form(uploads: Uploads, entry: str) -> Locator:
    """Open one of the dialogs of the menu."""
    uploads.button("Rename and replace").click()
    uploads.root.get_by_role("menuitem", name=entry).click()
    return uploads.root.get_by_role("dialog")


def test_a_pattern_renames_files(listed: tuple[Uploads, Uploader]) -> None:
    """Its preview shows the new names; the change can be undone."""
    uploads, uploader = listed
    dialog = open_form(uploads, "Rename with a pattern…")
    dialog.get_by_label("Pattern").fill("autumn-{row:02d}")
    dialog.get_by_text("autumn-03.jpg").wait_for()
    dialog.get_by_role("button", name="Apply").click()
    uploads.row("autumn-02.jpg").wait_for()
    assert [*uploader.frame["file_name"]] == ["autumn-01.jpg", "autumn-02.jpg", "autumn-03.jpg"]
    uploads.button("Undo").click()
    uploads.row("IMG_2.jpg").wait_for()


def test_a_wrong_pattern_says_why(listed: tuple[Uploads, Uploader]) -> None:
    """The dialog stays, and nothing is renamed."""
    uploads, uploader = listed
    dialog = open_form(uploads, "Rename with a pattern…")
    dialog.get_by_label("Pattern").fill("{nme}")
    dialog.get_by_text("This pattern can't be used").wait_for()
    dialog.get_by_role("button", name="Apply").click()
    dialog.get_by_text("This pattern can't be used").wait_for()
    assert [*uploader.frame["file_name"]] == ["IMG_1.jpg", "IMG_2.jpg", "other.jpg"]


@pytest.mark.parametrize(
    ("where", "exact", "column", "expected"),
    [
        ("Name", False, "file_name", ["photo_1.jpg", "photo_2.jpg", "other.jpg"]),
        ("Tags", False, "tags", [["photo", "a"], ["b"], ["photo"]]),
        ("Tags", True, "tags", [["photo", "a"], ["b"], ["Img"]]),
    ],
)
def test_text_is_replaced(
    where: str, column: str, expected: list[Any], listed: tuple[Uploads, Uploader], *, exact: bool
) -> None:
    """In one column, with or without regard to case; one step undoes it."""
    uploads, uploader = listed
    dialog = open_form(uploads, "Find and replace…")
    dialog.get_by_label("In", exact=True).select_option(where)
    dialog.get_by_label("Match case").set_checked(exact)
    dialog.get_by_label("Find", exact=True).fill("img")
    dialog.get_by_label("Replace with").fill("photo")
    changed = sum(new != old for new, old in zip(expected, uploader.frame[column], strict=True))
    dialog.get_by_text(f"{changed} file{'s' if changed > 1 else ''} change").wait_for()
    dialog.get_by_role("button", name="Apply").click()
    uploads.root.get_by_text(f"Changed {changed} file").wait_for()
    uploads.page.wait_for_timeout(200)
    assert [*uploader.frame[column]] == expected
    uploads.button("Undo").click()
    uploads.root.get_by_text("Undid the change").wait_for()
    assert [*uploader.frame[column]] != expected


@pytest.mark.parametrize("text", ["(", ".*", "\\", "[a-", "$&", "-", "/"])
def test_what_is_searched_for_is_no_pattern(text: str, listed: tuple[Uploads, Uploader]) -> None:
    """Characters stand for themselves."""
    uploads, _ = listed
    dialog = open_form(uploads, "Find and replace…")
    dialog.get_by_label("Find", exact=True).fill(text)
    dialog.get_by_text("0 files change").wait_for()
