"""A client for the emulator's tests, which shares nothing with ikpipe's own."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import time
from typing import TYPE_CHECKING, Any

from PIL import Image

from ikpipe.emulator.media.inspection import inspect_file

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from ikpipe.emulator import Emulator
    from ikpipe.emulator.media.facts import MediaFacts


def picture(kind: str = "JPEG", size: tuple[int, int] = (20, 10)) -> bytes:
    """Draw a small picture."""
    buffer = io.BytesIO()
    Image.new("RGB", size, "teal").save(buffer, kind)
    return buffer.getvalue()


def facts(path: Path, name: str) -> MediaFacts:
    """Return the properties of a file that was uploaded as `name`."""
    with path.open("rb") as source:
        return inspect_file(source, path.stat().st_size, name)[0]


def embedded(path: Path) -> dict[str, object]:
    """Return the metadata embedded in a file."""
    with path.open("rb") as source:
        return inspect_file(source, path.stat().st_size, "a")[1]


def base64url(data: bytes) -> str:
    """Encode as JSON Web Tokens are encoded."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def sign(header: object, payload: object, key: str) -> str:
    """Make a token by hand, also one that no library would make."""
    signed = ".".join(base64url(json.dumps(part).encode()) for part in (header, payload))
    return f"{signed}.{base64url(hmac.new(key.encode(), signed.encode(), hashlib.sha256).digest())}"


class Clock:
    """A clock that stands still until it is set forward."""

    def __init__(self) -> None:
        self._now = time.time()

    def __call__(self) -> float:
        """Return the time."""
        return self._now

    def go_on(self, seconds: float) -> None:
        """Set the clock forward."""
        self._now += seconds


LOOPBACK: dict[str, Any] = {"fetch_hosts": ("127.0.0.1",), "webhook_hosts": ("127.0.0.1",)}
"""What lets an emulator reach the servers of tests."""


class Client:
    """Sends uploads and API requests to one emulator."""

    def __init__(self, emulator: Emulator, http: httpx.Client) -> None:
        self.emulator = emulator
        self.http = http
        self._issued = int(time.time())

    def token(self, fields: dict[str, Any], *, life: int = 1800, issued: int | None = None) -> str:
        """Return a valid token; each is a second older than the one before, so that no two are the same."""
        self._issued -= 1
        now = self._issued if issued is None else issued
        header = {"alg": "HS256", "typ": "JWT", "kid": self.emulator.public_key}
        return sign(header, {**fields, "iat": now, "exp": now + life}, self.emulator.private_key)

    def upload(
        self, file: bytes | str | None = b"some bytes", *, token: str | None = None, headers: Any = None, **fields: str
    ) -> httpx.Response:
        """Upload bytes as a file part, or text as a text part."""
        fields = {"fileName": "file.bin", **fields}
        part = {} if file is None else {"file": ("name.bin", file) if isinstance(file, bytes) else (None, file)}
        form = [*((name, (None, value)) for name, value in fields.items()), *part.items()]
        form.append(("token", (None, self.token(fields) if token is None else token)))
        return self.http.post(self.emulator.upload_url, files=form, headers=headers)

    def fixed(self, name: str, file: bytes | str = b"some bytes", **fields: str) -> httpx.Response:
        """Upload under exactly this name."""
        return self.upload(file, fileName=name, useUniqueFileName="false", **fields)

    def api(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Call the media library's API."""
        return self.http.request(method, self.emulator.url + path, auth=(self.emulator.private_key, ""), **options)

    def details(self, file_id: str) -> dict[str, Any]:
        """Return the details of a file."""
        return self.api("GET", f"/v1/files/{file_id}/details").json()

    def add_field(self, name: str, **schema: Any) -> httpx.Response:
        """Create a custom metadata field."""
        return self.api("POST", "/v1/customMetadataFields", json={"name": name, "label": name, "schema": schema})


def refused(reply: httpx.Response) -> tuple[int, str]:
    """Return the status and the message of an error."""
    return reply.status_code, reply.json()["message"]
