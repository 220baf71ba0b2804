"""Options that several commands share, and the values of options."""

from argparse import SUPPRESS, ArgumentParser, Namespace, _ActionsContainer
from collections.abc import Callable
from typing import Protocol

from ikpipe.cli.option_values import bandwidth, count, pair, port, positive, whole
from ikpipe.frames.io.options import DELIMITERS, FORMATS


class Commands(Protocol):
    """The commands of the program, which a command is added to."""

    def add_parser(self, name: str, **settings: object) -> ArgumentParser:
        """Return the parser of a new command."""


def add_command(
    commands: Commands, name: str, run: Callable[[Namespace], int], usage: str, purpose: str, details: str
) -> ArgumentParser:
    """Add a command, and return its parser.

    `run` takes the parsed options and returns the exit status. `usage` is what follows the command's name, `purpose` a
    line in the list of commands, and `details` what its help has after the options.
    """
    command = commands.add_parser(
        name,
        prog=f"ikpipe {name}",
        usage=f"ikpipe {name} {usage}",
        help=purpose,
        description=f"{purpose[0].upper()}{purpose[1:]}.",
        epilog=details,
    )
    command.set_defaults(run=run)
    add_no_color(command)
    return command


def add_no_color(command: ArgumentParser) -> None:
    """Add the option for text without colors, which takes effect before the options are parsed."""
    command.add_argument("--no-color", action="store_true", help="print no colors, as with the variable NO_COLOR")


def add_address(command: ArgumentParser) -> None:
    """Add the address that a server listens on."""
    command.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: 127.0.0.1)")
    command.add_argument("--port", type=port, default=0, help="the port (default: a free one)")


def add_reading(command: ArgumentParser) -> None:
    """Add the options about reading a table, which `mapping.read_options` collects."""
    command.add_argument("--format", metavar="FORMAT", help=f"format of the table: {', '.join(FORMATS)}")
    command.add_argument("--delimiter", metavar="C", help="character between the cells of CSV, such as ; | or tab")
    command.add_argument("--encoding", metavar="NAME", help="encoding of CSV and JSON, such as windows-1252")
    command.add_argument(
        "--sheet",
        metavar="NAME",
        help="sheet of a workbook, by its name or number (default: the first visible one with rows)",
    )
    command.add_argument(
        "--header-row",
        metavar="N",
        type=count,
        help="row of the sheet that has the names of the columns (default: the first one with cells)",
    )
    command.add_argument(
        "--links", action="store_true", default=None, help="in a sheet, read the address of a link instead of its text"
    )


def add_writing(command: ArgumentParser) -> None:
    """Add the options about writing OUT, which `output.csv_style` collects."""
    command.add_argument(
        "--spreadsheet-safe",
        action="store_true",
        help="in CSV, put an apostrophe before text that a spreadsheet would run as a formula",
    )
    command.add_argument(
        "--for-excel",
        action="store_true",
        help="write CSV for Excel where it uses a decimal comma: with semicolons and a byte-order mark",
    )


def add_mapping(command: ArgumentParser, *, on_existing: bool = True) -> None:
    """Add the options about the mapping, which `mapping.call_keywords` collects.

    `on_existing`: also those for files that are in the library already, besides how their content is compared.
    """
    add_parameters(command)
    command.add_argument(
        "--root", metavar="DIR", help="folder that contains the files of the table; paths cannot lead out of it"
    )
    command.add_argument("--file-kind", choices=("base64",), help="the file column contains base64 text")
    command.add_argument(
        "--fetch",
        choices=("server", "client"),
        help="who downloads URLs: ImageKit (server, default) or this machine (client)",
    )
    add_fetch_hosts(command)
    add_formats(command)
    if on_existing:
        add_existing(command)
    command.add_argument(
        "--changed-by",
        metavar="WHAT",
        help="how sync sees that content has changed: content (default; a hash, or what the URL's host says), size, or "
        "a column such as updated_at",
    )


def add_parameters(command: ArgumentParser) -> None:
    """Add the options that say where parameters come from."""
    add_pairs(command, "--map", "PARAMETER=COLUMN[,COLUMN]", "take a parameter from a column")
    add_pairs(
        command, "--set", "PARAMETER=TEXT", "set a parameter for every row; {column} is replaced by the row's value"
    )
    command.add_argument(
        "--path",
        metavar="TEMPLATE",
        help="folder and file name in the library, such as /p/{brand|slug}/{file.name}",
    )
    command.add_argument(
        "--ignore",
        metavar="COLUMN",
        action="append",
        default=[],
        help="do not take a parameter from this column, although its name is (almost) the parameter's; repeatable",
    )


