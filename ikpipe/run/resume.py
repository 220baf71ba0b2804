"""`resume`: a run that was cut off is finished, be its table in its journal or still in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from ikpipe.concurrency.control import to_sync
from ikpipe.run.engine import collected, options_as_begun, resumed, send
from ikpipe.run.keywords import SendKeywords, spelled_out

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from ikpipe.request.account import Account


@spelled_out(SendKeywords, {"fetch_hosts": (), "trust_journal": False, "progress": True})
async def _resume(journal: str | Path, account: Account, **keywords: Unpack[SendKeywords]) -> pd.DataFrame:
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
    if unknown := [name for name in keywords if name not in SendKeywords.__annotations__]:
        raise TypeError(f"resume() got an unexpected keyword argument {unknown[0]!r}")
    record, work = resumed(journal, account, trust=keywords.pop("trust_journal", False))
    with record.journal:
        options = options_as_begun(record, **keywords)
        results: pd.DataFrame = await collected(send, work, account, options, record)
        return results


resume = to_sync(_resume, "resume")
