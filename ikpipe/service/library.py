"""The media API: what is in the library, and which metadata fields there are (spec)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ikpipe.errors import Error
from ikpipe.request.metadata import MetadataField, fields_of
from ikpipe.request.names import place, spellings
from ikpipe.request.reply import details
from ikpipe.request.values import to_json
from ikpipe.service.client import ApiError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from ikpipe.request.account import Account
    from ikpipe.request.result import Result
    from ikpipe.service.client import ServiceClient

PAGE = 1000  # files; the API's largest `limit`
NOT_FOUND = 404
FIELDS = "/v1/customMetadataFields"


async def metadata_fields(wire: ServiceClient, account: Account) -> dict[str, MetadataField]:
    """Ask which custom metadata fields the account has, by name."""
    return fields_of(await listed_fields(wire, account))


async def listed_fields(wire: ServiceClient, account: Account) -> list[dict[str, Any]]:
    """Ask which custom metadata fields the account has, as the API lists them."""
    answer = await wire.api(account, FIELDS)
    try:
        fields_of(answer)
    except (KeyError, TypeError):
        raise Error("The list of custom metadata fields could not be read.") from None
    found: list[dict[str, Any]] = answer
    return found


async def file_at(
    wire: ServiceClient,
    account: Account,
    target: str,
    *,
    size: int | None = None,
    since: float | None = None,
    names: str = "as_given",
) -> dict[str, Any] | None:
    """Look for a file by its path, and give what the library says of it.

    `size` and `since` are as for `matching`; `names` is that of `Policy`: whether the service may have replaced
    characters.
    """
    paths = spellings(target, names)
    folder = target.rpartition("/")[0]
    files = await files_named(wire, account, folder, [path.rpartition("/")[2] for path in paths])
    return matching(files, paths, size=size, since=since)


async def files_named(wire: ServiceClient, account: Account, folder: str, names: Sequence[str]) -> list[dict[str, Any]]:
    """Ask for the files of these names in a folder, as the library lists them."""
    search = " OR ".join(f"name = {to_json(name)}" for name in names)
    query: dict[str, str | int] = {"searchQuery": search, "path": folder or "/", "limit": PAGE}
    return _page(await wire.api(account, "/v1/files", query))


def matching(
    files: Sequence[dict[str, Any]], paths: Sequence[str], *, size: int | None = None, since: float | None = None
) -> dict[str, Any] | None:
    """Give the very file that is meant, among files that were listed.

    Parameters
    ----------
    paths
        The paths that it can have in the library, the likeliest first. Their Unicode form does not matter.
    size
        It must have so many bytes; None does not know.
    since
        It must have been stored or replaced since, in seconds since 1970; None does not care.
    """
    listed = [(place(str(file.get("filePath")), "as_given"), file) for file in files]
    for target in [place(path, "as_given") for path in paths]:
        for path, file in listed:
            same = path == target and size in (None, file.get("size"))
            if same and (since is None or _stored_at(file) >= since):
                return file
    return None


def as_existing(file: dict[str, Any]) -> Result:
    """Give a listed file's details, as `exists`."""
    result = details(file, "exists")
    result.extra = None  # a listing has fields that an upload's answer has not
    return result


async def confirm(wire: ServiceClient, account: Account, file_id: str) -> tuple[Result, float]:
    """Give the details of a file of which somebody said that it is stored, and when it was, in seconds since 1970.

    Raises
    ------
    Error
        There is no such file, or nobody could say.
    """
    answer = await file_details(wire, account, file_id)
    if answer is None:
        raise Error("There is no such file.")
    result = details(answer)
    result.extra = None
    return result, _stored_at(answer)


async def file_details(wire: ServiceClient, account: Account, file_id: str) -> dict[str, Any] | None:
    """Ask for a file's details; None where there is no such file."""
    try:
        found = await wire.api(account, f"/v1/files/{quote(file_id, safe='')}/details")
    except ApiError as error:
        if error.status == NOT_FOUND:
            return None
        raise
    if not isinstance(found, dict):
        raise Error("The details of a file could not be read.")
    return found


def _stored_at(file: Mapping[str, Any]) -> float:
    try:
        return datetime.fromisoformat(file.get("updatedAt") or file["createdAt"]).timestamp()
    except (KeyError, TypeError, ValueError, OverflowError):
        return 0.0


def _page(answer: Any) -> list[dict[str, Any]]:
    if not isinstance(answer, list) or not all(isinstance(file, dict) for file in answer):
        raise Error("The list of files could not be read.")
    return answer


async def listing(
    wire: ServiceClient, account: Account, search: str | None, path: str | None, limit: int | None
) -> AsyncIterator[dict[str, Any]]:
    """Go through the library's files, a page of requests at a time.

    Parameters
    ----------
    search
        A `searchQuery`, such as ``'tags IN ["sale"] AND createdAt > "7d"'``.
    path
        Only files right in this folder.
    limit
        At most so many files.
    """
    given = {"searchQuery": search, "path": path}
    fixed: dict[str, str | int] = {name: value for name, value in given.items() if value is not None}
    found = 0
    while limit is None or found < limit:
        size = PAGE if limit is None else min(PAGE, limit - found)
        page = _page(await wire.api(account, "/v1/files", {**fixed, "limit": size, "skip": found}))
        for file in page:
            yield file
        found += len(page)
        if len(page) < size:
            return
