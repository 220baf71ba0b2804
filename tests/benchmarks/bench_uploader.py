"""The uploader in a real browser: small files compared with `upload` of the same files, and actions on a long list.

The emulator runs in its own process. The processor time is that of Python alone; the browser's, which includes what
it takes to be driven from here, is a figure of its own. The longest task is that of the page's main thread, by the
processor and by the clock.
"""

from __future__ import annotations

import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import psutil
from bench import Contest
from bench_emulator import FOLDERS, GIF, Service, emulator_process

import ikpipe

sys.path.insert(0, str(Path(__file__).parents[1]))

from bridge import Bridge
from browsing import browser, profile
from driver import Uploads
from page_comm import Comm
from page_tasks import traced_tasks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Locator

FILES, ROWS = 1_000, 20_000
SIDES = ("front", "back", "detail")


def account(service: Service) -> ikpipe.Account:
    """Return the emulator's account."""
    keys = {"public_key": service.public_key, "private_key": service.private_key}
    return ikpipe.Account(**keys, upload_url=f"{service.url}/api/v2/files/upload", api_url=service.url)


def pictures(folder: str, count: int) -> list[str]:
    """Create small files, each with other bytes."""
    paths = [Path(folder) / f"picture-{number:05}.gif" for number in range(count)]
    for number, path in enumerate(paths):
        path.write_bytes(GIF + str(number).encode())
    return [str(path) for path in paths]


@contextmanager
def emulated(rows: int) -> Iterator[tuple[ikpipe.Account, list[str]]]:
    """Run an emulator, and create the files."""
    with tempfile.TemporaryDirectory() as folder, emulator_process(tempfile.mkdtemp(dir=FOLDERS)) as service:
        yield account(service), pictures(folder, rows)


@contextmanager
def from_python(rows: int) -> Iterator[Callable[[], dict[str, float]]]:
    """Upload a table of the files."""
    with emulated(rows) as (emulator, paths), tempfile.TemporaryDirectory() as journals:
        table = pd.DataFrame({"file": paths})

        def run() -> dict[str, float]:
            began = time.perf_counter()
            results = ikpipe.upload(
                table, emulator, root=Path(paths[0]).parent, folder="/in", progress=False, journal=f"{journals}/run.db"
            )
            check([*results["ik_status"]], rows)
            return {"files/s": rows / (time.perf_counter() - began)}

        yield run


@contextmanager
def shown(uploader: ikpipe.Uploader) -> Iterator[Uploads]:
    """Open a page with an uploader."""
    with Bridge() as bridge, browser() as running:
        Comm(bridge, uploader)
        page = profile(running).new_page()
        page.goto(bridge.url)
        uploads = Uploads(page, bridge)
        uploads.button("Add files").locator("visible=true").first.wait_for()
        yield uploads


@contextmanager
def from_browser(rows: int) -> Iterator[Callable[[], dict[str, float]]]:
    """Pick the files in a page, press Upload, and wait until all are uploaded."""
    with ExitStack() as stack:
        emulator, paths = stack.enter_context(emulated(rows))
        uploader: Any = ikpipe.Uploader(emulator, folder="/in")
        uploads = stack.enter_context(shown(uploader))
        uploads.choose(paths)
        uploads.wait_rows(rows)

        def run() -> dict[str, float]:
            began, processor = time.perf_counter(), browser_seconds()
            uploads.root.locator(".ik-footer .ik-primary").click()
            while uploader.summary["counts"] != {"uploaded": rows}:
                uploads.page.wait_for_timeout(20)
            check([*uploader.results["ik_status"]], rows)
            browser_cpu = (browser_seconds() - processor) * 1000 / rows
            return {"files/s": rows / (time.perf_counter() - began), "browser CPU ms/row": browser_cpu}

        yield run


def check(statuses: list[str], rows: int) -> None:
    """Raise an error unless all rows are uploaded."""
    if statuses != ["uploaded"] * rows:
        raise RuntimeError(f"{statuses.count('uploaded')} of {rows} files are uploaded")


def browser_seconds() -> float:
    """Return the processor seconds of the browser and of Playwright's server."""
    return float(sum(map(_seconds, psutil.Process().children(recursive=True))))


def _seconds(process: psutil.Process) -> float:
    """Return the processor seconds of a process, 0 for the emulator and for one that has just ended."""
    try:
        return 0.0 if "emulator" in process.cmdline() else float(sum(process.cpu_times()[:2]))
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return 0.0


# The list


def listed(rows: int) -> ikpipe.Uploader:
    """Return an uploader with rows whose files are at URLs."""
    names = [f"SKU-{row:05}-{SIDES[row % 3]}.jpg" for row in range(rows)]
    frame = pd.DataFrame(
        {
            "file": [f"https://shop.example/{name}" for name in names],
            "file_name": names,
            "folder": [f"/products/{('Acme', 'Ikon', 'Nord')[row % 3]}" for row in range(rows)],
            "tags": [["new", "summer", "sale", "web", "print"][: row % 6] for row in range(rows)],
        }
    )
    nobody = ikpipe.Account(
        "public_bench", "private_bench", upload_url="http://127.0.0.1:9/", api_url="http://127.0.0.1:9"
    )
    return ikpipe.Uploader(nobody, frame)


@contextmanager
def on_list(action: Callable[[Uploads, int], object], rows: int) -> Iterator[Callable[[], dict[str, float]]]:
    """Do something with the rows of a list."""
    with shown(listed(rows)) as uploads:
        uploads.wait_rows(rows)
        row(uploads, 0).click()
        yield lambda: measured(uploads, lambda: action(uploads, rows))


