"""Cancel and retry, of one row and of all: what may have left is looked for before anything is said of it."""

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

pytestmark = pytest.mark.slow


QUICK = ikpipe.Policy(index_lag=0.4, first_wait=0.02, look_ups=0)
THREE = {"a.txt": b"a", "b.txt": b"b", "c.txt": b"c"}
Post = "Callable[[Browser, Mapping[str, Any]], dict[str, Any]]"


class Held:
    """Posts that wait until they are let go; one that is aborted meanwhile is not posted, or after it was stored."""

    def __init__(self, *, stores: bool = False, left: bool = True) -> None:
        self.go = threading.Event()
        self.begun: list[str] = []
        self._stores, self._left = stores, left

    def __call__(self, browser: Browser, order: Mapping[str, Any]) -> dict[str, Any]:
        """Wait, then post."""
        self.begun.append(order["id"])
        if self._stores:
            browser.posted(order)
        mine = (order["id"], order["attempt"])
        while not self.go.wait(0.02):
            if mine in browser.aborted:
                return {"error": "cancelled", "left": self._left}
        return browser.posted(order)


@contextmanager
def under_way(uploader: ikpipe.Uploader, hold: Held, files: dict[str, bytes]) -> Iterator[Browser]:
    """Send files whose first post is held."""
    with Browser(uploader, hold) as browser:
        browser.pick(files)
        uploader.send()
        browser.wait(lambda: hold.begun)
        yield browser


def test_a_waiting_row_is_cancelled_at_once(account: ikpipe.Account, arrived: Callable[[], list[Any]]) -> None:
    """It shows so, is never sent, and the others go on."""
    hold = Held()
    uploader = ikpipe.Uploader(account, policy=QUICK, concurrency=1)
    with under_way(uploader, hold, THREE) as browser:
        browser.say(type="cancel", ids=["b1"])
        assert browser.rows["b1"]["state"] == "cancelled"
        hold.go.set()
        assert browser.settled() == {"b0": "uploaded", "b1": "cancelled", "b2": "uploaded"}
    assert len(arrived()) == 2
    assert uploader.results["ik_status"].tolist() == ["uploaded", "cancelled", "uploaded"]


def test_a_cancelled_row_can_be_wanted_again(account: ikpipe.Account) -> None:
    """While its run still goes, it joins it again; later, it gets a new one."""
    hold = Held()
    uploader = ikpipe.Uploader(account, policy=QUICK, concurrency=1)
    with under_way(uploader, hold, THREE) as browser:
        browser.say(type="cancel", ids=["b1", "b2"])
        browser.say(type="retry", ids=["b1"])
        assert browser.rows["b1"]["state"] == "queued"
        hold.go.set()
        assert browser.settled() == {"b0": "uploaded", "b1": "uploaded", "b2": "cancelled"}
        browser.say(type="retry", ids=None)
        assert set(browser.settled().values()) == {"uploaded"}


def test_a_cancelled_row_can_be_removed_while_its_run_goes(
    account: ikpipe.Account, arrived: Callable[[], list[Any]]
) -> None:
    """It is gone, and the others arrive."""
    hold = Held()
    uploader = ikpipe.Uploader(account, policy=QUICK, concurrency=1)
    with under_way(uploader, hold, THREE) as browser:
        browser.say(type="cancel", ids=["b1"])
        browser.say(type="remove", ids=["b0", "b1"])
        assert browser.last("gone")["ids"] == ["b1"]
        hold.go.set()
        assert browser.settled() == {"b0": "uploaded", "b2": "uploaded"}
    assert len(arrived()) == 2
    assert len(uploader.results) == 2


def test_a_cancelled_row_can_be_mended_while_its_run_goes(
    account: ikpipe.Account, arrived: Callable[[], list[Any]]
) -> None:
    """It is ready again, and is sent once, as it was edited."""
    hold = Held()
    uploader = ikpipe.Uploader(account, policy=QUICK, concurrency=1)
    with under_way(uploader, hold, {"a.txt": b"a", "b.txt": b"b"}) as browser:
        browser.say(type="cancel", ids=["b1"])
        browser.edit(["b1"], "tags", ["new"])
        assert browser.rows["b1"]["state"] == "ready"
        uploader.send()
        hold.go.set()
        assert browser.settled() == {"b0": "uploaded", "b1": "uploaded"}
    assert len(arrived()) == 2
    assert uploader.results["ik_tags"].tolist() == [None, ["new"]]


def test_a_row_that_left_its_run_is_not_sent_by_it(account: ikpipe.Account, arrived: Callable[[], list[Any]]) -> None:
    """Not even where the run had begun with it, and only waited for its turn of the rate."""
    uploader = ikpipe.Uploader(account, policy=QUICK, rate=1)
    with Browser(uploader) as browser:
        browser.pick(THREE)
        uploader.send()
        browser.wait(lambda: "uploaded" in browser.states().values())
        browser.say(type="cancel", ids=["b2"])
        browser.edit(["b2"], "tags", ["new"])
        assert browser.settled() == {"b0": "uploaded", "b1": "uploaded", "b2": "ready"}
    assert len(arrived()) == 2


