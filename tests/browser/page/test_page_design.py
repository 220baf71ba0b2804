"""How the page is laid out: what is where, what moves, and what the pointer and the focus show."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from shots import SCENES, VARIANTS, Studio, broken, choose_again, details, editor, ended, gallery, preview

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bridge import Bridge
    from driver import Uploads
    from playwright.sync_api import Browser
    from stub import Stub

    from ikpipe.emulator import Emulator

URL = {"url": "https://ik.example/in/a.jpg", "path": "/in/a.jpg"}
BOX = """name => {
    const { x, y, width, height } = document.querySelector(name).getBoundingClientRect();
    return [x, y, width, height];
}"""


@pytest.fixture
def three(uploads: Uploads, stub: Stub) -> Uploads:
    """Return a page with three rows in one folder, with the same tag and types."""
    same = {"folder": "/in", "tags": ["autumn"], "kind": "image/jpeg", "source": "browser"}
    stub.push(*({"id": f"r{at}", "name": f"{at}.jpg", **same} for at in range(3)))
    uploads.wait_rows(3)
    return uploads


def headers(uploads: Uploads) -> list[str]:
    """Return the visible columns."""
    cells = uploads.root.locator(".ik-head .ik-cell:visible")
    return [text for text in cells.all_text_contents() if text != "Actions"]


def test_what_all_rows_share_is_in_the_toolbar(three: Uploads, stub: Stub) -> None:
    """A column is shown only if its values differ."""
    shared = three.root.locator(".ik-shared")
    shared.get_by_text("autumn").wait_for()
    assert headers(three) == ["Name", "Size", "Status"]
    assert shared.inner_text().split() == ["Upload", "to", "/in", "JPEG", "autumn"]
    stub.push({"id": "r1", "folder": "/out"}, {"id": "r2", "tags": []})
    three.root.locator(".ik-head .ik-tags").wait_for()
    assert headers(three) == ["Name", "Folder", "Tags", "Size", "Status"]


def test_what_all_rows_share_is_not_in_rows_that_come_back(uploads: Uploads, stub: Stub) -> None:
    """The list had no rows, and so no values that all of them share."""
    stub.push(*({"id": f"r{at}", "folder": "/in", "source": "browser"} for at in range(2)))
    uploads.wait_rows(2)
    rows = list(stub.rows.values())
    uploads.row("r0").locator(".ik-size").click()
    uploads.page.keyboard.press("Control+a")
    uploads.page.keyboard.press("Delete")
    uploads.root.locator(".ik-empty").wait_for()
    stub.push(*rows)
    uploads.row("r1").wait_for()
    uploads.root.locator(".ik-shared").get_by_text("/in").wait_for()
    uploads.page.wait_for_function("() => [...document.querySelectorAll('.ik-sub')].every(one => !one.textContent)")


def test_no_text_is_cut_off_at_its_foot(three: Uploads) -> None:
    """In lines as low as the letters, the underscore of a folder would be hidden."""
    low = three.root.evaluate("""root => [...root.querySelectorAll("*")].filter(one => {
        const { overflowY, lineHeight, fontSize } = getComputedStyle(one);
        const text = [...one.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim());
        return text && overflowY !== "visible" && parseFloat(lineHeight) < 1.2 * parseFloat(fontSize);
    }).map(one => one.outerHTML)""")
    assert low == []


def test_the_folder_of_all_files_is_changed_in_the_toolbar(three: Uploads) -> None:
    """Its button opens the panel for all files, at the folder."""
    three.button("Upload to /in: change the folder of all files").click()
    three.root.get_by_role("heading", name="Edit 3 files").wait_for()
    assert three.evaluate("() => document.activeElement.id").endswith("-folder")


def test_the_pointer_shows_what_can_be_done_with_a_row(three: Uploads) -> None:
    """The buttons of other rows are not seen, but keep their place."""
    opacity = "one => getComputedStyle(one).opacity"
    three.row("1.jpg").hover()
    buttons = three.row("1.jpg").locator(".ik-actions button:visible")
    assert [one.get_attribute("aria-label") for one in buttons.all()] == ["Preview 1.jpg", "Edit 1.jpg", "Remove 1.jpg"]
    assert [one.evaluate(opacity) for one in buttons.all()] == ["1"] * 3
    assert three.button("Preview 0.jpg").evaluate(opacity) == "0"


def test_the_focus_shows_what_can_be_done_with_a_row(three: Uploads) -> None:
    """The arrow keys reach the buttons."""
    three.row("1.jpg").locator(".ik-name").click()
    three.page.keyboard.press("End")
    assert three.evaluate("() => getComputedStyle(document.activeElement).opacity") == "1"
    assert three.evaluate("() => document.activeElement.getAttribute('aria-label')") == "Remove 1.jpg"


def test_a_right_click_opens_the_menu_of_a_row(three: Uploads, stub: Stub) -> None:
    """It has what the buttons do; the row is selected."""
    stub.push({"id": "r1", "state": "uploaded", "result": URL})
    three.wait_state("1.jpg", "Uploaded")
    three.row("1.jpg").locator(".ik-name").click(button="right")
    items = three.root.get_by_role("menuitem")
    assert items.all_inner_texts() == ["Preview", "Details", "Open in a new tab", "Copy"]
    assert three.row("1.jpg").get_attribute("aria-selected") == "true"
    items.nth(1).click()
    three.root.get_by_role("heading", name="Details").wait_for()


def test_a_card_has_a_preview_button_and_a_menu(three: Uploads) -> None:
    """Tab reaches them from the card with the focus."""
    three.button("Gallery").click()
    three.root.locator(".ik-card").first.click(position={"x": 20, "y": 20})
    three.page.keyboard.press("Tab")
    assert three.evaluate("() => document.activeElement.getAttribute('aria-label')") == "Preview 0.jpg"
    three.page.keyboard.press("Tab")
    three.page.keyboard.press("Enter")
    assert three.root.get_by_role("menuitem").all_inner_texts() == ["Preview", "Edit", "Remove"]


@pytest.mark.parametrize("width", [1000, 640, 390])
def test_selecting_and_editing_move_nothing(three: Uploads, width: int) -> None:
    """The list and the footer stay where they are: a double tap meets the same row twice."""
    three.page.set_viewport_size({"width": width, "height": 800})
    three.page.wait_for_timeout(100)
    before = [three.evaluate(BOX, name) for name in (".ik-row[data-id]", ".ik-footer")]
    three.row("0.jpg").locator(".ik-name").click()
    three.root.locator(".ik-selection").wait_for()
    assert [three.evaluate(BOX, name) for name in (".ik-row[data-id]", ".ik-footer")] == before
    three.page.keyboard.press("F2")
    three.root.locator(".ik-editor").wait_for()
    assert three.evaluate(BOX, ".ik-footer") == before[1]


def test_added_files_are_scrolled_to_and_marked(
    uploads: Uploads, stub: Stub, files: Callable[[int], list[str]]
) -> None:
    """The 41st file is below the fold: the page shows it, marks it for a moment, and says so."""
    stub.push(*({"id": f"r{at}", "name": f"{at}.jpg"} for at in range(40)))
    uploads.row("0.jpg").wait_for()
    uploads.choose(files(1))
    uploads.root.locator(".ik-row.ik-fresh").get_by_text("picture-0.png").wait_for()
    uploads.root.get_by_role("status").get_by_text("1 file added").wait_for(state="visible")
    bottoms = uploads.evaluate(
        """() => [".ik-fresh", ".ik-scroll"].map((name) =>
            document.querySelector(name).getBoundingClientRect().bottom)"""
    )
    assert bottoms[0] <= bottoms[1] + 1
    uploads.root.locator(".ik-fresh").wait_for(state="detached")


def test_added_files_that_a_filter_hides_are_mentioned(three: Uploads, files: Callable[[int], list[str]]) -> None:
    """The button of the message shows them."""
    three.root.get_by_role("searchbox").fill(".jpg")
    three.choose(files(1))
    three.root.get_by_role("status").get_by_text("1 file added, hidden by the filter").wait_for(state="visible")


def test_the_end_offers_links_csv_and_an_empty_list(three: Uploads, stub: Stub) -> None:
    """Cleared files leave the list, not the kernel, and come back with Undo."""
    stub.push(*({"id": f"r{at}", "state": "uploaded", "result": URL} for at in range(3)))
    three.wait_uploaded(3)
    footer = three.root.locator(".ik-footer")
    footer.get_by_text("3 files uploaded").wait_for()
    assert footer.locator("button:visible").all_inner_texts() == ["Copy all links", "", "Download CSV", "Clear"]
    three.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    three.button("Copy all links").click()
    three.root.get_by_role("status").get_by_text("3 copied").wait_for()
    assert three.evaluate("() => navigator.clipboard.readText()") == "\n".join([URL["url"]] * 3)
    three.button("Copy all as HTML or Markdown").click()
    three.root.get_by_role("menuitem", name="Copy Markdown").click()
    three.page.wait_for_function("async () => (await navigator.clipboard.readText()).startsWith('![')")
    three.button("Clear").click()
    three.root.get_by_text("Drag and drop files or folders here").wait_for()
    stub.push({"id": "r0", "state": "uploaded"})  # a later version of a cleared row
    three.root.get_by_role("status").get_by_role("button", name="Undo").click()
    three.wait_rows(3)
    assert three.bridge.of("remove") == []


def test_progress_is_in_the_row_and_in_the_title(three: Uploads, bridge: Bridge, stub: Stub) -> None:
    """The title is the page's own again when the run has ended."""
    title = three.page.title()
    stub.push(*({"id": f"r{at}", "state": "sending"} for at in range(3)))
    bridge.say({"type": "totals", "sent": 0, "bytes": 34, "of": 100, "rate": 10, "left": 7})
    three.page.wait_for_function("() => document.title.startsWith('34 % · ')")
    three.evaluate(
        "() => [...globalThis[Symbol.for('ikpipe.uploader.queues')]][0].store.setProgress('r1', 81, 100)",
    )
    three.row("1.jpg").get_by_text("Uploading 81 %").wait_for()
    stub.push(*({"id": f"r{at}", "state": "uploaded"} for at in range(3)))
    three.page.wait_for_function("title => document.title === title", arg=title)


