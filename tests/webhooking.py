"""Webhooks as the service sends them: written from its documents, with nothing of the client."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

SECRET = "whsec_c2VjcmV0IG9mIHRoZSBzaG9w"
NOW = 1_790_000_000.0


def signed(body: bytes, webhook: str = "msg_1", at: float = NOW, secret: str = SECRET) -> dict[str, str]:
    """Sign as account webhooks are."""
    stamp = str(int(at))
    mac = hmac.new(secret.encode(), f"{webhook}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": webhook,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }


def signed_before(body: bytes, at: float = NOW, secret: str = SECRET) -> dict[str, str]:
    """Sign as they were before."""
    stamp = str(int(at * 1000))
    return {
        "x-ik-signature": f"t={stamp},v1={hmac.new(secret.encode(), f'{stamp}.'.encode() + body, 'sha256').hexdigest()}"
    }


def event(what: str, data: dict[str, Any], **more: Any) -> bytes:
    """Write an account event."""
    body = {"type": what, "id": "evt_1", "created_at": "2026-11-23T10:00:00.000Z", "data": data, **more}
    return json.dumps(body).encode()


READY = event(
    "upload.pre-transform.success",
    {"fileId": "f1", "name": "a.jpg", "filePath": "/a.jpg", "url": "https://ik.example/a.jpg", "size": 7, "width": 40},
    request={"x_request_id": "req-1", "transformation": "w-40"},
)
TAGGED = json.dumps(
    {
        "service": "google-auto-tagging",
        "status": "SUCCESS",
        "fileObject": {
            "fileId": "f1",
            "AITags": [{"name": "Shoe", "confidence": 96.5, "source": "google-auto-tagging"}],
        },
    }
).encode()
UNTAGGED = json.dumps(
    {"service": "aws-auto-tagging", "status": "FAILURE", "fileId": "f1", "error": {"message": "no units left"}}
).encode()
