"""Pages that are closed, reloaded or silent, files that no page has any more, and a restarted kernel."""

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
    """Return the number of stored files."""
    return sum(bool(one.get("stored")) for one in uploads_of(emulator))


@contextmanager
def lost(uploader: ikpipe.Uploader) -> Iterator[Browser]:
    """Upload a file that its page does not have any more, since it was reloaded."""
    with Browser(uploader) as browser:
        browser.pick({"a.txt": b"x"})
        browser.files.clear()
        uploader.send()
        assert browser.wait_idle() == {"b0": "failed"}
        yield browser


def test_a_file_that_the_page_lost(account: ikpipe.Account) -> None:
    """The row fails with the code for which the page asks to choose the file again."""
    with lost(ikpipe.Uploader(account, policy=QUICK)) as browser:
        assert browser.rows["b0"]["result"]["error"] == "file_not_found"


def test_a_file_that_was_changed_since_it_was_picked(emulate: Callable[..., Emulator]) -> None:
    """The page cannot read it any more: the row fails at once, without another attempt."""
    emulator, tries = emulate(), []

    def unreadable(_browser: Browser, order: Mapping[str, Any]) -> dict[str, Any]:
        tries.append(order)
        return {"error": "unreadable", "left": False}

    uploader = ikpipe.Uploader(emulator.account)
    with Browser(uploader, unreadable) as browser:
        browser.pick({"a.txt": b"x"})
        uploader.send()
        assert browser.wait_idle() == {"b0": "failed"}
        assert browser.rows["b0"]["result"]["error"] == "file_not_found"
    assert len(tries) == 1


def test_another_page_has_the_file(account: ikpipe.Account) -> None:
    """If one of two pages does not have the file, the other one uploads it."""
    uploader = ikpipe.Uploader(account)

    def also_lost(browser: Browser, order: Mapping[str, Any]) -> dict[str, Any]:
        browser.say(type="result", id=order["id"], attempt=order["attempt"], error="lost", left=False)
        return browser.posted(order)

    with Browser(uploader, also_lost) as browser:
        browser.pick({"a.txt": b"x"})
        uploader.send()
        assert browser.wait_idle() == {"b0": "uploaded"}


@pytest.mark.parametrize("first", [[], [{"type": "hello", "view": "new"}]], ids=["slow to begin", "another comes"])
def test_a_page_that_uploads_a_file_is_waited_for(
    emulate: Callable[..., Emulator], first: list[dict[str, Any]]
) -> None:
    """A page that reported progress is waited for, although another page does not have the file."""
    emulator = emulate()
    uploader = ikpipe.Uploader(emulator.account, policy=ikpipe.Policy(answer_wait=0.25))

    def slow(browser: Browser, order: Mapping[str, Any]) -> dict[str, Any]:
        for said in first:
            browser.say(**said)
        browser.say(type="result", id=order["id"], attempt=order["attempt"], error="lost", left=False)
        for _ in range(13):  # longer than a lost file is waited for
            threading.Event().wait(0.1)
            browser.say(type="progress", id=order["id"], attempt=order["attempt"], loaded=0, total=1)
        return browser.posted(order)

    with Browser(uploader, slow) as browser:
        browser.pick({"a.txt": b"x"})
        uploader.send()
        assert browser.wait_idle() == {"b0": "uploaded"}
    assert stored(emulator) == 1


def test_a_lost_upload_is_aborted(account: ikpipe.Account) -> None:
    """A page that has the file after all, and whose messages are late, does not upload it once the row has failed."""
    with lost(ikpipe.Uploader(account, policy=QUICK)) as browser:
        assert browser.aborted == {("b0", browser.last("post")["posts"][0]["attempt"])}


def test_a_silent_page_is_not_waited_for_forever(emulate: Callable[..., Emulator]) -> None:
    """Its uploads are aborted, the rows get their true status, and a retry uploads them when it is back."""
    emulator, silent = emulate(), True

    def answers(said: dict[str, Any]) -> dict[str, Any] | None:
        return None if silent else said

    uploader = ikpipe.Uploader(emulator.account, policy=QUICK, concurrency=1)
    with Browser(uploader, answers=answers) as browser:
        browser.pick({"a.txt": b"a", "b.txt": b"b"})
        uploader.send()
        states = browser.wait_idle(60)
        assert browser.aborted
        silent = False
        assert set(states.values()) <= {"exists", "cancelled", "unknown", "failed"}
        browser.say(type="ping", n=1)
        uploader.retry()
        assert set(browser.wait_idle(60).values()) <= {"exists", "uploaded"}
    assert stored(emulator) == 2


def test_a_new_page_is_asked_again(account: ikpipe.Account) -> None:
    """An upload that no page works on is requested again when a page is opened."""
    uploader = ikpipe.Uploader(account)
    with Browser(uploader) as browser:
        browser.online = False
        browser.pick({"a.txt": b"x"})
        uploader.send()
        browser.wait(lambda: browser.all("post"))
        browser.online = True
        browser.say(type="hello", view="other")
        assert browser.wait_idle() == {"b0": "uploaded"}
        first, second = browser.all("post")
    assert first == second


@pytest.mark.parametrize(("stores", "ends"), [(True, "exists"), (False, "failed")])
def test_a_page_that_is_reloaded_during_an_upload(
    emulate: Callable[..., Emulator],
    stores: bool,  # noqa: FBT001
    ends: str,
) -> None:
    """No page has the file any more: the media library is searched for it without a long wait."""
    emulator, begun = emulate(), threading.Event()
    uploader = ikpipe.Uploader(emulator.account, policy=QUICK)

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
        assert browser.wait_idle() == {"b0": ends}
    assert stored(emulator) == stores


def test_a_restarted_kernel_adopts_rows(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """The page still has the files: uploaded rows stay so, unknown ones are searched for, and the others are ready."""
    emulator = emulate()
    killed = ikpipe.Policy(index_lag=0.3, first_wait=0.02, look_ups=0)
    first = ikpipe.Uploader(emulator.account, policy=killed, journal=tmp_path / "one", concurrency=1, tags=["t"])
    files = {"a.txt": b"a", "b.txt": b"b", "c.txt": b"c"}
    reached = threading.Event()

    def post(browser: Browser, order: Mapping[str, Any]) -> dict[str, Any]:
        said = browser.posted(order)
        if order["id"] == "b1":
            shutil.copytree(tmp_path / "one", tmp_path / "two")  # the disk when the kernel is killed
            reached.set()
        return said

    with Browser(first, post) as browser:
        names = browser.pick(files)
        first.send()
        browser.wait(reached.is_set)
        before = browser.last("welcome")["session"]
        browser.wait_idle()
    # Undo what happened later: c is not stored.
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
        assert page.wait_idle() == {"b0": "uploaded", "b1": "exists", "b2": "ready"}
        second.send()
        assert page.wait_idle()["b2"] == "uploaded"
    there = ikpipe.files(emulator.account)
    assert len(there) == 3
    assert len(second.results) == 3


def test_a_row_without_its_journal_stays_unknown(account: ikpipe.Account, tmp_path: Path) -> None:
    """Its name in the library is not known: it must not be uploaded again."""
    uploader = ikpipe.Uploader(account, policy=QUICK, journal=tmp_path)
    row = {"key": "k1", "id": "b0", "name": "a.txt", "path": "", "size": 1, "type": "", "state": "processing"}
    with Browser(uploader) as browser:
        browser.say(
            type="adopt", session="0" * 32, key="a", rows=[row, {**row, "key": "k2", "id": "b1", "state": "ready"}]
        )
        assert browser.wait_idle() == {"b0": "unknown", "b1": "ready"}
