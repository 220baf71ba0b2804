"""One file: its details, and deletion, also of many."""

from collections.abc import Iterable

from starlette.responses import JSONResponse, Response

from ikpipe.emulator.error_responses import ErrorResponse
from ikpipe.emulator.library import request_body
from ikpipe.emulator.library.calls import ApiCall, ApiRoute
from ikpipe.emulator.library.file_details import file_details
from ikpipe.emulator.library.file_events import delete_files
from ikpipe.emulator.store import Details, Store

MOST_DELETED = 100
NO_FILE = "The requested file does not exist."
NO_ASSET = "The requested asset does not exist."


def find_file(call: ApiCall, message: str) -> Details:
    """Return the details of the file in the path; raise `ErrorResponse` (404) with a message if it does not exist."""
    details = call.store.files.get(call.id())
    if details is None:
        raise ErrorResponse(404, message)
    return details


def find_files(store: Store, file_ids: Iterable[str]) -> list[Details]:
    """Return the details of files, each once; raise `ErrorResponse` (404) if one does not exist [recorded]."""
    found = {file_id: store.files.get(file_id) for file_id in file_ids}
    missing = [file_id for file_id, details in found.items() if details is None]
    if missing:
        raise ErrorResponse(404, "The requested file(s) does not exist.", more={"missingFileIds": missing})
    return [details for details in found.values() if details is not None]


def details(call: ApiCall) -> Response:
    """`GET /v1/files/{id}/details`: return the details of a file."""
    return JSONResponse(file_details(find_file(call, NO_ASSET), call.account.endpoint))


def delete(call: ApiCall) -> Response:
    """`DELETE /v1/files/{id}`: delete a file with all its versions."""
    delete_files(call.account, [find_file(call, NO_FILE)["fileId"]])
    return Response(status_code=204)


def delete_many(call: ApiCall) -> Response:
    """`POST /v1/files/batch/deleteByFileIds`: delete at most 100 files [spec], all of them or none."""
    files = find_files(call.store, request_body.required_texts(call.body, "fileIds", MOST_DELETED))
    return JSONResponse({"successfullyDeletedFileIds": delete_files(call.account, (file["fileId"] for file in files))})


ROUTES = [
    ApiRoute("GET", "/v1/files/{id}/details", details),
    ApiRoute("DELETE", "/v1/files/{id}", delete),
    ApiRoute("POST", "/v1/files/batch/deleteByFileIds", delete_many),
]
