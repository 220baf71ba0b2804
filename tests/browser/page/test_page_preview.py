"""The preview: zooming, full screen, editing from file to file, and comparing two pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from axe import violations

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from driver import Uploads
    from playwright.sync_api import Locator
    from stub import Stub

SCALES = """() => [...document.querySelectorAll(".ik-picture")].map(
    one => Math.round(100 * one.getBoundingClientRect().width / one.offsetWidth) / 100)"""


@pytest.fixture
def opened(uploads: Uploads, files: Callable[[int], list[str]]) -> Uploads:
    """Return a page with three pictures of 64 by 48 pixels, and the preview of the first."""
    uploads.choose(files(3))
    uploads.wait_rows(3)
    uploads.row("picture-0.png").dblclick()
    uploads.root.locator(".ik-area-edit").wait_for()
    return uploads


@pytest.fixture
def large(uploads: Uploads, picture: Callable[..., bytes], tmp_path: Path) -> Uploads:
    """Return a page with the preview of a picture that is as large as its place, and zoomed to 5 times of that."""
    path = tmp_path / "large.png"
    path.write_bytes(picture(9, size=(1200, 900)))
    uploads.choose([str(path)])
    uploads.wait_rows(1)
    uploads.row("large.png").dblclick()
    uploads.root.locator(".ik-area-edit").wait_for()
    for _ in range(4):
        uploads.page.keyboard.press("+")
    return uploads


def scale(uploads: Uploads) -> float:
    """Return the scale of the picture that is shown."""
    [found] = uploads.evaluate(SCALES)
    return float(found)


def field(uploads: Uploads, label: str) -> Locator:
    """Return a field of the preview."""
    return uploads.root.locator(".ik-preview-fields").get_by_label(label, exact=True)


def wait(uploads: Uploads, condition: Callable[[], bool]) -> None:
    """Wait until something is so in the kernel."""
    for _ in range(600):
        if condition():
            return
        uploads.page.wait_for_timeout(20)
    raise AssertionError("it did not happen")


def center(picture: Locator) -> tuple[float, float]:
    """Return the middle of an element."""
    box = picture.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@pytest.mark.parametrize(("keys", "expected"), [("+", 1.5), ("++", 2.25), ("++-", 1.5), ("++0", 1), ("-", 1)])
def test_keys_zoom(opened: Uploads, keys: str, expected: float) -> None:
    """Plus and minus change the scale, 0 shows the whole picture."""
    for key in keys:
        opened.page.keyboard.press(key)
    assert scale(opened) == expected


def test_buttons_zoom(opened: Uploads) -> None:
    """The percentage is that of the picture's own pixels, and a press on it shows the whole picture."""
    opened.button("Zoom in").click()
    opened.button("150 %: show the whole image").click()
    assert scale(opened) == 1


def test_a_wheel_zooms_at_the_pointer(opened: Uploads) -> None:
    """The point below the pointer stays there."""
    x, y = center(opened.root.locator(".ik-picture"))
    opened.page.mouse.move(x, y)
    opened.page.mouse.wheel(0, -1200)
    opened.page.wait_for_function(f"() => ({SCALES})()[0] > 3")
    assert center(opened.root.locator(".ik-picture")) == (pytest.approx(x, abs=2), pytest.approx(y, abs=2))


def test_a_zoomed_picture_is_dragged(large: Uploads) -> None:
    """With the pointer, as far as its border."""
    picture = large.root.locator(".ik-picture")
    x, y = center(picture)
    large.page.mouse.move(x, y)
    large.page.mouse.down()
    large.page.mouse.move(x - 30, y - 20, steps=3)
    assert center(picture) == (pytest.approx(x - 30, abs=2), pytest.approx(y - 20, abs=2))
    large.page.mouse.move(x + 5000, y, steps=3)
    large.page.mouse.up()
    box, stage = picture.bounding_box(), large.root.locator(".ik-stage").bounding_box()
    assert box is not None
    assert stage is not None
    assert box["x"] == pytest.approx(stage["x"], abs=20)


def test_shift_and_arrows_move_a_zoomed_picture(large: Uploads) -> None:
    """Arrows alone show another file."""
    picture = large.root.locator(".ik-picture")
    before = center(picture)
    large.page.keyboard.press("Shift+ArrowRight")
    assert center(picture)[0] < before[0]


def test_two_fingers_zoom(opened: Uploads) -> None:
    """A pinch zooms, and moves with the fingers."""
    x, y = center(opened.root.locator(".ik-stage"))
    session = opened.page.context.new_cdp_session(opened.page)

    def touch(kind: str, apart: float) -> None:
        points = [{"x": x - apart, "y": y, "id": 1}, {"x": x + apart, "y": y, "id": 2}]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points if apart else []})

    touch("touchStart", 20)
    touch("touchMove", 40)
    touch("touchMove", 60)
    touch("touchEnd", 0)
    session.detach()
    assert scale(opened) == pytest.approx(3, rel=0.1)


def test_another_file_is_shown_as_a_whole(opened: Uploads) -> None:
    """The zoom of the previous one does not apply to it."""
    opened.page.keyboard.press("+")
    opened.page.keyboard.press("ArrowRight")
    opened.root.locator(".ik-area-edit").wait_for()
    assert scale(opened) == 1


def test_an_area_is_drawn_in_a_zoomed_picture(opened: Uploads, stub: Stub) -> None:
    """It is in pixels of the picture at any scale."""
    opened.page.keyboard.press("+")
    opened.page.keyboard.press("+")
    opened.button("Draw an area").click()
    box = opened.root.locator(".ik-area-sheet").bounding_box()
    assert box is not None
    opened.page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 4)
    opened.page.mouse.down()
    opened.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=3)
    opened.page.mouse.up()
    opened.wait_value("Width", "16")
    assert stub.rows["b0"]["coordinates"] == "16,12,16,12"


