"""The panels of the page: problems, editing, preview, copying."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from bridge import unpacked
from stub import problem

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bridge import Bridge
    from driver import Uploads
    from stub import Stub


FIELDS = [
    {"name": "brand", "type": "Text"},
    {"name": "price", "type": "Number", "minValue": 0},
    {"name": "season", "type": "SingleSelect", "selectOptions": ["spring", "autumn"]},
    {"name": "rooms", "type": "MultiSelect", "selectOptions": ["hall", "study"]},
    {"name": "shown", "type": "Boolean"},
    {"name": "since", "type": "Date"},
]


@pytest.fixture
def two(bridge: Bridge, uploads: Uploads, stub: Stub) -> Uploads:
    """Return a page with two rows and metadata fields."""
    bridge.set(settings={"fields": FIELDS})
    stub.push({"id": "r0", "name": "a.jpg", "tags": ["x", "y"]}, {"id": "r1", "name": "b.jpg", "tags": ["y"]})
    uploads.wait_rows(2)
    return uploads


def edit_both(uploads: Uploads) -> None:
    """Select all rows, and open the editor."""
    uploads.row("a.jpg").click()
    uploads.page.keyboard.press("Control+a")
    uploads.button("Edit").click()


def edits(uploads: Uploads, count: int = 1) -> list[tuple[Any, Any, Any]]:
    """Wait for edits, and return their rows, columns and values, of which those of `values` belong to one row each."""
    return [
        (one["ids"], one["column"], one["values"] if "values" in one else one["value"])
        for one in uploads.bridge.wait_for("edit", count)
    ]


def test_a_problem_is_fixed_at_its_cell(two: Uploads, stub: Stub) -> None:
    """The icon in the cell opens the problem, its button applies the suggestion, and the row is ready."""
    bad = problem("folder", "bad_character", "'#' is not allowed", "Replace it.", "/a_1")
    stub.push({"id": "r0", "folder": "/a#1", "state": "invalid", "problems": [bad]})
    two.row("a.jpg").locator(".ik-folder").get_by_role("button").click()
    two.root.get_by_role("dialog").get_by_role("button", name='Change to "/a_1"').click()
    two.wait_state("a.jpg", "Ready")
    assert edits(two) == [(["r0"], "folder", "/a_1")]
    assert two.row("a.jpg").locator(".ik-folder").get_by_role("button").count() == 0


def test_nothing_invalid_is_sent(two: Uploads, stub: Stub) -> None:
    """The button has the number of ready rows, and is disabled without any."""
    bad = problem("folder", "bad_character", "'#' is not allowed", "Replace it.")
    stub.push({"id": "r0", "state": "invalid", "problems": [bad]})
    two.button("Upload 1 file").wait_for()
    stub.push({"id": "r1", "state": "invalid", "problems": [bad]})
    two.button("Upload").click(force=True)  # it is there, and says that there is nothing to do
    two.root.get_by_text("Nothing to upload yet").wait_for()
    assert two.bridge.of("send") == []


def test_one_value_for_all_that_are_selected(two: Uploads) -> None:
    """A folder that is typed with two rows selected applies to both."""
    edit_both(two)
    two.root.get_by_label("Folder", exact=True).fill("/shop")
    two.page.keyboard.press("Tab")
    assert edits(two) == [(["r0", "r1"], "folder", "/shop")]
    two.page.wait_for_function("() => document.querySelectorAll('.ik-folder[title=\"/shop\"]').length === 2")


def test_what_is_typed_is_checked_before_enter(two: Uploads) -> None:
    """The kernel gets it a moment after the last key, and its problem is shown below the field."""
    two.row("a.jpg").click()
    two.button("Edit").click()
    two.root.get_by_label("Folder", exact=True).press_sequentially("/a#")
    two.root.locator(".ik-field-problems").get_by_text("'#' is not allowed in a folder").wait_for()
    two.root.locator(".ik-field-problems").get_by_role("button", name='Change to "/a_"').click()
    two.wait_state("a.jpg", "Ready")
    two.wait_value("Folder", "/a_")


def test_tags_are_added_to_what_each_row_has(two: Uploads) -> None:
    """Rows with different tags get values of their own in one message."""
    edit_both(two)
    two.root.get_by_label("Tags", exact=True).fill("z")
    two.page.keyboard.press("Enter")
    assert edits(two) == [(["r0", "r1"], "tags", [["x", "y", "z"], ["y", "z"]])]


def test_a_tag_is_removed_from_all(two: Uploads) -> None:
    """Without its last tag, a row has an empty list: the default would restore the frame's tags."""
    edit_both(two)
    two.button("Remove tag y").click()
    assert edits(two) == [(["r0", "r1"], "tags", [["x"], []])]


