"""Accessibility: axe-core's rules in every state, light and dark, wide and narrow; keyboard; screen readers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from shots import FIELDS, mixed, problems, sending

if TYPE_CHECKING:
    from collections.abc import Callable

    from bridge import Bridge
    from driver import Uploads
    from stub import Stub

    Show = Callable[[str], Uploads]


def _sending(uploads: Uploads, stub: Stub, bridge: Bridge) -> None:
    sending(stub, bridge)
    uploads.root.get_by_text("2 of 8 files").wait_for()


def _problems(uploads: Uploads, stub: Stub, _bridge: Bridge) -> None:
    problems(stub)
    uploads.root.locator(".ik-folder .ik-problem-sign").first.click()


def _editor(uploads: Uploads, _stub: Stub, _bridge: Bridge) -> None:
    uploads.row("picture-1.png").click()
    uploads.button("Edit").click()


def _gallery(uploads: Uploads, stub: Stub, _bridge: Bridge) -> None:
    mixed(stub)
    uploads.button("Gallery").click()


def _preview(uploads: Uploads, _stub: Stub, _bridge: Bridge) -> None:
    uploads.row("picture-1.png").dblclick()
    uploads.root.locator(".ik-area-edit").wait_for()


def _menu(uploads: Uploads, stub: Stub, _bridge: Bridge) -> None:
    mixed(stub)
    uploads.row("picture-1.png").click(button="right")
    uploads.root.get_by_role("menu").wait_for()


def _details(uploads: Uploads, stub: Stub, _bridge: Bridge) -> None:
    mixed(stub)
    uploads.root.locator('[data-id="b0"] .ik-name').click()
    uploads.root.locator(".ik-toolbar").get_by_role("button", name="Details").click()


def _removed(uploads: Uploads, _stub: Stub, _bridge: Bridge) -> None:
    uploads.row("picture-1.png").click()
    uploads.page.keyboard.press("Delete")
    uploads.root.locator(".ik-toast").get_by_role("button").wait_for()


def _nothing_found(uploads: Uploads, _stub: Stub, _bridge: Bridge) -> None:
    uploads.root.get_by_role("searchbox").fill("invoice")
    uploads.root.locator(".ik-nothing").wait_for()


def _trouble(uploads: Uploads, _stub: Stub, bridge: Bridge) -> None:
    bridge.say({"type": "error", "message": "Something is wrong."})
    uploads.set_online(online=False)


STATES: dict[str, Callable[[Uploads, Stub, Bridge], object]] = {
    "empty": lambda _uploads, _stub, _bridge: None,
    "three": lambda _uploads, _stub, _bridge: None,
    "problems": _problems,
    "selected": lambda uploads, _stub, _bridge: uploads.row("picture-1.png").click(),
    "editor": _editor,
    "sending": _sending,
    "mixed": lambda _uploads, stub, _bridge: mixed(stub),
    "gallery": _gallery,
    "preview": _preview,
    "menu": _menu,
    "details": _details,
    "removed": _removed,
    "nothing found": _nothing_found,
    "trouble": _trouble,
}
"""What is to be shown → how eight picked files get there."""


@pytest.fixture
def show(uploads: Uploads, stub: Stub, bridge: Bridge, files: Callable[[int], list[str]]) -> Show:
    """Show the page in a state."""

    def show(state: str) -> Uploads:
        if state != "empty":
            bridge.set(settings={"fields": FIELDS, "max_file_size": 25_000_000})
            uploads.choose(files(8))
            uploads.wait_rows(8)
        STATES[state](uploads, stub, bridge)
        uploads.page.wait_for_function("() => true")
        return uploads

    return show


@pytest.mark.parametrize("state", STATES)
def test_axe_finds_nothing(show: Show, state: str) -> None:
    """There are no violations in any state, in both themes, wide and narrow."""
    uploads = show(state)
    for scheme, width in (("light", 1000), ("dark", 1000), ("light", 360)):
        uploads.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        uploads.page.set_viewport_size({"width": width, "height": 720})
        uploads.page.locator(f'[data-ik-theme="{scheme}"]').wait_for()
        assert violations(uploads, only=["color-contrast"] if scheme == "dark" else None) == []


def violations(uploads: Uploads, only: list[str] | None = None) -> list[Any]:
    """Return the violations that axe-core reports, shortened."""
    from axe_playwright_python.sync_playwright import Axe

    options = {"resultTypes": ["violations"], **({"runOnly": only} if only else {})}
    found = Axe().run(uploads.page, context=".ikpipe", options=options).response["violations"]
    return [
        (one["id"], [(node["html"][:200], node["failureSummary"][:300]) for node in one["nodes"][:3]]) for one in found
    ]


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
