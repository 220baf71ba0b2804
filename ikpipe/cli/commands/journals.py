"""The command journals."""

from __future__ import annotations

import json
import re
import shlex
import time
from argparse import ArgumentTypeError, Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ikpipe.cli import output
from ikpipe.cli.options import Commands, add_command, add_writing
from ikpipe.cli.wording import say
from ikpipe.errors import Error, did_you_mean, printable

if TYPE_CHECKING:
    import pandas as pd

    from ikpipe.journal.survey import JournalInfo

ALL_WELL, SOME_NOT = 0, 1
_DAY = 86_400
_UNITS = {"h": 3600, "d": _DAY, "w": 7 * _DAY}

HELP = """\
examples:
  ikpipe journals                      list the journals of your runs
  ikpipe journals list /data -o journals.csv
  ikpipe journals show night-2026-11-30
  ikpipe journals prune --older-than 90d --yes

A journal is a run's record, with which `resume` finishes it and `undo` reverts
it. Those without --journal FILE are in your state folder; FOLDER is another
place. Where several runs have a name, `resume` and `undo` take the latest one.

Journals of finished runs are deleted by themselves after 30 days, as long as
`undo` may need them. `prune` deletes finished, undone and never started ones,
never one in use. Nothing proves what a list says: `resume` and `undo` check
that the account wrote the journal.

exit status: 0 success, 1 some journals could not be deleted, 2 bad input"""


def add(every: Commands) -> None:
    """Add the command."""
    usage = "[list [FOLDER] | show JOURNAL | prune [FOLDER]] [options]"
    command = add_command(every, "journals", journals, usage, "list, show or delete the journals of runs", HELP)
    command.add_argument("action", nargs="?", default="list", metavar="ACTION", help="list (default), show or prune")
    command.add_argument("place", nargs="?", metavar="PLACE", help="a folder; for show, a journal or a run's name")
    command.add_argument("-o", "--out", metavar="OUT", help="a file for the list; - for CSV on standard output")
    command.add_argument(
        "--older-than",
        metavar="AGE",
        type=age,
        default=30 * _DAY,
        help="prune journals that were not changed for so long, such as 12h, 90d or 8w (default: 30d)",
    )
    command.add_argument("--interrupted", action="store_true", help="prune journals of interrupted runs, too")
    command.add_argument("--yes", action="store_true", help="delete them; without it, they are only listed")
    command.add_argument("-n", "--dry-run", action="store_true", help="delete nothing, also with --yes")
    add_writing(command)


def age(text: str) -> float:
    """Return the seconds of an age such as 30d."""
    match = re.fullmatch(r"([0-9]{1,6})([hdw])", text)
    if match is None:
        raise ArgumentTypeError(f"{text!r} is not an age such as 12h, 30d or 8w")
    return float(int(match[1]) * _UNITS[match[2]])


def journals(options: Namespace) -> int:
    """`ikpipe journals [list|show|prune]`."""
    actions = {"list": _list, "show": _show, "prune": _prune}
    if options.action not in actions:
        raise Error(
            f"There is no action {options.action!r}{did_you_mean(options.action, actions)}. See: ikpipe journals --help"
        )
    return actions[options.action](options)


def _found(options: Namespace) -> list[JournalInfo]:
    """Return the journals of a folder, the latest first."""
    from ikpipe.journal.catalog import ENDING, own_journals
    from ikpipe.journal.survey import surveys

    if options.place is None:
        return surveys(own_journals())
    if not Path(options.place).is_dir():
        raise Error(f"There is no folder {options.place}.", fix="For one journal: ikpipe journals show JOURNAL")
    return surveys(path for path in Path(options.place).glob(f"*{ENDING}") if not path.is_symlink())


def _list(options: Namespace) -> int:
    found, style = _found(options), output.csv_style(options)
    if options.out is not None:
        output.check_writable(options.out, style)
        output.write_frame(_frame(found), options.out, style)
    else:
        _print_list(found)
    return ALL_WELL


def list_journals() -> bool:
    """Print the user's journals, and return whether there are any."""
    from ikpipe.journal.catalog import own_journals
    from ikpipe.journal.survey import surveys

    found = surveys(own_journals())
    _print_list(found)
    return bool(found)


def _print_list(found: list[JournalInfo]) -> None:
    """Print a list of journals, the latest first."""
    latest = _latest(found)
    for info in found:
        _print(
            _headline(info, latest=latest.get((info.account, info.run)) != info.path),
            f"  {_counts(info)}",
            f"  {info.path}",
        )
    if not found:
        say("No journals found.", "For a journal that --journal named: ikpipe journals list FOLDER")


def _latest(found: list[JournalInfo]) -> dict[tuple[str, str], Path]:
    """Return the latest journal of each run; `found` has the latest first."""
    return {(info.account, info.run): info.path for info in reversed(found)}


