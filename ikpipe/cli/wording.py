"""Text for people: the library's messages with options instead of keywords, printed on standard error."""

import shlex
import shutil
import sys
from collections.abc import Iterable
from contextlib import suppress

from ikpipe.cli import mapping
from ikpipe.cli.help_format import has_colors
from ikpipe.errors import ApiName, MappingError, Message, cut, printable
from ikpipe.request.parameters import TABLE, UPDATE_TABLE

_COMMANDS = {"create_metadata_fields": "fields --create TABLE"}  # of functions with other names
_COLORS = {"error": "31", "warning": "33"}  # red and yellow


def say(*lines: str) -> None:
    """Print lines on standard error, the first one after the program's name, unless standard error is closed.

    Whatever is in them cannot steer the terminal, or look like another line.
    """
    if sys.stderr is None:  # as in a service of Windows: `print` would write to standard output
        return
    lines = tuple(map(printable, lines))
    first = _colored(lines[0]) if has_colors(sys.stderr) else lines[0]
    with suppress(OSError):  # after SIGHUP there is no terminal
        print(f"ikpipe: {first}", *lines[1:], sep="\n", file=sys.stderr, flush=True)  # noqa: T201 - the one place that prints


def _colored(line: str) -> str:
    """Return a line with the word before the message in its color."""
    word, colon, message = line.partition(":")
    return f"\x1b[{_COLORS[word]}m{word}{colon}\x1b[0m{message}" if word in _COLORS else line


def in_options(text: str | ApiName) -> str:
    """Return text of the library with the command line's options instead of the names of the Python interface."""
    if isinstance(text, ApiName):
        return _option(text)
    return text.written(_option) if isinstance(text, Message) else text


def _option(name: ApiName) -> str:
    """Return a name of the Python interface as it is typed in a shell: ``root=`` is ``--root``."""
    value = "…" if name.value is None or name.value is ... else cut(str(name.value))
    value = value.lower() if isinstance(name.value, bool) else value
    pair = f"{name.name}={value}"
    pair = pair if value == "…" else command([pair])
    if name.kind == "columns":
        with suppress(MappingError):  # of a field that no option can name
            return shlex.join(mapping.column_options(name.value))
        return str(name)
    if name.kind == "keyword" and name.name not in TABLE and name.name not in UPDATE_TABLE:
        return _keyword_option(name, value)
    return {
        "keyword": f"--set {pair}",
        "column": f"--map {pair}",
        "policy": f"--policy {pair}",
        "account": f"{name.name} of the profile",
        "function": f"`ikpipe {_COMMANDS.get(name.name, name.name)}`",
        "attribute": "OUT",  # the results
    }[name.kind]


def _keyword_option(name: ApiName, value: str) -> str:
    """Return a keyword that is not a parameter as an option; without a value if there is none, or it is True."""
    option = mapping.option_name(name.name)
    if (name.name, name.value) == ("delete", "all"):
        return "--delete-all"
    if name.value is None or name.value is True:
        return option
    if isinstance(name.value, list):
        return shlex.join(mapping.option(option, name.value))
    if value == "\t":
        value = "tab"
    return f"{option} {value if value == '…' else command([value])}"


def command(words: Iterable[str]) -> str:
    """Return a command as it is typed in a shell; characters that are not printable are in the notation of printf."""
    return " ".join(shlex.quote(word) if word.isprintable() else f'"$(printf %b {_octal(word)})"' for word in words)


def _octal(word: str) -> str:
    """Return the argument of printf for a word."""
    escaped = (char if char.isprintable() and char != "\\" else _bytes(char) for char in word)
    return shlex.quote("".join(escaped))


def _bytes(char: str) -> str:
    # Half characters are those of a path that is not UTF-8, or text of a table.
    errors = "surrogateescape" if "\udc80" <= char <= "\udcff" else "surrogatepass"
    return "".join(f"\\0{byte:03o}" for byte in char.encode("utf-8", errors))


def width() -> int:
    """Return the terminal's width in characters; without a terminal, a width at which nothing is wrapped."""
    return shutil.get_terminal_size().columns if sys.stderr is not None and sys.stderr.isatty() else sys.maxsize


def output_width() -> int:
    """Return the width in characters for standard output, as `width` does for standard error."""
    return shutil.get_terminal_size().columns if sys.stdout is not None and sys.stdout.isatty() else sys.maxsize
