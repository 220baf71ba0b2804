"""What the rows of a run share: concurrency gates, the rate, the retry budget."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import httpx
import pandas as pd
import pytest
from clocks import hurried
from doubles import RawServer, Request, answering, stored
from rows import at, blobs, quiet

import ikpipe
from ikpipe.concurrency.interrupts import CURRENT_CONTROL, RunControl
from ikpipe.frames.chunks import InMemoryTable
from ikpipe.request.policy import Policy
from ikpipe.run import engine
from ikpipe.run.admission import HELD
from ikpipe.run.executor import UploadExecutor
from ikpipe.run.job import UploadJob
from ikpipe.run.options import SendOptions
from ikpipe.run.prepare import collect_mapping
from ikpipe.service.client import ServiceClient

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from doubles import Site

    from ikpipe import Account
    from ikpipe.emulator import Emulator


@pytest.mark.parametrize(("concurrency", "gates"), [(None, 2), (7, 1)])
def test_urls_have_a_gate_of_their_own(concurrency: int | None, gates: int, account: Account, tmp_path: Path) -> None:
    """The automatic limit of URLs is separate from that of files sent from here; 7 are 7 in all."""
    options = SendOptions(ServiceClient(), Policy(), concurrency=concurrency)
    executor = UploadExecutor(account, options, RunControl(), None, tmp_path, lambda _count: None)
    assert len(executor.gates) == gates


def test_both_gates_are_passed(emulate: Callable[..., Emulator], site: Site) -> None:
    """A run of URLs and files uploads all of them, with automatic limits."""
    emulator = emulate(url_latency=0.05, url_capacity=2, latency=0.0)
    urls = [site.put(f"/{row}.gif", b"GIF89a" + str(row).encode()) for row in range(30)]
    frame = pd.DataFrame({"file": [value for row in range(30) for value in (urls[row], b"GIF89a-%d" % row)]})
    results = quiet(frame, emulator.account, file_name="a.gif")
    assert results["ik_message"].dropna().tolist() == []
    assert results["ik_status"].eq("uploaded").all()
    kinds = [entry["file"]["kind"] for entry in emulator.log() if "file" in entry]
    assert (kinds.count("url"), kinds.count("binary")) == (30, 30)


def test_a_rate_that_is_named_is_kept(account: Account) -> None:
    """After a rejection that names the service's limit, requests keep to it: no other one is rejected."""
    limit = ("X-RateLimit-Limit: 20", "X-RateLimit-Interval: 1000", "X-RateLimit-Reset: 100")
    slow = answering(429, {"message": "Slow down."}, *limit)
    with RawServer(slow, answering(200, stored())) as server:
        began = time.monotonic()
        rows = blobs(*(b"%d" % row for row in range(12)))
        results = quiet(rows, at(account, server.url), file_name="a", concurrency=1)
    assert results["ik_status"].eq("uploaded").all()
    assert 0.1 + 10 / 20 <= time.monotonic() - began < 30


def test_a_refusal_holds_the_others_up(account: Account) -> None:
    """While a row waits for the time that the service named, no other row sends: it would be rejected, too."""
    slow = answering(429, {"message": "Slow down."}, "X-RateLimit-Reset: 300")
    with RawServer(slow, answering(200, stored())) as server:
        results = quiet(blobs(b"1", b"2", b"3"), at(account, server.url), file_name="a", concurrency=1)
    assert results["ik_attempts"].tolist() == [2, 1, 1]


def test_a_rate_caps_requests(account: Account, emulate: Callable[..., Emulator]) -> None:
    """`rate=` limits requests, whatever the concurrency."""
    emulator = emulate()
    began = time.monotonic()
    quiet(blobs(*(b"%d" % row for row in range(11))), emulator.account, file_name="a", rate=20, concurrency=8)
    assert 10 / 20 <= time.monotonic() - began < 30


def refusing(times: int) -> httpx.MockTransport:
    """Refuse the first requests of each file for now; then store it."""
    sent: Counter[bytes] = Counter()

    def answer(request: httpx.Request) -> httpx.Response:
        form = Request("", dict(request.headers), request.content)
        content = next(part.content for part in form.parts if part.name == "file")
        sent[content] += 1
        if sent[content] > times:
            return httpx.Response(200, json={**stored(fields=form.fields), "size": len(content)})
        busy = "You have sent too many requests to update the file recently. Please try again later."
        return httpx.Response(400, json={"message": busy})

    return httpx.MockTransport(answer)


AT_ONCE: dict[str, Any] = {"file_name": "a", "policy": Policy(first_wait=0, retry_budget=20)}


def test_retries_take_from_the_budget(account: Account) -> None:
    """A run has a budget of retries; further ones wait, one second each."""
    result, waits = hurried(ikpipe.aupload_file(b"1", account, retries=100, transport=refusing(999), **AT_ONCE))
    assert result.attempts == 101
    assert 40 < max(waits) <= 80


def test_successes_give_back_to_the_budget(account: Account) -> None:
    """Each uploaded row gives back the retry that it took: none of 50 waits."""
    frame = blobs(*(b"%d" % row for row in range(50)))
    uploading = ikpipe.aupload(frame, account, transport=refusing(1), progress=False, concurrency=8, **AT_ONCE)
    results, waits = hurried(uploading)
    assert set(results["ik_attempts"]) == {2}
    assert max(waits) == 0


def test_a_draining_run_sends_no_more(account: Account, emulate: Callable[..., Emulator]) -> None:
    """When the account is rejected, rows that have their token already are not sent, and are cancelled."""
    emulator = emulate(account_disabled=True)
    with pytest.raises(ikpipe.AccountError) as caught:
        quiet(blobs(*(b"%d" % row for row in range(40))), emulator.account, file_name="a", rate=30, concurrency=8)
    results: Any = caught.value.results
    counts = results["ik_status"].value_counts()
    assert counts["cancelled"] == 40 - counts["failed"] >= 30


def test_held_files_have_a_gate_of_their_own(account: Account, tmp_path: Path) -> None:
    """Files that a browser holds are sent with its concurrency."""
    wire = ServiceClient()
    wire.external_source = {}.get
    executor = UploadExecutor(account, SendOptions(wire, Policy()), RunControl(), None, tmp_path, lambda _count: None)
    assert [gate.size for gate in executor.gates][-1] == HELD
    assert len(executor.gates) == 3


def test_a_dropped_row_is_not_sent_while_the_others_are(
    account: Account, arrived: Callable[[], list[dict[str, Any]]]
) -> None:
    """A row that is dropped before it starts is cancelled; `on_attempt` is called for each other row."""
    control, begun = RunControl(), []
    control.cancelled_positions.add(1)
    options = SendOptions(ServiceClient(), Policy(), on_attempt=begun.append, progress=False)
    frame = blobs(b"dropped 0", b"dropped 1", b"dropped 2", file_name=["a", "b", "c"])
    work = UploadJob(InMemoryTable(frame), collect_mapping(None, None, None, "server", {}))

    async def go() -> Any:
        CURRENT_CONTROL.set(control)
        return await engine.collect_results(engine.send, work, account, options, None)

    results = asyncio.run(go())
    assert results["ik_status"].tolist() == ["uploaded", "cancelled", "uploaded"]
    assert sorted(begun) == [0, 2]
    assert len(arrived()) == 2