def test_a_field_shows_the_most_frequent_tags(two: Uploads, stub: Stub) -> None:
    """Of very many different tags it shows those of most rows, and says how many others there are."""
    many = [f"t{at}" for at in range(150)]
    stub.push({"id": "r0", "tags": many}, {"id": "r1", "tags": many[-1:]})
    edit_both(two)
    two.root.get_by_text("and 50 more", exact=True).wait_for()
    assert two.button("Remove tag t149").is_visible()
    assert two.root.locator(".ik-editor .ik-tag").count() == 100


def test_a_second_edit_builds_on_the_first_before_it_is_answered(two: Uploads, stub: Stub) -> None:
    """While the kernel is busy, the field shows the requested value, and no edit is lost."""
    two.row("a.jpg").click()
    two.button("Edit").click()
    stub.deaf = True
    two.root.get_by_label("hall").check()
    stub.deaf = False
    stub.push({"id": "r0", "description": "an older word, which knows nothing of the edit"})
    two.wait_value("Description", "an older word, which knows nothing of the edit")
    assert two.root.get_by_label("hall").is_checked()
    two.root.get_by_label("study").check()
    stub.wake()
    assert edits(two, 2)[-1] == (["r0"], "custom_metadata.rooms", ["hall", "study"])


def test_metadata_fields_have_their_types(two: Uploads) -> None:
    """Numbers, choices, lists and dates are sent as values of their types."""
    edit_both(two)
    root = two.root
    root.get_by_label("price", exact=True).fill("12.5")
    root.get_by_label("season", exact=True).select_option("autumn")
    root.get_by_label("hall").check()
    root.get_by_label("shown", exact=True).select_option("Yes")
    root.get_by_label("since", exact=True).fill("2026-11-24")
    two.page.keyboard.press("Enter")
    values = {column: value for _ids, column, value in edits(two, 5)}
    assert values == {
        "custom_metadata.price": 12.5,
        "custom_metadata.season": "autumn",
        "custom_metadata.rooms": ["hall"],
        "custom_metadata.shown": True,
        "custom_metadata.since": "2026-11-24",
    }


def test_an_option_joins_what_each_row_has(two: Uploads, stub: Stub) -> None:
    """A box is indeterminate if some rows have its option, and changes no other option."""
    stub.push({"id": "r0", "metadata": {"rooms": ["study"]}})
    edit_both(two)
    half = "box => box.indeterminate"
    two.page.wait_for_function(half, arg=two.root.get_by_label("study").element_handle())
    assert not two.root.get_by_label("hall").evaluate(half)
    two.root.get_by_label("hall").check()
    rooms = "custom_metadata.rooms"
    assert edits(two) == [(["r0", "r1"], rooms, [["study", "hall"], ["hall"]])]


def test_half_a_number_changes_nothing(two: Uploads, stub: Stub) -> None:
    """An incomplete number is not sent, and the field shows the previous value when it loses focus."""
    stub.push({"id": "r0", "metadata": {"price": 5}})
    two.row("a.jpg").click()
    two.button("Edit").click()
    price = two.root.get_by_label("price", exact=True)
    two.wait_value("price", "5")
    price.press("Control+a")
    two.page.keyboard.insert_text("12e")
    two.page.wait_for_timeout(900)  # longer than the delay after which typed text is checked
    assert price.evaluate("one => one.validity.badInput")
    two.page.keyboard.press("Tab")
    two.wait_value("price", "5")
    assert two.bridge.of("edit") == []