def _headline(info: JournalInfo, *, latest: bool = False) -> str:
    note = " (there is a later one)" if latest else ""
    return f"{info.begun or _date(info.changed)}  {info.state}  {info.run}{note}".rstrip()


def _counts(info: JournalInfo) -> str:
    """Return a journal's command, account, rows and size in a line."""
    from ikpipe.run.progress import format_bytes

    if info.reason:
        return info.reason
    statuses = [f"{count:,} {status}" for status, count in info.statuses.items()]
    left = info.rows - sum(info.statuses.values())
    parts = [*statuses, *([f"{left:,} without a result"] if left > 0 and info.facts else [])]
    rows = f"{info.rows:,} row{'' if info.rows == 1 else 's'}"
    by = f"{info.command} by {info.account}: {rows}" if info.facts else ""
    return "; ".join(filter(None, (f"{by}: {', '.join(parts)}" if parts else by, format_bytes(info.size))))


def _frame(found: list[JournalInfo]) -> pd.DataFrame:
    import pandas as pd

    latest = _latest(found)
    rows = [
        {
            "begun": info.begun,
            "run": info.run,
            "latest": latest[info.account, info.run] == info.path,
            "state": info.state,
            "command": info.command,
            "public_key": info.account,
            "rows": info.rows,
            "statuses": json.dumps(info.statuses),
            "size": info.size,
            "path": str(info.path),
        }
        for info in found
    ]
    names = ("begun", "run", "latest", "state", "command", "public_key", "rows", "statuses", "size", "path")
    return pd.DataFrame(rows, columns=[*names])


def _show(options: Namespace) -> int:
    _print(*_lines(_named(options)))
    return ALL_WELL


def _named(options: Namespace) -> JournalInfo:
    """Return the journal with a path, or the latest of a run's name."""
    from ikpipe.journal.catalog import own_journals
    from ikpipe.journal.survey import survey, surveys

    if options.place is None:
        raise Error("Name the journal too: ikpipe journals show JOURNAL. List them: ikpipe journals")
    if Path(options.place).is_file():
        return survey(Path(options.place))
    for info in surveys(own_journals()):
        if info.run == options.place:
            return info
    raise Error(f"There is no journal {options.place}, and no run of this name.", fix="List them: ikpipe journals")


def _lines(info: JournalInfo) -> Iterator[str]:
    """Yield what a journal says, without secrets."""
    from ikpipe.request.secrets import without_secrets

    yield _headline(info)
    yield f"  {_counts(info)}"
    yield f"  {info.path}"
    for title, value in info.details().items():
        yield without_secrets(f"{title}: {json.dumps(value, ensure_ascii=False)}")
    if info.problems:
        yield "First problems:"
    for position, status, code, message in info.problems:
        yield without_secrets(f"  row {position:,}: {status} {code}: {message}")
    yield from _next(info)


def _next(info: JournalInfo) -> Iterator[str]:
    """Yield what can be done with a journal, and what that needs."""
    from ikpipe.journal import survey
    from ikpipe.journal.catalog import KEPT

    path = shlex.quote(str(info.path))
    if info.state == survey.RUNNING:
        yield "A process is using it."
    if info.state == survey.INTERRUPTED:
        yield f"Finish the run: ikpipe resume {path} -o results.csv"
        if not info.recorded:
            yield "That needs the table again, since not all of its rows are in the journal."
    if info.state in (survey.INTERRUPTED, survey.FINISHED):
        yield f"Revert the run: ikpipe undo {path}"
        yield f"That needs the keys of the account {info.account}, which wrote the journal."
    if info.state == survey.FINISHED:
        yield f"It is kept until {_date(info.changed + KEPT)} in the state folder."


def _prune(options: Namespace) -> int:
    from ikpipe.journal.survey import Prunable

    which, style = Prunable(options.older_than, options.interrupted), output.csv_style(options)
    found = [info for info in _found(options) if which.has(info)]
    if options.out is not None:
        output.check_writable(options.out, style)
        output.write_frame(_frame(found), options.out, style)
    number = f"{len(found):,} journal{'' if len(found) == 1 else 's'}"
    paths = [f"  {info.path}" for info in found]
    if not found or options.dry_run or not options.yes:
        again = "" if options.dry_run else " To delete them, repeat the command with --yes."
        say(f"{number} to delete.", *paths, *([f"Nothing was deleted.{again}"] if found else []))
        return ALL_WELL
    kept = [info for info in found if not which.delete(info)]
    say(f"{len(found) - len(kept):,} of {number} deleted.", *(f"  not deleted: {info.path}" for info in kept))
    return SOME_NOT if kept else ALL_WELL


def _date(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _print(*lines: str) -> None:
    for line in lines:
        print(printable(line))  # noqa: T201 - what the command is for