def test_the_empty_uploader_is_clickable_as_a_whole(uploads: Uploads) -> None:
    """It is 160 pixels high, and a click beside its buttons chooses files."""
    empty = uploads.root.locator(".ik-empty")
    box = empty.bounding_box()
    assert box
    assert box["height"] == 160
    with uploads.page.expect_file_chooser():
        empty.click(position={"x": 12, "y": 12})


def test_pictures_fill_their_cards_or_are_shown_whole(three: Uploads, files: Callable[[int], list[str]]) -> None:
    """The button switches, and the slider sets the number of cards per line."""
    three.choose(files(1))
    three.button("Gallery").click()
    image = three.root.locator(".ik-card img")
    fit = "one => getComputedStyle(one).objectFit"
    assert image.evaluate(fit) == "cover"
    three.button("Show whole images").click()
    assert image.evaluate(fit) == "contain"
    per_line = "() => getComputedStyle(document.querySelector('.ik-grid')).getPropertyValue('--ik-per')"
    before = int(three.evaluate(per_line))
    three.root.get_by_label("Size of the cards").fill("320")
    assert int(three.evaluate(per_line)) < before


@pytest.mark.parametrize(
    ("private", "default", "signs"), [(True, False, 1), (None, True, 1), (False, True, 0), (None, False, 0)]
)
def test_private_files_have_a_sign(
    uploads: Uploads, stub: Stub, bridge: Bridge, private: Any, default: Any, signs: int
) -> None:
    """Also those that are private by default, in the table and in the gallery."""
    bridge.set(settings={"defaults": {"is_private_file": default}})
    stub.push({"id": "r0", "name": "a.jpg", **({} if private is None else {"private": private})})
    uploads.row("a.jpg").wait_for()
    assert uploads.row("a.jpg").get_by_role("img", name="Private file").count() == signs
    uploads.button("Gallery").click()
    uploads.root.locator(".ik-card").wait_for()
    assert uploads.root.locator(".ik-card").get_by_role("img", name="Private file").count() == signs


