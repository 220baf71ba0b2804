"""The versions of a file: lists, details, deletion and restoring."""

from starlette.responses import JSONResponse, Response

from ikpipe.emulator.error_responses import ErrorResponse
from ikpipe.emulator.library.calls import ApiCall, ApiRoute
from ikpipe.emulator.library.file_details import file_details
from ikpipe.emulator.library.file_events import tell_updated, tell_version_deleted
from ikpipe.emulator.library.files import NO_ASSET, NO_FILE, find_file
from ikpipe.emulator.store import Details, timestamp

OF_THE_FILE = (
    *("tags", "AITags", "customCoordinates", "customMetadata", "description", "isPrivateFile", "isPublished"),
)
"""What a user sets; whether a restored version brings its own is the rule `restored_details`."""
NO_VERSION = "The requested file version does not exist."


def list_versions(call: ApiCall) -> Response:
    """`GET /v1/files/{id}/versions`: return all versions, newest first; the current one is first [recorded]."""
    current = find_file(call, NO_ASSET)
    versions = [current, *call.store.files.earlier(current["fileId"])]
    return JSONResponse([file_details(details, call.account.endpoint) for details in versions])


def version_details(call: ApiCall) -> Response:
    """`GET /v1/files/{id}/versions/{version}`: return the details of a version."""
    return JSONResponse(file_details(_find(call, NO_ASSET, NO_ASSET), call.account.endpoint))


def delete_version(call: ApiCall) -> Response:
    """`DELETE /v1/files/{id}/versions/{version}`: delete an earlier version.

    The response is a 204 [recorded]; newer pages have a 200 with an empty object, which older SDKs take for an error.
    """
    details = _find(call, NO_ASSET, NO_VERSION)
    if details["type"] == "file":
        raise ErrorResponse(400, "You cannot delete current version of a file.")
    file_id, version_id = details["fileId"], details["versionInfo"]["id"]
    call.store.files.delete_version(file_id, version_id)
    tell_version_deleted(call.account, file_id, version_id)
    return Response(status_code=204)


def restore_version(call: ApiCall) -> Response:
    """`PUT /v1/files/{id}/versions/{version}/restore`: make a version the current one [docs: with its id and name].

    The file keeps its id and the time of its creation; restoring the current version changes nothing [guess].
    """
    details = _find(call, NO_FILE, NO_VERSION)
    if details["type"] != "file":
        current = find_file(call, NO_FILE)
        kept = OF_THE_FILE if call.account.rules.restored_details == "file" else ()
        details |= {name: current[name] for name in ("type", "createdAt", *kept)} | {"updatedAt": timestamp()}
        call.store.files.restore(details)
        tell_updated(call.account, details)
    return JSONResponse(file_details(details, call.account.endpoint))


def _find(call: ApiCall, no_file: str, no_version: str) -> Details:
    """Return the details of the version in the path; the endpoints have different words if it does not exist."""
    version_id = call.id("version", "versionId")
    details = call.store.files.version(find_file(call, no_file)["fileId"], version_id)
    if details is None:
        raise ErrorResponse(404, no_version)
    return details


ROUTES = [
    ApiRoute("GET", "/v1/files/{id}/versions", list_versions),
    ApiRoute("GET", "/v1/files/{id}/versions/{version}", version_details),
    ApiRoute("DELETE", "/v1/files/{id}/versions/{version}", delete_version),
    ApiRoute("PUT", "/v1/files/{id}/versions/{version}/restore", restore_version),
]
