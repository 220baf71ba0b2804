"""URLs that a page adds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from browsers import Browser

import ikpipe

URL = "https://shop.example/a b.jpg"


def say_urls(browser: Browser, *urls: Any) -> None:
    """Send URLs as a page does."""
    browser.say(type="add_urls", request="u", urls=[*urls])


def test_urls_become_rows(account: ikpipe.Account) -> None:
    """Below the rows of a table, in its column of files."""
    frame = pd.DataFrame({"picture": [b"x"], "file_name": ["x.txt"]})
    uploader = ikpipe.Uploader(account, frame, columns={"file": "picture"})
    with Browser(uploader) as browser:
        say_urls(browser, URL)
        assert browser.last("urls_added") == {"type": "urls_added", "request": "u", "ids": ["r1"], "refused": []}
        assert browser.rows["r1"]["href"] == "https://shop.example/a%20b.jpg"
        assert browser.rows["r1"]["added"] is True
    assert uploader.frame["picture"].tolist() == [b"x", "https://shop.example/a%20b.jpg"]


@pytest.mark.parametrize(
    "text",
    [
        "/etc/passwd",
        "file:///etc/passwd",
        "a.txt",
        "",
        "data:text/plain,x",
        "browser://s/b0/x",
        "https://",
        "ftp://a/b",
    ],
)
def test_only_urls_are_taken(account: ikpipe.Account, text: str, tmp_path: Path) -> None:
    """A page must not make Python read a file of its machine."""
    (tmp_path / "a.txt").write_bytes(b"x")
    uploader = ikpipe.Uploader(account, root=tmp_path)
    with Browser(uploader) as browser:
        say_urls(browser, text, URL)
        assert browser.last("urls_added")["refused"] == [0]
    assert uploader.frame["file"].tolist()[1:] == ["https://shop.example/a%20b.jpg"]


@pytest.mark.parametrize(
    "urls", [None, "https://a.example", [1], ["https://a.example/" + "x" * 5_000], ["https://a"] * 1_001]
)
def test_an_invalid_message_adds_nothing(account: ikpipe.Account, urls: Any) -> None:
    """It is too long, or no list of texts."""
    uploader = ikpipe.Uploader(account)
    with Browser(uploader) as browser:
        browser.say(type="add_urls", request="u", urls=urls)
        assert browser.last("error")["request"] == "u"
    assert len(uploader.frame) == 0


def test_a_page_removes_what_it_added(account: ikpipe.Account) -> None:
    """And no row of the table."""
    frame = pd.DataFrame({"file": [b"x"], "file_name": ["x.txt"]})
    uploader = ikpipe.Uploader(account, frame)
    with Browser(uploader) as browser:
        say_urls(browser, URL)
        browser.say(type="remove", ids=["r0", "r1"])
        assert browser.last("gone")["ids"] == ["r1"]
    assert len(uploader.frame) == 1


def test_urls_survive_a_restart_of_the_kernel(account: ikpipe.Account) -> None:
    """The page sends them to the next kernel, with their edits."""
    uploader = ikpipe.Uploader(account)
    row = {"key": "k", "name": "a b.jpg", "size": 0, "id": "r0", "state": "ready", "url": URL, "edits": {"tags": ["x"]}}
    with Browser(uploader) as browser:
        browser.say(type="adopt", session="0" * 32, rows=[row, {**row, "key": "l", "id": "r1", "url": "/etc/passwd"}])
        assert [one["source"] for one in browser.rows.values()] == ["url", "browser"]
        assert browser.rows["r0"]["tags"] == ["x"]
