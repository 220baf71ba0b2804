"""Write results to a file chunk by chunk; the file appears when it is complete."""

from __future__ import annotations

import io
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from os import PathLike, fspath
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol
from uuid import uuid4

from ikpipe.errors import Error
from ikpipe.frames.chunks import Chunk, with_columns
from ikpipe.frames.codec.dtypes import has_index
from ikpipe.frames.io import parquet, results_text
from ikpipe.frames.io.csv_style import CsvStyle
from ikpipe.frames.io.opening import RESULTS, file_type, import_extra
from ikpipe.frames.results import results_frame, with_results
from ikpipe.request.result import Result

if TYPE_CHECKING:
    import pandas as pd


class OutputFile(Protocol):
    """A destination of bytes."""

    stream: IO[bytes]

    def redo(self, rewrite: Callable[[IO[bytes], IO[bytes]], None], /) -> None:
        """Rewrite what was written so far."""


class ReplacedFile:
    """A temporary file that replaces another once it is complete and on the disk.

    `path` is the file to replace or create.
    """

    def __init__(self, path: Path) -> None:
        # Resolved, so that a link stays and its target is replaced.
        self._target = path.resolve()
        self._open()

    def _open(self) -> None:
        self._path = self._target.with_name(f".{self._target.name}.{uuid4().hex}")
        self.stream: IO[bytes] = self._path.open("x+b")

    def redo(self, rewrite: Callable[[IO[bytes], IO[bytes]], None]) -> None:
        """Rewrite what was written so far."""
        before, path = self.stream, self._path
        self._open()
        try:
            before.seek(0)
            rewrite(before, self.stream)
        finally:
            before.close()
            path.unlink()

    def keep(self) -> None:
        """Replace the target."""
        # Without fsync, a power failure could leave the new name without the content.
        self.stream.flush()
        os.fsync(self.stream.fileno())
        self.stream.close()
        self._path.replace(self._target)

    def discard(self) -> None:
        """Remove the temporary file, if it has not replaced the target."""
        self.stream.close()
        self._path.unlink(missing_ok=True)


@contextmanager
def replaced_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that replaces the one that is there once it is complete; a device or a pipe is written to."""
    if path.exists() and not path.is_file():
        with path.open("wb") as stream:
            yield stream
        return
    place = ReplacedFile(path)
    try:
        yield place.stream
        place.keep()
    finally:
        place.discard()


class OutputStream:
    """An open stream, such as standard output; what was written cannot be rewritten."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream = stream

    def redo(self, _rewrite: Callable[[IO[bytes], IO[bytes]], None]) -> None:
        """Raise an error."""
        words = "Later rows have columns that the first rows lack, which standard output cannot take."
        raise Error(words, fix="Write the results to a file, such as results.csv.")


class TableWriter(ABC):
    """Writes a table in one format to a place; `closed` once it is complete."""

    def __init__(self, place: OutputFile) -> None:
        self.closed = False
        self._place = place
        self._index: bool | None = None

    @abstractmethod
    def prepare(self, chunk: Chunk) -> Any:
        """Return rows in the form in which they are written."""

    @abstractmethod
    def take(self, prepared: Any) -> None:
        """Write the next rows."""

    def close(self, attrs: Mapping[Any, Any]) -> None:  # noqa: ARG002 - only Parquet keeps them
        """Complete the table, with the attributes of the frame."""
        self.closed = True

    def drop(self) -> None:  # noqa: B027 - most have nothing to release
        """Abandon the table."""

    def _indexed(self, chunk: Chunk) -> bool:
        """Whether the index is written; the chunk that is finished first decides for all."""
        self._index = has_index(chunk.frame, chunk.start) if self._index is None else self._index
        return self._index


class CsvWriter(TableWriter):
    """Writes a table as CSV."""

    def __init__(self, place: OutputFile, style: CsvStyle) -> None:
        super().__init__(place)
        self._style = style
        self._names: list[str] | None = None

    def prepare(self, chunk: Chunk) -> tuple[list[str], bytes]:
        """Return the names of the columns, and the rows as text."""
        layout = results_text.TextLayout.of(chunk, index=self._indexed(chunk))
        return layout.csv_names(self._style), layout.csv_text(chunk.frame, self._style).encode()

    def take(self, prepared: tuple[list[str], bytes]) -> None:
        """Write the next rows."""
        names, rows = prepared
        if self._names is None:
            self._names = names
            self._place.stream.write(self._style.header(names).encode())
        elif names != self._names:
            rows = self._widen(names, rows)
        self._place.stream.write(rows)

    def _widen(self, names: list[str], rows: bytes) -> bytes:
        """Add missing columns to the rows so far, and return the next rows with all columns."""
        before, every = self._names or [], united(self._names or [], names)
        if every != before:
            self._place.redo(lambda old, new: new.writelines(self._with_header(old, before, every)))
            self._names = every
        return b"".join(self._style.widened(io.BytesIO(rows), names, every))

    def _with_header(self, old: IO[bytes], before: list[str], every: list[str]) -> Iterator[bytes]:
        rows = self._style.widened(old, before, every)
        next(rows)
        yield self._style.header(every).encode()
        yield from rows


class JsonLinesWriter(TableWriter):
    """Writes a table as JSON lines."""

    def prepare(self, chunk: Chunk) -> bytes:
        """Return rows as text."""
        return results_text.TextLayout.of(chunk, index=self._indexed(chunk)).jsonl_text(chunk.frame).encode()

    def take(self, prepared: bytes) -> None:
        """Write the next rows."""
        self._place.stream.write(prepared)


