"""The media library's API: lists and searches, details, deletion, tags, custom metadata fields."""

from __future__ import annotations

import json
import re
from itertools import islice
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ikpipe.emulator import strict_json
from ikpipe.emulator.library import fields, replies, search
from ikpipe.emulator.library.folders import Folders
from ikpipe.emulator.library.purge import Purges
from ikpipe.emulator.refusals import Refusal
from ikpipe.emulator.store import new_id
from ikpipe.emulator.upload.authentication import check_key
from ikpipe.emulator.upload.placing import timestamp
from ikpipe.emulator.upload.validators import check_account

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

    from starlette.requests import Request

    from ikpipe.emulator.account import EmulatedAccount
    from ikpipe.emulator.store import Details

LARGEST_PAGE = 1000
LONGEST_NUMBER = 15
"""Digits of a number in a query."""
MOST_DELETED = 100
MOST_TAGGED = 50
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
"""What lists can be sorted by, after `ASC_` or `DESC_` (`spec`; files without an original date have their own)."""
OLDEST_FIRST = "ASC_CREATED"
FOLDER_PATHS = ("/v1/folder", "/v1/folder/")
"""The second is that of older documents."""
_HALF = re.compile("[\ud800-\udfff]")
CONDITIONS = {"searchQuery", "type", "name", "tags", "fileType"}
"""The parameters of a list that files are held against one by one."""
_ASKED_NAME = re.compile(r'\s*name\s*=\s*("(?:[^"\\]|\\.)*")\s*', re.DOTALL)


