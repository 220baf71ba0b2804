"""The uploader with 5,000 rows of a frame: soon there, never in the way of the hand, and little in its traits."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from browsing import tab
from doubles import LOOPBACK
from labs import SIZE, Lab, notebook, without_errors
from page_tasks import traced_tasks
from scenario import prepared
from screens import Screen

from ikpipe.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from places import Place
    from playwright.sync_api import Browser, Page

ROWS = 5_000
FRAME = f"""import pandas as pd
frame = pd.DataFrame({{
    "file": [f"https://shop.example/{{at:05d}}/picture.jpg" for at in range({ROWS})],
    "name": [f"product {{at:05d}}.jpg" for at in range({ROWS})],
    "season": ["spring", "summer", "autumn", "winter"] * ({ROWS} // 4),
}})
uploader = ikpipe.Uploader(account, frame, columns={{"file_name": "name", "tags": ["season"]}}, folder="/many")"""

# Notes when large messages came over a socket, when the first rows were on the screen, and when all were known there.
CLOCK = """(() => {
    const clock = (window.clock = {arrived: [], first: null, all: null});
    const Plain = window.WebSocket;
    window.WebSocket = class extends Plain {
        constructor(...rest) {
            super(...rest);
            this.addEventListener("message", ({data}) => {
                if ((data.byteLength ?? data.size ?? data.length) > 50000) clock.arrived.push(performance.now());
            });
        }
    };
    const watch = (name, selector, text = "") => {
        const look = () => {
            if (!document.querySelector(selector)?.textContent.includes(text)) return requestAnimationFrame(look);
            requestAnimationFrame(() => setTimeout(() => (clock[name] = performance.now())));
        };
        requestAnimationFrame(look);
    };
    watch("first", ".ikpipe [data-id]");
    watch("all", ".ikpipe [data-group=all]", "5,000");
})();"""

LONGEST = 100  # ms
SHOWN = f"{ROWS:,}"


@pytest.fixture(scope="module")
def lab(chrome: Browser, lab_server: Place) -> Iterator[Lab]:
    """Show an uploader with many rows in JupyterLab, for all tests here."""
    with tab(chrome, [], SIZE) as page, without_errors(page), Emulator(**LOOPBACK) as emulator:
        lab = Lab(page, lab_server, "many.ipynb")
        account = prepared(emulator, lab.path.parent, "many.json")
        page.add_init_script(CLOCK)
        lab.open(notebook(account, FRAME, "uploader"))
        lab.run_all()
        yield lab
        lab.shut()
        page.close()


@pytest.fixture(scope="module")
def many(lab: Lab) -> Screen:
    """Give the uploader, with all rows on the screen."""
    screen = Screen(lab.page).shown()
    lab.page.wait_for_function("() => window.clock.first && window.clock.all")
    screen.has(SHOWN)
    return screen


def test_rows_are_soon_there_and_not_in_the_traits(lab: Lab, many: Screen) -> None:
    """Rows are on the screen within a second of their data's arrival; the traits, scripts and all, are under 2 MB."""
    clock = lab.page.evaluate("() => window.clock")
    first = clock["first"] - max(time for time in clock["arrived"] if time <= clock["first"])
    every = clock["all"] - max(time for time in clock["arrived"] if time <= clock["all"])
    size = len(json.dumps(lab.value("uploader.get_state()")))
    print(f"after their data, first rows {first:.0f} ms, all {every:.0f} ms; traits {size / 1000:.0f} kB")  # noqa: T201
    assert max(first, every) <= 1000
    assert size < 2_000_000


def test_no_long_task(lab: Lab, many: Screen) -> None:
    """While rows are scrolled and selected, as a table and as a gallery, no task of the page takes over 100 ms."""
    with traced_tasks(lab.page) as tasks:
        for layout in ("Table", "Gallery"):
            many.button(layout).click()
            many.root.locator("[data-id]").first.click()
            use(lab.page, many)
    longest, wall = max(task.processor for task in tasks), max(task.wall for task in tasks)
    print(f"the longest task: {longest:.0f} ms of the processor, {wall:.0f} ms by the clock")  # noqa: T201 - to be read
    assert longest <= LONGEST


def use(page: Page, screen: Screen) -> None:
    """Scroll by wheel and keys, and select by keys and mouse."""
    box = screen.root.locator("[data-id]").first.bounding_box()
    assert box
    page.mouse.move(box["x"] + 200, box["y"] + box["height"] + 60)
    for _ in range(30):
        page.mouse.wheel(0, 900)
        page.evaluate("() => new Promise(requestAnimationFrame)")
    screen.root.locator("[data-id]").nth(3).click()
    for key in ("ControlOrMeta+a", "Escape", "ControlOrMeta+End", "ControlOrMeta+Home", *["PageDown"] * 5):
        page.keyboard.press(key)
        page.evaluate("() => new Promise(requestAnimationFrame)")
    for key in ("Space", *["Shift+PageDown"] * 5, "ControlOrMeta+Shift+End", "Escape"):
        page.keyboard.press(key)
        page.evaluate("() => new Promise(requestAnimationFrame)")
