"""`refresh`: what became of rows later, by asking the media library."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ikpipe import _later
from ikpipe._frame import Revision
from ikpipe._library import file_at, file_details
from ikpipe._pace import Pace
from ikpipe._policy import Policy
from ikpipe._run import blocking, each, rest
from ikpipe._send import Wire

if TYPE_CHECKING:
    import httpx

    from ikpipe._account import Account
    from ikpipe._frame import Frame
    from ikpipe._result import Result


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
    a file of a fixed name is replaced, nobody could tell the old one from the new. What cannot be found stays as it is.

    Raises
    ------
    MappingError
        The frame has no `ik_status`.
    AccountError
        There is no private key, or it is refused.
    """
    revision = Revision(results)
    pace = Pace((policy or Policy()).look_ups)
    async with Wire(transport) as wire:

        async def ask(row: Result) -> None:
            await rest(pace.wait(time.monotonic()))
            await _asked(wire, account, row)

        await each([row for row in revision.results if _open(row, every=every)], ask)
    revised: Frame = revision.close()
    return revised


refresh = blocking(_refresh, "refresh")


def _open(row: Result, *, every: bool) -> bool:
    if row.status == "accepted":
        return row.file_path is not None
    return row.file_id is not None and (every or bool(_later.pending(row)))


async def _asked(wire: Wire, account: Account, row: Result) -> None:
    if row.status == "accepted":
        found = await file_at(wire, account, row.file_path or "")
        if found is not None:
            _later.stored(row, found)
        return
    found = await file_details(wire, account, row.file_id or "")
    if found is not None:
        _later.fold(row, found)
        for extension in set(_later.pending(row)) & _later.tagged_by(row):
            _later.ended(row, extension, "success")
