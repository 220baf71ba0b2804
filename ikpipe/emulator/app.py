"""The ASGI application: the routes, and what all responses share (headers, an entry in the log)."""

import base64
import hashlib
import random
import uuid
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ikpipe.emulator import inbound_hosts
from ikpipe.emulator.account import EmulatedAccount
from ikpipe.emulator.delivery.endpoint import Delivery
from ikpipe.emulator.error_responses import RATE_HEADERS, ErrorResponse, rate_headers
from ikpipe.emulator.library.folder_jobs import resume_jobs
from ikpipe.emulator.library.routes import library_routes
from ikpipe.emulator.request_log import LogEntry
from ikpipe.emulator.routing import MEDIA_API, ServiceRouter
from ikpipe.emulator.rules import Rules
from ikpipe.emulator.upload.endpoint import V1_PATH, UploadEndpoint
from ikpipe.emulator.upload.fault_injection import FaultyUploads

UPLOAD_PATH = "/api/v2/files/upload"
ALPHA_PATH = "/api/v2-alpha/files/upload"
"""The path of V2 in the first official client that had it [sdk: imagekit-javascript 1.6.0-alpha]."""
LOG_PATH = "/emulator/log"
FAULTS_PATH = "/emulator/faults"
WEBHOOKS_PATH = "/emulator/webhooks"
OWN_PATHS = frozenset({LOG_PATH, FAULTS_PATH, WEBHOOKS_PATH})
"""The emulator's own endpoints, which the service does not have."""
_EXPOSED = (
    b"etag, ik-error, x-emulator-ignored, x-ik-requestid, x-request-id, " + ", ".join(RATE_HEADERS).lower().encode()
)
CORS = [(b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", _EXPOSED)]
"""Pages of any origin may send requests, and read the responses with these headers."""
_RANDOM = random.Random()  # noqa: S311 - ids of requests, no secrets


def make_app(account: EmulatedAccount, hosts: Collection[str] = ()) -> ASGIApp:
    """Return the service for one account as an ASGI application.

    `hosts` are host names besides loopback that requests may be for.
    """
    upload = UploadEndpoint(account)

    @asynccontextmanager
    async def _lifespan(_app: object) -> AsyncIterator[None]:
        resume_jobs(account)
        yield
        await account.background.close()
        await account.webhooks.close()
        await upload.close()

    async def _log(_request: Request) -> Response:
        return Response(await run_in_threadpool(account.log.to_json), media_type="application/json")

    async def _faults(_request: Request) -> Response:
        return JSONResponse(account.faults.report())

    async def _webhooks(_request: Request) -> Response:
        return JSONResponse(account.webhooks.entries())

    uploads = FaultyUploads(upload, account) if account.faults.rates else upload
    routes = [
        *(Route(path, uploads, methods=["POST"]) for path in (UPLOAD_PATH, ALPHA_PATH, V1_PATH)),
        Route(LOG_PATH, _log, methods=["GET"]),
        Route(FAULTS_PATH, _faults, methods=["GET"]),
        Route(WEBHOOKS_PATH, _webhooks, methods=["GET"]),
        *library_routes(account),
        Route(f"/{account.rules.imagekit_id}/{{path:path}}", Delivery(account).deliver, methods=["GET"]),
    ]
    router = ServiceRouter(routes, OWN_PATHS, pages=account.rules.preflight)
    return EmulatorMiddleware(Router(default=router, lifespan=_lifespan), uploads, account, hosts)


class EmulatorMiddleware:
    """Wraps the routes: logs each request, turns errors into responses, adds the common headers."""

    def __init__(self, app: ASGIApp, uploads: ASGIApp, account: EmulatedAccount, hosts: Collection[str]) -> None:
        self._app = app
        self._uploads = uploads
        self._account = account
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; those for the emulator's own endpoints are not logged."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        own = scope["path"] in OWN_PATHS
        try:
            inbound_hosts.check_host(scope["headers"], self._hosts)
            if own:
                inbound_hosts.check_origin(scope["headers"])
        except ErrorResponse as error:
            await JSONResponse(error.body, error.status)(scope, receive, send)
            return
        if own:
            # polling the log must not fill it
            await self._serve(scope, receive, send, {})
        else:
            index, entry = self._account.log.begin(scope["method"], scope["path"])
            try:
                await self._serve(scope, receive, send, entry)
            finally:
                self._account.log.end(index, entry)

    def _common_headers(self, scope: Scope) -> list[tuple[bytes, bytes]]:
        """Return the headers of all responses: the service is open to pages of any origin, the log is not."""
        if scope["path"] in OWN_PATHS:
            return [(b"cross-origin-resource-policy", b"same-origin"), (b"cache-control", b"no-store")]
        headers = [] if scope["method"] == "OPTIONS" and not self._account.rules.preflight else [*CORS]
        if scope["path"].startswith(MEDIA_API):
            headers += self._rate_headers()
        return headers

    def _rate_headers(self) -> list[tuple[bytes, bytes]]:
        """Return the headers about the rate limit of the media API, on each of its responses [docs]."""
        rules = self._account.rules
        if not rules.rate_headers:
            return []
        rate = self._account.limits.rate("api", rules.api_rate, rules.rate_interval)
        return [(name.lower().encode(), value.encode()) for name, value in rate_headers(*rate).items()]

    async def _serve(self, scope: Scope, receive: Receive, send: Send, entry: LogEntry) -> None:
        scope["entry"] = entry
        scope["request_id"] = request_id = str(uuid.UUID(int=_RANDOM.getrandbits(128), version=4))
        # most requests are uploads: they skip the router
        app = self._uploads if scope["path"] == UPLOAD_PATH and scope["method"] == "POST" else self._app
        start: list[Message] = []

        async def _send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                entry["status"] = message["status"]
                entry["request_id"] = request_id
                start[:] = [message]  # held back until the body, which the ETag depends on
                return
            if start:
                first, identifier = start.pop(), request_id.encode()
                own = {name for name, _ in first["headers"]}
                common = [header for header in self._common_headers(scope) if header[0] not in own]
                ids = [(b"x-ik-requestid", identifier), (b"x-request-id", identifier)]
                first["headers"] += [*ids, *common, *_etag(first, message)]
                await send(first)
            await send(message)

        try:
            await app(scope, receive, _send_with_headers)
        except ErrorResponse as error:
            entry["message"] = error.logged
            await _error_response(error, self._account.rules)(scope, receive, _send_with_headers)
        except Exception as error:
            # uvicorn responds with 500 and logs the traceback; the entry must not say that there was no response
            entry |= {"status": 500, "message": type(error).__name__}
            raise


def _error_response(error: ErrorResponse, rules: Rules) -> Response:
    if not error.message:  # an outage
        return Response(status_code=error.status)
    headers = {name: value for name, value in error.headers.items() if rules.rate_headers or name not in RATE_HEADERS}
    return JSONResponse(error.body, error.status, headers)


def _etag(start: Message, body: Message) -> list[tuple[bytes, bytes]]:
    """Return the weak ETag of JSON that is complete, in the form of the service's [recorded: `W/"length-hash"`]."""
    if body.get("more_body", False) or (b"content-type", b"application/json") not in start["headers"]:
        return []
    content = body.get("body", b"")
    digest = base64.b64encode(hashlib.sha1(content, usedforsecurity=False).digest())[:27]
    return [(b"etag", b'W/"%x-%s"' % (len(content), digest))]
