"""Text for people: the library's messages with options instead of keywords, printed on standard error."""

import shutil
import sys
from contextlib import suppress

from ikpipe.errors import ApiName, Message
from ikpipe.request.parameters import TABLE

_WIDTH = 60  # characters of a value in a message


def say(*lines: str) -> None:
    """Print lines on standard error, the first one after the program's name, unless standard error is closed."""
    with suppress(OSError):  # after SIGHUP there is no terminal
        print(f"ikpipe: {lines[0]}", *lines[1:], sep="\n", file=sys.stderr, flush=True)  # noqa: T201 - the one place that prints


def in_options(text: str | ApiName) -> str:
    """Return text of the library with the command line's options instead of the names of the Python interface."""
    if isinstance(text, ApiName):
        return _option(text)
    return text.written(_option) if isinstance(text, Message) else text


def _option(name: ApiName) -> str:
    """Return a name of the Python interface as it is typed on the command line: ``root=`` is ``--root``."""
    value = "…" if name.value is None or name.value is ... else str(name.value)
    value = value if len(value) <= _WIDTH else f"{value[: _WIDTH - 1]}…"
    if name.kind == "keyword" and name.name not in TABLE:
        return _own_option(name, value)
    return {
        "keyword": f"--set {name.name}={value.lower() if isinstance(name.value, bool) else value}",
        "column": f"--map {name.name}={value}",
        "policy": f"--policy {name.name}={value}",
        "account": f"{name.name} of the profile",
        "function": f"`ikpipe {name.name}`",
        "attribute": "OUT",  # the results
    }[name.kind]


def _own_option(name: ApiName, value: str) -> str:
    """Return a keyword that has an option of its own; without a value if there is none, or it is True."""
    option = "--fetch-host" if name.name == "fetch_hosts" else f"--{name.name.replace('_', '-')}"
    if name.value is None or name.value is True:
        return option
    return " ".join(f"{option} {one}" for one in (name.value if isinstance(name.value, list) else [value]))


def width() -> int:
    """Return the terminal's width in characters; without a terminal, a width at which nothing is wrapped."""
    return shutil.get_terminal_size().columns if sys.stderr.isatty() else sys.maxsize
