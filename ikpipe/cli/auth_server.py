"""`ikpipe auth-server`: an authentication endpoint on a port, with a policy made from options."""

from __future__ import annotations

import importlib
import logging
import shlex
import sys
from argparse import Namespace
from typing import TYPE_CHECKING, Any

import ikpipe
from ikpipe.cli.wording import say
from ikpipe.errors import Error

if TYPE_CHECKING:
    from ikpipe.auth import Allow

_POLICY = ("may", "folder", "names", "force", "replace", "lifetime", "rate")


def auth_server(options: Namespace) -> int:
    """`ikpipe auth-server`: serve until Ctrl-C or SIGTERM."""
    from ikpipe.auth import endpoint
    from ikpipe.auth.server import serve

    allow = _imported_policy(options) if options.allow is not None else _policy_of_options(options)
    account = ikpipe.Account.from_env(options.profile)
    headers = _names(options.headers)
    app = endpoint(account, allow=allow, origins=options.origin, headers=headers, credentials=options.credentials)
    if not options.quiet:
        logging.getLogger("ikpipe.auth").setLevel(logging.INFO)
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
