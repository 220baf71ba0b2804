"""The command emulator."""

from __future__ import annotations

import shlex
from argparse import Namespace
from typing import Any

from ikpipe.cli.options import Commands, add_address, add_command, add_pairs
from ikpipe.cli.wording import say
from ikpipe.errors import Error
from ikpipe.frames.io.opening import import_extra

_DTYPE_TYPES = {"b": "Boolean", "i": "Number", "u": "Number", "f": "Number"}  # by the kind of a column's dtype
_VALUE_TYPES = {bool: "Boolean", int: "Number", float: "Number"}

HELP = """\
examples:
  ikpipe emulator --directory ./library
  ikpipe emulator --port 8765 --set index_lag=30 --set used_token=used-before
  ikpipe emulator --fault store-then-cut=0.1 --fault 429=0.05 --seed 7
  ikpipe emulator --fault 5xx=0.1 --spends 5xx=received
  ikpipe emulator --set latency=0.2 --set capacity=8
  ikpipe emulator > account.sh &       then, when it is ready: . ./account.sh

It prints its address and lines to export, then serves until Ctrl-C or SIGTERM.
In a shell with those lines every ikpipe command uses it. RULE is an assumption
about the service or a state of the account, KIND is a kind of fault, and MOMENT
is when an upload with that fault uses up its token. `ikpipe docs emulator` lists
all of them.

exit status: 0 success, 2 bad options or a port in use"""


def add(every: Commands) -> None:
    """Add the command."""
    purpose = "run a local ImageKit for tests and trials without an account"
    command = add_command(every, "emulator", emulator, "[options]", purpose, HELP)
    add_address(command)
    command.add_argument(
        "--allow-host",
        metavar="NAME",
        action="append",
        default=[],
        help="also serve requests for this host name (default: only localhost and loopback addresses); repeatable",
    )
    command.add_argument(
        "--directory", metavar="DIR", help="folder for files and details (default: a temporary folder)"
    )
    command.add_argument("--public-key", metavar="KEY", help="the public key of the emulated account")
    command.add_argument("--private-key", metavar="KEY", help="the private key of the emulated account")
    command.add_argument("--seed", metavar="N", type=int, default=0, help="seed of the random numbers")
    add_pairs(command, "--set", "RULE=VALUE", "set a rule of the emulator")
    add_pairs(command, "--fault", "KIND=RATE", "inject this fault into a share of all uploads (0 to 1)")
    add_pairs(
        command,
        "--spends",
        "KIND=MOMENT",
        "when an upload with this fault uses up its token: never, received, stored or answered",
    )


def emulator(options: Namespace) -> int:
    """`ikpipe emulator`: serve until Ctrl-C or SIGTERM."""
    module = import_extra("ikpipe.emulator", "emulator", "The emulator")
    keys = {"public_key": options.public_key, "private_key": options.private_key}
    try:
        rules = module.Rules.from_text(**dict(options.set))
        values = {name: getattr(rules, name) for name, _ in options.set}
    except (TypeError, ValueError) as error:
        raise Error(f"--set: {error}") from None
    settings = {name: key for name, key in keys.items() if key is not None}
    settings |= {"hosts": options.allow_host, **_fault_settings(module, options)}
    try:
        module.serve(options.host, options.port, options.directory, _announce, seed=options.seed, **settings, **values)
    except ValueError as error:  # an invalid host name, unreadable keys
        raise Error(f"{error}.") from None
    return 0


def _fault_settings(module: Any, options: Namespace) -> dict[str, Any]:
    """Return the keywords for the faults' rates and for when they use up the token, after checking them."""
    settings: dict[str, Any] = {}
    try:
        option = "--fault"
        settings["faults"] = {kind: float(rate) for kind, rate in options.fault}
        module.Emulator(**settings)
        option = "--spends"
        settings["spends"] = dict(options.spends)
        module.Emulator(**settings)
    except ValueError as error:
        raise Error(f"{option}: {error}") from None
    return settings


def _announce(emulator: Any) -> None:
    """Print the address and lines for a shell, which can be pasted or sourced."""
    account = emulator.account
    lines = {
        "IMAGEKIT_PUBLIC_KEY": account.public_key,
        "IMAGEKIT_PRIVATE_KEY": str(account.private_key),
        "IMAGEKIT_URL_ENDPOINT": account.url_endpoint,
        "IMAGEKIT_UPLOAD_URL": account.upload_url,
        "IMAGEKIT_API_URL": account.api_url,
    }
    exports = [f"export {name}={shlex.quote(value)}" for name, value in lines.items()]
    print(f"# ikpipe emulator at {emulator.url}", *exports, sep="\n", flush=True)  # noqa: T201 - what a shell reads
    say("The emulator is ready. Paste these lines into another shell. Press Ctrl-C to stop it.")
