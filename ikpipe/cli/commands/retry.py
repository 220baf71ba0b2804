"""The command retry."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

import ikpipe
from ikpipe.cli import help_text, mapping, output
from ikpipe.cli.exit_status import SUCCESS
from ikpipe.cli.options import Commands, add_account, add_command, add_mapping, add_reading, add_sending, add_writing
from ikpipe.cli.sending import upload_table
from ikpipe.cli.wording import say

if TYPE_CHECKING:
    from ikpipe.run.job import UploadJob


HELP = f"""\
examples:
  ikpipe retry results.parquet -o results.parquet
  ikpipe retry results.csv -o results.csv --map file=image_url \\
      --set 'file_name={{sku}}.jpg'

A Parquet file has the mapping of its run, except for --root, --fetch and a
webhook_url, which are never read from a file. For other files give --map
and --set again; `upload` ends with the complete command to type. Rows that are
uploaded, exists or accepted stay as they are. Rows whose status is unknown are
searched for in the library first. Fix the cells of the other rows in RESULTS
itself. RESULTS may be a part of what a run wrote. OUT may be RESULTS.

{help_text.MAPPING}

exit status: as for upload; 0 after a dry run"""


def add(every: Commands) -> None:
    """Add the command."""
    purpose = "upload the rows of a results file that are not uploaded yet"
    command = add_command(every, "retry", retry, "RESULTS -o OUT [options]", purpose, HELP)
    command.add_argument("table", metavar="RESULTS", help="a file that upload or retry wrote")
    command.add_argument("-o", "--out", metavar="OUT", required=True, help="the file for the results; may be RESULTS")
    add_reading(command)
    add_writing(command)
    add_mapping(command)
    add_sending(command)
    command.add_argument(
        "--earlier-journal",
        metavar="FILE",
        help="the journal of the run that wrote RESULTS; it helps to find rows whose status is unknown",
    )
    add_account(command)
    command.add_argument(
        "-n", "--dry-run", action="store_true", help="only say how many rows would be sent; OUT is not written"
    )


def retry(options: Namespace) -> int:
    """`ikpipe retry RESULTS -o OUT`; OUT may be RESULTS, since it is replaced as a whole."""
    from ikpipe.frames.io.opening import LINES
    from ikpipe.frames.io.reading import format_of
    from ikpipe.frames.io.results import results_table
    from ikpipe.run.retry import add_histories, retry_job

    for journal in (options.journal, options.earlier_journal):
        output.check_writable(options.out, output.csv_style(options), journal=journal)
    run_mapping, read_options = mapping.run_mapping(options), mapping.read_options(options)

    def make_job() -> UploadJob:
        """Return the job of the rows that are to be retried."""
        job = retry_job(results_table(options.table, read_options), run_mapping, options.fetch)
        job.table.lines = LINES.get(format_of(options.table, read_options))
        return job

    if options.dry_run:
        return _count(make_job())

    def complete(job: UploadJob, account: ikpipe.Account) -> None:
        """Add what the earlier journal has about the rows."""
        earlier = None if options.earlier_journal is None else Path(options.earlier_journal)
        add_histories(job, account, earlier, trust=options.trust_journal)

    return upload_table(options, make_job, complete)


def _count(job: UploadJob) -> int:
    """Print what would be done with the rows of a job, by their status; nothing is sent."""
    from ikpipe.frames.results import results_of
    from ikpipe.request.result import SETTLED

    job.first_mapping()  # raises if it does not fit the table
    statuses = [result.status for chunk in job.table.chunks() for result in results_of(chunk.frame)]
    stay, searched = sum(status in SETTLED for status in statuses), statuses.count("unknown")
    say(
        f"{len(statuses):,} rows: {len(statuses) - stay - searched:,} would be sent, {searched:,} searched for first, "
        f"{stay:,} stay as they are.",
        f"Mapping: {job.mapping_text}",
        "Nothing was sent or changed.",
    )
    return SUCCESS
