"""`sync`: make a folder of the library match a folder or a table."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Unpack

from ikpipe.concurrency.interrupts import CURRENT_CONTROL, to_sync
from ikpipe.frames.syncs import planned_sync
from ikpipe.request.policy import Policy
from ikpipe.run.engine import check_account
from ikpipe.run.existing.requests import StoppedError
from ikpipe.run.keywords import SyncKeywords, UploadKeywords, check_keywords, listed_keywords, split_keywords
from ikpipe.run.stored_mapping import of_results
from ikpipe.run.summaries import summarized
from ikpipe.run.syncing.folder_sync import FolderSync, SyncOptions
from ikpipe.run.syncing.guards import check_delete, obstacle, refusal
from ikpipe.run.syncing.patterns import PathFilter
from ikpipe.run.syncing.sources import open_source

if TYPE_CHECKING:
    import pandas as pd

    from ikpipe.request.account import Account

_log = logging.getLogger("ikpipe.run")
_NOTES = 5  # that are logged


@listed_keywords(SyncKeywords)
async def _sync(  # type: ignore[misc] # `folder` is a parameter of an upload, too
    source: Any,
    account: Account,
    folder: str = "/",
    *,
    delete: bool | Literal["all"] = False,
    include: Iterable[str] | str = (),
    exclude: Iterable[str] | str = (),
    dry_run: bool | None = None,
    journal: str | Path | None = None,
    **keywords: Unpack[SyncKeywords],
) -> pd.DataFrame:
    """Make a folder of the media library match a folder or a table: only what is new or differs is sent.

    Files that were renamed or moved in a local folder are renamed or moved in the library. ``docs/sync.md`` describes
    what is compared, and what is never done.

    Parameters
    ----------
    source
        A local folder; the URL of a folder that fsspec opens, such as ``"s3://bucket/photos"`` (the extra `cloud`); or
        a table: as for `upload`, or the path of a file.
    account
        Must have the private key, with which the media library is read.
    folder
        The folder of the library. The files of a folder keep their paths below it. No row of a table may lead out of
        it.
    delete
        Whether to delete files in `folder` that the source does not have. It is refused for the whole library, if the
        source is empty, and if more than half of the files would be deleted, unless it is ``"all"``.
    include, exclude
        Patterns as rclone's ``--include`` and ``--exclude`` have them, such as ``"*.jpg"`` or ``"drafts/"``. Excluded
        files are neither sent nor deleted.
    dry_run
        Whether to only return the plan; None: if `delete` is set.
    journal
        As for `upload`.
    columns, ignore, root, file_kind, fetch, fetch_hosts, tag_separator, decimal, true_values, false_values
        As for `upload`. Those that say where files come from are only for tables.
    changed_by, state, **parameters
        As for `upload`.
    concurrency, rate, bandwidth, retries, max_failures, timeout, trust_journal, progress, on_result, on_unknown
        As for `upload`.
    on_error, policy, on_summary, transport
        As for `upload`.

    Returns
    -------
    pandas.DataFrame
        A row for each file of the source, then for each file that is deleted. The plan has the columns of
        `ikpipe.plan`. Otherwise there are those of `upload`, then `ik_action` and `ik_reason` as planned, and
        `ik_change` and `ik_change_message` as of `delete`, for moves and deletions. ``attrs["ikpipe"]`` has the totals,
        as ``"not_deleted"`` why nothing was deleted, if so, and as ``"unread"`` what of a folder could not be read.

    Raises
    ------
    MappingError
        The source cannot be read, a pattern or a keyword is not valid, or deleting is refused; nothing was changed.
    AccountError, JournalError, UploadError
        As for `upload`; nothing was deleted.
    Error
        The media library could not be read.
    """
    with summarized("sync", keywords.pop("on_summary", None)) as report:
        check_delete(delete)
        check_keywords(keywords, _sync, SyncKeywords.__annotations__)
        check_account(account)
        account.key()  # raises if there is none
        policy = keywords.get("policy") or Policy()
        patterns = [[one] if isinstance(one, str) else [*one] for one in (include, exclude)]
        opened = open_source(source, folder, PathFilter(*patterns), keywords)
        mapping, sending = split_keywords(_sync, UploadKeywords, {**opened.keywords, "on_existing": "sync"})
        chosen = PathFilter(*patterns, stored=policy.names == "stored")
        options = SyncOptions(folder, delete, chosen, journal, report)
        run = FolderSync(opened, account, mapping, {**sending, "policy": policy}, options)
        dry = bool(delete) if dry_run is None else dry_run
        try:
            frame = await _go(run, dry=dry)
        except StoppedError:
            if (control := CURRENT_CONTROL.get()) is not None and control.interrupted:
                raise KeyboardInterrupt from None
            raise
        if report is not None:
            report.synced(frame, dry=dry)
        return frame


sync = to_sync(_sync, "sync")


async def _go(run: FolderSync, *, dry: bool) -> pd.DataFrame:
    """Plan a sync, and carry it out unless that is a dry run."""
    run.check_source()
    plan = await run.plan()
    scan = run.source.scan
    _report([] if scan is None else [*scan.errors, *scan.notes])
    refused = refusal(run.folder, plan.valid, len(plan.going), plan.count, delete=run.options.delete)
    if not dry:
        if refused is not None:
            raise refused
        return await run.carry_out(plan)
    errors = [] if scan is None else scan.errors
    why: str | None = None if refused is None else refused.text
    if run.options.delete and why is None:
        why = obstacle(errors, {}, plan.unread, plan.unknown_targets)
    rows = plan.planned()
    frame = planned_sync(run.source.table.frame, rows)
    summary = {
        "actions": dict(Counter(row.action for row in rows)),
        "rows": len(rows),
        "bytes": sum(row.bytes or 0 for row in rows),
        "mapping": of_results(run.mapping),
        "not_deleted": None if why is None else str(why),
        "unread": errors,
    }
    frame.attrs["ikpipe"] = summary
    if why is not None:
        _log.warning("Nothing will be deleted: %s", why)
    return frame


def _report(sentences: Sequence[str]) -> None:
    for sentence in sentences[:_NOTES]:
        _log.warning("%s", sentence)
    if (more := len(sentences) - _NOTES) > 0:
        _log.warning("There are %d more such files and folders.", more)