def test_what_is_typed_stays_with_its_row(two: Uploads) -> None:
    """Even if Python selects another row before the text is sent, it is the first row's."""
    two.row("a.jpg").click()
    two.button("Edit").click()
    two.root.get_by_label("Folder", exact=True).focus()
    two.page.keyboard.insert_text("/mine")
    two.bridge.say({"type": "select", "ids": ["r1"]})
    assert edits(two) == [(["r0"], "folder", "/mine")]
    two.wait_value("Name", "b")
    two.wait_value("Folder", "")


def test_the_only_tag_stays_if_there_are_default_tags(two: Uploads, stub: Stub, bridge: Bridge) -> None:
    """A file without tags would get the default ones: the only tag cannot be removed until there is another."""
    bridge.set(settings={"defaults": {"tags": True}})
    two.row("b.jpg").click()
    two.button("Edit").click()
    two.root.locator(".ik-tag[title*='gets the default tags']").get_by_text("y").wait_for()
    tags = two.root.get_by_label("Tags", exact=True)
    tags.press("Backspace")
    tags.fill("z")
    tags.press("Enter")
    two.button("Remove tag y").click()
    assert [value for _ids, _column, value in edits(two, 2)] == [["y", "z"], ["z"]]


def test_public_is_shown_if_private_is_the_default(two: Uploads, stub: Stub, bridge: Bridge) -> None:
    """A public file is not shown as private."""
    bridge.set(settings={"defaults": {"is_private_file": True}})
    stub.push({"id": "r0", "private": False}, {"id": "r1", "private": True})
    two.row("a.jpg").click()
    two.button("Edit").click()
    access = two.root.get_by_label("Visibility", exact=True).element_handle()
    for name, word in (("a.jpg", "Public"), ("b.jpg", "Private")):
        two.row(name).click()
        chosen = "([one, word]) => one.selectedOptions[0].textContent === word"
        two.page.wait_for_function(chosen, arg=[access, word])


def test_f2_edits_the_row_at_the_keyboard(two: Uploads) -> None:
    """The editor opens with the focus on the first field, and Escape closes it."""
    two.row("b.jpg").click()
    two.page.keyboard.press("F2")
    assert two.evaluate("() => document.activeElement.value") == "b"
    two.page.keyboard.press("Escape")
    two.root.get_by_role("region", name="Edit").wait_for(state="hidden")


def test_the_panel_has_a_margin(two: Uploads, stub: Stub) -> None:
    """Its fields and its note about read-only rows do not touch its edge."""
    stub.push({"id": "r0", "state": "uploaded"})
    edit_both(two)
    two.root.get_by_text("1 uploaded file is read-only").wait_for()
    paddings = two.evaluate(
        """() => [".ik-fields", ".ik-editor [role=note]"].map((name) => {
            const style = getComputedStyle(document.querySelector(name));
            return [style.paddingLeft, style.paddingRight];
        })"""
    )
    assert paddings == [["12px", "12px"]] * 2


def test_uploaded_rows_are_left_out_of_an_edit(two: Uploads, stub: Stub) -> None:
    """The other rows are changed, with a note about the rest; alone, an uploaded row has no fields."""
    stub.push({"id": "r0", "state": "uploaded"})
    two.wait_state("a.jpg", "Uploaded")
    edit_both(two)
    two.root.get_by_role("note").get_by_text("1 uploaded file is read-only").wait_for()
    folder = two.root.get_by_label("Folder", exact=True)
    folder.fill("/shop")
    folder.press("Tab")
    two.root.get_by_label("Tags", exact=True).fill("z")
    two.page.keyboard.press("Enter")
    assert edits(two, 2) == [(["r1"], "folder", "/shop"), (["r1"], "tags", ["y", "z"])]
    two.row("a.jpg").click()
    two.page.wait_for_function("field => field.matches(':disabled')", arg=folder.element_handle())


