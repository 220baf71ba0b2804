"""Faults while a browser uploads: no file is stored twice or lost, and page, summary and results agree."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from browsers import UPLOADED, Browser
from doubles import uploads_of
from rows import sha

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ikpipe.emulator import Emulator


QUICK = ikpipe.Policy(index_lag=0.5, first_wait=0.02, look_ups=0)
FILES = {f"{number}.txt": f"content {number}".encode() for number in range(8)}


def stored(emulator: Emulator) -> Counter[str]:
    """Return how often each file was stored, by the name that it was picked with."""
    names = {sha(content): name for name, content in FILES.items()}
    return Counter(names[one["file"]["sha256"]] for one in uploads_of(emulator) if one.get("stored"))


def agree(uploader: ikpipe.Uploader, browser: Browser, emulator: Emulator) -> None:
    """Check that the page, the summary and the results agree, and are true."""
    results = uploader.results
    there = stored(emulator)
    for name, status in zip(FILES, results["ik_status"], strict=False):
        assert status == "unknown" or (status in UPLOADED) == bool(there[name])
    assert Counter(browser.states().values()) == uploader.summary["counts"]
    assert Counter(results["ik_status"]) == Counter(browser.states().values())


@pytest.mark.parametrize(
    "faults",
    [
        {"store-then-cut": 0.5},
        {"store-then-5xx": 0.5},
        {"5xx": 0.5},
        {"429": 0.15},
        {"reset-middle": 0.5, "refuse": 0.3},
        {"truncated": 0.4, "non-json": 0.4},
        {"cut-answer": 0.5, "index-delay": 0.5},
    ],
    ids="+".join,
)
def test_nothing_is_stored_twice_or_lost(emulate: Callable[..., Emulator], faults: dict[str, float]) -> None:
    """With any fault, retries store each file exactly once."""
    emulator = emulate(faults=faults, seed=3, index_lag=0.2)
    uploader = ikpipe.Uploader(emulator.account, policy=QUICK)
    with Browser(uploader) as browser:
        browser.pick(FILES)
        uploader.send()
        browser.wait_idle(60)
        agree(uploader, browser, emulator)
        for _ in range(8):
            if set(browser.states().values()) <= set(UPLOADED):
                break
            uploader.retry()
            browser.wait_idle(60)
            agree(uploader, browser, emulator)
    assert set(browser.states().values()) <= set(UPLOADED)
    assert stored(emulator) == dict.fromkeys(FILES, 1)
    assert emulator.fired


def test_a_used_token_is_confirmed_by_a_search(emulate: Callable[..., Emulator]) -> None:
    """A stored file whose browser lost the connection is found, and not sent again."""

    def cut(browser: Browser, order: Mapping[str, Any]) -> dict[str, Any]:
        browser.posted(order)
        return {"error": "network", "left": True}

    emulator = emulate()
    uploader = ikpipe.Uploader(emulator.account, policy=QUICK)
    with Browser(uploader, cut) as browser:
        names = browser.pick({"0.txt": FILES["0.txt"]})
        uploader.send()
        assert browser.wait_idle() == {names[0]: "exists"}
    assert stored(emulator) == {"0.txt": 1}
    assert uploader.results["ik_size"].tolist() == [len(FILES["0.txt"])]


def test_an_upload_that_did_not_start_is_retried(emulate: Callable[..., Emulator]) -> None:
    """A browser that is offline for a moment gets a fresh token for each attempt, and uploads the file."""
    tries = []

    def offline(browser: Browser, order: Mapping[str, Any]) -> dict[str, Any]:
        tries.append(order["token"])
        return {"error": "offline", "left": False} if len(tries) < 3 else browser.posted(order)

    emulator = emulate()
    uploader = ikpipe.Uploader(emulator.account, policy=QUICK)
    with Browser(uploader, offline) as browser:
        browser.pick({"0.txt": FILES["0.txt"]})
        uploader.send()
        assert list(browser.wait_idle().values()) == ["uploaded"]
    assert len(set(tries)) == 3
    assert stored(emulator) == {"0.txt": 1}


@pytest.mark.parametrize("first", [True, False])
def test_a_browser_that_repeats_a_request_on_its_own(emulate: Callable[..., Emulator], first: bool) -> None:  # noqa: FBT001
    """The token of the second copy was used, which does not mean wrong keys; the file is stored once."""
    emulator = emulate()

    def twice(browser: Browser, order: Mapping[str, Any]) -> dict[str, Any]:
        if first or order["id"] != "b0":
            browser.posted(order)
        return browser.posted(order)

    uploader = ikpipe.Uploader(emulator.account, policy=QUICK, concurrency=1)
    with Browser(uploader, twice) as browser:
        browser.pick(dict(list(FILES.items())[:3]))
        uploader.send()
        assert set(browser.wait_idle().values()) <= {"uploaded", "exists"}
    assert stored(emulator) == dict.fromkeys(list(FILES)[:3], 1)
