"""The media API: what is in the library, and which metadata fields there are (spec)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ikpipe._errors import Error
from ikpipe._metadata import Field, fields_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ikpipe._account import Account
    from ikpipe._send import Wire

PAGE = 1000  # files; the API's largest `limit`


async def metadata_fields(wire: Wire, account: Account) -> dict[str, Field]:
    """Ask which custom metadata fields the account has, by name."""
    answer = await wire.api(account, "/v1/customMetadataFields")
    try:
        return fields_of(answer)
    except (KeyError, TypeError):
        raise Error("The list of custom metadata fields could not be read.") from None


async def listing(
    wire: Wire, account: Account, search: str | None, path: str | None, limit: int | None
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
        page = await wire.api(account, "/v1/files", {**fixed, "limit": size, "skip": found})
        if not isinstance(page, list):
            raise Error("The list of files could not be read.")
        for file in page:
            yield file
        found += len(page)
        if len(page) < size:
            return
