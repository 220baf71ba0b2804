"""The endpoint's OpenAPI document: what it takes, and every status that it gives."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from ikpipe.auth.payload import LONGEST_NAME
from ikpipe.request.parameters import TABLE
from ikpipe.request.token import LONGEST

_STATUSES = {
    "400": "The request is malformed.",
    "401": "The caller may not sign.",
    "403": "The caller may not have this signed, or the origin may not ask.",
    "405": "Another method.",
    "408": "The body did not come.",
    "413": "The body is too large.",
    "415": "The body is no JSON.",
    "429": "The caller asks too often.",
    "500": "The policy has a fault; nothing was signed.",
}


def document(public_key: str) -> dict[str, Any]:
    """Give the document, as OpenAPI 3.1, for the account of this key."""
    fields = {entry.wire: _field(entry.wire, entry.rule) for name, entry in TABLE.items() if name != "file"}
    payload = {"type": "object", "required": ["fileName"], "properties": fields, "additionalProperties": False}
    asked = {
        "type": "object",
        "required": ["uploadPayload", "expire", "publicKey"],
        "properties": {
            "uploadPayload": payload,
            "expire": {"type": "integer", "minimum": 1, "maximum": LONGEST, "description": "seconds"},
            "publicKey": {"type": "string", "enum": [public_key]},
        },
        "additionalProperties": False,
    }
    message = {"type": "object", "required": ["message"], "properties": {"message": {"type": "string"}}}
    token = {"type": "object", "required": ["token"], "properties": {"token": {"type": "string"}}}
    post = {
        "operationId": "sign",
        "summary": "Sign the parameters of one upload",
        "requestBody": {"required": True, "content": {"application/json": {"schema": asked}}},
        "responses": {
            "200": _answer("The token.", token),
            **{status: _answer(words, message) for status, words in _STATUSES.items()},
        },
    }
    about = {"title": "ImageKit authentication endpoint", "version": version("ikpipe")}
    return {"openapi": "3.1.0", "info": about, "paths": {"/": {"post": post}}}


def _field(wire: str, rule: str) -> dict[str, Any]:
    limits: dict[str, Any] = {"minLength": 1, "maxLength": LONGEST_NAME} if wire == "fileName" else {}
    if wire.startswith(("is", "use", "overwrite")):
        limits["enum"] = ["true", "false"]
    return {"type": "string", "description": rule, **limits}


def _answer(words: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": words, "content": {"application/json": {"schema": schema}}}
