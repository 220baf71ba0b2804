"""Accessibility: axe-core's rules in every state, light and dark, wide and narrow; keyboard; screen readers."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from axe import violations
from shots import FIELDS, SCENES, Studio

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from driver import Uploads
    from playwright.sync_api import Browser
    from stub import Stub

    from ikpipe.emulator import Emulator


def _trouble(_studio: Studio, uploads: Uploads, _stub: Stub) -> None:
    uploads.bridge.say({"type": "error", "message": "Something is wrong."})
    uploads.root.get_by_text("Something is wrong.").first.wait_for()


STATES = {scene.__name__.strip("_"): scene for scene in (*(scene for scene, _ in SCENES), _trouble)}
"""What is to be shown → how it comes about: the scenes of the contact sheet, and others."""
LOOKS: tuple[tuple[dict[str, str], int, list[str] | None], ...] = (
    ({"color_scheme": "light"}, 1000, None),
    ({"color_scheme": "dark"}, 1000, ["color-contrast"]),
    ({"color_scheme": "light", "forced_colors": "active"}, 1000, None),
    ({"color_scheme": "light"}, 640, None),
    ({"color_scheme": "light"}, 360, None),
)
"""Media features, the width in pixels, and the rules; None: all."""


@pytest.mark.parametrize("state", STATES)
def test_axe_finds_nothing(
    uploads: Uploads, stub: Stub, chromium: Browser, emulator: Emulator, tmp_path: Path, state: str
) -> None:
    """There are no violations in any state: light, dark, with high contrast, narrow, and as on a phone."""
    uploads.bridge.set(settings={"fields": FIELDS, "max_file_size": 25_000_000})
    STATES[state](Studio(chromium, tmp_path, emulator, ExitStack()), uploads, stub)
    for features, width, rules in LOOKS:
        uploads.page.emulate_media(reduced_motion="reduce", **{"forced_colors": "none", **features})
        uploads.page.set_viewport_size({"width": width, "height": 720})
        uploads.page.locator(f'[data-ik-theme="{features["color_scheme"]}"]').wait_for()
        assert violations(uploads, only=rules) == []


def test_high_contrast_tells_selected_rows_from_others(uploads: Uploads, files: Callable[[int], list[str]]) -> None:
    """Only the selected row has a check mark, in the table and in the gallery."""
    uploads.page.emulate_media(forced_colors="active")
    uploads.choose(files(2))
    uploads.wait_rows(2)
    uploads.row("picture-0.png").locator(".ik-mark").click()
    checks = uploads.root.locator(".ik-mark .ik-icon")
    for layout in ("Table", "Gallery"):
        uploads.button(layout).click()
        uploads.root.locator('[data-id][aria-selected="true"]').wait_for()
        assert [check.is_visible() for check in checks.all()] == [True, False]


@pytest.mark.usefixtures("own_page")
def test_an_upload_by_the_keyboard_alone(uploads: Uploads, files: Callable[[int], list[str]]) -> None:
    """Files can be chosen, selected and uploaded with Tab, arrows, Space and Enter."""
    press = uploads.page.keyboard.press
    # intercept file choosers from now on: together with the key press, it would sometimes be too late
    uploads.page.on("filechooser", lambda _chooser: None)
    uploads.root.focus()
    press("Tab")
    uploads.page.wait_for_function("() => document.activeElement.textContent === 'Add files'")
    with uploads.page.expect_file_chooser() as chooser:
        press("Enter")
    chooser.value.set_files(files(2))
    uploads.wait_rows(2)
    for _stop in range(30):
        if uploads.evaluate("() => Boolean(document.activeElement.closest('.ik-primary'))"):
            break
        press("Tab")
    press("Enter")
    uploads.wait_states(["Uploaded", "Uploaded"])


# Notebook 7 listens for keys before the widget does, and skips focused elements with this attribute.
SHORTCUTS = """() => {
    window.shortcuts = 0;
    const count = ({ target }) => { if (!target.hasAttribute("data-lm-suppress-shortcuts")) window.shortcuts += 1; };
    document.addEventListener("keydown", count, true);
}"""


def test_a_notebook_that_hears_keys_first_takes_no_shortcut(
    uploads: Uploads, files: Callable[[int], list[str]]
) -> None:
    """Otherwise, x cuts the cell with the uploader in it."""
    uploads.choose(files(1))
    uploads.wait_rows(1)
    uploads.evaluate(SHORTCUTS)
    uploads.row("picture-0.png").locator(".ik-size").click()
    uploads.page.keyboard.press("x")
    uploads.button("Add files").focus()
    uploads.page.keyboard.press("b")
    assert uploads.evaluate("() => window.shortcuts") == 0


def test_changes_are_announced_to_screen_readers(uploads: Uploads, files: Callable[[int], list[str]]) -> None:
    """The live region announces added files and their results."""
    status = uploads.root.get_by_role("status")
    uploads.choose(files(2))
    status.get_by_text("2 files added").wait_for(state="attached")
    uploads.button("Upload 2 files").click()
    status.get_by_text("2 files uploaded").wait_for(state="attached")


def test_the_theme_follows_the_page(uploads: Uploads) -> None:
    """Jupyter's and marimo's theme is used, otherwise that of the system."""
    theme = "() => document.querySelector('.ikpipe').dataset.ikTheme"
    assert uploads.evaluate(theme) == "light"
    uploads.evaluate("() => document.body.classList.add('dark')")
    uploads.page.locator('[data-ik-theme="dark"]').wait_for()
    uploads.evaluate("() => { document.body.dataset.jpThemeLight = 'true'; }")
    uploads.page.locator('[data-ik-theme="light"]').wait_for()


def test_it_works_in_a_shadow_root(uploads: Uploads, stub: Stub) -> None:
    """Keyboard and dialogs work in a notebook that shows widgets in a shadow root."""
    stub.push({"id": "r0", "name": "a.jpg"}, {"id": "r1", "name": "b.jpg"})
    uploads.evaluate(
        """async () => {
            window.end();
            const root = document.getElementById("cell").attachShadow({ mode: "open" });
            root.append(document.querySelector('link[rel="stylesheet"]').cloneNode());
            await window.show(window.model, root);
        }"""
    )
    uploads.row("a.jpg").click()
    uploads.page.keyboard.press("ArrowDown")
    uploads.page.keyboard.press("Enter")
    uploads.root.get_by_role("heading", name="b.jpg").wait_for()
