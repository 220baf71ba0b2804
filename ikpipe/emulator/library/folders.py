"""Folders: created through the API or by uploads, and deleted with everything below them."""

from starlette.requests import Request
from starlette.responses import Response

from ikpipe.emulator.account import EmulatedAccount
from ikpipe.emulator.error_responses import ErrorResponse
from ikpipe.emulator.library.request_body import required_text
from ikpipe.emulator.upload import parameters


class Folders:
    """The folder endpoints of one account."""

    def __init__(self, account: EmulatedAccount) -> None:
        self._account = account

    def create(self, _request: Request, body: object) -> Response:
        """`POST /v1/folder`: create a folder and its parents [docs].

        An existing folder is not an error [guess].
        """
        name = parameters.folder_name(required_text(body, "folderName"))
        parent = required_text(body, "parentFolderPath")
        self._account.store.add_folder(parameters.folder(f"{parent}/{name}", self._account.rules))
        return Response(status_code=201)

    def delete(self, _request: Request, body: object) -> Response:
        """`DELETE /v1/folder`: delete a folder with its files, all their versions, and the folders below [docs]."""
        text = required_text(body, "folderPath")
        path = "/".join(["", *[level for level in text.split("/") if level], ""])
        if path == "/":
            raise ErrorResponse(400, "Your request contains invalid folderPath parameter. The root cannot be deleted.")
        if not self._account.store.delete_folder(path):
            raise ErrorResponse(404, f"No folder found with folderPath {text}", reason="FOLDER_NOT_FOUND")
        return Response(status_code=204)
