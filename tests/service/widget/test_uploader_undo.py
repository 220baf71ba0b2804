"""Undo and redo of edits and removals, with a fake browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from browsers import Browser

import ikpipe
from ikpipe.widget.history import MAX_STEPS

if TYPE_CHECKING:
    from collections.abc import Iterator

ACCOUNT = ikpipe.Account("public_shop", authentication_endpoint="https://shop.example/sign")
THREE = {"a.txt": b"aa", "b.txt": b"bbb", "c.txt": b"cccc"}


@pytest.fixture
def browser() -> Iterator[Browser]:
    """Return a page with three picked files."""
    with Browser(ikpipe.Uploader(ACCOUNT, folder="/shop", use_unique_file_name=False)) as browser:
        browser.pick(THREE)
        yield browser


def step(browser: Browser, direction: str, name: str = "") -> None:
    """Undo or redo a step."""
    browser.say(type=direction, request="u", step=name)


def change(browser: Browser, ids: list[str], column: str, value: object, name: str) -> None:
    """Edit a column as a part of a step."""
    browser.say(type="edit", request="q", ids=ids, column=column, value=value, step=name)


def column(browser: Browser, name: str) -> list[Any]:
    """Return a column of the page's rows."""
    return [row.get(name) for _, row in sorted(browser.rows.items())]


def test_an_edit_of_several_rows_is_undone_and_redone(browser: Browser) -> None:
    """Each row gets the value that it had, also the default; redo sets the value again."""
    browser.edit(["b0"], "folder", "/own")
    browser.edit(["b0", "b1"], "folder", "/both")
    step(browser, "undo")
    assert column(browser, "folder") == ["/own", "/shop", "/shop"]
    step(browser, "redo")
    assert column(browser, "folder") == ["/both", "/both", "/shop"]


def test_rows_get_values_of_their_own_in_one_message(browser: Browser) -> None:
    """Each id gets the value at its place, in any order; one undo restores all."""
    browser.say(type="edit", request="q", ids=["b2", "b0"], column="folder", values=["/two", None], step="s")
    assert column(browser, "folder") == ["/shop", "/shop", "/two"]
    assert browser.last("history")["undo"]["rows"] == 2
    step(browser, "undo")
    assert column(browser, "folder") == ["/shop"] * 3


def test_an_undone_edit_is_no_edit(browser: Browser) -> None:
    """The frame has no column of an edit that was undone."""
    browser.edit(["b0"], "description", "x")
    step(browser, "undo")
    assert "description" not in browser.uploader.frame


def test_removed_files_return_to_their_places(browser: Browser) -> None:
    """Removed rows return with their edits, and conflicts are as before."""
    browser.edit(["b1"], "tags", ["x"])
    browser.say(type="remove", ids=["b0", "b1"])
    assert list(browser.rows) == ["b2"]
    step(browser, "undo")
    assert browser.uploader.frame["file"].str.rpartition("/")[2].tolist() == ["a.txt", "b.txt", "c.txt"]
    assert browser.rows["b1"]["tags"] == ["x"]
    step(browser, "redo")
    assert list(browser.rows) == ["b2"]


def test_a_conflict_with_a_restored_row_is_found_again(browser: Browser) -> None:
    """A file that took a removed file's name gets a conflict when that one returns."""
    browser.say(type="remove", ids=["b0"])
    browser.edit(["b1"], "file_name", "a.txt")
    step(browser, "undo")
    step(browser, "undo")
    step(browser, "redo")
    step(browser, "redo")
    assert browser.rows["b1"]["state"] == "ready"
    step(browser, "undo")
    browser.edit(["b1"], "file_name", "c.txt")
    assert browser.rows["b2"]["state"] == "invalid"


def test_messages_of_one_step_are_undone_together(browser: Browser) -> None:
    """A bulk edit sends several messages."""
    change(browser, ["b0"], "tags", ["x"], "s1")
    change(browser, ["b1", "b2"], "tags", ["y"], "s1")
    change(browser, ["b0"], "tags", ["x", "z"], "s1")
    assert browser.last("history")["undo"] == {"step": "s1", "kind": "edit", "rows": 3, "columns": ["tags"]}
    step(browser, "undo")
    assert column(browser, "tags") == [None, None, None]
    assert browser.last("history")["undo"] is None


def test_only_the_last_step_is_undone_by_name(browser: Browser) -> None:
    """A button for a step that is no longer the last one changes nothing."""
    change(browser, ["b0"], "tags", ["x"], "s1")
    change(browser, ["b0"], "tags", ["y"], "s2")
    step(browser, "undo", "s1")
    assert "meanwhile" in browser.errors()[-1]
    assert browser.rows["b0"]["tags"] == ["y"]


def test_nothing_to_undo_is_an_answer(browser: Browser) -> None:
    """There may be no step."""
    step(browser, "undo")
    step(browser, "redo")
    assert len(browser.errors()) == 2


def test_a_new_edit_ends_redo(browser: Browser) -> None:
    """What was undone cannot be redone after another edit."""
    browser.edit(["b0"], "tags", ["x"])
    step(browser, "undo")
    browser.edit(["b0"], "tags", ["y"])
    step(browser, "redo")
    assert browser.rows["b0"]["tags"] == ["y"]


def test_old_steps_are_forgotten(browser: Browser) -> None:
    """The history is bounded, and keeps the latest steps."""
    for number in range(MAX_STEPS + 5):
        browser.edit(["b0"], "description", str(number))
    for _ in range(MAX_STEPS + 5):
        step(browser, "undo")
    assert browser.rows["b0"]["description"] == "4"


def test_uploaded_rows_are_never_changed(account: ikpipe.Account) -> None:
    """Undo changes the other rows, and says how many stay."""
    with Browser(ikpipe.Uploader(account)) as browser:
        browser.pick(THREE)
        browser.edit(["b0", "b1"], "tags", ["x"])
        browser.say(type="send", ids=["b0"])
        browser.wait_idle()
        step(browser, "undo")
        done = browser.last("undone")
        assert (done["rows"], done["kept"]) == (1, 1)
        assert [browser.rows[one].get("tags") for one in ("b0", "b1")] == [["x"], None]
        assert browser.rows["b0"]["state"] == "uploaded"


def test_a_restored_file_is_uploaded(account: ikpipe.Account) -> None:
    """A file that was removed and restored is a row like any other."""
    with Browser(ikpipe.Uploader(account)) as browser:
        browser.pick(THREE)
        browser.say(type="remove", ids=["b0", "b1", "b2"])
        step(browser, "undo")
        browser.uploader.send()
        assert set(browser.wait_idle().values()) == {"uploaded"}
