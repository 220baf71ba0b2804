"""A run from its table to its results: what upload, retry, resume and the command line share."""

from __future__ import annotations

import logging
import uuid
from itertools import islice
from typing import TYPE_CHECKING, Any

from ikpipe.concurrency.control import CONTROL, RunControl
from ikpipe.errors import AccountError
from ikpipe.frames.chunks import InMemoryTable
from ikpipe.frames.result_types import check_result_columns
from ikpipe.frames.results import ResultCollector, results_of
from ikpipe.journal import catalog, history
from ikpipe.request.account import Account
from ikpipe.request.planner import RequestBuilder
from ikpipe.request.policy import Policy
from ikpipe.request.sources import FileResolver
from ikpipe.request.suffixes import SuffixByPosition
from ikpipe.run import stored_mapping
from ikpipe.run.job import UploadJob
from ikpipe.run.options import KEPT, SendOptions, policy_of
from ikpipe.run.prepare import planner_for
from ikpipe.run.progress import display
from ikpipe.run.session import Session
from ikpipe.service.client import ServiceClient

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping
    from pathlib import Path

    import httpx

    from ikpipe.journal.history import OpenJournal
    from ikpipe.request.suffixes import SuffixRule
    from ikpipe.request.targets import TargetRegistry
    from ikpipe.run.ordering import ResultSink

_CLAIMED = 100_000  # paths at a time

_log = logging.getLogger("ikpipe")


def options(
    transport: httpx.AsyncBaseTransport | None = None,
    timeout: float | None = None,
    policy: Policy | None = None,
    fetch_hosts: Iterable[str] = (),
    **sending: Any,
) -> SendOptions:
    """Gather what is said of the sending, and the connections for it."""
    policy = policy or Policy()
    return SendOptions(ServiceClient(transport, timeout, policy, fetch_hosts), policy, timeout=timeout, **sending)


def options_as_begun(
    record: OpenJournal, policy: Policy | None = None, fetch_hosts: Iterable[str] = (), **given: Any
) -> SendOptions:
    """Gather the same for a run that is finished: what is None is as the run was begun with."""
    kept = record.journal.facts["sending"]
    said = {name: value for name, value in given.items() if value is not None}
    sending = {**{name: kept.get(name) for name in KEPT}, **said}
    return options(policy=policy or policy_of(kept), fetch_hosts=fetch_hosts, **sending)


def retried(
    results: Any,
    account: Account,
    given: Mapping[str, Any],
    fetch: str | None,
    earlier_journal: str | Path | None = None,
    *,
    trust: bool = False,
) -> UploadJob:
    """Make work of a results frame: the rows that are not up are sent.

    Parameters
    ----------
    results
        What `upload` gave.
    account
        Whose library it is.
    given
        The mapping; what it does not say is as in the frame's ``attrs``, as far as these may say it.
    fetch
        Who fetches URLs, where that was said.
    earlier_journal
        The journal of the run that gave the results; None: the one that this process knows.
    trust
        Take a journal that does not prove that this account wrote it.

    Raises
    ------
    MappingError
        The frame has no `ik_status`, or its ``attrs`` say what only the caller may say.
    JournalError
        The journal that was named cannot be used.
    """
    table = InMemoryTable(results)
    results = table.frame
    results_of(results.iloc[:0])  # which finds out if it is none
    check_result_columns(results)
    mapping = stored_mapping.merged(results.attrs, given, fetch)
    doubt = (results["ik_status"] == "unknown").any()
    named = earlier_journal is not None
    stories = catalog.earlier(results, account, earlier_journal, trust=trust) if doubt or named else ()
    earlier = history.by_path(history.of_stories(stories, catalog.token_signer(account))) if doubt else {}
    return UploadJob(table, mapping, again=True, earlier=earlier)


def resumed(journal: str | Path, account: Account, *, trust: bool = False) -> tuple[OpenJournal, UploadJob]:
    """Open the journal of a run that was interrupted, and return what is left to do of it.

    Parameters and errors are those of `catalog.open_interrupted`.
    """
    record, table, mapping = catalog.open_interrupted(journal, account, trust=trust)
    return record, UploadJob(table, mapping, again=record.journal.facts["again"])


async def begin(
    work: UploadJob, account: Account, options: SendOptions, sink: ResultSink, journal: str | Path | None
) -> None:
    """Begin a run with a journal, or go on with the one that is there.

    Parameters
    ----------
    work, account, options
        What is to be done, for whom, and how.
    sink
        Where the results go, chunk by chunk, as they come.
    journal
        Its file; None makes one in the user's state folder.
    """
    check_account(account)
    work.first_plan()  # which finds what is wrong with the mapping, before there is any file
    record = catalog.begin(
        journal,
        work.feed,
        work.mapping,
        account,
        sending=options.kept(),
        again=work.again,
        trust=options.trust_journal,
    )
    with record.journal as there:
        words = "the journal is %s; if this run is cut off, resume() finishes it"
        _log.info(words, there.path, extra={"journal": str(there.path)})
        await send(work, account, options, sink, record)


async def send(
    work: UploadJob,
    account: Account,
    options: SendOptions,
    sink: ResultSink,
    record: OpenJournal | None,
    suffixes: SuffixRule | None = None,
    targets: TargetRegistry | None = None,
) -> None:
    """Send what is to be sent, and raise what the run was stopped by.

    Parameters
    ----------
    work, account, options, sink
        As for `begin`.
    record
        An open journal; None keeps none.
    suffixes
        Makes unique names unique; None tells rows apart by their positions.
    targets
        Where rows of tables before this one are stored; None: this is all.
    """
    check_account(account)
    plan = work.first_plan()
    run = uuid.uuid4().hex if record is None else record.journal.facts["run"]
    if options.policy.unique_names == "client":
        suffixes = suffixes or SuffixByPosition(run)
    show = display(options.progress, work.feed.rows)
    control = CONTROL.get() or RunControl()
    before = CONTROL.set(control)
    try:
        control.attach()
        async with options.wire as wire:
            wire.sleep = control.sleep
            names = options.policy.names
            asked = planner_for(wire, account, work.mapping, plan, suffixes, work.feed.label, targets, names)
            planner = await control.unless_draining(asked) or RequestBuilder(
                FileResolver()
            )  # of a run that plans nothing
            if plan.provides("use_unique_file_name"):
                up = work.claims(record)
                while some := dict(islice(up, _CLAIMED)):
                    planner.claim_all(some.values(), some)
            session = Session(work, planner, account, options, show, sink, run, record)
            await session.go()
    finally:
        CONTROL.reset(before)
        show.close()
    results = session.conclude()
    if error := session.error(results):
        raise error


async def collected(
    way: Callable[..., Awaitable[None]], work: UploadJob, account: Account, options: SendOptions, journal: Any
) -> Any:
    """Gather into a frame what `begin` or `send` give to a sink; an error carries it as far as it got."""
    sink = ResultCollector(work.feed)
    await way(work, account, options, sink, journal)
    return sink.results


def check_account(account: Account) -> None:
    """See that tokens can be signed for an account.

    Raises
    ------
    AccountError
        They cannot; the message says what is missing.
    """
    if not isinstance(account, Account):
        raise AccountError(f"The account is a {type(account).__name__}; make one with ikpipe.Account.from_env().")
    account.check()
