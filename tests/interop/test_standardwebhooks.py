"""Webhooks as the official SDK's own library signs and reads them."""

from __future__ import annotations

import base64
import datetime
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from imagekitio import ImageKit
from standardwebhooks import Webhook
from webhooking import READY, SECRET, signed

import ikpipe
from ikpipe import webhooks

NOW = datetime.datetime(2026, 11, 23, 10, tzinfo=datetime.UTC)
LIBRARY = Webhook(base64.b64encode(SECRET.encode()).decode())  # the whole secret is the key, as the SDK has it


def theirs(body: bytes, webhook: str) -> dict[str, str]:
    """Sign with the library."""
    mark = LIBRARY.sign(webhook, NOW, body.decode())
    return {"webhook-id": webhook, "webhook-timestamp": str(int(NOW.timestamp())), "webhook-signature": mark}


@given(st.text("abcdef_0123456789", min_size=1), st.text(st.characters(exclude_categories=["Cs"])))
def test_what_the_library_signs_verifies(webhook: str, name: str) -> None:
    """Whatever the id and the event."""
    body = READY.replace(b'"a.jpg"', ikpipe.request.values.to_json(name).encode())
    found = webhooks.verify(body, theirs(body, webhook), SECRET, now=NOW.timestamp())
    assert (found.signed, found.data["name"]) == (True, name)


def test_each_altered_byte_of_the_library_s_fails() -> None:
    """As of our own."""
    headers = theirs(READY, "msg_1")
    for place in range(len(READY)):
        altered = READY[:place] + bytes([READY[place] ^ 1]) + READY[place + 1 :]
        with pytest.raises(ikpipe.WebhookError):
            webhooks.verify(altered, headers, SECRET, now=NOW.timestamp())


def test_the_sdk_takes_what_the_tests_sign() -> None:
    """The tests' own signatures are the SDK's: what they show, they show of the service's webhooks."""
    with ImageKit(private_key="private_shop", password="", webhook_secret=SECRET) as client:
        found = client.webhooks.unwrap(READY.decode(), headers=signed(READY, at=time.time()))
    assert found.type == "upload.pre-transform.success"
