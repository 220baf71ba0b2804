"""The command delete."""

from __future__ import annotations

from argparse import Namespace

import ikpipe
from ikpipe.cli import help_text, mapping
from ikpipe.cli.changes import ChangeWords, change_table
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

HELP = f"""\
examples:
  ikpipe delete old.csv                show what would be deleted
  ikpipe delete old.csv --yes
  ikpipe files --search 'tags IN ["old"]' -o - | ikpipe delete - --yes

TABLE names files by a column ik_file_id or fileId: results, or what `ikpipe
files` wrote. Files are deleted with all of their versions, and the library
keeps no deleted files: read the list before you say --yes. To revert a run use
`ikpipe undo`, which spares files that were there before.

{help_text.KEYS}

exit status: 0 all deleted (or not there), 1 some are not, 2 bad input, 3
account refused or service unreachable, 130 interrupted"""

_WORDS = ChangeWords("Delete", "to delete", "deleted", "without a file")


def add(every: Commands) -> None:
    """Add the command."""
    purpose = "delete the files that a table names: show them, and do it with --yes"
    command = add_command(every, "delete", delete, "TABLE [--yes] [-o OUT] [options]", purpose, HELP)
    command.add_argument("table", metavar="TABLE", help="a table whose rows name files; - for standard input")
    command.add_argument("--yes", action="store_true", help="do it; without it, nothing is deleted")
    command.add_argument("-n", "--dry-run", action="store_true", help="delete nothing, also with --yes")
    command.add_argument("-o", "--out", metavar="OUT", help="a file for the rows; - for standard output")
    add_reading(command)
    add_writing(command)
    add_timeout(command)
    add_policy(command)
    add_reporting(command)
    add_profile(command)


def delete(options: Namespace) -> int:
    """`ikpipe delete TABLE [--yes] [-o OUT]`."""
    settings = {"dry_run": options.dry_run or not options.yes, **mapping.request_settings(options)}
    return change_table(options, _WORDS, lambda table, account: ikpipe.delete(table, account, **settings))
