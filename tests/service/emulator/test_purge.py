"""Purging the cache."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from ikpipe.emulator.error_responses import ErrorResponse
from ikpipe.emulator.library.purge import Purges

if TYPE_CHECKING:
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
    """An unknown id is a 404."""
    assert ask(emulator, "GET", "/nobody").status_code == 404


@pytest.mark.parametrize(
    ("content", "word"), [({}, "missing"), ({"url": ""}, "missing"), ([], "missing"), ({"url": "/a.jpg"}, "invalid")]
)
def test_an_order_without_an_address(emulator: Emulator, content: Any, word: str) -> None:
    """An invalid URL is a 400 with the service's message."""
    answer = ask(emulator, "POST", json=content)
    assert (answer.status_code, answer.json()["message"]) == (400, f"Your request {_words(word)} URL parameter.")


def _words(word: str) -> str:
    return "is missing" if word == "missing" else "contains invalid"


def test_it_needs_the_key(emulator: Emulator) -> None:
    """The endpoints need the private key."""
    assert httpx.post(f"{emulator.url}/v1/files/purge", json={"url": "https://a.example"}).status_code == 401


def test_only_so_many_orders_are_remembered() -> None:
    """The oldest is forgotten first."""
    purges = Purges(maximum=2)
    request: Any = None
    orders = [json.loads(bytes(purges.create(request, {"url": "https://a.example"}).body)) for _ in range(3)]
    known = [SimpleNamespace(path_params={"id": order["requestId"]}) for order in orders]
    with pytest.raises(ErrorResponse):
        purges.status(known[0], None)  # type: ignore[arg-type]
    assert purges.status(known[1], None).status_code == 200  # type: ignore[arg-type]
