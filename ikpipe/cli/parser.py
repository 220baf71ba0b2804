"""The commands and their options."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import ikpipe
from ikpipe.cli import auth_server, commands, emulator, help_text, upload
from ikpipe.errors import Error, did_you_mean
from ikpipe.frames.io.options import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    _Commands = argparse._SubParsersAction["_Parser"]  # noqa: SLF001 - it has no public name


_SIMILAR = 0.7  # of a name that is suggested, from 0 to 1


class _Parser(argparse.ArgumentParser):
    """A parser that keeps the line breaks of examples, accepts no abbreviated options, and raises its errors."""

    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **options)
        self.commands: Mapping[str, _Parser] = {}

    @property
    def options(self) -> list[str]:
        """The options by their long names."""
        return [option for option in self._option_string_actions if option.startswith("--")]

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse words, all of which must be known; the error suggests a command or an option of a similar name."""
        words = sys.argv[1:] if args is None else list(args)
        self._check(words)
        parsed, unknown = super().parse_known_args(words, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return parsed, unknown

    def _check(self, words: Sequence[str]) -> None:
        """Check the options among some words, up to the command if this is the program's parser."""
        for word in words:
            name = word.partition("=")[0]
            is_option = name.startswith("-")
            if name == "--" or (self.commands and not is_option):
                if not is_option and word not in self.commands:
                    self.error(f"There is no command {word!r}{did_you_mean(word, self.commands, _SIMILAR)}")
                return
            if name.startswith("--") and " " not in name and name not in self.options:
                self.error(f"unrecognized arguments: {name}{did_you_mean(name, self.options, _SIMILAR)}")

    def error(self, message: str) -> NoReturn:
        """Raise argparse's message as an error that names the help of the command."""
        raise Error(f"{message}. See: {self.prog} --help")


def parser() -> _Parser:
    """Return the parser. The parsed options have `run`, a function that takes them and returns the exit status."""
    program = _Parser(
        prog="ikpipe",
        usage="ikpipe COMMAND …",
        description="Upload a table of files to ImageKit.io and get the results as a table.",
        epilog=help_text.PROGRAM,
    )
    program.add_argument("--version", action="version", version=f"ikpipe {ikpipe.__version__}")
    every = program.add_subparsers(title="commands", metavar="COMMAND", required=True, dest="command")
    _upload(every)
    _check(every)
    _retry(every)
    _resume(every)
    _files(every)
    _sign(every)
    _emulator(every)
    _auth_server(every)
    _demo(every)
    program.commands = every.choices
    return program


def _command(
    every: _Commands, name: str, run: Callable[[argparse.Namespace], int], usage: str, purpose: str, epilog: str
) -> _Parser:
    command = every.add_parser(
        name,
        prog=f"ikpipe {name}",
        usage=f"ikpipe {name} {usage}",
        help=purpose,
        description=f"{purpose[0].upper()}{purpose[1:]}.",
        epilog=epilog,
    )
    command.set_defaults(run=run)
    return command


def _upload(every: _Commands) -> None:
    purpose = "upload the file of each row and write the results as a table"
    command = _command(every, "upload", upload.upload, "IN -o OUT [options]", purpose, help_text.UPLOAD)
    command.add_argument("table", metavar="IN", help="the table to read; - for standard input")
    command.add_argument(
        "-o", "--out", metavar="OUT", required=True, help="the file for the results; - for standard output"
    )
    _add_reading(command)
    _add_writing(command)
    _add_mapping(command)
    _add_sending(command)
    _add_account(command)


def _check(every: _Commands) -> None:
    purpose = "find problems in every row without uploading anything"
    command = _command(every, "check", commands.check, "IN [-o PROBLEMS] [options]", purpose, help_text.CHECK)
    command.add_argument("table", metavar="IN", help="the table to read; - for standard input")
    command.add_argument("-o", "--out", metavar="PROBLEMS", help="the file for the problems; - for standard output")
    _add_reading(command)
    _add_writing(command)
    _add_mapping(command)
    command.add_argument("--probe", action="store_true", help="request the headers of each URL")
    _add_policy(command)
    _add_profile(command)


def _retry(every: _Commands) -> None:
    purpose = "upload the rows of a results file that are not uploaded yet"
    command = _command(every, "retry", upload.retry, "RESULTS -o OUT [options]", purpose, help_text.RETRY)
    command.add_argument("table", metavar="RESULTS", help="a file that upload or retry wrote")
    command.add_argument("-o", "--out", metavar="OUT", required=True, help="the file for the results; may be RESULTS")
    _add_reading(command)
    _add_writing(command)
    _add_mapping(command)
    _add_sending(command)
    command.add_argument(
        "--earlier-journal",
        metavar="FILE",
        help="the journal of the run that wrote RESULTS; it helps to find rows whose status is unknown",
    )
    _add_account(command)


def _resume(every: _Commands) -> None:
    purpose = "finish an interrupted run from its journal"
    command = _command(every, "resume", upload.resume, "[JOURNAL -o OUT] [options]", purpose, help_text.RESUME)
    command.add_argument(
        "journal", metavar="JOURNAL", nargs="?", help="the journal file; without it, list interrupted runs"
    )
    command.add_argument("-o", "--out", metavar="OUT", help="the file for the results; - for standard output")
    _add_writing(command)
    _add_fetch_hosts(command)
    _add_sending(command, resuming=True)
    _add_trust(command)
    _add_profile(command)
    command.set_defaults(emulator=False)


def _files(every: _Commands) -> None:
    command = _command(every, "files", commands.files, "[options]", "list files of the media library", help_text.FILES)
    command.add_argument("--search", metavar="QUERY", help="only files that match a query, such as 'name : \"shirt\"'")
    command.add_argument("--path", metavar="FOLDER", help="only files directly in this folder")
    command.add_argument("--limit", metavar="N", type=_count, help="maximum number of files")
    command.add_argument(
        "-o", "--out", metavar="OUT", default="-", help="the file for the list (default: CSV on standard output)"
    )
    _add_writing(command)
    _add_profile(command)


def _sign(every: _Commands) -> None:
    command = _command(
        every, "sign", commands.sign, "PARAMETER=VALUE … [options]", "print an upload token", help_text.SIGN
    )
    command.add_argument(
        "parameters", metavar="PARAMETER=VALUE", nargs="+", type=_pair, help="a parameter of the upload"
    )
    command.add_argument(
        "--lifetime",
        metavar="SECONDS",
        type=_count,
        default=1800,
        help="lifetime of the token, 1 to 3600 (default: 1800)",
    )
    _add_profile(command)


def _emulator(every: _Commands) -> None:
    purpose = "run a local ImageKit for tests and trials without an account"
    command = _command(every, "emulator", emulator.emulator, "[options]", purpose, help_text.EMULATOR)
    _add_address(command)
    command.add_argument(
        "--allow-host",
        metavar="NAME",
        action="append",
        default=[],
        help="also serve requests for this host name (default: only localhost and loopback addresses); repeatable",
    )
    command.add_argument(
        "--directory", metavar="DIR", help="folder for files and details (default: a temporary folder)"
    )
    command.add_argument("--public-key", metavar="KEY", help="the public key of the emulated account")
    command.add_argument("--private-key", metavar="KEY", help="the private key of the emulated account")
    command.add_argument("--seed", metavar="N", type=int, default=0, help="seed of the random numbers")
    _add_pairs(command, "--set", "RULE=VALUE", "set a rule of the emulator")
    _add_pairs(command, "--fault", "KIND=RATE", "inject this fault into a share of all uploads (0 to 1)")
    _add_pairs(
        command,
        "--spends",
        "KIND=MOMENT",
        "when an upload with this fault uses up its token: never, received, stored or answered",
    )


def _auth_server(every: _Commands) -> None:
    purpose = "sign uploads for web pages and scripts that must not have the private key"
    command = _command(every, "auth-server", auth_server.auth_server, "[options]", purpose, help_text.AUTH_SERVER)
    _add_address(command)
    command.add_argument("--callers", metavar="FILE", help="file of callers: a name and a token per line")
    command.add_argument("--anybody", action="store_true", help="sign for anybody, without a caller's token")
    command.add_argument(
        "--may", metavar="PARAMETER[,PARAMETER]", action="append", default=[], help="parameters that callers may set"
    )
    command.add_argument(
        "--folder",
        metavar="FOLDER",
        action="append",
        default=[],
        help="folder that callers may upload to; {caller} is the caller's name",
    )
    command.add_argument("--names", metavar="REGEX", help="regular expression that file names must match")
    _add_pairs(command, "--force", "PARAMETER=VALUE", "a parameter that every request must have")
    command.add_argument("--replace", action="store_true", help="let callers replace existing files")
    command.add_argument(
        "--lifetime", metavar="SECONDS", type=_count, help="maximum lifetime of a token (default: 3600)"
    )
    command.add_argument("--rate", metavar="N", type=_rate, help="requests per minute and caller (default: 60)")
    command.add_argument("--allow", metavar="MODULE:NAME", help="the policy as an ikpipe.auth.Allow in Python")
    command.add_argument(
        "--origin",
        metavar="ORIGIN",
        action="append",
        default=[],
        help="origin whose pages may ask, such as https://shop.example",
    )
    command.add_argument("--credentials", action="store_true", help="let pages send cookies")
    command.add_argument("--quiet", action="store_true", help="log only what was refused")
    _add_profile(command)


def _demo(every: _Commands) -> None:
    purpose = "upload a small catalog of pictures to a local emulator"
    command = _command(every, "demo", commands.demo, "[-o DIR]", purpose, help_text.DEMO)
    command.add_argument(
        "-o", "--out", metavar="DIR", default="ikpipe-demo", help="folder for its files (default: ikpipe-demo)"
    )


def _add_address(command: _Parser) -> None:
    command.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: 127.0.0.1)")
    command.add_argument("--port", type=_port, default=0, help="the port (default: a free one)")


