"""`resume`: finish a run that was interrupted, from its journal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from ikpipe.concurrency.interrupts import to_sync
from ikpipe.errors import did_you_mean
from ikpipe.journal.catalog import is_update
from ikpipe.request.account import Account
from ikpipe.run.engine import collect_results, interrupted_job, recorded_options, send
from ikpipe.run.keywords import SendKeywords, listed_keywords
from ikpipe.run.options import policy_of
from ikpipe.run.summaries import summarized
from ikpipe.run.update import check_job, collect_changes

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from ikpipe.journal.history import OpenJournal
    from ikpipe.run.job import UploadJob


@listed_keywords(SendKeywords, {"fetch_hosts": (), "trust_journal": False, "progress": True})
async def _resume(journal: str | Path, account: Account, **keywords: Unpack[SendKeywords]) -> pd.DataFrame:
    """Finish a run that was interrupted, from its journal alone.

    The run is an upload or an update. Rows that have ended keep their results. A row that was being sent when the
    process ended may be stored: its token is sent again, and the media library is searched, before anything new is
    sent. All other rows are sent.

    Parameters
    ----------
    journal
        The file, as named by the run's log, by an error, or by ``attrs["ikpipe"]["journal"]`` of its results.
    account
        The account that the run was started with.
    concurrency, rate, bandwidth, retries, max_failures, timeout, on_unknown, on_error, policy
        As for `upload`; None: as the run was started.
    fetch_hosts, trust_journal, progress, on_result, on_summary, transport
        As for `upload`; they are not taken from the journal.

    Returns
    -------
    pandas.DataFrame
        What the interrupted call would have returned: every row of its frame.

    Raises
    ------
    JournalError
        There is no such journal, it cannot be used, another process is using it, it belongs to another account, or
        nothing proves that this account wrote it.
    AccountError, UploadError
        As for `upload`.
    """
    if unknown := [name for name in keywords if name not in SendKeywords.__annotations__]:
        suggestion = did_you_mean(unknown[0], SendKeywords.__annotations__, cutoff=0.7)
        raise TypeError(f"resume() got an unexpected keyword argument {unknown[0]!r}{suggestion}")
    with summarized("resume", keywords.pop("on_summary", None)) as report:
        record, work = interrupted_job(journal, account, trust=keywords.pop("trust_journal", False))
        with record.journal:
            if is_update(record.journal.facts):
                changed = await _resume_update(record, work, account, keywords)
                if report is not None:
                    report.outcomes(changed)
                return changed
            options = recorded_options(record, **keywords)
            results: pd.DataFrame = await collect_results(send, work, account, options, record, report)
            return results


async def _resume_update(
    record: OpenJournal, job: UploadJob, account: Account, keywords: Mapping[str, Any]
) -> pd.DataFrame:
    """Finish an update; options that are only about uploads have no effect."""
    policy = keywords.get("policy") or policy_of(record.journal.facts["sending"])
    connection = {name: keywords[name] for name in ("timeout", "transport", "max_failures") if name in keywords}
    check_job(job, account)
    results: pd.DataFrame = await collect_changes(
        job, account, policy, record, dry_run=False, progress=keywords.get("progress", True), **connection
    )
    return results


resume = to_sync(_resume, "resume")
