"""The command undo."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

import ikpipe
from ikpipe.cli import help_text, mapping, output
from ikpipe.cli.changes import ChangeWords, report_changes
from ikpipe.cli.commands.journals import list_journals
from ikpipe.cli.exit_status import SUCCESS
from ikpipe.cli.option_values import count
from ikpipe.cli.options import (
    Commands,
    add_command,
    add_policy,
    add_profile,
    add_reporting,
    add_timeout,
    add_trust,
    add_writing,
)
from ikpipe.cli.sending import progress
from ikpipe.cli.wording import say
from ikpipe.errors import Error, UploadError

if TYPE_CHECKING:
    import pandas as pd

_WORDS = ChangeWords(
    "Undo of",
    "to undo",
    "undone",
    "with nothing to undo",
    repeat="To undo this, repeat the command with --yes.",
)

HELP = f"""\
examples:
  ikpipe undo                          list runs
  ikpipe undo run.ikjournal            show what would be done
  ikpipe undo run.ikjournal --yes
  ikpipe undo night-2026-11-30 -o undone.csv
  ikpipe undo results.csv

Files that the run created are deleted, replaced files get the version before,
and details that it changed get their earlier values. What somebody changed
since is left and reported. Only the journal has earlier details and proves
whose run it was; journals of finished runs are kept for 30 days. With results,
only files whose id, version, path and size match are touched: read the list
before you say --yes. Repeat the command after an interruption.

{help_text.KEYS}

exit status: 0 all undone or nothing to do, 1 some rows were left or failed,
2 bad input, 3 account refused or service unreachable, 130 interrupted"""


def add(every: Commands) -> None:
    """Add the command."""
    purpose = "revert a run: show what would be deleted or set back, and do it with --yes"
    command = add_command(every, "undo", undo, "[RUN] [--yes] [options]", purpose, HELP)
    command.add_argument(
        "journal",
        metavar="RUN",
        nargs="?",
        help="the run's journal, the name that --run gave it, or a file with its results; without it, list runs",
    )
    command.add_argument("--yes", action="store_true", help="do it; without it, nothing is changed")
    command.add_argument("-n", "--dry-run", action="store_true", help="change nothing, also with --yes")
    command.add_argument("-o", "--out", metavar="OUT", help="a file for the rows; - for standard output")
    add_writing(command)
    command.add_argument("--max-failures", metavar="N", type=count, help="stop after N failed rows")
    add_trust(command)
    add_timeout(command)
    add_policy(command)
    add_reporting(command)
    add_profile(command)


def undo(options: Namespace) -> int:
    """`ikpipe undo RUN [--yes] [-o OUT]`; without a run, list the journals."""
    if options.journal is None:
        return _list_runs(options)
    style = output.csv_style(options)
    if options.out is not None:
        output.check_writable(options.out, style, options.journal)
    account = ikpipe.Account.from_env(options.profile)
    try:
        undone: pd.DataFrame = ikpipe.undo(
            options.journal,
            account,
            dry_run=options.dry_run or not options.yes,
            trust_journal=options.trust_journal,
            max_failures=options.max_failures,
            progress=progress(options),
            **mapping.request_settings(options),
        )
    except UploadError as error:  # after the failures that are allowed
        if error.results is not None:
            report_changes(error.results, options, _WORDS)
        raise
    return report_changes(undone, options, _WORDS)


def _list_runs(options: Namespace) -> int:
    """Print the runs that have journals, and the command that reverts one."""
    if options.yes or options.out is not None:
        raise Error("Name the run too: ikpipe undo RUN --yes", fix="List the runs: ikpipe undo")
    if list_journals():
        say("Show what undoing one of them would do with:", "  ikpipe undo JOURNAL")
    return SUCCESS
