"""Pictures that a page crops, rotates or resizes before their upload: what Python keeps, checks and confirms."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from browsers import Browser

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ikpipe.emulator import Emulator

ACCOUNT = ikpipe.Account("public_shop", authentication_endpoint="https://shop.example/sign", max_file_size=1_000)
QUICK = ikpipe.Policy(index_lag=0.3, first_wait=0.02, look_ups=0)
ORIGINAL, CROPPED = b"o" * 2_000, b"c" * 500


def crop(content: bytes = CROPPED) -> str:
    """Return what a page sends after it has cropped a picture."""
    result = {"width": 8, "height": 6, "size": len(content), "hash": hashlib.sha256(content).hexdigest()}
    return json.dumps({"operations": [["crop", 0, 0, 8, 6]], **result})


@pytest.fixture
def browser() -> Iterator[Browser]:
    """Return a page with a picture that is too large for the account."""
    with Browser(ikpipe.Uploader(ACCOUNT, use_unique_file_name=False)) as browser:
        browser.pick({"a.png": ORIGINAL})
        yield browser


def test_the_size_is_that_of_the_edited_picture(browser: Browser) -> None:
    """So is the check of it; a page recognizes the file by its original size."""
    assert browser.states() == {"b0": "invalid"}
    browser.edit(["b0"], "picture", crop())
    row = browser.rows["b0"]
    assert (row["state"], row["size"], row["file"]["size"]) == ("ready", 500, 2_000)
    assert row["picture"]["operations"] == [["crop", 0, 0, 8, 6]]
    assert browser.uploader.frame["size"].tolist() == [500]


def test_a_crop_is_undone_and_redone(browser: Browser) -> None:
    """With the focus area, which belongs to the same step."""
    for column, value in {"picture": crop(), "custom_coordinates": "1,1,2,2"}.items():
        browser.say(type="edit", request="q", ids=["b0"], column=column, value=value, step="s1")
    browser.say(type="undo", request="u")
    assert {"picture", "coordinates"} & {*browser.rows["b0"]} == set()
    assert (browser.rows["b0"]["size"], browser.rows["b0"]["state"]) == (2_000, "invalid")
    browser.say(type="redo", request="u")
    assert (browser.rows["b0"]["size"], browser.rows["b0"]["coordinates"]) == (500, "1,1,2,2")


def test_a_reset_restores_the_original(browser: Browser) -> None:
    """Also after a second crop of it."""
    browser.edit(["b0"], "picture", crop())
    browser.edit(["b0"], "picture", crop(b"d" * 300))
    assert browser.rows["b0"]["size"] == 300
    browser.edit(["b0"], "picture", None)
    assert browser.rows["b0"]["size"] == 2_000
    assert "size" not in browser.rows["b0"]["file"]


def test_a_removed_row_comes_back_cropped(browser: Browser) -> None:
    """Undo restores its edits."""
    browser.edit(["b0"], "picture", crop())
    browser.say(type="remove", ids=["b0"])
    browser.say(type="undo", request="u")
    assert browser.rows["b0"]["size"] == 500


def test_only_picked_files_can_be_cropped(account: ikpipe.Account) -> None:
    """Python sends files of a frame as they are, so a crop of one would be lost without a word."""
    frame = ikpipe.Uploader(account, pd.DataFrame({"file": ["https://shop.example/a.png"]}))
    with Browser(frame) as browser:
        browser.edit(["r0"], "picture", crop())
        assert "cannot be changed" in browser.errors()[-1]
        assert frame.frame.columns.tolist() == ["file"]


@pytest.mark.parametrize("value", ["{}", "crop", 7, ["crop"], True])
def test_an_invalid_crop_changes_nothing(browser: Browser, value: object) -> None:
    """A page is not trusted."""
    browser.edit(["b0"], "picture", value)
    assert "picture" in browser.errors()[-1]
    assert browser.rows["b0"]["size"] == 2_000


def test_a_stored_picture_is_not_changed(browser: Browser) -> None:
    """The message that changes details of stored files has no such column."""
    browser.say(type="change", request="c", ids=["b0"], column="picture", value=crop())
    assert "picture" in browser.errors()[-1]


def cropped(browser: Browser, order: Mapping[str, Any]) -> dict[str, Any]:
    """Upload the cropped picture, as a page does."""
    browser.files[order["id"]] = CROPPED
    return browser.posted(order)


def test_the_stored_file_must_have_the_size_of_the_edited_picture(emulate: Callable[..., Emulator]) -> None:
    """A page that sends the original instead is not believed."""
    emulator = emulate()
    uploader = ikpipe.Uploader(emulator.account, policy=QUICK, use_unique_file_name=False)

    def post(browser: Browser, order: Mapping[str, Any]) -> dict[str, Any]:
        return cropped(browser, order) if order["id"] == "b1" else browser.posted(order)

    with Browser(uploader, post) as browser:
        browser.pick({"a.png": ORIGINAL, "b.png": ORIGINAL})
        browser.edit(["b0", "b1"], "picture", crop())
        browser.say(type="send", ids=["b0"])
        assert browser.wait_idle()["b0"] != "uploaded"
        browser.say(type="send", ids=["b1"])
        assert browser.wait_idle()["b1"] == "uploaded"


def test_a_crop_whose_upload_was_interrupted_is_recognized(emulate: Callable[..., Emulator]) -> None:
    """It is stored although the connection broke: the library has it with the size of the crop, and it is not sent."""
    emulator = emulate()

    def interrupted(browser: Browser, order: Mapping[str, Any]) -> dict[str, Any]:
        cropped(browser, order)
        return {"error": "network", "left": True}

    uploader = ikpipe.Uploader(emulator.account, policy=QUICK, use_unique_file_name=False)
    with Browser(uploader, interrupted) as browser:
        browser.pick({"a.png": ORIGINAL})
        browser.edit(["b0"], "picture", crop())
        uploader.send()
        browser.wait_idle()
        uploader.retry()
        assert browser.wait_idle() == {"b0": "exists"}
    assert [file["size"] for file in ikpipe.files(emulator.account).to_dict("records")] == [len(CROPPED)]


def test_a_new_kernel_adopts_a_crop(account: ikpipe.Account) -> None:
    """The page still has the file, and tells the edits."""
    row = {"id": "b0", "key": "k", "name": "a.png", "path": "", "size": 2_000, "type": "image/png", "state": "ready"}
    with Browser(ikpipe.Uploader(account)) as browser:
        browser.say(type="adopt", session="0" * 32, rows=[{**row, "edits": {"picture": crop()}}])
        adopted = browser.rows["b0"]
        assert (adopted["size"], adopted["file"]["size"], adopted["state"]) == (500, 2_000, "ready")
