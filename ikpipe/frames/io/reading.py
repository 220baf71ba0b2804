"""Read a table of any supported format into a frame, with cells as their author sees them."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from os import PathLike, fspath
from pathlib import Path
from typing import IO, Any

import pandas as pd

from ikpipe.errors import Message, keyword
from ikpipe.frames.chunks import ROWS
from ikpipe.frames.io import parquet
from ikpipe.frames.io.csv_records import delimited
from ikpipe.frames.io.excel import read_excel
from ikpipe.frames.io.json_records import columns_of, json_rows
from ikpipe.frames.io.opening import InputFile, is_folder, is_pipe, name_of, open_input, seekable, unsupported
from ikpipe.frames.io.options import ALIASES, FORMATS, WORKBOOKS, ReadOptions
from ikpipe.frames.io.parquet_folder import ParquetFolder

PACKED = (".gz", ".zst")
"""The extensions of compressed files."""


def read_table(source: InputFile, options: ReadOptions | None = None) -> pd.DataFrame:
    """Read a table from a file or from standard input.

    Cells of CSV and TSV are text: a SKU keeps its zeros, ``NA`` stays ``NA``, and only an empty cell is missing. JSON
    lines keep their types. Excel cells are as the sheet shows them: text is text, a whole number has no ``.0``.

    `source` is a path, ``-`` for standard input, or an open file. The format is by default the path's extension,
    ``csv`` for streams. Raise `ikpipe.Error` if the file cannot be read in this format; the message names the line or
    the cell.
    """
    name, options = name_of(source), options or ReadOptions()
    read = _READERS[format_of(source, options)]
    if is_folder(source):
        return pd.concat(ParquetFolder(name).frames(ROWS), ignore_index=True)
    with open_input(source) as stream:
        return read(stream, name, options)


def format_of(source: InputFile, options: ReadOptions) -> str:
    """Return the format of a table: the option's, else that of the path's extension; ``csv`` for streams and pipes.

    Raise `ikpipe.Error` if the extension tells no format, or an option does not apply to the format.
    """
    name = options.format or _format_of(source)
    options.check_format(name)
    return name


def _format_of(source: InputFile) -> str:
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
    raise unsupported(fspath(source), FORMATS, Message(", or name its format with ", keyword("format")))


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


_READERS: dict[str, Callable[[IO[Any], str, ReadOptions], pd.DataFrame]] = {
    "csv": partial(_read_delimited, ","),
    "tsv": partial(_read_delimited, "\t"),
    "parquet": _read_parquet,
    "jsonl": _read_jsonl,
    "json": _read_jsonl,
    **dict.fromkeys(WORKBOOKS, read_excel),
}
