"""Rows whose file is there already, as a page is told of them."""

from __future__ import annotations

import threading
import time
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from browsers import SOON, Browser

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ikpipe.emulator import Emulator

HASH = "a" * 64


def told(browser: Browser) -> dict[str, dict[str, Any]]:
    """Return what the page was told of the rows that are duplicates."""
    found: dict[str, dict[str, Any]] = {}
    for message in browser.heard:
        for row in message["rows"] if message["type"] == "duplicates" else ():
            found[row["id"]] = {name: value for name, value in row.items() if name != "id"}
    return {one: answer for one, answer in found.items() if answer}


def wait_told(browser: Browser, expected: set[str]) -> dict[str, dict[str, Any]]:
    """Wait until exactly these rows are duplicates."""
    end = time.monotonic() + SOON
    while (found := told(browser)).keys() != expected:
        assert time.monotonic() < end, found
        time.sleep(0.01)
    return found


def pick(browser: Browser, *names: str, size: int = 5, path: str = "") -> None:
    """Add files, and ask for duplicates."""
    files = [
        {"key": f"{name}-{at}-{len(browser.rows)}", "name": name, "path": path, "size": size, "type": "image/png"}
        for at, name in enumerate(names)
    ]
    browser.say(type="add", request="a", files=files)
    ask(browser)


def ask(browser: Browser) -> None:
    """Ask for the duplicates among all rows."""
    browser.say(type="find_duplicates", ids=[*browser.rows])


def hash_all(browser: Browser, *ids: str, value: str = HASH) -> None:
    """Tell the hash of some files."""
    browser.say(type="contents", files=[{"id": one, "hash": value} for one in ids])


def test_files_with_the_same_hash_are_duplicates_of_the_first(account: ikpipe.Account) -> None:
    """Whatever their names are."""
    with Browser(ikpipe.Uploader(account)) as browser:
        pick(browser, "a.png", "b.png", "c.png")
        hash_all(browser, "b0", "b1")
        hash_all(browser, "b2", value="c" * 64)
        assert told(browser) == {"b1": {"kind": "content", "of": "b0"}}


def test_the_next_file_is_the_first_one_once_the_first_is_removed(account: ikpipe.Account) -> None:
    """And with one left, there is no duplicate."""
    with Browser(ikpipe.Uploader(account)) as browser:
        pick(browser, "a.png", "b.png", "c.png")
        hash_all(browser, "b0", "b1", "b2")
        for gone in ("b0", "b1"):
            browser.say(type="remove", ids=[gone])
            browser.say(type="find_duplicates", ids=[gone])
        assert told(browser).get("b2") is None


def test_files_of_this_machine_are_compared_with_picked_ones(account: ikpipe.Account, tmp_path: Path) -> None:
    """Both are hashed in the same way, in parts."""
    content = bytes(range(256)) * 20_000  # more than a part
    (tmp_path / "a.bin").write_bytes(content)
    (tmp_path / "other.bin").write_bytes(content[1:])
    part = 4 * 1024 * 1024
    value = sha256(b"".join(sha256(content[at : at + part]).digest() for at in range(0, len(content), part)))
    with Browser(ikpipe.Uploader(account, root=tmp_path)) as browser:
        pick(browser, "b.bin", size=len(content))
        hash_all(browser, "b0", value=value.hexdigest())
        assert wait_told(browser, {"b0"}) == {"b0": {"kind": "content", "of": "r0"}}


def test_contents_of_a_table_are_compared(account: ikpipe.Account) -> None:
    """Also those that are in its cells."""
    frame = pd.DataFrame({"file": [b"same", b"same", b"sane"], "file_name": ["a.txt", "b.txt", "c.txt"]})
    with Browser(ikpipe.Uploader(account, frame)) as browser:
        ask(browser)
        assert wait_told(browser, {"r1"}) == {"r1": {"kind": "content", "of": "r0"}}


def test_urls_are_compared_by_their_address(account: ikpipe.Account) -> None:
    """Nothing is fetched for it."""
    frame = pd.DataFrame({"file": ["https://a.example/x.png", "https://a.example/x.png"], "file_name": ["x", "y"]})
    with Browser(ikpipe.Uploader(account, frame)) as browser:
        ask(browser)
        assert told(browser) == {"r1": {"kind": "content", "of": "r0"}}


