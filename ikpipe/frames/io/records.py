"""Read the records of CSV and JSON lines; errors name the line."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Any

from ikpipe.errors import Error, short_repr
from ikpipe.frames.codec.bounds import shallow

# The csv module's own limit of 128 KiB is less than the data URI of a small image.
_LARGEST_CELL = 2**31 - 1
_WIDE, _SPARSE = 1_000, 100  # columns from which a table is checked, and its allowed cells for each that has a value
_EXACT = 2**53  # beyond it, floats skip integers


def text_lines(stream: IO[Any], name: str, encoding: str | None = None) -> Iterator[str]:
    """Yield the lines of a text file, UTF-8 by default, without its byte-order mark."""
    if encoding is not None:
        text = io.TextIOWrapper(stream, encoding, newline="")
        try:
            yield from text
        finally:
            text.detach()  # the stream is closed by who opened it
        return
    position = 0
    for number, line in enumerate(stream, 1):
        if isinstance(line, str):
            yield line
            continue
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Error(
                f"{name}, line {number}: byte {position + error.start:,} of the file is not valid UTF-8.",
                fix='Save the file as "CSV UTF-8", or convert it: iconv -f WINDOWS-1252 -t UTF-8',
            ) from error
        # Counted with the byte-order mark, as by an editor's "go to byte".
        position += len(line)
        yield text.removeprefix("\ufeff") if number == 1 else text


def delimited(
    stream: IO[Any], name: str, delimiter: str = ",", encoding: str | None = None
) -> tuple[list[str], Iterator[list[str]]]:
    """Return the header of a CSV file and its rows, which have as many cells."""
    csv.field_size_limit(max(_LARGEST_CELL, csv.field_size_limit()))
    # Not strict, the rest of the file after an unclosed quote would be one cell.
    reader = csv.reader(text_lines(stream, name, encoding), delimiter=delimiter, strict=True)
    rows = _rows(reader, name)
    header = next(rows, None)
    if header is None:
        raise Error(f"{name} is empty.", fix="The first line must have the names of the columns.")
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
                cells = "1 cell" if len(row) == 1 else f"{len(row):,} cells"
                words = f"{name}, line {reader.line_num}: The row has {cells}, but the header has {width:,}."
                raise Error(words, fix="Put cells that contain the delimiter in double quotes.")
            yield row
    except csv.Error as error:
        raise Error(f"{name}, line {reader.line_num}: The CSV is not valid: {error}.") from error


def refuse_duplicates(header: Sequence[str], name: str) -> None:
    """Raise an error if a column's name occurs more than once."""
    repeated = [repr(column) for column, count in Counter(header).items() if count > 1]
    if repeated:
        raise Error(f"{name} has more than one column named {', '.join(repeated)}.", fix="Rename them.")


def json_rows(
    stream: IO[Any], name: str, encoding: str | None = None, *, as_seen: bool = False
) -> Iterator[dict[str, Any]]:
    """Yield the objects of a file of JSON lines.

    `as_seen` makes whole floats integers: pandas writes ``12.0`` if a column of integers has a missing cell.
    """
    read = json.JSONDecoder(parse_float=_number).decode if as_seen else json.loads
    for number, line in enumerate(text_lines(stream, name, encoding), 1):
        if not line.strip():
            continue
        try:
            row = read(shallow(line))
        except ValueError as error:
            raise Error(f"{name}, line {number}: The line is not valid JSON: {error}.") from error
        if not isinstance(row, dict):
            words = f"{name}, line {number}: The line must be a JSON object, not {short_repr(row)}."
            raise Error(words, fix="Each line is one object, with the table's columns as its keys.")
        yield row


def _number(text: str) -> float | int:
    number = float(text)
    return int(number) if abs(number) < _EXACT and number.is_integer() else number


def columns_of(rows: Sequence[dict[str, Any]], names: Iterable[str] | None = None) -> dict[str, list[Any]]:
    """Return the columns of objects: those with some names, or all in the order of their first occurrence.

    Raises
    ------
    ikpipe.Error
        Most rows lack most of the columns, so that the table would be much larger than its text.
    """
    names = dict.fromkeys(key for row in rows for key in row) if names is None else dict.fromkeys(names)
    if len(names) > _WIDE and len(rows) * len(names) > _SPARSE * (len(names) + sum(map(len, rows))):
        words = f"The rows have {len(names):,} different keys, and each row only a few of them."
        raise Error(words, fix="Each line is one object, with the table's columns as its keys.")
    return {name: [row.get(name) for row in rows] for name in names}
