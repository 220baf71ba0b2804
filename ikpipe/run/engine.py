"""A run from its table to its results, for `upload`, `retry`, `resume`, the command line, the widget and clusters."""

from __future__ import annotations

import logging
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ikpipe.concurrency.interrupts import CURRENT_CONTROL, RunControl
from ikpipe.concurrency.shares import Share
from ikpipe.errors import RESUME, AccountError, Message, keyword
from ikpipe.errors.logs import log_event, logged_run, present_run
from ikpipe.frames.mapping import ColumnMapping
from ikpipe.frames.results import ResultCollector
from ikpipe.frames.update_mapping import UpdateMapping
from ikpipe.journal import catalog
from ikpipe.journal.catalog import is_update
from ikpipe.journal.history import OpenJournal
from ikpipe.request.account import Account
from ikpipe.request.missing import without_none
from ikpipe.request.planner import RequestBuilder
from ikpipe.request.policy import Policy
from ikpipe.request.sources import FileResolver
from ikpipe.request.suffixes import SuffixByContent, SuffixByPosition, SuffixRule
from ikpipe.request.targets import TargetRegistry
from ikpipe.run.existing.rules import ExistingRules
from ikpipe.run.existing.state import check_state, open_state
from ikpipe.run.job import UploadJob
from ikpipe.run.options import RECORDED, SendOptions, limited_bandwidth, policy_of
from ikpipe.run.ordering import ResultSink
from ikpipe.run.prepare import log_warning, report_mapping, request_builder
from ikpipe.run.progress_display import display
from ikpipe.run.run_log import log_start
from ikpipe.run.session import Session
from ikpipe.run.summaries import SummaryRecorder
from ikpipe.service.client import ServiceClient

if TYPE_CHECKING:
    import httpx

_RESERVED = 100_000  # paths that are reserved at once

_log = logging.getLogger("ikpipe.run")


def send_options(
    transport: httpx.AsyncBaseTransport | None = None,
    timeout: float | None = None,
    policy: Policy | None = None,
    fetch_hosts: Iterable[str] = (),
    bandwidth: float | str | None = None,
    share: Share | None = None,
    client: ServiceClient | None = None,
    **sending: Any,
) -> SendOptions:
    """Return how to send, with a client for it unless one is passed; the other keywords are those of `upload`."""
    policy = policy or Policy()
    client = client or ServiceClient(transport, timeout, policy, fetch_hosts)
    client.limit(limited_bandwidth(bandwidth, share))
    return SendOptions(client, policy, timeout=timeout, bandwidth=bandwidth, share=share, **sending)


def recorded_options(
    record: OpenJournal, policy: Policy | None = None, fetch_hosts: Iterable[str] = (), **changes: Any
) -> SendOptions:
    """Return how to send the rest of an interrupted run: as it was started, unless a keyword is not None."""
    recorded = record.journal.facts["sending"]
    sending = {**{name: recorded.get(name) for name in RECORDED}, **without_none(changes)}
    return send_options(policy=policy or policy_of(recorded), fetch_hosts=fetch_hosts, **sending)


def interrupted_job(journal: str | Path, account: Account, *, trust: bool = False) -> tuple[OpenJournal, UploadJob]:
    """Open the journal of an interrupted run, and return it with its job.

    Parameters and errors are those of `catalog.open_interrupted`.
    """
    record, table, mapping = catalog.open_interrupted(journal, account, trust=trust)
    facts = record.journal.facts
    reader = UpdateMapping if is_update(facts) else ColumnMapping
    return record, UploadJob(table, mapping, has_results=facts["again"], checks="nothing", reader=reader)


async def begin(
    work: UploadJob, account: Account, options: SendOptions, sink: ResultSink, journal: str | Path | None
) -> None:
    """Start a run with a journal, or continue the run of the journal that is there.

    `work`, `account` and `options` are the job, the account, and how to send. `sink` is where the results go, chunk by
    chunk, as they come. `journal` is the file; None makes one in the user's state folder.
    """
    record = open_journal(work, account, options, journal)
    with record.journal:
        await send(work, account, options, sink, record, reports=True)


def open_journal(
    work: UploadJob, account: Account, options: SendOptions, journal: str | Path | None, kind: str = catalog.UPLOAD
) -> OpenJournal:
    """Start the journal of a run, or open the one that is continued.

    `kind` is as for `catalog.begin`; the other parameters are those of `begin`.
    """
    check_account(account)
    work.first_mapping()  # finds errors in the mapping before there is any file
    work.check_changed_by()
    check_state(options.state)
    record = catalog.begin(
        journal,
        work.table,
        work.mapping,
        account,
        sending=options.recorded(),
        run=options.run,
        kind=kind,
        compared=work.existing.decides,
        again=work.has_results,
        trust=options.trust_journal,
    )
    words = "The journal is %s. If this run is interrupted, %s finishes it."
    how = "repeating the sync" if kind == catalog.SYNC else RESUME
    with logged_run(record.journal.facts["run"]):
        log_event(_log, "journal", words, record.journal.path, how, journal=str(record.journal.path))
    return record


