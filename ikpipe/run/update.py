"""`update`: change files of the media library in place, row by row."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Unpack

from ikpipe.concurrency.interrupts import to_sync
from ikpipe.concurrency.rate import RateLimiter
from ikpipe.errors import MappingError, did_you_mean
from ikpipe.frames.adapters import Frame
from ikpipe.frames.chunks import InMemoryTable
from ikpipe.frames.edits import ChangeCollector
from ikpipe.frames.update_mapping import UpdateMapping
from ikpipe.request.formats import FORMATS
from ikpipe.request.parameters import PATH, UPDATE_TABLE, python_name
from ikpipe.request.policy import Policy
from ikpipe.run import update_journal
from ikpipe.run.job import UploadJob
from ikpipe.run.keywords import UpdateKeywords, listed_keywords
from ikpipe.run.prepare import collect_mapping
from ikpipe.run.progress_display import Shown
from ikpipe.run.update_journal import UpdateJournal
from ikpipe.run.updater import Updater
from ikpipe.service.client import ServiceClient

if TYPE_CHECKING:
    from ikpipe.journal.history import OpenJournal
    from ikpipe.request.account import Account


@listed_keywords(UpdateKeywords)
async def _update(
    frame: Frame, account: Account, *, dry_run: bool = False, **keywords: Unpack[UpdateKeywords]
) -> Frame:
    """Change files of the media library in place: tags, custom metadata, description, publication, name and folder.

    Nothing is uploaded again, and only what differs is sent. A parameter that a row does not give, and an empty cell,
    leave a detail as it is. ``docs/library.md`` describes it.

    Parameters
    ----------
    frame
        n rows: a table as for `upload`, such as its results, or those of `read_results` or `files`.
        Files are identified by ``ik_file_id`` or ``fileId``, else by ``ik_file_path`` or ``filePath``.
    account
        Must have the private key.
    columns
        Parameter → column, as for `upload`; also `file_id` and `file_path`. `file_name` and `folder`, which rename and
        move files, are never taken from columns of these names unless they are mapped here.
    ignore, tag_separator, decimal, true_values, false_values
        As for `upload`.
    file_id, file_path
        The file, for all rows; ``{column}`` in the text is replaced. Paths are used as they are.
    add_tags, remove_tags
        Tags to add and to remove; others stay. `tags` sets all of them instead.
    unset
        Details to remove: ``"description"``, ``"tags"``, ``"custom_coordinates"``, ``"custom_metadata"``, or one field
        such as ``"custom_metadata.brand"``.
    dry_run
        Whether to only report what would be changed; files are read, and nothing is changed.
    journal
        File that records the update, so that it can be finished if it is interrupted, and undone; None creates one in
        the user's state folder. The same call, or `resume`, continues an interrupted update.
    trust_journal
        As for `upload`.
    progress
        As for `upload`.
    max_failures
        Stop the update, and raise `UploadError`, when this many rows are ``failed``; None sets no limit.
    policy
        Its `changes` and `look_ups` are the maximum numbers of requests per second.
    timeout, transport
        As for `upload`.
    **parameters
        `tags`, `custom_metadata`, `description`, `custom_coordinates`, `is_published`, `is_private_file` (which the
        service can only set in an upload, so a row that would change it fails), `file_name`, `folder`; or `path`, which
        sets these two together.

    Returns
    -------
    pandas.DataFrame, or what the input was
        The same rows, with `ik_change`: ``planned`` (a dry run), ``done``, ``unchanged`` (the file has these details
        already), ``absent`` (there is no such file), ``failed``, ``cancelled`` (after Ctrl-C), or ``none`` (the row
        names no file, or nothing to change); and `ik_change_message`, which says what changes, or why not.

    Raises
    ------
    MappingError
        Columns, templates or keywords do not fit the frame; nothing was sent.
    AccountError
        There is no private key, or the service rejects it; ``.results`` has the rows so far.
    JournalError
        The journal cannot be used, or nothing proves that this account wrote it; ``.results`` has the rows so far.
    UploadError
        There were `max_failures`; ``.results`` has the rows so far.
    """
    mapping, asking = split_update_keywords(keywords)
    policy, trust = asking.pop("policy", None) or Policy(), asking.pop("trust_journal", False)
    journal, progress = asking.pop("journal", None), asking.pop("progress", True)
    job = UploadJob(InMemoryTable(frame), mapping, reader=UpdateMapping)
    check_job(job, account)
    record = None if dry_run else update_journal.begin(journal, job, account, policy, trust=trust)
    changed: Frame = await collect_changes(job, account, policy, record, dry_run=dry_run, progress=progress, **asking)
    return changed


update = to_sync(_update, "update")


def split_update_keywords(
    keywords: Mapping[str, Any], kind: type = UpdateKeywords
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the mapping, and the other keywords, of a call of `update`.

    `kind` is the `TypedDict` of its keywords. Raise `MappingError` if it does not have a keyword; the message suggests
    one of a similar name.
    """
    names = [*UPDATE_TABLE, PATH]
    parameters = {name: value for name, value in keywords.items() if python_name(name) in names}
    others = {name: value for name, value in keywords.items() if name not in parameters}
    known = kind.__annotations__
    if unknown := [name for name in others if name not in known]:
        suggestion = did_you_mean(unknown[0], [*names, *known, "dry_run"], cutoff=0.7)
        raise MappingError(f"There is no update parameter {unknown[0]!r}{suggestion}.")
    columns, ignore = others.pop("columns", None), others.pop("ignore", ())
    formats = {name: others.pop(name) for name in FORMATS if name in others}
    return collect_mapping(columns, None, None, "server", parameters, formats, ignore), others


