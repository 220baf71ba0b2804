"""The command url."""

from __future__ import annotations

from argparse import Namespace

import ikpipe
from ikpipe.cli import help_text
from ikpipe.cli.exit_status import SUCCESS
from ikpipe.cli.option_values import positive
from ikpipe.cli.options import Commands, add_command, add_profile

HELP = f"""\
examples:
  ikpipe url /shoes/red.jpg
  ikpipe url /shoes/red.jpg --transformation w-400,h-300 --transformation rt-90
  ikpipe url /private/offer.pdf --expire 3600
  ikpipe url /shoes/red.jpg /shoes/blue.jpg --named thumbnail

PATH is a file's path in the library as in ik_file_path, or a complete URL. Each
is printed as a URL on a line of its own. Only signing needs the private key.
`ikpipe docs delivery` has the transformations.

{help_text.KEYS}

exit status: 0 success, 2 bad path or transformation, 3 no URL endpoint or no
private key"""


def add(every: Commands) -> None:
    """Add the command."""
    purpose = "print the URL at which a file is delivered"
    command = add_command(every, "url", url, "PATH … [options]", purpose, HELP)
    command.add_argument("paths", metavar="PATH", nargs="+", help="the path of a file in the library, or its URL")
    command.add_argument(
        "--transformation",
        metavar="STEP",
        action="append",
        default=[],
        help="a transformation such as w-400,h-300; repeat it for further steps",
    )
    command.add_argument("--named", metavar="NAME", help="a named transformation of the account")
    command.add_argument("--signed", action="store_true", help="sign the URL, which private files need")
    command.add_argument(
        "--expire", metavar="SECONDS", type=positive, help="sign the URL for a time, such as 3600 for an hour"
    )
    add_profile(command)


def url(options: Namespace) -> int:
    """`ikpipe url PATH …`: print the URL of each file on standard output."""
    account = ikpipe.Account.from_env(options.profile)
    steps = [*options.transformation, *([] if options.named is None else [{"named": options.named}])]
    for path in options.paths:
        print(ikpipe.url(path, account, transformation=steps, signed=options.signed, expire=options.expire))  # noqa: T201 - what the command is for
    return SUCCESS
