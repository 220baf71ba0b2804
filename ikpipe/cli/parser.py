"""The commands and their options."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, NoReturn

import ikpipe
from ikpipe.cli import auth_server, commands, help_text, upload
from ikpipe.errors import Error

if TYPE_CHECKING:
    from collections.abc import Callable

    _Commands = argparse._SubParsersAction["_Parser"]  # noqa: SLF001 - it has no public name


class _Parser(argparse.ArgumentParser):
    """A parser that shows examples as they stand, takes no shortened options, and raises what it refuses."""

    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        raise Error(f"{message}. Type: {self.prog} --help")


def parser() -> argparse.ArgumentParser:
    """Build the parser; what it parses has `run`, which takes it and gives the exit status."""
    program = _Parser(
        prog="ikpipe",
        usage="ikpipe COMMAND …",
        description="Upload a table of files to ImageKit.io, and get the answers back as a table.",
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
    purpose = "upload the file of each row, and write the answers beside the rows"
    command = _command(every, "upload", upload.upload, "IN -o OUT [options]", purpose, help_text.UPLOAD)
    command.add_argument("table", metavar="IN", help="the table; - is standard input")
    command.add_argument("-o", "--out", metavar="OUT", required=True, help="where the results go; - is standard output")
    _add_mapping(command)
    _add_sending(command)
    _add_account(command)


def _check(every: _Commands) -> None:
    purpose = "find every problem of every row, before anything is sent"
    command = _command(every, "check", commands.check, "IN [-o PROBLEMS] [options]", purpose, help_text.CHECK)
    command.add_argument("table", metavar="IN", help="the table; - is standard input")
    command.add_argument("-o", "--out", metavar="PROBLEMS", help="write the problems there; - is standard output")
    _add_mapping(command)
    command.add_argument("--probe", action="store_true", help="ask each URL for its headers")
    _add_policy(command)
    _add_profile(command)


def _retry(every: _Commands) -> None:
    purpose = "send the rows of a results file that are not up yet"
    command = _command(every, "retry", upload.retry, "RESULTS -o OUT [options]", purpose, help_text.RETRY)
    command.add_argument("table", metavar="RESULTS", help="what upload or retry wrote")
    command.add_argument("-o", "--out", metavar="OUT", required=True, help="where the results go; may be RESULTS")
    _add_mapping(command)
    _add_sending(command)
    command.add_argument(
        "--earlier-journal",
        metavar="FILE",
        help="the journal of the run that gave RESULTS, which tells more of rows that are unknown",
    )
    _add_account(command)


def _resume(every: _Commands) -> None:
    purpose = "finish a run that was cut off, from its journal"
    command = _command(every, "resume", upload.resume, "[JOURNAL -o OUT] [options]", purpose, help_text.RESUME)
    command.add_argument("journal", metavar="JOURNAL", nargs="?", help="its file; without it: which there are")
    command.add_argument("-o", "--out", metavar="OUT", help="where the results go; - is standard output")
    _add_fetch_hosts(command)
    _add_sending(command, as_begun=True)
    _add_trust(command)
    _add_profile(command)
    command.set_defaults(emulator=False)


def _files(every: _Commands) -> None:
    command = _command(every, "files", commands.files, "[options]", "list the media library", help_text.FILES)
    command.add_argument("--search", metavar="QUERY", help="only files that match, such as 'name : \"shirt\"'")
    command.add_argument("--path", metavar="FOLDER", help="only files right in this folder")
    command.add_argument("--limit", metavar="N", type=_count, help="at most so many")
    command.add_argument("-o", "--out", metavar="OUT", default="-", help="write the list there")
    _add_profile(command)


def _sign(every: _Commands) -> None:
    command = _command(
        every, "sign", commands.sign, "PARAMETER=VALUE … [options]", "print an upload token", help_text.SIGN
    )
    command.add_argument("parameters", metavar="PARAMETER=VALUE", nargs="+", type=_pair, help="what will be sent")
    command.add_argument(
        "--lifetime", metavar="SECONDS", type=_count, default=1800, help="1 to 3600; 1800 where nobody says"
    )
    _add_profile(command)


def _emulator(every: _Commands) -> None:
    purpose = "run the service on this machine, for trying without an account"
    command = _command(every, "emulator", commands.emulator, "[options]", purpose, help_text.EMULATOR)
    command.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: 127.0.0.1)")
    command.add_argument(
        "--allow-host",
        metavar="NAME",
        action="append",
        default=[],
        help="serve requests to this host name too (default: only localhost and loopback addresses); repeatable",
    )
    command.add_argument("--port", type=_port, default=0, help="the port (default: any that is free)")
    command.add_argument(
        "--directory", metavar="DIR", help="keep files and details there (default: a temporary folder)"
    )
    command.add_argument("--public-key", metavar="KEY", help="the public key of the emulated account")
    command.add_argument("--private-key", metavar="KEY", help="its private key, which opens nothing but the emulator")
    command.add_argument("--seed", metavar="N", type=int, default=0, help="seed of its random numbers")
    _add_pairs(command, "--set", "RULE=VALUE", "set a rule of the emulator")
    _add_pairs(command, "--fault", "KIND=RATE", "let a share of all uploads, 0 to 1, go wrong in this way")
    _add_pairs(
        command,
        "--spends",
        "KIND=MOMENT",
        "when a fault's token counts as spent: never, received, stored or answered, as the kind allows",
    )


def _auth_server(every: _Commands) -> None:
    purpose = "sign uploads for pages and scripts that must not hold the private key"
    command = _command(every, "auth-server", auth_server.auth_server, "[options]", purpose, help_text.AUTH_SERVER)
    command.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: 127.0.0.1)")
    command.add_argument(
        "--allow-host",
        metavar="NAME",
        action="append",
        default=[],
        help="serve requests to this host name too (default: only localhost and loopback addresses); repeatable",
    )
    command.add_argument("--port", type=_port, default=0, help="the port (default: any that is free)")
    command.add_argument("--callers", metavar="FILE", help="who may sign: a name and a token on each line")
    command.add_argument("--anybody", action="store_true", help="sign for whoever asks")
    command.add_argument("--may", metavar="PARAMETER[,PARAMETER]", action="append", default=[], help="what callers set")
    command.add_argument(
        "--folder", metavar="FOLDER", action="append", default=[], help="where they upload to; {caller} is their name"
    )
    command.add_argument("--names", metavar="REGEX", help="what file names look like")
    _add_pairs(command, "--force", "PARAMETER=VALUE", "what each request must have")
    command.add_argument("--replace", action="store_true", help="let callers replace files that are there")
    command.add_argument("--lifetime", metavar="SECONDS", type=_count, help="of a token, at most (default: 3600)")
    command.add_argument("--rate", metavar="N", type=_rate, help="requests a minute for each caller (default: 60)")
    command.add_argument("--allow", metavar="MODULE:NAME", help="the whole policy, an ikpipe.auth.Allow in Python")
    command.add_argument(
        "--origin", metavar="ORIGIN", action="append", default=[], help="whose pages may ask, https://shop.example"
    )
    command.add_argument("--credentials", action="store_true", help="pages may send cookies along")
    command.add_argument("--quiet", action="store_true", help="do not log what was signed, only what was refused")
    _add_profile(command)


def _demo(every: _Commands) -> None:
    purpose = "upload a small catalogue of pictures to a local emulator"
    command = _command(every, "demo", commands.demo, "[-o DIR]", purpose, help_text.DEMO)
    command.add_argument(
        "-o", "--out", metavar="DIR", default="ikpipe-demo", help="folder of its files (default: ikpipe-demo)"
    )


def _add_mapping(command: _Parser) -> None:
    _add_pairs(command, "--map", "PARAMETER=COLUMN[,COLUMN]", "take a parameter from a column")
    _add_pairs(command, "--set", "PARAMETER=TEXT", "the same for every row; {column} is filled in")
    command.add_argument(
        "--root", metavar="DIR", help="folder that paths in the table live in, and may not lead out of"
    )
    command.add_argument("--file-kind", choices=("base64",), help="the files are raw base64 text")
    command.add_argument(
        "--fetch",
        choices=("server", "client"),
        help="who downloads URLs: ImageKit (server, default), or this machine (client)",
    )
    _add_fetch_hosts(command)


def _add_fetch_hosts(command: _Parser) -> None:
    command.add_argument(
        "--fetch-host",
        metavar="HOST",
        action="append",
        default=[],
        help="a host or network that this machine may download from although it is not public, such as "
        "intranet.example.com or 10.0.0.0/8; repeatable",
    )


def _add_sending(command: _Parser, *, as_begun: bool = False) -> None:
    """Add what says how to send; a run that is resumed does it as it was begun, where nothing is said."""
    best, hold = ("", "") if as_begun else (" (default: as many as do best)", " (default)")
    command.add_argument("--concurrency", metavar="N", type=_count, help=f"uploads at the same time{best}")
    command.add_argument("--rate", metavar="N", type=_rate, help="requests begun per second, at most")
    command.add_argument("--max-failures", metavar="N", type=_count, help="stop when N rows could not be uploaded")
    command.add_argument(
        "--on-unknown",
        choices=("hold", "resend"),
        default=None if as_begun else "hold",
        help=f"rows that may be stored, where nobody can look: hold them{hold}, or send them again, which can store "
        "a file twice",
    )
    _add_policy(command)
    command.add_argument("--quiet", action="store_true", help="neither progress nor summary; errors are still shown")


def _add_policy(command: _Parser) -> None:
    purpose = "override an assumption about the service, such as index_lag=60 or names=as_given"
    _add_pairs(command, "--policy", "FIELD=VALUE", purpose)


def _add_account(command: _Parser) -> None:
    """Add where a table goes, and what keeps its run."""
    command.add_argument(
        "--journal",
        metavar="FILE",
        help="keep there what is done (default: a new file, which is named); the same command again with the same "
        "FILE does only what is left",
    )
    _add_trust(command)
    account = command.add_mutually_exclusive_group()
    _add_profile(account)
    account.add_argument(
        "--emulator",
        action="store_true",
        help="try it: send to a temporary service on this machine, which ends with the command",
    )


def _add_trust(command: _Parser) -> None:
    command.add_argument(
        "--trust-journal",
        action="store_true",
        help="take a journal that does not prove that this account wrote it: of a replaced key, of another machine "
        "without the key, or of an earlier ikpipe",
    )


def _add_profile(command: argparse._ActionsContainer) -> None:
    command.add_argument("--profile", metavar="NAME", help="take keys from this table of your config.toml")


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
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1")
    return int(text)


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:  # noqa: PLR2004 - the last port there is
        raise argparse.ArgumentTypeError(f"{text!r} is no port, 0 to 65535")
    return int(text)


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return rate
