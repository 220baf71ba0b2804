"""Faults at work: they go around the upload endpoint, and change what it receives or what it sends."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, Response

from ikpipe.emulator.faults import KINDS
from ikpipe.emulator.refusals import Refusal, too_many
from ikpipe.emulator.upload.authentication import FaultInjected

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from ikpipe.emulator.account import EmulatedAccount


class FaultyUploads:
    """Goes around the upload endpoint, and does to some uploads what the faults say."""

    def __init__(self, app: ASGIApp, account: EmulatedAccount) -> None:
        self._app = app
        self._account = account

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass an upload on, with or without a fault."""
        kind = self._account.faults.draw()
        if kind is None:
            await self._app(scope, receive, send)
            return
        fault = _Fault(kind, self._account, scope)
        try:
            await self._app(scope, fault.receiver(receive), fault.sender(receive, send))
        except FaultInjected:
            await fault.strike()


class _Fault:
    """One fault of one upload."""

    def __init__(self, kind: str, account: EmulatedAccount, scope: Scope) -> None:
        self._kind = kind
        self._account = account
        self._scope = scope
        self._half = int(dict(scope["headers"]).get(b"content-length", b"0")) // 2
        self._received = 0
        self._moment = account.faults.spends[kind]
        # the endpoint then calls for the fault itself, once it has the token
        scope["struck"] = self._moment == "received"
        if kind == "index-delay":
            scope["index_delay"] = account.rules.fault_index_delay
            self._fired()

    def _fired(self) -> None:
        self._account.faults.count(self._kind)
        self._scope["entry"].setdefault("faults", []).append(self._kind)

    async def _cut(self) -> Message:
        self._account.cut(self._scope["client"])
        # uvicorn hears of it in the loop's next round; until then it would complain of an answer that is missing
        await asyncio.sleep(0)
        return {"type": "http.disconnect"}

    def receiver(self, receive: Receive) -> Receive:
        """Do what happens while the body comes."""

        async def faulty() -> Message:
            if self._kind == "reset-before":
                return await self.strike()
            message = await receive()
            self._received += len(message.get("body", b""))
            if self._kind == "reset-middle" and self._received >= self._half:
                return await self.strike()
            if not message.get("more_body", False):
                return await self._after_body(message)
            return message

        return faulty

    async def _after_body(self, message: Message) -> Message:
        if self._kind == "slow":
            self._fired()
            await asyncio.sleep(self._account.rules.fault_slow)
        if KINDS[self._kind].before_storing and self._moment == "never":
            return await self.strike()
        return message

    async def strike(self) -> Message:
        """Refuse an upload of which nothing is stored, or reset its connection."""
        self._fired()
        if self._kind == "429":
            raise too_many(self._account.rules.fault_wait)
        if self._kind == "5xx":
            raise Refusal(self._account.faults.choose_outage(self._kind), "")
        # before the reset: a client that looks into the log at once must find it there
        self._scope["entry"]["message"] = "cut off"
        return await self._cut()

    def sender(self, receive: Receive, send: Send) -> Send:
        """Do what happens to the answer, if the file is stored."""
        start: list[Message] = []

        async def faulty(message: Message) -> None:
            if not self._scope["entry"]["stored"] or not KINDS[self._kind].spoils_answer:
                await send(message)
            elif message["type"] == "http.response.start":
                start.append(message)
            else:
                self._fired()
                await self._unspend()
                await self._spoil(start[0], message["body"], receive, send)

        return faulty

    async def _unspend(self) -> None:
        # before anything is sent: a client that is quick must not find the token spent
        if self._moment == "answered":
            self._account.store.give_back(self._scope["token"])
            await self._account.store.commit()

    async def _spoil(self, start: Message, body: bytes, receive: Receive, send: Send) -> None:
        half = body[: len(body) // 2]
        if self._kind == "cut-answer":
            await send(start)
            await send({"type": "http.response.body", "body": half, "more_body": True})
        if self._kind in {"cut-answer", "store-then-cut"}:
            await self._cut()
        else:
            await self._spoilt(start["status"], half)(self._scope, receive, send)

    def _spoilt(self, status: int, half: bytes) -> Response:
        if self._kind == "store-then-5xx":
            return Response(status_code=self._account.faults.choose_outage(self._kind))
        if self._kind == "non-json":
            return HTMLResponse("<html><body><h1>Welcome</h1></body></html>", status)
        return Response(half, status, media_type="application/json")
