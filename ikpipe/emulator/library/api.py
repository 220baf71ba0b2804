"""The routes of the media library API: lists, details, deletion, tags, purges, folders, custom metadata fields."""

import json
import re
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from itertools import islice
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ikpipe.emulator.account import EmulatedAccount
from ikpipe.emulator.error_responses import ErrorResponse
from ikpipe.emulator.library import custom_fields, request_body, search
from ikpipe.emulator.library.file_details import file_details
from ikpipe.emulator.store import Details, new_id, timestamp
from ikpipe.emulator.upload import parameters
from ikpipe.emulator.upload.authentication import check_key
from ikpipe.emulator.upload.validators import check_account

LARGEST_PAGE = 1000
LONGEST_NUMBER = 15
"""Maximum number of digits in a query parameter."""
MOST_DELETED = 100
MOST_TAGGED = 50
MOST_PURGES = 10_000
"""Maximum number of purge requests that are remembered; the oldest are forgotten first."""
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
FOLDER_PATHS = ("/v1/folder", "/v1/folder/")
"""The second is that of older documentation."""
_SURROGATE = re.compile("[\ud800-\udfff]")
CONDITIONS = {"searchQuery", "type", "name", "tags", "fileType"}
"""The parameters of a list that each file is checked against."""
_NAME_QUERY = re.compile(r'\s*name\s*=\s*("(?:[^"\\]|\\.)*")\s*', re.DOTALL)