def add_existing(command: ArgumentParser) -> None:
    """Add the options for files that are in the library already."""
    command.add_argument(
        "--on-existing",
        choices=("replace", "skip", "error", "sync"),
        help="what happens where a file is at the target of a row: replace it (default for fixed names), skip or fail "
        "the row, or send only what differs (sync); names are fixed",
    )
    command.add_argument(
        "--dedupe",
        action="store_true",
        default=None,
        help="rows whose content and parameters are equal apart from the name share one file",
    )


def add_formats(command: ArgumentParser) -> None:
    """Add the options about the formats of text."""
    command.add_argument(
        "--tag-separator",
        type=lambda text: DELIMITERS.get(text.lower(), text),
        metavar="C",
        help="what separates the tags in a cell, such as ; or tab (default: a comma)",
    )
    command.add_argument("--decimal", metavar="C", choices=(".", ","), help="the decimal mark of numbers (default: .)")
    for word in ("true", "false"):
        command.add_argument(
            f"--{word}",
            metavar="WORD",
            dest=f"{word}_values",
            action="append",
            help=f"a word for {word} in the table; repeatable",
        )


def add_fetch_hosts(command: ArgumentParser) -> None:
    """Add the option for hosts that URLs may be downloaded from."""
    command.add_argument(
        "--fetch-host",
        metavar="HOST",
        action="append",
        default=[],
        help="a private host or network that this machine may download from, such as intranet.example.com or "
        "10.0.0.0/8; repeatable",
    )


def add_sending(command: ArgumentParser, *, resuming: bool = False) -> None:
    """Add options about sending; a resumed run has the options of its start as defaults."""
    best, hold = ("", "") if resuming else (" (default: automatic)", " (default)")
    command.add_argument("--concurrency", metavar="N", type=count, help=f"number of uploads at the same time{best}")
    command.add_argument("--rate", metavar="N", type=positive, help="maximum number of uploads started per second")
    command.add_argument(
        "--bandwidth",
        metavar="LIMIT",
        type=bandwidth,
        help="maximum number of bytes sent per second, as rclone writes it: 5M, 10M:2M (upload:download), off, or by "
        "time of day '08:00,512k 18:00,10M'",
    )
    tries = "" if resuming else " (default: 5)"
    command.add_argument(
        "--retries", metavar="N", type=whole, help=f"attempts after the first, if one fails for now{tries}"
    )
    add_timeout(command)
    command.add_argument("--max-failures", metavar="N", type=count, help="stop after N failed rows")
    command.add_argument(
        "--on-unknown",
        choices=("hold", "resend"),
        default=None if resuming else "hold",
        help=f"rows that may be stored, if the library cannot be searched: leave them unknown{hold}, or send them "
        "again, which can store a file twice",
    )
    add_policy(command)
    add_reporting(command)


def accept_upload_options(command: ArgumentParser) -> None:
    """Accept the other options of `upload` without an effect, so that its name alone makes a command of another one."""
    upload = ArgumentParser(add_help=False)
    add_sending(upload)
    add_account(upload)
    add_dry_run(upload)
    known = command._option_string_actions  # noqa: SLF001 - argparse has no name for them
    for action in upload._actions:  # noqa: SLF001
        if not {*action.option_strings} & {*known}:
            action.help = SUPPRESS
            command._add_action(action)  # noqa: SLF001


def add_dry_run(command: ArgumentParser) -> None:
    """Add the option of `upload` that makes it `plan`."""
    command.add_argument(
        "-n", "--dry-run", action="store_true", help="only say what would be done, as plan does; OUT is not written"
    )


def add_timeout(command: ArgumentParser) -> None:
    """Add the option for the time limit."""
    command.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=positive,
        help="time without any progress after which an attempt ends, instead of all other time-outs",
    )


def add_reporting(command: ArgumentParser) -> None:
    """Add the options about what a run says."""
    add_quiet(command)
    add_reports(command)


def add_quiet(command: ArgumentParser) -> None:
    """Add the option to print less."""
    help_text = "show no progress and no summary, only warnings and errors"
    command.add_argument("-q", "--quiet", action="store_true", help=help_text)


