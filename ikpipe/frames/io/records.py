"""The records of a text file, CSV or JSON lines; whatever is wrong with one names its line."""

import csv
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Any

from ikpipe.errors import Error, short_repr
from ikpipe.frames.codec.bounds import shallow

# The csv module's own limit, 128 KiB, is less than a data URI of a small picture.
_LARGEST_CELL = 2**31 - 1
_WIDE, _SPARSE = 1_000, 100  # columns from which on a table is looked at, and its cells for each that is there
_EXACT = 2**53  # beyond it, floats skip integers


def text_lines(stream: IO[Any], name: str) -> Iterator[str]:
    """Give the lines of a UTF-8 file without its byte-order mark, or say where it is no UTF-8."""
    position = 0
    for number, line in enumerate(stream, 1):
        if isinstance(line, str):
            yield line
            continue
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Error(
                f"{name} is not UTF-8: line {number}, byte {position + error.start} of the file. "
                f"Save it as 'CSV UTF-8', or convert it: iconv -f WINDOWS-1252 -t UTF-8"
            ) from error
        # Counted before the mark is dropped: an editor's "go to byte" counts it too.
        position += len(line)
        yield text.removeprefix("\ufeff") if number == 1 else text


def delimited(stream: IO[Any], name: str, delimiter: str = ",") -> tuple[list[str], Iterator[list[str]]]:
    """Give the header of a CSV file and its rows, each checked to have as many cells."""
    csv.field_size_limit(max(_LARGEST_CELL, csv.field_size_limit()))
    # Strict, or a quote that is never closed would swallow the rest of the file into one cell.
    reader = csv.reader(text_lines(stream, name), delimiter=delimiter, strict=True)
    rows = _rows(reader, name)
    header = next(rows, None)
    if header is None:
        raise Error(f"{name} is empty: its first line should have the names of the columns")
    refuse_duplicates(header, name)
    return header, rows


def _rows(reader: Any, name: str) -> Iterator[list[str]]:
    width = None
    try:
        for row in reader:
            if not row:
                continue
            width = width or len(row)
            if len(row) != width:
                raise Error(f"{name}, line {reader.line_num}: {len(row)} cells, but the header names {width} columns")
            yield row
    except csv.Error as error:
        raise Error(f"{name}, line {reader.line_num}: {error}") from error


def refuse_duplicates(header: Sequence[str], name: str) -> None:
    """Raise an error that names the columns that are there more than once."""
    twice = [repr(column) for column, count in Counter(header).items() if count > 1]
    if twice:
        raise Error(f"{name} has more than one column named {', '.join(twice)}: rename them")


def json_rows(stream: IO[Any], name: str, *, as_seen: bool = False) -> Iterator[dict[str, Any]]:
    """Give the objects of a file of JSON lines.

    `as_seen` makes whole floats integers: pandas writes ``12.0`` where a column of integers has a missing cell.
    """
    read = json.JSONDecoder(parse_float=_number).decode if as_seen else json.loads
    for number, line in enumerate(text_lines(stream, name), 1):
        if not line.strip():
            continue
        try:
            row = read(shallow(line))
        except ValueError as error:
            raise Error(f"{name}, line {number} is no JSON: {error}") from error
        if not isinstance(row, dict):
            raise Error(f"{name}, line {number} is no JSON object: {short_repr(row)}")
        yield row


def _number(text: str) -> float | int:
    number = float(text)
    return int(number) if abs(number) < _EXACT and number.is_integer() else number


def columns_of(rows: Sequence[dict[str, Any]], names: Iterable[str] | None = None) -> dict[str, list[Any]]:
    """Turn objects into columns: these, or all in the order in which their names are first seen.

    Raises
    ------
    ikpipe.Error
        Most rows lack most of the names, so that the table would be far larger than its text.
    """
    names = dict.fromkeys(key for row in rows for key in row) if names is None else dict.fromkeys(names)
    if len(names) > _WIDE and len(rows) * len(names) > _SPARSE * (len(names) + sum(map(len, rows))):
        raise Error(
            f"the rows name {len(names):,} different columns, and each has only a few of them: a row is one object "
            "with the table's columns as its keys"
        )
    return {name: [row.get(name) for row in rows] for name in names}
