"""`endpoint`: an ASGI application that hears webhooks, answers at once, and then calls back."""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ikpipe.asgi import Gone, TooLarge, answer, live, whole_body
from ikpipe.errors import WebhookError
from ikpipe.webhooks.signature import TOLERANCE, SeenEvents, check, sealed, verify

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ikpipe.asgi import Receive, Scope, Send
    from ikpipe.webhooks.events import Event
    from ikpipe.webhooks.signature import Headers

LARGEST = 1_000_000  # bytes: a file's details, with all of its embedded metadata

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
    """Make an ASGI application that hears webhooks.

    It is to be routed to in Starlette or FastAPI (``app.add_route("/webhooks", endpoint(…))``), or run by any ASGI
    server.

    The service wants its answer within 30 s (docs): it has it before `on_event` is called, whatever that takes. So it
    does not send again what `on_event` failed with: that is logged.

    Parameters
    ----------
    secret, unsigned, tolerance
        As for `verify`.
    on_event
        Called with each event, once: one that is replayed is answered and logged, no more. A plain function is called
        in a thread of its own, a coroutine function in the server's loop.
    seen
        Remembers which webhooks were here; None makes one of this application's own, in memory.
    clock
        Gives the time, in seconds since 1970.

    Returns
    -------
    Receiver
        Answers POST with 200; 401 without a signature that is the secret's, 400 for what is no event, 413 beyond a
        million bytes.
    """
    secrets = secret = sealed(secret)  # twice, so that a traceback with the variables of this frame shows none
    check(secrets)
    memory = SeenEvents() if seen is None else seen

    def read(body: bytes, headers: Headers) -> Event:
        return verify(body, headers, secrets, tolerance=tolerance, seen=memory, unsigned=unsigned, now=clock())

    return Receiver(read, on_event)


class Receiver:
    """An ASGI application: what `endpoint` makes."""

    def __init__(self, check: Callable[[bytes, Headers], Event], on_event: Callable[[Event], Any]) -> None:
        self._check, self._on_event = check, on_event

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hear one webhook."""
        if scope["type"] == "lifespan":
            await live(receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close"})
        elif scope["method"] != "POST":
            await answer(send, 405, {"message": "Webhooks come by POST."}, [(b"allow", b"POST")])
        elif (event := await _heard(self._check, scope, receive, send)) is not None:
            await _tell(self._on_event, event)


async def _heard(check: Callable[[bytes, Headers], Event], scope: Scope, receive: Receive, send: Send) -> Event | None:
    """Read a webhook and answer it; gives the event that is to be told."""
    try:
        event = check(await whole_body(scope, receive, LARGEST), scope["headers"])
    except TooLarge:
        await answer(send, 413, {"message": f"A webhook has at most {LARGEST} bytes."})
        return None
    except WebhookError as error:
        _log.warning("a webhook was refused: %s", error)
        await answer(send, 400 if error.signed else 401, {"message": str(error)})
        return None
    except Gone:
        return None
    with suppress(OSError):  # a client that has gone: it will send again what is then a replay
        await answer(send, 200, {"received": True, "replayed": event.replayed})
    if event.replayed:
        _log.warning("the webhook %s (%s) was here before", event.id, event.type)
    return None if event.replayed else event


async def _tell(on_event: Callable[[Event], Any], event: Event) -> None:
    try:
        if inspect.iscoroutinefunction(on_event) or inspect.iscoroutinefunction(type(on_event).__call__):
            await on_event(event)
        else:
            await asyncio.to_thread(on_event, event)
    except Exception:  # noqa: BLE001 - it is the user's, and has its own ways to fail
        _log.exception("on_event failed with the event %s (%s)", event.id, event.type)
