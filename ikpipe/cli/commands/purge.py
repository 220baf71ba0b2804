"""The command purge."""

from __future__ import annotations

from argparse import Namespace

import ikpipe
from ikpipe.cli import help_text, mapping, output
from ikpipe.cli.changes import ChangeWords, change_table, report_changes
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
  ikpipe purge results.csv
  ikpipe purge https://ik.imagekit.io/shop/shoes/red.jpg
  ikpipe purge 'https://ik.imagekit.io/shop/shoes/*'

Removes files from the cache of ImageKit's CDN, so that a replaced file is
delivered. TABLE has a column ik_url or url: results, or what `ikpipe files`
wrote. The service completes a request within minutes; OUT has its id. The
number of requests per month depends on your plan.

{help_text.KEYS}

exit status: 0 all requested, 1 some are not, 2 bad input, 3 account refused or
service unreachable, 130 interrupted"""

_WORDS = ChangeWords("Purge of", "to purge", "requested", "without a URL", "Nothing was purged.", "")


def add(every: Commands) -> None:
    """Add the command."""
    purpose = "remove files from the cache, so that replaced ones are delivered"
    command = add_command(every, "purge", purge, "TABLE|URL … [-o OUT] [options]", purpose, HELP)
    command.add_argument(
        "table", metavar="TABLE|URL", nargs="+", help="a table whose rows have URLs, - for standard input; or URLs"
    )
    command.add_argument("-n", "--dry-run", action="store_true", help="only say what would be purged")
    command.add_argument("-o", "--out", metavar="OUT", help="a file for the rows; - for standard output")
    add_reading(command)
    add_writing(command)
    add_timeout(command)
    add_policy(command)
    add_reporting(command)
    add_profile(command)


def purge(options: Namespace) -> int:
    """`ikpipe purge TABLE`, or `ikpipe purge URL …`."""
    import pandas as pd

    settings, names = {"dry_run": options.dry_run, **mapping.request_settings(options)}, options.table
    urls = [name for name in names if name.startswith(("https://", "http://"))]
    if len(names) > 1 and len(urls) < len(names):
        raise Error("Name one table, or URLs only.", fix="URLs start with https://.")
    if not urls:
        (options.table,) = names
        return change_table(options, _WORDS, lambda table, account: ikpipe.purge(table, account, **settings))
    if options.out is not None:
        output.check_writable(options.out, output.csv_style(options))
    account = ikpipe.Account.from_env(options.profile)
    changed = ikpipe.purge(pd.DataFrame({"url": urls}), account, **settings)
    return report_changes(changed, options, _WORDS)
