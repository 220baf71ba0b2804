"""Small files that a person picks in the uploader, in a real browser, compared with `upload` of the same files.

The browser sends the files and Python signs them; the emulator runs in its own process. The processor time is that of
Python alone. The time until the uploader shows its list is printed too.
"""

from __future__ import annotations

import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from bench import Contest
from bench_emulator import FOLDERS, GIF, Service, emulator_process

import ikpipe

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "browser" / "page")]

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FILES = 1_000


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
def from_python(rows: int) -> Iterator[Callable[[], None]]:
    """Upload a table of the files."""
    with emulated(rows) as (emulator, paths), tempfile.TemporaryDirectory() as journals:
        table = pd.DataFrame({"file": paths})

        def run() -> None:
            results = ikpipe.upload(
                table, emulator, root=Path(paths[0]).parent, folder="/in", progress=False, journal=f"{journals}/run.db"
            )
            check([*results["ik_status"]], rows)

        yield run


@contextmanager
def from_browser(rows: int) -> Iterator[Callable[[], None]]:
    """Pick the files in a page, press Upload, and wait until all are uploaded."""
    from bridge import Bridge
    from browsing import browser, profile
    from driver import Uploads
    from page_comm import Comm

    with ExitStack() as stack:
        emulator, paths = stack.enter_context(emulated(rows))
        bridge, page = stack.enter_context(Bridge()), profile(stack.enter_context(browser())).new_page()
        uploader: Any = ikpipe.Uploader(emulator, folder="/in")
        Comm(bridge, uploader)
        began = time.perf_counter()
        page.goto(bridge.url)
        uploads = Uploads(page, bridge)
        uploads.button("Add files").wait_for()
        sys.stderr.write(f"  first paint after {time.perf_counter() - began:.2f} s\n")
        uploads.choose(paths)
        uploads.wait_rows(rows)

        def run() -> None:
            uploads.root.locator(".ik-footer .ik-primary").click()
            while uploader.summary["counts"] != {"uploaded": rows}:
                page.wait_for_timeout(20)
            check([*uploader.results["ik_status"]], rows)

        yield run


def check(statuses: list[str], rows: int) -> None:
    """Raise an error unless all rows are uploaded."""
    if statuses != ["uploaded"] * rows:
        raise RuntimeError(f"{statuses.count('uploaded')} of {rows} files are uploaded")


CONTESTS = [
    Contest("small files that were picked", FILES, {"ikpipe.upload": from_python, "the uploader": from_browser}),
]
