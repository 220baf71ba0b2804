"""The commands and their options."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import ikpipe
from ikpipe.cli import auth_server, commands, emulator, help_text, options, sync, undo, update, upload
from ikpipe.errors import Error, did_you_mean

_SIMILAR = 0.7  # of a name that is suggested, from 0 to 1


class _Parser(argparse.ArgumentParser):
    """A parser that keeps the line breaks of examples, accepts no abbreviated options, and raises its errors."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **settings)
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


if TYPE_CHECKING:
    _Commands = argparse._SubParsersAction[_Parser]  # noqa: SLF001 - it has no public name, and no types at run time


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
    _plan(every)
    _sync(every)
    _check(every)
    _retry(every)
    _resume(every)
    _update(every)
    _undo(every)
    _files(every)
    _sign(every)
    _emulator(every)
    _auth_server(every)
    _demo(every)
    program.commands = every.choices
    return program


def _command(
    every: "_Commands", name: str, run: Callable[[argparse.Namespace], int], usage: str, purpose: str, epilog: str
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


def _upload(every: "_Commands") -> None:
    purpose = "upload the file of each row and write the results as a table"
    command = _command(every, "upload", upload.upload, "IN -o OUT [options]", purpose, help_text.UPLOAD)
    command.add_argument("table", metavar="IN", help="the table to read; - for standard input")
    command.add_argument(
        "-o", "--out", metavar="OUT", required=True, help="the file for the results; - for standard output"
    )
    options.add_reading(command)
    options.add_writing(command)
    options.add_mapping(command)
    options.add_sending(command)
    options.add_account(command)
    command.add_argument(
        "-n", "--dry-run", action="store_true", help="only say what would be done, as plan does; OUT is not written"
    )


def _plan(every: "_Commands") -> None:
    purpose = "say what upload would do with each row, without doing it"
    command = _command(every, "plan", commands.plan, "IN [-o PLAN] [options]", purpose, help_text.PLAN)
    command.add_argument("table", metavar="IN", help="the table to read; - for standard input")
    command.add_argument("-o", "--out", metavar="PLAN", help="the file for the plan; - for standard output")
    options.add_reading(command)
    options.add_writing(command)
    options.add_mapping(command)
    options.add_repeated(command)
    options.add_policy(command)
    options.add_profile(command)


def _sync(every: "_Commands") -> None:
    purpose = "make a folder of the library match a folder or a table"
    command = _command(every, "sync", sync.sync, "SOURCE FOLDER [options]", purpose, help_text.SYNC)
    command.add_argument(
        "source", metavar="SOURCE", help="a folder, the URL of one such as s3://bucket/photos, or a table"
    )
    command.add_argument("folder", metavar="FOLDER", help="the folder of the library, such as /photos")
    options.add_deleting(command)
    command.add_argument(
        "-o", "--out", metavar="OUT", help="the file for the results, or the plan; - for standard output"
    )
    options.add_reading(command)
    options.add_writing(command)
    options.add_mapping(command, on_existing=False)
    options.add_sending(command)
    options.add_journal(command)
    options.add_state(command)
    options.add_trust(command)
    options.add_profile(command)


def _check(every: "_Commands") -> None:
    purpose = "find problems in every row without uploading anything"
    command = _command(every, "check", commands.check, "IN [-o PROBLEMS] [options]", purpose, help_text.CHECK)
    command.add_argument("table", metavar="IN", help="the table to read; - for standard input")
    command.add_argument("-o", "--out", metavar="PROBLEMS", help="the file for the problems; - for standard output")
    options.add_reading(command)
    options.add_writing(command)
    options.add_mapping(command)
    command.add_argument("--probe", action="store_true", help="request the headers of each URL")
    options.add_policy(command)
    options.add_profile(command)


def _retry(every: "_Commands") -> None:
    purpose = "upload the rows of a results file that are not uploaded yet"
    command = _command(every, "retry", upload.retry, "RESULTS -o OUT [options]", purpose, help_text.RETRY)
    command.add_argument("table", metavar="RESULTS", help="a file that upload or retry wrote")
    command.add_argument("-o", "--out", metavar="OUT", required=True, help="the file for the results; may be RESULTS")
    options.add_reading(command)
    options.add_writing(command)
    options.add_mapping(command)
    options.add_sending(command)
    command.add_argument(
        "--earlier-journal",
        metavar="FILE",
        help="the journal of the run that wrote RESULTS; it helps to find rows whose status is unknown",
    )
    options.add_account(command)


def _resume(every: "_Commands") -> None:
    purpose = "finish an interrupted run from its journal"
    command = _command(every, "resume", upload.resume, "[JOURNAL -o OUT] [options]", purpose, help_text.RESUME)
    command.add_argument(
        "journal", metavar="JOURNAL", nargs="?", help="the journal file; without it, list interrupted runs"
    )
    command.add_argument("-o", "--out", metavar="OUT", help="the file for the results; - for standard output")
    options.add_writing(command)
    options.add_fetch_hosts(command)
    options.add_sending(command, resuming=True)
    options.add_trust(command)
    options.add_profile(command)
    command.set_defaults(emulator=False, state=None)


def _undo(every: "_Commands") -> None:
    purpose = "revert a run: show what would be deleted or set back, and do it with --yes"
    command = _command(every, "undo", undo.undo, "RUN [--yes] [options]", purpose, help_text.UNDO)
    command.add_argument(
        "journal", metavar="RUN", help="the run's journal, the name that --run gave it, or a file with its results"
    )
    command.add_argument("--yes", action="store_true", help="do it; without it, nothing is changed")
    command.add_argument("-n", "--dry-run", action="store_true", help="change nothing, also with --yes")
    command.add_argument("-o", "--out", metavar="OUT", help="a file for the rows; - for standard output")
    options.add_writing(command)
    options.add_trust(command)
    options.add_policy(command)
    options.add_profile(command)


def _update(every: "_Commands") -> None:
    purpose = "change files of the media library in place, by the values of a table"
    command = _command(every, "update", update.update, "TABLE [-o OUT] [options]", purpose, help_text.UPDATE)
    command.add_argument("table", metavar="TABLE", help="a table whose rows name files; - for standard input")
    command.add_argument("-o", "--out", metavar="OUT", help="the file for the results; - for standard output")
    options.add_reading(command)
    options.add_writing(command)
    options.add_parameters(command)
    options.add_formats(command)
    command.add_argument("-n", "--dry-run", action="store_true", help="only say what would be changed")
    command.add_argument(
        "--journal",
        metavar="FILE",
        help="file that records the update (default: one for this table and these changes); the same command continues "
        "an interrupted one",
    )
    options.add_trust(command)
    options.add_policy(command)
    command.add_argument("--quiet", action="store_true", help="show no progress and no summary, only errors")
    options.add_profile(command)
    command.set_defaults(emulator=False, fetch_host=[])


def _files(every: "_Commands") -> None:
    command = _command(every, "files", commands.files, "[options]", "list files of the media library", help_text.FILES)
    command.add_argument("--search", metavar="QUERY", help="only files that match a query, such as 'name : \"shirt\"'")
    command.add_argument("--path", metavar="FOLDER", help="only files directly in this folder")
    command.add_argument("--limit", metavar="N", type=options.count, help="maximum number of files")
    command.add_argument(
        "-o", "--out", metavar="OUT", default="-", help="the file for the list (default: CSV on standard output)"
    )
    options.add_writing(command)
    options.add_profile(command)


def _sign(every: "_Commands") -> None:
    command = _command(
        every, "sign", commands.sign, "PARAMETER=VALUE … [options]", "print an upload token", help_text.SIGN
    )
    command.add_argument(
        "parameters", metavar="PARAMETER=VALUE", nargs="+", type=options.pair, help="a parameter of the upload"
    )
    command.add_argument(
        "--lifetime",
        metavar="SECONDS",
        type=options.count,
        default=1800,
        help="lifetime of the token, 1 to 3600 (default: 1800)",
    )
    options.add_profile(command)


def _emulator(every: "_Commands") -> None:
    purpose = "run a local ImageKit for tests and trials without an account"
    command = _command(every, "emulator", emulator.emulator, "[options]", purpose, help_text.EMULATOR)
    options.add_address(command)
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
    options.add_pairs(command, "--set", "RULE=VALUE", "set a rule of the emulator")
    options.add_pairs(command, "--fault", "KIND=RATE", "inject this fault into a share of all uploads (0 to 1)")
    options.add_pairs(
        command,
        "--spends",
        "KIND=MOMENT",
        "when an upload with this fault uses up its token: never, received, stored or answered",
    )


def _auth_server(every: "_Commands") -> None:
    purpose = "sign uploads for web pages and scripts that must not have the private key"
    command = _command(every, "auth-server", auth_server.auth_server, "[options]", purpose, help_text.AUTH_SERVER)
    options.add_address(command)
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
    options.add_pairs(command, "--force", "PARAMETER=VALUE", "a parameter that every request must have")
    command.add_argument("--replace", action="store_true", help="let callers replace existing files")
    command.add_argument(
        "--lifetime", metavar="SECONDS", type=options.count, help="maximum lifetime of a token (default: 3600)"
    )
    command.add_argument("--rate", metavar="N", type=options.rate, help="requests per minute and caller (default: 60)")
    command.add_argument("--allow", metavar="MODULE:NAME", help="the policy as an ikpipe.auth.Allow in Python")
    command.add_argument(
        "--origin",
        metavar="ORIGIN",
        action="append",
        default=[],
        help="origin whose pages may ask, such as https://shop.example",
    )
    command.add_argument(
        "--headers",
        metavar="NAME[,NAME]",
        action="append",
        default=[],
        help="headers that pages may send, besides Content-Type and Authorization",
    )
    command.add_argument("--credentials", action="store_true", help="let pages send cookies")
    command.add_argument("--quiet", action="store_true", help="log only what was refused")
    options.add_profile(command)


def _demo(every: "_Commands") -> None:
    purpose = "upload a small catalog of pictures to a local emulator"
    command = _command(every, "demo", commands.demo, "[-o DIR]", purpose, help_text.DEMO)
    command.add_argument(
        "-o", "--out", metavar="DIR", default="ikpipe-demo", help="folder for its files (default: ikpipe-demo)"
    )