def add_reports(command: ArgumentParser) -> None:
    """Add the log, and the files that report a run, which `reporting.run_command` writes."""
    add_logging(command)
    command.add_argument("--summary", metavar="FILE", help="write a summary of the run as JSON, however it ends")
    command.add_argument("--html", metavar="FILE", help="write a report of the run as a web page")
    command.add_argument(
        "--metrics-file",
        metavar="FILE",
        help="write metrics of the run for Prometheus (the textfile collector of node_exporter), such as products.prom",
    )


def add_logging(command: ArgumentParser) -> None:
    """Add the options about the log, which `logs.logging_of` reads."""
    command.add_argument(
        "-v",
        "--verbose",
        action="count",
        default=0,
        help="log on standard error what happens; -vv logs each row and request",
    )
    command.add_argument(
        "--log-file", metavar="FILE", help="append the log to FILE; with -vv, it has each row and request"
    )
    command.add_argument(
        "--log-format",
        choices=("text", "json"),
        default="text",
        help="the format of the log file, or without one of the log on standard error (default: text)",
    )


def add_policy(command: ArgumentParser) -> None:
    """Add the option for assumptions about the service."""
    purpose = "override an assumption about the service, such as index_lag=60 or names=as_given"
    add_pairs(command, "--policy", "FIELD=VALUE", purpose)


def add_account(command: ArgumentParser) -> None:
    """Add the account and the journal."""
    add_journal(command)
    add_repeated(command)
    add_trust(command)
    account = command.add_mutually_exclusive_group()
    add_profile(account)
    account.add_argument(
        "--emulator",
        action="store_true",
        help="upload to a temporary local ImageKit instead, to try it out",
    )


def add_deleting(command: ArgumentParser) -> None:
    """Add the options of `sync` about what is deleted, and which files it is about."""
    deleting = command.add_mutually_exclusive_group()
    deleting.add_argument(
        "--delete",
        action="store_true",
        help="delete files in FOLDER that SOURCE does not have; without --yes, only say what would be done",
    )
    deleting.add_argument(
        "--delete-all",
        dest="delete",
        action="store_const",
        const="all",
        help="as --delete, also if SOURCE is empty, if more than half of the files would be deleted, or if FOLDER is /",
    )
    command.add_argument("--yes", action="store_true", help="carry it out, with --delete")
    command.add_argument("-n", "--dry-run", action="store_true", help="only say what would be done")
    for name, purpose in (
        ("include", "only files that match a pattern, such as '*.jpg' or '/2026/**'"),
        ("exclude", "no files that match a pattern, such as 'drafts/' or '.*'"),
    ):
        command.add_argument(
            f"--{name}",
            metavar="PATTERN",
            action="append",
            default=[],
            help=f"{purpose}, as rclone has them; other files are neither sent nor deleted; repeatable",
        )


def add_journal(command: ArgumentParser) -> None:
    """Add the option for the journal."""
    command.add_argument(
        "--journal",
        metavar="FILE",
        help="file that records the run (default: a new file); the same command with the same FILE uploads only the "
        "remaining rows; if the run is finished and the table has changed, it starts anew",
    )


def add_repeated(command: ArgumentParser) -> None:
    """Add the options for runs that are repeated."""
    command.add_argument(
        "--run",
        metavar="NAME",
        dest="run_name",
        help="name of the run, such as night-2026-11-30: the same command with the same NAME stores nothing twice, "
        "also on another machine",
    )
    add_state(command)


def add_state(command: ArgumentParser) -> None:
    """Add the option for the state."""
    command.add_argument(
        "--state",
        metavar="PLACE",
        help="where ikpipe keeps what it stored, for sync and --dedupe: a file (default: one for the account), a "
        "folder or URL that machines share, or library",
    )


def add_trust(command: ArgumentParser) -> None:
    """Add the option to accept a journal without proof."""
    command.add_argument(
        "--trust-journal",
        action="store_true",
        help="accept a journal without proof that this account wrote it, such as one of a replaced key, of another "
        "machine without the key, or of an earlier ikpipe",
    )


def add_profile(command: _ActionsContainer) -> None:
    """Add the option that chooses the account."""
    command.add_argument(
        "--profile", metavar="NAME", help="take the keys from this profile of config.toml (default: IMAGEKIT_PROFILE)"
    )


def add_pairs(command: ArgumentParser, option: str, metavar: str, purpose: str) -> None:
    """Add an option of pairs, which can be repeated."""
    command.add_argument(option, metavar=metavar, action="append", default=[], type=pair, help=f"{purpose}; repeatable")
