"""Results on their way into a file, a chunk at a time: the file is there as a whole in the end, or not at all."""

from __future__ import annotations

import io
import os
from abc import ABC, abstractmethod
from contextlib import contextmanager, suppress
from os import PathLike, fspath
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol
from uuid import uuid4

from ikpipe.errors import Error
from ikpipe.frames.chunks import with_columns
from ikpipe.frames.codec.dtypes import has_index
from ikpipe.frames.io import parquet, text
from ikpipe.frames.io.opening import RESULTS, ending, needed
from ikpipe.frames.results import results_frame, with_results

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import pandas as pd

    from ikpipe.frames.chunks import Chunk
    from ikpipe.request.result import Result


class OutputFile(Protocol):
    """Where bytes go."""

    stream: IO[bytes]

    def redo(self, rewrite: Callable[[IO[bytes], IO[bytes]], None], /) -> None:
        """Write anew what was written so far."""


class ReplacedFile:
    """A file beside another, whose place it takes once it is whole and on the disk.

    Parameters
    ----------
    path
        The file that is to be there in the end.
    """

    def __init__(self, path: Path) -> None:
        # Resolved, so that a link stays, and what it leads to is replaced.
        self._target = path.resolve()
        self._open()

    def _open(self) -> None:
        self._path = self._target.with_name(f".{self._target.name}.{uuid4().hex}")
        self.stream: IO[bytes] = self._path.open("x+b")

    def redo(self, rewrite: Callable[[IO[bytes], IO[bytes]], None]) -> None:
        """Write anew what was written so far."""
        before, path = self.stream, self._path
        self._open()
        try:
            before.seek(0)
            rewrite(before, self.stream)
        finally:
            before.close()
            path.unlink()

    def keep(self) -> None:
        """Put it into its place."""
        # Or a power cut could leave the new name with none of the content.
        self.stream.flush()
        os.fsync(self.stream.fileno())
        self.stream.close()
        self._path.replace(self._target)

    def discard(self) -> None:
        """Remove it, if it is not in its place."""
        self.stream.close()
        self._path.unlink(missing_ok=True)


