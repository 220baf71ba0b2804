"""Log the requests to the service, and their responses."""

import asyncio
import logging

import httpx

from ikpipe.errors.logs import log_event

_LONG = 5.0  # seconds: a longer wait is logged as a warning
_log = logging.getLogger("ikpipe.service")


def log_response(request: httpx.Request, response: httpx.Response, began: float, sent: int | None = None) -> None:
    """Log the response to a request; `began` is in seconds of the event loop, `sent` the bytes of an upload."""
    if not _log.isEnabledFor(logging.DEBUG):
        return
    details = {
        "method": request.method,
        "address": str(request.url),
        "http_status": response.status_code,
        "seconds": round(asyncio.get_running_loop().time() - began, 3),
        "request_id": response.headers.get("x-ik-requestid"),
    }
    words = "%s %s: status %d after %.3f s"
    args = tuple(details[name] for name in ("method", "address", "http_status", "seconds"))
    log_event(_log, "response", words, *args, **details, bytes=sent)


def log_api_retry(path: str, status: int, wait: float, why: str | None, attempt: int) -> None:
    """Log that a request to the media API is sent again."""
    words = "The media API answered %s with status %d. The request is sent again after %.3g s: %s"
    args, wait_s = (path, status, wait, why or "no reason was given"), round(wait, 3)
    log_event(_log, "retry", words, *args, http_status=status, wait_s=wait_s, attempt=attempt)
    if wait > _LONG:
        log_event(_log, "waiting", "Waiting %.0f s, as the media API asks: %s", wait, why or path, wait_s=wait_s)
