"""What upload, retry and resume share: send the rows of a job and write their results."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ikpipe
from ikpipe.cli import mapping, output, report
from ikpipe.cli.exit_status import INTERRUPTED, SOME_NOT, SUCCESS
from ikpipe.cli.next_command import announce_resume, next_steps
from ikpipe.cli.temporary_emulator import temporary_emulator
from ikpipe.cli.wording import in_options, say
from ikpipe.request.missing import without_none

if TYPE_CHECKING:
    from ikpipe.run.job import UploadJob


def upload_table(
    options: Namespace,
    make_job: Callable[[], UploadJob],
    complete: Callable[[UploadJob, ikpipe.Account], None] = lambda _job, _account: None,
) -> int:
    """Send the table of a job, which an account may have to complete, to the account or to a temporary service."""
    from ikpipe.concurrency.interrupts import to_sync
    from ikpipe.concurrency.temporary import LockedFolder
    from ikpipe.run.engine import begin
    from ikpipe.run.engine import send_options as make_options

    send_options = make_options(
        policy=mapping.policy(options.policy),
        fetch_hosts=options.fetch_host,
        concurrency=options.concurrency,
        rate=options.rate,
        bandwidth=options.bandwidth,
        max_failures=options.max_failures,
        timeout=options.timeout,
        on_unknown=options.on_unknown,
        run=options.run_name,
        state=options.state,
        progress=progress(options),
        # A temporary service may have another private key each time, and its journals need no proof.
        trust_journal=options.trust_journal or options.emulator,
        **without_none({"retries": options.retries}),
    )
    account = None if options.emulator else ikpipe.Account.from_env(options.profile)
    job = make_job()
    job.first_mapping()  # finds errors in the mapping before a temporary service is started

    def send_to(account: ikpipe.Account, journal: Any) -> int:
        """Send the table to an account, and return the exit status."""
        complete(job, account)
        return send_and_write(
            options, job, lambda sink: to_sync(begin, "upload")(job, account, send_options, sink, journal)
        )

    if account is not None:
        return send_to(account, options.journal)
    # Nobody can resume a run whose service has ended, so its journal is not kept with the others.
    with (
        LockedFolder() as folder,
        temporary_emulator(folder.path, job.table.sample, mapping.call_keywords(options)) as account,
    ):
        if options.journal is not None:
            say(f"--emulator: use {options.journal} only with this emulator, and another file for ImageKit.")
        return send_to(account, options.journal or folder.path / "run.ikjournal")


def progress(options: Namespace) -> Any:
    """Return how the progress of a run is shown, for the keyword `progress`."""
    from ikpipe.run.progress_display import ProgressOptions

    return False if options.quiet else ProgressOptions(in_options)


def send_and_write(options: Namespace, job: UploadJob, send: Callable[[Any], object]) -> int:
    """Send the rows and write their results, also if something stops the run."""
    style, attrs = output.csv_style(options), job.table.sample.attrs
    with output.results_writer(options.out, style, attrs) as writer, announce_resume(options):
        recorder = options.reports.recorder
        sink = options.reports.sampled(writer, job)
        tally = recorder.counting(report.FileTally(sink, recorder.kept, _overrides(options)))
        try:
            send(tally)
        finally:
            if tally.run_summary and not options.quiet:
                lines = report.report_writer(job.table.lines)
                say(*lines.summary(tally, tally.run_summary), "", *next_steps(options, tally))
    if tally.run_summary["interrupted"]:
        return INTERRUPTED
    return SUCCESS if tally.all_uploaded else SOME_NOT


def _overrides(options: Namespace) -> dict[str, None]:
    """Return the entries of a run's summary that are others here: the journal of a temporary service is deleted."""
    return {"journal": None} if options.emulator and options.journal is None else {}
