"""The program's parser, made of all commands."""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import ikpipe
from ikpipe.cli import help_text
from ikpipe.cli.commands import (
    auth_server,
    check,
    completion,
    configure,
    delete,
    demo,
    docs,
    doctor,
    emulator,
    fields,
    files,
    journals,
    plan,
    purge,
    refresh,
    resume,
    retry,
    sign,
    sync,
    tag,
    undo,
    update,
    upload,
    url,
    whoami,
)
from ikpipe.cli.exit_status import BAD_INPUT
from ikpipe.cli.help_format import HelpFormatter, with_bold_headings
from ikpipe.cli.options import add_no_color
from ikpipe.errors import Error, did_you_mean

_COMMANDS: Mapping[str, tuple[Any, ...]] = {
    "upload": (upload, check, plan, retry, resume, refresh, sync, undo, journals),
    "library": (files, update, tag, delete, purge, fields),
    "URLs and tokens": (url, sign, auth_server),
    "account": (configure, whoami, doctor),
    "try it": (demo, emulator, docs, completion),
}
"""The modules of the commands, by their headings in the program's help."""
_SIMILAR = 0.6  # of a name that is suggested, from 0 to 1


class _Parser(argparse.ArgumentParser):
    """A parser that keeps the line breaks of examples, accepts no abbreviated options, and raises its errors."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(formatter_class=HelpFormatter, allow_abbrev=False, **settings)
        self.commands: Mapping[str, _Parser] = {}
        self.groups: Mapping[str, Sequence[argparse.Action]] = {}

    def format_help(self) -> str:
        """Return the help, with its headings in bold on a terminal."""
        if not self.groups:
            return with_bold_headings(super().format_help())
        formatter = self._get_formatter()
        formatter.add_usage(self.usage, [], [])
        formatter.add_text(self.description)
        for heading, actions in self.groups.items():
            formatter.start_section(heading)
            formatter.add_arguments(actions)
            formatter.end_section()
        formatter.add_text(self.epilog)
        return with_bold_headings(formatter.format_help())

    @property
    def options(self) -> list[str]:
        """The options by their long names."""
        return [option for option in self._option_string_actions if option.startswith("--")]

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse words, all of which must be known; the error suggests a command or an option of a similar name."""
        words = sys.argv[1:] if args is None else list(args)
        if self.commands and words[:1] == ["help"]:
            words = [*words[1:2], "--help"]
        if self.commands and not words:
            self.print_help()
            raise SystemExit(BAD_INPUT)
        if "--no-color" in words:  # also for the help and for errors
            os.environ["NO_COLOR"] = "1"
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

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Check a value of an option that has choices; the error suggests a similar one."""
        if action.choices is not None and value not in action.choices:
            choices = ", ".join(map(str, action.choices))
            suggestion = did_you_mean(value, action.choices, _SIMILAR)
            raise argparse.ArgumentError(action, f"{value!r} is none of {choices}{suggestion}")

    def _match_argument(self, action: argparse.Action, arg_strings_pattern: str) -> int:
        """Return the number of values of an option; the error for one without a value shows what it is."""
        try:
            return super()._match_argument(action, arg_strings_pattern)
        except argparse.ArgumentError:
            if not action.option_strings or action.nargs is not None:
                raise
            value = action.metavar or "|".join(map(str, action.choices or ())) or "VALUE"
            raise argparse.ArgumentError(action, f"a value is missing: {action.option_strings[-1]} {value}") from None

    def error(self, message: str) -> NoReturn:
        """Raise argparse's message as an error that names the help of the command."""
        raise Error(f"{message.removesuffix('.')}. See: {self.prog} --help")


def parser() -> _Parser:
    """Return the parser. The parsed options have `run`, a function that takes them and returns the exit status."""
    program = _Parser(
        prog="ikpipe",
        usage="ikpipe COMMAND …",
        description="Upload a table of files to ImageKit.io and get the results as a table.",
        epilog=help_text.PROGRAM,
    )
    program.add_argument("--version", action="version", version=f"ikpipe {ikpipe.__version__}")
    add_no_color(program)
    every = program.add_subparsers(metavar="COMMAND", required=True, dest="command")
    groups = {}
    for heading, modules in _COMMANDS.items():
        for module in modules:
            module.add(every)
        groups[heading] = every._choices_actions[-len(modules) :]  # noqa: SLF001 - what argparse lists in the help
    program.commands, program.groups = every.choices, groups
    return program
