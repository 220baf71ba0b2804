"""Webhooks that the API creates: which events they receive, and how these are signed."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Any

import pytest
from receiver import Receiver, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator_client import Client

PATH = "/v1/accounts/webhooks"
CREATED = ["file.created"]


def create(client: Client, endpoint: str, **values: Any) -> dict[str, Any]:
    """Create a webhook for new files."""
    reply = client.api("POST", PATH, json={"endpoint": endpoint, "events": CREATED, **values})
    assert reply.status_code == 201, reply.text
    return reply.json()


def test_it_has_a_secret_of_its_own(start: Callable[..., Client]) -> None:
    """The secret stays the same when the webhook changes, and no request can set it [sdk]."""
    client = start()
    made = [create(client, f"https://shop.example/{name}") for name in ("a", "b")]
    assert made[0]["secret"].startswith("whsec_")
    assert made[0]["secret"] != made[1]["secret"]
    changed = client.api("PATCH", f"{PATH}/{made[0]['id']}", json={"enabled": False}).json()
    assert changed == {**made[0], "enabled": False, "updatedAt": changed["updatedAt"]}
    assert client.api("PATCH", f"{PATH}/{made[0]['id']}", json={"secret": "whsec_x"}).status_code == 400


def test_it_receives_the_events_that_it_names(start: Callable[..., Client]) -> None:
    """The event is signed with the webhook's secret, and has the same id for all receivers."""
    with Receiver() as own, Receiver() as first, Receiver() as second:
        client = start(webhook_hosts=["127.0.0.1"], webhook_url=own.url, webhook_events=["file.*"])
        webhooks = [create(client, receiver.url) for receiver in (first, second)]
        create(client, f"{first.url}&disabled", enabled=False)
        create(client, f"{first.url}&others", events=["file.deleted"])
        client.upload(fileName="a.bin")
        received = [receiver.next() for receiver in (first, second)]
        assert own.next().json == received[0].json == received[1].json
        client.emulator.__exit__(None, None, None)
        assert (first.waiting, second.waiting) == (0, 0)
    assert received[0].json["type"] == "file.created"
    for webhook, (headers, body) in zip(webhooks, received, strict=True):
        moment, signature = (part.partition("=")[2] for part in headers["x-ik-signature"].split(","))
        key = webhook["secret"].encode()
        assert signature == hmac.new(key, f"{moment}.".encode() + body, hashlib.sha256).hexdigest()


def test_its_host_must_be_public(start: Callable[..., Client]) -> None:
    """Nothing is sent to other programs on this machine, unless a rule allows it."""
    with Receiver() as receiver:
        client = start(webhook_hosts=())
        create(client, receiver.url)
        client.upload(fileName="a.bin")
        wait_until(lambda: client.emulator.webhooks()[0]["tries"])
    assert "webhook_hosts" in client.emulator.webhooks()[0]["tries"][0]["error"]
    assert receiver.waiting == 0


def test_an_endpoint_is_unique(start: Callable[..., Client]) -> None:
    """Two webhooks of an account cannot have the same endpoint [sdk], but one can keep its own."""
    client = start()
    made = [create(client, f"https://shop.example/{name}") for name in ("a", "b")]
    taken = {"endpoint": made[0]["endpoint"]}
    assert client.api("POST", PATH, json={**taken, "events": CREATED}).status_code == 409
    assert client.api("PATCH", f"{PATH}/{made[1]['id']}", json=taken).status_code == 409
    assert client.api("PATCH", f"{PATH}/{made[0]['id']}", json=taken).status_code == 200


@pytest.mark.parametrize("events", ["file.created", ["file.made"], [1], None, {"file.created": 1}])
def test_events_that_do_not_exist(client: Client, events: object) -> None:
    """They are a 400 that names the parameter."""
    reply = client.api("POST", PATH, json={"endpoint": "https://shop.example/hook", "events": events})
    assert (reply.status_code, "events" in reply.json()["message"]) == (400, True)
