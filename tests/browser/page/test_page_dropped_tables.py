"""Tables that are dropped or picked: their rows are added, or they are uploaded themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from axe import violations

if TYPE_CHECKING:
    from pathlib import Path

    from doubles import Site
    from driver import Uploads
    from playwright.sync_api import Locator

    from ikpipe.emulator import Emulator


def make(folder: Path, content: str | bytes, name: str = "products.csv") -> str:
    """Write a table."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def dialog(uploads: Uploads, name: str = "products.csv") -> Locator:
    """Find the dialog of a table."""
    return uploads.root.get_by_role("dialog", name=f"Add from {name}")


@pytest.mark.parametrize("way", ["choose", "drop"])
def test_rows_are_added_and_uploaded(
    way: str, upload_page: Any, emulator: Emulator, site: Site, tmp_path: Path
) -> None:
    """URLs become rows with their details."""
    uploads, uploader = upload_page(emulator.account, folder=f"/tables/{way}")
    rows = f"Image URL,Description,season\n{site.put('/a.png', b'a')},A shoe,autumn\n{site.put('/b.png', b'b')},,\n"
    getattr(uploads, way)([make(tmp_path, rows)])
    dialog(uploads).get_by_text("2 rows. Choose what each column is.").wait_for()
    dialog(uploads).get_by_label("season").select_option("Tags")
    dialog(uploads).get_by_role("button", name="Add 2 rows").click()
    uploads.wait_rows(2)
    uploads.root.get_by_text("2 files added.").wait_for()
    uploads.button("Upload 2 files").click()
    uploads.wait_uploaded(2)
    assert uploader.frame["tags"].tolist()[0] == ["autumn"]
    assert uploader.frame["description"].tolist()[0] == "A shoe"


def test_details_are_given_to_files_that_are_there_or_come(
    upload_page: Any, emulator: Emulator, tmp_path: Path, files: Any
) -> None:
    """What waits is shown, with a button to choose the files; all of it can be undone."""
    uploads, uploader = upload_page(emulator.account)
    first, second = files(2)
    uploads.choose([first])
    uploads.wait_rows(1)
    uploads.choose([make(tmp_path, "file,description\npicture-0.png,Zero\npicture-1.png,One\n")])
    dialog(uploads).get_by_role("button", name="Add 2 rows").click()
    uploads.root.get_by_text("Details set for 1 file. 1 row is waiting for its file.").wait_for()
    uploads.root.get_by_text("The table names 1 file that isn't in the list yet: picture-1.png").wait_for()
    with uploads.page.expect_file_chooser() as chooser:
        uploads.button("Choose the files").click()
    chooser.value.set_files(second)
    uploads.wait_rows(2)
    uploads.button("Choose the files").wait_for(state="detached")
    assert uploader.frame["description"].tolist() == ["Zero", "One"]


def test_a_table_can_be_uploaded_itself(upload_page: Any, emulator: Emulator, tmp_path: Path) -> None:
    """It is a file then."""
    uploads, _ = upload_page(emulator.account)
    uploads.choose([make(tmp_path, "file\na.png\n")])
    dialog(uploads).get_by_role("button", name="Upload the table itself").click()
    uploads.row("products.csv").wait_for()


def test_the_choice_of_columns_is_checked(upload_page: Any, emulator: Emulator, tmp_path: Path) -> None:
    """One has the files, and none is there twice."""
    uploads, _ = upload_page(emulator.account)
    uploads.choose([make(tmp_path, "x,y\n1,2\n")])
    add = dialog(uploads).get_by_role("button", name="Add 1 row")
    add.click()
    dialog(uploads).get_by_text("Choose the column that has the files.").wait_for()
    assert violations(uploads) == []
    for column in ("x", "y"):
        dialog(uploads).get_by_label(column, exact=True).select_option("File name or URL")
    add.click()
    dialog(uploads).get_by_text("Only one column can be File name or URL.").wait_for()
    uploads.page.keyboard.press("Escape")
    dialog(uploads).wait_for(state="detached")


def test_an_encoding_is_chosen_where_it_is_not_known(upload_page: Any, emulator: Emulator, tmp_path: Path) -> None:
    """The error names the place."""
    uploads, _ = upload_page(emulator.account)
    uploads.choose([make(tmp_path, "file,description\na.png,Grün\n".encode("cp1252"))])
    dialog(uploads).get_by_label("Encoding").select_option("cp1252")
    dialog(uploads).get_by_text("Grün").wait_for()


def test_rows_without_files_are_named(upload_page: Any, emulator: Emulator, tmp_path: Path) -> None:
    """As a spreadsheet numbers them."""
    uploads, uploader = upload_page(emulator.account, allow="ERR_NAME_NOT_RESOLVED")
    uploads.choose([make(tmp_path, "file\nfile:///etc/passwd\nhttps://shop.example/a.png\n")])
    dialog(uploads).get_by_role("button", name="Add 2 rows").click()
    words = "1 row wasn't added. Row 2 has no file name or URL: file:///etc/passwd"
    uploads.root.locator(".ik-notice").get_by_text(words).wait_for()
    uploads.wait_rows(1)
    assert uploader.frame["file"].tolist() == ["https://shop.example/a.png"]
