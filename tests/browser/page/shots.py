"""Screenshots of every state of the widget: `PYTHONPATH=tests python tests/browser/page/shots.py FOLDER`."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import browsing
from bridge import Bridge
from driver import Uploads
from stub import Stub, problem

from ikpipe.cli.demo import data_folder
from ikpipe.emulator import Emulator

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FIELDS = [
    {"name": "brand", "label": "Brand", "type": "Text"},
    {"name": "price", "label": "Price", "type": "Number", "minValue": 0},
    {
        "name": "season",
        "label": "Season",
        "type": "SingleSelect",
        "selectOptions": ["spring", "summer", "autumn", "winter"],
    },
    {"name": "shown", "label": "On the web site", "type": "Boolean"},
    {"name": "since", "label": "On sale since", "type": "Date"},
    {"name": "rooms", "label": "Rooms", "type": "MultiSelect", "selectOptions": ["hall", "kitchen", "study"]},
]
LONG = 'A very long name of a file, as cameras and people give them, <b>with "signs"</b> & all (final, really) v2.jpg'
JUPYTER_DARK = """
:root { --jp-layout-color1: #111; --jp-layout-color2: #212121; --jp-border-color2: #424242;
  --jp-ui-font-color1: rgba(255, 255, 255, 0.87); --jp-brand-color1: #1976d2; --jp-content-link-color: #42a5f5;
  --jp-ui-font-family: system-ui; }