class OutputStream:
    """An open stream, such as standard output; what has gone into it cannot be written anew."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream = stream

    def redo(self, _rewrite: Callable[[IO[bytes], IO[bytes]], None]) -> None:
        """Refuse to."""
        raise Error("there are columns that were not there at first: name a file for the results, such as results.csv")


class TableWriter(ABC):
    """A table on its way into a file; `closed` once it is whole.

    Parameters
    ----------
    place
        Where it goes.
    """

    def __init__(self, place: OutputFile) -> None:
        self.closed = False
        self._place = place
        self._index: bool | None = None

    @abstractmethod
    def prepare(self, chunk: Chunk) -> Any:
        """Bring rows into the form in which they are written."""

    @abstractmethod
    def take(self, prepared: Any) -> None:
        """Write the next rows."""

    def close(self, attrs: Mapping[Any, Any]) -> None:  # noqa: ARG002 - not every format has room for it
        """End it, with what is to be known of the whole."""
        self.closed = True

    def drop(self) -> None:  # noqa: B027 - most have nothing to let go of
        """Give it up."""

    def _indexed(self, chunk: Chunk) -> bool:
        """Tell whether the index goes in; the first chunk decides for all."""
        self._index = has_index(chunk.frame) if self._index is None else self._index
        return self._index


class CsvWriter(TableWriter):
    """A table as CSV.

    Parameters
    ----------
    place
        Where it goes.
    spreadsheet_safe
        Put an apostrophe before cells that a spreadsheet would run as formulas.
    """

    def __init__(self, place: OutputFile, *, spreadsheet_safe: bool = False) -> None:
        super().__init__(place)
        self._safe = spreadsheet_safe
        self._names: list[str] | None = None

    def prepare(self, chunk: Chunk) -> tuple[list[str], bytes]:
        """Write rows as text, and say of which columns they are."""
        layout = text.TextLayout.of(chunk, index=self._indexed(chunk))
        rows = layout.csv_text(chunk.frame, spreadsheet_safe=self._safe)
        return layout.csv_names(spreadsheet_safe=self._safe), rows.encode()

    def take(self, prepared: tuple[list[str], bytes]) -> None:
        """Write the next rows."""
        names, rows = prepared
        if self._names is None:
            self._names = names
            self._place.stream.write(text.csv_lines([names]).encode())
        elif names != self._names:
            rows = self._widen(names, rows)
        self._place.stream.write(rows)

    def _widen(self, names: list[str], rows: bytes) -> bytes:
        """Give both what is there and what comes all columns."""
        before, every = self._names or [], united(self._names or [], names)
        if every != before:
            self._place.redo(lambda old, new: new.writelines(_with_header(old, before, every)))
            self._names = every
        return b"".join(text.widened(io.BytesIO(rows), names, every))


class JsonLinesWriter(TableWriter):
    """A table as JSON lines."""

    def prepare(self, chunk: Chunk) -> bytes:
        """Write rows as text."""
        return text.TextLayout.of(chunk, index=self._indexed(chunk)).jsonl_text(chunk.frame).encode()

    def take(self, prepared: bytes) -> None:
        """Write the next rows."""
        self._place.stream.write(prepared)


class ParquetWriter(TableWriter):
    """A table as Parquet, a row group for each chunk."""

    def __init__(self, place: OutputFile) -> None:
        super().__init__(place)
        self._pq = needed("pyarrow.parquet", "parquet", "Writing a Parquet file")
        self._writer: Any = None
        self._first: parquet.EncodedTable | None = None
        self._rows = 0
        self._as_json: set[str] = set()

    def prepare(self, chunk: Chunk) -> parquet.EncodedTable:
        """Encode rows."""
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
        """Give both what is there and what comes all columns, in a form that takes all cells."""
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
        """Write what is to be known of the whole."""
        self._end(attrs)
        super().close(attrs)

    def drop(self) -> None:
        """Give the file up; its writer would else complain that nobody closed it."""
        if self._writer is not None:
            with suppress(OSError, ValueError):
                self._writer.close()

    def _end(self, attrs: Mapping[Any, Any]) -> None:
        if self._writer is not None and self._first is not None:
            self._writer.add_key_value_metadata(self._first.notes(self._rows, attrs))
            self._writer.close()


class ResultsWriter:
    """Takes the results of a run, and writes them beside their rows.

    Parameters
    ----------
    table
        The format, on its place.
    attrs
        Those of the table that the rows are of.
    """

    def __init__(self, table: TableWriter, attrs: Mapping[Any, Any]) -> None:
        self._table, self._attrs = table, attrs

    def prepare(self, chunk: Chunk, results: list[Result] | None) -> Any:
        """Encode a chunk's results."""
        return self._table.prepare(with_results(chunk, results_frame(results, len(chunk.frame))))

    def take(self, prepared: Any) -> None:
        """Write the next chunk's results."""
        self._table.take(prepared)

    def close(self, summary: Mapping[str, Any]) -> None:
        """Write what is to be known of the whole."""
        self._table.close({**self._attrs, "ikpipe": dict(summary)})


@contextmanager
def table_file(path: str | PathLike[str], *, spreadsheet_safe: bool = False) -> Iterator[TableWriter]:
    """Open a file for a table, whose ending says the format; it takes its place if the table was closed.

    Raises
    ------
    ikpipe.Error
        The ending is another than ``.csv``, ``.parquet`` and ``.jsonl``.
    """
    kind = ending(fspath(path), RESULTS)
    place = ReplacedFile(Path(path))
    table: TableWriter | None = None
    try:
        table = CsvWriter(place, spreadsheet_safe=spreadsheet_safe) if kind == "csv" else _OTHERS[kind](place)
        yield table
    finally:
        if table is not None and table.closed:
            place.keep()
        elif table is not None:
            table.drop()
        place.discard()


_OTHERS: dict[str, type[TableWriter]] = {"parquet": ParquetWriter, "jsonl": JsonLinesWriter}


def united(before: list[Any], now: list[Any]) -> list[Any]:
    """Give the columns of two chunks: as they are now, if there are new ones, and those that are there no more."""
    if set(now) <= set(before):
        return before
    return [*now, *(one for one in before if one not in now)]


def _with_header(old: IO[bytes], before: list[str], every: list[str]) -> Iterator[bytes]:
    rows = text.widened(old, before, every)
    next(rows)
    yield text.csv_lines([every]).encode()
    yield from rows
