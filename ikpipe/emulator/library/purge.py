"""Cache purges [docs]. The emulator has no cache, so a purge is completed at once."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ikpipe.emulator.error_responses import ErrorResponse
from ikpipe.emulator.library.request_body import required_text
from ikpipe.emulator.store import new_id


class Purges:
    """The purge requests so far, in memory.

    `maximum` is the number of requests to remember; the oldest are forgotten first.
    """

    def __init__(self, maximum: int = 10_000) -> None:
        self._maximum, self._urls = maximum, dict[str, str]()

    def create(self, _request: Request, body: object) -> Response:
        """`POST /v1/files/purge`: purge one URL."""
        url = required_text(body, "url", "URL")
        if not url.startswith(("http://", "https://")):
            raise ErrorResponse(400, "Your request contains invalid URL parameter.")
        request_id = new_id()
        self._urls[request_id] = url
        while len(self._urls) > self._maximum:
            del self._urls[next(iter(self._urls))]
        return JSONResponse({"requestId": request_id}, status_code=201)

    def status(self, request: Request, _body: Any) -> Response:
        """`GET /v1/files/purge/{id}`: return the status of a purge."""
        if request.path_params["id"] not in self._urls:
            raise ErrorResponse(404, "No request found with this requestId.")
        return JSONResponse({"status": "Completed"})
