"""The command line: the program `ikpipe`, with a command for each function.

::

    parser.py       the program's parser
    commands/       a module for each command: its options, its help, and what it does
    options.py      options that several commands share
    option_values.py  how their values are read
    help_text.py    explanations that the help of several commands has
    help_format.py  how help looks
    exit_status.py  the exit statuses
    changes.py      what delete, tag, purge, fields and undo share
    sending.py      what upload, retry and resume share
    temporary_emulator.py  the option --emulator
    mapping.py      --map and --set as the mapping of a call
    output.py       OUT: checked before anything is sent, written as a whole
    report.py       problems and summaries as text
    reporting.py    the files that report a run: --summary, --metrics-file, --html
    logs.py         the log on standard error and in a file
    next_command.py the `resume` or `retry` command that is suggested at the start and end of a run
    wording.py      the library's messages in terms of options and commands
    signals.py      Ctrl-C and SIGTERM
    standard_streams.py  standard streams that are closed, full or not read
    prompts.py      questions on the terminal
    doctor/         the checks of doctor
    demo/           demo
    shell/          the scripts and the page that `completion` prints, as docs/generate.py writes them

Only data goes to standard output; messages go to standard error. Heavy modules are imported when a command runs, so
that `--help` is quick.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Sequence

from ikpipe.cli import standard_streams
from ikpipe.cli.logs import logging_of
from ikpipe.cli.parser import parser
from ikpipe.cli.reporting import exit_status, run_command
from ikpipe.cli.signals import as_interrupts
from ikpipe.cli.wording import in_options, say
from ikpipe.errors import Error
from ikpipe.errors.logs import harmless


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line.

    Parameters
    ----------
    argv
        The arguments after the program's name; by default those of the process.

    Returns
    -------
    int
        The exit status: 0 success, 1 some rows are not uploaded or have problems, 2 bad input or options, 3 account
        refused or service unreachable, 130 interrupted.
    """
    if argv is not None:
        return _run(argv)
    standard_streams.prepare()
    # The garbage collector would look through all that is imported again and again, for a third of the time of `check`.
    gc.set_threshold(50_000)
    # Arrow's own pool keeps the memory of each part of a long table.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    return standard_streams.finish(_run(None))


def _run(argv: Sequence[str] | None) -> int:
    """Run a command line, and return the exit status."""
    try:
        arguments = parser().parse_args(argv)
        with as_interrupts(), logging_of(arguments):
            return run_command(arguments)
    except SystemExit as end:  # argparse, after --help
        return exit_status(end)
    except Error as error:
        say(f"error: {harmless(in_options(error.text))}")
        return exit_status(error)
    except OSError as error:  # such as a port in use or a full disk: the system's message says it best
        say(f"error: {error}")
        return exit_status(error)
    except KeyboardInterrupt as interrupt:
        say("Interrupted. No results were written.")
        return exit_status(interrupt)
