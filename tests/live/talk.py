"""Hand-written requests to the service, in a new folder that is deleted afterwards."""

from __future__ import annotations

import io
import itertools
import json
import secrets
import time
from typing import TYPE_CHECKING, Any

import httpx
import jwt
import pandas as pd
from PIL import Image

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 60.0  # seconds until a search must find a stored file
PAUSE = 0.25  # seconds between two searches


class Talk:
    """Sends requests for one account, and knows its folder and the files that it has stored."""

    def __init__(self, account: ikpipe.Account, http: httpx.Client) -> None:
        self.account, self.http = account, http
        self.folder = f"/ikpipe-live-{secrets.token_hex(4)}"
        self.stored: set[str] = set()
        self._issued = int(time.time())
        self._colors = itertools.count(secrets.randbelow(1 << 16))

    def picture(self, size: tuple[int, int] = (40, 20)) -> bytes:
        """Return an image that is different from all before."""
        color, buffer = next(self._colors), io.BytesIO()
        Image.new("RGB", size, (color % 256, color // 256 % 256, 90)).save(buffer, "PNG")
        return buffer.getvalue()

    def fields(self, name: str = "a.png", **more: str) -> dict[str, str]:
        """Return the form fields of an upload to the folder."""
        return {"fileName": name, "folder": self.folder, **more}

    def token(self, claims: dict[str, Any], *, late: int = 0) -> str:
        """Return a token, unique by its age; or one that expired `late` seconds ago."""
        self._issued -= 1
        now = int(time.time())
        times = {"iat": now - late - 600, "exp": now - late} if late else {"iat": self._issued, "exp": now + 600}
        head = {"kid": self.account.public_key}
        return jwt.encode({**claims, **times}, str(self.account.key()), "HS256", headers=head)

    def post(self, fields: dict[str, str], token: str | None = None, file: bytes | None = b"") -> httpx.Response:
        """Post an upload; b"" is an image, None no file."""
        form: dict[str, Any] = {name: (None, value) for name, value in fields.items()}
        form["token"] = (None, self.token(fields) if token is None else token)
        if file is not None:
            form["file"] = ("a.png", file or self.picture())
        reply = self.http.post(self.account.upload_url, files=form)
        if reply.status_code == httpx.codes.OK:
            self.stored.add(reply.json()["fileId"])
        return reply

    def details(self, fields: dict[str, str], file: bytes = b"") -> dict[str, Any]:
        """Upload, and return the response; raise an error if it is rejected."""
        reply = self.post(fields, file=file)
        if reply.status_code != httpx.codes.OK:
            raise LookupError(f"The upload for this check was rejected: {said(reply)}")
        details: dict[str, Any] = reply.json()
        return details

    def get(self, details: dict[str, Any], **how: Any) -> int:
        """Request a stored file at its URL, and return the status."""
        return self.http.get(ikpipe.url(details["filePath"], self.account, **how)).status_code

    def found_after(self, name: str, begun: float) -> float | None:
        """Return the seconds until a search finds a file; 0 if the first does, None if none does."""
        waited = 0.0
        while waited < PATIENCE:
            if len(ikpipe.files(self.account, search=f"name = {json.dumps(name)}", path=self.folder)):
                return waited and time.monotonic() - begun
            time.sleep(PAUSE)
            waited = time.monotonic() - begun
        return None

    def clear(self, tell: Callable[[str], None]) -> bool:
        """Delete all stored files and the folder; return whether all files are deleted."""
        listed = ikpipe.files(self.account, path=self.folder)
        names = self.stored | (set(listed["fileId"]) if len(listed) else set())
        frame = pd.DataFrame({"fileId": sorted(names)})
        failed = ikpipe.delete(frame, self.account, dry_run=False)["ik_change"].isin(["failed", "cancelled"])
        deleted = self.http.request(
            "DELETE",
            f"{self.account.api_url}/v1/folder",
            auth=(str(self.account.key()), ""),
            json={"folderPath": f"{self.folder}/"},
        ).is_success
        tell(f"Cleaned up: {len(frame) - failed.sum()} of {len(frame)} files deleted, " + self._folder(deleted))
        return not failed.any()

    def _folder(self, deleted: object) -> str:
        return f"and the folder {self.folder}." if deleted else f"please delete the empty folder {self.folder}."


def said(reply: httpx.Response) -> str:
    """Return the status and message of a response in one line."""
    if reply.is_success:
        return str(reply.status_code)
    try:
        message = reply.json()["message"]
    except (ValueError, KeyError, TypeError):
        message = reply.text[:80]
    return f"{reply.status_code} {message}".strip()