def _add_reading(command: _Parser) -> None:
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
        type=_count,
        help="row of the sheet that has the names of the columns (default: the first one with cells)",
    )
    command.add_argument(
        "--links", action="store_true", default=None, help="in a sheet, read the address of a link instead of its text"
    )


def _add_writing(command: _Parser) -> None:
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


def _add_mapping(command: _Parser) -> None:
    _add_pairs(command, "--map", "PARAMETER=COLUMN[,COLUMN]", "take a parameter from a column")
    _add_pairs(
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
        help="do not use this column for the parameter that its name is, or is similar to; repeatable",
    )
    command.add_argument(
        "--root", metavar="DIR", help="folder that contains the files of the table; paths cannot lead out of it"
    )
    command.add_argument("--file-kind", choices=("base64",), help="the file column contains base64 text")
    command.add_argument(
        "--fetch",
        choices=("server", "client"),
        help="who downloads URLs: ImageKit (server, default) or this machine (client)",
    )
    _add_fetch_hosts(command)
    _add_formats(command)


def _add_formats(command: _Parser) -> None:
    command.add_argument("--tag-separator", metavar="C", help="what separates the tags in a cell (default: a comma)")
    command.add_argument("--decimal", metavar="C", choices=(".", ","), help="the decimal mark of numbers (default: .)")
    for word in ("true", "false"):
        command.add_argument(
            f"--{word}",
            metavar="WORD",
            dest=f"{word}_values",
            action="append",
            help=f"a word for {word} in the table; repeatable",
        )


