"""Find the header of a text table, and the character between its cells."""

import logging
import re
from collections.abc import Iterator
from typing import NamedTuple

from ikpipe.errors import Error, Message, keyword
from ikpipe.frames.io.content import read_with

_log = logging.getLogger("ikpipe.frames")
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
"""The delimiters that a header can show, and what several of each are called."""
_TEXT = re.compile(r'[^\s",;|]')
_MOST_LINES = 100  # of a header
_SEPARATOR = re.compile(r'"?sep=(.)"?', re.IGNORECASE)


class Header(NamedTuple):
    """The lines of a table's header, the number of lines before it, and the delimiter.

    `guessed`: the delimiter is another one than the format's, since only that one is in the header.
    """

    lines: list[str]
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
            header = _whole(line, lines)
            return Header(header, before, chosen) if chosen else _detected(header, before, name, usual)
    raise Error(f"{name} is empty.", fix="The first line must have the names of the columns.")


def _whole(first: str, lines: Iterator[str]) -> list[str]:
    """Return the lines of a header, of which a name in quotes can have several."""
    header, quotes = [first], first.count('"')
    while quotes % 2 and len(header) < _MOST_LINES and (line := next(lines, None)) is not None:
        header.append(line)
        quotes += line.count('"')
    return header


def _refuse_json(line: str, name: str) -> None:
    if line.lstrip().startswith(('{"', '[{"')) or line.strip() in ("{", "[", "[{"):
        raise Error(f"{name} is JSON, not a table of text.", fix=read_with("json"))


def _detected(lines: list[str], before: int, name: str, usual: str) -> Header:
    """Return a header with the delimiter that it shows."""
    text = "".join(lines)
    # A quote that is not closed is a part of a name.
    outside = lines[0] if text.count('"') % 2 else "".join(text.split('"')[::2])
    counts = {one: outside.count(one) for one in DELIMITERS if one in outside}
    most = max((count for one, count in counts.items() if one != usual), default=0)
    # A tab is in no name, while a comma may be.
    if counts.get(usual, 0) > most or not counts or (usual == "\t" and usual in counts):
        return Header(lines, before, usual)
    if usual == "," and len(counts) == 1:
        (delimiter,) = counts
        option = keyword("delimiter", "tab" if delimiter == "\t" else delimiter)
        _log.warning("%s: The cells are separated by %s (%s).", name, DELIMITERS[delimiter], option)
        return Header(lines, before, delimiter, guessed=True)
    raise _ambiguous(f"{name}, line {before + 1:,}", [*counts], usual)


def _ambiguous(where: str, found: list[str], usual: str) -> Error:
    """Return the error for a header whose delimiter is not certain."""
    names = " and ".join(DELIMITERS[one] for one in found)
    first, *others = (keyword("delimiter", "tab" if one == "\t" else one) for one in dict.fromkeys([*found, usual]))
    fix = Message("Name the delimiter: ", first, *(part for one in others for part in (" or ", one)), ".")
    return Error(f"{where}: The header has {names}.", fix=fix)
