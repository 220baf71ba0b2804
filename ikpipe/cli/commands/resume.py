"""The command resume."""

from __future__ import annotations

import os
from argparse import Namespace

import ikpipe
from ikpipe.cli import help_text, mapping, output
from ikpipe.cli.exit_status import SUCCESS
from ikpipe.cli.options import Commands, add_command, add_fetch_hosts, add_profile, add_sending, add_trust, add_writing
from ikpipe.cli.sending import progress, send_and_write
from ikpipe.cli.wording import command, say
from ikpipe.errors import Error, JournalError

HELP = f"""\
examples:
  ikpipe resume                        list interrupted runs
  ikpipe resume run.ikjournal -o results.csv

The journal has the table as far as it was read, and the result of each row, so
--map and --set are not needed; the keys are. If the table was not read to its
end, reading continues. A table from standard input has to be given again, to
`upload` with the same --journal. Uploads that were in flight when the run was
interrupted are searched for in the library before anything is sent again. Rows
with a result stay as they are, also if they failed: fix these in OUT, then run
`ikpipe retry`. Without other options the run continues with those of its start.
A journal without proof that this account wrote it (for example because its
private key was replaced, or an earlier ikpipe wrote it) is refused unless
--trust-journal is given.

{help_text.KEYS}

exit status: as for upload"""


def add(every: Commands) -> None:
    """Add the command."""
    purpose = "finish an interrupted run from its journal"
    command = add_command(every, "resume", resume, "[JOURNAL -o OUT] [options]", purpose, HELP)
    command.add_argument(
        "journal", metavar="JOURNAL", nargs="?", help="the journal file; without it, list interrupted runs"
    )
    command.add_argument("-o", "--out", metavar="OUT", help="the file for the results; - for standard output")
    add_writing(command)
    add_fetch_hosts(command)
    add_sending(command, resuming=True)
    add_trust(command)
    add_profile(command)
    command.set_defaults(emulator=False, state=None)


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
    from ikpipe.cli.commands.update import finish_update
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
        names = ("concurrency", "rate", "bandwidth", "retries", "timeout", "max_failures", "on_unknown")
        changed = {name: getattr(options, name) for name in names}
        policy = mapping.policy(options.policy) if options.policy else None
        send_options = recorded_options(record, policy, options.fetch_host, progress=progress(options), **changed)
        return send_and_write(
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
    return SUCCESS
