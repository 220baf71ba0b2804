"""Screenshots of every state of the widget, and the sheet of them in the docs.

`PYTHONPATH=tests python tests/browser/page/shots.py FOLDER [SCENE …]`
"""

from __future__ import annotations

import json
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
DOCS = Path(__file__).parents[3] / "docs"
JUPYTER_DARK = """
:root { --jp-layout-color1: #111; --jp-layout-color2: #212121; --jp-border-color2: #424242;
  --jp-ui-font-color1: rgba(255, 255, 255, 0.87); --jp-brand-color1: #1976d2; --jp-content-link-color: #42a5f5;
  --jp-ui-font-family: system-ui; }
body { background: #111; color: #ddd; }
"""


class Studio:
    """Opens pages and saves screenshots of them."""

    def __init__(self, browser: Browser, folder: Path, emulator: Emulator, stack: ExitStack) -> None:
        self._browser, self.folder, self._emulator, self._stack = browser, folder, emulator, stack
        self.pictures = sorted(path for path in data_folder().iterdir() if path.suffix in {".jpg", ".png", ".webp"})

    def open(
        self, *, width: int = 1000, height: int = 660, dark: bool = False, jupyter: bool = False, **context: Any
    ) -> tuple[Uploads, Stub]:
        """Open a page with a stub."""
        bridge = self._stack.enter_context(Bridge())
        bridge.state = {"settings": {"max_file_size": 25_000_000, "fields": FIELDS}, "summary": {}}
        stub = Stub(bridge, self._emulator.account)
        scheme: Any = "dark" if dark else "light"
        size: Any = {"width": width, "height": height}
        page = self._browser.new_context(viewport=size, color_scheme=scheme, locale="en-US", **context).new_page()
        page.goto(bridge.url)
        page.wait_for_selector("html[data-ready]", state="attached")
        page.add_style_tag(content="h1 { display: none; }")
        if jupyter:
            page.add_style_tag(content=JUPYTER_DARK)
        elif dark:
            page.add_style_tag(content="body { background: #1c1c1e; color: #ddd; }")
        return Uploads(page, bridge), stub

    def keep(self, uploads: Uploads, name: str) -> None:
        """Save a screenshot when all thumbnails are loaded."""
        uploads.page.wait_for_timeout(450)
        uploads.page.screenshot(path=self.folder / f"{name}.png")
        uploads.page.context.close()


def pick(studio: Studio, uploads: Uploads, count: int) -> None:
    """Pick some of the demo's images."""
    paths = [str(path) for path in studio.pictures[:count]]
    uploads.choose(paths)
    uploads.page.wait_for_function(f"document.querySelectorAll('[data-id]').length >= {min(count, 4)}")
    uploads.page.wait_for_timeout(300)  # until what was shown of the added files can be replaced
    quiet(uploads)


def quiet(uploads: Uploads) -> None:
    """Hide what announces the added files, which other screenshots show."""
    uploads.evaluate(
        """() => {
            document.querySelector(".ik-toast").classList.add("ik-hidden");
        }"""
    )
    uploads.page.add_style_tag(content=".ikpipe .ik-fresh { animation: none !important; }")


def mixed(stub: Stub) -> None:
    """Set rows to all final states."""
    ids = list(stub.rows)
    url = {"url": "https://ik.imagekit.io/demo/products/a.jpg"}
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


VARIANTS: dict[str, dict[str, Any]] = {
    "light": {},
    "dark": {"dark": True},
    "jupyter": {"dark": True, "jupyter": True},
    "narrow": {"width": 640},
    "phone": {"width": 390, "height": 760, "is_mobile": True, "has_touch": True},
    "contrast": {"forced_colors": "active"},
}


def empty(_studio: Studio, _uploads: Uploads, _stub: Stub) -> None:
    """Show the uploader without rows."""


def added(studio: Studio, uploads: Uploads, _stub: Stub) -> None:
    """Show files that were just added."""
    uploads.choose([str(path) for path in studio.pictures[:5]])
    uploads.root.locator("[data-id]").nth(4).wait_for()


def three(studio: Studio, uploads: Uploads, stub: Stub) -> None:
    """Show three files, of which one is private."""
    pick(studio, uploads, 3)
    stub.push({"id": "b1", "private": True, "tags": ["autumn", "sale"]})


def five_thousand(_studio: Studio, uploads: Uploads, stub: Stub) -> None:
    """Show 5,000 rows."""
    many(stub, 5000)
    uploads.root.locator('.ik-grid[aria-rowcount="5001"]').wait_for()


def broken(studio: Studio, uploads: Uploads, stub: Stub) -> None:
    """Show problems in groups."""
    pick(studio, uploads, 8)
    problems(stub)
    uploads.root.locator(".ik-problem-group").nth(3).wait_for()


