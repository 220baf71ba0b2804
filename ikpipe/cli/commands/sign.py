"""The command sign."""

from __future__ import annotations

from argparse import Namespace

import ikpipe
from ikpipe.cli import help_text, mapping
from ikpipe.cli.exit_status import SUCCESS
from ikpipe.cli.option_values import count, pair
from ikpipe.cli.options import Commands, add_command, add_profile

HELP = f"""\
examples:
  ikpipe sign file_name=dress.jpg use_unique_file_name=false tags=summer,dress
  curl -F file=@dress.jpg -F fileName=dress.jpg \\
      -F token=$(ikpipe sign fileName=dress.jpg) \\
      https://upload.imagekit.io/api/v2/files/upload

The request must have exactly the parameters and values of the token. A token is
valid for one request, even if that request fails. Names are accepted in both
spellings (file_name, fileName).

{help_text.KEYS}

exit status: 0 success, 2 bad parameters, 3 no private key"""


def add(every: Commands) -> None:
    """Add the command."""
    command = add_command(every, "sign", sign, "PARAMETER=VALUE … [options]", "print an upload token", HELP)
    command.add_argument(
        "parameters", metavar="PARAMETER=VALUE", nargs="+", type=pair, help="a parameter of the upload"
    )
    command.add_argument(
        "--lifetime",
        metavar="SECONDS",
        type=count,
        default=1800,
        help="lifetime of the token, 1 to 3600 (default: 1800)",
    )
    add_profile(command)


def sign(options: Namespace) -> int:
    """`ikpipe sign PARAMETER=VALUE…`: print a token on standard output."""
    parameters = mapping.keywords(options.parameters, "sign")
    token = ikpipe.sign(parameters, ikpipe.Account.from_env(options.profile), lifetime=options.lifetime)
    print(token)  # noqa: T201 - what the command is for
    return SUCCESS