def test_a_rejected_edit_resets_its_field(two: Uploads, stub: Stub, bridge: Bridge) -> None:
    """It shows the row's value again."""
    stub.push({"id": "r0", "folder": "/before"})

    def hear(message: dict[str, Any]) -> None:
        for one in unpacked(message):
            if one["type"] == "edit":
                bridge.say({"type": "error", "message": "not now", "request": one["request"]})
            else:
                stub.hear(one)

    bridge.hears = hear
    two.row("a.jpg").click()
    two.button("Edit").click()
    two.root.get_by_label("Folder", exact=True).fill("/after")
    two.page.keyboard.press("Tab")
    two.root.get_by_text("Couldn't save the change: not now").first.wait_for()
    two.wait_value("Folder", "/before")


def test_a_rejected_edit_shows_the_message(two: Uploads) -> None:
    """The kernel's message is shown."""
    two.bridge.hears = lambda message: (
        two.bridge.say({"type": "error", "request": message["request"], "message": "not now"})
        if message["type"] == "edit"
        else None
    )
    edit_both(two)
    two.root.get_by_label("Folder", exact=True).fill("/shop")
    two.page.keyboard.press("Tab")
    two.root.get_by_text("Couldn't save the change: not now").first.wait_for()


COUNT = """() => {
    const { createObjectURL: make, revokeObjectURL: drop } = URL;
    window.held = new Set();
    window.made = 0;
    URL.createObjectURL = (one) => {
        const address = make.call(URL, one);
        window.held.add(address);
        window.made += 1;
        return address;
    };
    URL.revokeObjectURL = (address) => {
        window.held.delete(address);
        drop.call(URL, address);
    };
}"""


def test_object_urls_of_broken_images_are_revoked(
    uploads: Uploads, files: Callable[[int], list[str]], tmp_path: Path
) -> None:
    """The object URL of an image that cannot be decoded is revoked, since it keeps the file in memory."""
    uploads.evaluate(COUNT)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    uploads.choose([*files(1), str(broken)])
    uploads.row("picture-0.png").locator(".ik-thumb img").wait_for()
    uploads.page.wait_for_function("() => window.made === 2 && window.held.size === 1")


def test_object_urls_are_revoked_with_the_view(uploads: Uploads, files: Callable[[int], list[str]]) -> None:
    """The object URLs of thumbnails and of an open preview are revoked when the view is closed."""
    uploads.evaluate(COUNT)
    uploads.choose(files(1))
    uploads.row("picture-0.png").locator(".ik-thumb img").wait_for()
    uploads.row("picture-0.png").dblclick()
    uploads.root.locator(".ik-stage img").wait_for()
    assert uploads.evaluate("() => window.held.size") == 2
    uploads.evaluate("() => window.end()")
    assert uploads.evaluate("() => window.held.size") == 0


@pytest.fixture
def picked(uploads: Uploads, files: Callable[[int], list[str]]) -> Uploads:
    """Return a page with two picked images of 64 by 48 pixels."""
    uploads.choose(files(2))
    uploads.wait_rows(2)
    return uploads


def test_enter_opens_the_preview_and_arrows_move_on(picked: Uploads) -> None:
    """Arrows move from file to file in the preview, and its last row gets the focus when it closes."""
    picked.row("picture-0.png").click()
    picked.page.keyboard.press("Enter")
    dialog = picked.root.get_by_role("dialog")
    dialog.get_by_role("heading", name="picture-0.png").wait_for()
    picked.page.keyboard.press("ArrowRight")
    dialog.get_by_role("heading", name="picture-1.png").wait_for()
    dialog.get_by_text("64 \N{MULTIPLICATION SIGN} 48").wait_for()
    picked.page.keyboard.press("Escape")
    picked.root.locator(".ik-preview").wait_for(state="detached")
    assert picked.evaluate("() => document.activeElement.closest('[data-id]').dataset.id") == "b1"