@contextmanager
def opened(rows: int) -> Iterator[Callable[[], dict[str, float]]]:
    """Open a page, until all rows are in its list."""
    with Bridge() as bridge, browser() as running:
        Comm(bridge, listed(rows))
        page = profile(running).new_page()
        uploads = Uploads(page, bridge)

        def action() -> None:
            page.goto(bridge.url)
            uploads.wait_rows(rows)

        def run() -> dict[str, float]:
            figures = measured(uploads, action)
            paints = "() => performance.getEntriesByName('first-contentful-paint')[0].startTime"
            return {**figures, "first paint ms": float(page.evaluate(paints))}

        yield run


def measured(uploads: Uploads, action: Callable[[], object]) -> dict[str, float]:
    """Return the longest task of the page during an action, in ms."""
    with traced_tasks(uploads.page) as tasks:
        action()
    processor, wall = (max(times) for times in ([one.processor for one in tasks], [one.wall for one in tasks]))
    return {"longest task ms": processor, "by the clock": wall}


def row(uploads: Uploads, number: int) -> Any:
    """Find a row of the list."""
    return uploads.root.locator(".ik-row[data-id]").nth(number)


def scroll(uploads: Uploads, rows: int) -> None:
    """Scroll to the end in fifty steps."""
    uploads.root.locator(".ik-scroll").evaluate(
        """async one => {
            for (let step = 0; step <= 50; step++) {
                one.scrollTo(0, (step / 50) * one.scrollHeight);
                await new Promise(requestAnimationFrame);
            }
        }"""
    )
    uploads.root.get_by_text(f"SKU-{rows - 1:05}", exact=False).first.wait_for()


def sort(uploads: Uploads, _rows: int) -> None:
    """Sort by three columns, up and down."""
    for column in ("Name", "Folder", "Tags"):
        for direction in ("ascending", "descending"):
            uploads.root.get_by_role("columnheader", name=column).get_by_role("button").click()
            uploads.root.locator(f'[aria-sort="{direction}"][data-column="{column.lower()}"]').wait_for()


def filter_rows(uploads: Uploads, rows: int) -> None:
    """Type a word into the field that filters, and clear it."""
    search = uploads.root.get_by_role("searchbox")
    search.press_sequentially("front")
    uploads.wait_rows((rows + 2) // 3)
    search.fill("")
    uploads.wait_rows(rows)


def select_all(uploads: Uploads, rows: int) -> None:
    """Select all rows, and none, by keys."""
    uploads.page.keyboard.press("Control+a")
    uploads.root.get_by_text(f"{rows:,} selected").wait_for()
    uploads.page.keyboard.press("Escape")
    uploads.root.get_by_text(f"{rows:,} selected").wait_for(state="hidden")


def edit_all(uploads: Uploads, rows: int) -> None:
    """Add a tag to all rows, and undo it."""
    uploads.page.keyboard.press("Control+a")
    uploads.button("Edit").click()
    field = uploads.root.get_by_label("Tags", exact=True)
    field.fill("bench")
    field.press("Enter")
    uploads.button("Remove tag bench").wait_for()
    row(uploads, 0).locator(".ik-name").click()
    uploads.page.keyboard.press("Control+z")
    uploads.button("Remove tag bench").wait_for(state="detached")


def rename_all(uploads: Uploads, rows: int) -> None:
    """Rename all rows by a pattern."""
    dialog = form(uploads, "Rename with a pattern…")
    dialog.get_by_label("Pattern").fill("autumn-{row:05d}")
    apply(uploads, dialog, "autumn-00006.jpg", rows)


def replace_in_all(uploads: Uploads, rows: int) -> None:
    """Replace a word in the names of all rows."""
    dialog = form(uploads, "Find and replace…")
    dialog.get_by_label("Find", exact=True).press_sequentially("SKU")
    dialog.get_by_label("Replace with").press_sequentially("item")
    apply(uploads, dialog, f"item-00005-{SIDES[5 % 3]}.jpg", rows)


def paste_into_all(uploads: Uploads, rows: int) -> None:
    """Paste a column of descriptions into all rows."""
    uploads.page.keyboard.press("Control+a")
    uploads.root.evaluate(
        """(root, rows) => {
            const clipboardData = new DataTransfer();
            const lines = Array.from({ length: rows }, (_, row) => `description ${row}`);
            clipboardData.setData("text/plain", lines.join("\\n"));
            root.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
        }""",
        rows,
    )
    apply(uploads, uploads.root.get_by_role("dialog"), "description 5", rows)


def form(uploads: Uploads, entry: str) -> Locator:
    """Select all rows, and open one of the dialogs that change them."""
    uploads.page.keyboard.press("Control+a")
    uploads.button("Rename and replace").click()
    uploads.root.get_by_role("menuitem", name=entry).click()
    return uploads.root.get_by_role("dialog")


def apply(uploads: Uploads, dialog: Locator, shown: str, rows: int) -> None:
    """Apply a change when its preview shows a text, and wait until the kernel has made it."""
    dialog.get_by_text(shown, exact=True).wait_for()
    dialog.get_by_role("button", name="Apply").click()
    uploads.root.get_by_text(f"Changed {rows:,} file").wait_for()
    uploads.page.keyboard.press("Escape")
    uploads.page.wait_for_timeout(500)


ACTIONS = {
    "scroll": scroll,
    "sort": sort,
    "filter": filter_rows,
    "select all": select_all,
    "edit all": edit_all,
    "rename all": rename_all,
    "replace in all": replace_in_all,
    "paste into all": paste_into_all,
}

CONTESTS = [
    Contest("small files that were picked", FILES, {"ikpipe.upload": from_python, "the uploader": from_browser}),
    Contest(
        "a long list", ROWS, {"open": opened} | {name: partial(on_list, action) for name, action in ACTIONS.items()}
    ),
]