body { background: #111; color: #ddd; }
"""


class Studio:
    """Opens pages and saves screenshots of them."""

    def __init__(self, browser: Browser, folder: Path, emulator: Emulator, stack: ExitStack) -> None:
        self._browser, self._folder, self._emulator, self._stack = browser, folder, emulator, stack
        self.pictures = sorted(path for path in data_folder().iterdir() if path.suffix in {".jpg", ".png", ".webp"})

    def open(self, *, width: int = 1000, dark: bool = False, jupyter: bool = False) -> tuple[Uploads, Stub]:
        """Open a page with a stub."""
        bridge = self._stack.enter_context(Bridge())
        bridge.state = {"settings": {"max_file_size": 25_000_000, "fields": FIELDS}, "summary": {}}
        stub = Stub(bridge, self._emulator.account)
        scheme: Any = "dark" if dark else "light"
        context = self._browser.new_context(viewport={"width": width, "height": 640}, color_scheme=scheme)
        page = context.new_page()
        page.goto(bridge.url)
        page.wait_for_selector("html[data-ready]", state="attached")
        if jupyter:
            page.add_style_tag(content=JUPYTER_DARK)
        elif dark:
            page.add_style_tag(content="body { background: #1c1c1e; color: #ddd; }")
        return Uploads(page, bridge), stub

    def keep(self, uploads: Uploads, name: str) -> None:
        """Save a screenshot when all thumbnails are loaded."""
        uploads.page.wait_for_timeout(400)
        uploads.page.screenshot(path=self._folder / f"{name}.png")
        uploads.page.context.close()


def pick(studio: Studio, uploads: Uploads, count: int) -> None:
    """Pick some of the demo's images."""
    paths = [str(path) for path in studio.pictures[:count]]
    uploads.choose(paths)
    uploads.page.wait_for_function(f"document.querySelectorAll('.ik-row[data-id]').length >= {min(count, 8)}")


def mixed(stub: Stub) -> None:
    """Set rows to all final states."""
    ids = list(stub.rows)
    url = {"url": "https://ik.imagekit.io/demo/products/a.jpg", "path": "/products/a.jpg"}
    ends: list[dict[str, Any]] = [
        {"state": "uploaded", "result": url},
        {"state": "exists", "result": url},
        {
            "state": "failed",
            "result": {
                "error": "name_taken",
                "message": "A file of this name exists already.",
                "what": "Rename it, or allow overwrite_file.",
            },
        },
        {
            "state": "unknown",
            "result": {
                "error": "timed_out",
                "message": "No answer came in time.",
                "what": "Retry checks the library first.",
            },
        },
        {"state": "cancelled"},
        {"state": "uploaded", "result": url},
        {"state": "uploaded", "result": url},
    ]
    stub.push(*({"id": one, **end} for one, end in zip(ids, ends, strict=False)))


def sending(stub: Stub, bridge: Bridge) -> None:
    """Set rows to the states of a run."""
    states = ["uploaded", "uploaded", "processing", "sending", "sending", "queued", "queued", "queued"]
    rows = list(zip(stub.rows, states, strict=False))
    stub.push(*({"id": one, "state": "queued"} for one, _state in rows))
    stub.push(
        *({"id": one, "state": state, "result": {"url": "https://ik.imagekit.io/x/a.jpg"}} for one, state in rows)
    )
    bridge.say({"type": "totals", "sent": 2, "bytes": 3_400_000, "of": 8_100_000, "rate": 912_000, "left": 5.2})


def problems(stub: Stub) -> None:
    """Set problems of all kinds."""
    ids = list(stub.rows)
    bad = [
        problem("folder", "bad_character", "'#' is not allowed in a folder", "Remove or replace it.", "/shop/new_1"),
        problem(
            "file", "file_too_large", "The file is larger than 25 MB", "Make it smaller, or ask for a larger plan."
        ),
        problem(
            "file_name",
            "same_target",
            "The first row has the same folder and name",
            "Give it another name.",
            "bricks-2.jpg",
        ),
        problem("custom_metadata.price", "wrong_type", "'cheap' is not a number", "Fix the value."),
    ]
    for at, one in enumerate(bad):
        folder = {"folder": "/shop/new#1"} if at == 0 else {}
        stub.push({"id": ids[at], "state": "invalid", "problems": [one], **folder})


def many(stub: Stub, count: int) -> None:
    """Add 5,000 rows."""
    kinds = ["image/jpeg", "image/png", "video/mp4", "application/pdf"]
    rows = [
        {
            "id": f"r{at}",
            "name": f"SKU-{at:05d}-{['front', 'back', 'detail'][at % 3]}.jpg",
            "kind": kinds[at % 4 and at % 7 % 4],
            "size": 40_000 + at * 7919 % 4_000_000,
            "folder": f"/products/{['Acme', 'Ikon', 'Nord'][at % 3]}",
            "tags": ["new", "summer", "sale", "web", "print"][: at % 6],
        }
        for at in range(count)
    ]
    stub.push(*rows)


LIGHT: dict[str, Any] = {}
DARK = {"dark": True}
JUPYTER = {"dark": True, "jupyter": True}
NARROW = {"width": 360}


def take_all(studio: Studio) -> None:
    """Save all screenshots."""
    for scene in (empty, three, five_thousand, broken, under_way, ended, gallery, editor, preview, busy, drop):
        name = scene.__name__.replace("_", "-")
        for variant, options in (("light", LIGHT), ("dark", DARK), ("jupyter-dark", JUPYTER), ("narrow", NARROW)):
            uploads, stub = studio.open(**options)
            scene(studio, uploads, stub)
            studio.keep(uploads, f"{name}-{variant}")


def empty(_studio: Studio, _uploads: Uploads, _stub: Stub) -> None:
    """Show the uploader without rows."""


def three(studio: Studio, uploads: Uploads, _stub: Stub) -> None:
    """Show three files."""
    pick(studio, uploads, 3)


def five_thousand(_studio: Studio, uploads: Uploads, stub: Stub) -> None:
    """Show 5,000 rows."""
    many(stub, 5000)
    uploads.wait_rows(5000)


def broken(studio: Studio, uploads: Uploads, stub: Stub) -> None:
    """Show problems, one of them open."""
    pick(studio, uploads, 8)
    problems(stub)
    uploads.root.locator(".ik-problem-sign:visible, .ik-state-button:visible").first.click()


def under_way(studio: Studio, uploads: Uploads, stub: Stub) -> None:
    """Show a run in progress."""
    pick(studio, uploads, 8)
    sending(stub, uploads.bridge)


def ended(studio: Studio, uploads: Uploads, stub: Stub) -> None:
    """Show mixed results."""
    pick(studio, uploads, 8)
    mixed(stub)


def gallery(studio: Studio, uploads: Uploads, stub: Stub) -> None:
    """Show cards, two of them selected."""
    pick(studio, uploads, 14)
    mixed(stub)
    uploads.button("Gallery").click()
    uploads.root.locator(".ik-card").nth(1).click()
    uploads.root.locator(".ik-card").nth(3).click(modifiers=["Control"])


def editor(studio: Studio, uploads: Uploads, stub: Stub) -> None:
    """Show the panel for two rows and an uploaded one."""
    pick(studio, uploads, 6)
    stub.push({"id": "b0", "tags": ["sky", "space"], "folder": "/space"}, {"id": "b1", "tags": ["space"]})
    stub.push({"id": "b2", "state": "uploaded"})
    for at in range(3):
        uploads.root.locator(".ik-row[data-id] .ik-mark").nth(at).click()
    uploads.root.locator(".ik-toolbar").get_by_role("button", name="Edit").click()


def preview(studio: Studio, uploads: Uploads, stub: Stub) -> None:
    """Show an image with its focus area."""
    pick(studio, uploads, 6)
    stub.push({"id": "b0", "coordinates": "120,60,200,220", "tags": ["space", "nasa"]})
    uploads.root.locator(".ik-row[data-id] .ik-thumb").first.dblclick()
    uploads.page.wait_for_selector(".ik-area-edit")


def busy(studio: Studio, uploads: Uploads, stub: Stub) -> None:
    """Show a kernel that does not answer, an error, and a long name."""
    pick(studio, uploads, 3)
    stub.push({"id": "b1", "name": LONG})
    uploads.bridge.say({"type": "error", "message": "The account's metadata fields could not be read: 503"})
    stub.deaf = True
    uploads.root.locator(".ik-row[data-id]").first.click()
    uploads.page.wait_for_selector("text=Python is running another cell")


def drop(studio: Studio, uploads: Uploads, _stub: Stub) -> None:
    """Show where files can be dropped."""
    pick(studio, uploads, 4)
    uploads.root.evaluate(
        """root => {
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File(["x"], "a"));
            root.dispatchEvent(new DragEvent("dragenter", { bubbles: true, dataTransfer }));
        }"""
    )


def main(folder: Path) -> None:
    """Start the emulator and the browser, and take the screenshots."""
    folder.mkdir(parents=True, exist_ok=True)
    with Emulator() as emulator, browsing.browser() as running, ExitStack() as stack:
        take_all(Studio(running, folder, emulator, stack))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
