"""What a person sees of the page: its styles, its list, its names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from stub import problem

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from driver import Uploads
    from stub import Stub

    Open = Callable[..., tuple[Uploads, ikpipe.Uploader]]

RESULTS = pd.DataFrame(
    {
        "ik_status": ["uploaded", "exists", "failed"],
        "ik_name": ["a.jpg", "b.pdf", None],
        "ik_url": ["https://ik.imagekit.io/demo/a.jpg", "https://ik.imagekit.io/demo/b.pdf", None],
        "ik_path": ["/in/a.jpg", "/in/b.pdf", None],
        "ik_size": [120_000, 4_000, None],
        "ik_tags": [["x"], None, None],
        "ik_error": [None, None, "network"],
        "ik_message": [None, None, "No connection."],
    }
)
COMPUTED = """disabled => {
    document.querySelector('link[rel="stylesheet"]').sheet.disabled = disabled;
    return [...document.querySelectorAll(".ik-gallery, .ik-gallery *")].map(element => {
        const style = getComputedStyle(element);
        return [element.className, ...[...style].map(name => `${name}: ${style.getPropertyValue(name)}`)].join("\\n");
    });
}"""


def styles_of_gallery(uploads: Uploads, *, disabled: bool) -> Any:
    """Return the computed styles of all elements of a gallery, with the uploader's style sheet or without it."""
    return uploads.evaluate(COMPUTED, disabled)


def test_a_gallery_looks_the_same_beside_an_uploader(uploads: Uploads) -> None:
    """The uploader's style sheet changes no computed style of `ikpipe.gallery`, whose classes have the same prefix."""
    html = ikpipe.gallery(RESULTS)._repr_html_()
    uploads.evaluate("html => document.querySelector('main').insertAdjacentHTML('beforeend', html)", html)
    uploads.page.locator(".ik-gallery .ik-badge").first.wait_for()
    alone = styles_of_gallery(uploads, disabled=True)
    assert len(alone) > 20
    assert styles_of_gallery(uploads, disabled=False) == alone


def test_rows_that_came_while_it_was_hidden_are_drawn(uploads: Uploads, stub: Stub) -> None:
    """A notebook hides cells, and shows them again with another theme or size: no row is missing then."""
    uploads.evaluate("() => { document.querySelector('#cell').style.display = 'none'; }")
    stub.push(*({"id": f"r{at}", "name": f"{at}.jpg"} for at in range(8)))
    uploads.root.locator('.ik-grid[aria-rowcount="9"]').wait_for(state="attached")
    assert uploads.root.locator(".ik-row[data-id]").count() == 0
    uploads.evaluate("() => { document.querySelector('#cell').style.display = ''; }")
    uploads.row("7.jpg").wait_for()
    assert uploads.root.locator(".ik-row[data-id]").count() == 8


def test_rows_are_there_after_the_list_had_no_height(uploads: Uploads, stub: Stub) -> None:
    """JupyterLab lays out a notebook with a height of 0 while it changes its theme."""
    squeeze = "height => { document.querySelector('.ik-scroll').style.maxHeight = height; }"
    stub.push(*({"id": f"r{at}", "name": f"{at}.jpg"} for at in range(8)))
    uploads.row("7.jpg").wait_for()
    uploads.evaluate(squeeze, "0px")
    stub.push({"id": "r6", "name": "6b.jpg"})
    uploads.page.wait_for_timeout(100)
    uploads.evaluate(squeeze, "")
    uploads.row("6b.jpg").wait_for()
    assert uploads.root.locator(".ik-row[data-id]").count() == 8


