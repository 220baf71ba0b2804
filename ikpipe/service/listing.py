"""`files`: list the media library as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ikpipe.concurrency.interrupts import to_sync
from ikpipe.frames.results import listing_frame
from ikpipe.request.account import Account
from ikpipe.service.client import ServiceClient
from ikpipe.service.library import iter_files

if TYPE_CHECKING:
    import httpx
    import pandas as pd


async def _files(
    account: Account,
    *,
    search: str | None = None,
    path: str | None = None,
    limit: int | None = None,
    timeout: float | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> pd.DataFrame:
    """List the media library as a DataFrame.

    Parameters
    ----------
    account
        Must have the private key.
    search
        A query in the service's search language, such as ``'tags IN ["sale"] AND createdAt > "7d"'``.
    path
        Only files directly in this folder.
    limit
        The maximum number of rows.
    timeout
        Seconds without any progress after which a request ends, instead of all other time-outs.
    transport
        An httpx transport to use instead of the network.

    Returns
    -------
    pandas.DataFrame
        One row per file; columns have the media API's names.

    Raises
    ------
    AccountError
        There is no private key, or the service rejects it.
    """
    async with ServiceClient(transport, timeout) as client:
        return listing_frame([file async for file in iter_files(client, account, search, path, limit)])


files = to_sync(_files, "files", drains=False)
