"""The command files."""

from __future__ import annotations

from argparse import Namespace

import ikpipe
from ikpipe.cli import help_text, output
from ikpipe.cli.exit_status import SUCCESS
from ikpipe.cli.option_values import count
from ikpipe.cli.options import Commands, add_command, add_logging, add_profile, add_quiet, add_timeout, add_writing
from ikpipe.cli.signals import exit_at_once

HELP = f"""\
examples:
  ikpipe files --path /products/ --limit 20
  ikpipe files --search 'tags IN ["sale"] AND createdAt > "7d"' -o sale.csv
  ikpipe files -o library.parquet

QUERY is written in ImageKit's query language. OUT is .csv, .xlsx, .jsonl or
.parquet; without it, CSV goes to standard output.

{help_text.KEYS}

exit status: 0 success, 2 bad options, 3 account refused or
service unreachable"""


def add(every: Commands) -> None:
    """Add the command."""
    command = add_command(every, "files", files, "[options]", "list files of the media library", HELP)
    command.add_argument("--search", metavar="QUERY", help="only files that match a query, such as 'name : \"shirt\"'")
    command.add_argument("--path", metavar="FOLDER", help="only files directly in this folder")
    command.add_argument("--limit", metavar="N", type=count, help="maximum number of files")
    command.add_argument(
        "-o", "--out", metavar="OUT", default="-", help="the file for the list (default: CSV on standard output)"
    )
    add_writing(command)
    add_timeout(command)
    add_quiet(command)
    add_logging(command)
    add_profile(command)


def files(options: Namespace) -> int:
    """`ikpipe files [-o OUT]`."""
    style = output.csv_style(options)
    output.check_writable(options.out, style)
    account = ikpipe.Account.from_env(options.profile)
    with exit_at_once():
        listing = ikpipe.files(
            account, search=options.search, path=options.path, limit=options.limit, timeout=options.timeout
        )
    output.write_frame(listing, options.out, style)
    return SUCCESS
