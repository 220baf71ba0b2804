"""`refresh`: what became of rows later, by asking the media library."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from ikpipe.concurrency.control import each, rest, to_sync
from ikpipe.concurrency.rate import RateLimiter
from ikpipe.errors import AccountError, Error
from ikpipe.frames.results import RevisedResults
from ikpipe.request.names import as_sent
from ikpipe.request.policy import Policy
from ikpipe.service import updates
from ikpipe.service.client import ServiceClient
from ikpipe.service.library import file_at, file_details

if TYPE_CHECKING:
    import httpx

    from ikpipe.frames.adapters import Frame
    from ikpipe.request.account import Account
    from ikpipe.request.result import Result

_IN_VAIN = 8  # rows for which there is no answer, one after the other from the first, before it is given up
_log = logging.getLogger("ikpipe")


async def _refresh(
    results: Frame,
    account: Account,
    *,
    every: bool = False,
    policy: Policy | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Frame:
    """Ask what became of rows after their uploads: pending extensions, pre-transformations.

    It is what `webhooks.apply` does from events, where there is nobody to hear webhooks.

    Parameters
    ----------
    results
        What `upload` gave, or `read_results`. It is not changed.
    account
        Must hold the private key.
    every
        Whether to ask for the details of every file that is up, not only of those that have something open.
    policy
        Its `look_ups` is how many files are asked for a second, at most.
    transport
        An httpx transport to use instead of the network.

    Returns
    -------
    The same rows. A pending tagger whose AI tags are there has ended (guess: the media API does not tell the status of
    extensions). A row that was `accepted` is `uploaded` if its file is found, which needs a name made by ikpipe: where
    a file of a fixed name is replaced, nobody could tell the old one from the new. What cannot be found stays as
    it is; so does what could not be asked for, and the log says how much.

    Raises
    ------
    MappingError
        The frame has no `ik_status`.
    AccountError
        There is no private key, or it is refused.
    Error
        Nothing could be asked for.
    """
    revision = RevisedResults(results)
    pace, tally = RateLimiter((policy or Policy()).look_ups), _RefreshCounts()
    rows = [row for row in revision.results if _open(row, every=every)]
    async with ServiceClient(transport) as wire:

        async def ask(row: Result) -> None:
            await rest(pace.reserve(time.monotonic()))
            with tally:
                await _asked(wire, account, row)

        await each(rows, ask)
    tally.close(len(rows))
    revised: Frame = revision.close()
    return revised


class _RefreshCounts:
    """Counts what could not be asked for: one outage among many answers does not take these away."""

    def __init__(self) -> None:
        self._answered, self._errors = 0, list[Error]()

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        if error is None:
            self._answered += 1
        elif isinstance(error, Error) and not isinstance(error, AccountError):
            self._errors.append(error)
            return self._answered > 0 or len(self._errors) < _IN_VAIN
        return False

    def close(self, asked: int) -> None:
        """Raise if there was no answer at all; else say how many there were not."""
        if self._errors and not self._answered:
            raise self._errors[0]
        if self._errors:
            words = "%d of %d rows could not be asked for, and stay as they are: %s"
            _log.warning(words, len(self._errors), asked, self._errors[0])


refresh = to_sync(_refresh, "refresh", drains=False)


def _open(row: Result, *, every: bool) -> bool:
    if row.status == "accepted":
        return row.file_path is not None
    return row.file_id is not None and (every or bool(updates.pending(row)))


async def _asked(wire: ServiceClient, account: Account, row: Result) -> None:
    if row.status == "accepted":
        # An accepted row has a path only if its name was made for it: no other file can have the name in another form.
        found = await file_at(wire, account, as_sent(row.file_path or "", row.name), names="stored")
        if found is not None:
            updates.stored(row, found)
        return
    found = await file_details(wire, account, row.file_id or "")
    if found is not None:
        updates.fold(row, found)
        for extension in set(updates.pending(row)) & updates.tagged_by(row):
            updates.ended(row, extension, "success")
