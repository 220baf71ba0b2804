"""Webhooks: signed by the documented schemes, retried, and listed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from receiver import Receiver, wait_until

from ikpipe.emulator.webhooks import signatures

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator_client import Client

EXTENSIONS = json.dumps([{"name": "remove-bg"}])
QUICK: dict[str, Any] = {"extension_delay": 0, "webhook_wait": 0}


def test_standard_signature(start: Callable[..., Client]) -> None:
    """`webhook-signature` signs id, seconds and body with the bytes of the whole secret [sdk]."""
    with Receiver() as receiver:
        client = start(**QUICK)
        client.upload(extensions=EXTENSIONS, webhookUrl=receiver.url)
        headers, body = receiver.next()
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = hmac.digest(client.emulator.webhook_secret.encode(), signed, "sha256")
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
    assert abs(time.time() - int(headers["webhook-timestamp"])) < 60
    assert headers["content-type"] == "application/json"


def test_older_signature(start: Callable[..., Client]) -> None:
    """`x-ik-signature` signs milliseconds and body, in hexadecimal digits [docs]."""
    with Receiver() as receiver:
        client = start(webhook_secret="whsec_other", **QUICK)
        client.upload(extensions=EXTENSIONS, webhookUrl=receiver.url)
        headers, body = receiver.next()
    moment, signature = (part.partition("=")[2] for part in headers["x-ik-signature"].split(","))
    assert signature == hmac.new(b"whsec_other", f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    assert abs(time.time() - int(moment) / 1000) < 60


@pytest.mark.parametrize(
    ("scheme", "names"),
    [
        ("both", {"webhook-id", "webhook-timestamp", "webhook-signature", "x-ik-signature"}),
        ("standard", {"webhook-id", "webhook-timestamp", "webhook-signature"}),
        ("older", {"x-ik-signature"}),
        ("none", set()),
    ],
)
def test_schemes(scheme: str, names: set[str]) -> None:
    """A rule says which signatures a webhook has."""
    assert signatures(scheme, "whsec_x", "msg_1", b"{}", 1.5).keys() == names


def test_tried_again(start: Callable[..., Client]) -> None:
    """Any response but a 200 to an extension's webhook is a failure; it is retried with a new signature [docs]."""
    with Receiver(500, 204) as receiver:
        client = start(**QUICK)
        client.upload(extensions=EXTENSIONS, webhookUrl=receiver.url)
        every = [receiver.next() for _ in range(3)]
        wait_until(lambda: client.emulator.webhooks()[0]["taken"])
    assert len({received.headers["webhook-id"] for received in every}) == 1
    assert len({received.body for received in every}) == 1
    (message,) = client.emulator.webhooks()
    assert ([one["status"] for one in message["tries"]], message["taken"]) == ([500, 204, 200], True)
    assert (message["url"], message["event"]) == (receiver.url, "remove-bg SUCCESS")
    assert message["extension"] == "remove-bg"
    assert message["body"] == every[0].json


def test_given_up(start: Callable[..., Client]) -> None:
    """There are at most `webhook_tries` attempts."""
    with Receiver(*[500] * 9) as receiver:
        client = start(webhook_tries=2, **QUICK)
        client.upload(extensions=EXTENSIONS, webhookUrl=receiver.url)
        client.upload(extensions=EXTENSIONS, webhookUrl=receiver.url)
        for _ in range(4):
            receiver.next()
        wait_until(lambda: [len(message["tries"]) for message in client.emulator.webhooks()] == [2, 2])
        assert [message["taken"] for message in client.emulator.webhooks()] == [False, False]


def test_nobody_there(start: Callable[..., Client]) -> None:
    """An attempt without a connection has no status."""
    client = start(webhook_tries=1, **QUICK)
    client.upload(extensions=EXTENSIONS, webhookUrl="http://127.0.0.1:9/")
    wait_until(lambda: client.emulator.webhooks() and client.emulator.webhooks()[0]["tries"])
    assert [one["status"] for one in client.emulator.webhooks()[0]["tries"]] == [None]


@pytest.mark.parametrize(
    "url", ["http://xn--/", "http://[::1]:99999/", "http://a:b/", "http://a..b/", "http://\u2603.invalid/"]
)
def test_an_address_that_cannot_be(start: Callable[..., Client], url: str) -> None:
    """An attempt to an invalid URL has no status."""
    client = start(webhook_tries=1, **QUICK)
    client.upload(extensions=EXTENSIONS, webhookUrl=url)
    wait_until(lambda: client.emulator.webhooks() and client.emulator.webhooks()[0]["tries"])
    assert [one["status"] for one in client.emulator.webhooks()[0]["tries"]] == [None]


def test_list_over_http(client: Client) -> None:
    """`GET /emulator/webhooks` lists the webhooks, and is not logged."""
    before = len(client.emulator.log())
    assert client.http.get(client.emulator.url + "/emulator/webhooks").json() == client.emulator.webhooks()
    assert len(client.emulator.log()) == before