def test_a_stored_name_that_differs_is_below_the_name(three: Uploads, stub: Stub) -> None:
    """ImageKit stores some files under a unique name."""
    stub.push({"id": "r0", "state": "uploaded", "result": {"path": "/in/0_x7Yp.jpg"}})
    three.row("0.jpg").locator(".ik-sub").get_by_text("Stored as 0_x7Yp.jpg").wait_for()
    assert three.row("1.jpg").locator(".ik-sub").inner_text() == ""


# A target is the box of a control, or more: what belongs to it can lie around it.
SMALL = """() => {
    const reach = (one, x, y, dx, dy) => {
        const hit = (n) => one.contains(document.elementFromPoint(x + n * dx, y + n * dy));
        let pixels = 0;
        while (pixels < 44 && hit(pixels + 1)) pixels++;
        return pixels;
    };
    const target = (one) => {
        const { width, height } = one.getBoundingClientRect();
        if (Math.min(width, height) >= 44) return [width, height];
        one.scrollIntoView({ block: "center" });
        const { left, top } = one.getBoundingClientRect();
        const [x, y] = [left + width / 2, top + height / 2];
        return [
            reach(one, x, y, -1, 0) + 1 + reach(one, x, y, 1, 0),
            reach(one, x, y, 0, -1) + 1 + reach(one, x, y, 0, 1),
        ];
    };
    const root = document.querySelector("dialog[open]") ?? document.querySelector(".ikpipe");
    return [...root.querySelectorAll("button, select, input:not([type=file], [type=range])")]
        .filter((one) => one.checkVisibility({ opacityProperty: true }) && !one.closest(".ik-hidden, .ik-header"))
        .map((one) => [one.getAttribute("aria-label") || one.textContent, ...target(one.closest("label") ?? one)])
        .filter(([, width, height]) => Math.min(width, height) < 43)
        .map(([name, width, height]) => `${name}: ${width} x ${height}`);
}"""


