"""Requests to the service as somebody would write them by hand, in a folder of their own that is cleared afterwards."""

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

PATIENCE = 60.0  # seconds that a stored file may need until a search finds it
PAUSE = 0.25  # seconds between two looks


class Talk:
    """One conversation: it knows the account, the folder, and what it has stored."""

    def __init__(self, account: ikpipe.Account, http: httpx.Client) -> None:
        self.account, self.http = account, http
        self.folder = f"/ikpipe-live-{secrets.token_hex(4)}"
        self.stored: set[str] = set()
        self._issued = int(time.time())
        self._colours = itertools.count(secrets.randbelow(1 << 16))

    def picture(self, size: tuple[int, int] = (40, 20)) -> bytes:
        """Draw a picture that is like none before."""
        colour, buffer = next(self._colours), io.BytesIO()
        Image.new("RGB", size, (colour % 256, colour // 256 % 256, 90)).save(buffer, "PNG")
        return buffer.getvalue()

    def fields(self, name: str = "a.png", **more: str) -> dict[str, str]:
        """Give the form's texts, of an upload into the folder."""
        return {"fileName": name, "folder": self.folder, **more}

    def token(self, claims: dict[str, Any], *, late: int = 0) -> str:
        """Sign a token, told apart from all others by its age; or one whose end was `late` seconds ago."""
        self._issued -= 1
        now = int(time.time())
        times = {"iat": now - late - 600, "exp": now - late} if late else {"iat": self._issued, "exp": now + 600}
        head = {"kid": self.account.public_key}
        return jwt.encode({**claims, **times}, str(self.account.key()), "HS256", headers=head)

    def post(self, fields: dict[str, str], token: str | None = None, file: bytes | None = b"") -> httpx.Response:
        """Post an upload; b"" is a picture, None no file at all."""
        form: dict[str, Any] = {name: (None, value) for name, value in fields.items()}
        form["token"] = (None, self.token(fields) if token is None else token)
        if file is not None:
            form["file"] = ("a.png", file or self.picture())
        reply = self.http.post(self.account.upload_url, files=form)
        if reply.status_code == httpx.codes.OK:
            self.stored.add(reply.json()["fileId"])
        return reply

    def details(self, fields: dict[str, str], file: bytes = b"") -> dict[str, Any]:
        """Upload, and give the answer; what is refused is told as an error."""
        reply = self.post(fields, file=file)
        if reply.status_code != httpx.codes.OK:
            raise LookupError(f"the upload that shows it was refused: {said(reply)}")
        found: dict[str, Any] = reply.json()
        return found

    def get(self, details: dict[str, Any], **how: Any) -> int:
        """Ask for a stored file at its address, and give the status."""
        return self.http.get(ikpipe.url(details["filePath"], self.account, **how)).status_code

    def found_after(self, name: str, begun: float) -> float | None:
        """Give the seconds until a search finds a file; 0 where the first does, None where none does."""
        waited = 0.0
        while waited < PATIENCE:
            if len(ikpipe.files(self.account, search=f"name = {json.dumps(name)}", path=self.folder)):
                return waited and time.monotonic() - begun
            time.sleep(PAUSE)
            waited = time.monotonic() - begun
        return None

    def clear(self, tell: Callable[[str], None]) -> bool:
        """Delete all that was stored, and the folder; tells whether nothing is left."""
        listed = ikpipe.files(self.account, path=self.folder)
        names = self.stored | (set(listed["fileId"]) if len(listed) else set())
        frame = pd.DataFrame({"fileId": sorted(names)})
        left = ikpipe.delete(frame, self.account, dry_run=False)["ik_change"].isin(["failed", "cancelled"])
        gone = self.http.request(
            "DELETE",
            f"{self.account.api_url}/v1/folder",
            auth=(str(self.account.key()), ""),
            json={"folderPath": f"{self.folder}/"},
        ).is_success
        tell(f"Cleaned up: {len(frame) - left.sum()} of {len(frame)} files deleted, " + self._folder(gone))
        return not left.any()

    def _folder(self, gone: object) -> str:
        return f"and the folder {self.folder}." if gone else f"the empty folder {self.folder} is yours to delete."


def said(reply: httpx.Response) -> str:
    """Give what a reply says, in a line."""
    if reply.is_success:
        return str(reply.status_code)
    try:
        words = reply.json()["message"]
    except (ValueError, KeyError, TypeError):
        words = reply.text[:80]
    return f"{reply.status_code} {words}".strip()