def test_dropped_folders_come_in_natural_order(uploads: Uploads, tmp_path: Path) -> None:
    """By folder, then by name, with numbers as numbers, whatever the order on the disk."""
    for name in ("shoot/day 10/a.jpg", "shoot/day 2/b10.jpg", "shoot/day 2/b9.jpg", "shoot/z.jpg"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    uploads.drop([str(tmp_path / "shoot")])
    told = [file["name"] for file in uploads.bridge.wait_for("add")[0]["files"]]
    assert told == ["z.jpg", "b9.jpg", "b10.jpg", "a.jpg"]


def test_a_file_that_is_picked_twice_is_added_once(uploads: Uploads, files: Callable[[int], list[str]]) -> None:
    """The notice says so, and its button adds the file again."""
    paths = files(2)
    uploads.choose(paths)
    uploads.wait_rows(2)
    uploads.choose(paths[:1])
    uploads.root.get_by_text("1 file already in the list, not added again.").first.wait_for()
    assert len(uploads.bridge.of("add")) == 1
    uploads.button("Add anyway").click()
    uploads.wait_rows(3)


def test_a_changed_file_of_the_same_name_is_added(uploads: Uploads, tmp_path: Path) -> None:
    """A file is the same only with the same size and date."""
    path = tmp_path / "a.txt"
    for at, text in enumerate(("one", "three"), start=1):
        path.write_text(text)
        uploads.choose([str(path)])
        uploads.wait_rows(at)


def test_the_heading_of_a_preview_has_no_focus_ring(uploads: Uploads, stub: Stub) -> None:
    """It has the focus, so that screen readers read it, but is no control."""
    stub.push({"id": "r0", "name": "a.jpg"})
    uploads.row("a.jpg").click()
    uploads.page.keyboard.press("Enter")
    heading = uploads.root.get_by_role("heading", name="a.jpg")
    heading.wait_for()
    assert heading.evaluate("one => [one === document.activeElement, getComputedStyle(one).outlineStyle]") == [
        True,
        "none",
    ]


def test_a_kernel_that_cannot_be_reached_is_logged_once(uploads: Uploads, stub: Stub) -> None:
    """Messages are repeated, the line in the console is not, and it is no warning."""
    lines: list[tuple[str, str]] = []
    uploads.page.on("console", lambda line: lines.append((line.type, line.text)))
    uploads.evaluate("() => { window.model.send = () => { throw new Error('closed'); }; }")
    stub.push(*({"id": f"r{at}", "name": f"{at}.jpg"} for at in range(3)))
    for at in range(3):
        uploads.row(f"{at}.jpg").click()
        uploads.page.wait_for_timeout(150)
    assert lines == [("info", "ikpipe: the kernel cannot be reached")]


# The editing panel


def open_editor(uploads: Uploads, name: str) -> None:
    """Select a row, and open the panel with the key."""
    uploads.row(name).locator(".ik-name").click()
    uploads.page.keyboard.press("F2")


def test_a_renamed_file_keeps_its_extension(uploads: Uploads, stub: Stub) -> None:
    """The name without it is selected, and the extension stands beside the field."""
    stub.push({"id": "r0", "name": "IMG_0001.jpg"})
    open_editor(uploads, "IMG_0001.jpg")
    uploads.wait_value("Name", "IMG_0001")
    uploads.page.keyboard.type("Autumn")
    uploads.page.keyboard.press("Enter")
    assert uploads.bridge.wait_for("edit")[0]["value"] == "Autumn.jpg"
    uploads.root.locator(".ik-extension").get_by_text(".jpg", exact=True).wait_for()


@pytest.mark.parametrize(
    ("name", "stem"),
    [("a.tar.gz", "a.tar"), ("README", "README"), (".env", ".env"), ("v1.5", "v1.5"), ("clip.MP4", "clip")],
)
def test_what_an_extension_is(uploads: Uploads, stub: Stub, name: str, stem: str) -> None:
    """A name that begins with a dot has none, and a number is none."""
    stub.push({"id": "r0", "name": name})
    open_editor(uploads, name)
    uploads.wait_value("Name", stem)


def test_an_extension_that_is_typed_is_not_doubled(uploads: Uploads, stub: Stub) -> None:
    """Many people type it."""
    stub.push({"id": "r0", "name": "a.jpg"})
    open_editor(uploads, "a.jpg")
    uploads.root.get_by_label("Name", exact=True).fill("b.JPG")
    uploads.page.keyboard.press("Enter")
    assert uploads.bridge.wait_for("edit")[0]["value"] == "b.JPG"


def test_the_cursor_stays_while_text_is_checked(
    upload_page: Open, account: ikpipe.Account, files: Callable[..., Any]
) -> None:
    """A character that ImageKit replaces is replaced a moment after the last key; typing goes on at the same place."""
    uploads, _uploader = upload_page(account)
    uploads.choose(files(1))
    uploads.wait_rows(1)
    open_editor(uploads, "picture-0.png")
    uploads.page.keyboard.press("Home")
    uploads.page.keyboard.type("my ")
    uploads.wait_value("Name", "my_picture-0")
    uploads.page.keyboard.type("own-")
    uploads.wait_value("Name", "my_own-picture-0")


def test_escape_restores_what_was_typed(uploads: Uploads, stub: Stub) -> None:
    """Half-typed text is not saved, and the panel stays open; a second Escape closes it."""
    stub.push({"id": "r0", "name": "a.jpg", "folder": "/in"})
    open_editor(uploads, "a.jpg")
    folder = uploads.root.get_by_label("Folder", exact=True)
    folder.fill("/half")
    folder.press("Escape")
    uploads.wait_value("Folder", "/in")
    folder.press("Escape")
    folder.wait_for(state="hidden")
    assert uploads.bridge.of("edit") == []


def test_escape_restores_what_was_checked_while_typing(uploads: Uploads, stub: Stub) -> None:
    """Text is sent a moment after the last key; Escape takes that back, too."""
    stub.push({"id": "r0", "name": "a.jpg", "folder": "/in"})
    open_editor(uploads, "a.jpg")
    folder = uploads.root.get_by_label("Folder", exact=True)
    folder.fill("/half")
    uploads.bridge.wait_for("edit")
    folder.press("Escape")
    assert [one["value"] for one in uploads.bridge.wait_for("edit", 2)] == ["/half", "/in"]
    uploads.wait_value("Folder", "/in")


def test_the_panel_closes_when_its_files_are_removed(uploads: Uploads, files: Callable[[int], list[str]]) -> None:
    """Ctrl+A, Delete leaves no panel on nothing."""
    uploads.choose(files(2))
    uploads.wait_rows(2)
    uploads.row("picture-0.png").locator(".ik-size").click()
    uploads.button("Edit").click()
    uploads.row("picture-0.png").locator(".ik-size").click()
    uploads.page.keyboard.press("Control+a")
    uploads.page.keyboard.press("Delete")
    uploads.root.locator(".ik-editor").wait_for(state="hidden")


def test_a_saved_edit_says_so(uploads: Uploads, stub: Stub) -> None:
    """The hint comes when the kernel has the change."""
    stub.push({"id": "r0", "name": "a.jpg"})
    open_editor(uploads, "a.jpg")
    uploads.root.get_by_label("Folder", exact=True).fill("/shop")
    uploads.page.keyboard.press("Enter")
    uploads.root.locator(".ik-saved").get_by_text("Saved", exact=True).wait_for()


def test_an_uploaded_file_has_details_instead_of_fields(uploads: Uploads, stub: Stub) -> None:
    """They are read-only: the path, the stored name and the URL."""
    result = {"url": "https://ik.example/in/a_x1.jpg", "path": "/in/a_x1.jpg"}
    stub.push({"id": "r0", "name": "a.jpg", "folder": "/in", "state": "uploaded", "result": result})
    open_editor(uploads, "a.jpg")
    panel = uploads.root.locator(".ik-editor")
    panel.get_by_role("heading", name="Details").wait_for()
    assert panel.locator("dt").all_text_contents()[:2] == ["Path", "Name"]
    assert panel.locator("dd").all_text_contents()[:2] == ["/in/a_x1.jpg", "Stored as a_x1.jpg"]
    panel.get_by_text("https://ik.example/in/a_x1.jpg").wait_for()
    assert not panel.get_by_label("Folder", exact=True).is_visible()


# The focus area


def type_area(uploads: Uploads, area: str) -> None:
    """Open the preview of the picture of 64 by 48 pixels, and type an area."""
    uploads.row("picture-0.png").dblclick()
    for label, value in zip(("x", "y", "Width", "Height"), area.split(","), strict=True):
        uploads.root.get_by_label(label, exact=True).fill(value)
    uploads.page.keyboard.press("Enter")


@pytest.fixture
def picture_page(uploads: Uploads, files: Callable[[int], list[str]]) -> Uploads:
    """Return a page with one picture of 64 by 48 pixels."""
    uploads.choose(files(1))
    uploads.wait_rows(1)
    return uploads


def test_an_area_is_limited_to_the_picture(picture_page: Uploads) -> None:
    """The page says so, and shows what is taken."""
    type_area(picture_page, "10,5,9999,10")
    assert picture_page.bridge.wait_for("edit")[0]["value"] == "10,5,54,10"
    picture_page.root.get_by_role("status").get_by_text("limited to the image").wait_for(state="visible")
    picture_page.wait_value("Width", "54")


def test_an_area_outside_the_picture_is_not_taken(picture_page: Uploads) -> None:
    """The page says so."""
    type_area(picture_page, "100,5,20,10")
    picture_page.root.get_by_role("status").get_by_text("outside the image").wait_for(state="visible")
    assert picture_page.bridge.of("edit") == []


def test_a_tables_area_that_is_too_large_can_be_limited(picture_page: Uploads, stub: Stub) -> None:
    """A value from a table is not changed unasked."""
    stub.push({"id": "b0", "coordinates": "10,5,9999,10"})
    picture_page.row("picture-0.png").dblclick()
    picture_page.root.get_by_text("The focus area is larger than the image").wait_for()
    picture_page.button("Limit to the image").click()
    assert picture_page.bridge.wait_for("edit")[0]["value"] == "10,5,54,10"
    picture_page.button("Limit to the image").wait_for(state="hidden")


# Problems above the list


@pytest.fixture
def folder(tmp_path: Path, picture: Callable[..., bytes]) -> Path:
    """Create a folder with a space in its name, and three pictures."""
    campaign = tmp_path / "Autumn campaign"
    campaign.mkdir()
    for at in range(3):
        (campaign / f"{at}.png").write_bytes(picture(at * 40))
    return campaign


def test_a_folder_with_a_space_is_adjusted(upload_page: Open, account: ikpipe.Account, folder: Path) -> None:
    """The files are ready, and a note says what they will be called; its button selects them."""
    uploads, _uploader = upload_page(account, folder="/in")
    uploads.drop([str(folder)])
    uploads.root.get_by_text("3 files: “Autumn campaign” will be stored as “Autumn_campaign”.").first.wait_for()
    uploads.button("Upload 3 files").wait_for()
    uploads.root.locator(".ik-notice").get_by_role("button", name="Show").click()
    uploads.root.get_by_text("3 selected").wait_for()


def test_a_note_s_undo_takes_the_files_out(upload_page: Open, account: ikpipe.Account, folder: Path) -> None:
    """ImageKit replaces the characters in any case; the files come back by the toast's own Undo."""
    uploads, _uploader = upload_page(account, folder="/in")
    uploads.drop([str(folder)])
    uploads.root.locator(".ik-notice", has_text="will be stored as").get_by_role("button", name="Undo").click()
    toast = uploads.root.locator(".ik-toast", has_text="3 files removed")
    uploads.root.locator(".ik-empty").wait_for()
    toast.get_by_role("button", name="Undo").click()
    uploads.button("Upload 3 files").wait_for()


def test_a_note_about_names_goes_away_when_the_files_are_stored(
    upload_page: Open, account: ikpipe.Account, folder: Path
) -> None:
    """Then it says nothing new, and there is nothing to undo."""
    uploads, _uploader = upload_page(account, folder="/in")
    uploads.drop([str(folder)])
    note = uploads.root.locator(".ik-notice", has_text="will be stored as")
    note.wait_for()
    uploads.button("Upload 3 files").click()
    uploads.wait_uploaded(3)
    note.wait_for(state="detached")


def test_a_preview_hides_the_toast(upload_page: Open, account: ikpipe.Account, folder: Path) -> None:
    """It would lie over the fields; Ctrl+Z still undoes what it told of."""
    uploads, _uploader = upload_page(account, folder="/in")
    uploads.choose([str(folder / "0.png")])
    uploads.root.locator(".ik-toast", has_text="1 file added").wait_for()
    uploads.row("0.png").locator(".ik-name").dblclick()
    uploads.root.get_by_role("dialog").wait_for()
    assert uploads.root.locator(".ik-toast:not(.ik-hidden)").count() == 0


def test_ctrl_a_selects_files_wherever_the_focus_is_in_the_uploader(
    upload_page: Open, account: ikpipe.Account, folder: Path
) -> None:
    """Not the text of the page."""
    uploads, _uploader = upload_page(account, folder="/in")
    uploads.drop([str(folder)])
    uploads.wait_rows(3)
    uploads.root.focus()
    uploads.page.keyboard.press("Control+a")
    uploads.root.get_by_text("3 selected").wait_for()


def test_a_note_about_files_goes_away_with_them(upload_page: Open, account: ikpipe.Account, folder: Path) -> None:
    """Its button would show nothing."""
    uploads, _uploader = upload_page(account, folder="/in")
    uploads.drop([str(folder)])
    note = uploads.root.locator(".ik-notice", has_text="will be stored as")
    note.get_by_role("button", name="Show").click()
    uploads.page.keyboard.press("Delete")
    note.wait_for(state="detached")


def test_problems_are_grouped_and_fixed_by_one_button(uploads: Uploads, stub: Stub) -> None:
    """Each kind of problem has a line above the list; the button fixes all files of the line, and no others."""
    for at in range(3):
        bad = problem("folder", "bad_character", f"'/a#{at}' has '#'", "Replace it.", f"/a_{at}")
        stub.push({"id": f"r{at}", "folder": f"/a#{at}", "state": "invalid", "problems": [bad]})
    large = problem("file", "file_too_large", "Too large for your plan.", "Make it smaller.")
    stub.push({"id": "r3", "source": "browser", "state": "invalid", "problems": [large]})
    lines = uploads.root.locator(".ik-problem-group")
    lines.nth(1).wait_for()
    texts = [text.strip() for text in lines.locator(".ik-problem-what").all_text_contents()]
    assert texts == ["3 filesCharacters that can't be used · Folder", "1 fileToo large for your plan."]
    lines.first.get_by_role("button", name="3 files").click()
    lines.nth(1).wait_for(state="detached")
    [edit] = uploads.bridge.wait_for("edit")
    assert edit["values"] == ["/a_0", "/a_1", "/a_2"]
    uploads.root.get_by_role("status").get_by_role("button", name="Undo").wait_for()


def test_the_files_of_a_problem_are_shown(uploads: Uploads, stub: Stub) -> None:
    """They are selected, and the first one gets the focus, also behind a filter."""
    bad = problem("custom_metadata.price", "wrong_type", "'cheap' is not a number", "Fix it.")
    stub.push({"id": "r0", "name": "a.jpg"}, {"id": "r1", "name": "b.jpg", "state": "invalid", "problems": [bad]})
    uploads.root.get_by_role("searchbox").fill("a.jpg")
    uploads.root.locator(".ik-problem-group").get_by_role("button", name="Show").click()
    uploads.root.locator('.ik-row[aria-selected="true"]').get_by_text("b.jpg").wait_for()
    assert uploads.evaluate("() => document.activeElement.closest('[data-id]').dataset.id") == "r1"


def test_a_problem_without_a_fix_opens_its_field(uploads: Uploads, stub: Stub) -> None:
    """The panel opens for all files of the group."""
    bad = problem("folder", "too_long", "The folder is too long", "Shorten it.")
    stub.push(*({"id": f"r{at}", "state": "invalid", "problems": [bad]} for at in range(2)))
    uploads.root.locator(".ik-problem-group").get_by_role("button", name="Edit").click()
    uploads.root.get_by_role("heading", name="Edit 2 files").wait_for()
    assert uploads.evaluate("() => document.activeElement.id").endswith("-folder")


def test_an_empty_file_has_its_name_and_a_reason(upload_page: Open, account: ikpipe.Account, tmp_path: Path) -> None:
    """The list, the reason and its heading name it."""
    (tmp_path / "notes.txt").write_bytes(b"")
    uploads, uploader = upload_page(account)
    uploads.choose([str(tmp_path / "notes.txt")])
    uploads.row("notes.txt").wait_for()
    uploads.row("notes.txt").locator(".ik-state-button").click()
    uploads.root.get_by_role("dialog").get_by_role("heading", name="notes.txt").wait_for()
    uploads.root.locator(".ik-problem-group").get_by_role("button", name="Remove").click()
    uploads.row("notes.txt").wait_for(state="detached")
    assert len(uploader.frame) == 0


def test_a_reason_has_no_holes(uploads: Uploads, stub: Stub) -> None:
    """The sign stands at the first line of its text, and the button directly below the text, at any length."""
    bad = problem("folder", "bad_character", "The folder has a character. " * 4, "Replace it. " * 9, "/a_1")
    stub.push({"id": "r0", "name": "a.jpg", "folder": "/a#1", "state": "invalid", "problems": [bad]})
    uploads.row("a.jpg").locator(".ik-state-button").click()
    uploads.root.get_by_role("dialog").get_by_role("listitem").wait_for()
    sign, text, fix = uploads.evaluate(
        """() => [...document.querySelectorAll('[role="dialog"] .ik-problem > *')].map((part) => {
            const { top, bottom } = part.getBoundingClientRect();
            return { top, bottom };
        })"""
    )
    assert abs(sign["top"] - text["top"]) < 4
    assert 0 < fix["top"] - text["bottom"] < 12
