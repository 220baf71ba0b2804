"""`endpoint`: the signing service as an ASGI application."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from ikpipe.asgi import ClientDisconnected, Receive, Scope, Send, TooLarge, handle_lifespan, read_body, respond
from ikpipe.auth.messages import SigningReply, SigningRequest
from ikpipe.auth.payload import LARGEST
from ikpipe.auth.signing_service import SigningService
from ikpipe.request.account import Account

if TYPE_CHECKING:
    from ikpipe.auth.allow import Allow

BODY_TIMEOUT = 10.0  # seconds


class Endpoint:
    """The ASGI application that `endpoint` returns."""

    def __init__(self, service: SigningService, body_timeout: float = BODY_TIMEOUT) -> None:
        self._service, self._body_timeout = service, body_timeout
        who = service.allow.who
        self._who_is_async = inspect.iscoroutinefunction(who) or inspect.iscoroutinefunction(type(who).__call__)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "lifespan":
            await handle_lifespan(receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close"})
        else:
            reply = await self._reply(scope, receive)
            if reply is not None:
                headers = [(name.encode(), value.encode("latin-1")) for name, value in reply.headers.items()]
                others = [pair for pair in headers if pair[0] != b"Content-Type"]  # `respond` sets it
                await respond(send, reply.status, reply.content, others)

    async def _reply(self, scope: Scope, receive: Receive) -> SigningReply | None:
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        client = (scope.get("client") or ("",))[0]
        try:
            body = await asyncio.wait_for(read_body(scope, receive, LARGEST), self._body_timeout)
        except TooLarge:
            body = b" " * (LARGEST + 1)  # the service rejects it
        except TimeoutError:
            return SigningReply(408, {"Connection": "close"}, {"message": "The request body was not received in time."})
        except ClientDisconnected:
            return None
        request = SigningRequest(scope["method"], headers, body, client)
        if not self._who_is_async:
            # `who` may query a database, which must not block the event loop.
            return await asyncio.to_thread(self._service.answer, request)
        rejection = self._service.before(request)
        if rejection is not None:
            return rejection
        try:
            caller: Any = await self._service.allow.who(request)  # type: ignore[misc]  # it is a coroutine function
        except Exception:  # noqa: BLE001 - a function of the user's may raise anything
            return self._service.broken(request)
        return self._service.after(request, caller)


def endpoint(
    account: Account,
    *,
    allow: Allow,
    origins: Collection[str] = (),
    headers: Collection[str] = (),
    credentials: bool = False,
    clock: Callable[[], float] = time.time,
) -> Endpoint:
    """Return the `authenticationEndpoint` of ImageKit's upload documentation as an ASGI application.

    POST ``{"uploadPayload": {…}, "expire": seconds, "publicKey": …}`` returns ``{"token": …}`` if `allow`
    permits it. Add it as a route in Starlette or FastAPI (``app.add_route("/auth", endpoint(…))``), or serve it with
    any ASGI server or with ``ikpipe auth-server``.

    Parameters
    ----------
    account
        Must have the private key.
    allow
        The policy; `Allow()` permits nothing.
    origins, headers, credentials, clock
        As for `SigningService`.

    Raises
    ------
    AccountError
        There is no private key.
    MappingError
        `allow` is not an `Allow`, or an origin or the name of a header is invalid.
    """
    service = SigningService(
        account, allow=allow, origins=origins, headers=headers, credentials=credentials, clock=clock
    )
    return Endpoint(service)
