"""Reads the JSON bodies of API requests."""

from typing import Any

from starlette.requests import Request

from ikpipe.emulator import strict_json
from ikpipe.emulator.error_responses import ErrorResponse, missing_parameter


async def json_body(request: Request) -> Any:
    """Return the parsed body of a request; None if it has none and needs none."""
    body = await request.body() if request.method in {"POST", "PATCH", "DELETE"} else b""
    if not body and request.method not in {"POST", "PATCH"}:
        return None
    try:
        return strict_json.loads(body)
    except ValueError:
        raise ErrorResponse(400, "Your request contains invalid JSON.") from None


def optional(body: object, key: str) -> Any:
    """Return a value of the body, or None."""
    return body.get(key) if isinstance(body, dict) else None


def required_text(body: object, key: str, name: str | None = None) -> str:
    """Return a text of the body; `name` is what an error calls it, if not by its key."""
    value = optional(body, key)
    if not isinstance(value, str) or not value:
        raise missing_parameter(name or key)
    return value


def required_texts(body: object, key: str, maximum: int | None) -> list[str]:
    """Return a list of texts of the body, which has at most `maximum` items; None is no limit."""
    values = optional(body, key)
    if not isinstance(values, list) or not values or not all(isinstance(value, str) for value in values):
        raise missing_parameter(key)
    if maximum is not None and len(values) > maximum:
        raise ErrorResponse(400, f"Your request contains more than {maximum} {key}.")
    return values
