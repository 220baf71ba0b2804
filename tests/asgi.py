"""Calls an ASGI application as a server would, in the test's own process."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ikpipe.asgi import App


class Answer(NamedTuple):
    """What came back, and what was going on in which order."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Read it."""
        return json.loads(self.body)


def call(
    app: App,
    body: bytes | Iterable[bytes] = b"",
    headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
    *,
    method: str = "POST",
    path: str = "/",
    client: tuple[str, int] = ("192.0.2.7", 5555),
    heard: list[str] | None = None,
) -> Answer:
    """Send one request.

    Parameters
    ----------
    body
        At once, or in pieces; without its last piece, a `list` that ends with None, the client goes.
    heard
        Takes down when the answer was sent.
    """
    pieces = [body] if isinstance(body, bytes) else list(body)
    sent: list[Any] = []
    pairs = headers.items() if hasattr(headers, "items") else headers
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in pairs]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": raw,
        "client": client,
        "server": ("127.0.0.1", 80),
    }

    async def receive() -> dict[str, Any]:
        if not pieces or pieces[0] is None:
            return {"type": "http.disconnect"}
        piece = pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

    async def send(message: Any) -> None:
        sent.append(message)
        if heard is not None and message["type"] == "http.response.body":
            heard.append("answered")

    asyncio.run(app(scope, receive, send))  # type: ignore[arg-type]  # a coroutine, as ours are
    if not sent:
        return Answer(0, {}, b"")
    start, *rest = sent
    found = {name.decode(): value.decode() for name, value in start["headers"]}
    return Answer(start["status"], found, b"".join(one.get("body", b"") for one in rest))
