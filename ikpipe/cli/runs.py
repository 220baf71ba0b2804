"""upload, retry and resume: a table goes up, its results are written, and the next command is named."""

from __future__ import annotations

import logging
import shlex
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import ikpipe
from ikpipe._errors import Error, MappingError
from ikpipe._result import SETTLED
from ikpipe.cli import mapping, output, report
from ikpipe.cli.standin import emulated
from ikpipe.cli.wording import say, width

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable

    import pandas as pd

ALL_UP, SOME_NOT, INTERRUPTED = 0, 1, 130


def upload(options: Namespace) -> int:
    """`ikpipe upload IN -o OUT`."""
    from ikpipe.tables.reading import read_table

    output.ready(options.out, options.table)
    return _run(options, ikpipe.upload, lambda: read_table(options.table))


def retry(options: Namespace) -> int:
    """`ikpipe retry RESULTS -o OUT`; OUT may be RESULTS, since it is replaced as a whole."""
    output.ready(options.out)
    return _run(options, ikpipe.retry, lambda: ikpipe.read_results(options.table))


def resume(options: Namespace) -> int:
    """`ikpipe resume JOURNAL -o OUT`; without a journal it lists the runs that were cut off."""
    if options.journal is None:
        return _list_unfinished()
    if options.out is None:
        raise Error("Name the file for the results: -o OUT.")
    output.ready(options.out)
    account = ikpipe.Account.from_env(options.profile)
    given = {"concurrency": options.concurrency, "rate": options.rate, "on_unknown": options.on_unknown}
    given["policy"] = mapping.policy(options.policy) if options.policy else None
    return _finish(options, lambda: ikpipe.resume(options.journal, account, progress=not options.quiet, **given))


def _list_unfinished() -> int:
    from ikpipe._archive import unfinished

    for one in unfinished():
        print(f"{one.begun}  {one.rows:>9,} rows  {one.path}")  # noqa: T201 - what the command is for
    return ALL_UP


def _run(options: Namespace, send: Callable[..., pd.DataFrame], read: Callable[[], pd.DataFrame]) -> int:
    """Send a table; its results are written also where the account stopped the run."""
    given, sending = mapping.call(options), _sending(options)
    account = None if options.emulator else ikpipe.Account.from_env(options.profile)
    frame = read()
    with nullcontext(account) if account is not None else emulated(frame, given) as there:
        return _finish(options, lambda: send(frame, there, **given, **sending))


def _finish(options: Namespace, send: Callable[[], pd.DataFrame]) -> int:
    """Send, and write what came back, also where something stopped the run."""
    if not options.quiet and not options.emulator:
        logging.getLogger("ikpipe").setLevel(logging.INFO)  # which tells where the journal is
    try:
        results = send()
    except Error as error:
        stopped: pd.DataFrame | None = getattr(error, "results", None)
        if stopped is not None:
            _deliver(options, stopped)
        raise
    return _deliver(options, results)


def _sending(options: Namespace) -> dict[str, Any]:
    """Gather the keywords that say how to send."""
    return {
        "concurrency": options.concurrency,
        "rate": options.rate,
        "journal": options.journal,
        "progress": not options.quiet,
        "on_unknown": options.on_unknown,
        "policy": mapping.policy(options.policy),
    }


def _deliver(options: Namespace, results: pd.DataFrame) -> int:
    """Write OUT, say how it went, and tell the exit status."""
    written = False
    try:
        written = output.write(results, options.out)
    finally:
        if not written:
            output.rescue(results, options.out)
    up = bool(results["ik_status"].isin(SETTLED).all())
    if not options.quiet:
        say(*report.summary(results, width()), "", *_outlook(options, results, up=up))
    if results.attrs["ikpipe"]["interrupted"]:
        return INTERRUPTED
    return ALL_UP if up else SOME_NOT


def _outlook(options: Namespace, results: pd.DataFrame, *, up: bool) -> list[str]:
    """Say where the results are, and what to type next."""
    if options.out == output.STANDARD:
        return [] if up else ["Write the results to a file (-o results.csv) to retry the rows that are not up."]
    lines = [f"Results: {options.out}"]
    if not up:
        lines += [
            f"Next, once what is wrong is mended (cells can be mended in {options.out}):",
            f"  {_again(options, results)}",
        ]
    if (results["ik_status"] == "unknown").any():
        lines += ["Rows that are unknown may be stored: retry looks for them first, and sends those that are absent."]
        lines += ["Where it cannot look they are held; --on-unknown resend sends them, which can store a file twice."]
    return lines


def _again(options: Namespace, results: pd.DataFrame) -> str:
    """Write the command that retries OUT; a Parquet file keeps the mapping itself."""
    words = ["ikpipe", "retry", options.out, "-o", options.out]
    if not options.out.endswith(".parquet"):
        try:
            words += mapping.words(results.attrs["ikpipe"]["mapping"])
        except MappingError as error:
            return f"ikpipe.retry(ikpipe.read_results({options.out!r}), account, …) in Python. {error}"
    words += [word for name, text in options.policy for word in ("--policy", f"{name}={text}")]
    words += _given(options, "concurrency", "rate", "profile")
    return shlex.join([*words, "--emulator"] if options.emulator else words)


def _given(options: Namespace, *names: str) -> list[str]:
    """Write options again, as far as they were given."""
    values = {f"--{name.replace('_', '-')}": getattr(options, name) for name in names}
    return [word for option, value in values.items() if value is not None for word in (option, f"{value}")]