def test_the_same_name_in_a_folder_is_a_duplicate_if_names_are_unique(account: ikpipe.Account) -> None:
    """With fixed names, it is a problem of the row instead; in other folders, it is nothing."""
    for fixed, expected in ((False, {"b1": {"kind": "path", "of": "b0"}}), (True, {})):
        with Browser(ikpipe.Uploader(account, **({"use_unique_file_name": False} if fixed else {}))) as browser:
            pick(browser, "a.png", "a.png")
            pick(browser, "a.png", path="sub")
            assert told(browser) == expected


def test_a_row_that_is_kept_is_no_duplicate(account: ikpipe.Account) -> None:
    """Until that is undone."""
    with Browser(ikpipe.Uploader(account)) as browser:
        pick(browser, "a.png", "a.png")
        browser.say(type="keep", ids=["b1"], kept=True)
        assert told(browser) == {}
        browser.say(type="keep", ids=["b1"], kept=False)
        assert told(browser) == {"b1": {"kind": "path", "of": "b0"}}


def test_files_of_the_library_are_found(emulate: Callable[..., Emulator]) -> None:
    """In few requests for many rows; renamed rows are searched for again."""
    emulator = emulate()
    account = emulator.account
    stored = pd.DataFrame({"file": [b"hello", b"x"], "file_name": ["a.txt", "z.txt"], "folder": ["/in", "/in"]})
    stored.pipe(ikpipe.upload, account, use_unique_file_name=False, progress=False)
    requests = len(emulator.log())
    uploader = ikpipe.Uploader(account, folder="/in", use_unique_file_name=False)
    with Browser(uploader) as browser:
        pick(browser, "a.txt", *(f"b{at}.txt" for at in range(200)))
        found = wait_told(browser, {"b0"})["b0"]
        assert {**found, "url": ""} == {"kind": "library", "path": "/in/a.txt", "size": 5, "url": ""}
        assert len(emulator.log()) - requests <= 3  # the fields, and a listing
        browser.say(type="edit", request="e", ids=["b1"], column="file_name", value="z.txt")
        browser.say(type="find_duplicates", ids=["b1"])
        wait_told(browser, {"b0", "b1"})


@pytest.mark.parametrize(
    ("edits", "paths", "versions"),
    [({"use_unique_file_name": True}, 2, 1), ({"use_unique_file_name": False, "overwrite_file": True}, 1, 2)],
)
@pytest.mark.parametrize("mode", [{}, {"use_unique_file_name": False}])
def test_a_decision_is_an_edit_of_the_row(
    edits: dict[str, bool], paths: int, versions: int, mode: dict[str, bool], emulate: Callable[..., Emulator]
) -> None:
    """Both files are kept, or the new one becomes a version of the old one; the row is no duplicate any more."""
    emulator = emulate()
    account = emulator.account
    ikpipe.upload_file(b"old", account, file_name="a.txt", use_unique_file_name=False)
    uploader = ikpipe.Uploader(account, policy=ikpipe.Policy(index_lag=0.1), **mode)
    with Browser(uploader) as browser:
        browser.files["a"] = b"new!!"
        browser.say(
            type="add", request="a", files=[{"key": "a", "name": "a.txt", "path": "", "size": 5, "type": "text/plain"}]
        )
        ask(browser)
        wait_told(browser, {"b0"})
        for column, value in edits.items():
            browser.say(type="edit", request="e", ids=["b0"], column=column, value=value, step="s")
        ask(browser)
        wait_told(browser, set())
        assert browser.rows["b0"]["naming"] == edits
        browser.say(type="undo", request="u")
        ask(browser)
        wait_told(browser, {"b0"})
        browser.say(type="redo", request="r")
        browser.files["b0"] = b"new!!"
        browser.say(type="send", ids=None)
        browser.wait(lambda: browser.rows["b0"]["state"] == "uploaded")
    files = ikpipe.files(account)
    assert len(files) == paths
    assert len(uploader.results["ik_file_path"]) == 1
    assert uploader.results["ik_version_name"].tolist() == [f"Version {versions}"]


