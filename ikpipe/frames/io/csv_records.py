"""Read the records of CSV and TSV; errors name the line."""

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, repeat
from typing import IO, Any

from ikpipe.errors import Error, Message, keyword
from ikpipe.frames.io.csv_dialect import Header, find_header
from ikpipe.frames.io.decoding import LONGEST, text_lines
from ikpipe.frames.io.options import ReadOptions

_MOST_COLUMNS = 100_000
_REASONS = {
    "unexpected end of data": ("The quote that this row opens is never closed.", "Close it, or remove it."),
    "expected after": (
        "A closing quote is followed by text.",
        'Quotes inside a quoted cell are doubled: "12"" disc".',
    ),
    "field larger than": (f"A cell has more than {LONGEST:,} characters.", "Look for a quote that is never closed."),
    "new-line character": ("A cell has a carriage return.", "Put the cell in double quotes."),
}


def delimited(
    stream: IO[Any], name: str, options: ReadOptions, delimiter: str = ","
) -> tuple[list[str], Iterator[list[str]]]:
    """Return the header of a CSV file and its rows, which have as many cells.

    Columns without a name after the last one that has one are left out, and so are rows without text at the end of the
    file: spreadsheets write both.

    `stream` is an open file of bytes or of text; `name` is for errors; `delimiter` is that of the format. Raise
    `ikpipe.Error` if the file cannot be read; the message names the line.
    """
    # The csv module's own limit of 128 KiB is less than the data URI of a small image.
    csv.field_size_limit(max(LONGEST, csv.field_size_limit()))
    lines = text_lines(stream, name, options.encoding)
    header = find_header(lines, name, delimiter, options.delimiter)
    # Not strict, the rest of the file after an unclosed quote would be one cell.
    reader = csv.reader(chain(header.lines, lines), delimiter=header.delimiter, strict=True)
    rows = _Rows(reader, name, header)
    return rows.names, iter(rows)


class _Rows:
    """The rows of a reader of the csv module, with as many cells as the header."""

    def __init__(self, reader: Any, name: str, header: Header) -> None:
        self._reader, self._name, self._header = reader, name, header
        names: list[str] = next(self._records())
        while names and not names[-1].strip():
            names.pop()
        if not names:
            raise Error(f"{self._where()}: The header has no names of columns.", fix="Check the delimiter.")
        if len(names) > _MOST_COLUMNS:
            raise Error(f"{name}: The header has {len(names):,} cells; {_MOST_COLUMNS:,} columns are read at most.")
        self.names = names

    def __iter__(self) -> Iterator[list[str]]:
        width, empty = len(self.names), 0
        for row in self._records():
            if not any(row):
                empty += len(row) > 0
                continue
            if empty:
                yield from repeat([""] * width, empty)
                empty = 0
            yield row if len(row) == width else self._fitted(row, width)

    def _fitted(self, row: list[str], width: int) -> list[str]:
        """Return a row without the cells after the last column, which are empty.

        Raise `ikpipe.Error` if they are not, or some are missing.
        """
        if len(row) > width and not any(row[width:]):
            return row[:width]
        cells = "1 cell" if len(row) == 1 else f"{len(row):,} cells"
        words = f"{self._where()}: The row has {cells}, but the header has {width:,}."
        fix: str = "Put cells that contain the delimiter in double quotes."
        if self._header.guessed:
            fix = Message(fix, " If the delimiter is another one, set ", keyword("delimiter"), ".")
        raise Error(words, fix=fix)

    def _records(self) -> Iterator[list[str]]:
        """Yield the records, also empty ones."""
        first = 1
        try:
            for record in self._reader:
                yield record
                first = self._reader.line_num + 1
        except csv.Error as error:
            words, fix = next((_REASONS[key] for key in _REASONS if key in str(error)), (f"{error}.", None))
            number = first if "never closed" in words else self._reader.line_num
            raise Error(f"{self._where(number)}: The CSV is not valid. {words}", fix=fix) from error

    def _where(self, number: int | None = None) -> str:
        return f"{self._name}, line {(number or self._reader.line_num) + self._header.before:,}"


def refuse_duplicates(header: Sequence[str], name: str) -> None:
    """Raise an error if a column's name occurs more than once."""
    repeated = [repr(column) for column, count in Counter(header).items() if count > 1]
    if repeated:
        raise Error(f"{name} has more than one column named {', '.join(repeated)}.", fix="Rename them.")
