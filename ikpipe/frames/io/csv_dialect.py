"""Find the header of a text table, and the character between its cells."""

import logging
import re
from collections.abc import Iterator
from typing import NamedTuple

from ikpipe.errors import Error, Message, keyword
from ikpipe.frames.io.content import read_with

_log = logging.getLogger("ikpipe")
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
"""The delimiters that a header can show, and what several of each are called."""
_TEXT = re.compile(r'[^\s",;|]')
_SEPARATOR = re.compile(r'"?sep=(.)"?', re.IGNORECASE)


class Header(NamedTuple):
    """The first line of a table, the number of lines before it, and the delimiter.

    `guessed`: the delimiter is another one than the format's, since only that one is in the header.
    """

    line: str
    before: int
    delimiter: str
    guessed: bool = False


def find_header(lines: Iterator[str], name: str, usual: str, chosen: str | None) -> Header:
    """Return the header of a text table, which is its first line that has text.

    The lines after the header remain in `lines`. `name` is the file's, for errors. `usual` is the delimiter of the
    format, and `chosen` the one that the user has set. Raise `ikpipe.Error` if there is no header, or it does not show
    the delimiter.
    """
    for before, line in enumerate(lines):
        separator = _SEPARATOR.fullmatch(line.rstrip("\r\n")) if before == 0 else None
        if separator is not None:  # a line of Excel
            chosen = chosen or separator[1]
        elif before == 0 and line.startswith("#TYPE "):  # a line of PowerShell
            continue
        elif _TEXT.search(line):
            _refuse_json(line, name)
            return Header(line, before, chosen) if chosen else _detected(line, before, name, usual)
    raise Error(f"{name} is empty.", fix="The first line must have the names of the columns.")


def _refuse_json(line: str, name: str) -> None:
    if line.lstrip().startswith(('{"', '[{"')) or line.strip() in ("{", "[", "[{"):
        raise Error(f"{name} is JSON, not a table of text.", fix=read_with("json"))


def _detected(line: str, before: int, name: str, usual: str) -> Header:
    """Return a header with the delimiter that it shows."""
    outside = "".join(line.split('"')[::2])
    counts = {one: outside.count(one) for one in DELIMITERS if one in outside}
    most = max((count for one, count in counts.items() if one != usual), default=0)
    # A tab is in no name, while a comma may be.
    if counts.get(usual, 0) > most or not counts or (usual == "\t" and usual in counts):
        return Header(line, before, usual)
    if usual == "," and len(counts) == 1:
        (delimiter,) = counts
        _log.warning("%s: The cells are separated by %s.", name, DELIMITERS[delimiter])
        return Header(line, before, delimiter, guessed=True)
    raise _ambiguous(f"{name}, line {before + 1:,}", [*counts], usual)


def _ambiguous(where: str, found: list[str], usual: str) -> Error:
    """Return the error for a header whose delimiter is not certain."""
    names = " and ".join(DELIMITERS[one] for one in found)
    first, *others = (keyword("delimiter", "tab" if one == "\t" else one) for one in dict.fromkeys([*found, usual]))
    fix = Message("Name the delimiter: ", first, *(part for one in others for part in (" or ", one)), ".")
    return Error(f"{where}: The header has {names}.", fix=fix)
