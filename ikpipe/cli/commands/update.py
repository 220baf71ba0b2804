"""update: change files of the media library, and write what became of each row."""

from __future__ import annotations

from argparse import Namespace
from contextlib import ExitStack
from typing import TYPE_CHECKING

import ikpipe
from ikpipe.cli import mapping, output
from ikpipe.cli.exit_status import INTERRUPTED, SOME_NOT, SUCCESS
from ikpipe.cli.next_command import announce_resume
from ikpipe.cli.option_values import count
from ikpipe.cli.options import (
    Commands,
    add_command,
    add_formats,
    add_parameters,
    add_policy,
    add_profile,
    add_reading,
    add_reporting,
    add_timeout,
    add_trust,
    add_writing,
)
from ikpipe.cli.sending import progress
from ikpipe.cli.wording import in_options, say, width
from ikpipe.frames.io.opening import STANDARD

if TYPE_CHECKING:
    from ikpipe.frames.io.writing import ChunkWriter
    from ikpipe.journal.history import OpenJournal
    from ikpipe.run.job import UploadJob
    from ikpipe.run.plan_report import PlanCounts
    from ikpipe.run.updater import Updater

GOOD = {"planned", "done", "unchanged", "none"}
"""The outcomes of rows with which the command has done what it could."""

HELP = """\
examples:
  ikpipe update results.csv --set add_tags=summer --dry-run
  ikpipe update results.csv --map custom_metadata=brand,price -o changed.csv
  ikpipe update moves.csv --map folder=to --set 'file_name={sku}.jpg'
  ikpipe update files.csv --set unset=description,custom_metadata.brand

A row names its file by a column ik_file_id or fileId, else ik_file_path or
filePath: results of an upload, or what `ikpipe files` wrote. Or map a column:
--map file_path=COLUMN (or file_id). An empty cell leaves a detail as it is.

Parameters, by --map, --set, or columns of these names:
  tags (all of them), add_tags, remove_tags, custom_metadata, description,
  custom_coordinates, is_published, unset (details to remove)
Only by --map or --set: file_name and folder, which rename and move files; or
--path for both. No file is ever replaced.

Only what differs is sent; the same command again sends nothing. OUT is .csv,
.xlsx, .jsonl or .parquet; - is CSV on standard output. It is TABLE with
ik_change (planned, done, unchanged, absent, failed, cancelled or none) and
ik_change_message.

exit status: 0 all changed (or nothing to change), 1 some rows are not, 2 bad
input or options, 3 account refused or service unreachable, 130 interrupted
(the same command, or `resume`, continues)"""


def add(every: Commands) -> None:
    """Add the command."""
    purpose = "change files of the media library in place, by the values of a table"
    command = add_command(every, "update", update, "TABLE [-o OUT] [options]", purpose, HELP)
    command.add_argument("table", metavar="TABLE", help="a table whose rows name files; - for standard input")
    command.add_argument("-o", "--out", metavar="OUT", help="the file for the results; - for standard output")
    add_reading(command)
    add_writing(command)
    add_parameters(command)
    add_formats(command)
    command.add_argument("-n", "--dry-run", action="store_true", help="only say what would be changed")
    command.add_argument(
        "--journal",
        metavar="FILE",
        help="file that records the update (default: one for this table and these changes); the same command continues "
        "an interrupted one",
    )
    command.add_argument("--max-failures", metavar="N", type=count, help="stop after N failed rows")
    add_trust(command)
    add_timeout(command)
    add_policy(command)
    add_reporting(command)
    add_profile(command)
    command.set_defaults(emulator=False, fetch_host=[])


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

    recorder = options.reports.recorder
    counts = PlanCounts(title="Update of", kept=recorder.kept)
    recorder.lines, recorder.dry_run = job.table.lines, record is None
    with ExitStack() as stack:
        attrs, style = job.table.sample.attrs, output.csv_style(options)
        writer = None if options.out is None else stack.enter_context(output.chunk_writer(options.out, style, attrs))
        try:
            updater = _change(options, job, account, policy, record, counts, writer)
        finally:
            recorder.planned(counts)
        own = {name: value for name, value in updater.summary().items() if name in ("run", "journal", "interrupted")}
        recorder.run = {**own, "mapping": job.mapping, "effective_mapping": job.mapping_text}
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
    return SUCCESS if counts.actions.keys() <= GOOD else SOME_NOT


def _change(
    options: Namespace,
    job: UploadJob,
    account: ikpipe.Account,
    policy: ikpipe.Policy,
    record: OpenJournal | None,
    counts: PlanCounts,
    writer: ChunkWriter | None,
) -> Updater:
    """Update the files of a job, and write and count the outcomes."""
    from ikpipe.concurrency.interrupts import to_sync
    from ikpipe.frames.edits import chunk_with_changes
    from ikpipe.frames.plans import PlannedRow
    from ikpipe.run.update import open_updater

    async def go() -> Updater:
        """Update the files chunk by chunk."""
        shown = {"progress": progress(options), "max_failures": options.max_failures, "timeout": options.timeout}
        async with open_updater(job, account, policy, record, dry_run=record is None, **shown) as updater:
            async for chunk, changes in updater.chunks():
                rows = [PlannedRow(one.change, None, one.message or "") for one in changes]
                counts.add(chunk.frame.index, rows, chunk.start)
                if writer is not None:
                    writer.add(chunk_with_changes(chunk, changes))
            if writer is not None:
                writer.close(updater.summary())
            return updater

    return to_sync(go, "update")()
