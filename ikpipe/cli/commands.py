"""The commands check, files, sign, emulator and demo: each takes its options and returns the exit status."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING, Any

import ikpipe
from ikpipe.cli import mapping, output, report
from ikpipe.cli.emulated import metadata_fields, service
from ikpipe.cli.signals import at_once
from ikpipe.cli.wording import in_options, say, width
from ikpipe.errors import Error

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Mapping

    import pandas as pd

    from ikpipe.errors import Problem
    from ikpipe.frames.chunks import TableSource

ALL_WELL, PROBLEMS = 0, 1


def check(options: Namespace) -> int:
    """`ikpipe check IN [-o PROBLEMS]`."""
    from ikpipe.frames.io.streams import feed

    if options.out is not None:
        output.ready(options.out, options.table)
    given = mapping.gathered(options)
    known = options.profile or os.environ.get("IMAGEKIT_PUBLIC_KEY")
    account = ikpipe.Account.from_env(options.profile) if known else None
    with at_once():
        table = feed(options.table)
        found, rows = _problems(table, given, account, options)
    if options.out is not None:
        output.write(found, options.out)
    say(*report.problems(found, rows, width()))
    if account is None and metadata_fields(table.sample, mapping.call(options)):
        say("Custom metadata was not checked against the account's fields, since no account is set.")
    return PROBLEMS if (found["severity"] == "error").any() else ALL_WELL


def _problems(
    table: TableSource, given: Mapping[str, Any], account: ikpipe.Account | None, options: Namespace
) -> tuple[pd.DataFrame, int]:
    """Return the problems of a table, and the number of its rows."""
    from ikpipe.concurrency.control import to_sync
    from ikpipe.frames.results import problem_frame
    from ikpipe.run.check import find
    from ikpipe.run.job import UploadJob
    from ikpipe.service.client import ServiceClient

    async def search() -> tuple[list[Problem], int]:
        policy = mapping.policy(options.policy)
        async with ServiceClient(fetch_hosts=options.fetch_host) as wire:
            return await find(UploadJob(table, given), wire, account, probe=options.probe, policy=policy)

    found, rows = to_sync(search, "check")()
    return problem_frame(
        [one._replace(message=in_options(one.message), fix=in_options(one.fix)) for one in found]
    ), rows


def files(options: Namespace) -> int:
    """`ikpipe files [-o OUT]`."""
    output.ready(options.out)
    account = ikpipe.Account.from_env(options.profile)
    with at_once():
        found = ikpipe.files(account, search=options.search, path=options.path, limit=options.limit)
    output.write(found, options.out)
    return ALL_WELL


def sign(options: Namespace) -> int:
    """`ikpipe sign PARAMETER=VALUE…`: print a token on standard output."""
    parameters = mapping.keywords(options.parameters, "sign")
    token = ikpipe.sign(parameters, ikpipe.Account.from_env(options.profile), lifetime=options.lifetime)
    print(token)  # noqa: T201 - what the command is for
    return ALL_WELL


def emulator(options: Namespace) -> int:
    """`ikpipe emulator`: serve until Ctrl-C or SIGTERM."""
    there = service()
    keys = {"public_key": options.public_key, "private_key": options.private_key}
    try:
        rules = there.Rules.from_text(**dict(options.set))
        chosen = {name: getattr(rules, name) for name, _ in options.set}
    except (TypeError, ValueError) as error:
        raise Error(f"--set: {error}") from None
    given: dict[str, Any] = {name: key for name, key in keys.items() if key is not None}
    given["hosts"] = options.allow_host
    given |= _faults(there, options)
    try:
        there.serve(options.host, options.port, options.directory, _announce, seed=options.seed, **given, **chosen)
    except ValueError as error:  # an invalid host name, unreadable keys
        raise Error(f"{error}.") from None
    return ALL_WELL


def _faults(there: Any, options: Namespace) -> dict[str, Any]:
    """Return the keywords for the faults' rates and for when they use up the token, after checking them."""
    given: dict[str, Any] = {}
    try:
        option = "--fault"
        given["faults"] = {kind: float(rate) for kind, rate in options.fault}
        there.Emulator(**given)
        option = "--spends"
        given["spends"] = dict(options.spends)
        there.Emulator(**given)
    except ValueError as error:
        raise Error(f"{option}: {error}") from None
    return given


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


def demo(options: Namespace) -> int:
    """`ikpipe demo`."""
    from pathlib import Path

    from ikpipe.cli.demo import run

    return run(Path(options.out))
