"""Shared by the ASGI applications of auth and webhooks: read a request body, send a JSON response."""

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class TooLarge(Exception):  # noqa: N818 - it becomes a response
    """The request body is larger than allowed."""


class ClientDisconnected(Exception):  # noqa: N818 - there is no one to respond to
    """The client disconnected before the body was complete."""


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """Return a request's body of at most `limit` bytes; reject a larger Content-Length without reading.

    Raise `TooLarge` if the body is larger, `ClientDisconnected` if it is incomplete.
    """
    declared = dict(scope["headers"]).get(b"content-length", b"0")
    if not declared.isdigit() or int(declared[:20]) > limit:
        raise TooLarge
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientDisconnected
        body += message.get("body", b"")
        if len(body) > limit:
            raise TooLarge
        more = message.get("more_body", False)
    return body


async def respond(
    send: Send, status: int, content: Mapping[str, Any] | None, headers: Iterable[tuple[bytes, bytes]] = ()
) -> None:
    """Send a response with JSON, or without content."""
    body = b"" if content is None else json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    content_type = [] if content is None else [(b"content-type", b"application/json")]
    size = [] if status == 204 else [(b"content-length", b"%d" % len(body))]  # noqa: PLR2004 - HTTP forbids the header
    await send({"type": "http.response.start", "status": status, "headers": [*content_type, *size, *headers]})
    await send({"type": "http.response.body", "body": body})


async def handle_lifespan(receive: Receive, send: Send) -> None:
    """Confirm the server's startup and shutdown, for which nothing needs to be done."""
    while (await receive())["type"] == "lifespan.startup":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})