class ParquetWriter(TableWriter):
    """Writes a table as Parquet, a row group for each chunk."""

    def __init__(self, place: OutputFile) -> None:
        super().__init__(place)
        self._pq = import_extra("pyarrow.parquet", "parquet", "Writing a Parquet file")
        self._writer: Any = None
        self._first: parquet.EncodedTable | None = None
        self._rows = 0
        self._as_json: set[str] = set()

    def prepare(self, chunk: Chunk) -> parquet.EncodedTable:
        """Return rows as an Arrow table."""
        self._indexed(chunk)
        return self._encoded(chunk.frame)

    def take(self, prepared: parquet.EncodedTable) -> None:
        """Write the next rows."""
        first = self._first
        if first is not None and not first.alike(prepared):
            prepared = self._like(prepared, first)
        if self._writer is None:
            self._open(prepared, self._place.stream)
        self._writer.write_table(prepared.table)
        self._rows += len(prepared.frame)

    def _like(self, prepared: parquet.EncodedTable, first: parquet.EncodedTable) -> parquet.EncodedTable:
        """Convert the rows so far to the columns and types of all rows, and return the next rows in these."""
        labels = united(list(first.frame.columns), list(prepared.frame.columns))
        rows = with_columns(prepared.frame, labels)
        self._as_json |= self._encoded(with_columns(first.frame, labels)).differing(self._encoded(rows))
        alike = self._encoded(rows)
        if not first.alike(alike):
            self._end({})
            self._place.redo(lambda old, new: self._redo(old, new, labels))
        return alike

    def _redo(self, old: IO[bytes], new: IO[bytes], labels: list[Any]) -> None:
        self._writer = None
        for frame in parquet.groups(old):
            encoded = self._encoded(with_columns(frame, labels))
            if self._writer is None:
                self._open(encoded, new)
            self._writer.write_table(encoded.table)

    def _open(self, first: parquet.EncodedTable, stream: IO[bytes]) -> None:
        self._first = first._replace(frame=first.frame.iloc[:0], table=first.table[:0])
        self._writer = self._pq.ParquetWriter(stream, first.table.schema)

    def _encoded(self, frame: pd.DataFrame) -> parquet.EncodedTable:
        return parquet.EncodedTable.of(frame, self._as_json, index=bool(self._index))

    def close(self, attrs: Mapping[Any, Any]) -> None:
        """Write the metadata and complete the file."""
        self._end(attrs)
        super().close(attrs)

    def drop(self) -> None:
        """Abandon the file; its writer has to be closed."""
        if self._writer is not None:
            with suppress(OSError, ValueError):
                self._writer.close()

    def _end(self, attrs: Mapping[Any, Any]) -> None:
        if self._writer is not None and self._first is not None:
            self._writer.add_key_value_metadata(self._first.notes(self._rows, attrs))
            self._writer.close()


class ResultsWriter:
    """Writes the results of a run, with their rows; `attrs` are the attributes of the input table."""

    def __init__(self, table: TableWriter, attrs: Mapping[Any, Any]) -> None:
        self._table, self._attrs = table, attrs

    def prepare(self, chunk: Chunk, results: list[Result] | None) -> Any:
        """Return a chunk with its results in the form in which it is written."""
        return self._table.prepare(with_results(chunk, results_frame(results, len(chunk.frame))))

    def take(self, prepared: Any) -> None:
        """Write the next chunk's results."""
        self._table.take(prepared)

    def close(self, summary: Mapping[str, Any]) -> None:
        """Complete the table, with the run's summary."""
        self._table.close({**self._attrs, "ikpipe": dict(summary)})


class ChunkWriter:
    """Writes the rows of a table with further columns; `attrs` are the attributes of the input table."""

    def __init__(self, table: TableWriter, attrs: Mapping[Any, Any]) -> None:
        self._table, self._attrs = table, attrs

    def add(self, chunk: Chunk) -> None:
        """Write the next chunk."""
        self._table.take(self._table.prepare(chunk))

    def close(self, summary: Mapping[str, Any]) -> None:
        """Complete the table, with the totals."""
        self._table.close({**self._attrs, "ikpipe": dict(summary)})


@contextmanager
def table_file(path: str | PathLike[str], style: CsvStyle | None = None) -> Iterator[TableWriter]:
    """Open a file for a table in the format of its extension; the file is kept if the table was closed.

    Raise `ikpipe.Error` if the extension is not one of `RESULTS`, or the style is not for it.
    """
    kind, style = file_type(fspath(path), RESULTS), style or CsvStyle()
    style.check(kind)
    place = ReplacedFile(Path(path))
    table: TableWriter | None = None
    try:
        table = _writer(kind, place, style)
        yield table
    finally:
        if table is not None and table.closed:
            place.keep()
        elif table is not None:
            table.drop()
        place.discard()


def _writer(kind: str, place: OutputFile, style: CsvStyle) -> TableWriter:
    if kind == "csv":
        return CsvWriter(place, style)
    if kind == "xlsx":
        from ikpipe.frames.io.excel_writing import ExcelWriter

        return ExcelWriter(place)
    return ParquetWriter(place) if kind == "parquet" else JsonLinesWriter(place)


def united(before: list[Any], now: list[Any]) -> list[Any]:
    """Return the columns of two chunks: the new ones if they add any, then those that only the first has."""
    if set(now) <= set(before):
        return before
    return [*now, *(one for one in before if one not in now)]
