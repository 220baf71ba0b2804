"""Tags of many files at once."""

from collections.abc import Callable

from starlette.responses import JSONResponse, Response

from ikpipe.emulator.library import request_body
from ikpipe.emulator.library.calls import ApiCall, ApiRoute
from ikpipe.emulator.library.file_events import tell_updated
from ikpipe.emulator.library.files import find_files
from ikpipe.emulator.store import timestamp

MOST_TAGGED = 50


def add_tags(call: ApiCall) -> Response:
    """`POST /v1/files/addTags`: add tags to at most 50 files [spec]."""
    return _retag(call, lambda old, tags: [*old, *(tag for tag in tags if tag not in old)])


def remove_tags(call: ApiCall) -> Response:
    """`POST /v1/files/removeTags`: remove tags from at most 50 files [spec]."""
    return _retag(call, lambda old, tags: [tag for tag in old if tag not in tags])


def _retag(call: ApiCall, change: Callable[[list[str], list[str]], list[str]]) -> Response:
    ids = request_body.required_texts(call.body, "fileIds", MOST_TAGGED)
    tags = request_body.required_texts(call.body, "tags", None)
    for details in find_files(call.store, ids):
        changed = change(details["tags"] or [], tags) or None
        details |= {"tags": changed, "updatedAt": timestamp()}
        call.store.files.update(details)
        tell_updated(call.account, details)
    return JSONResponse({"successfullyUpdatedFileIds": ids})


ROUTES = [
    ApiRoute("POST", "/v1/files/addTags", add_tags),
    ApiRoute("POST", "/v1/files/removeTags", remove_tags),
]
