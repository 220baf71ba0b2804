"""Rows are renamed by a template."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from browsers import Browser

import ikpipe


def rename(browser: Browser, template: str, ids: list[str], *, preview: bool = False) -> dict[str, Any]:
    """Rename rows, and return the answer."""
    browser.say(type="rename", request="r", ids=ids, template=template, preview=preview, step="s")
    return next(one for one in reversed(browser.heard) if one.get("request") == "r")


@pytest.mark.parametrize(
    ("template", "names"),
    [
        ("{name}-{row:02d}", ["red-01.jpg", "blue.x-02.jpg", "0-03.png"]),
        ("{sku}", ["A1.jpg", "A2.jpg", None]),
        ("photo-{row}.webp", ["photo-1.webp", "photo-2.webp", "photo-3.webp"]),
        ("{file.stem}{file.ext}", ["red.jpg", "blue.x.jpg", "0.png"]),
    ],
)
def test_rows_are_renamed(account: ikpipe.Account, template: str, names: list[str | None]) -> None:
    """A frame's and picked ones; the extension stays, and a row without a value keeps its name. One step undoes it."""
    frame = pd.DataFrame({"file": ["https://a.example/red.jpg", "https://a.example/blue.x.jpg"], "sku": ["A1", "A2"]})
    uploader = ikpipe.Uploader(account, frame, ignore=["sku"])
    with Browser(uploader) as browser:
        browser.pick({"0.png": b"p"})
        before = [row["name"] for row in browser.rows.values()]
        ids = [*browser.rows]
        expected = [new or old for new, old in zip(names, before, strict=True)]
        shown = rename(browser, template, ids, preview=True)
        assert shown["names"] == [[old, new] for old, new in zip(before, names, strict=True)]
        assert [row["name"] for row in browser.rows.values()] == before
        assert rename(browser, template, ids)["rows"] == len([name for name in names if name])
        assert [row["name"] for row in browser.rows.values()] == expected
        browser.say(type="undo", request="u", step="s")
        assert [row["name"] for row in browser.rows.values()] == before


@pytest.mark.parametrize("template", ["{sku", "{nothing}", "{row:zz}"])
def test_an_invalid_template_renames_nothing(account: ikpipe.Account, template: str) -> None:
    """The answer is an error with the reason."""
    uploader = ikpipe.Uploader(account, pd.DataFrame({"file": ["https://a.example/red.jpg"]}))
    with Browser(uploader) as browser:
        answer = rename(browser, template, ["r0"])
        assert answer["rows"] == 0
        assert answer["problem"]
        assert browser.rows["r0"]["name"] == "red.jpg"


def test_names_are_made_of_edited_rows(account: ikpipe.Account) -> None:
    """With the name as it was edited."""
    uploader = ikpipe.Uploader(account, pd.DataFrame({"file": ["https://a.example/red.jpg"]}))
    with Browser(uploader) as browser:
        browser.edit(["r0"], "file_name", "green.jpg")
        rename(browser, "{name}-{row}", ["r0"])
        assert browser.rows["r0"]["name"] == "green-1.jpg"


def test_many_rows_are_renamed() -> None:
    """More rows than a chunk of a run has."""
    frame = pd.DataFrame({"file": [f"https://a.example/{at}.jpg" for at in range(12_000)]})
    nobody = ikpipe.Account("public_x", authentication_endpoint="https://shop.example/sign")
    with Browser(ikpipe.Uploader(nobody, frame)) as browser:
        assert rename(browser, "photo-{row}", [*browser.rows])["rows"] == len(frame)
        assert browser.rows["r11999"]["name"] == "photo-12000.jpg"


@pytest.mark.parametrize(
    ("template", "ids", "same"),
    [
        ("{name}-{row}", ["r0", "r1"], 0),
        ("shirt", ["r0", "r1", "r3"], 2),
        ("third", ["r0", "r1"], 2),
        ("{sku}", ["r0", "r1"], 1),
    ],
)
def test_a_preview_counts_files_of_one_name(account: ikpipe.Account, template: str, ids: list[str], same: int) -> None:
    """In one folder, also those that would have the name of a file that is not renamed."""
    names, folders = ("red", "blue", "third", "third"), ["/a", "/a", "/a", "/b"]
    files = [f"https://a.example/{name}.jpg" for name in names]
    frame = pd.DataFrame({"file": files, "folder": folders, "sku": ["third", None, "x", "y"]})
    with Browser(ikpipe.Uploader(account, frame, ignore=["sku"])) as browser:
        assert rename(browser, template, ids, preview=True)["same"] == same
