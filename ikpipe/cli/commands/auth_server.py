"""`ikpipe auth-server`: an authentication endpoint on a port, with a policy made from options."""

from __future__ import annotations

import importlib
import logging
import shlex
import sys
from argparse import Namespace
from typing import TYPE_CHECKING, Any

import ikpipe
from ikpipe.cli import help_text
from ikpipe.cli.option_values import count, positive
from ikpipe.cli.options import Commands, add_address, add_command, add_logging, add_pairs, add_profile
from ikpipe.cli.wording import say
from ikpipe.errors import Error

if TYPE_CHECKING:
    from ikpipe.auth import Allow

_POLICY = ("may", "folder", "names", "force", "replace", "lifetime", "rate")

HELP = f"""\
examples:
  ikpipe auth-server --callers callers.txt --may file_name,tags \\
      --folder '/users/{{caller}}/' --origin https://shop.example
  ikpipe auth-server --anybody --may file_name --folder / --rate 10 \\
      --origin http://localhost:8000 --headers X-CSRF-Token --port 8780
  ikpipe auth-server --allow shop.policy:uploads

It is an `authenticationEndpoint` as in ImageKit's upload documentation: it
answers a POST of uploadPayload, expire and publicKey with a token. What no
option allows is refused: without --may no parameter can be set, and without
--folder no folder is allowed (a request without a folder is for /). If ikpipe
uploads with it, --may needs use_unique_file_name and overwrite_file, too, and
--rate limits the files per minute, since each one needs a request. A
caller sends its token as `Authorization: Bearer TOKEN`. Pages of other origins
than --origin cannot use it, and a page may send no headers but Content-Type,
Authorization and those of --headers; other clients may send any. Each signed
request is logged to standard error, without the token. Use a proxy in front of
it for TLS. The client's account: Account(authentication_endpoint=…, headers=…).

{help_text.KEYS}

exit status: 0 success, 2 bad options or a port in use, 3 no private key"""


def add(every: Commands) -> None:
    """Add the command."""
    purpose = "sign uploads for web pages and scripts that must not have the private key"
    command = add_command(every, "auth-server", auth_server, "[options]", purpose, HELP)
    add_address(command)
    command.add_argument("--callers", metavar="FILE", help="file of callers: a name and a token per line")
    command.add_argument("--anybody", action="store_true", help="sign for anybody, without a caller's token")
    command.add_argument(
        "--may", metavar="PARAMETER[,PARAMETER]", action="append", default=[], help="parameters that callers may set"
    )
    command.add_argument(
        "--folder",
        metavar="FOLDER",
        action="append",
        default=[],
        help="folder that callers may upload to; {caller} is the caller's name",
    )
    command.add_argument("--names", metavar="REGEX", help="regular expression that file names must match")
    add_pairs(command, "--force", "PARAMETER=VALUE", "a parameter that every request must have")
    command.add_argument("--replace", action="store_true", help="let callers replace existing files")
    command.add_argument(
        "--lifetime", metavar="SECONDS", type=count, help="maximum lifetime of a token (default: 3600)"
    )
    command.add_argument("--rate", metavar="N", type=positive, help="requests per minute and caller (default: 60)")
    command.add_argument("--allow", metavar="MODULE:NAME", help="the policy as an ikpipe.auth.Allow in Python")
    command.add_argument(
        "--origin",
        metavar="ORIGIN",
        action="append",
        default=[],
        help="origin whose pages may ask, such as https://shop.example",
    )
    command.add_argument(
        "--headers",
        metavar="NAME[,NAME]",
        action="append",
        default=[],
        help="headers that pages may send, besides Content-Type and Authorization",
    )
    command.add_argument("--credentials", action="store_true", help="let pages send cookies")
    command.add_argument("--quiet", action="store_true", help="log only what was refused")
    add_logging(command)
    add_profile(command)
    command.set_defaults(shown="ikpipe.auth")


def auth_server(options: Namespace) -> int:
    """`ikpipe auth-server`: serve until Ctrl-C or SIGTERM."""
    from ikpipe.auth import endpoint
    from ikpipe.auth.server import serve

    allow = _imported_policy(options) if options.allow is not None else _policy_of_options(options)
    account = ikpipe.Account.from_env(options.profile)
    headers = _names(options.headers)
    app = endpoint(account, allow=allow, origins=options.origin, headers=headers, credentials=options.credentials)
    if options.quiet:
        logging.getLogger("ikpipe.auth").setLevel(logging.WARNING)
    serve(app, options.host, options.port, _announce)
    return 0


def _imported_policy(options: Namespace) -> Allow:
    """Return the policy named by MODULE:NAME, from the current folder or an installed package."""
    from ikpipe.auth import Allow

    if options.callers is not None or options.anybody or any(getattr(options, name) for name in _POLICY):
        raise Error("--allow sets the whole policy and cannot be combined with options that set parts of it.")
    policy = _imported(options.allow)
    if not isinstance(policy, Allow):
        raise Error(f"--allow {options.allow} is not MODULE:NAME with the name of an ikpipe.auth.Allow.")
    return policy


def _imported(text: str) -> Any:
    """Return what MODULE:NAME is; None if the text is not of this form."""
    module, colon, name = text.partition(":")
    sys.path.insert(0, "")
    try:
        return getattr(importlib.import_module(module), name) if colon else None
    except (ImportError, AttributeError, ValueError) as error:
        raise Error(f"--allow {text}: {error}") from None
    finally:
        sys.path.remove("")


def _policy_of_options(options: Namespace) -> Allow:
    from ikpipe.auth import Allow
    from ikpipe.auth.bearer_tokens import bearers

    if (options.callers is None) is not options.anybody:
        raise Error(
            "Set who may sign: --callers FILE, --anybody, or --allow MODULE:NAME. See: ikpipe auth-server --help"
        )
    limits = {name: getattr(options, name) for name in ("names", "lifetime", "rate") if getattr(options, name)}
    return Allow(
        who=(lambda _request: "anybody") if options.anybody else bearers(options.callers),
        parameters=_names(options.may),
        folders=options.folder,
        force=dict(options.force),
        replace=options.replace,
        **limits,
    )


def _names(lists: list[str]) -> list[str]:
    """Return the names of an option that takes several at a time and can be repeated."""
    return [name.strip() for names in lists for name in names.split(",") if name.strip()]


def _announce(address: str) -> None:
    """Print the address and a line for a shell."""
    export = f"export IMAGEKIT_AUTHENTICATION_ENDPOINT={shlex.quote(f'{address}/')}"
    print(f"# ikpipe auth-server at {address}", export, sep="\n", flush=True)  # noqa: T201 - what a shell reads
    say("The authentication endpoint is ready. Press Ctrl-C to stop it.")
