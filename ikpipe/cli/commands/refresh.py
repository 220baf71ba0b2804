"""The command refresh."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

import ikpipe
from ikpipe.cli import help_text, mapping, output
from ikpipe.cli.exit_status import SOME_NOT, SUCCESS
from ikpipe.cli.options import (
    Commands,
    add_command,
    add_policy,
    add_profile,
    add_reading,
    add_reporting,
    add_timeout,
    add_writing,
)
from ikpipe.cli.wording import say
from ikpipe.frames.io.opening import STANDARD

if TYPE_CHECKING:
    import pandas as pd

HELP = f"""\
examples:
  ikpipe refresh results.csv -o results.csv
  ikpipe refresh results.parquet -o fresh.parquet --every

Asks the library again about rows that were `accepted` (their
pre-transformation was not finished) or whose extensions are pending, and writes
the table with their details. Other rows stay as they are. OUT may be RESULTS.

{help_text.KEYS}

exit status: 0 nothing is pending any more, 1 something still is, 2 bad input,
3 account refused or service unreachable"""


def add(every: Commands) -> None:
    """Add the command."""
    purpose = "ask again for rows that are accepted or have pending extensions"
    command = add_command(every, "refresh", refresh, "RESULTS -o OUT [options]", purpose, HELP)
    command.add_argument("table", metavar="RESULTS", help="a file that upload or retry wrote")
    command.add_argument("-o", "--out", metavar="OUT", required=True, help="the file for the results; may be RESULTS")
    command.add_argument("--every", action="store_true", help="read the details of every file that is uploaded")
    add_reading(command)
    add_writing(command)
    add_timeout(command)
    add_policy(command)
    add_reporting(command)
    add_profile(command)


def refresh(options: Namespace) -> int:
    """`ikpipe refresh RESULTS -o OUT`."""
    from ikpipe.frames.io.results import results_table

    style = output.csv_style(options)
    output.check_writable(options.out, style)
    account = ikpipe.Account.from_env(options.profile)
    results = results_table(options.table, mapping.read_options(options))
    fresh: pd.DataFrame = ikpipe.refresh(results, account, every=options.every, **mapping.request_settings(options))
    options.reports.recorder.results(fresh)
    output.write_frame(fresh, options.out, style)
    pending = _pending(fresh)
    if not options.quiet:
        totals = f"{len(fresh):,} rows: {_pending(results) - pending:,} refreshed, {pending:,} still pending."
        say(totals, *([] if options.out == STANDARD else [f"Results: {options.out}"]))
    return SOME_NOT if pending else SUCCESS


def _pending(results: pd.DataFrame) -> int:
    """Return the number of rows that are accepted or have pending extensions."""
    extensions = results["ik_extension_status"].map(lambda cell: "pending" in str(cell)).fillna(value=False)
    return int(((results["ik_status"] == "accepted") | extensions).sum())
