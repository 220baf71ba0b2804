"""`files`: the media library as a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ikpipe.concurrency.control import to_sync
from ikpipe.frames.results import listing_frame
from ikpipe.service.client import ServiceClient
from ikpipe.service.library import listing

if TYPE_CHECKING:
    import httpx
    import pandas as pd

    from ikpipe.request.account import Account


async def _files(
    account: Account,
    *,
    search: str | None = None,
    path: str | None = None,
    limit: int | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> pd.DataFrame:
    """List the media library as a frame.

    Parameters
    ----------
    account
        Must hold the private key.
    search
        The service's query language, such as ``'tags IN ["sale"] AND createdAt > "7d"'``.
    path
        Only files right in this folder.
    limit
        At most so many rows.
    transport
        An httpx transport to use instead of the network.

    Returns
    -------
    pandas.DataFrame
        A row a file, under the service's own names.

    Raises
    ------
    AccountError
        There is no private key, or it is refused.
    """
    async with ServiceClient(transport) as wire:
        return listing_frame([file async for file in listing(wire, account, search, path, limit)])


files = to_sync(_files, "files", drains=False)
