"""`endpoint`: the desk as an ASGI application."""

from __future__ import annotations

import asyncio
import inspect
import time
from typing import TYPE_CHECKING, Any

from ikpipe.asgi import Gone, TooLarge, answer, live, whole_body
from ikpipe.auth.messages import SigningReply, SigningRequest
from ikpipe.auth.payload import LARGEST
from ikpipe.auth.signer import SigningService

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from ikpipe.asgi import Receive, Scope, Send
    from ikpipe.auth.allow import Allow
    from ikpipe.request.account import Account

PATIENCE = 10.0  # seconds for a body to come


class Endpoint:
    """An ASGI application: what `endpoint` makes."""

    def __init__(self, desk: SigningService, patience: float = PATIENCE) -> None:
        self._desk, self._patience = desk, patience
        who = desk.allow.who
        self._waits = inspect.iscoroutinefunction(who) or inspect.iscoroutinefunction(type(who).__call__)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await live(receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close"})
        else:
            reply = await self._reply(scope, receive)
            if reply is not None:
                headers = [(name.encode(), value.encode("latin-1")) for name, value in reply.headers.items()]
                without = [pair for pair in headers if pair[0] != b"Content-Type"]
                await answer(send, reply.status, reply.content, without)

    async def _reply(self, scope: Scope, receive: Receive) -> SigningReply | None:
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        client = (scope.get("client") or ("",))[0]
        try:
            body = await asyncio.wait_for(whole_body(scope, receive, LARGEST), self._patience)
        except TooLarge:
            body = b" " * (LARGEST + 1)  # the desk says what that means
        except TimeoutError:
            return SigningReply(408, {"Connection": "close"}, {"message": "The body did not come."})
        except Gone:
            return None
        request = SigningRequest(scope["method"], headers, body, client)
        if not self._waits:
            # `who` may ask a database: the loop is not to wait for it.
            return await asyncio.to_thread(self._desk.answer, request)
        early = self._desk.before(request)
        if early is not None:
            return early
        try:
            caller: Any = await self._desk.allow.who(request)  # type: ignore[misc]  # it is a coroutine function
        except Exception:  # noqa: BLE001 - it is the user's, and has its own ways to fail
            return self._desk.broken(request)
        return self._desk.after(request, caller)


def endpoint(
    account: Account,
    *,
    allow: Allow,
    origins: Collection[str] = (),
    credentials: bool = False,
    clock: Callable[[], float] = time.time,
) -> Endpoint:
    """Make the seed's `authenticationEndpoint`, as an ASGI application.

    POST ``{"uploadPayload": {…}, "expire": seconds, "publicKey": …}`` is answered with ``{"token": …}``, if `allow`
    permits it. To be routed to in Starlette or FastAPI (``app.add_route("/auth", endpoint(…))``), run by any ASGI
    server, or by ``ikpipe auth-server``.

    Parameters
    ----------
    account
        Holds the private key.
    allow
        Who may have what signed; `Allow()` permits nothing to anybody.
    origins, credentials, clock
        As for `SigningService`.

    Raises
    ------
    AccountError
        There is no private key.
    MappingError
        `allow` is no `Allow`, or an origin is none.
    """
    return Endpoint(SigningService(account, allow=allow, origins=origins, credentials=credentials, clock=clock))
