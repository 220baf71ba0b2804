"""A content editor's work from beginning to end, without documentation: nothing is lost, and nothing stored twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from editor_scenario import OPTIONS, PICTURES, ContentEditor, check_stored, make_folder, prepare

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from driver import Uploads

    from ikpipe.emulator import Emulator

    Open = Callable[..., tuple[Uploads, ikpipe.Uploader]]

QUICK = ikpipe.Policy(index_lag=0.1, first_wait=0.02)


def reload(uploads: Uploads, rows: int) -> None:
    """Reload the page, and wait for its rows."""
    uploads.page.reload()
    uploads.page.wait_for_selector("html[data-ready]", state="attached")
    uploads.root.get_by_role("button", name=f"All {rows}").wait_for()


def test_a_campaign(
    upload_page: Open, emulate: Callable[..., Emulator], tmp_path: Path, picture: Callable[..., bytes]
) -> None:
    """A folder of 40 pictures, three of them bad, with tags and metadata, a renamed file, and two reloads."""
    emulator = emulate()
    folder = make_folder(tmp_path, picture)
    uploads, uploader = upload_page(prepare(emulator), policy=QUICK, **OPTIONS)
    uploads.page.wait_for_function("() => (window.model.get('settings').fields || []).length === 2")
    person = ContentEditor(uploads.page, uploads.root)
    person.add(folder)
    person.describe()
    person.rename("shoe_20.png", "hero.png")
    reload(uploads, PICTURES)
    person.choose_again(folder)
    person.solve()
    person.send()
    uploads.root.get_by_role("button", name="Uploaded").first.wait_for()
    reload(uploads, PICTURES - 2)
    person.finish(folder, PICTURES - 2)
    check_stored(emulator, "hero.png")
    assert len(uploader.results) == PICTURES - 2
    assert {*uploader.results["ik_status"]} <= {"uploaded", "exists"}
