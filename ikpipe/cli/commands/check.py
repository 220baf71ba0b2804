"""The command check."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

import ikpipe
from ikpipe.cli import help_text, mapping, output, report
from ikpipe.cli.exit_status import SOME_NOT, SUCCESS
from ikpipe.cli.options import (
    Commands,
    accept_upload_options,
    add_command,
    add_mapping,
    add_policy,
    add_profile,
    add_reading,
    add_reporting,
    add_timeout,
    add_writing,
)
from ikpipe.cli.signals import exit_at_once
from ikpipe.cli.temporary_emulator import metadata_fields
from ikpipe.cli.wording import in_options, say
from ikpipe.errors import Problem

if TYPE_CHECKING:
    import pandas as pd

    from ikpipe.run.job import UploadJob


HELP = f"""\
examples:
  ikpipe check products.csv --map file=image_url --set 'file_name={{sku}}.jpg'
  ikpipe check products.csv --map file=image_url --probe -o problems.csv

{help_text.MAPPING}

Nothing is uploaded. With an account (in the environment or --profile), custom
metadata is also checked against the account's fields. The other options of
`upload` are accepted, and have no effect here.
PROBLEMS is .csv, .xlsx, .jsonl or .parquet; - is CSV on standard output. It has
the row, position, column, parameter, severity, code, message and fix of every
problem.

exit status: 0 no errors (warnings do not count), 1 errors, 2 bad input or
options"""


def add(every: Commands) -> None:
    """Add the command."""
    purpose = "find problems in every row without uploading anything"
    command = add_command(every, "check", check, "IN [-o PROBLEMS] [options]", purpose, HELP)
    command.add_argument("table", metavar="IN", help="the table to read; - for standard input")
    command.add_argument("-o", "--out", metavar="PROBLEMS", help="the file for the problems; - for standard output")
    add_reading(command)
    add_writing(command)
    add_mapping(command)
    command.add_argument("--probe", action="store_true", help="request the headers of each URL")
    add_timeout(command)
    add_policy(command)
    add_reporting(command)
    account = command.add_mutually_exclusive_group()
    add_profile(account)
    account.add_argument("--emulator", action="store_true", help="check without the account, as for upload --emulator")
    accept_upload_options(command)


def check(options: Namespace) -> int:
    """`ikpipe check IN [-o PROBLEMS]`."""
    from ikpipe.frames.io.streams import open_table
    from ikpipe.request.profiles import is_set_up
    from ikpipe.run.job import UploadJob

    style = output.csv_style(options)
    if options.out is not None:
        output.check_writable(options.out, style, options.table)
    run_mapping = mapping.run_mapping(options)
    has_account = not options.emulator and (options.profile or is_set_up())
    account = ikpipe.Account.from_env(options.profile) if has_account else None
    with exit_at_once():
        table = open_table(options.table, mapping.read_options(options))
        job = UploadJob(table, run_mapping)
        problems, rows = _find_problems(job, account, options)
    recorder = options.reports.recorder
    recorder.lines, recorder.run = table.lines, {"effective_mapping": job.mapping_text, "mapping": job.mapping}
    recorder.problems(problems, rows)
    if options.out is not None:
        output.write_frame(problems, options.out, style)
    if not options.quiet:
        lines = report.report_writer(table.lines).problems(problems, rows)
        say(*lines, *([] if problems.empty else [""]), f"Mapping: {job.mapping_text}")
    if account is None and not options.emulator and metadata_fields(table.sample, mapping.call_keywords(options)):
        say("Custom metadata was not checked against the account's fields, since no account is set.")
    return SOME_NOT if (problems["severity"] == "error").any() else SUCCESS


def _find_problems(job: UploadJob, account: ikpipe.Account | None, options: Namespace) -> tuple[pd.DataFrame, int]:
    """Return the problems of a job's table, and the number of its rows."""
    from ikpipe.concurrency.interrupts import to_sync
    from ikpipe.frames.results import problem_frame
    from ikpipe.run.check import find_problems
    from ikpipe.service.client import ServiceClient

    async def find_all() -> tuple[list[Problem], int]:
        """Return the problems and the number of rows."""
        policy = mapping.policy(options.policy)
        async with ServiceClient(None, options.timeout, policy, options.fetch_host) as client:
            return await find_problems(job, client, account, probe=options.probe, policy=policy)

    found, rows = to_sync(find_all, "check")()
    in_words = [problem._replace(message=in_options(problem.message), fix=in_options(problem.fix)) for problem in found]
    return problem_frame(in_words), rows
