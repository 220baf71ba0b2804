"""Undo and redo, as a person sees them: keys, and buttons in what is announced."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from driver import Uploads

ACCOUNT = ikpipe.Account("public_shop", authentication_endpoint="https://shop.example/sign")


@pytest.fixture
def three(upload_page: Callable[..., Any], files: Callable[[int], list[str]]) -> Uploads:
    """Return a page with three picked files."""
    uploads: Uploads = upload_page(ACCOUNT)[0]
    uploads.choose(files(3))
    uploads.wait_rows(3)
    return uploads


def press(uploads: Uploads, *keys: str) -> None:
    """Press keys one after another."""
    for key in keys:
        uploads.page.keyboard.press(key)


def toast(uploads: Uploads) -> Any:
    """Return the element with the last announcement."""
    return uploads.root.locator(".ik-toast")


def set_tag(uploads: Uploads, tag: str) -> None:
    """Add a tag to the selected files with the panel."""
    uploads.button("Edit").click()
    field = uploads.root.locator(".ik-editor input[id$='-tags']")
    field.fill(tag)
    field.press("Enter")
    uploads.root.locator(".ik-editor-head button").click()


def test_removing_all_is_undone_by_the_button(three: Uploads) -> None:
    """Ctrl+A and Delete remove everything, and the button brings it back."""
    three.row("picture-0.png").click()
    press(three, "Control+a", "Delete")
    three.root.locator(".ik-empty:not([hidden])").wait_for()
    toast(three).get_by_role("button", name="Undo").click()
    three.wait_rows(3)
    toast(three).get_by_text("Restored 3 files.").wait_for()
    toast(three).get_by_role("button", name="Redo").click()
    three.root.locator(".ik-empty:not([hidden])").wait_for()


def test_restored_files_are_uploaded(upload_page: Callable[..., Any], emulator: Any, files: Any) -> None:
    """The page still has the content of files that were removed and restored."""
    uploads, uploader = upload_page(emulator.account)
    uploads.choose(files(2))
    uploads.wait_rows(2)
    uploads.row("picture-0.png").click()
    press(uploads, "Control+a", "Delete")
    uploads.root.locator(".ik-empty:not([hidden])").wait_for()
    press(uploads, "Control+z")
    uploads.wait_rows(2)
    uploader.send()
    uploads.wait_uploaded(2)
    assert set(uploader.results["ik_status"]) == {"uploaded"}


@pytest.mark.parametrize("redo", ["Control+Shift+Z", "Control+y"])
def test_a_bulk_edit_is_one_step(three: Uploads, redo: str) -> None:
    """Files with different tags are changed by several messages, which one key undoes."""
    three.row("picture-0.png").click()
    set_tag(three, "one")
    three.row("picture-0.png").click()
    press(three, "Control+a")
    set_tag(three, "all")
    tags = three.root.locator(".ik-row[data-id] .ik-tag")
    tags.nth(3).wait_for()
    three.row("picture-0.png").click()
    press(three, "Control+z")
    tags.nth(1).wait_for(state="detached")
    assert tags.all_text_contents() == ["one"]
    press(three, redo)
    tags.nth(3).wait_for()


def test_a_text_field_undoes_its_own_typing(three: Uploads) -> None:
    """Ctrl+Z in a field is the browser's."""
    three.row("picture-0.png").click()
    press(three, "Delete")
    three.wait_rows(2)
    search = three.root.get_by_role("searchbox")
    search.fill("picture")
    search.press("Control+z")
    three.wait_rows(2)
    assert len(three.bridge.of("undo")) == 0


def test_an_uploaded_file_is_left_alone(upload_page: Callable[..., Any], emulator: Any, files: Any) -> None:
    """Undo says how many files it does not change."""
    uploads, uploader = upload_page(emulator.account)
    uploads.choose(files(2))
    uploads.wait_rows(2)
    uploads.row("picture-0.png").click()
    press(uploads, "Control+a")
    set_tag(uploads, "x")
    uploads.root.locator(".ik-shared .ik-tag").get_by_text("x", exact=True).wait_for(state="attached")
    uploads.row("picture-0.png").click()
    uploads.button("Upload selected").click()
    uploads.wait_uploaded(1)
    uploads.row("picture-1.png").click()
    press(uploads, "Control+z")
    toast(uploads).get_by_text("1 uploaded file is unchanged.").wait_for()
    assert Path(uploader.results["ik_name"].iloc[0]).suffix == ".png"
    assert uploader.frame["tags"].tolist() == [["x"], None]


def test_nothing_to_undo_is_said(three: Uploads) -> None:
    """Ctrl+Z without a step says so."""
    three.row("picture-0.png").click()
    press(three, "Control+z")
    toast(three).get_by_text("Nothing to undo").wait_for()
