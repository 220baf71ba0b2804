"""`resume`: a run that was cut off is finished, be its table in its journal or still in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from ikpipe.concurrency.control import to_sync
from ikpipe.frames.io.streams import reopened
from ikpipe.journal.catalog import found
from ikpipe.run.engine import collected, options_as_begun, send

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import httpx
    import pandas as pd

    from ikpipe.request.account import Account
    from ikpipe.request.policy import Policy
    from ikpipe.request.result import Result
    from ikpipe.run.progress import Progress


async def _resume(
    journal: str | Path,
    account: Account,
    *,
    fetch_hosts: Sequence[str] = (),
    concurrency: int | None = None,
    rate: float | None = None,
    retries: int | None = None,
    max_failures: int | None = None,
    timeout: float | None = None,
    trust_journal: bool = False,
    progress: bool | Callable[[Progress], None] = True,
    on_result: Callable[[Any, Result], None] | None = None,
    on_unknown: Literal["hold", "resend"] | None = None,
    on_error: Literal["return", "raise"] | None = None,
    policy: Policy | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> pd.DataFrame:
    """Finish a run that was cut off, from its journal alone.

    Rows that have ended stay as they are. What may have left when the process ended is in doubt: its token goes out
    once more, and the library is looked into, before anything fresh is sent. The others are sent.

    Parameters
    ----------
    journal
        The file that ``attrs["ikpipe"]["journal"]`` of the run, or an error of it, names.
    account
        The account that the run was begun with.
    concurrency, rate, retries, max_failures, timeout, on_unknown, on_error, policy
        As for `upload`; where they are None, as the run was begun with.
    fetch_hosts, trust_journal, progress, on_result, transport
        As for `upload`; a journal does not say which hosts are allowed.

    Returns
    -------
    pandas.DataFrame
        What the run would have given: every row of its frame.

    Raises
    ------
    JournalError
        There is no such journal, it cannot be used, another process is using it, it is another account's, or nothing
        proves that this account wrote it.
    AccountError, UploadError
        As for `upload`.
    """
    record, work = found(journal, account, reopened, trust=trust_journal)
    with record.journal:
        options = options_as_begun(
            record,
            policy,
            fetch_hosts,
            transport=transport,
            concurrency=concurrency,
            rate=rate,
            retries=retries,
            max_failures=max_failures,
            timeout=timeout,
            progress=progress,
            on_result=on_result,
            on_unknown=on_unknown,
            on_error=on_error,
        )
        results: pd.DataFrame = await collected(send, work, account, options, record)
        return results


resume = to_sync(_resume, "resume")
