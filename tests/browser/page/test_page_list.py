"""The list: select, filter and sort with the mouse, and with the keyboard alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from driver import Uploads
    from stub import Stub


NAMES = ["b.jpg", "a10.jpg", "a9.png", "c.mp4"]


@pytest.fixture
def four(uploads: Uploads, stub: Stub) -> Uploads:
    """Return a page with four rows."""
    sizes = [300, 20, 5000, 100]
    stub.push(*({"id": f"r{at}", "name": name, "size": sizes[at]} for at, name in enumerate(NAMES)))
    uploads.wait_rows(4)
    return uploads


def names(uploads: Uploads) -> list[str]:
    """Return the names of the rows in order."""
    return uploads.root.locator(".ik-row[data-id] .ik-name .ik-text").all_text_contents()


def selected(uploads: Uploads) -> list[str]:
    """Return the names of the selected rows in order."""
    return uploads.root.locator('.ik-row[aria-selected="true"] .ik-name .ik-text').all_text_contents()


def test_a_click_selects_one_row(four: Uploads) -> None:
    """The others are deselected."""
    four.row("b.jpg").click()
    four.row("c.mp4").click()
    assert selected(four) == ["c.mp4"]


def test_control_adds_and_shift_spans(four: Uploads) -> None:
    """Control and Shift select as in a file manager."""
    four.row("b.jpg").click()
    four.row("a9.png").click(modifiers=["Control"])
    assert selected(four) == ["b.jpg", "a9.png"]
    four.row("b.jpg").click()
    four.row("a9.png").click(modifiers=["Shift"])
    assert selected(four) == ["b.jpg", "a10.jpg", "a9.png"]


def test_the_selection_is_sent_once(four: Uploads) -> None:
    """Several quick changes are one message."""
    four.root.focus()
    four.row("b.jpg").click()
    four.page.keyboard.press("Control+a")
    four.page.keyboard.press("Escape")
    four.page.keyboard.press("Control+a")
    assert four.bridge.wait_for("select")[-1]["ids"] == ["r0", "r1", "r2", "r3"]
    assert len(four.bridge.of("select")) <= 2


def test_the_kernel_selects(four: Uploads) -> None:
    """The page shows what Python selects, and does not send it back."""
    four.bridge.say({"type": "select", "ids": ["r1"]})
    four.root.locator('.ik-row[aria-selected="true"]').wait_for()
    assert selected(four) == ["a10.jpg"]
    assert four.bridge.of("select") == []


def test_arrows_move_and_shift_selects(four: Uploads) -> None:
    """Arrows alone select nothing, with Shift they extend the selection, and Space toggles a row."""
    press = four.page.keyboard.press
    four.row("b.jpg").click()
    press("Escape")
    press("ArrowDown")
    assert selected(four) == []
    press("Space")
    assert selected(four) == ["a10.jpg"]
    press("Shift+ArrowDown")
    assert selected(four) == ["a10.jpg", "a9.png"]


def test_the_list_is_one_stop_of_tab(four: Uploads) -> None:
    """Tab leaves the list from any row, and Shift+Tab returns to it."""
    four.row("a10.jpg").click()
    press = four.page.keyboard.press
    inside = "() => Boolean(document.activeElement.closest('.ik-grid'))"
    assert four.evaluate(inside)
    press("Tab")
    assert not four.evaluate(inside)
    press("Shift+Tab")
    assert four.evaluate("() => document.activeElement.closest('[data-id]').dataset.id") == "r1"


def test_left_and_right_reach_the_buttons_of_a_row(four: Uploads, stub: Stub) -> None:
    """The left and right arrows move between the buttons of a row."""
    stub.push({"id": "r0", "source": "browser"})
    four.button("Remove b.jpg").wait_for()
    four.row("b.jpg").click()
    four.page.keyboard.press("End")
    assert four.evaluate("() => document.activeElement.getAttribute('aria-label')") == "Remove b.jpg"
    four.page.keyboard.press("Home")
    assert four.evaluate("() => document.activeElement.className").startswith("ik-cell ik-name")


def test_delete_removes_what_was_picked(four: Uploads, stub: Stub) -> None:
    """Rows of the input stay, and the focus moves to the next row."""
    stub.push(*({"id": one, "source": "browser"} for one in ("r0", "r1")))
    four.button("Remove a10.jpg").wait_for()
    four.row("b.jpg").click()
    four.page.keyboard.press("Control+a")
    four.page.keyboard.press("Delete")
    four.wait_rows(2)
    assert names(four) == ["a9.png", "c.mp4"]
    assert four.evaluate("() => document.activeElement.closest('[data-id]').dataset.id") == "r2"


@pytest.mark.parametrize("state", ["uploaded", "exists", "accepted", "unknown"])
def test_delete_keeps_files_that_may_be_stored(four: Uploads, stub: Stub, state: str) -> None:
    """Otherwise its status would never be known."""
    stub.push({"id": "r0", "source": "browser", "state": state}, {"id": "r1", "source": "browser"})
    four.button("Remove a10.jpg").wait_for()
    four.row("b.jpg").click()
    four.page.keyboard.press("Control+a")
    four.page.keyboard.press("Delete")
    four.wait_rows(3)
    assert names(four) == ["b.jpg", "a9.png", "c.mp4"]
    assert four.bridge.of("remove")[0]["ids"] == ["r1"]


def test_delete_keeps_rows_that_are_not_shown(four: Uploads, stub: Stub) -> None:
    """Only the selected rows that the filter shows are removed."""
    stub.push(*({"id": f"r{at}", "source": "browser"} for at in range(4)))
    four.button("Remove c.mp4").wait_for()
    four.row("b.jpg").click()
    four.page.keyboard.press("Control+a")
    four.root.get_by_role("searchbox").fill("png")
    four.wait_rows(1)
    four.row("a9.png").locator(".ik-size").focus()
    four.page.keyboard.press("Delete")
    assert four.bridge.wait_for("remove")[0]["ids"] == ["r2"]


def test_no_key_reaches_the_notebook(four: Uploads) -> None:
    """A notebook's shortcuts would cut and insert cells."""
    four.row("b.jpg").click()
    for key in ("x", "b", "d", "Enter", "Escape", "a", "ArrowDown"):
        four.page.keyboard.press(key)
    four.root.get_by_role("searchbox").fill("x")
    four.page.keyboard.press("Enter")
    assert four.evaluate("() => window.leaks") == []


