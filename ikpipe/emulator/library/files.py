"""One file: its details, and deletion, also of many."""

from starlette.responses import JSONResponse, Response

from ikpipe.emulator.error_responses import ErrorResponse
from ikpipe.emulator.library import request_body
from ikpipe.emulator.library.calls import ApiCall, ApiRoute
from ikpipe.emulator.library.file_details import file_details
from ikpipe.emulator.store import Details, Store

MOST_DELETED = 100


def find_file(store: Store, file_id: str) -> Details:
    """Return the details of a file; raise `ErrorResponse` (404) if it does not exist."""
    details = store.files.get(file_id)
    if details is None:
        raise ErrorResponse(404, "The requested asset does not exist.")
    return details


def check_all_exist(store: Store, file_ids: list[str]) -> None:
    """Raise `ErrorResponse` (404) if a file does not exist."""
    missing = [file_id for file_id in file_ids if store.files.get(file_id) is None]
    if missing:
        raise ErrorResponse(404, "The requested file(s) does not exist.")


def details(call: ApiCall) -> Response:
    """`GET /v1/files/{id}/details`: return the details of a file."""
    return JSONResponse(file_details(find_file(call.store, call.path("id")), call.account.endpoint))


def delete(call: ApiCall) -> Response:
    """`DELETE /v1/files/{id}`: delete a file with all its versions."""
    if not call.store.files.delete([call.path("id")]):
        raise ErrorResponse(404, "The requested file does not exist.")
    return Response(status_code=204)


def delete_many(call: ApiCall) -> Response:
    """`POST /v1/files/batch/deleteByFileIds`: delete at most 100 files [spec], all of them or none."""
    ids = request_body.required_texts(call.body, "fileIds", MOST_DELETED)
    check_all_exist(call.store, ids)
    return JSONResponse({"successfullyDeletedFileIds": call.store.files.delete(ids)})


ROUTES = [
    ApiRoute("GET", "/v1/files/{id}/details", details),
    ApiRoute("DELETE", "/v1/files/{id}", delete),
    ApiRoute("POST", "/v1/files/batch/deleteByFileIds", delete_many),
]
