"""`retry`: upload the rows of a results frame that are not uploaded yet.

A row keeps its result if its status is in `request.result.SETTLED` (`journal.history.of_results`). A row that is
``unknown`` is searched for first. All other rows are sent.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Unpack

from ikpipe.concurrency.interrupts import to_sync
from ikpipe.frames.adapters import Frame
from ikpipe.frames.chunks import InMemoryTable
from ikpipe.frames.result_types import check_result_columns
from ikpipe.frames.results import results_of
from ikpipe.journal import catalog, history
from ikpipe.request.account import Account
from ikpipe.request.known_runs import about, known_by
from ikpipe.request.result import SETTLED
from ikpipe.run import engine, stored_mapping
from ikpipe.run.job import UploadJob
from ikpipe.run.keywords import DEFAULTS, UploadKeywords, listed_keywords, split_keywords
from ikpipe.run.summaries import summarized


@listed_keywords(UploadKeywords, {**DEFAULTS, "fetch": None})
async def _retry(
    results: Frame,
    account: Account,
    *,
    journal: str | Path | None = None,
    earlier_journal: str | Path | None = None,
    **keywords: Unpack[UploadKeywords],
) -> Frame:
    """Upload the rows of a results frame that are not uploaded yet.

    Rows that are ``uploaded``, ``exists``, ``accepted``, ``skipped``, ``unchanged``, ``updated`` or ``duplicate`` keep
    their results (`refresh` and `webhooks.apply` update those that are ``accepted``). ``unknown`` rows may be stored,
    so the media library is searched first; where it cannot be, they stay ``unknown``, unless `on_unknown` is
    ``"resend"``.

    Parameters
    ----------
    results
        What `upload` or `read_results` returned.
    account, fetch_hosts, concurrency, rate, bandwidth, retries, max_failures, timeout, progress, on_result
        As for `upload`.
    on_unknown, on_error
        As for `upload`.
    on_summary, policy, transport
        As for `upload`.
    journal
        As for `upload`; the journal of the earlier run is not changed.
    earlier_journal
        The journal of the run that returned the results, which knows more of ``unknown`` rows; None: the one that this
        process remembers, if it ran it.
    trust_journal
        As for `upload`, for both journals.
    columns, ignore, root, file_kind, fetch, tag_separator, decimal, true_values, false_values
        As the next ones.
    on_existing, changed_by, dedupe, **parameters
        The mapping; what is left out is taken from ``results.attrs``, which files such as CSV do not keep. `root`,
        `fetch` and `webhook_url` of another process's run have to be passed again.

    Returns
    -------
    pandas.DataFrame
        The same rows, with new results for those that were sent.

    Raises
    ------
    MappingError, AccountError, JournalError, UploadError
        As for `upload`; also for a frame without `ik_status`, or with settings in ``attrs`` that have to be passed
        again.
    """
    with summarized("retry", keywords.pop("on_summary", None)) as report:
        fetch = keywords.get("fetch")
        given, sending = split_keywords(_retry, UploadKeywords, {**keywords, "fetch": fetch or "server"})
        options = engine.send_options(**sending)
        work = retry_job(results, given, fetch)
        add_histories(work, account, earlier_journal, trust=options.trust_journal)
        again: Frame = await engine.collect_results(engine.begin, work, account, options, journal, report)
        return again


retry = to_sync(_retry, "retry")


def retry_job(results: Any, given: Mapping[str, Any], fetch: str | None) -> UploadJob:
    """Return the job that sends the rows of a results frame that are not uploaded.

    `given` is the caller's mapping; what it leaves out is taken from the frame's ``attrs``, as far as they may decide
    it. `fetch` says who downloads URLs, where the caller says so. Raise `MappingError` if the frame has no `ik_status`,
    or its ``attrs`` have settings that only the caller may pass.
    """
    table = InMemoryTable(results)
    results = table.frame
    results_of(results.iloc[:0])  # raises if it is not a results frame
    check_result_columns(results)
    mapping = stored_mapping.merged(results.attrs, given, fetch, [*results.columns])
    has_mapping = known_by(results.attrs) is not None or "mapping" in about(results.attrs)
    settled = results["ik_status"].isin(SETTLED).all()  # then nothing is sent, and no mapping is needed
    checks: Literal["all", "file", "nothing"] = "nothing" if settled else "file" if has_mapping else "all"
    return UploadJob(table, mapping, has_results=True, checks=checks)


def add_histories(job: UploadJob, account: Account, journal: str | Path | None, *, trust: bool) -> None:
    """Add what the earlier journal has about rows that are unknown; a named journal is read in any case.

    `journal` is the one of the run that returned the results; None: the one that this process remembers. `trust`
    accepts a journal that does not prove that this account wrote it. Raise `JournalError` if the named journal cannot
    be used.
    """
    results = job.table.sample
    has_unknown = (results["ik_status"] == "unknown").any()
    if has_unknown or journal is not None:
        records = catalog.earlier(results, account, journal, trust=trust)
        if has_unknown:
            histories = history.histories_of_records(records, catalog.token_signer(account))
            job.histories_by_path = history.unknown_by_path(histories)
