"""How help looks: as wide as the terminal, examples as they are typed, and headings in bold."""

from __future__ import annotations

import argparse
import os
import re
import sys
import textwrap
from collections.abc import Iterator
from typing import Any, TextIO

_HEADING = re.compile(r"^(?:[a-z][a-z ]*:$|usage:|exit status:)", re.MULTILINE)
_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"
_COLUMNS = re.compile(r"(?<=\S)\s{2,}(?=\S)")  # between a command and what it is for
_SHORT = 4  # characters of a word whose meaning stays on its line, such as a status
_FIXED = "\N{NO-BREAK SPACE}"
_MARGIN = 2  # columns that argparse leaves free at the right
_MOST = 100  # characters of a line: longer ones are hard to read


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Keeps the line breaks of explanations and examples, unless the terminal is too narrow for them."""

    def __init__(self, prog: str, **settings: Any) -> None:
        super().__init__(prog, **settings)
        self._width = min(self._width, _MOST)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        """Return an explanation whose lines fit the terminal."""
        lines = text.splitlines()
        if max(map(len, lines), default=0) <= width + _MARGIN:
            return super()._fill_text(text, width, indent)
        return "\n".join(f"{indent}{line}" for part in _parts(lines) for line in _wrapped(part, width - len(indent)))


def _parts(lines: list[str]) -> Iterator[list[str]]:
    """Yield the lines of a paragraph together, and any other line alone: examples, lists, headings."""
    part: list[str] = []
    for line in re.sub(r" *\\\n *", " ", "\n".join(lines)).split("\n"):
        together = bool(part) and line[:1].strip() and not part[-1].endswith(":") and part[-1][:1].strip()
        if part and not together:
            yield part
            part = []
        part.append(line)
    if part:
        yield part


def _wrapped(part: list[str], width: int) -> list[str]:
    """Return the lines of a part, wrapped."""
    text = " ".join(part) if len(part) > 1 else part[0]
    if not text.startswith(" "):
        return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False) or [""]
    first, *rest = _COLUMNS.split(text.strip(), maxsplit=1)
    if rest and len(first) <= _SHORT:
        first, rest = f"{first}  {rest[0]}", []
    indent = text[: len(text) - len(text.lstrip())]
    command = re.search(r"(^|\| )(ikpipe|curl) ", first) is not None
    # Quoted text stays on one line, since it would have the line break in it; and an option on that of its value.
    quoted = re.sub(r"'[^']*'", lambda found: found[0].replace(" ", _FIXED), first)
    quoted = re.sub(r"(?<= )(--?[\w-]+) (?=[^-|])", rf"\1{_FIXED}", quoted) if command else quoted
    lines = textwrap.wrap(
        quoted,
        width - 2 * command,
        initial_indent=indent,
        subsequent_indent=f"{indent}    ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    lines = [line.replace(_FIXED, " ") for line in lines]
    if command:  # as it can be pasted
        lines = [f"{line} \\" for line in lines[:-1]] + lines[-1:]
    deeper = f"{indent}    "
    return lines + textwrap.wrap(
        " ".join(rest), width, initial_indent=deeper, subsequent_indent=deeper, break_on_hyphens=False
    )


def has_colors(stream: TextIO | None) -> bool:
    """Whether text on a stream can have colors: on a terminal, unless NO_COLOR is set; with FORCE_COLOR always."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    try:
        return stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"
    except ValueError:  # the stream is closed
        return False


def with_bold_headings(text: str) -> str:
    """Return help with bold headings, if standard output has colors."""
    return _HEADING.sub(lambda found: f"{_BOLD}{found[0]}{_PLAIN}", text) if has_colors(sys.stdout) else text
