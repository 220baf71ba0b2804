"""Folders: creation and deletion."""

import asyncio

from starlette.responses import JSONResponse, Response

from ikpipe.emulator.error_responses import ErrorResponse
from ikpipe.emulator.library import request_body
from ikpipe.emulator.library.calls import ApiCall, ApiRoute
from ikpipe.emulator.library.folder_jobs import start_job
from ikpipe.emulator.store import Job, new_id
from ikpipe.emulator.upload import parameters


def folder_name(call: ApiCall, key: str) -> str:
    """Return the name of a folder, which is one level; a slash is a 400 [recorded]."""
    text = request_body.required_text(call.body, key)
    if "/" in text:
        raise ErrorResponse(400, f"{key} parameter cannot have a slash.")
    return parameters.folder_name(text, call.account.rules)


def create_folder(call: ApiCall) -> Response:
    """`POST /v1/folder`: create a folder and its parents [docs]; an existing one is not an error [guess]."""
    name = folder_name(call, "folderName")
    parent = request_body.required_text(call.body, "parentFolderPath")
    call.store.folders.add(parameters.folder(f"{parent}/{name}", call.account.rules, "parentFolderPath"))
    return JSONResponse({}, status_code=201)


async def delete_folder(call: ApiCall) -> Response:
    """`DELETE /v1/folder`: delete a folder with its files, all their versions, and the folders below [docs].

    The path is in the body, or in the query, since some clients do not send a body with `DELETE`.
    """
    text = request_body.required_text(dict(call.query) if call.body is None else call.body, "folderPath")
    path = parameters.folder_path(text)
    if path == "/":
        raise ErrorResponse(400, "Your request contains invalid folderPath parameter. The root cannot be deleted.")
    if not call.store.has_folder(path):
        raise ErrorResponse(404, f"No folder found with folderPath {text}", reason="FOLDER_NOT_FOUND")
    await asyncio.wait({start_job(call.account, Job(new_id(), "DELETE_FOLDER", path))})
    return Response(status_code=204)


ROUTES = [
    ApiRoute("POST", "/v1/folder", create_folder),
    ApiRoute("DELETE", "/v1/folder", delete_folder),
]
