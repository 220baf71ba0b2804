"""Reads the bodies of API requests: JSON, or a form."""

from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request

from ikpipe.emulator import strict_json
from ikpipe.emulator.error_responses import ErrorResponse, invalid_parameter, missing_parameter

LARGEST = 1024 * 1024
"""Maximum size of a body in bytes [the emulator's own: a body must not fill the memory]."""


FORM = "application/x-www-form-urlencoded"


async def json_body(request: Request) -> Any:
    """Return the parsed body of a request; None if it has none and needs none.

    A form is read as an object of texts: Ruby's older SDK moves files and purges URLs so [sdk].
    """
    body = b"" if request.method == "GET" else await _limited_body(request)
    if not body and request.method not in {"POST", "PATCH"}:
        return None
    with suppress(ValueError):
        return strict_json.loads(body)
    with suppress(ValueError):
        if request.headers.get("content-type", "").startswith(FORM):
            return dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True))
    raise ErrorResponse(400, "Your request contains invalid JSON.")


async def _limited_body(request: Request) -> bytes:
    """Read the whole body, since many clients read a response only after they have sent all; keep only so much."""
    body, size = bytearray(), 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= LARGEST:
            body += chunk
    if size > LARGEST:
        raise ErrorResponse(413, f"Your request is larger than {LARGEST} bytes.")
    return bytes(body)


def optional(body: object, key: str) -> Any:
    """Return a value of the body, or None."""
    return body.get(key) if isinstance(body, dict) else None


def required_text(body: object, key: str, name: str | None = None) -> str:
    """Return a text of the body; `name` is what an error calls it, if not by its key."""
    value = optional(body, key)
    if not isinstance(value, str) or not value:
        raise missing_parameter(name or key)
    return value


def optional_flag(body: object, key: str) -> bool:
    """Return a boolean of the body, False without one."""
    value = optional(body, key)
    if value is not None and not isinstance(value, bool):
        raise invalid_parameter(key, "It must be true or false.")
    return bool(value)


def required_texts(body: object, key: str, maximum: int | None) -> list[str]:
    """Return a list of texts of the body, which has at most `maximum` items; None is no limit."""
    values = optional(body, key)
    if not isinstance(values, list) or not values or not all(isinstance(value, str) for value in values):
        raise missing_parameter(key)
    if maximum is not None and len(values) > maximum:
        raise ErrorResponse(400, f"Your request contains more than {maximum} {key}.")
    return values