class Library:
    """The API's endpoints for one account."""

    def __init__(self, account: EmulatedAccount) -> None:
        self._account = account
        self._store = account.store
        self._purges, self._folders = Purges(), Folders(account)

    def routes(self) -> list[Route]:
        """Give the routes, each behind the account's key."""
        table: list[tuple[str, str, Callable[[Request, Any], Response]]] = [
            ("GET", "/v1/files", self.list_files),
            ("GET", "/v1/files/{id}/details", self.details),
            ("DELETE", "/v1/files/{id}", self.delete),
            ("POST", "/v1/files/batch/deleteByFileIds", self.delete_many),
            ("POST", "/v1/files/addTags", self.add_tags),
            ("POST", "/v1/files/removeTags", self.remove_tags),
            ("POST", "/v1/files/purge", self._purges.order),
            ("GET", "/v1/files/purge/{id}", self._purges.status),
            *(("POST", path, self._folders.create) for path in FOLDER_PATHS),
            *(("DELETE", path, self._folders.delete) for path in FOLDER_PATHS),
            ("GET", "/v1/customMetadataFields", self.list_fields),
            ("POST", "/v1/customMetadataFields", self.create_field),
            ("PATCH", "/v1/customMetadataFields/{id}", self.update_field),
            ("DELETE", "/v1/customMetadataFields/{id}", self.delete_field),
        ]
        return [Route(path, self._guarded(handler), methods=[method]) for method, path, handler in table]

    def _guarded(self, handler: Callable[[Request, Any], Response]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            self._authenticate(request)
            rules = self._account.rules
            self._account.load.count_request("api", rules.api_rate, rules.rate_interval)
            body = await _json_body(request)
            if handler == self.list_files:
                # thousands of files take tens of milliseconds, in which uploads would stand still
                return await run_in_threadpool(handler, request, body)
            response = handler(request, body)
            await self._store.commit()
            return response

        return endpoint

    def _authenticate(self, request: Request) -> None:
        """Ask for the private key, of an account that is in order."""
        check_account(self._account.rules)
        check_key(request.headers.get("authorization", ""), self._account.keys)

    # Files

    def list_files(self, request: Request, _body: object) -> Response:
        """`GET /v1/files`: all that match, sorted, then a page of them (`spec`)."""
        query = request.query_params
        sort, skip, limit = query.get("sort", OLDEST_FIRST), _number(query, "skip", 0), _number(query, "limit", 1000)
        if not 1 <= limit <= LARGEST_PAGE:
            raise Refusal(400, f"Your request contains invalid limit parameter. It must be 1 to {LARGEST_PAGE}.")
        if sort != OLDEST_FIRST:
            found = sort_files([*self._matching(query)], sort)
            return JSONResponse(found[skip : skip + limit])
        if CONDITIONS.isdisjoint(query):
            return JSONResponse([*islice(self._matching(query, skip), limit)])
        return JSONResponse([*islice(self._matching(query), skip, skip + limit)])

    def _matching(self, query: Mapping[str, str], skip: int = 0) -> Iterator[Details]:
        """Give the files that match and that the index knows already, oldest first.

        All or those of one folder (`spec`: not of those below it); who asks for a name is not given all to look at.
        """
        wanted, path = _condition(query), query.get("path")
        folder = None if path is None else "/".join(["", *[level for level in path.split("/") if level], ""])
        newest = self._account.clock() - self._account.rules.index_lag
        for details in self._store.files(newest, folder=folder, name=_name(query), skip=skip):
            listed = replies.listed(details, self._account.endpoint)
            if wanted(listed):
                yield listed

    def details(self, request: Request, _body: object) -> Response:
        """`GET /v1/files/{id}/details`."""
        return JSONResponse(replies.listed(self._find(request.path_params["id"]), self._account.endpoint))

    def _find(self, file_id: str) -> Details:
        details = self._store.get(file_id)
        if details is None:
            raise Refusal(404, "The requested asset does not exist.")
        return details

    def delete(self, request: Request, _body: object) -> Response:
        """`DELETE /v1/files/{id}`: the file with all its versions."""
        if not self._store.delete([request.path_params["id"]]):
            raise Refusal(404, "The requested file does not exist.")
        return Response(status_code=204)

    def delete_many(self, _request: Request, body: object) -> Response:
        """`POST /v1/files/batch/deleteByFileIds`: at most 100 (`spec`), and all of them or none."""
        ids = _texts(body, "fileIds", MOST_DELETED)
        self._check_all_exist(ids)
        return JSONResponse({"successfullyDeletedFileIds": self._store.delete(ids)})

    def add_tags(self, _request: Request, body: object) -> Response:
        """`POST /v1/files/addTags`: at most 50 files (`spec`)."""
        return self._retag(body, lambda old, given: [*old, *(tag for tag in given if tag not in old)])

    def remove_tags(self, _request: Request, body: object) -> Response:
        """`POST /v1/files/removeTags`: at most 50 files (`spec`)."""
        return self._retag(body, lambda old, given: [tag for tag in old if tag not in given])

    def _retag(self, body: object, change: Callable[[list[str], list[str]], list[str]]) -> Response:
        ids, tags = _texts(body, "fileIds", MOST_TAGGED), _texts(body, "tags", None)
        self._check_all_exist(ids)
        for file_id in ids:
            details = self._find(file_id)
            changed = change(details["tags"] or [], tags) or None
            self._store.update(details | {"tags": changed, "updatedAt": timestamp()})
        return JSONResponse({"successfullyUpdatedFileIds": ids})

    def _check_all_exist(self, ids: list[str]) -> None:
        missing = [file_id for file_id in ids if self._store.get(file_id) is None]
        if missing:
            raise Refusal(404, "The requested file(s) does not exist.")

    # Custom metadata fields

    def list_fields(self, _request: Request, _body: object) -> Response:
        """`GET /v1/customMetadataFields`."""
        return JSONResponse(self._store.fields())

    def create_field(self, _request: Request, body: object) -> Response:
        """`POST /v1/customMetadataFields`: a name, a label and a schema (`spec`)."""
        name, label = (_text(body, key) for key in ("name", "label"))
        field = {"id": new_id(), "name": name, "label": label, "schema": _value(body, "schema")}
        fields.check_schema(field["schema"], required_default=self._account.rules.required_default)
        if self._store.has_field_name(name) or name == fields.RESERVED or self._has_label(label):
            raise Refusal(400, "A custom metadata field with this name or label already exists.")
        self._store.save_field(field)
        return JSONResponse(field, status_code=201)

    def _has_label(self, label: str) -> bool:
        return any(label == field["label"] for field in self._store.fields())

    def update_field(self, request: Request, body: object) -> Response:
        """`PATCH /v1/customMetadataFields/{id}`: a label, or changes of the schema but for its type (`spec`)."""
        old = self._field(request.path_params["id"])
        label, changes = _value(body, "label") or old["label"], _value(body, "schema") or {}
        if not isinstance(changes, dict):
            raise fields.bad_field("schema must be an object")
        field = old | {"label": label, "schema": old["schema"] | changes | {"type": old["schema"]["type"]}}
        fields.check_schema(field["schema"], required_default=self._account.rules.required_default)
        if label != old["label"] and self._has_label(label):
            raise Refusal(400, "A custom metadata field with this label already exists.")
        self._store.save_field(field)
        return JSONResponse(field)

    def _field(self, field_id: str) -> Details:
        for field in self._store.fields():
            if field["id"] == field_id:
                return field
        raise Refusal(404, "No such custom metadata field exists.")

    def delete_field(self, request: Request, _body: object) -> Response:
        """`DELETE /v1/customMetadataFields/{id}`."""
        if not self._store.delete_field(request.path_params["id"]):
            raise Refusal(404, "No such custom metadata field exists.")
        return Response(status_code=204)


def _condition(query: Mapping[str, str]) -> Callable[[Mapping[str, Any]], bool]:
    """Read a query once for all files: what is wrong with it shows in an empty library, too.

    `type` is of files alone here, for folders are not listed. A `searchQuery` switches `type`, `name` and `tags` off
    (`spec`).
    """
    search_query = query.get("searchQuery")
    asked = _search(search_query) if search_query else lambda details: _matches(details, query)
    kinds = query.get("fileType", "all")
    return lambda details: kinds in {"all", details["fileType"]} and asked(details)


def _name(query: Mapping[str, str]) -> str | None:
    """Give the name that a query asks for, if it says nothing else of files."""
    asked = _ASKED_NAME.fullmatch(query.get("searchQuery", ""))
    name = None if asked is None else json.loads(asked[1], strict=False)
    # half a character, which JSON can escape, is in no index
    return None if name is None or _HALF.search(name) else name


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
        raise Refusal(400, f"Your request contains invalid searchQuery parameter. {error}") from None


def sort_files(files: list[Details], sort: str) -> list[Details]:
    """Sort by `ASC_NAME` and the like (`spec`); files that lack the key come last either way (`guess`)."""
    direction, _, what = sort.partition("_")
    if direction not in {"ASC", "DESC"} or what not in {*SORT_KEYS, "RELEVANCE"}:
        raise Refusal(400, "Your request contains invalid sort parameter.")
    key = SORT_KEYS.get(what)
    if key is None:
        return files
    having = sorted((f for f in files if f.get(key) is not None), key=lambda f: f[key], reverse=direction == "DESC")
    return having + [f for f in files if f.get(key) is None]


async def _json_body(request: Request) -> Any:
    body = await request.body() if request.method in {"POST", "PATCH", "DELETE"} else b""
    if not body and request.method not in {"POST", "PATCH"}:
        return None
    try:
        return strict_json.loads(body)
    except ValueError:
        raise Refusal(400, "Your request contains invalid JSON.") from None


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER):
        raise Refusal(400, f"Your request contains invalid {name} parameter.")
    return int(text)


def _value(body: object, key: str) -> Any:
    return body.get(key) if isinstance(body, dict) else None


def _text(body: object, key: str) -> str:
    value = _value(body, key)
    if not isinstance(value, str) or not value:
        raise Refusal(400, f"Your request is missing {key} parameter.")
    return value


def _texts(body: object, key: str, most: int | None) -> list[str]:
    values = _value(body, key)
    if not isinstance(values, list) or not values or not all(isinstance(value, str) for value in values):
        raise Refusal(400, f"Your request is missing {key} parameter.")
    if most is not None and len(values) > most:
        raise Refusal(400, f"Your request contains more than {most} {key}.")
    return values
