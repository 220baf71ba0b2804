"""Write results to a file, and read them back."""

from collections.abc import Callable
from os import PathLike, fspath
from typing import IO, Any

import pandas as pd

from ikpipe.frames.chunks import InMemoryTable
from ikpipe.frames.io import parquet, text
from ikpipe.frames.io.opening import RESULTS, file_type, open_input
from ikpipe.frames.io.options import ReadOptions
from ikpipe.frames.io.writing import CsvWriter, OutputStream, TableWriter, table_file


def write_results(results: Any, path: str | PathLike[str], *, spreadsheet_safe: bool = False) -> None:
    """Write results to a file, which appears when it is complete.

    Parameters
    ----------
    results
        A results frame, or any other; also a polars DataFrame or a pyarrow Table.
    path
        A path with the extension ``.csv`` (nested values as JSON), ``.parquet`` or ``.jsonl``.
    spreadsheet_safe
        In CSV, whether to put an apostrophe before cells that a spreadsheet would run as formulas.

    Raises
    ------
    ikpipe.Error
        The file type is not supported.
    """
    with table_file(path, spreadsheet_safe=spreadsheet_safe) as file:
        _write(results, file)


def write_csv(results: pd.DataFrame, stream: IO[bytes], *, spreadsheet_safe: bool = False) -> None:
    """Write results as CSV to an open stream, such as standard output."""
    _write(results, CsvWriter(OutputStream(stream), spreadsheet_safe=spreadsheet_safe))


def _write(table: Any, file: TableWriter) -> None:
    source = InMemoryTable(table)
    for chunk in source.chunks():
        file.take(file.prepare(chunk))
    file.close(source.frame.attrs)


def read_results(path: str | PathLike[str]) -> pd.DataFrame:
    """Return results that `write_results` wrote.

    Parquet keeps the whole frame, with its index and ``attrs``. CSV and JSON lines keep the values and dtypes of the
    ``ik_`` columns; an index becomes columns, and in CSV the input's own columns become text.

    Raises
    ------
    ikpipe.Error
        The file type is not supported, or the file cannot be read in its format.
    """
    return results_table(path, ReadOptions())


def results_table(path: str | PathLike[str], options: ReadOptions) -> pd.DataFrame:
    """Return results from a file that is read with some options."""
    read = _READERS[options.format or file_type(fspath(path), RESULTS)]
    with open_input(path) as stream:
        return read(stream, fspath(path), options)


def _read_parquet(stream: IO[bytes], name: str, _options: ReadOptions) -> pd.DataFrame:
    return parquet.read(stream, name)


_READERS: dict[str, Callable[[IO[bytes], str, ReadOptions], pd.DataFrame]] = {
    "csv": text.read_csv,
    "jsonl": text.read_jsonl,
    "parquet": _read_parquet,
}
