"""What our ASGI applications have in common: a body with an end, an answer of JSON."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class TooLarge(Exception):  # noqa: N818 - it becomes an answer
    """A body has more bytes than it may have."""


class Gone(Exception):  # noqa: N818 - nobody is there to be answered
    """The client went before its body was whole."""


async def whole_body(scope: Scope, receive: Receive, most: int) -> bytes:
    """Read a request's body, of so many bytes at most; what says beforehand that it is larger is not read.

    Raises
    ------
    TooLarge, Gone
        It is larger, or does not come.
    """
    stated = dict(scope["headers"]).get(b"content-length", b"0")
    if not stated.isdigit() or int(stated[:20]) > most:
        raise TooLarge
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise Gone
        body += message.get("body", b"")
        if len(body) > most:
            raise TooLarge
        more = message.get("more_body", False)
    return body


async def answer(
    send: Send, status: int, content: Mapping[str, Any] | None, headers: Iterable[tuple[bytes, bytes]] = ()
) -> None:
    """Answer with JSON, or with nothing."""
    body = b"" if content is None else json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    kind = [] if content is None else [(b"content-type", b"application/json")]
    size = [] if status == 204 else [(b"content-length", b"%d" % len(body))]  # noqa: PLR2004 - HTTP: it has none
    await send({"type": "http.response.start", "status": status, "headers": [*kind, *size, *headers]})
    await send({"type": "http.response.body", "body": body})


async def live(receive: Receive, send: Send) -> None:
    """Take part in a server's life: nothing is to be begun, and nothing to be ended."""
    while (await receive())["type"] == "lifespan.startup":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})
