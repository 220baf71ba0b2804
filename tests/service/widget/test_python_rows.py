"""Rows that Python adds, edits and removes, and the call when uploads have ended."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from browsers import Browser

import ikpipe

if TYPE_CHECKING:
    from doubles import Site


def table(count: int = 2, **columns: Any) -> pd.DataFrame:
    """Return a table of small files."""
    names = [f"{number}.txt" for number in range(count)]
    return pd.DataFrame({"file": [name.encode() for name in names], "file_name": names, **columns})


def test_files_are_added_and_uploaded(account: ikpipe.Account, site: Site, tmp_path: Path) -> None:
    """A URL and a path, to an uploader without rows; each has the details."""
    (tmp_path / "b.txt").write_bytes(b"b")
    uploader = ikpipe.Uploader(account)
    labels = uploader.add([site.put("/a.png", b"a"), tmp_path / "b.txt"], folder="/added", tags=["new"])
    assert [*labels] == [0, 1]
    with Browser(uploader) as browser:
        uploader.send()
        assert browser.wait_idle() == {"r0": "uploaded", "r1": "uploaded"}
    assert uploader.results["ik_tags"].tolist() == [["new"]] * 2
    assert [path.rpartition("/")[0] for path in uploader.results["ik_file_path"]] == ["/added"] * 2


@pytest.mark.parametrize(
    "files",
    [
        "a.txt",
        Path("a.txt"),
        ["a.txt"],
        ("a.txt",),
        {"a.txt"},
        iter(["a.txt"]),
        pd.Series(["a.txt"]),
        np.array(["a.txt"]),
    ],
    ids=lambda files: type(files).__name__,
)
def test_files_can_come_in_any_collection(account: ikpipe.Account, tmp_path: Path, files: Any) -> None:
    """A single one, too."""
    (tmp_path / "a.txt").write_bytes(b"a")
    uploader = ikpipe.Uploader(account, root=tmp_path, frame=table(0))
    assert [*uploader.add(files)] == [0]
    assert [*uploader.frame["file"].map(str)] == ["a.txt"]


def test_a_table_is_added_to_a_table(account: ikpipe.Account) -> None:
    """Columns that only one of them has are empty in the other's rows; numbers stay as they are."""
    uploader = ikpipe.Uploader(account, table(2, price=[1, 2]).set_index(pd.Index(["x", "y"])), ignore=["price"])
    labels = uploader.add(table(1, grape=["red"]))
    assert [*labels] == ["r2"]
    frame = uploader.frame
    assert [*frame.index] == ["x", "y", "r2"]
    assert frame["price"].fillna("").tolist() == [1, 2, ""]
    assert frame["grape"].fillna("").tolist() == ["", "", "red"]


def test_added_rows_and_picked_files_keep_their_labels_and_order(account: ikpipe.Account) -> None:
    """A file that was picked before rows were added is above them, with its own details."""
    uploader = ikpipe.Uploader(account, table(1))
    with Browser(uploader) as browser:
        browser.pick({"picked.txt": b"p"})
        before = uploader.frame
        uploader.add(table(1), description="added")
        browser.edit(["b0"], "description", "picked")
        assert [browser.rows[one]["at"] for one in ("r0", "b0", "r1")] == [0, 1, 2]
        frame = uploader.frame
        assert [*before.index] == [0, 1]
        assert [*frame.index] == [0, 1, 2]
        assert [value or "" for value in frame["description"]] == ["", "picked", "added"]
        uploader.send()
        assert {*browser.wait_idle().values()} == {"uploaded"}
    assert uploader.results["ik_name"].str.partition(".")[0].str.partition("_")[0].tolist() == ["0", "picked", "0"]


