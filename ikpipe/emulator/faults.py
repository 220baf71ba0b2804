"""Faults on demand: what can go wrong between a client and the service, each at a rate.

They go around the upload endpoint, which knows nothing of them: a fault changes what it receives or what it sends.
"""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, Response

from ikpipe.emulator.refusals import Refusal, too_many

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from ikpipe.emulator.account import Account

KINDS = {
    "refuse": "the connection is closed as soon as it is opened",
    "reset-before": "the connection is reset before the body is read",
    "reset-middle": "the connection is reset when half of the body is read",
    "reset-after": "the connection is reset when the body is read; nothing is stored",
    "429": "too many requests, to be repeated after milliseconds; nothing is stored, the token is not spent",
    "5xx": "500, 502, 503 or 504 with an empty body; nothing is stored, the token is not spent",
    "slow": "the answer takes longer",
    "store-then-cut": "the file is stored, and the connection is reset instead of an answer",
    "truncated": "the file is stored, and the answer is a 200 with half of its JSON",
    "non-json": "the file is stored, and the answer is a 200 with HTML",
    "index-delay": "the file is stored, and appears in lists and searches later",
}
"""The kinds of fault; the first that is drawn for an upload is the one that fires."""

OUTAGES = (500, 502, 503, 504)


class Faults:
    """Which faults fire, how often.

    Parameters
    ----------
    rates
        The probability of each kind, 0 to 1.
    seed
        Of the random numbers. Each kind draws its own, one an upload, so that a run with the same seed has the same
        faults and a further kind does not move the others.

    Raises
    ------
    ValueError
        For an unknown kind, or a rate outside 0 to 1.
    """

    def __init__(self, rates: Mapping[str, float] | None = None, seed: int = 0) -> None:
        self.rates = dict(rates or {})
        self.seed = seed
        self._random = {kind: random.Random(f"{seed} {kind}") for kind in KINDS}  # noqa: S311 - a rehearsal, no secret
        for kind, rate in self.rates.items():
            if kind not in KINDS:
                raise ValueError(f"there is no fault {kind!r}; there are {', '.join(KINDS)}")
            if not 0 <= rate <= 1:
                raise ValueError(f"the rate of {kind!r} is a probability, 0 to 1, not {rate}")

    def refuses(self) -> bool:
        """Draw for a connection that was just opened."""
        return self._fires("refuse")

    def draw(self) -> str | None:
        """Draw for an upload that has just arrived."""
        fired = [kind for kind in KINDS if kind != "refuse" and self._fires(kind)]
        return fired[0] if fired else None

    def choose_outage(self) -> int:
        """Draw the status of a 5xx."""
        return self._random["5xx"].choice(OUTAGES)

    def _fires(self, kind: str) -> bool:
        return kind in self.rates and self._random[kind].random() < self.rates[kind]


class FaultyUploads:
    """Goes around the upload endpoint, and does to some uploads what the faults say."""

    def __init__(self, app: ASGIApp, account: Account) -> None:
        self._app = app
        self._account = account

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass an upload on, with or without a fault."""
        kind = self._account.faults.draw()
        if kind is None:
            await self._app(scope, receive, send)
            return
        fault = _Fault(kind, self._account, scope)
        await self._app(scope, fault.receiver(receive), fault.sender(receive, send))


class _Fault:
    """One fault of one upload."""

    def __init__(self, kind: str, account: Account, scope: Scope) -> None:
        self._kind = kind
        self._account = account
        self._scope = scope
        self._half = int(dict(scope["headers"]).get(b"content-length", b"0")) // 2
        self._received = 0
        if kind == "index-delay":
            scope["index_delay"] = account.rules.fault_index_delay
            self._fired()

    def _fired(self) -> None:
        self._scope["entry"].setdefault("faults", []).append(self._kind)

    def _cut(self) -> Message:
        self._fired()
        self._account.cut(self._scope["client"])
        return {"type": "http.disconnect"}

    def receiver(self, receive: Receive) -> Receive:
        """Do what happens while the body comes."""

        async def faulty() -> Message:
            if self._kind == "reset-before":
                return self._cut()
            message = await receive()
            self._received += len(message.get("body", b""))
            if self._kind == "reset-middle" and self._received >= self._half:
                return self._cut()
            if not message.get("more_body", False):
                return await self._after_body(message)
            return message

        return faulty

    async def _after_body(self, message: Message) -> Message:
        rules = self._account.rules
        if self._kind == "reset-after":
            return self._cut()
        if self._kind in {"slow", "429", "5xx"}:
            self._fired()
        if self._kind == "slow":
            await asyncio.sleep(rules.fault_slow)
        if self._kind == "429":
            raise too_many(rules.fault_wait)
        if self._kind == "5xx":
            raise Refusal(self._account.faults.choose_outage(), "")
        return message

    def sender(self, receive: Receive, send: Send) -> Send:
        """Do what happens to the answer, if the file is stored."""
        start: list[Message] = []

        async def faulty(message: Message) -> None:
            if not self._scope["entry"]["stored"] or self._kind not in {"store-then-cut", "truncated", "non-json"}:
                await send(message)
            elif message["type"] == "http.response.start":
                start.append(message)
            elif self._kind == "store-then-cut":
                self._cut()
            else:
                self._fired()
                await self._spoilt(start[0], message["body"])(self._scope, receive, send)

        return faulty

    def _spoilt(self, start: Message, body: bytes) -> Response:
        if self._kind == "non-json":
            return HTMLResponse("<html><body><h1>Welcome</h1></body></html>", start["status"])
        return Response(body[: len(body) // 2], start["status"], media_type="application/json")
