"""update: change files of the media library, and write what became of each row."""

from __future__ import annotations

from argparse import Namespace
from contextlib import ExitStack
from typing import TYPE_CHECKING

import ikpipe
from ikpipe.cli import mapping, output
from ikpipe.cli.next_command import announce_resume
from ikpipe.cli.wording import in_options, say, width
from ikpipe.frames.io.opening import STANDARD

if TYPE_CHECKING:
    from ikpipe.frames.io.writing import ChunkWriter
    from ikpipe.journal.history import OpenJournal
    from ikpipe.run.job import UploadJob
    from ikpipe.run.plan_report import PlanCounts
    from ikpipe.run.updater import Updater

ALL_CHANGED, SOME_NOT, INTERRUPTED = 0, 1, 130
GOOD = {"planned", "done", "unchanged", "none"}
"""The outcomes of rows with which the command has done what it could."""


def update(options: Namespace) -> int:
    """`ikpipe update TABLE [-o OUT]`."""
    from ikpipe.frames.io.streams import open_table
    from ikpipe.frames.update_mapping import UpdateMapping
    from ikpipe.run import update_journal
    from ikpipe.run.job import UploadJob
    from ikpipe.run.update import check_job

    if options.out is not None:
        output.check_writable(options.out, output.csv_style(options), options.table, options.journal)
    table = open_table(options.table, mapping.read_options(options))
    job = UploadJob(table, mapping.run_mapping(options), reader=UpdateMapping)
    account, policy = ikpipe.Account.from_env(options.profile), mapping.policy(options.policy)
    check_job(job, account)
    with announce_resume(options):
        record = None
        if not options.dry_run:
            record = update_journal.begin(options.journal, job, account, policy, trust=options.trust_journal)
        return _change_and_write(options, job, account, policy, record)


def finish_update(options: Namespace, job: UploadJob, account: ikpipe.Account, record: OpenJournal) -> int:
    """Continue the update of a journal, for `ikpipe resume`."""
    from ikpipe.run.options import policy_of

    policy = mapping.policy(options.policy) if options.policy else policy_of(record.journal.facts["sending"])
    with announce_resume(options):
        return _change_and_write(options, job, account, policy, record)


def _change_and_write(
    options: Namespace, job: UploadJob, account: ikpipe.Account, policy: ikpipe.Policy, record: OpenJournal | None
) -> int:
    """Update the files of a job, write the outcomes of its rows if there is a file for them, and report them."""
    from ikpipe.run.plan_report import PlanCounts

    counts = PlanCounts(title="Update of")
    with ExitStack() as stack:
        attrs, style = job.table.sample.attrs, output.csv_style(options)
        writer = None if options.out is None else stack.enter_context(output.chunk_writer(options.out, style, attrs))
        updater = _change(job, account, policy, record, counts, writer, progress=not options.quiet)
    if not options.quiet:
        say(*counts.lines(width(), job.table.lines, in_options))
        if record is None:
            say("Nothing was changed.")
        elif options.out is not None and options.out != STANDARD:
            say(f"Results: {options.out}")
    if updater.trouble is not None:
        raise updater.trouble
    if updater.summary()["interrupted"]:
        return INTERRUPTED
    return ALL_CHANGED if counts.actions.keys() <= GOOD else SOME_NOT


def _change(
    job: UploadJob,
    account: ikpipe.Account,
    policy: ikpipe.Policy,
    record: OpenJournal | None,
    counts: PlanCounts,
    writer: ChunkWriter | None,
    *,
    progress: bool,
) -> Updater:
    """Update the files of a job, and write and count the outcomes."""
    from ikpipe.concurrency.interrupts import to_sync
    from ikpipe.frames.edits import chunk_with_changes
    from ikpipe.frames.plans import PlannedRow
    from ikpipe.run.update import open_updater

    async def go() -> Updater:
        """Update the files chunk by chunk."""
        async with open_updater(job, account, policy, record, dry_run=record is None, progress=progress) as updater:
            async for chunk, changes in updater.chunks():
                rows = [PlannedRow(one.change, None, one.message or "") for one in changes]
                counts.add(chunk.frame.index, rows, chunk.start)
                if writer is not None:
                    writer.add(chunk_with_changes(chunk, changes))
            if writer is not None:
                writer.close(updater.summary())
            return updater

    return to_sync(go, "update")()
