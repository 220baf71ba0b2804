"""OUT: checked before anything is sent, and written as a whole or not at all."""

from __future__ import annotations

import io
import os
import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ikpipe.cli.signals import ignored_signals
from ikpipe.cli.standard_streams import discard_output
from ikpipe.cli.wording import say
from ikpipe.errors import Error, printable
from ikpipe.frames.io.csv_style import CsvStyle
from ikpipe.frames.io.opening import RESULTS, STANDARD, file_type, import_extra

if TYPE_CHECKING:
    import pandas as pd

    from ikpipe.frames.io.writing import ChunkWriter, ResultsWriter, TableWriter

_NEEDED = {"parquet": ("pyarrow", "parquet"), "xlsx": ("openpyxl", "excel")}


_FILES = {
    "table": "input",
    "source": "source",
    "journal": "journal",
    "earlier_journal": "earlier journal",
    "out": "OUT",
    "state": "state",
    "summary": "file of --summary",
    "html": "file of --html",
    "metrics_file": "file of --metrics-file",
    "log_file": "log file",
}
"""Option → what its file is."""


def other_files(options: Namespace, *names: str) -> dict[str, str]:
    """Return the files that a command's options name, by what they are, without those of some options."""
    texts = {what: getattr(options, name, None) for name, what in _FILES.items() if name not in names}
    return {what: text for what, text in texts.items() if isinstance(text, str) and text != STANDARD}


def csv_style(options: Namespace) -> CsvStyle:
    """Return how OUT is written if it is CSV."""
    return CsvStyle(spreadsheet_safe=options.spreadsheet_safe, for_excel=options.for_excel)


def check_writable(out: str, style: CsvStyle, source: str | None = None, journal: str | None = None) -> None:
    """Check that OUT can be written, as far as possible in advance.

    `out` is a path, or ``-`` for standard output. `style` is how it is written if it is CSV. `source` and `journal` are
    files that OUT may not be. Raise `Error` if the file type of OUT is unknown, or OUT is a folder, in a folder that is
    missing or not writable, or one of those files.
    """
    if out == STANDARD:
        if sys.stdout is None:
            raise Error("Standard output is closed.", fix="Name a file with -o.")
        return
    kind = file_type(out, RESULTS)
    style.check(kind)
    if kind in _NEEDED:
        import_extra(*_NEEDED[kind], f"Writing {out}")
    check_place(out, {"input": source, "journal": journal})


def check_place(file: str, others: Mapping[str, str | None]) -> None:
    """Check that a file can be written, as far as possible in advance.

    `others` are files that it may not be, by what they are. Raise `Error` if it is a folder, in a folder that is
    missing or not writable, or one of those files.
    """
    path = Path(file)
    if path.is_dir():
        raise Error(f"{file} is a folder. Name a file in it.")
    if not path.parent.is_dir():
        raise Error(f"{file}: the folder {path.parent} does not exist. Create it first.")
    if not os.access(path if path.exists() and not path.is_file() else path.parent, os.W_OK):
        raise Error(f"{file}: the folder {path.parent} is not writable. Choose another one.")
    for what, other in others.items():
        if other is not None and _same_file(path, Path(other)):
            raise Error(f"{file} is the {what}, which is never overwritten. Name another file.")


def _same_file(path: Path, other: Path) -> bool:
    """Whether two paths are, or will be, the same file."""
    if path.exists() and other.exists():
        return path.samefile(other)
    return path.resolve() == other.resolve()


@contextmanager
def results_writer(out: str, style: CsvStyle, attrs: Mapping[Any, Any]) -> Iterator[ResultsWriter]:
    """Open OUT for results; it appears as a whole at the end, or not at all.

    `out` is a path, or ``-`` for standard output. `style` is how it is written if it is CSV. `attrs` are those of the
    table.
    """
    from ikpipe.frames.io.writing import ResultsWriter

    with _table_writer(out, style) as table:
        yield ResultsWriter(table, attrs)


@contextmanager
def chunk_writer(out: str, style: CsvStyle, attrs: Mapping[Any, Any]) -> Iterator[ChunkWriter]:
    """Open OUT for a table with further columns, as `results_writer` does for results."""
    from ikpipe.frames.io.writing import ChunkWriter

    with _table_writer(out, style) as table:
        yield ChunkWriter(table, attrs)


@contextmanager
def _table_writer(out: str, style: CsvStyle) -> Iterator[TableWriter]:
    from ikpipe.frames.io.writing import CsvWriter, OutputStream, table_file

    if out == STANDARD:
        yield CsvWriter(OutputStream(_ResultsOutput()), style)
        return
    stack = ExitStack()
    table = stack.enter_context(table_file(out, style))
    try:
        yield table
    finally:
        with ignored_signals():
            stack.close()


def write_frame(frame: pd.DataFrame, out: str, style: CsvStyle) -> None:
    """Write a frame to OUT. A reader of standard output may close it early."""
    from ikpipe.frames.io.results import write_csv, write_results

    if out != STANDARD:
        with ignored_signals():
            write_results(frame, out, spreadsheet_safe=style.spreadsheet_safe, for_excel=style.for_excel)
        return
    try:
        write_csv(frame, _StandardOutput(), style)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        discard_output()


class _StandardOutput(io.BytesIO):
    """Standard output; what people see on a terminal is printable, and other programs get the data as it is."""

    def write(self, data: Any) -> int:
        """Write whole lines, and return their length."""
        shown = data
        if sys.stdout.isatty():
            shown = "\n".join(map(printable, data.decode().split("\n"))).encode()
        sys.stdout.buffer.write(shown)
        return len(data)


class _ResultsOutput(_StandardOutput):
    """Standard output, whose reader may close it early; further data is discarded."""

    def write(self, data: Any) -> int:
        """Write whole lines, and return their length."""
        try:
            super().write(data)
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            discard_output()
            say("Standard output was closed before all results were written. The journal of this run has them.")
        return len(data)
