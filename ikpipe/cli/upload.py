"""upload, retry and resume: send a table and write its results."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import ikpipe
from ikpipe.cli import commands, mapping, output, report
from ikpipe.cli.emulator import temporary_emulator
from ikpipe.cli.next_command import announce_resume, next_steps
from ikpipe.cli.wording import command, say
from ikpipe.errors import Error, JournalError

if TYPE_CHECKING:
    from ikpipe.run.job import UploadJob

ALL_UPLOADED, SOME_NOT, INTERRUPTED = 0, 1, 130


def upload(options: Namespace) -> int:
    """`ikpipe upload IN -o OUT`."""
    if options.dry_run and options.emulator:
        raise Error("A temporary ImageKit is empty, so there is nothing to plan.", fix="Omit --emulator or --dry-run.")
    if options.dry_run:
        return commands.plan(options)
    from ikpipe.frames.io.streams import open_table
    from ikpipe.run.job import UploadJob

    output.check_writable(options.out, output.csv_style(options), options.table, options.journal)
    run_mapping, read_options = mapping.run_mapping(options), mapping.read_options(options)
    return _upload_table(options, lambda: UploadJob(open_table(options.table, read_options), run_mapping))


def retry(options: Namespace) -> int:
    """`ikpipe retry RESULTS -o OUT`; OUT may be RESULTS, since it is replaced as a whole."""
    from ikpipe.frames.io.opening import LINES
    from ikpipe.frames.io.reading import format_of
    from ikpipe.frames.io.results import results_table
    from ikpipe.run.retry import add_histories, retry_job

    for journal in (options.journal, options.earlier_journal):
        output.check_writable(options.out, output.csv_style(options), journal=journal)
    run_mapping, read_options = mapping.run_mapping(options), mapping.read_options(options)

    def make_job() -> UploadJob:
        """Return the job of the rows that are to be retried."""
        job = retry_job(results_table(options.table, read_options), run_mapping, options.fetch)
        job.table.lines = LINES.get(format_of(options.table, read_options))
        return job

    def complete(job: UploadJob, account: ikpipe.Account) -> None:
        """Add what the earlier journal has about the rows."""
        earlier = None if options.earlier_journal is None else Path(options.earlier_journal)
        add_histories(job, account, earlier, trust=options.trust_journal)

    return _upload_table(options, make_job, complete)


def resume(options: Namespace) -> int:
    """`ikpipe resume JOURNAL -o OUT`; without a journal, list interrupted runs."""
    if options.journal is None:
        return _list_interrupted(options)
    if options.out is None:
        raise Error(f"Name a file for the results: {command(['ikpipe', 'resume', options.journal])} -o OUT")
    output.check_writable(options.out, output.csv_style(options), journal=options.journal)
    if not os.path.exists(options.journal):  # noqa: PTH110 - unlike Path's, False where nobody may look
        raise Error(
            f"There is no journal {options.journal}. A run creates it before it sends anything, so if the run was "
            "interrupted before that, nothing was sent: repeat the upload. List other runs: ikpipe resume"
        )
    return _resume_journal(options, ikpipe.Account.from_env(options.profile))


def _resume_journal(options: Namespace, account: ikpipe.Account) -> int:
    """Continue the run of a journal."""
    from ikpipe.cli.update import finish_update
    from ikpipe.concurrency.interrupts import to_sync
    from ikpipe.journal.catalog import is_update
    from ikpipe.run.engine import interrupted_job, recorded_options, send

    try:
        record, job = interrupted_job(options.journal, account, trust=options.trust_journal)
    except JournalError as error:  # of which no other file can be named here
        error.another = False
        raise
    if is_update(record.journal.facts):
        return finish_update(options, job, account, record)
    with record.journal:
        names = ("concurrency", "rate", "max_failures", "on_unknown")
        changed = {name: getattr(options, name) for name in names}
        policy = mapping.policy(options.policy) if options.policy else None
        send_options = recorded_options(record, policy, options.fetch_host, progress=not options.quiet, **changed)
        return _send_and_write(
            options, job, lambda sink: to_sync(send, "resume")(job, account, send_options, sink, record)
        )


def _list_interrupted(options: Namespace) -> int:
    """Print the interrupted runs, one per line, and the command that finishes one."""
    from ikpipe.journal.catalog import interrupted_runs, journals_folder

    if options.out is not None:
        raise Error("Name the journal too: ikpipe resume JOURNAL -o OUT. List the journals: ikpipe resume")
    runs = list(interrupted_runs())
    for run in runs:
        print(f"{run.begun}  {run.rows:>9,} rows  {run.path}")  # noqa: T201 - what the command is for
    if runs:
        say("Finish one of them with:", "  ikpipe resume JOURNAL -o results.csv")
    else:
        say(f"No interrupted runs in {journals_folder()}.", "For a run with --journal FILE: ikpipe resume FILE -o OUT")
    return ALL_UPLOADED


def _upload_table(
    options: Namespace,
    make_job: Callable[[], UploadJob],
    complete: Callable[[UploadJob, ikpipe.Account], None] = lambda _job, _account: None,
) -> int:
    """Send the table of a job, which an account may have to complete, to the account or to a temporary service."""
    from ikpipe.concurrency.interrupts import to_sync
    from ikpipe.run.engine import begin
    from ikpipe.run.engine import send_options as make_options

    send_options = make_options(
        policy=mapping.policy(options.policy),
        fetch_hosts=options.fetch_host,
        concurrency=options.concurrency,
        rate=options.rate,
        max_failures=options.max_failures,
        on_unknown=options.on_unknown,
        run=options.run_name,
        state=options.state,
        progress=not options.quiet,
        # A temporary service may have another private key each time, and its journals need no proof.
        trust_journal=options.trust_journal or options.emulator,
    )
    account = None if options.emulator else ikpipe.Account.from_env(options.profile)
    job = make_job()
    job.first_mapping()  # finds errors in the mapping before a temporary service is started

    def send_to(account: ikpipe.Account, journal: Any) -> int:
        """Send the table to an account, and return the exit status."""
        complete(job, account)
        return _send_and_write(
            options, job, lambda sink: to_sync(begin, "upload")(job, account, send_options, sink, journal)
        )

    if account is not None:
        return send_to(account, options.journal)
    # Nobody can resume a run whose service has ended, so its journal is not kept with the others.
    with (
        TemporaryDirectory(prefix="ikpipe-") as folder,
        temporary_emulator(job.table.sample, mapping.call_keywords(options)) as account,
    ):
        if options.journal is not None:
            say(f"--emulator: use {options.journal} only with this emulator, and another file for ImageKit.")
        return send_to(account, options.journal or Path(folder, "run.ikjournal"))


def _send_and_write(options: Namespace, job: UploadJob, send: Callable[[Any], object]) -> int:
    """Send the rows and write their results, also if something stops the run."""
    style, attrs = output.csv_style(options), job.table.sample.attrs
    with output.results_writer(options.out, style, attrs) as writer, announce_resume(options):
        tally = report.ResultTally(writer, _overrides(options))
        try:
            send(tally)
        finally:
            if tally.run_summary and not options.quiet:
                lines = report.report_writer(job.table.lines)
                say(*lines.summary(tally, tally.run_summary), "", *next_steps(options, tally))
    if tally.run_summary["interrupted"]:
        return INTERRUPTED
    return ALL_UPLOADED if tally.all_uploaded else SOME_NOT


def _overrides(options: Namespace) -> dict[str, None]:
    """Return the entries of a run's summary that are others here: the journal of a temporary service is deleted."""
    return {"journal": None} if options.emulator and options.journal is None else {}
