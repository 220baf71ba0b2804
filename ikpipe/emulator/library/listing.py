"""Lists and searches: `GET /v1/files`."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from ikpipe.emulator.error_responses import ErrorResponse
from ikpipe.emulator.library import search
from ikpipe.emulator.library.calls import ApiCall, ApiRoute
from ikpipe.emulator.library.file_details import file_details
from ikpipe.emulator.store import Details
from ikpipe.emulator.upload import parameters

LARGEST_PAGE = 1000
LONGEST_NUMBER = 15
"""Maximum number of digits in a query parameter."""
SORT_KEYS = {
    "NAME": "name",
    "CREATED": "createdAt",
    "UPDATED": "updatedAt",
    "SIZE": "size",
    "WIDTH": "width",
    "HEIGHT": "height",
    "DURATION": "duration",
    "ORIGINAL_CREATION_DATE": "createdAt",
}
"""Sort keys, after `ASC_` or `DESC_` [spec]; files have no original date, so they sort by their creation."""
OLDEST_FIRST = "ASC_CREATED"
_SURROGATE = re.compile("[\ud800-\udfff]")
CONDITIONS = {"searchQuery", "type", "name", "tags", "fileType"}
"""The parameters of a list that each file is checked against."""
_NAME_QUERY = re.compile(r'\s*name\s*=\s*("(?:[^"\\]|\\.)*")\s*', re.DOTALL)


async def list_files(call: ApiCall) -> Response:
    """`GET /v1/files`: return a page of the matching files, sorted [spec]."""
    # thousands of files take tens of milliseconds, which would block uploads
    return JSONResponse(await run_in_threadpool(_page, call))


def _page(call: ApiCall) -> list[Details]:
    query = call.query
    sort, skip, limit = query.get("sort", OLDEST_FIRST), _number(query, "skip", 0), _number(query, "limit", 1000)
    if not 1 <= limit <= LARGEST_PAGE:
        raise ErrorResponse(400, f"Your request contains invalid limit parameter. It must be 1 to {LARGEST_PAGE}.")
    if sort == OLDEST_FIRST and CONDITIONS.isdisjoint(query):
        return [*islice(_matching(call, skip), limit)]
    files = _matching(call)
    if sort != OLDEST_FIRST:
        files = iter(sort_files([*files], sort))
    return [*islice(files, skip, skip + limit)]


def _matching(call: ApiCall, skip: int = 0) -> Iterator[Details]:
    """Yield the matching files that are already in the index, oldest first.

    They are those directly in a folder [spec: not below it], or all. The database selects by folder and name.
    """
    matches, path = _condition(call.query), call.query.get("path")
    folder = None if path is None else parameters.folder_path(path)
    newest = call.account.clock() - call.account.rules.index_lag
    for details in call.store.files.select(newest, folder=folder, name=_queried_name(call.query), skip=skip):
        listed = file_details(details, call.account.endpoint)
        if matches(listed):
            yield listed


def _condition(query: Mapping[str, str]) -> Callable[[Mapping[str, Any]], bool]:
    """Return a test of one file. The query is parsed once, so that errors in it show in an empty library as well.

    `type` matches files only, since folders are not listed. With a `searchQuery`, `type`, `name` and `tags` are ignored
    [spec].
    """
    search_query = query.get("searchQuery")
    matches = _search(search_query) if search_query else lambda details: _matches(details, query)
    file_type = query.get("fileType", "all")
    return lambda details: file_type in {"all", details["fileType"]} and matches(details)


def _queried_name(query: Mapping[str, str]) -> str | None:
    """Return the name that a `searchQuery` asks for, if it asks for nothing else."""
    match = _NAME_QUERY.fullmatch(query.get("searchQuery", ""))
    name = None if match is None else json.loads(match[1], strict=False)
    # SQLite cannot store a lone surrogate, which JSON can escape
    return None if name is None or _SURROGATE.search(name) else name


def _matches(details: Mapping[str, Any], query: Mapping[str, str]) -> bool:
    tags = query.get("tags")
    return (
        query.get("type", "file") in {"file", "all"}
        and query.get("name", details["name"]) == details["name"]
        and (not tags or bool({*tags.split(",")} & {*(details["tags"] or ())}))
    )


def _search(query: str) -> Callable[[Mapping[str, object]], bool]:
    try:
        return search.parse(query)
    except search.QueryError as error:
        raise ErrorResponse(400, f"Your request contains invalid searchQuery parameter. {error}") from None


def sort_files(files: list[Details], sort: str) -> list[Details]:
    """Return files sorted by `ASC_NAME` and the like [spec]; files without the key are always last [guess]."""
    direction, _, key_name = sort.partition("_")
    if direction not in {"ASC", "DESC"} or key_name not in {*SORT_KEYS, "RELEVANCE"}:
        raise ErrorResponse(400, "Your request contains invalid sort parameter.")
    key = SORT_KEYS.get(key_name)
    if key is None:
        return files
    with_key = sorted((f for f in files if f.get(key) is not None), key=lambda f: f[key], reverse=direction == "DESC")
    return with_key + [f for f in files if f.get(key) is None]


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER):
        raise ErrorResponse(400, f"Your request contains invalid {name} parameter.")
    return int(text)


ROUTES = [ApiRoute("GET", "/v1/files", list_files)]
