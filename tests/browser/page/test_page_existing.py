"""Files that are there already: how the page shows their rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from driver import Uploads

    from ikpipe.emulator import Emulator

    Open = Callable[..., tuple[Uploads, ikpipe.Uploader]]
    Files = Callable[[int], list[str]]
    Emulate = Callable[..., Emulator]

QUICK = ikpipe.Policy(index_lag=0.1, first_wait=0.02, changes=0)


def stored(account: ikpipe.Account, paths: list[str], tags: list[str]) -> pd.DataFrame:
    """Upload files as an earlier job did."""
    frame = pd.DataFrame({"file": [Path(path) for path in paths], "tags": tags})
    return ikpipe.upload(frame, account, folder="/shop", use_unique_file_name=False, progress=False)


def pictures(uploads: Uploads) -> list[str]:
    """Wait until each row shows a picture, and return the pictures' addresses without their queries."""
    images = ".ik-row[data-id] .ik-thumb img"
    uploads.page.wait_for_function(
        """images => [...document.querySelectorAll(images)].length
            && [...document.querySelectorAll(images)].every(one => one.naturalWidth && one.src.startsWith("http"))""",
        arg=images,
    )
    found = uploads.root.locator(images)
    return [str(found.nth(at).get_attribute("src")).partition("?")[0] for at in range(found.count())]


def send(uploads: Uploads) -> None:
    """Upload all rows."""
    uploads.root.locator(".ik-footer .ik-primary").click()


def test_rows_of_existing_files_are_done(upload_page: Open, emulate: Emulate, files: Files) -> None:
    """Each has its word, an explanation and the file's picture, and nothing is left to retry."""
    emulator, paths = emulate(), files(3)
    stored(emulator.account, paths[:2], ["a", "b"])
    new = Path(paths[2]).read_bytes()
    frame = pd.DataFrame({"file": [new, new], "file_name": ["new-1.png", "new-2.png"]})
    options = {"folder": "/shop", "tags": ["a"], "on_existing": "sync", "dedupe": True, "policy": QUICK}
    uploads, uploader = upload_page(emulator.account, frame, **options)
    uploads.choose(paths[:2])
    uploads.wait_rows(4)
    before = len(emulator.log())
    send(uploads)
    uploads.wait_states(["Uploaded", "Duplicate", "Unchanged", "Updated"])
    uploads.wait_uploaded(4)
    assert [*uploader.results["ik_status"]] == ["uploaded", "duplicate", "unchanged", "updated"]
    methods = [entry["method"] for entry in emulator.log()[before:]]
    assert (methods.count("POST"), methods.count("PATCH")) == (1, 1)
    explained = uploads.row("picture-1.png").locator(".ik-cell.ik-state").get_attribute("title")
    assert "details were updated" in str(explained)
    assert not uploads.root.locator(".ik-footer button").get_by_text("Retry").is_visible()
    thumbnails = [one.partition("?")[0] for one in uploader.results["ik_thumbnail_url"]]
    assert pictures(uploads) == thumbnails


def test_a_skipped_row_shows_the_picture_that_is_there(upload_page: Open, emulate: Emulate, files: Files) -> None:
    """Not the one that was picked, and which was not uploaded."""
    account, paths = emulate().account, files(2)
    Path(paths[0]).write_bytes(Path(paths[1]).read_bytes())
    earlier = stored(account, paths[:1], ["a"])
    Path(paths[0]).write_bytes(Path(files(1)[0]).read_bytes())
    uploads, _ = upload_page(account, folder="/shop", on_existing="skip", policy=QUICK)
    uploads.choose(paths[:1])
    uploads.wait_rows(1)
    send(uploads)
    uploads.wait_states(["Skipped"])
    assert pictures(uploads) == [earlier["ik_thumbnail_url"].iloc[0].partition("?")[0]]
