"""What is said to people: on standard error, a line at a time, in the command line's words."""

from __future__ import annotations

import re
import shutil
import sys
from contextlib import suppress

from ikpipe.request.parameters import TABLE

_HOSTS = re.compile(r"fetch_hosts=\['([^']*)'\]")
_OPTION = re.compile(r"(?<![^\s(])(root|rate|fetch|file_kind|journal|max_failures)=(?=([.,;:)]*(?:\s|$))?)")
_PARAMETER = re.compile(rf"(?<![^\s(])(?<!--map )(?<!--set )({'|'.join(TABLE)})=")
_WORDS = {
    "trust_journal=True": "--trust-journal",
    "retry()": "ikpipe retry",
    "resume()": "ikpipe resume",
    "fetch_hosts=": "--fetch-host",
    "ikpipe.files": "`ikpipe files`",
    " .results": " OUT",
}
_COLUMNS = re.compile(r"columns(?:\['(\w+)'\]|=\{'(\w+)': …\})")


def say(*lines: str) -> None:
    """Print lines on standard error, if it is still there; the first one is led by the program's name."""
    with suppress(OSError):  # after SIGHUP there is no terminal
        print(f"ikpipe: {lines[0]}", *lines[1:], sep="\n", file=sys.stderr, flush=True)  # noqa: T201 - the one place that speaks


def in_options(text: str) -> str:
    """Turn what the library says about its keywords into options: ``root=`` is ``--root`` here."""
    text = _HOSTS.sub(r"--fetch-host \1", text)
    text = _OPTION.sub(lambda found: f"--{found[1].replace('_', '-')}{' ' if found[2] is None else ''}", text)
    text = _PARAMETER.sub(r"--set \1=", text)
    text = _COLUMNS.sub(lambda found: f"--map {found[1] or found[2]}=…", text)
    for said, typed in _WORDS.items():
        text = text.replace(said, typed)
    return text


def one_line(text: object) -> str:
    """Put text on one line, without what could steer a terminal."""
    return "".join(char if char.isprintable() else "�" for char in " ".join(str(text).split()))


def width() -> int:
    """Return the terminal's width in characters; without a terminal, a width at which nothing is wrapped."""
    return shutil.get_terminal_size().columns if sys.stderr.isatty() else sys.maxsize