def test_the_preview_fills_the_screen(opened: Uploads) -> None:
    """And Escape leaves the full screen first."""
    opened.button("Full screen").click()
    opened.page.wait_for_function("() => document.fullscreenElement?.matches('.ik-preview-frame')")
    assert opened.button("Full screen").get_attribute("aria-pressed") == "true"
    opened.button("Full screen").click()
    opened.page.wait_for_function("() => !document.fullscreenElement")
    assert opened.button("Full screen").get_attribute("aria-pressed") == "false"


def test_the_preview_fills_the_window_where_it_may_not_fill_the_screen(opened: Uploads) -> None:
    """Some hosts show a notebook in a frame without the right to the full screen."""
    opened.evaluate("() => { Element.prototype.requestFullscreen = () => Promise.reject(new TypeError()); }")
    opened.button("Full screen").click()
    opened.root.locator(".ik-preview.ik-full").wait_for()
    width = opened.evaluate("() => document.querySelector('.ik-preview').getBoundingClientRect().width")
    assert width == opened.page.viewport_size["width"]  # type: ignore[index]


def test_what_is_typed_is_saved_on_moving(opened: Uploads, stub: Stub) -> None:
    """Page Down shows the next file; the focus stays in the field, and the text goes to the file it was typed for."""
    description = field(opened, "Description")
    for text in ("a shoe", "a sock"):
        description.fill(text)
        opened.page.keyboard.press("PageDown")
    opened.page.wait_for_function("() => document.querySelector('.ik-preview h2').textContent === 'picture-2.png'")
    assert description.evaluate("field => field === document.activeElement")
    assert description.input_value() == ""
    wait(opened, lambda: stub.rows["b1"].get("description") == "a sock")
    assert stub.rows["b0"]["description"] == "a shoe"


def test_buttons_save_what_is_typed(opened: Uploads, stub: Stub) -> None:
    """Also a tag without Enter, and a name, which keeps its extension."""
    field(opened, "Name").fill("hero")
    field(opened, "Tags").fill("autumn")
    opened.button("Next file").click()
    wait(opened, lambda: stub.rows["b0"].get("tags") == ["autumn"] and stub.rows["b0"]["name"] == "hero.png")


def test_closing_saves_what_is_typed(opened: Uploads, stub: Stub) -> None:
    """As in the panel."""
    field(opened, "Description").fill("a shoe")
    opened.button("Close").click()
    wait(opened, lambda: stub.rows["b0"].get("description") == "a shoe")


def test_escape_takes_back_what_is_typed(opened: Uploads, stub: Stub) -> None:
    """And does not close the preview; a second Escape does."""
    field(opened, "Description").fill("a sh")
    opened.page.keyboard.press("Escape")
    assert field(opened, "Description").input_value() == ""
    opened.page.keyboard.press("Escape")
    opened.root.locator(".ik-preview").wait_for(state="detached")
    assert "description" not in stub.rows["b0"]


def test_an_uploaded_file_has_no_fields(opened: Uploads, stub: Stub) -> None:
    """Its details are shown instead, and the focus stays in the preview."""
    field(opened, "Description").focus()
    stub.push({"id": "b1", "state": "uploaded", "description": "a shoe"})
    opened.page.keyboard.press("PageDown")
    opened.root.locator(".ik-facts").get_by_text("a shoe").wait_for()
    assert opened.root.locator(".ik-preview-fields").is_hidden()
    assert opened.evaluate("() => document.activeElement.textContent") == "picture-1.png"


@pytest.fixture
def compared(uploads: Uploads, files: Callable[[int], list[str]]) -> Uploads:
    """Return a page that compares two pictures."""
    uploads.choose(files(3))
    uploads.wait_rows(3)
    uploads.row("picture-0.png").click()
    uploads.row("picture-2.png").click(modifiers=["Control"])
    uploads.button("Compare").click()
    uploads.page.wait_for_function("() => document.querySelectorAll('.ik-side .ik-zoomable').length === 2")
    return uploads


def test_two_pictures_are_zoomed_together(compared: Uploads) -> None:
    """By keys and by the wheel over one of them, also where they are moved."""
    names = compared.root.locator(".ik-side strong").all_text_contents()
    assert names == ["picture-0.png", "picture-2.png"]
    compared.page.keyboard.press("+")
    compared.page.mouse.move(*center(compared.root.locator(".ik-stage").nth(1)))
    compared.page.mouse.wheel(0, -800)
    compared.page.wait_for_function(f"() => ({SCALES})()[0] > 2")
    left, right = compared.evaluate(SCALES)
    assert left == right


def test_a_comparison_ends(compared: Uploads) -> None:
    """Its object URLs are revoked, and the list has the focus again."""
    compared.page.keyboard.press("Escape")
    compared.root.locator(".ik-comparison").wait_for(state="detached")
    assert compared.evaluate("() => Boolean(document.activeElement.closest('.ikpipe'))")


def test_three_files_are_not_compared(compared: Uploads) -> None:
    """The button is there for two pictures only."""
    compared.page.keyboard.press("Escape")
    compared.root.locator(".ik-comparison").wait_for(state="detached")
    compared.page.keyboard.press("Control+a")
    compared.root.get_by_text("3 selected").wait_for()
    assert compared.button("Compare").is_hidden()


def test_axe_finds_nothing_in_a_comparison(compared: Uploads) -> None:
    """In neither theme."""
    for scheme in ("light", "dark"):
        compared.page.emulate_media(color_scheme=scheme)
        compared.page.locator(f'[data-ik-theme="{scheme}"]').wait_for()
        assert violations(compared) == []
