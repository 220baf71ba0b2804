"""Read a table of any supported format into a frame, with cells as their author sees them."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, time
from functools import partial
from os import PathLike
from pathlib import Path
from typing import IO, Any

import pandas as pd

from ikpipe.errors import Error, Message, keyword
from ikpipe.frames.chunks import ROWS
from ikpipe.frames.io import parquet
from ikpipe.frames.io.json_records import columns_of, json_rows
from ikpipe.frames.io.opening import InputFile, import_extra, is_folder, is_pipe, name_of, open_input, read_as, seekable
from ikpipe.frames.io.options import ALIASES, FORMATS, ReadOptions
from ikpipe.frames.io.parquet_folder import ParquetFolder
from ikpipe.frames.io.records import delimited, refuse_duplicates

PACKED = (".gz", ".zst")
"""The extensions of compressed files."""
_MOST_ROWS = 1_048_576  # of a sheet in Excel


def read_table(source: InputFile, options: ReadOptions | None = None) -> pd.DataFrame:
    """Read a table from a file or from standard input.

    Cells of CSV and TSV are text: a SKU keeps its zeros, ``NA`` stays ``NA``, and only an empty cell is missing. JSON
    lines keep their types. Excel cells are as the sheet shows them: text is text, a whole number has no ``.0``.

    Parameters
    ----------
    source
        A path, ``-`` for standard input, or an open file.
    options
        How to read it; the format is by default the path's extension, ``csv`` for streams.

    Raises
    ------
    ikpipe.Error
        The file cannot be read in this format; the message names the line or the cell.
    """
    name, options = name_of(source), options or ReadOptions()
    read = _READERS[format_of(source, options)]
    if is_folder(source):
        return pd.concat(ParquetFolder(name).frames(ROWS), ignore_index=True)
    with open_input(source) as stream:
        return read(stream, name, options)


def format_of(source: InputFile, options: ReadOptions) -> str:
    """Return the format of a table: the option's, else that of the path's extension; ``csv`` for streams and pipes."""
    if options.format is not None:
        return options.format
    if not isinstance(source, str | PathLike):
        return "csv"
    if is_folder(source):
        return "parquet"
    path = Path(source)
    extension = Path(path.stem if path.suffix.lower() in PACKED else path).suffix.lower().removeprefix(".")
    if extension in (*FORMATS, *ALIASES):
        return ALIASES.get(extension, extension)
    if is_pipe(source):
        return "csv"
    words = f"{source}: unsupported file type."
    fix = Message(f"Use one of {', '.join(f'.{one}' for one in FORMATS)}, or name its format with ", keyword("format"))
    raise Error(words, fix=Message(fix, "."))


def _read_delimited(delimiter: str, stream: IO[Any], name: str, options: ReadOptions) -> pd.DataFrame:
    header, rows = delimited(stream, name, options, delimiter)
    return texts(header, list(rows))


def texts(header: list[str], rows: list[list[str]]) -> pd.DataFrame:
    """Return rows of text as a frame."""
    columns = zip(*rows, strict=True) if rows else ((),) * len(header)
    cells = {at: pd.array([cell or None for cell in column], dtype="string") for at, column in enumerate(columns)}
    return pd.DataFrame(cells).set_axis(header, axis=1)


def _read_jsonl(stream: IO[Any], name: str, options: ReadOptions) -> pd.DataFrame:
    return objects(list(json_rows(stream, name, options, as_seen=True)))


def objects(rows: Sequence[dict[str, Any]], names: Iterable[str] | None = None) -> pd.DataFrame:
    """Return objects as a frame of objects: pandas would convert integers in columns with missing cells to floats."""
    return pd.DataFrame(columns_of(rows, names), index=pd.RangeIndex(len(rows)), dtype=object)


def _read_parquet(stream: IO[bytes], name: str, _options: ReadOptions) -> pd.DataFrame:
    return parquet.read(seekable(stream), name)


def _read_excel(stream: IO[bytes], name: str, _options: ReadOptions) -> pd.DataFrame:
    openpyxl = import_extra("openpyxl", "excel", "Reading an Excel file")
    with read_as("an Excel workbook (.xlsx) with a sheet of cells", name):
        # Read-only, openpyxl streams the sheet; data_only returns the values that were saved with formulas.
        book = openpyxl.load_workbook(seekable(stream), read_only=True, data_only=True)
        filled = list(_filled(book.worksheets[0], name))
    if not filled:
        raise Error(f"{name} is empty.", fix="The first row must have the names of the columns.")
    return _sheet(filled[0], filled[1:], name)


def _filled(sheet: Any, name: str) -> Iterator[list[object]]:
    """Yield the rows of a sheet that have cells, up to the last cell of each; the declared size is ignored."""
    sheet.reset_dimensions()
    for number, cells in enumerate(sheet.iter_rows(), 1):
        if number > _MOST_ROWS:
            raise Error(f"{name} has more than {_MOST_ROWS:,} rows, which is the maximum of Excel.")
        row = [_seen(cell) for cell in cells]
        while row and row[-1] is None:
            row.pop()
        if row:
            yield row


def _sheet(header: Sequence[object], rows: list[list[object]], name: str) -> pd.DataFrame:
    """Return a sheet as a frame, without columns that have neither name nor cells."""
    columns = {place: str(one) for place, one in enumerate(header) if one is not None}
    unnamed = {place for row in rows for place, cell in enumerate(row) if cell is not None} - columns.keys()
    if unnamed:
        raise Error(f"{name}: Column {min(unnamed) + 1} has cells, but no name in the first row.", fix="Name it.")
    refuse_duplicates(list(columns.values()), name)
    # Rows end where their last cell does.
    cells = {column: [row[place] if place < len(row) else None for row in rows] for place, column in columns.items()}
    return pd.DataFrame(cells, dtype=object)


def _seen(cell: Any) -> object:
    """Return a cell's value as the sheet shows it, in simple cases."""
    value = cell.value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    # The usual format for article numbers; others, such as money and percent, are not part of the value.
    if type(value) is int and re.fullmatch("0{2,255}", cell.number_format):
        return str(value).zfill(len(cell.number_format))
    # Excel stores a date as midnight.
    if isinstance(value, datetime) and value.time() == time():
        return value.date()
    return None if value == "" else value


_READERS: dict[str, Callable[[IO[Any], str, ReadOptions], pd.DataFrame]] = {
    "csv": partial(_read_delimited, ","),
    "tsv": partial(_read_delimited, "\t"),
    "parquet": _read_parquet,
    "jsonl": _read_jsonl,
    "json": _read_jsonl,
    "xlsx": _read_excel,
}
