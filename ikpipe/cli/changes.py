"""Changes of files in the library, in words: what delete, tag, purge, fields and undo show at their end."""

from __future__ import annotations

from argparse import Namespace
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import ikpipe
from ikpipe.cli import mapping, output
from ikpipe.cli.exit_status import INTERRUPTED, SOME_NOT, SUCCESS
from ikpipe.cli.signals import exit_at_once
from ikpipe.cli.wording import in_options, say
from ikpipe.errors.scrubbing import scrubbed

if TYPE_CHECKING:
    import pandas as pd

_LISTED = 50  # rows that are listed; OUT has all of them
_OTHERS = {
    "unchanged": "unchanged",
    "absent": "not in the library",
    "left": "left as they are",
    "failed": "failed",
    "cancelled": "cancelled",
}
_PATHS = ("ik_file_path", "filePath", "ik_url", "url", "ik_file_id", "fileId", "name")


class ChangeWords(NamedTuple):
    """How a command calls what it does: as a title, and for rows that are planned, done, or have nothing to do.

    `nothing` is printed if nothing was done, with `repeat` unless a dry run was asked for.
    """

    title: str
    planned: str
    done: str
    none: str
    nothing: str = "Nothing was changed."
    repeat: str = "To do it, repeat the command with --yes."
    unit: str = "row"


def change_table(
    options: Namespace, words: ChangeWords, change: Callable[[pd.DataFrame, ikpipe.Account], object]
) -> int:
    """Read a table, change the files that its rows name, write the outcomes if there is an OUT, and report them."""
    from ikpipe.frames.io.reading import read_table

    style = output.csv_style(options)
    if options.out is not None:
        output.check_writable(options.out, style, options.table)
    account = ikpipe.Account.from_env(options.profile)
    with exit_at_once():
        table = read_table(options.table, mapping.read_options(options))
    changed: pd.DataFrame = change(table, account)  # type: ignore[assignment] # of the same library as the table
    return report_changes(changed, options, words)


def report_changes(changed: pd.DataFrame, options: Namespace, words: ChangeWords) -> int:
    """Write the outcomes of rows if there is an OUT, report them, and return the exit status."""
    options.reports.recorder.dry_run = options.dry_run or not getattr(options, "yes", True)
    options.reports.recorder.outcomes(changed)
    if options.out is not None:
        output.write_frame(changed, options.out, output.csv_style(options))
    counts = Counter(changed["ik_change"].tolist())
    if not options.quiet:
        say(_totals(counts, len(changed), words), *_lines(changed))
        if counts["planned"]:
            say(words.nothing if options.dry_run or not words.repeat else f"{words.nothing} {words.repeat}")
    if counts["cancelled"]:
        return INTERRUPTED
    return SOME_NOT if counts["left"] or counts["failed"] else SUCCESS


def _totals(counts: Counter[str], rows: int, words: ChangeWords) -> str:
    """Return the number of rows by what became of them, in one line."""
    names = {"planned": words.planned, "done": words.done, **_OTHERS, "none": words.none}
    parts = [f"{counts[change]:,} {name}" for change, name in names.items() if counts[change]]
    return f"{words.title} {rows:,} {words.unit}{'' if rows == 1 else 's'}: {', '.join(parts) or 'nothing to do'}."


def _lines(changed: pd.DataFrame) -> list[str]:
    """Return a line for each row that concerns a file, as far as they fit; what was done as asked needs no line."""
    concerned = changed[~changed["ik_change"].isin(["none", "unchanged"])]
    names = [name for name in _PATHS if name in concerned.columns]
    columns = [concerned[name].tolist() for name in (*names, "ik_change", "ik_change_message")]
    rows = [_line([*map(_text, row)]) for row in list(zip(*columns, strict=True))[:_LISTED]]
    more = len(concerned) - len(rows)
    return [*rows, f"  … and {more:,} more; write all of them with -o."] if more else rows


def _line(texts: list[str]) -> str:
    *names, change, message = texts
    return f"  {next(filter(None, names), '')}: {change}. {scrubbed(in_options(message))}".rstrip()


def _text(cell: object) -> str:
    return cell if isinstance(cell, str) else ""
