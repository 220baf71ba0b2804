"""Files in the library: changed, renamed and deleted in the page, with undo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from driver import Uploads

    from ikpipe.emulator import Emulator

Stored = tuple["Uploads", ikpipe.Uploader, ikpipe.Account]


@pytest.fixture
def stored(upload_page: Callable[..., Any], emulate: Callable[..., Emulator]) -> Stored:
    """Return a page with two uploaded files of fixed names, and the account."""
    account = emulate().account
    frame = pd.DataFrame({"file": [b"0", b"1"], "file_name": ["0.txt", "1.txt"]})
    uploads, uploader = upload_page(account, frame, folder="/in", use_unique_file_name=False)
    uploads.button("Upload 2 files").click()
    uploads.wait_uploaded(2)
    return uploads, uploader, account


def test_details_are_changed_after_the_upload(stored: Stored) -> None:
    """In the same panel as before; the change can be undone."""
    uploads, uploader, account = stored
    uploads.row("0.txt").click()
    uploads.page.keyboard.press("Control+a")
    uploads.button("Edit").click()
    tags = uploads.root.get_by_placeholder("Add tags…")
    tags.fill("new")
    tags.press("Enter")
    uploads.root.get_by_text("Changed 2 files in your library").wait_for()
    assert ikpipe.files(account)["tags"].tolist() == [["new"], ["new"]]
    assert not uploads.root.get_by_label("Visibility", exact=True).is_visible()
    uploads.button("Undo").click()
    uploads.root.get_by_text("Undid the change to 2 files.").wait_for()
    assert [tags or [] for tags in ikpipe.files(account)["tags"]] == [[], []]
    assert uploader.results["ik_tags"].tolist() == [None, None]


def test_a_file_is_renamed_after_the_upload(stored: Stored) -> None:
    """Its extension stays, and the link follows."""
    uploads, uploader, account = stored
    uploads.row("0.txt").click()
    uploads.page.keyboard.press("F2")
    uploads.root.get_by_label("Name", exact=True).fill("renamed")
    uploads.page.keyboard.press("Tab")
    uploads.row("renamed.txt").wait_for()
    assert {*ikpipe.files(account)["name"]} == {"renamed.txt", "1.txt"}
    assert uploader.results["ik_url"].iloc[0].endswith("/in/renamed.txt")


def test_a_rename_that_fails_says_why(stored: Stored) -> None:
    """The name stays."""
    uploads, _, account = stored
    uploads.row("0.txt").click()
    uploads.page.keyboard.press("F2")
    uploads.root.get_by_label("Name", exact=True).fill("1")
    uploads.page.keyboard.press("Tab")
    uploads.root.locator(".ik-trouble").get_by_text("Couldn't change 1 file in your library.").wait_for()
    uploads.row("0.txt").wait_for()
    assert {*ikpipe.files(account)["name"]} == {"0.txt", "1.txt"}


def test_files_are_deleted_after_a_question(stored: Stored) -> None:
    """Cancel deletes nothing; a deleted file can be uploaded again, and is not among the links."""
    uploads, uploader, account = stored
    uploads.row("0.txt").click()
    delete = uploads.root.locator(".ik-selection").get_by_role("button", name="Delete from library")
    delete.click()
    dialog = uploads.root.get_by_role("alertdialog", name="Delete 1 file from your library?")
    dialog.get_by_text("/in/0.txt").wait_for()
    uploads.page.keyboard.press("Escape")
    assert len(ikpipe.files(account)) == 2
    delete.click()
    dialog.get_by_role("button", name="Delete 1 file").click()
    uploads.wait_state("0.txt", "Deleted")
    assert [*ikpipe.files(account)["name"]] == ["1.txt"]
    assert len(uploader.results) == 1
    uploads.button("Upload 0.txt again").click()
    uploads.wait_uploaded(2)
    assert len(ikpipe.files(account)) == 2


def test_tags_of_the_list_and_the_account_are_suggested(
    upload_page: Callable[..., Any], emulate: Callable[..., Emulator]
) -> None:
    """The account is asked when the field gets the focus."""
    account = emulate().account
    ikpipe.upload(pd.DataFrame({"file": [b"0"], "file_name": ["0.txt"], "tags": [["stored"]]}), account, progress=False)
    frame = pd.DataFrame({"file": [b"1", b"2"], "file_name": ["1.txt", "2.txt"], "tags": [["listed"], None]})
    uploads, _ = upload_page(account, frame)
    uploads.row("2.txt").click()
    uploads.page.keyboard.press("F2")
    field = uploads.root.get_by_placeholder("Add tags…")
    field.focus()
    uploads.page.wait_for_function("() => document.querySelectorAll('.ikpipe datalist option').length === 2")
    assert uploads.evaluate(
        "() => [...document.querySelectorAll('.ikpipe datalist option')].map(one => one.value)"
    ) == [
        "listed",
        "stored",
    ]


def test_a_field_keeps_the_focus_while_a_change_is_saved(stored: Stored) -> None:
    """Tags can be typed one after another."""
    uploads, _, account = stored
    uploads.row("0.txt").click()
    uploads.page.keyboard.press("F2")
    tags = uploads.root.get_by_placeholder("Add tags…")
    tags.focus()
    for tag in ("one", "two", "three"):
        uploads.page.keyboard.type(tag)
        uploads.page.keyboard.press("Enter")
    for tag in ("one", "two", "three"):
        uploads.root.locator(".ik-editor").get_by_role("button", name=f"Remove tag {tag}").wait_for()
    assert tags.evaluate("field => field === document.activeElement")
    uploads.wait_state("0.txt", "Uploaded")
    assert ikpipe.files(account).set_index("name")["tags"]["0.txt"] == ["one", "two", "three"]


def test_files_of_others_are_read_only_with_the_reason(
    upload_page: Callable[..., Any], emulate: Callable[..., Emulator]
) -> None:
    """A file that was left as it was is not this uploader's."""
    account = emulate().account
    frame = pd.DataFrame({"file": [b"0"], "file_name": ["0.txt"]})
    ikpipe.upload(frame, account, use_unique_file_name=False, progress=False)
    uploads, _ = upload_page(account, frame, on_existing="skip")
    uploads.button("Upload 1 file").click()
    uploads.wait_uploaded(1)
    uploads.row("0.txt").click()
    uploads.page.keyboard.press("F2")
    uploads.root.get_by_role("note").get_by_text("was left as it was").wait_for()
    assert not uploads.root.get_by_role("button", name="Delete from library").locator("visible=true").count()