def _add_fetch_hosts(command: _Parser) -> None:
    command.add_argument(
        "--fetch-host",
        metavar="HOST",
        action="append",
        default=[],
        help="a private host or network that this machine may download from, such as intranet.example.com or "
        "10.0.0.0/8; repeatable",
    )


def _add_sending(command: _Parser, *, resuming: bool = False) -> None:
    """Add options about sending; a resumed run has the options of its start as defaults."""
    best, hold = ("", "") if resuming else (" (default: automatic)", " (default)")
    command.add_argument("--concurrency", metavar="N", type=_count, help=f"number of uploads at the same time{best}")
    command.add_argument("--rate", metavar="N", type=_rate, help="maximum number of uploads started per second")
    command.add_argument("--max-failures", metavar="N", type=_count, help="stop after N failed rows")
    command.add_argument(
        "--on-unknown",
        choices=("hold", "resend"),
        default=None if resuming else "hold",
        help=f"rows that may be stored, if the library cannot be searched: leave them unknown{hold}, or send them "
        "again, which can store a file twice",
    )
    _add_policy(command)
    command.add_argument("--quiet", action="store_true", help="show no progress and no summary, only errors")


def _add_policy(command: _Parser) -> None:
    purpose = "override an assumption about the service, such as index_lag=60 or names=as_given"
    _add_pairs(command, "--policy", "FIELD=VALUE", purpose)


def _add_account(command: _Parser) -> None:
    """Add the account and the journal."""
    command.add_argument(
        "--journal",
        metavar="FILE",
        help="file that records the run (default: a new file); the same command with the same FILE uploads only the "
        "remaining rows",
    )
    _add_trust(command)
    account = command.add_mutually_exclusive_group()
    _add_profile(account)
    account.add_argument(
        "--emulator",
        action="store_true",
        help="upload to a temporary local ImageKit instead, to try it out",
    )


def _add_trust(command: _Parser) -> None:
    command.add_argument(
        "--trust-journal",
        action="store_true",
        help="accept a journal without proof that this account wrote it, such as one of a replaced key, of another "
        "machine without the key, or of an earlier ikpipe",
    )


def _add_profile(command: argparse._ActionsContainer) -> None:
    command.add_argument("--profile", metavar="NAME", help="take the keys from this profile of config.toml")


def _add_pairs(command: _Parser, option: str, metavar: str, purpose: str) -> None:
    command.add_argument(
        option, metavar=metavar, action="append", default=[], type=_pair, help=f"{purpose}; repeatable"
    )


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:  # noqa: PLR2004 - the highest port number
        raise argparse.ArgumentTypeError(f"{text!r} is not a port number (0 to 65535)")
    return int(text)


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return rate
