"""`path=` in every call: upload, retry, resume, the command line, the uploader, clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from rows import quiet

import ikpipe
from ikpipe.cli.mapping import to_options
from ikpipe.cluster import prepare
from ikpipe.frames.mapping import ColumnMapping
from ikpipe.run.prepare import collect_mapping
from ikpipe.widget.edited_table import EditedTable

if TYPE_CHECKING:
    from pathlib import Path

    from ikpipe import Account

OK = "data:text/plain;base64,aGVsbG8="
PATH = "/shop/{brand|slug}/{sku:03d}-{row:02d}.txt"
FRAME = pd.DataFrame({"file": [OK, "nothing"], "brand": ["Red Nose", "B"], "sku": ["7", "8"]})


def test_a_retry_and_a_check_have_the_same_path(account: Account) -> None:
    """The template is part of the mapping in the results, and rows keep their numbers."""
    assert ikpipe.check(FRAME, path=PATH)["code"].tolist() == ["file_not_allowed"]
    results = quiet(FRAME, account, path=PATH, use_unique_file_name=False)
    assert results["ik_file_path"][0] == "/shop/red-nose/007-01.txt"
    results["file"] = OK
    again = ikpipe.retry(results, account, progress=False)
    assert again["ik_file_path"].tolist() == ["/shop/red-nose/007-01.txt", "/shop/b/008-02.txt"]


def test_a_resumed_run_has_the_same_path(account: Account, tmp_path: Path) -> None:
    """The journal has the template."""
    journal = tmp_path / "run"
    options: dict[str, Any] = {"journal": journal, "on_error": "raise", "concurrency": 1}
    with pytest.raises(ikpipe.UploadError):
        quiet(FRAME[::-1], account, path=PATH, use_unique_file_name=False, **options)
    results = ikpipe.resume(journal, account, progress=False, on_error="return")
    assert results["ik_file_path"].tolist()[1] == "/shop/red-nose/007-02.txt"


def test_one_file_has_a_path(account: Account) -> None:
    """`upload_file` takes it too."""
    result = ikpipe.upload_file(OK, account, path="/one/{row}.txt", use_unique_file_name=False)
    assert result.file_path == "/one/1.txt"


def test_a_path_is_an_option() -> None:
    """The command that is printed has `--path`, and a column of paths `--map`."""
    run = collect_mapping({"path": "target"}, None, None, "server", {"path": PATH})
    assert to_options(run) == ["--map", "path=target", "--path", PATH]


def test_a_misspelt_path_suggests_it(account: Account) -> None:
    """`path` is among the parameters that are suggested."""
    with pytest.raises(ikpipe.MappingError, match=r"paths.*did you mean 'path'"):
        quiet(FRAME, account, paths="/x/{sku}")


def test_parts_of_a_table_have_no_row_numbers(account: Account) -> None:
    """A table that is uploaded in parts cannot be numbered; everything else works there."""
    with pytest.raises(ikpipe.MappingError, match="have no numbers"):
        prepare(account, slots=1, path=PATH).empty(FRAME)
    part = prepare(account, slots=1, path="/shop/{brand|slug}/{sku:03d}.txt", use_unique_file_name=False)
    assert part(FRAME[:1])["ik_file_path"].tolist() == ["/shop/red-nose/007.txt"]


def table(frame: pd.DataFrame, columns: dict[str, Any] | None = None, **keywords: Any) -> EditedTable:
    """Make the table of an uploader."""
    edited = EditedTable(frame, collect_mapping(columns, None, None, "server", keywords))
    edited.check()
    return edited


def test_the_uploader_takes_a_path_without_row_numbers() -> None:
    """Its rows are added and removed, so they have no numbers; picked files have no folder of their own then."""
    table(FRAME, path="/shop/{brand|slug}/{file.name}")
    with pytest.raises(ikpipe.MappingError, match="have no numbers"):
        table(FRAME, path=PATH)


@pytest.mark.parametrize(
    ("columns", "keywords"),
    [(None, {"path": "/a/{sku}.txt"}), ({"path": "target"}, {}), ({"path": "target"}, {"path": "x"})],
)
def test_an_edit_in_the_uploader_takes_precedence_over_the_path(columns: Any, keywords: dict[str, str]) -> None:
    """Whoever edits a folder or a name keeps the other half of the path."""
    frame = FRAME.assign(target=[f"/a/{sku}.txt" for sku in FRAME["sku"]])
    edited = table(frame, columns, **keywords)
    cells = frame.assign(folder=["/edited/", None])
    mapping = ColumnMapping.read(cells.columns, edited.mapping(["folder"]), numbered=False)
    values = mapping.rows(edited.part(cells).chunk()).values()
    assert (values["folder"], values["file_name"]) == (["/edited/", "/a/"], ["7.txt", "8.txt"])
