"""Tags of many files at once, also those that extensions found."""

from collections.abc import Callable

from starlette.responses import JSONResponse, Response

from ikpipe.emulator.library import request_body
from ikpipe.emulator.library.calls import ApiCall, ApiRoute
from ikpipe.emulator.library.details_update import without_ai_tags
from ikpipe.emulator.library.file_events import update_file
from ikpipe.emulator.library.files import find_files
from ikpipe.emulator.store import Details
from ikpipe.emulator.upload import parameters

MOST_TAGGED = 50


def add_tags(call: ApiCall) -> Response:
    """`POST /v1/files/addTags`: add tags to at most 50 files [spec]."""
    tags = _named(call, "tags")
    parameters.check_tags(tags)
    return _retag(call, lambda details: {"tags": list(dict.fromkeys([*(details["tags"] or []), *tags]))})


def remove_tags(call: ApiCall) -> Response:
    """`POST /v1/files/removeTags`: remove tags from at most 50 files [spec]."""
    tags = _named(call, "tags")
    return _retag(call, lambda details: {"tags": [tag for tag in details["tags"] or [] if tag not in tags] or None})


def remove_ai_tags(call: ApiCall) -> Response:
    """`POST /v1/files/removeAITags`: remove the tags of extensions from at most 50 files [spec]."""
    names = _named(call, "AITags")
    return _retag(call, lambda details: without_ai_tags(details, names))


def _named(call: ApiCall, key: str) -> list[str]:
    return request_body.required_texts(call.body, key, None)


def _retag(call: ApiCall, change: Callable[[Details], Details]) -> Response:
    ids = request_body.required_texts(call.body, "fileIds", MOST_TAGGED)
    for details in find_files(call.store, ids):
        update_file(call.account, details | change(details))
    return JSONResponse({"successfullyUpdatedFileIds": ids})


ROUTES = [
    ApiRoute("POST", "/v1/files/addTags", add_tags),
    ApiRoute("POST", "/v1/files/removeTags", remove_tags),
    ApiRoute("POST", "/v1/files/removeAITags", remove_ai_tags),
]