def test_an_area_is_drawn_in_pixels_of_the_picture(picked: Uploads) -> None:
    """The focus area does not depend on the image's size on the screen."""
    picked.row("picture-0.png").dblclick()
    picked.button("Draw an area").click()
    box = picked.root.locator(".ik-area-sheet").bounding_box()
    assert box is not None
    mouse, scale = picked.page.mouse, box["width"] / 64
    mouse.move(box["x"] + 8 * scale, box["y"] + 6 * scale)
    mouse.down()
    mouse.move(box["x"] + 40 * scale, box["y"] + 30 * scale)
    mouse.up()
    assert edits(picked) == [(["b0"], "custom_coordinates", "8,6,32,24")]
    picked.wait_value("Width", "32")


def test_an_area_is_typed(picked: Uploads) -> None:
    """A focus area can be typed instead of drawn."""
    picked.row("picture-0.png").dblclick()
    for label, value in (("x", "1"), ("y", "2"), ("Width", "30"), ("Height", "20")):
        picked.root.get_by_label(label, exact=True).fill(value)
    picked.page.keyboard.press("Enter")
    assert edits(picked) == [(["b0"], "custom_coordinates", "1,2,30,20")]


def test_copies_are_ready_to_paste(uploads: Uploads, stub: Stub) -> None:
    """URL, HTML and Markdown are copied with special characters escaped."""
    result = {"url": "https://ik.example/a(1).jpg"}
    stub.push({"id": "r0", "name": 'a"]<b>.jpg', "state": "uploaded", "result": result})
    uploads.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    found = []
    for item in ("Copy URL", "Copy HTML", "Copy Markdown"):
        uploads.button('Copy link: a"]<b>.jpg').click()
        uploads.root.get_by_role("menuitem", name=item).click()
        uploads.root.get_by_role("status").get_by_text("Copied").wait_for()
        found.append(uploads.evaluate("() => navigator.clipboard.readText()"))
    assert found == [
        "https://ik.example/a(1).jpg",
        '<img src="https://ik.example/a(1).jpg" alt="a&quot;]&lt;b&gt;.jpg">',
        '![a"\\]\\<b\\>.jpg](https://ik.example/a%281%29.jpg)',
    ]


def test_the_large_preview_copies(uploads: Uploads, stub: Stub) -> None:
    """The copy menu is above the preview, and confirms the copy."""
    stub.push({"id": "r0", "name": "a.jpg", "state": "uploaded", "result": {"url": "https://ik.example/a.jpg"}})
    uploads.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    uploads.row("a.jpg").dblclick()
    dialog = uploads.root.locator("dialog.ik-preview")
    dialog.get_by_role("button", name="Copy").click()
    dialog.get_by_role("menuitem", name="Copy URL").click()
    dialog.get_by_role("status").get_by_text("Copied").wait_for(state="visible")
    assert uploads.evaluate("() => navigator.clipboard.readText()") == "https://ik.example/a.jpg"
    uploads.page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    uploads.root.get_by_role("status").wait_for(state="attached")


def test_the_failure_says_why_and_what_to_do(uploads: Uploads, stub: Stub) -> None:
    """The state's button opens the service's message and a retry button."""
    result = {"error": "name_taken", "message": "The name is taken.", "what": "Rename it."}
    stub.push({"id": "r0", "name": "a.jpg", "state": "failed", "result": result})
    uploads.row("a.jpg").get_by_role("button", name="Failed").click()
    dialog = uploads.root.get_by_role("dialog")
    dialog.get_by_text("Give this file another name.").wait_for()
    dialog.get_by_role("button", name="Retry").click()
    assert uploads.bridge.wait_for("retry")[0]["ids"] == ["r0"]


def test_the_page_has_its_own_advice(uploads: Uploads, stub: Stub) -> None:
    """If the kernel's advice is for users of Python, the page has its own; what was reported is in the details."""
    result = {"error": "refused", "message": "The pixels are bad.", "what": "Check the path."}
    stub.push({"id": "r0", "name": "a.jpg", "state": "failed", "result": result})
    uploads.row("a.jpg").get_by_role("button", name="Failed").click()
    uploads.root.get_by_role("dialog").get_by_text("ImageKit rejected this file.").wait_for()
    uploads.root.get_by_text("Details", exact=True).click()
    uploads.root.get_by_role("dialog").get_by_text("The pixels are bad.").wait_for()
