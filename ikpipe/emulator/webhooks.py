"""Webhooks: signed, sent to the account's URL or to an upload's `webhookUrl`, and retried until they are accepted."""

import base64
import copy
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

import httpx

from ikpipe.emulator.background import Background
from ikpipe.emulator.outbound_hosts import NotPublicError, PublicTransport
from ikpipe.emulator.rules import Rules, matches

Message = dict[str, Any]
"""One webhook with all its attempts, as `GET /emulator/webhooks` lists it."""


class Receiver(NamedTuple):
    """Where webhooks are sent, and how they are signed; `own` is the account's own URL, which may have any host."""

    url: str
    secret: str
    scheme: str
    own: bool = False


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
        self.subscriptions: Callable[[], Iterable[Mapping[str, Any]]] = tuple
        """Returns the webhooks that were created with the API."""

    async def close(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()

    def entries(self) -> list[Message]:
        """Return a copy of all webhooks in the order of their creation, with their attempts, from any thread."""
        return copy.deepcopy(self._sent)

    def wants(self, event: str) -> bool:
        """Whether a URL receives an event of the account."""
        return bool(self._receivers(event))

    def _receivers(self, event: str) -> list[Receiver]:
        """Return the account's own URL if it subscribes to an event, and the webhooks of the API that do."""
        rules = self._rules
        url, scheme = rules.webhook_url, rules.webhook_signature
        own = [Receiver(url, rules.webhook_secret, scheme, own=True)] if url is not None else []
        return [receiver for receiver in own if matches(event, rules.webhook_events)] + [
            Receiver(webhook["endpoint"], webhook["secret"], scheme)
            for webhook in self.subscriptions()
            if webhook["enabled"] and event in webhook["events"]
        ]

    def tell_extension(self, url: str, body: Mapping[str, object]) -> None:
        """Send an extension's result to an upload's `webhookUrl` [upload docs]; only a 200 accepts it [docs]."""
        name, identifier = body["service"], f"msg_{uuid.uuid4().hex}"
        message = {"url": url, "event": f"{name} {body['status']}", "extension": name, "id": identifier, "body": body}
        self._send(message, Receiver(url, self._rules.webhook_secret, self._rules.extension_signature))

    def tell_account(self, event: str, body: Mapping[str, object]) -> None:
        """Send an event to all URLs of the account that subscribe to it; any 2xx accepts it [docs]."""
        identifier = str(uuid.uuid4())
        body = {"type": event, "id": identifier, **body}
        for receiver in self._receivers(event):
            message = {"url": receiver.url, "event": event, "extension": None, "id": identifier, "body": body}
            self._send(message, receiver)

    def _send(self, message: Message, receiver: Receiver) -> None:
        message |= {"taken": False, "tries": []}
        self._sent.append(message)
        self._attempt(message, receiver, 0.0)

    def _attempt(self, message: Message, receiver: Receiver, delay: float) -> None:
        async def _work() -> None:
            status: int | None = None
            refused: dict[str, str] = {}
            try:
                status = await self._post(message, receiver)
            except NotPublicError as error:
                refused = {"error": str(error)}
            message["tries"].append({"time": time.time(), "status": status, **refused})
            message["taken"] = _is_accepted(status, message)
            if not message["taken"] and not refused and len(message["tries"]) < self._rules.webhook_tries:
                # each delay is twice as long as the one before [docs: "in spaced intervals"]
                self._attempt(message, receiver, self._rules.webhook_wait * 2 ** (len(message["tries"]) - 1))

        self._background.later(delay, _work)

    async def _post(self, message: Message, receiver: Receiver) -> int | None:
        """Send a webhook once; return the status, or None if there was no response in time.

        Raise `NotPublicError` if the emulator may not connect to the receiver.
        """
        own = receiver.own
        if own not in self._clients:
            hosts = self._rules.webhook_hosts
            transport = PublicTransport("webhook_url", ["*"]) if own else PublicTransport("webhook_hosts", hosts)
            self._clients[own] = httpx.AsyncClient(transport=transport)
        # serialized here, so that the signature covers exactly the bytes that are sent
        body = json.dumps(message["body"], ensure_ascii=False, separators=(",", ":")).encode()
        headers = signatures(receiver.scheme, receiver.secret, message["id"], body, time.time())
        headers["content-type"] = "application/json"
        try:
            reply = await self._clients[own].post(
                receiver.url, content=body, headers=headers, timeout=self._rules.webhook_timeout
            )
        except NotPublicError:
            raise
        except Exception:  # noqa: BLE001 - the receiver can fail in any way, such as with an invalid port
            return None
        return reply.status_code
