"""Write the results of a run to a file, and read them back."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from os import PathLike, fspath
from pathlib import Path
from typing import IO
from uuid import uuid4

import pandas as pd

from ikpipe.tables import parquet, text
from ikpipe.tables.files import ending, opened

# As many rows as are turned into text at once: memory stays small, and the time for each call does not show.
_CHUNK = 10_000


def write_results(results: pd.DataFrame, path: str | PathLike[str], *, spreadsheet_safe: bool = False) -> None:
    """Write results to a file: whole, or not at all.

    Parameters
    ----------
    results
        A results frame, or any other.
    path
        Ends in ``.csv`` (nested values as JSON), ``.parquet`` or ``.jsonl``.
    spreadsheet_safe
        In CSV, put an apostrophe before cells that a spreadsheet would run as formulas.

    Raises
    ------
    ikpipe.Error
        The ending is another.
    """
    write = _WRITERS[ending(fspath(path), _WRITERS)]
    with _replacing(Path(path)) as stream:
        write(results, stream, spreadsheet_safe=spreadsheet_safe)


def write_csv(results: pd.DataFrame, stream: IO[bytes], *, spreadsheet_safe: bool = False) -> None:
    """Write results as CSV to an open stream, such as standard output."""
    layout = text.Layout.of(results)
    stream.write(layout.csv_header(spreadsheet_safe=spreadsheet_safe).encode())
    for chunk in _chunks(results):
        stream.write(layout.csv_text(chunk, spreadsheet_safe=spreadsheet_safe).encode())


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


@contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a file beside `path` that takes its place once it is whole and on the disk."""
    # Resolved, so that a link stays, and what it leads to is replaced.
    target = path.resolve()
    beside = target.with_name(f".{target.name}.{uuid4().hex}")
    try:
        with beside.open("xb") as stream:
            yield stream
            # Or a power cut could leave the new name with none of the content.
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def _chunks(frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
    for start in range(0, len(frame), _CHUNK):
        yield frame.iloc[start : start + _CHUNK]


def _write_jsonl(results: pd.DataFrame, stream: IO[bytes], **_csv_only: bool) -> None:
    layout = text.Layout.of(results)
    for chunk in _chunks(results):
        stream.write(layout.jsonl_text(chunk).encode())


def _write_parquet(results: pd.DataFrame, stream: IO[bytes], **_csv_only: bool) -> None:
    parquet.write(results, stream)


_WRITERS: dict[str, Callable[..., None]] = {"csv": write_csv, "parquet": _write_parquet, "jsonl": _write_jsonl}
_READERS: dict[str, Callable[[IO[bytes], str], pd.DataFrame]] = {
    "csv": text.read_csv,
    "parquet": parquet.read,
    "jsonl": text.read_jsonl,
}
