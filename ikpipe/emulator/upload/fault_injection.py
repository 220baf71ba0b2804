"""Applies faults to uploads: wraps the upload endpoint, and changes what it receives or sends."""

import asyncio

from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ikpipe.emulator.account import EmulatedAccount
from ikpipe.emulator.error_responses import ErrorResponse, too_many_requests
from ikpipe.emulator.faults import KINDS
from ikpipe.emulator.upload.authentication import FaultInjected


class FaultyUploads:
    """Wraps the upload endpoint, and applies to each upload the fault that is drawn for it."""

    def __init__(self, app: ASGIApp, account: EmulatedAccount) -> None:
        self._app = app
        self._account = account

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass an upload to the endpoint, with or without a fault."""
        kind = self._account.faults.draw()
        if kind is None:
            await self._app(scope, receive, send)
            return
        fault = _Fault(kind, self._account, scope)
        try:
            await self._app(scope, fault.receiver(receive), fault.sender(receive, send))
        except FaultInjected:
            await fault.fail()


class _Fault:
    """One fault of one upload."""

    def __init__(self, kind: str, account: EmulatedAccount, scope: Scope) -> None:
        self._kind = kind
        self._account = account
        self._scope = scope
        self._half = int(dict(scope["headers"]).get(b"content-length", b"0")) // 2
        self._received = 0
        self._moment = account.faults.spends[kind]
        # the endpoint then raises FaultInjected when it has marked the token as used
        scope["fault_due"] = self._moment == "received"
        if kind == "index-delay":
            scope["index_delay"] = account.rules.fault_index_delay
            self._count()

    def _count(self) -> None:
        self._account.faults.count(self._kind)
        self._scope["entry"].setdefault("faults", []).append(self._kind)

    async def _reset(self) -> Message:
        self._account.reset_connection(self._scope["client"])
        # uvicorn notices it in the next round of the event loop; before, it would complain of a missing response
        await asyncio.sleep(0)
        return {"type": "http.disconnect"}

    def receiver(self, receive: Receive) -> Receive:
        """Return a `receive` with the faults of the request body."""

        async def _faulty_receive() -> Message:
            if self._kind == "reset-before":
                return await self.fail()
            message = await receive()
            self._received += len(message.get("body", b""))
            if self._kind == "reset-middle" and self._received >= self._half:
                return await self.fail()
            if message.get("more_body", False):
                return message
            if self._kind == "slow":
                self._count()
                await asyncio.sleep(self._account.rules.fault_slow)
            if KINDS[self._kind].before_storing and self._moment == "never":
                return await self.fail()
            return message

        return _faulty_receive

    async def fail(self) -> Message:
        """Raise an error response for an upload that is not stored, or reset its connection."""
        self._count()
        if self._kind == "429":
            raise too_many_requests(self._account.rules.fault_wait)
        if self._kind == "5xx":
            raise ErrorResponse(self._account.faults.choose_outage(self._kind), "")
        # before the reset: a client that reads the log at once must find it there
        self._scope["entry"]["message"] = "interrupted"
        return await self._reset()

    def sender(self, receive: Receive, send: Send) -> Send:
        """Return a `send` with the faults of the response to a stored file."""
        start: list[Message] = []

        async def _faulty_send(message: Message) -> None:
            if not self._scope["entry"]["stored"] or not KINDS[self._kind].damages_response:
                await send(message)
            elif message["type"] == "http.response.start":
                start.append(message)
            else:
                self._count()
                if self._moment == "answered":
                    # before anything is sent: a quick client must not find the token used
                    self._account.store.tokens.unspend(self._scope["token"])
                    await self._account.store.commit()
                await self._send_damaged(start[0], message["body"], receive, send)

        return _faulty_send

    async def _send_damaged(self, start: Message, body: bytes, receive: Receive, send: Send) -> None:
        half = body[: len(body) // 2]
        if self._kind == "cut-answer":
            await send(start)
            await send({"type": "http.response.body", "body": half, "more_body": True})
        if self._kind in {"cut-answer", "store-then-cut"}:
            await self._reset()
        else:
            await self._damaged_response(start["status"], half)(self._scope, receive, send)

    def _damaged_response(self, status: int, half: bytes) -> Response:
        if self._kind == "store-then-5xx":
            return Response(status_code=self._account.faults.choose_outage(self._kind))
        if self._kind == "non-json":
            return HTMLResponse("<html><body><h1>Welcome</h1></body></html>", status)
        return Response(half, status, media_type="application/json")
