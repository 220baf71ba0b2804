"""Webhooks: what is told to addresses of the account's choice, signed, and tried again until it is taken."""

from __future__ import annotations

import base64
import copy
import hashlib
import hmac
import json
import time
import uuid
from fnmatch import fnmatchcase
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import httpx

from ikpipe.emulator.outbound import NotPublicError, Outbound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ikpipe.emulator.background import Background
    from ikpipe.emulator.settings import Rules

Message = dict[str, Any]
"""One webhook, with each of its tries; how it is listed."""


def signatures(scheme: str, secret: str, identifier: str, body: bytes, now: float) -> dict[str, str]:
    """Give the headers that prove a webhook (`sdk`, `docs`).

    Parameters
    ----------
    scheme
        `standard`: `webhook-id`, `webhook-timestamp` (seconds) and `webhook-signature`; `older`: `x-ik-signature`, with
        milliseconds; `both`; or `none`.
    secret
        Its UTF-8 bytes are the key, `whsec_` included.
    """
    key = secret.encode()
    headers: dict[str, str] = {}
    if scheme in {"standard", "both"}:
        seconds = str(int(now))
        digest = hmac.digest(key, f"{identifier}.{seconds}.".encode() + body, hashlib.sha256)
        signature = f"v1,{base64.b64encode(digest).decode()}"
        headers |= {"webhook-id": identifier, "webhook-timestamp": seconds, "webhook-signature": signature}
    if scheme in {"older", "both"}:
        moment = str(int(now * 1000))
        digest = hmac.digest(key, f"{moment}.".encode() + body, hashlib.sha256)
        headers["x-ik-signature"] = f"t={moment},v1={digest.hex()}"
    return headers


def _takes(status: int | None, message: Message) -> bool:
    """Tell whether an answer is one: 200 alone for the end of an extension, any 2xx for the account's own (`docs`)."""
    if message["extension"] is not None:
        return status == HTTPStatus.OK
    return status is not None and 200 <= status < 300  # noqa: PLR2004 - HTTP


class Webhooks:
    """Sends webhooks, and remembers them all."""

    def __init__(self, rules: Rules, background: Background) -> None:
        self._rules = rules
        self._background = background
        self._clients: dict[bool, httpx.AsyncClient] = {}
        self._sent: list[Message] = []

    async def close(self) -> None:
        """Close the client's connections."""
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()

    def entries(self) -> list[Message]:
        """Give a copy of all webhooks in the order of their making, with their tries; from any thread."""
        return copy.deepcopy(self._sent)

    def wants(self, event: str) -> bool:
        """Tell whether the account has an address for an event of its own."""
        rules = self._rules
        return rules.webhook_url is not None and any(fnmatchcase(event, kind) for kind in rules.webhook_events)

    def tell_extension(self, url: str, body: Mapping[str, object]) -> None:
        """Tell an upload's `webhookUrl` what has become of an extension (`seed`); 200 alone is an answer (`docs`)."""
        name, identifier = body["service"], f"msg_{uuid.uuid4().hex}"
        message = {"url": url, "event": f"{name} {body['status']}", "extension": name, "id": identifier, "body": body}
        self._send(message, self._rules.extension_signature)

    def tell_account(self, event: str, body: Mapping[str, object]) -> None:
        """Tell the account's address of an event, if it wants to know; any 2xx is an answer (`docs`)."""
        if self._rules.webhook_url is not None and self.wants(event):
            url, identifier = self._rules.webhook_url, str(uuid.uuid4())
            whole = {"type": event, "id": identifier, **body}
            message = {"url": url, "event": event, "extension": None, "id": identifier, "body": whole}
            self._send(message, self._rules.webhook_signature)

    def _send(self, message: Message, scheme: str) -> None:
        message |= {"taken": False, "tries": []}
        self._sent.append(message)
        self._try(message, scheme, 0.0)

    def _try(self, message: Message, scheme: str, wait: float) -> None:
        async def work() -> None:
            status: int | None = None
            refused: dict[str, str] = {}
            try:
                status = await self._post(message, scheme)
            except NotPublicError as error:
                refused = {"error": str(error)}
            message["tries"].append({"time": time.time(), "status": status, **refused})
            message["taken"] = _takes(status, message)
            if not message["taken"] and not refused and len(message["tries"]) < self._rules.webhook_tries:
                # each wait is twice as long as the one before (docs: "in spaced intervals")
                self._try(message, scheme, self._rules.webhook_wait * 2 ** (len(message["tries"]) - 1))

        self._background.later(wait, work)

    async def _post(self, message: Message, scheme: str) -> int | None:
        """Send a webhook once; gives the status, or None where there was no answer in time.

        Raises
        ------
        NotPublicError
            An upload named an address that may not be reached. The account's own address is its owner's choice.
        """
        own = message["extension"] is None
        if own not in self._clients:
            rules = self._rules
            outbound = Outbound("webhook_url", ["*"]) if own else Outbound("webhook_hosts", rules.webhook_hosts)
            self._clients[own] = httpx.AsyncClient(transport=outbound)
        body = json.dumps(message["body"], ensure_ascii=False, separators=(",", ":")).encode()
        headers = signatures(scheme, self._rules.webhook_secret, message["id"], body, time.time())
        headers["content-type"] = "application/json"
        try:
            reply = await self._clients[own].post(
                message["url"], content=body, headers=headers, timeout=self._rules.webhook_timeout
            )
        except NotPublicError:
            raise
        except Exception:  # noqa: BLE001 - of an address of the account's choice, such as a port that there is not
            return None
        return reply.status_code