def test_a_table_that_does_not_fit_adds_nothing(account: ikpipe.Account) -> None:
    """As when the uploader is created."""
    uploader = ikpipe.Uploader(account, table(2, sku=[1, 2]), columns={"description": "sku"})
    with pytest.raises(ikpipe.MappingError, match="foldr"):
        uploader.add(table(1, foldr=["/x"]), foldr="/x")
    with pytest.raises(TypeError):
        uploader.add()  # type: ignore[call-arg]
    with pytest.raises(ikpipe.MappingError, match="no value for row 2"):
        uploader.add(table(1), description=pd.Series(["x"], index=["y"]))
    assert len(uploader.frame) == 2


def test_rows_are_edited_as_one_step(account: ikpipe.Account) -> None:
    """By any way to name them; a column and a function give each row its own value."""
    uploader = ikpipe.Uploader(account, table(3, title=["A", "B", "C"]), ignore=["title"])
    with Browser(uploader) as browser:
        uploader.edit(uploader.frame["title"] > "A", description=lambda rows: rows["title"], tags=["x"])
        assert [row.get("description", "") for row in browser.rows.values()] == ["", "B", "C"]
        assert [row.get("tags", []) for row in browser.rows.values()] == [[], ["x"], ["x"]]
        assert browser.last("history")["undo"]["rows"] == 2
        browser.say(type="undo", request="u")
        assert [row.get("description", "") for row in browser.rows.values()] == ["", "", ""]
        assert [row.get("tags", []) for row in browser.rows.values()] == [[], [], []]


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ({"isPrivateFile": True}, {"private": True}),
        ({"custom_metadata": {"price": 5}}, {"metadata": {"price": 5}}),
        ({"description": pd.Series(["one"], index=[0])}, {"description": "one"}),
        ({"folder": "/there"}, {"folder": "/there"}),
    ],
    ids=str,
)
def test_each_detail_can_be_edited(account: ikpipe.Account, details: dict[str, Any], expected: dict[str, Any]) -> None:
    """By the names that `ikpipe.upload` accepts."""
    uploader = ikpipe.Uploader(account, table(1))
    with Browser(uploader) as browser:
        uploader.edit(0, **details)
        assert expected.items() <= browser.rows["r0"].items()


def test_none_resets_a_detail(account: ikpipe.Account) -> None:
    """It comes from the table and the keywords again."""
    uploader = ikpipe.Uploader(account, table(1), description="all")
    uploader.edit(0, description="own")
    uploader.edit(0, description=None)
    assert "description" not in uploader.frame


@pytest.mark.parametrize(
    ("details", "message"),
    [
        ({"tag": ["x"]}, r"tag is not a detail of a row \(did you mean 'tags'\?\)"),
        ({"webhook_url": "https://shop.example"}, "Rows have file_name, folder, tags"),
        ({"custom_metadata": 5}, "custom_metadata=5 is not a mapping of fields to values"),
        ({"description": pd.Series(["x"], index=[9])}, "no value for row 0"),
        ({"description": pd.Series(["x", "y"], index=[0, 0])}, "several values for row 0"),
    ],
    ids=str,
)
def test_a_wrong_detail_changes_nothing(account: ikpipe.Account, details: dict[str, Any], message: str) -> None:
    """The message names it, and what is possible."""
    uploader = ikpipe.Uploader(account, table(1))
    with pytest.raises(ikpipe.MappingError, match=message):
        uploader.edit(0, **details)
    assert [*uploader.frame.columns] == ["file", "file_name"]


def test_an_invalid_value_is_shown_in_its_row(account: ikpipe.Account) -> None:
    """As if it were typed in the page."""
    uploader = ikpipe.Uploader(account, table(1))
    uploader.edit(0, custom_coordinates="everywhere")
    with Browser(uploader) as browser:
        assert browser.rows["r0"]["state"] == "invalid"


@pytest.mark.parametrize("change", ["edit", "remove"])
def test_uploaded_rows_are_not_changed(account: ikpipe.Account, change: str) -> None:
    """None of the rows is, and the message names the first that cannot be."""
    uploader = ikpipe.Uploader(account, table(2))
    with Browser(uploader) as browser:
        browser.say(type="send", ids=["r1"])
        browser.wait_idle()
    with pytest.raises(ikpipe.Error, match=r"Row 1 \(1.txt, uploaded\) cannot be"):
        getattr(uploader, change)(slice(None))
    assert len(uploader.frame) == 2