class Library:
    """The endpoints of one account."""

    def __init__(self, account: EmulatedAccount) -> None:
        self._account = account
        self._store = account.store
        self._purges: deque[str] = deque(maxlen=MOST_PURGES)

    def routes(self) -> list[Route]:
        """Return the routes, all of which need the private key."""
        table: list[tuple[str, str, Callable[[Request, Any], Response]]] = [
            ("GET", "/v1/files", self.list_files),
            ("GET", "/v1/files/{id}/details", self.details),
            ("DELETE", "/v1/files/{id}", self.delete),
            ("POST", "/v1/files/batch/deleteByFileIds", self.delete_many),
            ("POST", "/v1/files/addTags", self.add_tags),
            ("POST", "/v1/files/removeTags", self.remove_tags),
            ("POST", "/v1/files/purge", self.create_purge),
            ("GET", "/v1/files/purge/{id}", self.purge_status),
            *(("POST", path, self.create_folder) for path in FOLDER_PATHS),
            *(("DELETE", path, self.delete_folder) for path in FOLDER_PATHS),
            ("GET", "/v1/customMetadataFields", self.list_fields),
            ("POST", "/v1/customMetadataFields", self.create_field),
            ("PATCH", "/v1/customMetadataFields/{id}", self.update_field),
            ("DELETE", "/v1/customMetadataFields/{id}", self.delete_field),
        ]
        return [Route(path, self._guarded(handler), methods=[method]) for method, path, handler in table]

    def _guarded(self, handler: Callable[[Request, Any], Response]) -> Callable[[Request], Awaitable[Response]]:
        async def _endpoint(request: Request) -> Response:
            rules = self._account.rules
            check_account(rules)
            check_key(request.headers.get("authorization", ""), self._account.keys)
            self._account.limits.count_request("api", rules.api_rate, rules.rate_interval)
            body = await request_body.json_body(request)
            if handler == self.list_files:
                # thousands of files take tens of milliseconds, which would block uploads
                return await run_in_threadpool(handler, request, body)
            response = handler(request, body)
            await self._store.commit()
            return response

        return _endpoint

    # Files

    def list_files(self, request: Request, _body: object) -> Response:
        """`GET /v1/files`: return a page of the matching files, sorted [spec]."""
        query = request.query_params
        sort, skip, limit = query.get("sort", OLDEST_FIRST), _number(query, "skip", 0), _number(query, "limit", 1000)
        if not 1 <= limit <= LARGEST_PAGE:
            raise ErrorResponse(400, f"Your request contains invalid limit parameter. It must be 1 to {LARGEST_PAGE}.")
        if sort == OLDEST_FIRST and CONDITIONS.isdisjoint(query):
            return JSONResponse([*islice(self._matching(query, skip), limit)])
        files = self._matching(query)
        if sort != OLDEST_FIRST:
            files = iter(sort_files([*files], sort))
        return JSONResponse([*islice(files, skip, skip + limit)])

    def _matching(self, query: Mapping[str, str], skip: int = 0) -> Iterator[Details]:
        """Yield the matching files that are already in the index, oldest first.

        They are those directly in a folder [spec: not below it], or all. The database selects by folder and name.
        """
        matches, path = _condition(query), query.get("path")
        folder = None if path is None else parameters.folder_path(path)
        newest = self._account.clock() - self._account.rules.index_lag
        for details in self._store.files(newest, folder=folder, name=_queried_name(query), skip=skip):
            listed = file_details(details, self._account.endpoint)
            if matches(listed):
                yield listed

    def details(self, request: Request, _body: object) -> Response:
        """`GET /v1/files/{id}/details`: return the details of a file."""
        return JSONResponse(file_details(self._find(request.path_params["id"]), self._account.endpoint))

    def _find(self, file_id: str) -> Details:
        details = self._store.get(file_id)
        if details is None:
            raise ErrorResponse(404, "The requested asset does not exist.")
        return details

    def delete(self, request: Request, _body: object) -> Response:
        """`DELETE /v1/files/{id}`: delete a file with all its versions."""
        if not self._store.delete([request.path_params["id"]]):
            raise ErrorResponse(404, "The requested file does not exist.")
        return Response(status_code=204)

    def delete_many(self, _request: Request, body: object) -> Response:
        """`POST /v1/files/batch/deleteByFileIds`: delete at most 100 files [spec], all of them or none."""
        ids = request_body.required_texts(body, "fileIds", MOST_DELETED)
        self._check_all_exist(ids)
        return JSONResponse({"successfullyDeletedFileIds": self._store.delete(ids)})

    def add_tags(self, _request: Request, body: object) -> Response:
        """`POST /v1/files/addTags`: add tags to at most 50 files [spec]."""
        return self._retag(body, lambda old, tags: [*old, *(tag for tag in tags if tag not in old)])

    def remove_tags(self, _request: Request, body: object) -> Response:
        """`POST /v1/files/removeTags`: remove tags from at most 50 files [spec]."""
        return self._retag(body, lambda old, tags: [tag for tag in old if tag not in tags])

    def _retag(self, body: object, change: Callable[[list[str], list[str]], list[str]]) -> Response:
        ids = request_body.required_texts(body, "fileIds", MOST_TAGGED)
        tags = request_body.required_texts(body, "tags", None)
        self._check_all_exist(ids)
        for file_id in ids:
            details = self._find(file_id)
            changed = change(details["tags"] or [], tags) or None
            self._store.update(details | {"tags": changed, "updatedAt": timestamp()})
        return JSONResponse({"successfullyUpdatedFileIds": ids})

    def _check_all_exist(self, ids: list[str]) -> None:
        missing = [file_id for file_id in ids if self._store.get(file_id) is None]
        if missing:
            raise ErrorResponse(404, "The requested file(s) does not exist.")

    def create_purge(self, _request: Request, body: object) -> Response:
        """`POST /v1/files/purge`: purge one URL; without a cache, that is completed at once."""
        if not request_body.required_text(body, "url", "URL").startswith(("http://", "https://")):
            raise ErrorResponse(400, "Your request contains invalid URL parameter.")
        self._purges.append(new_id())
        return JSONResponse({"requestId": self._purges[-1]}, status_code=201)

    def purge_status(self, request: Request, _body: object) -> Response:
        """`GET /v1/files/purge/{id}`: return the status of a purge."""
        if request.path_params["id"] not in self._purges:
            raise ErrorResponse(404, "No request found with this requestId.")
        return JSONResponse({"status": "Completed"})

    # Folders

    def create_folder(self, _request: Request, body: object) -> Response:
        """`POST /v1/folder`: create a folder and its parents [docs]; an existing one is not an error [guess]."""
        name = parameters.folder_name(request_body.required_text(body, "folderName"))
        parent = request_body.required_text(body, "parentFolderPath")
        self._store.add_folder(parameters.folder(f"{parent}/{name}", self._account.rules))
        return Response(status_code=201)

    def delete_folder(self, _request: Request, body: object) -> Response:
        """`DELETE /v1/folder`: delete a folder with its files, all their versions, and the folders below [docs]."""
        text = request_body.required_text(body, "folderPath")
        path = parameters.folder_path(text)
        if path == "/":
            raise ErrorResponse(400, "Your request contains invalid folderPath parameter. The root cannot be deleted.")
        if not self._store.delete_folder(path):
            raise ErrorResponse(404, f"No folder found with folderPath {text}", reason="FOLDER_NOT_FOUND")
        return Response(status_code=204)

    # Custom metadata fields

    def list_fields(self, _request: Request, _body: object) -> Response:
        """`GET /v1/customMetadataFields`: return all fields."""
        return JSONResponse(self._store.fields())

    def create_field(self, _request: Request, body: object) -> Response:
        """`POST /v1/customMetadataFields`: create a field with a name, a label and a schema [spec]."""
        name, label = (request_body.required_text(body, key) for key in ("name", "label"))
        field = {"id": new_id(), "name": name, "label": label, "schema": request_body.optional(body, "schema")}
        custom_fields.check_schema(field["schema"], required_default=self._account.rules.required_default)
        if self._store.has_field_name(name) or name == custom_fields.RESERVED or self._has_label(label):
            raise ErrorResponse(400, "A custom metadata field with this name or label already exists.")
        self._store.save_field(field)
        return JSONResponse(field, status_code=201)

    def _has_label(self, label: str) -> bool:
        return any(label == field["label"] for field in self._store.fields())

    def update_field(self, request: Request, body: object) -> Response:
        """`PATCH /v1/customMetadataFields/{id}`: change the label, or the schema except its type [spec]."""
        old = next((field for field in self._store.fields() if field["id"] == request.path_params["id"]), None)
        if old is None:
            raise ErrorResponse(404, "No such custom metadata field exists.")
        label = request_body.optional(body, "label") or old["label"]
        changes = request_body.optional(body, "schema") or {}
        if not isinstance(changes, dict):
            raise custom_fields.bad_field("schema must be an object")
        field = old | {"label": label, "schema": old["schema"] | changes | {"type": old["schema"]["type"]}}
        custom_fields.check_schema(field["schema"], required_default=self._account.rules.required_default)
        if label != old["label"] and self._has_label(label):
            raise ErrorResponse(400, "A custom metadata field with this label already exists.")
        self._store.save_field(field)
        return JSONResponse(field)

    def delete_field(self, request: Request, _body: object) -> Response:
        """`DELETE /v1/customMetadataFields/{id}`: delete a field."""
        if not self._store.delete_field(request.path_params["id"]):
            raise ErrorResponse(404, "No such custom metadata field exists.")
        return Response(status_code=204)


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