async def send(
    work: UploadJob,
    account: Account,
    options: SendOptions,
    sink: ResultSink,
    record: OpenJournal | None,
    suffixes: SuffixRule | None = None,
    targets: TargetRegistry | None = None,
    *,
    reports: bool = False,
) -> None:
    """Upload the rows of a job, and raise what stopped the run.

    `work`, `account`, `options` and `sink` are as for `begin`. `record` is an open journal; None keeps none. `suffixes`
    makes unique names; None: by the positions of rows. `targets` are where rows of tables before this one are stored.
    `reports`: whether to report the mapping; a run that is resumed has reported it, and a part or a single file does
    not.
    """
    check_account(account, work.existing)
    part_of = None if options.shared_since is None else present_run()
    run = (part_of or uuid.uuid4().hex) if record is None else record.journal.facts["run"]
    with logged_run(run):
        await _send(work, account, options, sink, record, run, suffixes, targets, reports=reports)


async def _send(
    work: UploadJob,
    account: Account,
    options: SendOptions,
    sink: ResultSink,
    record: OpenJournal | None,
    run: str,
    suffixes: SuffixRule | None,
    targets: TargetRegistry | None,
    *,
    reports: bool,
) -> None:
    """Upload the rows of a job as the run with an id, as `send` does."""
    mapping = work.first_mapping()
    if options.policy.unique_names == "client":
        suffixes = suffixes or _suffix_rule(options, run)
    bar = display(options.progress, work.table.rows)
    if reports:
        report_mapping(mapping, bar)
        log_warning(work.similar_columns)
    control = CURRENT_CONTROL.get() or RunControl()
    before = CURRENT_CONTROL.set(control)
    try:
        control.attach()
        async with options.client as client:
            client.sleep = control.sleep
            client.check_proxies(account)
            names = options.policy.names
            made = request_builder(client, account, work.mapping, mapping, suffixes, work.table.label, targets, names)
            # A run that is stopped meanwhile plans nothing.
            builder = await control.unless_draining(made) or RequestBuilder(FileResolver())
            if mapping.provides("use_unique_file_name"):
                paths = work.reserved_paths(record)
                while some := dict(islice(paths, _RESERVED)):
                    builder.claim_all(some.values(), some)
            kept, part = work.existing.needs_state or options.state is not None, options.shared_since is not None
            state = await open_state(options.state, account, client, part=part) if kept else None
            session = Session(work, builder, account, options, bar, sink, run, record, state)
            log_start(work, account, options, None if record is None else record.journal.path)
            await session.go()
    finally:
        CURRENT_CONTROL.reset(before)
        bar.close()
    session.conclude()


def _suffix_rule(options: SendOptions, run: str) -> SuffixRule:
    """Return what makes unique names.

    A run with a name can be repeated from the beginning, with a table whose rows have other positions: its names are
    made of the rows' content, so that each of them is stored once.
    """
    return SuffixByPosition(run) if options.run is None else SuffixByContent(run, Counter())


async def collect_results(
    way: Callable[..., Awaitable[None]],
    work: UploadJob,
    account: Account,
    options: SendOptions,
    journal: Any,
    report: SummaryRecorder | None = None,
) -> Any:
    """Run `begin` or `send`, and return the results as a frame; an error carries them as far as they got.

    `report` counts the results for the summary of the call.
    """
    sink = ResultCollector(work.table)
    await way(work, account, options, sink if report is None else report.tally(sink), journal)
    return sink.results


def check_account(account: Account, rules: ExistingRules | None = None) -> None:
    """Check that tokens can be signed for an account, and that the library can be read where `rules` need it.

    Raise `AccountError` if they cannot; the message says what is missing.
    """
    if not isinstance(account, Account):
        name = type(account).__name__
        raise AccountError(f"account is of the type {name}. Pass an ikpipe.Account, for example Account.from_env().")
    account.check()
    if rules is not None and rules.on_existing == "sync" and account.private_key is None:
        words = Message(
            keyword("on_existing", "sync"), " compares rows with the media library, which needs the account's "
        )
        fix = Message("Run it where the key is, or use ", keyword("on_existing", "skip"), ".")
        raise AccountError(Message(words, "private key."), fix=fix)