def check_job(job: UploadJob, account: Account) -> None:
    """Check the mapping of an update, and that the account can change files, before anything is created or sent."""
    account.key()  # raises if there is none
    job.first_mapping()


async def collect_changes(
    job: UploadJob,
    account: Account,
    policy: Policy,
    record: OpenJournal | None,
    *,
    dry_run: bool,
    progress: Shown,
    max_failures: int | None = None,
    pace: Callable[[float], RateLimiter] = RateLimiter,
    **connection: Any,
) -> Any:
    """Update the files of a table, and return it with the outcomes of its rows.

    `record` is the journal; None keeps none. `dry_run`: files are only read. `pace` is that of `Updater`. `connection`
    are keywords of `ServiceClient`. An error that stops the update has the rows as far as they got.
    """
    collector = ChangeCollector(job.table)
    shown: dict[str, Any] = {"dry_run": dry_run, "progress": progress, "max_failures": max_failures, "pace": pace}
    async with open_updater(job, account, policy, record, **shown, **connection) as updater:
        async for chunk, rows in updater.chunks():
            collector.take(chunk, rows)
    results = collector.close(updater.summary())
    if updater.trouble is not None:
        updater.trouble.results = results
        raise updater.trouble
    return results


@asynccontextmanager
async def open_updater(
    job: UploadJob,
    account: Account,
    policy: Policy,
    record: OpenJournal | None,
    *,
    dry_run: bool,
    progress: Shown,
    max_failures: int | None = None,
    pace: Callable[[float], RateLimiter] = RateLimiter,
    **connection: Any,
) -> AsyncIterator[Updater]:
    """Yield what updates the files of a job; parameters are those of `collect_changes`."""
    async with ServiceClient(policy=policy, **connection) as client, AsyncExitStack() as stack:
        journal = None if record is None else await stack.enter_async_context(UpdateJournal(record, job.table))
        shown: dict[str, Any] = {"dry_run": dry_run, "progress": progress, "max_failures": max_failures, "pace": pace}
        yield Updater(job, client, account, policy, journal, **shown)
