"""Webhooks: signed, sent to the account's URL or to an upload's `webhookUrl`, and retried until they are accepted."""

import base64
import copy
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import httpx

from ikpipe.emulator.background import Background
from ikpipe.emulator.outbound_hosts import NotPublicError, PublicTransport
from ikpipe.emulator.rules import Rules, matches

Message = dict[str, Any]
"""One webhook with all its attempts, as `GET /emulator/webhooks` lists it."""


def signatures(scheme: str, secret: str, identifier: str, body: bytes, now: float) -> dict[str, str]:
    """Return the headers that sign a webhook [sdk, docs].

    `scheme` is `standard`: `webhook-id`, `webhook-timestamp` (seconds) and `webhook-signature`; `older`:
    `x-ik-signature`, with milliseconds; `both`; or `none`. The UTF-8 bytes of `secret`, `whsec_` included, are the key.
    """
    key = secret.encode()
    headers: dict[str, str] = {}
    if scheme in {"standard", "both"}:
        seconds = str(int(now))
        digest = hmac.digest(key, f"{identifier}.{seconds}.".encode() + body, hashlib.sha256)
        signature = f"v1,{base64.b64encode(digest).decode()}"
        headers |= {"webhook-id": identifier, "webhook-timestamp": seconds, "webhook-signature": signature}
    if scheme in {"older", "both"}:
        milliseconds = str(int(now * 1000))
        digest = hmac.digest(key, f"{milliseconds}.".encode() + body, hashlib.sha256)
        headers["x-ik-signature"] = f"t={milliseconds},v1={digest.hex()}"
    return headers


def _is_accepted(status: int | None, message: Message) -> bool:
    """Whether a status accepts a webhook: only 200 for an extension's, any 2xx for the account's own [docs]."""
    if message["extension"] is not None:
        return status == HTTPStatus.OK
    return status is not None and 200 <= status < 300  # noqa: PLR2004 - HTTP


class Webhooks:
    """Sends webhooks, and lists those that were sent."""

    def __init__(self, rules: Rules, background: Background) -> None:
        self._rules = rules
        self._background = background
        self._clients: dict[bool, httpx.AsyncClient] = {}
        self._sent: list[Message] = []

    async def close(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()

    def entries(self) -> list[Message]:
        """Return a copy of all webhooks in the order of their creation, with their attempts, from any thread."""
        return copy.deepcopy(self._sent)

    def wants(self, event: str) -> bool:
        """Whether the account has a webhook URL, and subscribes to an event."""
        rules = self._rules
        return rules.webhook_url is not None and matches(event, rules.webhook_events)

    def tell_extension(self, url: str, body: Mapping[str, object]) -> None:
        """Send an extension's result to an upload's `webhookUrl` [upload docs]; only a 200 accepts it [docs]."""
        name, identifier = body["service"], f"msg_{uuid.uuid4().hex}"
        message = {"url": url, "event": f"{name} {body['status']}", "extension": name, "id": identifier, "body": body}
        self._send(message, self._rules.extension_signature)

    def tell_account(self, event: str, body: Mapping[str, object]) -> None:
        """Send an event to the account's webhook URL if it subscribes to it; any 2xx accepts it [docs]."""
        if self.wants(event):
            identifier = str(uuid.uuid4())
            body = {"type": event, "id": identifier, **body}
            url = self._rules.webhook_url
            message = {"url": url, "event": event, "extension": None, "id": identifier, "body": body}
            self._send(message, self._rules.webhook_signature)

    def _send(self, message: Message, scheme: str) -> None:
        message |= {"taken": False, "tries": []}
        self._sent.append(message)
        self._attempt(message, scheme, 0.0)

    def _attempt(self, message: Message, scheme: str, delay: float) -> None:
        async def _work() -> None:
            status: int | None = None
            refused: dict[str, str] = {}
            try:
                status = await self._post(message, scheme)
            except NotPublicError as error:
                refused = {"error": str(error)}
            message["tries"].append({"time": time.time(), "status": status, **refused})
            message["taken"] = _is_accepted(status, message)
            if not message["taken"] and not refused and len(message["tries"]) < self._rules.webhook_tries:
                # each delay is twice as long as the one before [docs: "in spaced intervals"]
                self._attempt(message, scheme, self._rules.webhook_wait * 2 ** (len(message["tries"]) - 1))

        self._background.later(delay, _work)

    async def _post(self, message: Message, scheme: str) -> int | None:
        """Send a webhook once; return the status, or None if there was no response in time.

        Raise `NotPublicError` if the emulator may not connect to the `webhookUrl` of an upload. The account's own URL
        may be any.
        """
        own = message["extension"] is None
        if own not in self._clients:
            hosts = self._rules.webhook_hosts
            transport = PublicTransport("webhook_url", ["*"]) if own else PublicTransport("webhook_hosts", hosts)
            self._clients[own] = httpx.AsyncClient(transport=transport)
        # serialized here, so that the signature covers exactly the bytes that are sent
        body = json.dumps(message["body"], ensure_ascii=False, separators=(",", ":")).encode()
        headers = signatures(scheme, self._rules.webhook_secret, message["id"], body, time.time())
        headers["content-type"] = "application/json"
        try:
            reply = await self._clients[own].post(
                message["url"], content=body, headers=headers, timeout=self._rules.webhook_timeout
            )
        except NotPublicError:
            raise
        except Exception:  # noqa: BLE001 - the receiver can fail in any way, such as with an invalid port
            return None
        return reply.status_code
