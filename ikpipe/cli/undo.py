"""The command undo."""

from __future__ import annotations

from argparse import Namespace
from collections import Counter
from typing import TYPE_CHECKING

import ikpipe
from ikpipe.cli import mapping, output
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
