"""The command undo."""

from __future__ import annotations

from argparse import Namespace
from collections import Counter
from typing import TYPE_CHECKING

import ikpipe
from ikpipe.cli import help_text, mapping, output
from ikpipe.cli.options import Commands, add_command, add_policy, add_profile, add_trust, add_writing
from ikpipe.cli.signals import INTERRUPTED
from ikpipe.cli.wording import in_options, say

if TYPE_CHECKING:
    import pandas as pd

_LISTED = 50  # rows that are listed; OUT has all of them
_WORDS = {
    "planned": "to undo",
    "done": "undone",
    "absent": "not in the library",
    "left": "left as they are",
    "failed": "failed",
    "cancelled": "cancelled",
    "none": "with nothing to undo",
}

HELP = f"""\
examples:
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
2 bad input, 3 account refused, 130 interrupted"""


def add(every: Commands) -> None:
    """Add the command."""
    purpose = "revert a run: show what would be deleted or set back, and do it with --yes"
    command = add_command(every, "undo", undo, "RUN [--yes] [options]", purpose, HELP)
    command.add_argument(
        "journal", metavar="RUN", help="the run's journal, the name that --run gave it, or a file with its results"
    )
    command.add_argument("--yes", action="store_true", help="do it; without it, nothing is changed")
    command.add_argument("-n", "--dry-run", action="store_true", help="change nothing, also with --yes")
    command.add_argument("-o", "--out", metavar="OUT", help="a file for the rows; - for standard output")
    add_writing(command)
    add_trust(command)
    add_policy(command)
    add_profile(command)


def undo(options: Namespace) -> int:
    """`ikpipe undo RUN [--yes] [-o OUT]`."""
    style = output.csv_style(options)
    if options.out is not None:
        output.check_writable(options.out, style, options.journal)
    account, policy = ikpipe.Account.from_env(options.profile), mapping.policy(options.policy)
    undone: pd.DataFrame = ikpipe.undo(
        options.journal,
        account,
        dry_run=options.dry_run or not options.yes,
        trust_journal=options.trust_journal,
        policy=policy,
    )
    if options.out is not None:
        output.write_frame(undone, options.out, style)
    counts = Counter(undone["ik_change"].tolist())
    say(_totals(counts, len(undone)), *_listed(undone))
    if counts["planned"]:
        say("Nothing was changed. To undo this, repeat the command with --yes.")
    if counts["cancelled"]:
        return INTERRUPTED
    return 1 if counts["left"] or counts["failed"] else 0


def _totals(counts: Counter[str], rows: int) -> str:
    """Return the number of rows by what became of them, in one line."""
    parts = [f"{counts[change]:,} {words}" for change, words in _WORDS.items() if counts[change]]
    return f"Undo of {rows:,} row{'' if rows == 1 else 's'}: {', '.join(parts) or 'nothing to undo'}."


def _listed(undone: pd.DataFrame) -> list[str]:
    """Return a line for each row that concerns a file, as far as they fit."""
    concerned = undone[undone["ik_change"] != "none"]
    cells = (concerned[name].tolist() for name in ("ik_file_path", "ik_file_id", "ik_change", "ik_change_message"))
    rows = [
        f"  {_text(path) or _text(file_id)}: {change}. {in_options(_text(message))}".rstrip()
        for path, file_id, change, message in list(zip(*cells, strict=True))[:_LISTED]
    ]
    more = len(concerned) - len(rows)
    return [*rows, f"  … and {more:,} more; write all of them with -o."] if more else rows


def _text(cell: object) -> str:
    return cell if isinstance(cell, str) else ""
