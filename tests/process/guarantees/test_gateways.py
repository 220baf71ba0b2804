"""What stands between a client and the emulator: it repeats requests, refuses at random, or names times to wait."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import httpx
import pandas as pd
import pytest
from clocks import hurried
from doubles import RawServer, answering, remote, uploads_of
from history import violations
from rows import at, blobs, quiet

import ikpipe
from ikpipe import Policy
from ikpipe.concurrency.interrupts import CURRENT_CONTROL, RunControl

if TYPE_CHECKING:
    from collections.abc import Callable

    from ikpipe import Account
    from ikpipe.emulator import Emulator

NAMES: dict[str, dict[str, Any]] = {
    "unique": {},
    "fixed": {"use_unique_file_name": False},
    "kept": {"use_unique_file_name": False, "overwrite_file": False},
}


class Gateway(httpx.AsyncHTTPTransport):
    """Passes requests on; `act` may do something else with an upload."""

    def __init__(self, act: Callable[[Gateway, httpx.Request], Any]) -> None:
        super().__init__()
        self._act = act

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Take a request."""
        if request.method != "POST":
            return await self.passed(request)
        answer: httpx.Response = await self._act(self, request)
        return answer

    async def passed(self, request: httpx.Request) -> httpx.Response:
        """Pass a request on, as often as it is asked for."""
        content = await request.aread()
        copy = httpx.Request(request.method, request.url, headers=request.headers, content=content)
        copy.extensions = dict(request.extensions)
        answer = await super().handle_async_request(copy)
        await answer.aread()
        return answer


def table(rows: int) -> pd.DataFrame:
    """Make rows whose files all differ."""
    return pd.DataFrame({"file": [b"GIF89a %d" % row for row in range(rows)], "sku": range(rows)})


@pytest.mark.parametrize("names", NAMES)
@pytest.mark.parametrize("passed", ["first", "second"])
@pytest.mark.parametrize("rows", [100, pytest.param(500, marks=pytest.mark.soak)])
def test_each_post_is_delivered_twice(rows: int, names: str, passed: str, emulate: Callable[..., Emulator]) -> None:
    """Whichever answer comes back, no row is stored twice, none has an untrue status, and no run stops."""
    emulator = emulate()

    async def twice(gateway: Gateway, request: httpx.Request) -> httpx.Response:
        first, second = await gateway.passed(request), await gateway.passed(request)
        return first if passed == "first" else second

    results = quiet(
        table(rows), emulator.account, file_name="{sku}.gif", transport=Gateway(twice), concurrency=16, **NAMES[names]
    )
    assert violations(emulator, results) == []
    assert set(results["ik_status"]) == {"uploaded" if passed == "first" else "exists"}
    assert len(uploads_of(emulator)) == 2 * rows


def test_a_post_that_is_delivered_twice_without_the_key(emulate: Callable[..., Emulator]) -> None:
    """Nobody can look: the first rows stop the run, as wrong keys would, and none says that it is not stored."""
    emulator = emulate()

    async def twice(gateway: Gateway, request: httpx.Request) -> httpx.Response:
        if "auth" in request.url.path:
            return await gateway.passed(request)
        await gateway.passed(request)
        return await gateway.passed(request)

    with remote(emulator) as account, pytest.raises(ikpipe.AccountError, match="both keys") as caught:
        quiet(table(30), account, file_name="{sku}.gif", transport=Gateway(twice), concurrency=2)
    results: Any = caught.value.results
    stored = {entry["file"]["sha256"] for entry in uploads_of(emulator) if entry["stored"]}
    assert Counter(results["ik_status"])["unknown"] == len(stored) <= 4
    assert set(results["ik_status"]) == {"unknown", "cancelled"}


@pytest.mark.parametrize("limit", [None, 20, 100])
def test_random_refusals_slow_a_run_by_what_they_name(limit: int | None, emulator: Emulator) -> None:
    """60 rows, 32 in flight, one request in ten refused with 300 ms named: seconds at most.

    `unit/concurrency/test_rate.py` has more rows and limits, in virtual time.
    """
    chance = random.Random(3)  # noqa: S311 - for a test
    headers = {"x-ratelimit-reset": "300", "x-ik-requestid": "1"}
    if limit is not None:
        headers |= {"x-ratelimit-limit": str(limit), "x-ratelimit-interval": "1000"}

    async def moody(gateway: Gateway, request: httpx.Request) -> httpx.Response:
        if chance.random() < 0.1:
            return httpx.Response(429, json={"message": "Too many requests."}, headers=headers)
        return await gateway.passed(request)

    began = time.monotonic()
    results = quiet(table(60), emulator.account, file_name="a.gif", transport=Gateway(moody), concurrency=32)
    assert set(results["ik_status"]) == {"uploaded"}
    assert time.monotonic() - began <= 10


def test_long_waits_are_logged_once(account: Account, caplog: pytest.LogCaptureFixture) -> None:
    """Rows that wait at the same time are told of once, with the reason."""
    busy = "You have sent too many requests to update the file recently. Please try again later."

    async def later(_gateway: Gateway, _request: httpx.Request) -> httpx.Response:
        return httpx.Response(400, json={"message": busy}, headers={"retry-after": "50"})

    options: dict[str, Any] = {"file_name": "a.gif", "transport": Gateway(later), "retries": 1, "progress": False}
    with caplog.at_level(logging.WARNING, logger="ikpipe"):
        hurried(ikpipe.aupload(table(5), account, **options))
    messages = [record.message for record in caplog.records]
    assert messages == [f"Waiting {messages[0].split()[1]} seconds as ImageKit asks: {busy}"]


@pytest.mark.parametrize("wait", ["86400", "999999999"])
def test_the_media_apis_waits_are_bounded(wait: str, account: Account) -> None:
    """An error says for how long it asks to wait."""
    slow = answering(429, {"message": "Slow down."}, f"Retry-After: {wait}")
    with RawServer(slow) as server:
        there = at(account, server.url)
        with pytest.raises(ikpipe.Error, match=rf"asks to wait {int(wait):,} s before the next request"):
            ikpipe.files(there)
        assert server.connections == 1


def test_the_media_apis_waits_end_when_the_run_drains(account: Account) -> None:
    """Before the rows begin, too: custom metadata fields are asked for, and Ctrl-C comes meanwhile."""
    slow = answering(429, {"message": "Slow down."}, "Retry-After: 50")
    control = RunControl()

    class Pressed(httpx.AsyncHTTPTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            answer = await super().handle_async_request(request)
            control.interrupt()
            return answer

    began = time.monotonic()
    with RawServer(slow) as server:
        frame = blobs(b"1", custom_metadata=[{"brand": "x"}])
        token = CURRENT_CONTROL.set(control)
        try:
            results = asyncio.run(ikpipe.aupload(frame, at(account, server.url), transport=Pressed(), file_name="a"))
        finally:
            CURRENT_CONTROL.reset(token)
    assert results["ik_status"].tolist() == ["cancelled"]
    assert time.monotonic() - began < 20


def test_a_policy_bounds_the_waits(account: Account) -> None:
    """A row that may wait two seconds does not wait three."""
    busy = "You have sent too many requests to update the file recently. Please try again later."
    with RawServer(answering(400, {"message": busy}, "Retry-After: 3")) as server:
        result = ikpipe.upload_file(b"x", at(account, server.url), file_name="a", policy=Policy(longest_wait=2))
    assert (result.status, result.error, result.attempts) == ("failed", "wait_too_long", 1)