@pytest.mark.parametrize("scene", [broken, ended, gallery, editor, details, choose_again, preview])
def test_targets_are_large_enough_for_fingers(
    chromium: Browser, emulator: Emulator, tmp_path: Path, scene: Callable[..., None]
) -> None:
    """On a phone, all buttons and fields are 44 pixels or more, less the line that two of them share."""
    with ExitStack() as stack:
        studio = Studio(chromium, tmp_path, emulator, stack)
        uploads, stub = studio.open(**VARIANTS["phone"])
        stack.callback(uploads.page.context.close)
        scene(studio, uploads, stub)
        assert uploads.evaluate(SMALL) == []


def test_a_phone_takes_photos(
    chromium: Browser, emulator: Emulator, tmp_path: Path, files: Callable[[int], list[str]]
) -> None:
    """The button opens the camera, before and after there are files."""
    with ExitStack() as stack:
        studio = Studio(chromium, tmp_path, emulator, stack)
        uploads, _ = studio.open(**VARIANTS["phone"])
        stack.callback(uploads.page.context.close)
        for count, path in enumerate(files(2), start=1):
            with uploads.page.expect_file_chooser() as chooser:
                uploads.root.get_by_role("button", name="Take a photo").locator("visible=true").click()
            assert chooser.value.element.get_attribute("capture") == "environment"
            chooser.value.set_files(path)
            uploads.wait_rows(count)


def test_a_page_with_a_mouse_offers_no_camera(uploads: Uploads) -> None:
    """A computer's file chooser would open instead."""
    uploads.root.get_by_role("button", name="Add files").locator("visible=true").wait_for()
    assert not uploads.root.get_by_role("button", name="Take a photo").count()


def test_the_docs_show_forty_states() -> None:
    """The sheet of screenshots is made of them."""
    assert sum(len(variants) for _scene, variants in SCENES) >= 40
