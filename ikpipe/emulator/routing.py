"""Finds the route of a request; what the emulator does not have gets an error in JSON that says so."""

from collections.abc import Sequence

from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

from ikpipe.emulator.error_responses import ErrorResponse

MEDIA_API = ("/v1/", "/v2/")
"""How the paths of the media API start: both mean the same [recorded: rclone uses the second]."""
_SERVICE = (*MEDIA_API, "/api/")
_ANY_HEADER = "Authorization, *"
"""The headers that pages may send: `*` is all but `Authorization` [Fetch standard]."""


class ServiceRouter:
    """An ASGI application that passes each request to its route.

    `pages` is whether web pages may ask for permission to send a request (a preflight request); paths in `closed` never
    permit it.
    """

    def __init__(self, routes: Sequence[Route], closed: frozenset[str], *, pages: bool) -> None:
        self._routes = routes
        self._closed = closed
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request; raise `ErrorResponse` (404 or 405) if the emulator does not have its path or method."""
        scope = {**scope, "path": canonical_path(scope["path"])}
        methods: set[str] = set()
        for route in self._routes:
            match, parameters = route.matches(scope)
            if match is Match.FULL:
                await route.handle({**scope, **parameters}, receive, send)
                return
            if match is Match.PARTIAL:
                methods |= route.methods or set()
        await self._without_route(scope, methods)(scope, receive, send)

    def _without_route(self, scope: Scope, methods: set[str]) -> Response:
        method, path = scope["method"], scope["path"]
        if not methods:
            raise ErrorResponse(404, f"The emulator does not have the endpoint {method} {path}.")
        if path not in self._closed:
            methods = methods | {"OPTIONS"}
        allowed = ", ".join(sorted(methods))
        if method not in methods:
            problem = f"The emulator does not have the endpoint {method} {path}. This path accepts {allowed}."
            raise ErrorResponse(405, problem, {"Allow": allowed})
        if not self._pages:
            raise ErrorResponse(403, "The rule preflight does not allow preflight requests.")
        permission = {
            "Access-Control-Allow-Methods": allowed,
            "Access-Control-Allow-Headers": _ANY_HEADER,
            "Access-Control-Max-Age": "86400",
        }
        return Response(status_code=204, headers=permission)


def canonical_path(path: str) -> str:
    """Return the path by which the routes know an endpoint: `/v1/files` for `/v2/files/` [sdk, recorded]."""
    if not path.startswith(_SERVICE):
        return path
    path = path.rstrip("/")
    return "/v1/" + path.removeprefix("/v2/") if path.startswith("/v2/") else path
