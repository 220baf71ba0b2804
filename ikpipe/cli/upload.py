"""upload, retry and resume: send a table, write its results, and name the next command."""

from __future__ import annotations

import logging
import os
import shlex
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import ikpipe
from ikpipe.cli import mapping, output, report
from ikpipe.cli.emulated import emulated
from ikpipe.cli.wording import say, width
from ikpipe.errors import Error, JournalError, MappingError

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Iterator, Mapping

    from ikpipe.frames.chunks import TableSource
    from ikpipe.run.job import UploadJob

ALL_UPLOADED, SOME_NOT, INTERRUPTED = 0, 1, 130


def upload(options: Namespace) -> int:
    """`ikpipe upload IN -o OUT`."""
    from ikpipe.frames.io.streams import feed
    from ikpipe.run.job import UploadJob

    output.ready(options.out, options.table, options.journal)
    said = mapping.gathered(options)
    return _run(options, lambda: feed(options.table), lambda table, _account: UploadJob(table, said))


def retry(options: Namespace) -> int:
    """`ikpipe retry RESULTS -o OUT`; OUT may be RESULTS, since it is replaced as a whole."""
    from ikpipe.frames.chunks import InMemoryTable
    from ikpipe.run.engine import retried

    for journal in (options.journal, options.earlier_journal):
        output.ready(options.out, journal=journal)
    said = mapping.gathered(options)

    def work(table: Any, account: ikpipe.Account) -> UploadJob:
        earlier = None if options.earlier_journal is None else Path(options.earlier_journal)
        return retried(table.frame, account, said, options.fetch, earlier, trust=options.trust_journal)

    return _run(options, lambda: InMemoryTable(ikpipe.read_results(options.table)), work)


def resume(options: Namespace) -> int:
    """`ikpipe resume JOURNAL -o OUT`; without a journal, list interrupted runs."""
    if options.journal is None:
        return _list_unfinished(options)
    if options.out is None:
        raise Error(f"Name a file for the results: {shlex.join(['ikpipe', 'resume', options.journal])} -o OUT")
    output.ready(options.out, journal=options.journal)
    if not os.path.exists(options.journal):  # noqa: PTH110 - unlike Path's, False where nobody may look
        raise Error(
            f"There is no journal {options.journal}. A run creates it before it sends anything, so if the run was "
            "interrupted before that, nothing was sent: repeat the upload. List other runs: ikpipe resume"
        )
    return _finish(options, ikpipe.Account.from_env(options.profile))


def _finish(options: Namespace, account: ikpipe.Account) -> int:
    """Continue the run of a journal."""
    from ikpipe.concurrency.control import to_sync
    from ikpipe.run.engine import options_as_begun, resumed, send

    try:
        record, work = resumed(options.journal, account, trust=options.trust_journal)
    except JournalError as error:  # of which no other file can be named here
        error.another = False
        raise
    with record.journal:
        given = {"concurrency": options.concurrency, "rate": options.rate, "on_unknown": options.on_unknown}
        given["max_failures"] = options.max_failures
        policy = mapping.policy(options.policy) if options.policy else None
        how = options_as_begun(record, policy, options.fetch_host, progress=not options.quiet, **given)
        return _carry_out(options, work, lambda sink: to_sync(send, "resume")(work, account, how, sink, record))


def _list_unfinished(options: Namespace) -> int:
    """Print the interrupted runs, one per line, and the command that finishes one."""
    from ikpipe.journal.catalog import folder, unfinished

    if options.out is not None:
        raise Error("Name the journal too: ikpipe resume JOURNAL -o OUT. List the journals: ikpipe resume")
    found = list(unfinished())
    for one in found:
        print(f"{one.begun}  {one.rows:>9,} rows  {one.path}")  # noqa: T201 - what the command is for
    if found:
        say("Finish one of them with:", "  ikpipe resume JOURNAL -o results.csv")
    else:
        say(f"No interrupted runs in {folder()}.", "For a run with --journal FILE: ikpipe resume FILE -o OUT")
    return ALL_UPLOADED


