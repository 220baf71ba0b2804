"""Thousands of rows: the size of the page, and how long its tasks block the browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from page_tasks import traced_tasks
from shots import many

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge import Bridge
    from driver import Uploads
    from stub import Stub


LONGEST = 100  # ms that a task may take


@pytest.fixture
def five_thousand(uploads: Uploads, stub: Stub) -> Uploads:
    """Return a page with 5,000 rows."""
    many(stub, 5000)
    uploads.wait_rows(5000)
    return uploads


def test_only_rows_in_view_are_in_the_page(five_thousand: Uploads) -> None:
    """At any scroll position, the page has a few dozen rows."""
    rows = five_thousand.root.locator(".ik-row[data-id]")
    assert rows.count() < 40
    five_thousand.root.locator(".ik-scroll").evaluate("one => one.scrollTo(0, 100_000)")
    five_thousand.row("SKU-02275-back.jpg").wait_for()
    assert rows.count() < 40


def test_a_narrow_page_has_a_full_width_upload_button(five_thousand: Uploads) -> None:
    """At 360 pixels the button is as wide as the field that filters, with one line of text; so are no other buttons."""
    five_thousand.page.set_viewport_size({"width": 360, "height": 640})
    root = five_thousand.root
    upload, find = (root.locator(name).bounding_box() for name in (".ik-footer .ik-primary", ".ik-search"))
    others = root.locator(".ik-toolbar > :not(.ik-search):visible")
    assert upload
    assert find
    assert (upload["width"], upload["height"]) == (find["width"], find["height"])
    assert len({one.evaluate("one => one.getBoundingClientRect().top") for one in others.all()}) == 1


def test_the_keyboard_goes_to_the_end_at_once(five_thousand: Uploads) -> None:
    """The last row is in view, and has the focus."""
    five_thousand.row("SKU-00000-front.jpg").click()
    five_thousand.page.keyboard.press("Control+End")
    assert five_thousand.evaluate("() => document.activeElement.closest('[data-id]').dataset.id") == "r4999"
    assert five_thousand.row("SKU-04999-back.jpg").is_visible()


@pytest.mark.usefixtures("own_page")
def test_images_at_urls_are_loaded_only_in_view(uploads: Uploads, stub: Stub, bridge: Bridge) -> None:
    """Opening a notebook does not download thousands of images."""
    asked: list[str] = []
    uploads.page.on("request", lambda request: asked.append(request.url))
    stub.push(*({"id": f"r{at}", "href": f"{bridge.url}p/{at}.png", "kind": "image/png"} for at in range(1000)))
    uploads.wait_rows(1000)
    uploads.page.wait_for_function("() => document.querySelector('.ik-thumb img, .ik-thumb .ik-icon')")
    uploads.page.wait_for_function(
        "() => performance.getEntriesByType('resource').some(one => /[/]p[/]0/.test(one.name))"
    )
    assert 0 < len([one for one in asked if "/p/" in one]) < 40


def test_no_task_takes_long(uploads: Uploads, stub: Stub) -> None:
    """No action on 20,000 rows takes a task of more than 100 ms of the processor."""
    with traced_tasks(uploads.page) as tasks:
        many(stub, 20_000)
        uploads.wait_rows(20_000)
        use(uploads)
    assert 0 < max(task.processor for task in tasks) < LONGEST


@pytest.mark.parametrize(
    ("tags", "messages"), [(lambda _at: ["new"], 1), (lambda at: ["new", f"sku-{at}"], 4)], ids=["same", "own"]
)
def test_a_tag_for_all_rows_takes_no_long_task(
    uploads: Uploads, stub: Stub, tags: Callable[[int], list[str]], messages: int
) -> None:
    """Each of 20,000 rows keeps its other tags, whether all rows have the same or each has its own."""
    stub.push(*({"id": f"r{at}", "tags": tags(at)} for at in range(20_000)))
    uploads.wait_rows(20_000)
    uploads.row("r0").click()
    uploads.page.keyboard.press("Control+a")
    uploads.button("Edit").click()
    field = uploads.root.get_by_label("Tags", exact=True)
    with traced_tasks(uploads.page) as tasks:
        field.fill("autumn")
        field.press("Enter")
        uploads.button("Remove tag autumn").wait_for()
        uploads.bridge.wait_for("edit", messages)
    assert stub.rows["r19999"]["tags"] == [*tags(19_999), "autumn"]
    assert 0 < max(task.processor for task in tasks) < LONGEST


def use(uploads: Uploads) -> None:
    """Scroll, select, filter, sort, and open the panel for all rows."""
    page, root = uploads.page, uploads.root
    root.locator(".ik-scroll").evaluate(
        """async one => {
            for (let at = 0; at < 200_000; at += 4_000) {
                one.scrollTo(0, at);
                await new Promise(requestAnimationFrame);
            }
            one.scrollTo(0, 0);
        }"""
    )
    uploads.row("SKU-00000-front.jpg").click()
    page.keyboard.press("Control+a")
    root.get_by_text("20,000 selected").wait_for()
    uploads.button("Edit").click()
    root.locator(".ik-editor h2").get_by_text("20,000 files").wait_for()
    uploads.button("Edit").click()
    uploads.row("SKU-00000-front.jpg").click()
    page.keyboard.press("Escape")
    page.keyboard.press("Shift+Control+End")
    root.get_by_role("searchbox").press_sequentially("front")
    uploads.wait_rows(6667)
    root.get_by_role("searchbox").fill("")
    uploads.wait_rows(20_000)
    for column in ("Name", "Size", "Folder"):
        root.get_by_role("columnheader", name=column).get_by_role("button").click()
        root.locator(f'[aria-sort][data-column="{column.lower()}"]').wait_for()
    uploads.button("Gallery").click()
    root.locator(".ik-card").first.wait_for()
