"""The command that continues a run: `ikpipe resume` if it is interrupted, `ikpipe retry` for rows that failed."""

from __future__ import annotations

import logging
from argparse import Namespace
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ikpipe.cli import mapping
from ikpipe.cli.wording import command, say
from ikpipe.errors import MappingError
from ikpipe.frames.io.opening import STANDARD

if TYPE_CHECKING:
    from ikpipe.run.tally import ResultTally


@contextmanager
def announce_resume(options: Namespace) -> Iterator[None]:
    """Print the command that resumes the run as soon as the library logs where its journal is."""
    handler = _JournalHandler(options)
    log = logging.getLogger("ikpipe")
    if not options.quiet and not options.emulator:
        log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)


class _JournalHandler(logging.Handler):
    """Prints the command that resumes a run when the run has its journal."""

    def __init__(self, options: Namespace) -> None:
        super().__init__(logging.INFO)
        self._options = options

    def emit(self, record: logging.LogRecord) -> None:
        """Print the command of a record about a journal."""
        if getattr(record, "event", None) == "journal":
            command_line = _resume_command(self._options, record.__dict__["journal"])
            say("If this run is interrupted, finish it with:", f"  {command_line}")


def next_steps(options: Namespace, tally: ResultTally) -> list[str]:
    """Return lines that say where the results are and which command comes next."""
    summary, lines = tally.run_summary, []
    if options.out != STANDARD:
        lines.append(f"Results: {options.out}")
    if tally.all_uploaded:
        return lines
    if summary["interrupted"] and summary["journal"] is not None and not options.emulator:
        return [*lines, "Next, to continue the run:", f"  {_resume_command(options, summary['journal'])}"]
    if options.out == STANDARD:
        return ["To retry the rows that are not uploaded, write the results to a file (-o results.csv)."]
    lines.append(f"Next, after fixing the problems (cells can be fixed in {options.out}):")
    lines.append(f"  {retry_command(options, summary, unknown=tally.statuses['unknown'] > 0)}")
    if tally.statuses["unknown"]:
        lines += [
            "Rows with the status unknown may be stored. Retry searches the library first and sends only missing files."
        ]
        lines += ["Without a search they stay unknown; --on-unknown resend sends them, which can store a file twice."]
    return lines


def _resume_command(options: Namespace, journal: str) -> str:
    """Return the command that finishes a run; the journal has its options."""
    return command(
        [
            *("ikpipe", "resume", journal, "-o", options.out or "results.csv", *_style_options(options)),
            *(*_host_options(options), *_value_options(options, "profile")),
        ]
    )


def retry_command(options: Namespace, summary: Mapping[str, Any], *, unknown: bool = False) -> str:
    """Return the command that retries OUT; a Parquet file has the mapping, except options that no file may set.

    The journal knows more than OUT about rows whose status is unknown, and no file says where it is.
    """
    words = ["ikpipe", "retry", options.out, "-o", options.out, *_style_options(options)]
    try:
        words += mapping.to_options(summary["mapping"], in_file=options.out.endswith(".parquet"))
    except MappingError as error:
        return f"ikpipe.retry(ikpipe.read_results({options.out!r}), account, …) in Python. {error}"
    words += [word for name, text in options.policy for word in ("--policy", f"{name}={text}")]
    names = ("concurrency", "rate", "bandwidth", "retries", "timeout", "max_failures", "state", "profile")
    words += [*_host_options(options), *_value_options(options, *names)]
    if unknown and summary["journal"] is not None and not options.emulator:
        words += ["--earlier-journal", summary["journal"]]
    return command([*words, "--emulator"] if options.emulator else words)


def _style_options(options: Namespace) -> list[str]:
    names = ("spreadsheet_safe", "for_excel")
    return [mapping.option_name(name) for name in names if getattr(options, name)]


def _host_options(options: Namespace) -> list[str]:
    return [word for host in options.fetch_host for word in ("--fetch-host", host)]


def _value_options(options: Namespace, *names: str) -> list[str]:
    """Return options and their values, as far as they are set."""
    values = {mapping.option_name(name): getattr(options, name) for name in names}
    return [word for option, value in values.items() if value is not None for word in (option, f"{value}")]
