"""An authentication endpoint for tests: its policy, and requests for it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import ikpipe
from ikpipe.auth import Allow, SigningRequest, SigningService

if TYPE_CHECKING:
    from ikpipe.auth import SigningReply

PUBLIC, PRIVATE = "public_shop", "private_shop_0123456789_0123456789"
SHOP = ikpipe.Account(PUBLIC, PRIVATE)
ORIGIN = "https://shop.example"
ASKS = {"Content-Type": "application/json", "Authorization": "Bearer of-anna"}


def who(request: SigningRequest) -> str | None:
    """Know Anna and Bo."""
    return {"Bearer of-anna": "anna", "Bearer of-bo": "../bo"}.get(request.header("authorization") or "")


ALLOW = Allow(
    who=who,
    parameters=["fileName", "folder", "tags", "useUniqueFileName", "overwrite_file", "customMetadata", "webhookUrl"],
    folders=["/users/{caller}/", "/shared/"],
    names=r"[\w.-]+\.(jpg|png)",
    tags=["summer", "dress"],
    values={"webhookUrl": ["https://shop.example/hook"], "customMetadata": lambda text: len(text) < 100},
    force={"isPrivateFile": True},
    lifetime=600,
    rate=None,
)
PAYLOAD = {"fileName": "dress.jpg", "folder": "/users/anna/", "isPrivateFile": "true"}


def body(payload: Any = None, /, **changes: Any) -> bytes:
    """Write a request's body: the payload as it may be, with changes; `expire` and `publicKey` change the rest."""
    asked = {
        "uploadPayload": payload,
        "expire": changes.pop("expire", 400),
        "publicKey": changes.pop("publicKey", PUBLIC),
    }
    if payload is None:
        fields = {**PAYLOAD, **changes}
        asked["uploadPayload"] = {name: value for name, value in fields.items() if value is not None}
    return json.dumps(asked).encode()


def ask(service: SigningService, content: bytes, headers: Any = ASKS, method: str = "POST") -> SigningReply:
    """Ask a service."""
    return service.answer(SigningRequest(method, headers, content, "192.0.2.7"))
