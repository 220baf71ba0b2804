"""Read the media library: search and list files, read their details, list custom metadata fields [spec]."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from ikpipe.errors import Error
from ikpipe.request.account import Account
from ikpipe.request.metadata import MetadataField, fields_of
from ikpipe.request.missing import without_none
from ikpipe.request.names import canonical_path, possible_paths
from ikpipe.request.reply import details_of_reply
from ikpipe.request.result import Result
from ikpipe.request.values import to_json
from ikpipe.service.client import ApiError, ServiceClient

PAGE = 1000  # files; the API's maximum `limit`
NOT_FOUND = 404
FILES, FIELDS = "/v1/files", "/v1/customMetadataFields"


async def metadata_fields(client: ServiceClient, account: Account) -> dict[str, MetadataField]:
    """Return the account's custom metadata fields, by name."""
    return fields_of(await list_fields(client, account))


async def list_fields(client: ServiceClient, account: Account) -> list[dict[str, Any]]:
    """Return the account's custom metadata fields as the API lists them."""
    fields: list[dict[str, Any]] = await client.api(account, FIELDS)
    try:
        fields_of(fields)
    except (KeyError, TypeError):
        raise Error("The media API sent an invalid list of custom metadata fields.") from None
    return fields


async def find_details(
    client: ServiceClient,
    account: Account,
    target: str,
    *,
    size: int | None = None,
    since: float | None = None,
    names: str = "as_given",
) -> dict[str, Any] | None:
    """Search for a file by its path; return its entry in the library, or None.

    `size` and `since` are as for `match_file`; `names` is that of `Policy`: whether the service may have replaced
    characters of the name.
    """
    paths = possible_paths(target, names)
    folder = target.rpartition("/")[0]
    files = await find_files(client, account, folder, [path.rpartition("/")[2] for path in paths])
    return match_file(files, paths, size=size, since=since)


async def find_files(
    client: ServiceClient, account: Account, folder: str, names: Sequence[str]
) -> list[dict[str, Any]]:
    """Return the files with these names in a folder, as the library lists them."""
    search = " OR ".join(f"name = {to_json(name)}" for name in names)
    query: dict[str, str | int] = {"searchQuery": search, "path": folder or "/", "limit": PAGE}
    return page_of(await client.api(account, FILES, query))


def match_file(
    files: Sequence[dict[str, Any]],
    paths: Sequence[str],
    *,
    size: int | None = None,
    since: float | None = None,
    earlier: str | None = None,
) -> dict[str, Any] | None:
    """Return the file that has one of these paths, among files as the library lists them; None if there is none.

    `paths` are those that the file can have in the library, the likeliest first, in any Unicode normalization. `size`
    is its size in bytes; None accepts any. `since` is the time, in seconds since 1970, before which it was not stored
    or replaced; None accepts any. `earlier` is the id of a version that is another file.
    """
    listed = [(canonical_path(str(file.get("filePath")), "as_given"), file) for file in files]
    for target in [canonical_path(path, "as_given") for path in paths]:
        for path, file in listed:
            matches = path == target and size in (None, file.get("size"))
            if matches and earlier is not None and version_id(file) == earlier:
                continue
            if matches and (since is None or _stored_at(file) >= since):
                return file
    return None


def version_id(file: Mapping[str, Any]) -> str | None:
    """Return the id of a file's current version, from its details in the media API."""
    info = file.get("versionInfo")
    found = info.get("id") if isinstance(info, Mapping) else None
    return found if isinstance(found, str) else None


def as_existing(file: Mapping[str, Any], status: str = "exists") -> Result:
    """Return a listed file's details as a result."""
    result = details_of_reply(file, status)
    result.extra = None  # the media API has fields that an upload's response does not have
    return result


async def read_stored_file(client: ServiceClient, account: Account, file_id: str) -> tuple[Result, float]:
    """Return the details of a file, and when it was stored or replaced, in seconds since 1970.

    Raise `Error` if there is no such file, or the library could not be read.
    """
    file = await file_details(client, account, file_id)
    if file is None:
        raise Error("There is no such file.")
    return as_existing(file, "uploaded"), _stored_at(file)


def details_path(file_id: str) -> str:
    """Return the path of a file's details in the media API."""
    return f"{FILES}/{quote(file_id, safe='')}/details"


def versions_path(file_id: str) -> str:
    """Return the path of a file's versions in the media API."""
    return f"{FILES}/{quote(file_id, safe='')}/versions"


def version_path(file_id: str, version: str) -> str:
    """Return the path of a version of a file in the media API."""
    return f"{versions_path(file_id)}/{quote(version, safe='')}"


async def file_details(client: ServiceClient, account: Account, file_id: str) -> dict[str, Any] | None:
    """Return a file's details; None if there is no such file."""
    try:
        file = await client.api(account, details_path(file_id))
    except ApiError as error:
        if error.status == NOT_FOUND:
            return None
        raise
    if not isinstance(file, dict):
        raise Error("The media API sent invalid details of a file.")
    return file


def _stored_at(file: Mapping[str, Any]) -> float:
    try:
        return datetime.fromisoformat(file.get("updatedAt") or file["createdAt"]).timestamp()
    except (KeyError, TypeError, ValueError, OverflowError):
        return 0.0


def page_of(files: Any) -> list[dict[str, Any]]:
    """Return a page of a list of files; raise `Error` if the media API sent something else."""
    if not isinstance(files, list) or not all(isinstance(file, dict) for file in files):
        raise Error("The media API sent an invalid list of files.")
    return files


async def iter_files(
    client: ServiceClient, account: Account, search: str | None, path: str | None, limit: int | None
) -> AsyncIterator[dict[str, Any]]:
    """Yield the library's files, requested page by page.

    `search` is a `searchQuery`, such as ``'tags IN ["sale"] AND createdAt > "7d"'``. `path` selects files directly in
    this folder. `limit` is the maximum number of files.
    """
    filters = {"searchQuery": search, "path": path}
    query: dict[str, str | int] = without_none(filters)
    listed = 0
    while limit is None or listed < limit:
        size = PAGE if limit is None else min(PAGE, limit - listed)
        page = page_of(await client.api(account, FILES, {**query, "limit": size, "skip": listed}))
        for file in page:
            yield file
        listed += len(page)
        if len(page) < size:
            return
