"""Files of the folder on Python's side, which are added by a pattern."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
from axe import violations

if TYPE_CHECKING:
    from pathlib import Path

    from ikpipe.emulator import Emulator


def test_files_are_previewed_and_added(upload_page: Any, emulator: Emulator, tmp_path: Path) -> None:
    """By a pattern, whose matches are shown as it is typed."""
    root = tmp_path / "photos"
    (root / "sub").mkdir(parents=True)
    for name in ("a.txt", "b.txt", "sub/c.txt", "d.csv"):
        (root / name).write_text(name)
    uploads, uploader = upload_page(emulator.account, pd.DataFrame({"file": ["a.txt"]}), root=root, folder="/folder")
    uploads.button("Add from the notebook's folder").click()
    dialog = uploads.root.get_by_role("dialog", name='Add files from "photos"')
    dialog.get_by_text("3 files to add").wait_for()
    dialog.get_by_label("Pattern").fill("[")
    dialog.get_by_text("This pattern isn't valid.").wait_for()
    dialog.get_by_label("Pattern").fill("**/*.txt")
    dialog.get_by_text("2 files to add, 14 B. 1 matching file is in the list already.").wait_for()
    assert violations(uploads) == []
    assert dialog.get_by_role("listitem").all_text_contents() == ["b.txt", "sub/c.txt"]
    uploads.page.keyboard.press("Control+Enter")
    uploads.wait_rows(3)
    uploads.root.get_by_text("2 files added").wait_for()
    uploads.button("Upload 3 files").click()
    uploads.wait_uploaded(3)
    assert uploader.frame["folder"].tolist()[1:] == [None, "/folder/sub"]


def test_without_a_root_nothing_is_offered(upload_page: Any, emulator: Emulator) -> None:
    """Python allows no folder."""
    uploads, _ = upload_page(emulator.account)
    uploads.button("Add files").locator("visible=true").wait_for()
    assert uploads.button("Add from the notebook's folder").count() == 0
