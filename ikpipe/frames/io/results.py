"""Write the results of a run to a file, and read them back."""

from collections.abc import Callable
from os import PathLike, fspath
from typing import IO, Any

import pandas as pd

from ikpipe.frames.chunks import InMemoryTable
from ikpipe.frames.io import parquet, text
from ikpipe.frames.io.opening import ending, opened
from ikpipe.frames.io.writing import CsvWriter, OutputStream, TableWriter, table_file


def write_results(results: Any, path: str | PathLike[str], *, spreadsheet_safe: bool = False) -> None:
    """Write results to a file: whole, or not at all.

    Parameters
    ----------
    results
        A results frame, or any other; also a polars DataFrame or a pyarrow Table.
    path
        Ends in ``.csv`` (nested values as JSON), ``.parquet`` or ``.jsonl``.
    spreadsheet_safe
        In CSV, put an apostrophe before cells that a spreadsheet would run as formulas.

    Raises
    ------
    ikpipe.Error
        The ending is another.
    """
    with table_file(path, spreadsheet_safe=spreadsheet_safe) as file:
        _write(results, file)


def write_csv(results: pd.DataFrame, stream: IO[bytes], *, spreadsheet_safe: bool = False) -> None:
    """Write results as CSV to an open stream, such as standard output."""
    _write(results, CsvWriter(OutputStream(stream), spreadsheet_safe=spreadsheet_safe))


def _write(table: Any, file: TableWriter) -> None:
    whole = InMemoryTable(table)
    for chunk in whole.chunks():
        file.take(file.prepare(chunk))
    file.close(whole.frame.attrs)


def read_results(path: str | PathLike[str]) -> pd.DataFrame:
    """Read results that `write_results` wrote.

    Parquet gives the whole frame back, with its index and ``attrs``. CSV and JSON lines give the ``ik_`` columns back
    with their values and dtypes; an index is a column in them, and in CSV the input's own columns come back as text.

    Raises
    ------
    ikpipe.Error
        The ending is another than ``.csv``, ``.parquet`` and ``.jsonl``, or the file is not what it says.
    """
    read = _READERS[ending(fspath(path), _READERS)]
    with opened(path) as stream:
        return read(stream, fspath(path))


_READERS: dict[str, Callable[[IO[bytes], str], pd.DataFrame]] = {
    "csv": text.read_csv,
    "jsonl": text.read_jsonl,
    "parquet": parquet.read,
}
