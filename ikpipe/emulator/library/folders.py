"""Folders: made by themselves or with what is uploaded into them, and deleted with all that is below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from ikpipe.emulator.refusals import Refusal
from ikpipe.emulator.upload import parameters

if TYPE_CHECKING:
    from starlette.requests import Request

    from ikpipe.emulator.account import EmulatedAccount


class Folders:
    """The folders of one account, as the API has them."""

    def __init__(self, account: EmulatedAccount) -> None:
        self._account = account

    def create(self, _request: Request, body: object) -> Response:
        """`POST /v1/folder`: a name, and the folder that it is in, which is made as well (`docs`).

        One that is there already is no error (`guess`).
        """
        name, parent = parameters.folder_name(_text(body, "folderName")), _text(body, "parentFolderPath")
        self._account.store.add_folder(parameters.folder(f"{parent}/{name}", self._account.rules))
        return Response(status_code=201)

    def delete(self, _request: Request, body: object) -> Response:
        """`DELETE /v1/folder`: with its files, all their versions, and the folders below (`docs`)."""
        text = _text(body, "folderPath")
        path = "/".join(["", *[level for level in text.split("/") if level], ""])
        if path == "/":
            raise Refusal(400, "Your request contains invalid folderPath parameter. The root cannot be deleted.")
        if not self._account.store.delete_folder(path):
            raise Refusal(404, f"No folder found with folderPath {text}", reason="FOLDER_NOT_FOUND")
        return Response(status_code=204)


def _text(body: object, key: str) -> str:
    value = body.get(key) if isinstance(body, dict) else None
    if not isinstance(value, str) or not value:
        raise Refusal(400, f"Your request is missing {key} parameter.")
    return value
