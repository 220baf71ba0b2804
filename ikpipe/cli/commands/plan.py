"""The command plan, and `upload --dry-run`."""

from __future__ import annotations

from argparse import Namespace
from contextlib import ExitStack
from typing import TYPE_CHECKING

import ikpipe
from ikpipe.cli import help_text, mapping, output
from ikpipe.cli.exit_status import SOME_NOT, SUCCESS
from ikpipe.cli.options import (
    Commands,
    accept_upload_options,
    add_command,
    add_mapping,
    add_policy,
    add_profile,
    add_reading,
    add_repeated,
    add_reporting,
    add_timeout,
    add_writing,
)
from ikpipe.cli.signals import exit_at_once
from ikpipe.cli.wording import in_options, say, width
from ikpipe.errors import Error

if TYPE_CHECKING:
    from ikpipe.frames.io.writing import ChunkWriter
    from ikpipe.run.job import UploadJob
    from ikpipe.run.plan_report import PlanCounts


HELP = f"""\
examples:
  ikpipe plan products.csv --map file=image_url --set 'file_name={{sku}}.jpg' \\
      --on-existing sync
  ikpipe plan products.csv --map file=image_url --on-existing skip -o plan.csv

{help_text.MAPPING}

Nothing is sent or changed: the media library is read, files are hashed, and
with --changed-by content the hosts of URLs are asked about them. The other
options of `upload` are accepted, and have no effect here.
PLAN is .csv, .xlsx, .jsonl or .parquet; - is CSV on standard output. It is IN
with ik_action (upload, replace, update, skip, unchanged, duplicate, error or
invalid), ik_target, ik_reason, ik_bytes, ik_file_id and ik_versions.

exit status: 0 nothing would fail, 1 some rows are invalid or would fail, 2 bad
input or options, 3 account refused or service unreachable"""


def add(every: Commands) -> None:
    """Add the command."""
    purpose = "say what upload would do with each row, without doing it"
    command = add_command(every, "plan", plan, "IN [-o PLAN] [options]", purpose, HELP)
    command.add_argument("table", metavar="IN", help="the table to read; - for standard input")
    command.add_argument("-o", "--out", metavar="PLAN", help="the file for the plan; - for standard output")
    add_reading(command)
    add_writing(command)
    add_mapping(command)
    add_repeated(command)
    add_timeout(command)
    add_policy(command)
    add_reporting(command)
    add_profile(command)
    accept_upload_options(command)


def plan(options: Namespace) -> int:
    """`ikpipe plan IN [-o PLAN]`, and `ikpipe upload --dry-run`, which writes no file."""
    from ikpipe.frames.io.streams import open_table
    from ikpipe.run.job import UploadJob

    if options.emulator:
        raise Error("A temporary ImageKit is empty, so there is nothing to plan.", fix="Omit --emulator, or use check.")
    style, out = output.csv_style(options), None if options.command == "upload" else options.out
    if out is not None:
        output.check_writable(out, style, options.table)
    job = UploadJob(open_table(options.table, mapping.read_options(options)), mapping.run_mapping(options))
    account = ikpipe.Account.from_env(options.profile)
    with exit_at_once(), ExitStack() as stack:
        attrs = job.table.sample.attrs
        writer = None if out is None else stack.enter_context(output.chunk_writer(out, style, attrs))
        counts = _write_plan(job, account, options, writer)
    if not options.quiet:
        say(*counts.lines(width(), job.table.lines, in_options), "", f"Mapping: {job.mapping_text}")
        say("Nothing was sent or changed.")
    return SUCCESS if counts.all_well else SOME_NOT


def _write_plan(job: UploadJob, account: ikpipe.Account, options: Namespace, writer: ChunkWriter | None) -> PlanCounts:
    """Plan the rows of a job, write them if there is a file for them, and return their counts."""
    from ikpipe.concurrency.interrupts import to_sync
    from ikpipe.frames.plans import with_plan
    from ikpipe.run.plan import Planner
    from ikpipe.run.plan_report import PlanCounts
    from ikpipe.service.client import ServiceClient

    recorder, policy = options.reports.recorder, mapping.policy(options.policy)
    counts = PlanCounts(kept=recorder.kept)
    recorder.lines = job.table.lines

    async def go() -> None:
        """Plan the rows chunk by chunk."""
        async with ServiceClient(None, options.timeout, policy, options.fetch_host) as client:
            planner = Planner(job, client, account, policy, options.state, options.run_name)
            async for chunk, rows in planner.chunks():
                counts.add(chunk.frame.index, rows, chunk.start)
                if writer is not None:
                    writer.add(with_plan(chunk, rows))
            recorder.run = planner.summary()
            if writer is not None:
                writer.close(planner.summary())

    try:
        to_sync(go, "plan")()
    finally:
        recorder.planned(counts)
    return counts