def reason(studio: Studio, uploads: Uploads, stub: Stub) -> None:
    """Show what is wrong with a file."""
    broken(studio, uploads, stub)
    uploads.root.locator(".ik-problem-sign:visible, .ik-state-button:visible").first.click()


def hover(studio: Studio, uploads: Uploads, stub: Stub) -> None:
    """Show the buttons of a row."""
    pick(studio, uploads, 6)
    mixed(stub)
    uploads.root.locator("[data-id] .ik-name").nth(5).hover()


def menu(studio: Studio, uploads: Uploads, stub: Stub) -> None:
    """Show the menu of a row."""
    pick(studio, uploads, 6)
    mixed(stub)
    uploads.root.locator("[data-id] .ik-name").nth(1).click(button="right")


def selected(studio: Studio, uploads: Uploads, _stub: Stub) -> None:
    """Show some selected files."""
    pick(studio, uploads, 7)
    select(uploads, 3)


def select(uploads: Uploads, count: int) -> None:
    """Select the first files."""
    for at in range(count):
        uploads.root.locator("[data-id] .ik-mark").nth(at).click()


def under_way(studio: Studio, uploads: Uploads, stub: Stub) -> None:
    """Show a run in progress."""
    pick(studio, uploads, 8)
    sending(stub, uploads.bridge)
    queue(uploads, "queue => [['b3', 34], ['b4', 81]].forEach(([id, n]) => queue.store.setProgress(id, n, 100))")


def ended(studio: Studio, uploads: Uploads, stub: Stub) -> None:
    """Show mixed results."""
    pick(studio, uploads, 8)
    mixed(stub)


def done(studio: Studio, uploads: Uploads, stub: Stub) -> None:
    """Show that all files are uploaded."""
    pick(studio, uploads, 6)
    for one, row in list(stub.rows.items()):
        path = "/in/" + row["name"].replace(".", "_x7Yp2Qb.")
        result = {"url": f"https://ik.imagekit.io/demo{path}", "path": path}
        stub.push({"id": one, "folder": "/in", "state": "uploaded", "result": result})


def removed(studio: Studio, uploads: Uploads, _stub: Stub) -> None:
    """Show that a removal can be undone."""
    pick(studio, uploads, 6)
    select(uploads, 2)
    uploads.page.keyboard.press("Delete")
    uploads.root.locator(".ik-toast").get_by_role("button").wait_for()


def gallery(studio: Studio, uploads: Uploads, stub: Stub) -> None:
    """Show cards, two of them selected."""
    pick(studio, uploads, 14)
    mixed(stub)
    stub.push({"id": "b9", "private": True})
    uploads.button("Gallery").click()
    uploads.root.locator(".ik-card").nth(1).click()
    uploads.root.locator(".ik-card").nth(3).click(modifiers=["Control"])


def whole(studio: Studio, uploads: Uploads, _stub: Stub) -> None:
    """Show large cards with whole pictures, and the menu of one."""
    pick(studio, uploads, 14)
    uploads.button("Gallery").click()
    if (controls := uploads.root.get_by_label("Size of the cards")).is_visible():
        controls.fill("240")
        uploads.button("Show whole images").click()
    uploads.root.locator(".ik-card").first.click()
    uploads.root.locator(".ik-card .ik-more-button").first.click()


def editor(studio: Studio, uploads: Uploads, stub: Stub) -> None:
    """Show the panel for two rows and an uploaded one."""
    pick(studio, uploads, 6)
    stub.push({"id": "b0", "tags": ["sky", "space"], "folder": "/space"}, {"id": "b1", "tags": ["space"]})
    stub.push({"id": "b2", "state": "uploaded"})
    select(uploads, 3)
    uploads.root.locator(".ik-toolbar").get_by_role("button", name="Edit").click()


def one(studio: Studio, uploads: Uploads, stub: Stub) -> None:
    """Show the panel for one file with a problem."""
    pick(studio, uploads, 6)
    bad = problem("folder", "bad_character", "Folder contains a character that isn't allowed.", "", "/shop/new_1")
    stub.push({"id": "b0", "folder": "/shop/new#1", "tags": ["space"], "state": "invalid", "problems": [bad]})
    select(uploads, 1)
    uploads.root.locator(".ik-toolbar").get_by_role("button", name="Edit").click()


def details(studio: Studio, uploads: Uploads, stub: Stub) -> None:
    """Show the details of an uploaded file."""
    done(studio, uploads, stub)
    uploads.root.locator("[data-id] .ik-name").nth(1).click()
    uploads.root.locator(".ik-toolbar").get_by_role("button", name="Details").click()


