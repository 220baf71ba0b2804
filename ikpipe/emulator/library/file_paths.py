"""Operations on a file by its path: copy, move, rename."""

from http import HTTPStatus

from starlette.responses import JSONResponse, Response

from ikpipe.emulator.error_responses import HELP, ErrorResponse
from ikpipe.emulator.library import request_body
from ikpipe.emulator.library.calls import ApiCall, ApiRoute
from ikpipe.emulator.library.purges import add_purge
from ikpipe.emulator.library.relocation import copy_file, move_file
from ikpipe.emulator.store import Details
from ikpipe.emulator.upload import parameters

NOT_PURGED = (
    "File renamed successfully but we could not purge the CDN cache for old URL because of rate limits on purge API."
)
"""The message of a rename whose purge fails [docs]."""


def copy(call: ApiCall) -> Response:
    """`POST /v1/files/copy`: copy a file to a folder, with its current version only or with all [docs]."""
    all_versions = request_body.optional_flag(call.body, "includeFileVersions")
    source, folder = _source_and_destination(call)
    copy_file(call.account, source, folder, all_versions=all_versions)
    return Response(status_code=204)


def move(call: ApiCall) -> Response:
    """`POST /v1/files/move`: move a file to a folder, with all its versions [docs]."""
    source, folder = _source_and_destination(call)
    move_file(call.account, source, folder, source["name"])
    return Response(status_code=204)


def rename(call: ApiCall) -> Response:
    """`PUT /v1/files/rename`: give a file another name in the same folder [docs].

    A file that has the name already, also the file itself, is a 409 [recorded; guess for itself].
    """
    text = request_body.required_text(call.body, "newFileName")
    purge = request_body.optional_flag(call.body, "purgeCache")
    name = parameters.file_name(text, call.account.rules)
    folder, source = _find(call, "filePath", "FILE_MISSING")
    if call.store.files.at(folder, name) is not None:
        message = f"File with name {name} already exists at the same location."
        raise ErrorResponse(409, message, reason="FILE_ALREADY_EXISTS")
    move_file(call.account, source, folder, name)
    return _purged(add_purge(call.account)) if purge else JSONResponse({})


def _purged(request_id: str | None) -> Response:
    if request_id is None:
        return JSONResponse({"message": NOT_PURGED, "help": HELP, "reason": "PURGE_FAILED"}, HTTPStatus.MULTI_STATUS)
    return JSONResponse({"purgeRequestId": request_id})


def _find(call: ApiCall, key: str, reason: str) -> tuple[str, Details]:
    """Return the folder and the details of a file; raise `ErrorResponse` (404) if it does not exist."""
    path = request_body.required_text(call.body, key)
    parent, _, name = path.rpartition("/")
    folder = parameters.folder_path(parent)
    details = call.store.files.at(folder, name)
    if details is None:
        raise ErrorResponse(404, f"No file found with filePath {path}", reason=reason)
    return folder, details


def _source_and_destination(call: ApiCall) -> tuple[Details, str]:
    folder = destination(call)
    source_folder, source = _find(call, "sourceFilePath", "SOURCE_FILE_MISSING")
    if source_folder == folder:
        # [guess: as recorded for folders]
        raise ErrorResponse(400, "sourceFilePath and destinationPath cannot be same.")
    return source, folder


def destination(call: ApiCall) -> str:
    """Return the folder that something is copied or moved into; a rule says whether it must exist."""
    text = request_body.required_text(call.body, "destinationPath")
    path = parameters.folder(text, call.account.rules, "destinationPath")
    if call.account.rules.missing_destination == "refuse" and not call.store.has_folder(path):
        raise ErrorResponse(404, f"No folder found with folderPath {text}", reason="FOLDER_NOT_FOUND")
    return path


ROUTES = [
    ApiRoute("POST", "/v1/files/copy", copy),
    ApiRoute("POST", "/v1/files/move", move),
    ApiRoute("PUT", "/v1/files/rename", rename),
]
