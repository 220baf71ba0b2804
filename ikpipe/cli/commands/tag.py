"""The command tag."""

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
from ikpipe.errors import Error

HELP = f"""\
examples:
  ikpipe tag results.csv --add summer,sale --dry-run
  ikpipe tag results.csv --add summer,sale
  ikpipe files --path /old -o - | ikpipe tag - --remove sale
  ikpipe tag results.csv --add-from season

TABLE names files by a column ik_file_id or fileId: results, or what `ikpipe
files` wrote. Other tags of the files stay. To set all tags, or other details,
use `ikpipe update`.

{help_text.KEYS}

exit status: 0 all changed, 1 some are not, 2 bad input, 3 account refused or
service unreachable, 130 interrupted"""

_WORDS = ChangeWords("Tags of", "to change", "changed", "without a file or tags", repeat="")


def add(every: Commands) -> None:
    """Add the command."""
    purpose = "add tags to the files that a table names, or remove them"
    command = add_command(every, "tag", tag, "TABLE --add TAG[,TAG] [-o OUT] [options]", purpose, HELP)
    command.add_argument("table", metavar="TABLE", help="a table whose rows name files; - for standard input")
    what = command.add_mutually_exclusive_group(required=True)
    what.add_argument("--add", metavar="TAG[,TAG]", help="add these tags to all files")
    what.add_argument("--remove", metavar="TAG[,TAG]", help="remove these tags from all files")
    what.add_argument("--add-from", metavar="COLUMN", help="add the tags that this column has for each file")
    what.add_argument("--remove-from", metavar="COLUMN", help="remove the tags that this column has for each file")
    command.add_argument("-n", "--dry-run", action="store_true", help="only say what would be changed")
    command.add_argument("-o", "--out", metavar="OUT", help="a file for the rows; - for standard output")
    add_reading(command)
    add_writing(command)
    add_timeout(command)
    add_policy(command)
    add_reporting(command)
    add_profile(command)


def tag(options: Namespace) -> int:
    """`ikpipe tag TABLE --add TAG[,TAG]`."""
    change = ikpipe.add_tags if options.add or options.add_from else ikpipe.remove_tags
    tags, column = options.add or options.remove, options.add_from or options.remove_from
    if tags is None and not column:
        raise Error("The list of tags is empty.", fix="Name at least one, such as --add summer.")
    settings = {"column": column, "dry_run": options.dry_run, **mapping.request_settings(options)}
    return change_table(options, _WORDS, lambda table, account: change(table, account, tags, **settings))