def preview(studio: Studio, uploads: Uploads, stub: Stub) -> None:
    """Show an image with its focus area."""
    pick(studio, uploads, 6)
    stub.push({"id": "b0", "coordinates": "120,60,200,220", "tags": ["space", "nasa"]})
    uploads.root.locator("[data-id] .ik-thumb").first.dblclick()
    uploads.page.wait_for_selector(".ik-area-edit")


def cropping(studio: Studio, uploads: Uploads, stub: Stub) -> None:
    """Crop an image, with fixed proportions."""
    preview(studio, uploads, stub)
    uploads.button("Crop and rotate").click()
    uploads.root.locator(".ik-crop").wait_for()
    uploads.root.get_by_label("Proportions").select_option("4:3")


def compared(studio: Studio, uploads: Uploads, _stub: Stub) -> None:
    """Compare two images, zoomed."""
    pick(studio, uploads, 6)
    uploads.row("astronaut.jpg").locator(".ik-name").click()
    uploads.row("bricks.jpg").locator(".ik-mark").click()
    uploads.button("Compare").click()
    uploads.page.wait_for_function("() => document.querySelectorAll('.ik-side .ik-zoomable').length === 2")
    uploads.page.keyboard.press("+")


def filtered(studio: Studio, uploads: Uploads, _stub: Stub) -> None:
    """Show that no file matches."""
    pick(studio, uploads, 4)
    uploads.root.get_by_role("searchbox").fill("invoice")
    uploads.root.locator(".ik-nothing").wait_for()


def adjusted(studio: Studio, uploads: Uploads, _stub: Stub) -> None:
    """Show notices about names, and about files that were picked twice."""
    pick(studio, uploads, 4)
    for text, action in (
        ("9 files: “Autumn campaign” will be stored as “Autumn_campaign”.", "Show"),
        ("2 files already added, not added again.", "Add anyway"),
    ):
        offer = {"icon": "edit", "text": text, "action": action}
        queue(uploads, f"queue => queue.emit('offer', {json.dumps(offer)})")


def queue(uploads: Uploads, script: str) -> None:
    """Call a function with the page's queue, for states that only the browser knows."""
    uploads.evaluate(f"() => ({script})([...globalThis[Symbol.for('ikpipe.uploader.queues')]][0])")


def busy(studio: Studio, uploads: Uploads, stub: Stub) -> None:
    """Show a kernel that does not answer, an error, and a long name."""
    pick(studio, uploads, 3)
    stub.push({"id": "b1", "name": LONG})
    uploads.bridge.say({"type": "error", "message": "The account's metadata fields could not be read: 503"})
    stub.deaf = True
    uploads.root.locator("[data-id]").first.click()
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


def stopping(studio: Studio, uploads: Uploads, stub: Stub) -> None:
    """Show uploads that were cancelled and are still checked."""
    under_way(studio, uploads, stub)
    queue(uploads, "queue => queue.store.cancel(['b2', 'b3', 'b4'])")


def choose_again(_studio: Studio, uploads: Uploads, stub: Stub) -> None:
    """Show files that the page lacks after a reload."""
    for at, name in enumerate(("bridge.jpg", "garden.jpg", "harbor.jpg", "market.jpg")):
        file = {"name": name, "path": "", "modified": 0}
        stub.push({"id": f"b{at}", "name": name, "source": "browser", "kind": "image/jpeg", "file": file})
    stub.push({"id": "b0", "state": "uploaded", "result": {"url": "https://ik.imagekit.io/demo/bridge.jpg"}})
    stub.push({"id": "b1", "tags": ["garden", "autumn"]})
    uploads.root.get_by_role("button", name="Choose again").first.wait_for()


def restarted(studio: Studio, uploads: Uploads, stub: Stub) -> None:
    """Show that the kernel was restarted."""
    ended(studio, uploads, stub)
    queue(uploads, "queue => queue.connection.replaced()")


def offline(studio: Studio, uploads: Uploads, stub: Stub) -> None:
    """Show that there is no network."""
    under_way(studio, uploads, stub)
    uploads.set_online(online=False)


def no_key(studio: Studio, uploads: Uploads, stub: Stub) -> None:
    """Show the panel where there is no private key."""
    uploads.bridge.set(settings={"can_search": False})
    pick(studio, uploads, 4)
    stub.push({"id": "b1", "state": "unknown", "result": {"error": "timed_out", "message": "late"}})
    select(uploads, 1)
    uploads.root.locator(".ik-toolbar").get_by_role("button", name="Edit").click()


