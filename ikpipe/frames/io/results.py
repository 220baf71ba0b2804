"""Write results to a file, and read them back."""

from collections.abc import Callable
from functools import partial
from os import PathLike
from typing import IO, Any

import pandas as pd

from ikpipe.frames.chunks import InMemoryTable
from ikpipe.frames.io import results_text
from ikpipe.frames.io.csv_style import CsvStyle
from ikpipe.frames.io.excel import read_excel_results
from ikpipe.frames.io.opening import is_folder, name_of, open_input
from ikpipe.frames.io.options import WORKBOOKS, ReadOptions
from ikpipe.frames.io.reading import format_of, read_table
from ikpipe.frames.io.writing import CsvWriter, OutputStream, TableWriter, table_file


def write_results(
    results: Any, path: str | PathLike[str], *, spreadsheet_safe: bool = False, for_excel: bool = False
) -> None:
    """Write results to a file, which appears when it is complete.

    Parameters
    ----------
    results
        A results frame, or any other; also a polars DataFrame or a pyarrow Table.
    path
        A path with the extension ``.csv`` or ``.xlsx`` (nested values as JSON), ``.parquet`` or ``.jsonl``.
    spreadsheet_safe
        In CSV, whether to put an apostrophe wherever a spreadsheet would run text as a formula.
    for_excel
        In CSV, whether Excel opens the file in a locale with a decimal comma: with semicolons and a byte-order mark.

    Raises
    ------
    ikpipe.Error
        The file type is not supported.
    """
    with table_file(path, CsvStyle(spreadsheet_safe=spreadsheet_safe, for_excel=for_excel)) as file:
        _write(results, file)


def write_csv(results: pd.DataFrame, stream: IO[bytes], style: CsvStyle | None = None) -> None:
    """Write results as CSV to an open stream, such as standard output."""
    _write(results, CsvWriter(OutputStream(stream), style or CsvStyle()))


def _write(table: Any, file: TableWriter) -> None:
    source = InMemoryTable(table)
    for chunk in source.chunks():
        file.take(file.prepare(chunk))
    file.close(source.frame.attrs)


def read_results(
    path: str | PathLike[str],
    *,
    format: str | None = None,  # noqa: A002 - as the option
    delimiter: str | None = None,
    encoding: str | None = None,
) -> pd.DataFrame:
    """Return results that `write_results` wrote, or that a spreadsheet saved again.

    Parquet keeps the whole frame, with its index and ``attrs``. The others keep the values and dtypes of the ``ik_``
    columns; an index becomes columns, and in CSV the input's own columns become text.

    Parameters
    ----------
    path
        The file.
    format
        Its format, if the extension does not tell it, such as ``csv``.
    delimiter
        The character between the cells of CSV; by default the one that the header shows.
    encoding
        The encoding of CSV and JSON without a byte-order mark; by default UTF-8.

    Raises
    ------
    ikpipe.Error
        The file type is not supported, or the file cannot be read in its format.
    """
    return results_table(path, ReadOptions(format, delimiter, encoding))


def results_table(path: str | PathLike[str], options: ReadOptions) -> pd.DataFrame:
    """Return results from a file that is read with some options."""
    read = _READERS.get(format_of(path, options))
    if read is None or is_folder(path):
        return read_table(path, options)
    with open_input(path) as stream:
        return read(stream, name_of(path), options)


_READERS: dict[str, Callable[[IO[bytes], str, ReadOptions], pd.DataFrame]] = {
    "csv": results_text.read_csv,
    "tsv": partial(results_text.read_csv, delimiter="\t"),
    "jsonl": results_text.read_jsonl,
    "json": results_text.read_jsonl,
    **dict.fromkeys(WORKBOOKS, read_excel_results),
}
