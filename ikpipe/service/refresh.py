"""`refresh`: update results from the media library."""

import logging
import time

import httpx

from ikpipe.concurrency.interrupts import interruptible_sleep, run_limited, to_sync
from ikpipe.concurrency.rate import RateLimiter
from ikpipe.errors import AccountError, Error
from ikpipe.frames.adapters import Frame
from ikpipe.frames.results import RevisedResults
from ikpipe.request.account import Account
from ikpipe.request.names import path_as_sent
from ikpipe.request.policy import Policy
from ikpipe.request.result import Result
from ikpipe.service import updates
from ikpipe.service.client import ServiceClient
from ikpipe.service.library import file_details, find_details

_MAX_FAILURES = 8  # failed requests from the start, without any success, before giving up
_log = logging.getLogger("ikpipe.service")


async def _refresh(
    results: Frame,
    account: Account,
    *,
    every: bool = False,
    policy: Policy | None = None,
    timeout: float | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Frame:
    """Update results from the media library: pending extensions and pre-transformations.

    `webhooks.apply` does the same with webhook events; `refresh` is for pipelines without a webhook receiver.

    Parameters
    ----------
    results
        A table from `upload` or `read_results`. It is not changed.
    account
        Must have the private key.
    every
        Whether to read the details of every uploaded file, not only of files with pending operations.
    policy
        Its `look_ups` is the maximum number of files read per second.
    timeout
        Seconds without any progress after which a request ends, instead of all other time-outs.
    transport
        An httpx transport to use instead of the network.

    Returns
    -------
    The same rows. A pending tagging extension is finished if the file has its AI tags [guess: the media API does not
    report the status of extensions]. An `accepted` row becomes `uploaded` if its file is found, which is only possible
    with a unique name made by ikpipe: with a fixed name, the replaced file cannot be told from the new one. Rows whose
    file is not found or could not be read do not change; a warning in the log counts the latter.

    Raises
    ------
    MappingError
        The frame has no `ik_status`.
    AccountError
        There is no private key, or the service rejects it.
    Error
        No file could be read.
    """
    revision = RevisedResults(results)
    limiter = RateLimiter((policy or Policy()).look_ups)
    rows = [row for row in revision.results if _is_pending(row, every=every)]
    errors, refreshed = list[Error](), 0
    async with ServiceClient(transport, timeout) as client:

        async def refresh_row(row: Result) -> None:
            """Refresh one row within the rate of searches."""
            nonlocal refreshed
            await interruptible_sleep(limiter.reserve(time.monotonic()))
            try:
                await _refresh_row(client, account, row)
            except AccountError:
                raise
            except Error as error:  # one outage among many successes does not end the others
                errors.append(error)
                if not refreshed and len(errors) >= _MAX_FAILURES:
                    raise
            else:
                refreshed += 1

        await run_limited(rows, refresh_row)
    if errors and not refreshed:
        raise errors[0]
    if errors:
        _log.warning("%d of %d rows could not be refreshed and did not change: %s", len(errors), len(rows), errors[0])
    revised: Frame = revision.close()
    return revised


refresh = to_sync(_refresh, "refresh", drains=False)


def _is_pending(row: Result, *, every: bool) -> bool:
    if row.status == "accepted":
        return row.file_path is not None
    return row.file_id is not None and (every or bool(updates.pending(row)))


async def _refresh_row(client: ServiceClient, account: Account, row: Result) -> None:
    if row.status == "accepted":
        # An accepted row only has a path if ikpipe made its name unique, so no other file can have a similar name.
        file = await find_details(client, account, path_as_sent(row.file_path or "", row.name), names="stored")
        if file is not None:
            updates.stored(row, file)
        return
    file = await file_details(client, account, row.file_id or "")
    if file is not None:
        updates.fold(row, file)
        for extension in set(updates.pending(row)) & updates.tagged_by(row):
            updates.ended(row, extension, "success")
