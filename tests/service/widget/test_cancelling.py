"""Cancel and retry, for one row and for all: files that may be stored are searched for first."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from browsers import Browser
from doubles import uploads_of

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ikpipe.emulator import Emulator


QUICK = ikpipe.Policy(index_lag=0.4, first_wait=0.02, look_ups=0)
THREE = {"a.txt": b"a", "b.txt": b"b", "c.txt": b"c"}


class Held:
    """Uploads that wait for `go`; one that is aborted before is not sent, or was stored with `stores`."""

    def __init__(self, *, stores: bool = False, left: bool = True) -> None:
        self.go = threading.Event()
        self.begun: list[str] = []
        self._stores, self._left = stores, left

    def __call__(self, browser: Browser, order: Mapping[str, Any]) -> dict[str, Any]:
        """Wait, then upload."""
        self.begun.append(order["id"])
        if self._stores:
            browser.posted(order)
        mine = (order["id"], order["attempt"])
        while not self.go.wait(0.02):
            if mine in browser.aborted:
                return {"error": "cancelled", "left": self._left}
        return browser.posted(order)


@contextmanager
def uploading(uploader: ikpipe.Uploader, hold: Held, files: dict[str, bytes]) -> Iterator[Browser]:
    """Upload files, the first of which waits."""
    with Browser(uploader, hold) as browser:
        browser.pick(files)
        uploader.send()
        browser.wait(lambda: hold.begun)
        yield browser


def test_a_waiting_row_is_cancelled_at_once(account: ikpipe.Account, arrived: Callable[[], list[Any]]) -> None:
    """Its state is `cancelled`, it is never sent, and the others are uploaded."""
    hold = Held()
    uploader = ikpipe.Uploader(account, policy=QUICK, concurrency=1)
    with uploading(uploader, hold, THREE) as browser:
        browser.say(type="cancel", ids=["b1"])
        assert browser.rows["b1"]["state"] == "cancelled"
        hold.go.set()
        assert browser.wait_idle() == {"b0": "uploaded", "b1": "cancelled", "b2": "uploaded"}
    assert len(arrived()) == 2
    assert uploader.results["ik_status"].tolist() == ["uploaded", "cancelled", "uploaded"]


def test_a_cancelled_row_can_be_retried(account: ikpipe.Account) -> None:
    """It rejoins its run while that is in progress; later, it gets a new one."""
    hold = Held()
    uploader = ikpipe.Uploader(account, policy=QUICK, concurrency=1)
    with uploading(uploader, hold, THREE) as browser:
        browser.say(type="cancel", ids=["b1", "b2"])
        browser.say(type="retry", ids=["b1"])
        assert browser.rows["b1"]["state"] == "queued"
        hold.go.set()
        assert browser.wait_idle() == {"b0": "uploaded", "b1": "uploaded", "b2": "cancelled"}
        browser.say(type="retry", ids=None)
        assert set(browser.wait_idle().values()) == {"uploaded"}


def test_a_cancelled_row_can_be_removed_during_its_run(
    account: ikpipe.Account, arrived: Callable[[], list[Any]]
) -> None:
    """It is removed, and the others are uploaded."""
    hold = Held()
    uploader = ikpipe.Uploader(account, policy=QUICK, concurrency=1)
    with uploading(uploader, hold, THREE) as browser:
        browser.say(type="cancel", ids=["b1"])
        browser.say(type="remove", ids=["b0", "b1"])
        assert browser.last("gone")["ids"] == ["b1"]
        hold.go.set()
        assert browser.wait_idle() == {"b0": "uploaded", "b2": "uploaded"}
    assert len(arrived()) == 2
    assert len(uploader.results) == 2


def test_a_cancelled_row_can_be_edited_during_its_run(
    account: ikpipe.Account, arrived: Callable[[], list[Any]]
) -> None:
    """It is ready again, and is uploaded once, with its edits."""
    hold = Held()
    uploader = ikpipe.Uploader(account, policy=QUICK, concurrency=1)
    with uploading(uploader, hold, {"a.txt": b"a", "b.txt": b"b"}) as browser:
        browser.say(type="cancel", ids=["b1"])
        browser.edit(["b1"], "tags", ["new"])
        assert browser.rows["b1"]["state"] == "ready"
        uploader.send()
        hold.go.set()
        assert browser.wait_idle() == {"b0": "uploaded", "b1": "uploaded"}
    assert len(arrived()) == 2
    assert uploader.results["ik_tags"].tolist() == [None, ["new"]]


def test_a_row_that_left_its_run_is_not_sent_by_it(account: ikpipe.Account, arrived: Callable[[], list[Any]]) -> None:
    """Not even a row that only waits for the rate limit is sent."""
    uploader = ikpipe.Uploader(account, policy=QUICK, rate=1)
    with Browser(uploader) as browser:
        browser.pick(THREE)
        uploader.send()
        browser.wait(lambda: "uploaded" in browser.states().values())
        browser.say(type="cancel", ids=["b2"])
        browser.edit(["b2"], "tags", ["new"])
        assert browser.wait_idle() == {"b0": "uploaded", "b1": "uploaded", "b2": "ready"}
    assert len(arrived()) == 2


@pytest.mark.parametrize(
    ("left", "stores", "ends"), [(False, False, "cancelled"), (True, False, "cancelled"), (True, True, "exists")]
)
def test_a_started_upload_is_aborted(emulate: Callable[..., Emulator], left: bool, stores: bool, ends: str) -> None:  # noqa: FBT001
    """A file that was not stored ends as cancelled, a stored one as `exists`. Neither is sent again."""
    emulator, hold = emulate(), Held(stores=stores, left=left)
    uploader = ikpipe.Uploader(emulator.account, policy=QUICK)
    with Browser(uploader, hold) as browser:
        browser.pick({"a.txt": b"a"})
        uploader.send()
        browser.wait(lambda: hold.begun and len(uploads_of(emulator)) == stores)
        browser.say(type="cancel", ids=["b0"])
        assert browser.wait_idle() == {"b0": ends}
    assert sum(bool(one["stored"]) for one in uploads_of(emulator)) == stores
    assert len(hold.begun) == 1


def test_all_are_cancelled(emulate: Callable[..., Emulator]) -> None:
    """Started uploads are searched for, queued ones are cancelled, and a retry stores each file once."""
    emulator, hold = emulate(), Held(stores=True)
    uploader = ikpipe.Uploader(emulator.account, policy=QUICK, concurrency=2)
    with Browser(uploader, hold) as browser:
        browser.pick({f"{number}.txt": b"%d" % number for number in range(6)})
        uploader.send()
        browser.wait(lambda: len(hold.begun) == 2 and len(uploads_of(emulator)) == 2)
        uploader.cancel()
        states = browser.wait_idle()
        assert Counter(states.values()) == {"exists": 2, "cancelled": 4}
        hold.go.set()
        hold._stores = False  # noqa: SLF001 - of this module
        uploader.retry()
        assert Counter(browser.wait_idle().values()) == {"exists": 2, "uploaded": 4}
    assert Counter(one["file"]["sha256"] for one in uploads_of(emulator) if one["stored"]).most_common(1)[0][1] == 1


def test_cancelling_twice_does_not_wait(emulate: Callable[..., Emulator]) -> None:
    """The search stops, so the row stays `unknown`; a retry searches first."""
    emulator, hold = emulate(), Held()
    uploader = ikpipe.Uploader(emulator.account, policy=ikpipe.Policy(index_lag=3, first_wait=0.02))
    with uploading(uploader, hold, {"a.txt": b"a"}) as browser:
        uploader.cancel()
        browser.wait(lambda: not browser.kept)
        uploader.cancel()
        assert browser.wait_idle(2.5) == {"b0": "unknown"}
        hold.go.set()
        uploader.retry()
        assert browser.wait_idle() == {"b0": "uploaded"}
    assert sum(bool(one["stored"]) for one in uploads_of(emulator)) == 1


def test_rows_of_a_frame_can_be_cancelled(emulate: Callable[..., Emulator]) -> None:
    """No further upload from the kernel starts."""
    emulator = emulate(latency=0.3)
    frame = pd.DataFrame({"file": [b"x%d" % number for number in range(6)], "file_name": ["a.txt"] * 6})
    uploader = ikpipe.Uploader(emulator.account, frame, policy=QUICK, concurrency=1)
    with Browser(uploader) as browser:
        uploader.send()
        browser.wait(lambda: "sending" in browser.states().values())
        uploader.cancel()
        states = Counter(browser.wait_idle().values())
    assert states["cancelled"] >= 4
    assert states["cancelled"] + states["uploaded"] == 6
    assert sum(bool(one["stored"]) for one in uploads_of(emulator)) == states["uploaded"]


def test_a_failed_row_can_be_edited_and_retried(emulate: Callable[..., Emulator]) -> None:
    """A failed row says what to do, and is ready again after an edit."""
    emulator = emulate()
    uploader = ikpipe.Uploader(emulator.account, use_unique_file_name=False, overwrite_file=False, policy=QUICK)
    ikpipe.upload_file(b"other", emulator.account, file_name="a.txt", use_unique_file_name=False)
    with Browser(uploader) as browser:
        browser.pick({"a.txt": b"a"})
        uploader.send()
        assert browser.wait_idle() == {"b0": "failed"}
        assert browser.rows["b0"]["result"]["what"]
        browser.edit(["b0"], "file_name", "b.txt")
        assert browser.rows["b0"]["state"] == "ready"
        assert uploader.results.empty
        uploader.send()
        assert browser.wait_idle() == {"b0": "uploaded"}


def test_a_file_that_is_stored_late_is_not_sent_twice(emulate: Callable[..., Emulator]) -> None:
    """A retry finds the file that the service stored late under its own name, and nothing is stored twice."""
    emulator = emulate(latency=0.6)
    uploader = ikpipe.Uploader(emulator.account, policy=ikpipe.Policy(index_lag=0.05, first_wait=0.02))

    def gives_up(browser: Browser, order: Mapping[str, Any]) -> dict[str, Any]:
        threading.Thread(target=browser.posted, args=(order,)).start()
        while (order["id"], order["attempt"]) not in browser.aborted:
            threading.Event().wait(0.01)
        return {"error": "cancelled", "left": True}

    posts = [gives_up, Browser.posted]

    def post(browser: Browser, order: Mapping[str, Any]) -> dict[str, Any]:
        return posts.pop(0)(browser, order)

    with Browser(uploader, post) as browser:
        browser.pick({"a.txt": b"a"})
        uploader.send()
        browser.wait(lambda: len(posts) == 1)
        uploader.cancel()
        assert browser.wait_idle() == {"b0": "cancelled"}
        browser.wait(lambda: uploads_of(emulator))
        uploader.retry()
        assert browser.wait_idle() == {"b0": "exists"}
    assert sum(bool(one["stored"]) for one in uploads_of(emulator)) == 1
