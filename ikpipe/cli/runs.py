"""upload, retry and resume: a table goes up, its results are written, and the next command is named."""

from __future__ import annotations

import logging
import shlex
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import ikpipe
from ikpipe._errors import Error, JournalError, MappingError
from ikpipe._result import SETTLED
from ikpipe.cli import mapping, output, report
from ikpipe.cli.standin import emulated
from ikpipe.cli.wording import say, width

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Iterator

    import pandas as pd

ALL_UP, SOME_NOT, INTERRUPTED = 0, 1, 130


def upload(options: Namespace) -> int:
    """`ikpipe upload IN -o OUT`."""
    from ikpipe.tables.reading import read_table

    output.ready(options.out, options.table, options.journal)
    return _run(options, ikpipe.upload, lambda: read_table(options.table))


def retry(options: Namespace) -> int:
    """`ikpipe retry RESULTS -o OUT`; OUT may be RESULTS, since it is replaced as a whole."""
    output.ready(options.out, journal=options.journal)
    return _run(options, ikpipe.retry, lambda: ikpipe.read_results(options.table))


def resume(options: Namespace) -> int:
    """`ikpipe resume JOURNAL -o OUT`; without a journal it lists the runs that were cut off."""
    if options.journal is None:
        return _list_unfinished(options)
    if options.out is None:
        raise Error(f"Name a file for the results: {shlex.join(['ikpipe', 'resume', options.journal])} -o OUT")
    output.ready(options.out, journal=options.journal)
    if not Path(options.journal).is_file():
        raise Error(
            f"There is no journal {options.journal}. A run makes it when its table is read, and before it sends "
            "anything: if it was cut off earlier, nothing was sent; type the upload again. Other runs: ikpipe resume"
        )
    account = ikpipe.Account.from_env(options.profile)
    return _finish(options, lambda: _resumed(options, account))


def _resumed(options: Namespace, account: ikpipe.Account) -> pd.DataFrame:
    given = {"concurrency": options.concurrency, "rate": options.rate, "on_unknown": options.on_unknown}
    given["policy"] = mapping.policy(options.policy) if options.policy else None
    try:
        return ikpipe.resume(options.journal, account, progress=not options.quiet, **given)
    except JournalError as error:  # of which no other file can be named here
        raise JournalError(str(error).replace(", or name another file with journal=", ""), error.results) from None


def _list_unfinished(options: Namespace) -> int:
    """Print the runs that were cut off, a line each, and say what to type."""
    from ikpipe._archive import folder, unfinished

    if options.out is not None:
        raise Error("Name the journal too: ikpipe resume JOURNAL -o OUT. Which there are: ikpipe resume")
    found = list(unfinished())
    for one in found:
        print(f"{one.begun}  {one.rows:>9,} rows  {one.path}")  # noqa: T201 - what the command is for
    if found:
        say("finish one of them with:", "  ikpipe resume JOURNAL -o results.csv")
    else:
        say(f"no run is left to finish in {folder()}", "For a run with --journal FILE: ikpipe resume FILE -o OUT")
    return ALL_UP


def _run(options: Namespace, send: Callable[..., pd.DataFrame], read: Callable[[], pd.DataFrame]) -> int:
    """Send a table, to the account or to a temporary service."""
    given, sending = mapping.call(options), _sending(options)
    account = None if options.emulator else ikpipe.Account.from_env(options.profile)
    frame = read()
    if account is not None:
        return _finish(options, lambda: send(frame, account, **given, **sending))
    # A run whose service is gone cannot be resumed, so that its journal has no place among those that can.
    with TemporaryDirectory(prefix="ikpipe-") as place, emulated(frame, given) as there:
        if options.journal is not None:
            say(f"--emulator: {options.journal} is a journal of this service alone; name another file for ImageKit")
        sending["journal"] = options.journal or Path(place, "run.ikjournal")
        return _finish(options, lambda: send(frame, there, **given, **sending))


def _finish(options: Namespace, send: Callable[[], pd.DataFrame]) -> int:
    """Send, and write what came back, also where something stopped the run."""
    try:
        with _telling(options):
            results = send()
    except Error as error:
        stopped: pd.DataFrame | None = getattr(error, "results", None)
        if stopped is not None:
            _deliver(options, stopped)
        raise
    return _deliver(options, results)


@contextmanager
def _telling(options: Namespace) -> Iterator[None]:
    """Say what to type if the run is cut off, as soon as the library tells where its journal is."""
    log = logging.getLogger("ikpipe")

    def tell(record: logging.LogRecord) -> bool:
        if journal := getattr(record, "journal", None):
            say("if this run is cut off, finish it with:", f"  {_going_on(options, journal)}")
        return record.levelno > logging.INFO

    if not options.quiet and not options.emulator:
        log.setLevel(logging.INFO)
    log.addFilter(tell)
    try:
        yield
    finally:
        log.removeFilter(tell)


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
    about, written = results.attrs["ikpipe"], False
    if options.emulator and options.journal is None:
        about["journal"] = None  # it goes with its service
    try:
        written = output.write(results, options.out)
    finally:
        if not written:
            output.rescue(results, options.out)
    up = bool(results["ik_status"].isin(SETTLED).all())
    if not options.quiet:
        say(*report.summary(results, width()), "", *_outlook(options, results, up=up))
    if about["interrupted"]:
        return INTERRUPTED
    return ALL_UP if up else SOME_NOT


def _outlook(options: Namespace, results: pd.DataFrame, *, up: bool) -> list[str]:
    """Say where the results are, and what to type next."""
    about, lines = results.attrs["ikpipe"], []
    if options.out != output.STANDARD:
        lines.append(f"Results: {options.out}")
    if up:
        return lines
    if about["interrupted"] and about["journal"] is not None and not options.emulator:
        return [*lines, "Next, to go on where it stopped:", f"  {_going_on(options, about['journal'])}"]
    if options.out == output.STANDARD:
        return ["Write the results to a file (-o results.csv) to retry the rows that are not up."]
    lines.append(f"Next, once what is wrong is mended (cells can be mended in {options.out}):")
    lines.append(f"  {_again(options, results)}")
    if (results["ik_status"] == "unknown").any():
        lines += ["Rows that are unknown may be stored: retry looks for them first, and sends those that are absent."]
        lines += ["Where it cannot look they are held; --on-unknown resend sends them, which can store a file twice."]
    return lines


def _going_on(options: Namespace, journal: str) -> str:
    """Write the command that finishes a run; how it sends is in its journal."""
    return shlex.join(["ikpipe", "resume", journal, "-o", options.out, *_given(options, "profile")])


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