def _run(options: Namespace, read: Callable[[], TableSource], make: Callable[[Any, ikpipe.Account], UploadJob]) -> int:
    """Send a table, to the account or to a temporary service."""
    from ikpipe.concurrency.control import to_sync
    from ikpipe.run.engine import begin
    from ikpipe.run.engine import options as sending

    how = sending(
        policy=mapping.policy(options.policy),
        fetch_hosts=options.fetch_host,
        concurrency=options.concurrency,
        rate=options.rate,
        max_failures=options.max_failures,
        on_unknown=options.on_unknown,
        progress=not options.quiet,
        # A temporary service may have another private key each time, and its journals need no proof.
        trust_journal=options.trust_journal or options.emulator,
    )
    account = None if options.emulator else ikpipe.Account.from_env(options.profile)
    table = read()

    def go(account: ikpipe.Account, journal: Any) -> int:
        work = make(table, account)
        return _carry_out(options, work, lambda sink: to_sync(begin, "upload")(work, account, how, sink, journal))

    if account is not None:
        return go(account, options.journal)
    # Nobody can resume a run whose service has ended, so its journal is not kept with the others.
    with TemporaryDirectory(prefix="ikpipe-") as place, emulated(table.sample, mapping.call(options)) as there:
        if options.journal is not None:
            say(f"--emulator: use {options.journal} only with this emulator, and another file for ImageKit.")
        return go(there, options.journal or Path(place, "run.ikjournal"))


def _carry_out(options: Namespace, work: UploadJob, send: Callable[[Any], object]) -> int:
    """Send the rows and write their results, also if something stops the run."""
    with output.results(options.out, work.feed.sample.attrs) as sink, _telling(options):
        # The journal of a temporary service is deleted with it.
        tally = report.ResultTally(sink, {"journal": None} if options.emulator and options.journal is None else {})
        try:
            send(tally)
        finally:
            if tally.about and not options.quiet:
                say(*report.summary(tally, width()), "", *_next_steps(options, tally))
    return INTERRUPTED if tally.about["interrupted"] else ALL_UPLOADED if tally.all_uploaded else SOME_NOT


@contextmanager
def _telling(options: Namespace) -> Iterator[None]:
    """Print the command that resumes the run as soon as the library logs where its journal is."""
    log = logging.getLogger("ikpipe")

    def tell(record: logging.LogRecord) -> bool:
        if journal := getattr(record, "journal", None):
            say("If this run is interrupted, finish it with:", f"  {_resume_command(options, journal)}")
        return record.levelno > logging.INFO

    if not options.quiet and not options.emulator:
        log.setLevel(logging.INFO)
    log.addFilter(tell)
    try:
        yield
    finally:
        log.removeFilter(tell)


def _next_steps(options: Namespace, tally: report.ResultTally) -> list[str]:
    """Return lines that say where the results are and which command comes next."""
    about, lines = tally.about, []
    if options.out != output.STANDARD:
        lines.append(f"Results: {options.out}")
    if tally.all_uploaded:
        return lines
    if about["interrupted"] and about["journal"] is not None and not options.emulator:
        return [*lines, "Next, to continue the run:", f"  {_resume_command(options, about['journal'])}"]
    if options.out == output.STANDARD:
        return ["To retry the rows that are not uploaded, write the results to a file (-o results.csv)."]
    lines.append(f"Next, after fixing the problems (cells can be fixed in {options.out}):")
    lines.append(f"  {_retry_command(options, about, unknown=tally.statuses['unknown'] > 0)}")
    if tally.statuses["unknown"]:
        lines += [
            "Rows with the status unknown may be stored. Retry searches the library first and sends only missing files."
        ]
        lines += ["Without a search they stay unknown; --on-unknown resend sends them, which can store a file twice."]
    return lines


def _resume_command(options: Namespace, journal: str) -> str:
    """Return the command that finishes a run; the journal has its options."""
    return shlex.join(["ikpipe", "resume", journal, "-o", options.out, *_hosts(options), *_given(options, "profile")])


def _retry_command(options: Namespace, about: Mapping[str, Any], *, unknown: bool = False) -> str:
    """Return the command that retries OUT; a Parquet file has the mapping, except for what only a caller may set.

    The journal knows more than OUT about rows whose status is unknown, and no file says where it is.
    """
    words = ["ikpipe", "retry", options.out, "-o", options.out]
    try:
        words += mapping.words(about["mapping"], kept=options.out.endswith(".parquet"))
    except MappingError as error:
        return f"ikpipe.retry(ikpipe.read_results({options.out!r}), account, …) in Python. {error}"
    words += [word for name, text in options.policy for word in ("--policy", f"{name}={text}")]
    words += [*_hosts(options), *_given(options, "concurrency", "rate", "max_failures", "profile")]
    if unknown and about["journal"] is not None and not options.emulator:
        words += ["--earlier-journal", about["journal"]]
    return shlex.join([*words, "--emulator"] if options.emulator else words)


def _hosts(options: Namespace) -> list[str]:
    return [word for host in options.fetch_host for word in ("--fetch-host", host)]


def _given(options: Namespace, *names: str) -> list[str]:
    """Return options and their values, as far as they are set."""
    values = {f"--{name.replace('_', '-')}": getattr(options, name) for name in names}
    return [word for option, value in values.items() if value is not None for word in (option, f"{value}")]
