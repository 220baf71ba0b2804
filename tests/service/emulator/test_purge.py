"""Purging the cache."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from ikpipe.emulator import Emulator


def ask(emulator: Emulator, method: str, path: str = "", **options: Any) -> httpx.Response:
    """Request a purge, or its status."""
    return httpx.request(method, f"{emulator.url}/v1/files/purge{path}", auth=(emulator.private_key, ""), **options)


def test_an_order_is_carried_out(emulator: Emulator) -> None:
    """The response is a 201 with an id, for which the status can be requested [docs]."""
    ordered = ask(emulator, "POST", json={"url": f"{emulator.url_endpoint}/a.jpg"})
    assert ordered.status_code == 201
    assert ask(emulator, "GET", f"/{ordered.json()['requestId']}").json() == {"status": "Completed"}


def test_an_order_that_there_is_not(emulator: Emulator) -> None:
    """An unknown id is a 400 with the service's message [recorded]."""
    answer = ask(emulator, "GET", "/nobody")
    assert (answer.status_code, answer.json()["message"]) == (400, "No request found for this requestId.")


@pytest.mark.parametrize(
    ("content", "word"), [({}, "missing"), ({"url": ""}, "missing"), ([], "missing"), ({"url": "/a.jpg"}, "invalid")]
)
def test_an_order_without_an_address(emulator: Emulator, content: Any, word: str) -> None:
    """An invalid URL is a 400 with the service's message."""
    answer = ask(emulator, "POST", json=content)
    assert (answer.status_code, answer.json()["message"]) == (400, f"Your request {_words(word)} URL parameter.")


def _words(word: str) -> str:
    return "is missing" if word == "missing" else "contains invalid"


def test_a_quota() -> None:
    """Without purges left, a purge is rejected."""
    with Emulator(purge_quota=1) as emulator:
        replies = [ask(emulator, "POST", json={"url": "https://a.example/a.jpg"}) for _ in range(2)]
    assert [reply.status_code for reply in replies] == [201, 400]


def test_it_needs_the_key(emulator: Emulator) -> None:
    """The endpoints need the private key."""
    assert httpx.post(f"{emulator.url}/v1/files/purge", json={"url": "https://a.example"}).status_code == 401
