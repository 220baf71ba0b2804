"""Pages come, go, and come back: a file that nobody has, a page that says nothing, a kernel that was restarted."""

from __future__ import annotations

import shutil
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from browsers import Browser
from doubles import uploads_of

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from ikpipe.emulator import Emulator

QUICK = ikpipe.Policy(index_lag=0.3, first_wait=0.02, look_ups=0, answer_wait=0.1)


def stored(emulator: Emulator) -> int:
    """Count what is stored."""
    return sum(bool(one.get("stored")) for one in uploads_of(emulator))


@contextmanager
def lost(uploader: ikpipe.Uploader) -> Iterator[Browser]:
    """Send a file that its page, which was loaded anew, does not have any more."""
    with Browser(uploader) as browser:
        browser.pick({"a.txt": b"x"})
        browser.files.clear()
        uploader.send()
        assert browser.settled() == {"b0": "failed"}
        yield browser


def test_a_file_that_the_page_lost(account: ikpipe.Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that was reloaded has no files: the row fails with the code for which the page says to pick it again."""
    monkeypatch.setattr("ikpipe.widget.browser_uploads.LOST_WAIT", 0.1)
    with lost(ikpipe.Uploader(account, policy=QUICK)) as browser:
        assert browser.rows["b0"]["result"]["error"] == "file_not_found"


def test_a_file_that_was_changed_since_it_was_picked(emulate: Callable[..., Emulator]) -> None:
    """The page that has it cannot read it any more: that is said at once, and nothing is tried again."""
    emulator, tries = emulate(), []

    def unreadable(_browser: Browser, order: Mapping[str, Any]) -> dict[str, Any]:
        tries.append(order)
        return {"error": "unreadable", "left": False}

    uploader = ikpipe.Uploader(emulator.account)
    with Browser(uploader, unreadable) as browser:
        browser.pick({"a.txt": b"x"})
        uploader.send()
        assert browser.settled() == {"b0": "failed"}
        assert browser.rows["b0"]["result"]["error"] == "file_not_found"
    assert len(tries) == 1


def test_another_page_has_the_file(account: ikpipe.Account) -> None:
    """Of two pages that show the widget, the one without the file says so, and the other one sends it."""
    uploader = ikpipe.Uploader(account)

    def also_lost(browser: Browser, order: Mapping[str, Any]) -> dict[str, Any]:
        browser.say(type="result", id=order["id"], attempt=order["attempt"], error="lost", left=False)
        return browser.posted(order)

    with Browser(uploader, also_lost) as browser:
        browser.pick({"a.txt": b"x"})
        uploader.send()
        assert browser.settled() == {"b0": "uploaded"}


@pytest.mark.parametrize("first", [[], [{"type": "hello", "view": "new"}]], ids=["slow to begin", "another comes"])
def test_a_page_that_is_at_a_file_is_waited_for(
    emulate: Callable[..., Emulator], monkeypatch: pytest.MonkeyPatch, first: list[dict[str, Any]]
) -> None:
    """Whatever another page says: a browser may hold a post back, and the page says again that it is at it."""
    monkeypatch.setattr("ikpipe.widget.browser_uploads.LOST_WAIT", 0.1)
    emulator = emulate()
    uploader = ikpipe.Uploader(emulator.account)

    def slow(browser: Browser, order: Mapping[str, Any]) -> dict[str, Any]:
        for said in first:
            browser.say(**said)
        browser.say(type="result", id=order["id"], attempt=order["attempt"], error="lost", left=False)
        threading.Event().wait(0.5)
        return browser.posted(order)

    with Browser(uploader, slow) as browser:
        browser.pick({"a.txt": b"x"})
        uploader.send()
        assert browser.settled() == {"b0": "uploaded"}
    assert stored(emulator) == 1


def test_what_is_lost_is_stopped(account: ikpipe.Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that has the file after all, and was not heard, does not send it once the row has failed."""
    monkeypatch.setattr("ikpipe.widget.browser_uploads.LOST_WAIT", 0.1)
    with lost(ikpipe.Uploader(account, policy=QUICK)) as browser:
        assert browser.aborted == {("b0", browser.last("post")["posts"][0]["attempt"])}


@pytest.mark.slow
def test_a_silent_page_is_not_waited_for_forever(emulate: Callable[..., Emulator]) -> None:
    """It is asked to stop; rows end as what is true of them, and go up when it is back."""
    emulator, silent = emulate(), True

    def answers(said: dict[str, Any]) -> dict[str, Any] | None:
        return None if silent else said

    uploader = ikpipe.Uploader(emulator.account, policy=QUICK, concurrency=1)
    with Browser(uploader, answers=answers) as browser:
        browser.pick({"a.txt": b"a", "b.txt": b"b"})
        uploader.send()
        states = browser.settled(60)
        assert browser.aborted
        silent = False
        assert set(states.values()) <= {"exists", "cancelled", "unknown", "failed"}
        browser.say(type="ping", n=1)
        uploader.retry()
        assert set(browser.settled(60).values()) <= {"exists", "uploaded"}
    assert stored(emulator) == 2


def test_a_new_page_is_asked_again(account: ikpipe.Account) -> None:
    """What no page is at is posted by the one that has just come."""
    uploader = ikpipe.Uploader(account)
    with Browser(uploader) as browser:
        browser.online = False
        browser.pick({"a.txt": b"x"})
        uploader.send()
        browser.wait(lambda: browser.all("post"))
        browser.online = True
        browser.say(type="hello", view="other")
        assert browser.settled() == {"b0": "uploaded"}
        first, second = browser.all("post")
    assert first == second


@pytest.mark.slow
@pytest.mark.parametrize(("stores", "ends"), [(True, "exists"), (False, "failed")])
def test_a_page_that_is_reloaded_under_way(
    emulate: Callable[..., Emulator],
    monkeypatch: pytest.MonkeyPatch,
    stores: bool,  # noqa: FBT001
    ends: str,
) -> None:
    """The new page does not have the file, and nobody is at it any more: it is looked for, and not waited for."""
    monkeypatch.setattr("ikpipe.widget.browser_uploads.LOST_WAIT", 0.1)
    emulator, begun = emulate(), threading.Event()
    uploader = ikpipe.Uploader(emulator.account, policy=ikpipe.Policy(index_lag=0.3, first_wait=0.02))

    def goes(browser: Browser, order: Mapping[str, Any]) -> dict[str, Any]:
        if stores:
            browser.posted(order)
        begun.set()
        while (order["id"], order["attempt"]) not in browser.aborted:
            threading.Event().wait(0.01)
        return {"error": "cancelled", "left": True}

    with Browser(uploader, goes) as browser:
        browser.pick({"a.txt": b"x"})
        uploader.send()
        browser.wait(begun.is_set)
        browser.files.clear()
        browser.say(type="hello", view="new")
        assert browser.settled() == {"b0": ends}
    assert stored(emulator) == stores


@pytest.mark.slow
def test_a_restarted_kernel_goes_on(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """The page still has the files: what was up is up, what may be is looked for, the rest is ready; none is lost."""
    emulator = emulate()
    killed = ikpipe.Policy(index_lag=0.3, first_wait=0.02, look_ups=0)
    first = ikpipe.Uploader(emulator.account, policy=killed, journal=tmp_path / "one", concurrency=1, tags=["t"])
    files = {"a.txt": b"a", "b.txt": b"b", "c.txt": b"c"}
    reached = threading.Event()

    def post(browser: Browser, order: Mapping[str, Any]) -> dict[str, Any]:
        said = browser.posted(order)
        if order["id"] == "b1":
            shutil.copytree(tmp_path / "one", tmp_path / "two")  # as the disk was when the kernel died
            reached.set()
        return said

    with Browser(first, post) as browser:
        names = browser.pick(files)
        first.send()
        browser.wait(reached.is_set)
        before = browser.last("welcome")["session"]
        browser.settled()
    # What was after that did not happen: c is not there.
    lost = next(
        one for one in uploads_of(emulator) if one["file"]["size"] and one["fields"]["fileName"].startswith("c")
    )
    httpx.delete(
        f"{emulator.account.api_url}/v1/files/{lost['fileId']}", auth=(str(emulator.account.key()), "")
    ).raise_for_status()
    second = ikpipe.Uploader(emulator.account, policy=killed, journal=tmp_path / "two", tags=["t"])
    with Browser(second) as page:
        told = [
            {
                "key": f"k{name}",
                "id": name,
                "name": path,
                "path": "",
                "size": 1,
                "type": "",
                "state": state,
                "edits": {},
            }
            for name, path, state in zip(names, files, ("uploaded", "sending", "queued"), strict=True)
        ]
        page.say(type="adopt", session=before, key="a1", rows=told)
        ids = page.last("added")["ids"]
        page.files |= {ids[f"k{name}"]: content for name, content in zip(names, files.values(), strict=True)}
        assert page.settled() == {"b0": "uploaded", "b1": "exists", "b2": "ready"}
        second.send()
        assert page.settled()["b2"] == "uploaded"
    there = ikpipe.files(emulator.account)
    assert len(there) == 3
    assert len(second.results) == 3


def test_a_row_without_its_journal_stays_in_doubt(account: ikpipe.Account, tmp_path: Path) -> None:
    """Nobody knows under which name it may be stored: it is not sent as if it were not."""
    uploader = ikpipe.Uploader(account, policy=QUICK, journal=tmp_path)
    row = {"key": "k1", "id": "b0", "name": "a.txt", "path": "", "size": 1, "type": "", "state": "processing"}
    with Browser(uploader) as browser:
        browser.say(type="adopt", session="0" * 32, key="a", rows=[row, {**row, "key": "k2", "state": "ready"}])
        assert browser.settled() == {"b0": "unknown", "b1": "ready"}
