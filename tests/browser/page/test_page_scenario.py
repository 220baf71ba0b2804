"""A content editor's work from beginning to end, without documentation: nothing is lost, and nothing stored twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from editor_scenario import OPTIONS, STORED, ContentEditor, check_stored, make_folder, prepare

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from driver import Uploads

    from ikpipe.emulator import Emulator

    Open = Callable[..., tuple[Uploads, ikpipe.Uploader]]

QUICK = ikpipe.Policy(index_lag=0.1, first_wait=0.02)


def test_a_campaign(
    upload_page: Open, emulate: Callable[..., Emulator], tmp_path: Path, picture: Callable[..., bytes]
) -> None:
    """A folder of 40 pictures, three of them bad, with tags and metadata, a renamed file, and two reloads."""
    emulator = emulate()
    account = ikpipe.Account(**prepare(emulator))
    # after a reload, the token of an upload that had started is sent again, and refused if it was used
    uploads, uploader = upload_page(account, allow="400", policy=QUICK, **OPTIONS)
    uploads.page.wait_for_function("() => (window.model.get('settings').fields || []).length === 2")

    def reload(rows: int) -> None:
        uploads.page.reload()
        uploads.root.get_by_role("button", name=f"All {rows}").wait_for()

    ContentEditor(uploads.page, uploads.root).work(make_folder(tmp_path, picture), reload)
    check_stored(emulator)
    assert len(uploader.results) == STORED
    assert {*uploader.results["ik_status"]} <= {"uploaded", "exists"}
