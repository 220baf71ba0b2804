"""Read any table that the command line takes into a frame, its cells as their author sees them."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, time
from functools import partial
from os import PathLike
from typing import IO, Any

import pandas as pd

from ikpipe.errors import Error, short_repr
from ikpipe.frames.io import parquet
from ikpipe.frames.io.opening import InputFile, ending, name_of, needed, opened, read_as, seekable
from ikpipe.frames.io.records import columns_of, delimited, json_rows, refuse_duplicates

_MOST_ROWS = 1_048_576  # of a sheet, in Excel


def read_table(source: InputFile, format: str | None = None) -> pd.DataFrame:  # noqa: A002 - reads as the option's name
    """Read a table from a file, or from standard input.

    Cells of CSV and TSV are text: a SKU keeps its zeros, ``NA`` stays ``NA``, and only an empty cell is missing.
    JSON lines keep their types. Excel cells are what the sheet shows: text is text, a whole number has no ``.0``.

    Parameters
    ----------
    source
        A path, ``-`` for standard input, or an open file.
    format
        ``csv``, ``tsv``, ``parquet``, ``jsonl`` or ``xlsx``; by default the path's ending, and ``csv`` without one.

    Raises
    ------
    ikpipe.Error
        The file cannot be read as that; the message names the line or the cell.
    """
    name = name_of(source)
    if format is None:
        format = ending(name, _READERS) if isinstance(source, str | PathLike) and source != "-" else "csv"  # noqa: A001
    elif format not in _READERS:
        raise Error(f"the format is one of {', '.join(_READERS)}, not {short_repr(format)}")
    read = _READERS[format]
    with opened(source) as stream:
        return read(stream, name)


def _read_delimited(delimiter: str, stream: IO[Any], name: str) -> pd.DataFrame:
    header, rows = delimited(stream, name, delimiter)
    return texts(header, list(rows))


def texts(header: list[str], rows: list[list[str]]) -> pd.DataFrame:
    """Make a frame of rows of text."""
    columns = zip(*rows, strict=True) if rows else ((),) * len(header)
    cells = {at: pd.array([cell or None for cell in column], dtype="string") for at, column in enumerate(columns)}
    return pd.DataFrame(cells).set_axis(header, axis=1)


def _read_jsonl(stream: IO[Any], name: str) -> pd.DataFrame:
    return objects(list(json_rows(stream, name, as_seen=True)))


def objects(rows: Sequence[dict[str, Any]], names: Iterable[str] | None = None) -> pd.DataFrame:
    """Make a frame of objects, as such: pandas would turn whole numbers beside missing ones into floats."""
    return pd.DataFrame(columns_of(rows, names), index=pd.RangeIndex(len(rows)), dtype=object)


def _read_parquet(stream: IO[bytes], name: str) -> pd.DataFrame:
    return parquet.read(seekable(stream), name)


def _read_excel(stream: IO[bytes], name: str) -> pd.DataFrame:
    openpyxl = needed("openpyxl", "excel", "Reading an Excel file")
    with read_as("Excel workbook (.xlsx) with a sheet of cells", name):
        # Read-only, openpyxl streams the sheet; data_only gives the values that were saved with formulas.
        book = openpyxl.load_workbook(seekable(stream), read_only=True, data_only=True)
        filled = list(_filled(book.worksheets[0], name))
    if not filled:
        raise Error(f"{name} is empty: its first row should have the names of the columns")
    return _sheet(filled[0], filled[1:], name)


def _filled(sheet: Any, name: str) -> Iterator[list[object]]:
    """Give the rows of a sheet that have cells, each as far as its last one, whatever size the sheet says it has."""
    sheet.reset_dimensions()
    for number, cells in enumerate(sheet.iter_rows(), 1):
        if number > _MOST_ROWS:
            raise Error(f"{name} has a row beyond {_MOST_ROWS:,}, which is more than Excel has")
        row = [_seen(cell) for cell in cells]
        while row and row[-1] is None:
            row.pop()
        if row:
            yield row


def _sheet(header: Sequence[object], rows: list[list[object]], name: str) -> pd.DataFrame:
    """Make a frame of a sheet; a column without a name is left out where it has no cells either."""
    columns = {place: str(one) for place, one in enumerate(header) if one is not None}
    unnamed = {place for row in rows for place, cell in enumerate(row) if cell is not None} - columns.keys()
    if unnamed:
        raise Error(f"{name}: column {min(unnamed) + 1} has cells, but no name in the first row")
    refuse_duplicates(list(columns.values()), name)
    # Rows end where their last cell does.
    cells = {column: [row[place] if place < len(row) else None for row in rows] for place, column in columns.items()}
    return pd.DataFrame(cells, dtype=object)


def _seen(cell: Any) -> object:
    """Give a cell's value in the form that the sheet shows, as far as that is plain."""
    value = cell.value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    # The usual format for article numbers; others, such as money and percent, are no part of the value.
    if type(value) is int and re.fullmatch("0{2,255}", cell.number_format):
        return str(value).zfill(len(cell.number_format))
    # Excel has no dates without a time; midnight is how it stores one.
    if isinstance(value, datetime) and value.time() == time():
        return value.date()
    return None if value == "" else value


_READERS: dict[str, Callable[[IO[Any], str], pd.DataFrame]] = {
    "csv": partial(_read_delimited, ","),
    "tsv": partial(_read_delimited, "\t"),
    "parquet": _read_parquet,
    "jsonl": _read_jsonl,
    "xlsx": _read_excel,
}
FORMATS = tuple(_READERS)
"""The endings of tables that can be read."""
