"""Injected faults: what a client sees, and what is stored nevertheless."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import httpx
import pytest
from emulator_client import Client, picture

from ikpipe.emulator.faults import KINDS, Faults

if TYPE_CHECKING:
    from collections.abc import Callable

    Start = Callable[..., Client]


@pytest.mark.parametrize("rates", [{"explode": 0.5}, {"slow": 1.5}, {"slow": -0.1}], ids=str)
def test_fault_that_can_not_be(start: Start, rates: dict[str, float]) -> None:
    """A fault has a known kind and a probability."""
    with pytest.raises(ValueError, match=next(iter(rates))):
        start(faults=rates)


def test_same_seed_same_faults() -> None:
    """A run can be repeated, and a further kind does not move the others."""
    alone = Faults({"slow": 0.5}, seed=7)
    again = Faults({"slow": 0.5, "non-json": 0.5}, seed=7)
    other = Faults({"slow": 0.5}, seed=8)
    draws = [[faults.draw() == "slow" for _ in range(50)] for faults in (alone, again, other)]
    assert draws[0] == draws[1]
    assert draws[0] != draws[2]


def test_rate_is_about_the_share() -> None:
    """A rate of a fifth fires in about a fifth of the uploads."""
    faults = Faults({"429": 0.2})
    assert 150 < sum(faults.draw() is not None for _ in range(1000)) < 250


@pytest.mark.parametrize("file", [b"small", b"x" * 3_000_000], ids=["small", "large"])
@pytest.mark.parametrize(
    ("kind", "stored"),
    [("reset-before", False), ("reset-middle", False), ("reset-after", False), ("store-then-cut", True)],
)
def test_connection_is_reset(start: Start, kind: str, file: bytes, *, stored: bool) -> None:
    """The client has no answer, and whether the file is stored is as the kind says."""
    client = start(faults={kind: 1})
    with pytest.raises(httpx.TransportError):
        client.upload(file)
    entry = client.emulator.log()[0]
    assert (entry["faults"], entry["stored"], entry["status"]) == ([kind], stored, None)
    assert len(client.api("GET", "/v1/files").json()) == stored


def test_connection_is_refused(start: Start) -> None:
    """A refused connection brings nothing to the log."""
    client = start(faults={"refuse": 1})
    with pytest.raises(httpx.TransportError):
        client.upload()
    assert client.emulator.log() == []


def test_429_asks_for_milliseconds(start: Start) -> None:
    """Too many requests: wait for the milliseconds in the header, with the same token if one likes."""
    client = start(faults={"429": 1}, fault_wait=30)
    reply = client.upload()
    assert (reply.status_code, reply.headers["X-RateLimit-Reset"]) == (429, "30")
    assert client.emulator.log()[0]["faults"] == ["429"]


def test_5xx_is_one_of_four(start: Start) -> None:
    """Over time each of the four statuses comes, with an empty body, and nothing is stored."""
    client = start(faults={"5xx": 1})
    replies = [client.upload() for _ in range(30)]
    assert {reply.status_code for reply in replies} == {500, 502, 503, 504}
    assert {reply.content for reply in replies} == {b""}
    assert client.api("GET", "/v1/files").json() == []


def test_slow_is_slow(start: Start) -> None:
    """The answer is a good one, and comes later."""
    client = start(faults={"slow": 1}, fault_slow=0.1)
    began = time.perf_counter()
    assert client.upload().status_code == 200
    assert time.perf_counter() - began >= 0.1


def test_truncated_json(start: Start) -> None:
    """The file is stored, and the answer a 200 that ends too early."""
    client = start(faults={"truncated": 1})
    reply = client.upload()
    assert (reply.status_code, reply.text[:11]) == (200, '{"fileId":"')
    with pytest.raises(ValueError, match=r"line 1 column"):
        reply.json()
    assert client.emulator.log()[0]["stored"]


def test_html_instead_of_json(start: Start) -> None:
    """The file is stored, and the answer a 200 with a web page."""
    reply = (client := start(faults={"non-json": 1})).upload()
    assert (reply.status_code, reply.headers["content-type"].partition(";")[0]) == (200, "text/html")
    assert client.emulator.log()[0]["stored"]


def test_answer_of_a_refusal_is_left_alone(start: Start) -> None:
    """Faults of what is stored do not touch a refusal, and are not logged for it."""
    client = start(faults={"store-then-cut": 1})
    assert client.upload(None).status_code == 400
    assert client.emulator.log()[0]["faults"] == []


def test_index_delay(start: Start) -> None:
    """The file has its details at once, and is in lists later."""
    client = start(faults={"index-delay": 1}, fault_index_delay=0.1)
    file_id = client.upload(picture(), fileName="a.jpg").json()["fileId"]
    assert client.api("GET", "/v1/files").json() == []
    assert client.details(file_id)["fileId"] == file_id
    time.sleep(0.1)
    assert len(client.api("GET", "/v1/files").json()) == 1


def test_upload_without_a_fault_passes(start: Start) -> None:
    """Where nothing is drawn, nothing happens."""
    client = start(faults={"5xx": 0})
    assert client.upload().status_code == 200
    assert client.emulator.log()[0]["faults"] == []


def test_every_kind_is_tested() -> None:
    """The list of kinds is the one that these tests know."""
    resets = {"refuse", "reset-before", "reset-middle", "reset-after", "store-then-cut"}
    assert set(KINDS) == resets | {"429", "5xx", "slow", "truncated", "non-json", "index-delay"}
