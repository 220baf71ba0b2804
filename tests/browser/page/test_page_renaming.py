"""Many files are renamed by a pattern, and text in them is replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pandas as pd
import pytest
from axe import violations

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
    uploads.bridge.wait_for("edit")
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


def paste(uploads: Uploads, text: str) -> None:
    """Paste text into the list."""
    uploads.root.evaluate(
        """(root, text) => {
            const clipboardData = new DataTransfer();
            clipboardData.setData("text/plain", text);
            root.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
        }""",
        text,
    )


@pytest.mark.parametrize(
    ("where", "column", "text", "expected"),
    [
        ("Description", "description", "One\r\nTwo\r\nThree\r\n", ["One", "Two", "Three"]),
        ("Name", "file_name", "a\nb.png\nc", ["a.jpg", "b.png", "c.jpg"]),
        ("Tags", "tags", "x, y\n\nz", [["x", "y"], [], ["z"]]),
        ("Folder", "folder", "/a\tignored\n/b\n/c\n/d", ["/a", "/b", "/c"]),
    ],
)
def test_a_column_is_pasted(
    where: str, column: str, text: str, expected: list[Any], listed: tuple[Uploads, Uploader]
) -> None:
    """From a spreadsheet, into the selected rows, one line each; one step undoes it."""
    uploads, uploader = listed
    paste(uploads, text)
    dialog = uploads.root.get_by_role("dialog", name="Paste into 3 files")
    dialog.get_by_label("Paste column 1 into" if "\t" in text else "Paste into").select_option(where)
    if text.endswith("/d"):
        dialog.get_by_text("1 line has no file and is left out.").wait_for()
    dialog.get_by_role("button", name="Apply").click()
    uploads.root.get_by_text("Changed 3 files").wait_for()
    uploads.bridge.wait_for("edit")
    assert [value or [] if column == "tags" else value for value in uploader.frame[column]] == expected


def test_columns_are_pasted_side_by_side(listed: tuple[Uploads, Uploader]) -> None:
    """As one step; a missing cell and an empty name change nothing, and a column is used once."""
    uploads, uploader = listed
    paste(uploads, "One\ta\tx, y\nTwo\t\tz\nThree")
    dialog = uploads.root.get_by_role("dialog", name="Paste into 3 files")
    dialog.get_by_label("Paste column 2 into").select_option("Description")
    assert dialog.get_by_label("Paste column 1 into").input_value() == ""
    dialog.get_by_label("Paste column 2 into").select_option("Name")
    dialog.get_by_label("Paste column 1 into").select_option("Description")
    dialog.get_by_label("Paste column 3 into").select_option("Tags")
    dialog.get_by_text("One · a.jpg · x, y").wait_for()
    assert not violations(uploads)
    dialog.get_by_role("button", name="Apply").click()
    uploads.row("a.jpg").wait_for()
    uploads.row("IMG_2.jpg").get_by_text("z", exact=True).wait_for()
    assert [*uploader.frame["description"]] == ["One", "Two", "Three"]
    assert [*uploader.frame["file_name"]] == ["a.jpg", "IMG_2.jpg", "other.jpg"]
    assert [*uploader.frame["tags"]] == [["x", "y"], ["z"], ["Img"]]
    uploads.button("Undo").click()
    uploads.row("IMG_1.jpg").wait_for()
    uploads.row("IMG_2.jpg").get_by_text("b", exact=True).wait_for()


def test_rows_without_a_description_can_be_shown(listed: tuple[Uploads, Uploader]) -> None:
    """It is the alternative text of images."""
    uploads, uploader = listed
    uploader.edit([0], description="A shirt")
    uploads.root.get_by_role("button", name="No description 2").click()
    uploads.wait_rows(2)
    uploader.edit([1, 2], description="Shoes")
    uploads.root.get_by_text("No matching files").wait_for()
    uploads.button("Clear filters").click()
    uploads.wait_rows(3)


def test_rows_of_a_table_are_left_out_and_taken_in(listed: tuple[Uploads, Uploader]) -> None:
    """From the selection and from the row; the button counts what is uploaded."""
    uploads, uploader = listed
    uploads.root.locator(".ik-selection").get_by_role("button", name="Leave out").click()
    uploads.root.get_by_role("button", name="Left out 3").wait_for()
    assert len(uploader.frame) == 0
    uploads.row("other.jpg").hover()
    uploads.button("Include other.jpg").click()
    uploads.button("Upload 1 file").wait_for()
    assert [*uploader.frame["file_name"]] == ["other.jpg"]
    uploads.root.get_by_text("1 file included").wait_for()
    uploads.button("Undo").click()
    uploads.root.get_by_role("button", name="Left out 3").wait_for()


def show_column(uploads: Uploads, *names: str) -> None:
    """Show columns, or hide them."""
    uploads.button("Columns").click()
    for name in names:
        uploads.root.locator(".ik-columns-choice").get_by_label(name, exact=True).click()
    uploads.page.keyboard.press("Escape")


def header_names(uploads: Uploads) -> list[str]:
    """Return the names of the columns that are shown, from left to right."""
    headers = uploads.root.locator("[role=columnheader]:visible .ik-sort > span:first-child")
    return [text for text in headers.all_inner_texts() if text]


@pytest.fixture
def priced(upload_page: Callable[..., Any], emulator: Emulator) -> Uploads:
    """Open a page with a table that has columns of its own."""
    prices = {"price": [100, 20, None, 3], "brand": ["Acme", "Halcyon", "Acme", "Umbra"], "sku": [*"wxyz"], "note": ""}
    frame = pd.DataFrame({"file": [b"x"] * 4, "file_name": [f"{n}.jpg" for n in "abcd"], **prices})
    return cast("Uploads", upload_page(emulator.account, frame, ignore=[*prices])[0])


def test_a_column_of_the_table_is_shown_sorted_and_filtered(priced: Uploads) -> None:
    """Numbers as numbers; rows without a value come last."""
    uploads = priced
    show_column(uploads, "price")
    uploads.row("a.jpg").get_by_text("100", exact=True).wait_for()
    uploads.root.get_by_role("columnheader", name="price").get_by_role("button").click()
    uploads.root.locator("[aria-sort=ascending]").wait_for()
    names = uploads.root.locator(".ik-row[data-id] .ik-name .ik-text")
    uploads.page.wait_for_function(
        "() => document.querySelector('.ik-row[data-id] .ik-name .ik-text')?.textContent === 'd.jpg'"
    )
    rows = sorted(uploads.root.locator(".ik-row[data-id]").all(), key=lambda row: (row.bounding_box() or {"y": 0})["y"])
    assert [row.locator(".ik-name .ik-text").inner_text() for row in rows] == ["d.jpg", "b.jpg", "a.jpg", "c.jpg"]
    uploads.root.get_by_role("searchbox").fill("100")
    uploads.wait_rows(1)
    assert names.count() == 1
    show_column(uploads, "price")
    uploads.root.get_by_text("No matching files").wait_for()


def test_several_columns_of_the_table_are_shown(priced: Uploads) -> None:
    """Next to each other, up to three; one that is hidden makes room."""
    uploads = priced
    show_column(uploads, "brand", "price", "sku")
    uploads.row("b.jpg").get_by_text("Halcyon").wait_for()
    assert header_names(uploads)[:4] == ["Name", "brand", "price", "sku"]
    uploads.button("Columns").click()
    assert uploads.root.locator(".ik-columns-choice").get_by_label("note", exact=True).is_disabled()
    assert uploads.root.get_by_text("At most 3 columns of the table are shown at a time.").is_visible()
    assert not violations(uploads)
    uploads.page.keyboard.press("Escape")
    show_column(uploads, "brand", "note")
    uploads.root.get_by_role("columnheader", name="note").wait_for()
    assert header_names(uploads)[:4] == ["Name", "price", "sku", "note"]


def test_the_order_stays_when_another_column_is_hidden(priced: Uploads) -> None:
    """Columns after it move up; the list is sorted by the same one, until that is hidden, too."""
    uploads = priced
    show_column(uploads, "brand", "price")
    uploads.root.get_by_role("columnheader", name="price").get_by_role("button").click()
    show_column(uploads, "brand")
    uploads.root.get_by_role("columnheader", name="brand").wait_for(state="hidden")
    uploads.root.locator("[aria-sort]", has_text="price").wait_for()
    show_column(uploads, "price")
    uploads.root.locator("[aria-sort]").wait_for(state="detached")


def test_descriptions_are_shown_and_edited_in_the_table(listed: tuple[Uploads, Uploader]) -> None:
    """They are the alternative texts of images, written one below the other."""
    uploads, uploader = listed
    show_column(uploads, "Description")
    uploads.row("IMG_1.jpg").locator(".ik-description").dblclick(modifiers=["Alt"])
    uploads.root.get_by_label("Description: IMG_1.jpg").fill("A white shirt")
    uploads.page.keyboard.press("Enter")
    uploads.row("IMG_1.jpg").get_by_text("A white shirt").wait_for()
    assert [*uploader.frame["description"]][:1] == ["A white shirt"]


def test_cells_of_the_table_are_edited_in_place(listed: tuple[Uploads, Uploader]) -> None:
    """A character replaces the text, Tab saves and goes on, Escape restores, and names keep their extension."""
    uploads, uploader = listed
    keyboard = uploads.page.keyboard
    keyboard.press("Escape")  # nothing is selected
    keyboard.press("Control+Home")
    keyboard.press("Home")  # the name
    keyboard.type("shirt")
    field = uploads.root.get_by_label("Name: IMG_1.jpg")
    assert field.input_value() == "shirt"
    assert not violations(uploads)
    keyboard.press("Tab")
    uploads.row("shirt.jpg").wait_for()
    keyboard.type("x")
    keyboard.press("Escape")
    keyboard.press("Control+Home")
    keyboard.press("Home")
    keyboard.press("Shift+F2")
    assert uploads.root.get_by_label("Name: shirt.jpg").input_value() == "shirt"
    keyboard.press("End")
    keyboard.type("-2")
    keyboard.press("Enter")
    uploads.row("shirt-2.jpg").wait_for()
    assert [*uploader.frame["file_name"]] == ["shirt-2.jpg", "IMG_2.jpg", "other.jpg"]
    uploads.page.keyboard.press("Control+z")
    uploads.row("shirt.jpg").wait_for()


def test_a_typed_extension_replaces_that_of_the_file(listed: tuple[Uploads, Uploader]) -> None:
    """If it is that of a file type, in a cell and in the panel; other text after a dot does not."""
    uploads, uploader = listed
    keyboard = uploads.page.keyboard
    keyboard.press("Escape")  # nothing is selected
    keyboard.press("Control+Home")
    keyboard.press("Home")  # the name
    keyboard.type("shirt-v1.2")
    keyboard.press("Enter")
    uploads.row("shirt-v1.2.jpg").wait_for()
    uploads.button("Edit IMG_2.jpg").click()
    field = uploads.root.get_by_label("Name", exact=True)
    field.fill("hat.png")
    field.press("Enter")
    uploads.row("hat.png").wait_for()
    assert field.input_value() == "hat"
    assert [*uploader.frame["file_name"]] == ["shirt-v1.2.jpg", "hat.png", "other.jpg"]


def test_tags_are_edited_in_the_table(listed: tuple[Uploads, Uploader]) -> None:
    """With a double click and Alt, at commas; what is not changed is not saved."""
    uploads, uploader = listed
    uploads.row("IMG_2.jpg").locator(".ik-tags").dblclick(modifiers=["Alt"])
    field = uploads.root.get_by_label("Tags: IMG_2.jpg")
    assert field.input_value() == "b"
    field.fill("b, c,, b")
    field.press("Enter")
    uploads.row("IMG_2.jpg").get_by_text("c", exact=True).wait_for()
    assert [*uploader.frame["tags"]] == [["img", "a"], ["b", "c"], ["Img"]]


def test_a_regular_expression_replaces_text(listed: tuple[Uploads, Uploader]) -> None:
    """Its groups can be used in the replacement; one that is not valid is reported, and changes nothing."""
    uploads, uploader = listed
    dialog = open_form(uploads, "Find and replace…")
    dialog.get_by_label("Regular expression").check()
    dialog.get_by_label("Find", exact=True).fill("img_(")
    dialog.get_by_text("This regular expression isn't valid.").wait_for()
    dialog.get_by_role("button", name="Apply").click()
    dialog.get_by_label("Find", exact=True).fill(r"^img_(\d)$")
    dialog.get_by_label("Replace with").fill("$1-photo")
    dialog.get_by_text("2 files change").wait_for()
    dialog.get_by_role("button", name="Apply").click()
    uploads.row("2-photo.jpg").wait_for()
    assert [*uploader.frame["file_name"]] == ["1-photo.jpg", "2-photo.jpg", "other.jpg"]


@pytest.mark.parametrize(
    ("entry", "fields", "count"),
    [
        ("Rename with a pattern…", {"Pattern": "same"}, "3 files"),
        ("Find and replace…", {"Find": "IMG_1", "Replace with": "IMG_2"}, "1 file"),
    ],
)
def test_files_that_would_have_one_name_are_counted(
    listed: tuple[Uploads, Uploader], entry: str, fields: dict[str, str], count: str
) -> None:
    """Before anything is changed."""
    uploads, _ = listed
    dialog = open_form(uploads, entry)
    for label, text in fields.items():
        dialog.get_by_label(label, exact=True).fill(text)
    dialog.get_by_text(f"{count} would have the name and folder of another file.").wait_for()
