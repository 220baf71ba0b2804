"""What the kernel does about pages that were reloaded or restarted, with a fake browser."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from browsers import SOON, Browser

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ikpipe.emulator import Emulator

ACCOUNT = ikpipe.Account("public_shop", authentication_endpoint="https://shop.example/sign")
QUICK = ikpipe.Policy(index_lag=0.3, first_wait=0.02, look_ups=0)
THREE = {"trip/a.txt": b"aa", "b.txt": b"bbb", "c.txt": b"cccc"}


def holding(held: threading.Event, row: str) -> Callable[[Browser, Mapping[str, Any]], dict[str, Any]]:
    """Return an upload that waits, in one row, until an event is set."""

    def post(browser: Browser, order: Mapping[str, Any]) -> dict[str, Any]:
        if order["id"] == row:
            held.wait(SOON)
        return browser.posted(order)

    return post


def test_rows_say_how_their_files_are_recognized() -> None:
    """A page recognizes a file by its name as it was picked, not as it is stored."""
    with Browser(ikpipe.Uploader(ACCOUNT)) as browser:
        browser.pick({"trip/a b.txt": b"x"})
        assert browser.rows["b0"]["file"] == {"name": "a b.txt", "path": "trip", "modified": None}


def test_a_page_knows_its_files_before_their_rows(account: ikpipe.Account) -> None:
    """Otherwise a page would show new rows as lacking their files for a moment."""
    with Browser(ikpipe.Uploader(account)) as browser:
        browser.pick(THREE)
        kinds = [message["type"] for message in browser.heard if message["type"] in ("rows", "added")]
        assert kinds[-2:] == ["added", "rows"]


def test_lost_files_that_wait_end_at_once(emulate: Callable[..., Emulator]) -> None:
    """Rows in the queue are not tried one after another if no page has their files; nothing of them is sent."""
    emulator, held = emulate(), threading.Event()
    uploader = ikpipe.Uploader(emulator.account, concurrency=1, policy=QUICK)
    with Browser(uploader, holding(held, "b0")) as browser:
        browser.pick(THREE)
        uploader.send()
        browser.wait(lambda: "sending" in browser.states().values())
        browser.say(type="lost", ids=["b0", "b1", "b2"])
        browser.wait(lambda: list(browser.states().values()).count("failed") == 2)
        assert browser.rows["b2"]["result"]["error"] == "file_not_found"
        held.set()
        assert browser.wait_idle()["b0"] == "uploaded"
        browser.say(type="have", ids=["b1", "b2", "r7"], again=True)
        assert browser.last("have")["ids"] == ["b1", "b2"]
        uploader.send()
        assert set(browser.wait_idle().values()) == {"uploaded"}
    assert len([one for one in emulator.log() if one.get("stored")]) == 3


def test_files_of_another_page_reset_nothing(account: ikpipe.Account) -> None:
    """A page that only says what it has does not make a failed row ready."""
    uploader = ikpipe.Uploader(account)
    with Browser(uploader) as browser:
        browser.pick({"a.txt": b"a"}, size=9)
        browser.files.clear()
        uploader.send()
        assert browser.wait_idle() == {"b0": "failed"}
        browser.say(type="have", ids=["b0"])
        assert browser.states() == {"b0": "failed"}


def test_the_counter_of_a_run_goes_on(emulate: Callable[..., Emulator]) -> None:
    """A page that is opened during a run gets its counts, and none otherwise."""
    held = threading.Event()
    uploader = ikpipe.Uploader(emulate().account, concurrency=1, policy=QUICK)
    with Browser(uploader, holding(held, "b1")) as browser:
        browser.pick(THREE)
        assert browser.last("welcome")["run"] is None
        uploader.send()
        browser.wait(lambda: "uploaded" in browser.states().values())
        browser.say(type="hello")
        assert browser.last("welcome")["run"] == {"rows": 3, "ended": 1, "failed": 0}
        held.set()
        browser.wait_idle()


def test_stop_now_ends_a_row_and_applies_what_is_found_later(emulate: Callable[..., Emulator]) -> None:
    """The row is unknown at once; the search that goes on finds that the file is stored, and nothing is sent again."""
    emulator = emulate()
    uploader = ikpipe.Uploader(emulator.account, policy=QUICK)
    held = threading.Event()

    def stored(browser: Browser, order: Mapping[str, Any]) -> dict[str, Any]:
        browser.posted(order)
        held.wait(SOON)
        return {"error": "network", "left": True}

    with Browser(uploader, stored) as browser:
        browser.pick({"a.txt": b"a"})
        uploader.send()
        browser.wait(lambda: browser.states()["b0"] in ("sending", "processing"))
        browser.say(type="cancel", ids=["b0"], now=True)
        assert uploader.results["ik_status"].tolist() == ["unknown"]
        held.set()
        browser.wait(lambda: browser.states()["b0"] == "exists")
        browser.wait_idle()
    assert len([one for one in emulator.log() if one.get("stored")]) == 1


def test_two_pages_of_a_notebook_adopt_a_row_once(account: ikpipe.Account) -> None:
    """Both have the row, and each the kernel's answer by its own key."""
    row = {"id": "b0", "name": "a.txt", "path": "", "size": 1, "type": "", "state": "ready"}
    with Browser(ikpipe.Uploader(account)) as browser:
        for key in ("one", "two"):
            browser.say(type="adopt", session="0" * 32, rows=[{**row, "key": key}])
            assert browser.last("added")["ids"] == {key: "b0"}
        assert len(browser.rows) == 1


def test_a_final_error_is_marked(emulate: Callable[..., Emulator]) -> None:
    """A page offers no retry of a file that would be rejected again; a lost connection is not final."""
    uploader = ikpipe.Uploader(emulate(other_limit=2).account, policy=QUICK)
    with Browser(uploader) as browser:
        browser.pick({"a.txt": b"long"})
        uploader.send()
        assert browser.wait_idle() == {"b0": "failed"}
        assert browser.rows["b0"]["result"]["final"] is True
