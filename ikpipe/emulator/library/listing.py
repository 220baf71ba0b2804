"""Lists and searches: `GET /v1/files`."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from heapq import merge
from itertools import islice
from typing import Any, NamedTuple

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from ikpipe.emulator.error_responses import ErrorResponse
from ikpipe.emulator.library import search
from ikpipe.emulator.library.calls import ApiCall, ApiRoute
from ikpipe.emulator.library.file_details import file_details, file_json
from ikpipe.emulator.store import Details, selection
from ikpipe.emulator.store.selection import Indexed, ListOrder
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
ASSET_TYPES = {kind: frozenset({kind}) for kind in search.KINDS} | {"all": frozenset({"file", "folder"})}
"""The parameter `type` [spec: `all` is without versions]."""
FILE_TYPES = ("all", "image", "non-image")
_SEARCH_HINT = "Please refer to the documentation for syntax specification."
_BREATH = 32
"""The number of assets after which a search lets other threads run."""


@dataclass(frozen=True, slots=True)
class ListFilter:
    """What a list is of: types of assets, a folder, a test of each, and what the store has an index of."""

    kinds: frozenset[str]
    folder: str | None
    tests: list[Callable[[Mapping[str, Any]], bool]] = field(default_factory=list)
    conditions: list[Indexed] = field(default_factory=list)

    @property
    def is_full_search(self) -> bool:
        """Whether each file is looked at."""
        return "file" in self.kinds and bool(self.tests) and not self.conditions


class ListedAsset(NamedTuple):
    """An asset of a list, and the JSON that is stored of its details, if it is that of a file."""

    details: Details
    stored: str | None = None


async def list_files(call: ApiCall) -> Response:
    """`GET /v1/files`: return a page of the matching assets, sorted [spec]."""
    query = call.query
    order, skip, limit = _order(query), _number(query, "skip", 0), _number(query, "limit", 1000)
    if not 1 <= limit <= LARGEST_PAGE:
        raise ErrorResponse(400, f"Your request contains invalid limit parameter. It must be 1 to {LARGEST_PAGE}.")
    wanted = _filter(query)
    # one at a time: several would leave little of the processor for uploads
    async with call.account.full_search if wanted.is_full_search else nullcontext():
        # thousands of files take tens of milliseconds, which would block uploads
        page = await run_in_threadpool(_page, call, wanted, order, slice(skip, skip + limit))
    return Response(page, media_type="application/json")


def _page(call: ApiCall, wanted: ListFilter, order: ListOrder, page: slice) -> str:
    if wanted.kinds == {"file"} and not wanted.tests:
        # the store can leave out the files before the page
        found = islice(_files(call, wanted, order, page.start), page.stop - page.start)
    else:
        found = islice(_found(call, wanted, order), page.start, page.stop)
    return f"[{','.join(_shown(asset, call.account.endpoint) for asset in found)}]"


def _shown(asset: ListedAsset, endpoint: str) -> str:
    details, stored = asset
    if stored is not None:
        return file_json(details, stored, endpoint)
    return json.dumps(details if details["type"] == "folder" else file_details(details, endpoint))


def _found(call: ApiCall, wanted: ListFilter, order: ListOrder) -> Iterator[ListedAsset]:
    """Yield the matching assets in their order."""
    files = _files(call, wanted, order, 0) if "file" in wanted.kinds else iter(())
    others = sorted(_others(call, wanted), key=_key(order), reverse=order.descending)
    assets = merge(files, others, key=_key(order), reverse=order.descending) if others else files
    for number, asset in enumerate(assets, 1):
        if all(test(asset.details) for test in wanted.tests):
            yield asset
        if number % _BREATH == 0:
            time.sleep(0)


def _files(call: ApiCall, wanted: ListFilter, order: ListOrder, skip: int) -> Iterator[ListedAsset]:
    """Yield the files in the index that meet the conditions; each may still fail a test."""
    for stored in call.store.files.select(_newest(call), wanted.conditions, order, skip):
        yield ListedAsset(json.loads(stored), stored)


def _newest(call: ApiCall) -> float:
    return call.account.clock() - call.account.rules.index_lag


def _others(call: ApiCall, wanted: ListFilter) -> Iterator[ListedAsset]:
    if "folder" in wanted.kinds:
        yield from map(ListedAsset, call.store.folders.select(wanted.folder))
    if "file-version" in wanted.kinds:
        yield from map(ListedAsset, call.store.files.select_earlier(_newest(call), wanted.folder))


def _key(order: ListOrder) -> Callable[[ListedAsset], tuple[bool, Any]]:
    """Return the sort key of an asset: what lacks the detail is last in either direction [guess]."""

    def _of(asset: ListedAsset) -> tuple[bool, Any]:
        value = asset.details.get(order.detail)
        return (value is None) != order.descending, 0 if value is None else value

    return _of


def _filter(query: Mapping[str, str]) -> ListFilter:
    """Return what a list is of. The query is parsed once, so that errors in it show in an empty library as well.

    With a `searchQuery`, `type`, `name` and `tags` are ignored [spec].
    """
    path, text = query.get("path"), query.get("searchQuery")
    folder = None if path is None else parameters.folder_path(path)
    wanted = _searched(text, folder) if text else _plain(query, folder)
    # directly in it [spec: not below it]
    wanted.conditions.extend([] if folder is None else [selection.in_folder(folder)])
    file_type = _choice(query, "fileType", FILE_TYPES, "all")
    if file_type != "all":
        wanted.tests.append(lambda details: details.get("fileType") == file_type)
    return wanted


def _searched(text: str, folder: str | None) -> ListFilter:
    try:
        query = search.parse(text)
    except search.QueryError as error:
        raise ErrorResponse(400, f"Invalid search query - {error}. {_SEARCH_HINT}") from None
    return ListFilter(search.kinds(query), folder, [query], search.indexed(query))


def _plain(query: Mapping[str, str], folder: str | None) -> ListFilter:
    wanted = ListFilter(ASSET_TYPES[_choice(query, "type", ASSET_TYPES, "file")], folder)
    name, tags = query.get("name"), set(filter(None, query.get("tags", "").split(",")))
    if name is not None:
        wanted.conditions.append(selection.with_names([name]))
        wanted.tests.append(lambda details: details["name"] == name)
    if tags:
        wanted.conditions.append(selection.with_tags(sorted(tags)))
        wanted.tests.append(lambda details: not tags.isdisjoint(details.get("tags") or ()))
    return wanted


def _order(query: Mapping[str, str]) -> ListOrder:
    """Return the order of `ASC_NAME` and the like [spec]; by relevance is the oldest first [guess]."""
    direction, _, key = query.get("sort", OLDEST_FIRST).partition("_")
    if direction not in {"ASC", "DESC"} or key not in {*SORT_KEYS, "RELEVANCE"}:
        raise ErrorResponse(400, "Your request contains invalid sort parameter.")
    return ListOrder(SORT_KEYS[key], direction == "DESC") if key in SORT_KEYS else ListOrder()


def _choice(query: Mapping[str, str], name: str, choices: Iterable[str], default: str) -> str:
    value = query.get(name, default)
    if value not in choices:
        raise ErrorResponse(400, f"Your request contains invalid {name} parameter.")
    return value


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER):
        raise ErrorResponse(400, f"Your request contains invalid {name} parameter.")
    return int(text)


ROUTES = [ApiRoute("GET", "/v1/files", list_files)]