def test_text_filters(four: Uploads) -> None:
    """Only rows with the text in name, folder, tags or type are shown."""
    four.root.get_by_role("searchbox").fill("PNG")
    four.wait_rows(1)
    assert names(four) == ["a9.png"]
    four.root.get_by_role("searchbox").fill("nothing at all")
    four.button("Clear filters").click()
    four.wait_rows(4)


def test_states_filter(four: Uploads, stub: Stub) -> None:
    """A state's button shows the rows in it, and all rows when it is pressed again."""
    stub.push({"id": "r1", "state": "failed", "result": {"message": "No."}})
    four.button("Not uploaded 1").click()
    four.wait_rows(1)
    assert names(four) == ["a10.jpg"]
    four.button("Not uploaded 1").click()
    four.wait_rows(4)


def test_headers_sort(four: Uploads) -> None:
    """Numbers in names are sorted as numbers, and a second press reverses the order."""
    four.root.get_by_role("columnheader", name="Name").get_by_role("button").click()
    four.root.locator('[aria-sort="ascending"]').wait_for()
    assert names(four) == ["a9.png", "a10.jpg", "b.jpg", "c.mp4"]
    four.root.get_by_role("columnheader", name="Name").get_by_role("button").click()
    four.root.locator('[aria-sort="descending"]').wait_for()
    assert names(four) == ["c.mp4", "b.jpg", "a10.jpg", "a9.png"]


def test_the_gallery_shows_the_same_rows(four: Uploads) -> None:
    """Both views share selection, filter and order; in the gallery, arrows move in two dimensions."""
    four.row("b.jpg").click()
    four.button("Gallery").click()
    four.root.locator('.ik-card[aria-selected="true"]').wait_for()
    assert four.root.locator(".ik-card .ik-text").all_text_contents() == NAMES
    four.root.locator(".ik-card").first.click()
    four.page.keyboard.press("ArrowRight")
    assert four.evaluate("() => document.activeElement.dataset.id") == "r1"
    four.root.get_by_label("Sort by").select_option("size")
    four.root.locator('.ik-card[data-id="r1"]:first-child').wait_for()
    assert four.root.locator(".ik-card .ik-text").all_text_contents() == ["a10.jpg", "c.mp4", "b.jpg", "a9.png"]


def test_markup_in_a_name_is_text(uploads: Uploads, stub: Stub) -> None:
    """HTML in a file's name is shown as text."""
    evil = '<img src=x onerror="window.hurt = 1"><script>window.hurt = 1</script>.jpg'
    url = {"url": "javascript:window.hurt=1"}
    stub.push({"id": "r0", "name": evil, "tags": [evil], "folder": evil, "state": "uploaded", "result": url})
    uploads.row(evil).wait_for()
    uploads.row(evil).dblclick()
    uploads.root.get_by_role("dialog").wait_for()
    assert uploads.evaluate("() => window.hurt") is None
    assert uploads.root.locator('a[href^="javascript"]').count() == 0
