"""The cache: purged by URL, and asked whether that is done (`docs`). There is none here, so it is done at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from ikpipe.emulator.refusals import Refusal
from ikpipe.emulator.store import new_id

if TYPE_CHECKING:
    from starlette.requests import Request


class Purges:
    """What was purged so far; it is forgotten at a restart.

    Parameters
    ----------
    most
        Orders that are remembered; the oldest are forgotten first.
    """

    def __init__(self, most: int = 10_000) -> None:
        self._most, self._urls = most, dict[str, str]()

    def order(self, _request: Request, body: object) -> Response:
        """`POST /v1/files/purge`: one URL."""
        url = body.get("url") if isinstance(body, dict) else None
        if not isinstance(url, str) or not url:
            raise Refusal(400, "Your request is missing URL parameter.")
        if not url.startswith(("http://", "https://")):
            raise Refusal(400, "Your request contains invalid URL parameter.")
        order = new_id()
        self._urls[order] = url
        while len(self._urls) > self._most:
            del self._urls[next(iter(self._urls))]
        return JSONResponse({"requestId": order}, status_code=201)

    def status(self, request: Request, _body: Any) -> Response:
        """`GET /v1/files/purge/{id}`."""
        if request.path_params["id"] not in self._urls:
            raise Refusal(404, "No request found with this requestId.")
        return JSONResponse({"status": "Completed"})