def links(_studio: Studio, uploads: Uploads, _stub: Stub) -> None:
    """Show the dialog for URLs."""
    uploads.button("Add from URLs").locator("visible=true").click()
    area = uploads.root.get_by_role("dialog").get_by_role("textbox")
    area.fill("https://shop.example/boots.jpg\nhttps://shop.example/sandals.jpg")


def replacing(studio: Studio, uploads: Uploads, _stub: Stub) -> None:
    """Show what finding and replacing text will change."""
    pick(studio, uploads, 7)
    select(uploads, 4)
    uploads.button("Rename and replace").click()
    uploads.root.get_by_role("menuitem", name="Find and replace…").click()
    uploads.root.get_by_label("Find", exact=True).fill("c")
    uploads.root.get_by_label("Replace with").fill("C")


def duplicates(studio: Studio, uploads: Uploads, _stub: Stub) -> None:
    """Show files that are there already, in the list and in the library."""
    pick(studio, uploads, 7)
    same = [{"id": "b2", "kind": "content", "of": "b0"}, {"id": "b4", "kind": "content", "of": "b1"}]
    stored = [{"id": "b5", "kind": "library", "path": "/falcon-9.jpg", "size": 35_400}]
    uploads.bridge.say({"type": "duplicates", "rows": [*same, *stored]})
    uploads.root.locator(".ik-duplicates li").nth(1).wait_for()


ALL = ("light", "dark", "narrow", "phone", "contrast")
SCENES: list[tuple[Any, tuple[str, ...]]] = [
    (empty, ("light", "dark", "phone", "contrast")),
    (added, ("light", "phone")),
    (three, ALL),
    (five_thousand, ("light", "jupyter", "phone")),
    (broken, ALL),
    (reason, ("light", "dark")),
    (hover, ("light", "dark")),
    (menu, ("light", "contrast")),
    (selected, ("light", "narrow", "phone")),
    (under_way, ALL),
    (ended, ("light", "jupyter", "phone", "contrast")),
    (done, ("light", "narrow", "phone")),
    (removed, ("light",)),
    (gallery, ("light", "dark", "narrow", "phone", "contrast")),
    (whole, ("light", "phone")),
    (editor, ("light", "dark", "narrow")),
    (one, ("light", "phone")),
    (details, ("light", "phone")),
    (preview, ("light", "dark", "phone")),
    (cropping, ("light", "dark", "phone", "contrast")),
    (compared, ("light", "phone")),
    (filtered, ("light",)),
    (adjusted, ("light", "phone")),
    (busy, ("light", "narrow")),
    (stopping, ("light", "dark")),
    (choose_again, ("light", "dark", "phone", "contrast")),
    (restarted, ("light", "phone")),
    (offline, ("light",)),
    (no_key, ("light",)),
    (links, ("light", "phone")),
    (replacing, ("light", "dark")),
    (duplicates, ("light", "phone")),
    (drop, ("light", "dark")),
]


def take_all(studio: Studio, chosen: list[str]) -> None:
    """Save the screenshots of all scenes, or of those that are named."""
    for scene, variants in SCENES:
        if chosen and scene.__name__ not in chosen:
            continue
        for variant in variants:
            uploads, stub = studio.open(**VARIANTS[variant])
            scene(studio, uploads, stub)
            studio.keep(uploads, f"{scene.__name__}-{variant}")


def sheet(folder: Path, target: Path) -> None:
    """Join all screenshots to one image, in the order of the scenes."""
    from PIL import Image, ImageDraw

    names = [f"{scene.__name__}-{variant}" for scene, variants in SCENES for variant in variants]
    width, height, per_line = 330, 230, 6
    lines = -(-len(names) // per_line)
    joined = Image.new("RGB", (per_line * width, lines * height), "#e4e4e7")
    draw = ImageDraw.Draw(joined)
    for at, name in enumerate(names):
        shot = Image.open(folder / f"{name}.png").convert("RGB")
        shot.thumbnail((width - 14, height - 28), Image.Resampling.LANCZOS)
        left, top = at % per_line * width, at // per_line * height
        draw.text((left + 8, top + 4), name.replace("_", " ").replace("-", ", "), fill="#18181b")
        joined.paste(shot, (left + (width - shot.width) // 2, top + 20))
    joined.save(target, quality=62, method=6)


def main(folder: Path, chosen: list[str]) -> None:
    """Start the emulator and the browser, take the screenshots, and join them if all were taken."""
    folder.mkdir(parents=True, exist_ok=True)
    with Emulator() as emulator, browsing.browser() as running, ExitStack() as stack:
        studio = Studio(running, folder, emulator, stack)
        take_all(studio, chosen)
    if not chosen:
        sheet(folder, DOCS / "uploader-states.webp")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
