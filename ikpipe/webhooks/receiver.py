"""`endpoint`: an ASGI application that receives webhooks, responds at once, and then calls a function."""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ikpipe.asgi import ClientDisconnected, Receive, Scope, Send, TooLarge, handle_lifespan, read_body, respond
from ikpipe.errors import WebhookError
from ikpipe.webhooks.signature import TOLERANCE, SeenEvents, check_secrets, seal, verify

if TYPE_CHECKING:
    from ikpipe.webhooks.events import Event
    from ikpipe.webhooks.signature import Headers

MAX_BODY = 1_000_000  # bytes; enough for a file's details with all of its embedded metadata

_log = logging.getLogger("ikpipe.webhooks")


def endpoint(
    secret: str | Sequence[str],
    on_event: Callable[[Event], Any],
    *,
    unsigned: bool = False,
    tolerance: float = TOLERANCE,
    seen: SeenEvents | None = None,
    clock: Callable[[], float] = time.time,
) -> Receiver:
    """Return an ASGI application that receives webhooks.

    Add it as a route in Starlette or FastAPI (``app.add_route("/webhooks", endpoint(…))``), or run it with any ASGI
    server.

    The service expects a response within 30 s [docs]. It is sent before `on_event` is called, so the service does not
    send an event again if `on_event` fails; the failure is logged.

    Parameters
    ----------
    secret, unsigned, tolerance
        As for `verify`.
    on_event
        Called once with each event; a replayed event is only logged. A plain function is called in a thread, a
        coroutine function in the server's event loop.
    seen
        Remembers received webhooks; None uses memory of this application only.
    clock
        Returns the time, in seconds since 1970.

    Returns
    -------
    Receiver
        Responds to POST with 200; 401 without a valid signature, 400 if the body is not an event, 413 if it has more
        than a million bytes.
    """
    secrets = secret = seal(secret)  # both names, so that a traceback with this frame's variables shows none
    check_secrets(secrets)
    memory = SeenEvents() if seen is None else seen

    def read(body: bytes, headers: Headers) -> Event:
        """Return the verified event of a request."""
        return verify(body, headers, secrets, tolerance=tolerance, seen=memory, unsigned=unsigned, now=clock())

    return Receiver(read, on_event)


class Receiver:
    """The ASGI application that `endpoint` returns."""

    def __init__(self, read: Callable[[bytes, Headers], Event], on_event: Callable[[Event], Any]) -> None:
        self._read, self._on_event = read, on_event

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "lifespan":
            await handle_lifespan(receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close"})
        elif scope["method"] != "POST":
            await respond(send, 405, {"message": "Webhooks are sent with POST."}, [(b"allow", b"POST")])
        elif (event := await _receive(self._read, scope, receive, send)) is not None:
            await _notify(self._on_event, event)


async def _receive(read: Callable[[bytes, Headers], Event], scope: Scope, receive: Receive, send: Send) -> Event | None:
    """Read a webhook and respond; return the event unless it is invalid or replayed."""
    try:
        event = read(await read_body(scope, receive, MAX_BODY), scope["headers"])
    except TooLarge:
        await respond(send, 413, {"message": f"The body is larger than {MAX_BODY:,} bytes."})
        return None
    except WebhookError as error:
        _log.warning("A webhook was rejected: %s", error)
        await respond(send, 400 if error.signed else 401, {"message": str(error)})
        return None
    except ClientDisconnected:
        return None
    with suppress(OSError):  # the client has disconnected; it will send the event again, as a replay
        await respond(send, 200, {"received": True, "replayed": event.replayed})
    if not event.replayed:
        return event
    _log.warning("The webhook %s (%s) was received before", event.id, event.type)
    return None


async def _notify(on_event: Callable[[Event], Any], event: Event) -> None:
    try:
        if inspect.iscoroutinefunction(on_event) or inspect.iscoroutinefunction(type(on_event).__call__):
            await on_event(event)
        else:
            await asyncio.to_thread(on_event, event)
    except Exception:  # noqa: BLE001 - a function of the user's may raise anything
        _log.exception("on_event failed for the event %s (%s)", event.id, event.type)
