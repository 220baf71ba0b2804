"""Read the records of JSON: objects, one on each line, or the elements of an array; errors name the line."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import IO, Any

from ikpipe.errors import Error, reason, short_repr
from ikpipe.frames.codec.bounds import shallow
from ikpipe.frames.io.decoding import LONGEST, lines_of, text_blocks
from ikpipe.frames.io.options import ReadOptions

_WIDE, _SPARSE = 1_000, 100  # columns from which a table is checked, and its allowed cells for each that has a value
_EXACT = 2**53  # beyond it, floats skip integers
_DIGITS = 4_000  # of an integer that Python converts
_CUT = 12  # characters of JSON's longest word or escape, which the end of a block can cut
_FIX = "Each line, or element of an array, is one object, with the table's columns as its keys."


def json_rows(stream: IO[Any], name: str, options: ReadOptions, *, as_seen: bool = False) -> Iterator[dict[str, Any]]:
    """Yield the objects of a file: one on each line, or the elements of one array.

    `as_seen` makes whole floats integers: pandas writes ``12.0`` if a column of integers has a missing cell.
    """
    decoder = json.JSONDecoder(
        parse_float=_number if as_seen else None, parse_int=_integer, object_pairs_hook=_without_repetition
    )
    blocks = text_blocks(stream, name, options.encoding)
    line = 1
    for block in blocks:
        if block.strip():
            rest = chain([block], blocks)
            is_array = block.lstrip().startswith("[")
            yield from _Array(decoder, rest, name, line).rows() if is_array else _lines(decoder, rest, name, line)
            return
        line += block.count("\n")


def _lines(decoder: json.JSONDecoder, blocks: Iterable[str], name: str, first: int) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines_of(blocks, name), first):
        if not line.strip():
            continue
        try:
            row = decoder.decode(shallow(line))
        except (ValueError, RecursionError) as error:
            raise Error(f"{name}, line {number:,}: The line is not valid JSON: {_reason(error)}.") from error
        if not isinstance(row, dict):
            raise _not_an_object(row, f"{name}, line {number:,}: The line")
        yield _with_valid_names(row)


class _Array:
    """The elements of an array that comes in blocks of text."""

    def __init__(self, decoder: json.JSONDecoder, blocks: Iterator[str], name: str, line: int) -> None:
        self._decoder, self._blocks, self._name = decoder, blocks, name
        self._text, self._at, self._line = "", 0, line  # a part of the text, the place in it, its first line's number

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield the elements."""
        mark = self._next()
        while mark != "]":
            if self._next(step=False) == "]":
                self._next()
                break
            yield self._element()
            mark = self._next()
            if mark not in ("]", ","):
                raise self._error(self._at - 1, f"a comma or ] must follow an object, not {mark!r}")
        while (rest := self._text[self._at :].lstrip()) or self._grow():
            if rest:
                raise self._error(len(self._text) - len(rest), "there is text after the end of the array")

    def _next(self, *, step: bool = True) -> str:
        """Return the next character that is not blank; `step`: it is consumed."""
        while True:
            while self._at < len(self._text):
                if not self._text[self._at].isspace():
                    self._at += step
                    return self._text[self._at - step]
                self._at += 1
            if not self._grow():
                raise self._error(self._at, "it ends inside the array")

    def _element(self) -> dict[str, Any]:
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
                shallow(self._text[self._at : end])
            except (ValueError, RecursionError) as error:
                place = getattr(error, "pos", self._at)
                is_cut = place > len(self._text) - _CUT or "Unterminated" in str(error)
                if is_cut and self._grow():
                    continue
                raise self._error(place, _reason(error)) from error
            if not isinstance(value, dict):
                raise _not_an_object(value, f"{self._name}, line {self._number(self._at):,}: The element")
            self._at = end
            return _with_valid_names(value)

    def _grow(self) -> bool:
        """Append about as much text as is left; whether there was any."""
        self._line = self._number(self._at)
        parts, size = [self._text[self._at :]], 0
        self._text, self._at = "", 0
        for block in self._blocks:
            parts.append(block)
            size += len(block)
            if size >= len(parts[0]):
                break
        self._text = "".join(parts)
        if len(parts[0]) > LONGEST:
            raise self._error(0, f"an element has more than {LONGEST:,} characters")
        return size > 0

    def _number(self, at: int) -> int:
        return self._line + self._text.count("\n", 0, at)

    def _error(self, at: int, words: str) -> Error:
        return Error(f"{self._name}, line {self._number(at):,}: The file is not valid JSON: {words}.")


def _not_an_object(value: object, where: str) -> Error:
    return Error(f"{where} must be a JSON object, not {short_repr(value)}.", fix=_FIX)


def _with_valid_names(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row; a name with half a character, which UTF-8 does not have, is shown as JSON writes it."""
    if "".join(row).isascii():
        return row
    return {name.encode("utf-8", "backslashreplace").decode(): cell for name, cell in row.items()}


def _reason(error: Exception) -> str:
    return f"{error.msg} at column {error.colno:,}" if isinstance(error, json.JSONDecodeError) else reason(error)


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object, whose keys must differ: of two values for one column, none is the right one."""
    made = dict(pairs)
    if len(made) != len(pairs):
        repeated = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise ValueError(f"the key {short_repr(repeated)} occurs more than once in an object")
    return made


def _number(text: str) -> float | int:
    number = float(text)
    return int(number) if abs(number) < _EXACT and number.is_integer() else number


def _integer(text: str) -> int | str:
    """Return an integer; one that Python does not convert stays text."""
    return int(text) if len(text) < _DIGITS else text


def columns_of(rows: Sequence[dict[str, Any]], names: Iterable[str] | None = None) -> dict[str, list[Any]]:
    """Return the columns of objects: those with some names, or all in the order of their first occurrence.

    Raise `ikpipe.Error` if most rows lack most of the columns, so that the table would be much larger than its text.
    """
    names = dict.fromkeys(key for row in rows for key in row) if names is None else dict.fromkeys(names)
    if len(names) > _WIDE and len(rows) * len(names) > _SPARSE * (len(names) + sum(map(len, rows))):
        words = f"The rows have {len(names):,} different keys, and each row only a few of them."
        raise Error(words, fix="Each line is one object, with the table's columns as its keys.")
    return {name: [row.get(name) for row in rows] for name in names}