@pytest.mark.parametrize(
    ("left", "stores", "ends"), [(False, False, "cancelled"), (True, False, "cancelled"), (True, True, "exists")]
)
def test_a_row_on_its_way_is_aborted(emulate: Callable[..., Emulator], left: bool, stores: bool, ends: str) -> None:  # noqa: FBT001
    """What had not arrived is cancelled; what had is there, and says so. Neither is sent a second time."""
    emulator, hold = emulate(), Held(stores=stores, left=left)
    uploader = ikpipe.Uploader(emulator.account, policy=QUICK)
    with Browser(uploader, hold) as browser:
        browser.pick({"a.txt": b"a"})
        uploader.send()
        browser.wait(lambda: hold.begun and len(uploads_of(emulator)) == stores)
        browser.say(type="cancel", ids=["b0"])
        assert browser.settled() == {"b0": ends}
    assert sum(bool(one["stored"]) for one in uploads_of(emulator)) == stores
    assert len(hold.begun) == 1


def test_all_are_cancelled(emulate: Callable[..., Emulator]) -> None:
    """Those under way are looked for, those that wait are cancelled; what is retried then is stored once."""
    emulator, hold = emulate(), Held(stores=True)
    uploader = ikpipe.Uploader(emulator.account, policy=QUICK, concurrency=2)
    with Browser(uploader, hold) as browser:
        browser.pick({f"{number}.txt": b"%d" % number for number in range(6)})
        uploader.send()
        browser.wait(lambda: len(hold.begun) == 2 and len(uploads_of(emulator)) == 2)
        uploader.cancel()
        states = browser.settled()
        assert Counter(states.values()) == {"exists": 2, "cancelled": 4}
        hold.go.set()
        hold._stores = False  # noqa: SLF001 - our own
        uploader.retry()
        assert Counter(browser.settled().values()) == {"exists": 2, "uploaded": 4}
    assert Counter(one["file"]["sha256"] for one in uploads_of(emulator) if one["stored"]).most_common(1)[0][1] == 1


def test_who_cancels_twice_does_not_wait(emulate: Callable[..., Emulator]) -> None:
    """Rows in doubt stay `unknown`; a retry looks for them first."""
    emulator, hold = emulate(), Held()
    uploader = ikpipe.Uploader(emulator.account, policy=ikpipe.Policy(index_lag=3, first_wait=0.02))
    with under_way(uploader, hold, {"a.txt": b"a"}) as browser:
        uploader.cancel()
        browser.wait(lambda: not browser.kept)
        uploader.cancel()
        assert browser.settled(2.5) == {"b0": "unknown"}
        hold.go.set()
        uploader.retry()
        assert browser.settled() == {"b0": "uploaded"}
    assert sum(bool(one["stored"]) for one in uploads_of(emulator)) == 1


def test_rows_of_a_frame_can_be_cancelled(emulate: Callable[..., Emulator]) -> None:
    """What this machine sends is not begun any more."""
    emulator = emulate(latency=0.3)
    frame = pd.DataFrame({"file": [b"x%d" % number for number in range(6)], "file_name": ["a.txt"] * 6})
    uploader = ikpipe.Uploader(emulator.account, frame, policy=QUICK, concurrency=1)
    with Browser(uploader) as browser:
        uploader.send()
        browser.wait(lambda: "sending" in browser.states().values())
        uploader.cancel()
        states = Counter(browser.settled().values())
    assert states["cancelled"] >= 4
    assert states["cancelled"] + states["uploaded"] == 6
    assert sum(bool(one["stored"]) for one in uploads_of(emulator)) == states["uploaded"]


def test_a_failed_row_can_be_mended_and_retried(emulate: Callable[..., Emulator]) -> None:
    """A refusal names what to do; a row that is edited is new again."""
    emulator = emulate()
    uploader = ikpipe.Uploader(emulator.account, use_unique_file_name=False, overwrite_file=False, policy=QUICK)
    ikpipe.upload_file(b"other", emulator.account, file_name="a.txt", use_unique_file_name=False)
    with Browser(uploader) as browser:
        browser.pick({"a.txt": b"a"})
        uploader.send()
        assert browser.settled() == {"b0": "failed"}
        assert browser.rows["b0"]["result"]["what"]
        browser.edit(["b0"], "file_name", "b.txt")
        assert browser.rows["b0"]["state"] == "ready"
        assert uploader.results.empty
        uploader.send()
        assert browser.settled() == {"b0": "uploaded"}


def test_what_arrives_after_it_was_given_up_is_not_sent_twice(emulate: Callable[..., Emulator]) -> None:
    """A file that the service stored later than anybody believes: a retry meets its own name, and nothing is twice."""
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
        assert browser.settled() == {"b0": "cancelled"}
        browser.wait(lambda: uploads_of(emulator))
        uploader.retry()
        assert browser.settled() == {"b0": "exists"}
    assert sum(bool(one["stored"]) for one in uploads_of(emulator)) == 1
