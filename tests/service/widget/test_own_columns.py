"""The table's own columns, for pages."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from browsers import Browser

import ikpipe


def texts(browser: Browser, column: str) -> dict[str, str]:
    """Return the values of a column that the page gets."""
    browser.say(type="values", request="v", column=column)
    found: dict[str, str] = {}
    for message in browser.all("values"):
        found |= message["texts"]
    return found


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([1.0, 2.0], {"r0": "1", "r1": "2"}),
        ([1.5, None], {"r0": "1.5"}),
        (["x" * 500, ""], {"r0": "x" * 200, "r1": ""}),
        ([b"abc", pd.NA], {"r0": "3 bytes"}),
        ([pd.Timestamp("2026-01-02"), True], {"r0": "2026-01-02", "r1": "True"}),
        ([["a", "b"], {"k": 1}], {"r0": "['a', 'b']", "r1": "{'k': 1}"}),
    ],
)
def test_a_page_gets_texts(account: ikpipe.Account, cells: list[Any], expected: dict[str, str]) -> None:
    """Of any value, and of a bounded length; rows without one have none."""
    frame = pd.DataFrame(
        {"file": [b"a", b"b"], "file_name": ["a.txt", "b.txt"], "cell": pd.Series(cells, dtype=object)}
    )
    uploader = ikpipe.Uploader(account, frame, ignore=["cell"])
    assert uploader.settings["columns"] == ["file", "file_name", "cell"]
    with Browser(uploader) as browser:
        browser.pick({"c.txt": b"c"})
        assert texts(browser, "cell") == expected


def test_thousands_of_rows_come_in_several_messages(account: ikpipe.Account) -> None:
    """The last one is the answer."""
    frame = pd.DataFrame({"file": [b"a"] * 12_000, "n": range(12_000)})
    with Browser(ikpipe.Uploader(account, frame, ignore=["n"], file_name="a.txt")) as browser:
        assert len(texts(browser, "n")) == 12_000
        assert ["request" in one for one in browser.all("values")] == [False, False, True]


def test_another_column_is_refused(account: ikpipe.Account) -> None:
    """A page can only ask for those that there are."""
    with Browser(ikpipe.Uploader(account, pd.DataFrame({"file": [b"a"]}), file_name="a.txt")) as browser:
        assert texts(browser, "nothing") == {}
        assert browser.last("error")["request"] == "v"