@pytest.mark.parametrize(
    ("options", "edit", "kept"),
    [
        ({}, {"overwrite_file": True}, True),
        ({"use_unique_file_name": False}, {"use_unique_file_name": True}, True),
        ({"use_unique_file_name": True}, {"use_unique_file_name": True}, True),
        ({"use_unique_file_name": True}, {"use_unique_file_name": False}, False),
        ({"useUniqueFileName": "yes"}, {"use_unique_file_name": False}, False),
        ({"overwrite_file": False}, {"overwrite_file": True}, False),
        ({"on_existing": "skip"}, {"use_unique_file_name": True}, False),
        ({}, {"overwrite_file": "/etc/passwd"}, False),
    ],
)
def test_a_page_replaces_nothing_that_python_protects(
    options: dict[str, Any], edit: dict[str, Any], kept: object, account: ikpipe.Account
) -> None:
    """A keyword that excludes it holds, also for the rows of an ended kernel, which are not lost."""
    with Browser(ikpipe.Uploader(account, **options)) as browser:
        pick(browser, "a.png")
        for column, value in edit.items():
            browser.say(type="edit", request="e", ids=["b0"], column=column, value=value)
        file = {"key": "k", "name": "b.png", "path": "", "size": 1, "id": "b7", "state": "ready"}
        browser.say(type="adopt", session="0" * 32, rows=[{**file, "edits": edit}])
        expected = edit if kept else {}
        assert [row.get("naming", {}) for row in browser.rows.values()] == [expected, expected]


@pytest.mark.parametrize(
    ("options", "expected"),
    [({}, True), ({"use_unique_file_name": False}, True), ({"overwrite_file": False}, False)],
)
def test_a_page_knows_whether_it_may_replace(
    options: dict[str, Any], expected: object, account: ikpipe.Account
) -> None:
    """It offers nothing else."""
    assert ikpipe.Uploader(account, **options).settings["can_replace"] is expected


def test_nothing_is_searched_without_a_private_key_or_with_a_rule(account: ikpipe.Account) -> None:
    """`on_existing` says what becomes of files that are there."""
    keyless = ikpipe.Account(account.public_key, None, authentication_endpoint="https://sign.example")
    for uploader in (ikpipe.Uploader(keyless), ikpipe.Uploader(account, on_existing="skip")):
        with Browser(uploader) as browser:
            before = searches()
            pick(browser, "a.png", "b.png")
            assert searches() <= before


def searches() -> set[threading.Thread]:
    """Return the threads that search a library."""
    return {one for one in threading.enumerate() if one.name == "ikpipe.library_check"}


def test_a_library_that_cannot_be_read_is_reported(account: ikpipe.Account) -> None:
    """And rows stay as they are."""
    nowhere = ikpipe.Account("public_x", "private_x", api_url="http://127.0.0.1:9")
    uploader = ikpipe.Uploader(nowhere, policy=ikpipe.Policy(first_wait=0.001))
    with Browser(uploader) as browser:
        pick(browser, "a.png")
        browser.wait(lambda: any(one.get("failed") for one in browser.heard if one["type"] == "duplicates"))
        assert browser.rows["b0"]["state"] == "ready"


@pytest.mark.parametrize(
    "message",
    [
        {"type": "contents", "files": [{"id": "b0", "hash": "../../etc/passwd"}]},
        {"type": "contents", "files": [{"id": "b0"}]},
        {"type": "find_duplicates", "ids": "b0"},
        {"type": "keep", "ids": ["b0"], "kept": 1},
    ],
)
def test_an_invalid_message_changes_nothing(account: ikpipe.Account, message: dict[str, Any]) -> None:
    """Pages are not trusted."""
    with Browser(ikpipe.Uploader(account)) as browser:
        pick(browser, "a.png", "a.png")
        before = told(browser)
        browser.say(**message)
        assert browser.last("error")["reason"] == "message"
        assert told(browser) == before


def test_many_files_with_one_content_cost_little(account: ikpipe.Account) -> None:
    """Not the square of their number."""
    with Browser(ikpipe.Uploader(account)) as browser:
        names = [f"{at}.png" for at in range(4_000)]
        pick(browser, *names)
        start = time.process_time()
        ids = [*browser.rows]
        for at in range(0, len(ids), 500):
            hash_all(browser, *ids[at : at + 500])
        assert len(told(browser)) == len(names) - 1
        assert time.process_time() - start < 3