def test_rows_are_removed_and_restored(account: ikpipe.Account) -> None:
    """Rows of the table, too; `uploader.frame` has no more of them, until that is undone."""
    uploader = ikpipe.Uploader(account, table(3))
    with Browser(uploader) as browser:
        browser.pick({"picked.txt": b"p"})
        uploader.remove([0, 3])
        assert [*uploader.frame.index] == [1, 2]
        assert browser.last("gone")["ids"] == ["r0", "b0"]
        browser.say(type="undo", request="u")
        assert [*uploader.frame.index] == [0, 1, 2, 3]


def test_an_unknown_row_is_an_error(account: ikpipe.Account) -> None:
    """As in pandas."""
    with pytest.raises(KeyError):
        ikpipe.Uploader(account, table(1)).remove([5])


def test_a_function_is_called_when_uploads_have_ended(account: ikpipe.Account) -> None:
    """Once for each time, with the results, until it is removed."""
    called: list[list[str]] = []

    def handler(results: pd.DataFrame) -> None:
        """Remember the names."""
        called.append([*results["file_name"]])

    uploader = ikpipe.Uploader(account, table(2))
    uploader.on_done(handler)
    uploader.on_done(handler)
    with Browser(uploader) as browser:
        browser.say(type="send", ids=["r0"])
        browser.wait(lambda: len(called) == 1)
        uploader.send()
        browser.wait(lambda: len(called) == 2)
        uploader.on_done(handler, remove=True)
        uploader.add(table(1))
        uploader.send()
        browser.wait_idle()
    assert called == [["0.txt"], ["0.txt", "1.txt"]]


def test_an_error_of_a_function_is_logged(account: ikpipe.Account, caplog: pytest.LogCaptureFixture) -> None:
    """The other functions are called."""
    called: list[int] = []
    uploader = ikpipe.Uploader(account, table(1))
    uploader.on_done(lambda results: results["no such column"])
    uploader.on_done(lambda results: called.append(len(results)))
    with caplog.at_level(logging.ERROR, "ikpipe.widget"), Browser(uploader) as browser:
        uploader.send()
        browser.wait(lambda: bool(called))
    assert "A function that was passed to on_done raised an error." in caplog.messages
    assert called == [1]


def test_rows_can_be_left_out(account: ikpipe.Account) -> None:
    """They are neither uploaded nor in the tables, until they are taken in again; others can have their names."""
    frame = pd.DataFrame({"file": [b"a", b"b"], "file_name": ["same.txt", "same.txt"]})
    uploader = ikpipe.Uploader(account, frame, use_unique_file_name=False, folder="/left-out")
    with Browser(uploader) as browser:
        assert [row["state"] for row in browser.rows.values()] == ["ready", "invalid"]
        browser.say(type="edit", request="l", ids=["r0"], column="left_out", value=True, step="s")
        assert [row["state"] for row in browser.rows.values()] == ["left_out", "ready"]
        assert uploader.frame["file"].tolist() == [b"b"]
        assert "left_out" not in uploader.frame
        uploader.send()
        assert browser.wait_idle() == {"r0": "left_out", "r1": "uploaded"}
        browser.edit(["r0"], "file_name", "other.txt")
        assert browser.rows["r0"]["state"] == "left_out"
        browser.say(type="undo", request="u")
        browser.say(type="undo", request="v", step="s")
        assert browser.rows["r0"]["state"] == "invalid"
    assert uploader.frame["file"].tolist() == [b"a", b"b"]


def test_python_leaves_rows_out(account: ikpipe.Account) -> None:
    """By `edit`; the mapping is as before."""
    uploader = ikpipe.Uploader(account, table(3))
    before = uploader.mapping
    uploader.edit([0, 2], left_out=True)
    assert [*uploader.frame.index] == [1]
    assert uploader.mapping == before
    assert repr(uploader) == "Uploader(3 files: 2 left_out, 1 ready)"
