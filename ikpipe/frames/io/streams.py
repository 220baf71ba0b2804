"""Read tables in files chunk by chunk: CSV, JSON lines and Parquet; other formats are read into memory."""

import weakref
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import IO, Any

import pandas as pd

from ikpipe.errors import Error
from ikpipe.frames.chunks import ROWS, Chunk, FileTable, InMemoryTable, TableSource, fitting, with_columns
from ikpipe.frames.codec.text import FrameEncoder
from ikpipe.frames.io import parquet
from ikpipe.frames.io.csv_records import delimited
from ikpipe.frames.io.excel import read_lines
from ikpipe.frames.io.json_records import json_rows
from ikpipe.frames.io.opening import LINES, InputFile, Spool, is_folder, is_pipe, name_of, open_input, share_read
from ikpipe.frames.io.options import WORKBOOKS, ReadOptions
from ikpipe.frames.io.parquet_folder import ParquetFolder
from ikpipe.frames.io.reading import format_of, objects, read_table, texts


def open_table(source: str, options: ReadOptions | None = None) -> TableSource:
    """Open a table by its path; ``-`` is standard input, by default CSV.

    Raise `ikpipe.Error` if the file cannot be read in its format.
    """
    options = options or ReadOptions()
    kind = format_of(source, options)
    origin = None if is_pipe(source) else _origin(source, options)
    if is_folder(source):
        return _Folder(source, options, origin)
    # Of JSON, all columns are known only at its end, and Parquet begins there.
    file = Spool(source) if origin is None and kind in ("jsonl", "json", "parquet") else source
    if kind in _FEEDS and not (kind == "parquet" and parquet.is_ours(file)):
        return _FEEDS[kind](file, options, origin)
    if kind in WORKBOOKS:
        with open_input(source) as stream:
            frame, lines = read_lines(stream, name_of(source), options)
        return InMemoryTable(frame, lines=lines)
    return InMemoryTable(read_table(file, replace(options, format=kind)), lines=LINES.get(kind))


def reopen_table(origin: dict[str, Any]) -> TableSource:
    """Open the table that a run of another process was reading, as that run read it."""
    return open_table(origin["path"], ReadOptions(**origin.get("read", {})))


def _origin(source: str, options: ReadOptions) -> dict[str, Any]:
    """Return where and how another process can read a table again."""
    read = options.changed()
    return {"path": str(Path(source).resolve()), "whole": [], **({"read": read} if read else {})}


class _Streamed(FileTable):
    """A table that is read from a file once, from start to end."""

    def __init__(self, source: InputFile, options: ReadOptions, origin: dict[str, Any] | None) -> None:
        super().__init__(origin)
        self._source, self._name, self._options = source, name_of(source), options
        self._frozen: tuple[Any, FrameEncoder] | None = None
        self._stream: weakref.ref[IO[Any]] | None = None
        self._frames = self._read()
        self.sample = next(self._frames)

    def _read(self) -> Iterator[pd.DataFrame]:
        """Yield the table as frames, at least one."""
        raise NotImplementedError

    @property
    def read_share(self) -> float | None:
        """The share of the file that was read so far; None: it is not known, as of a pipe."""
        stream = None if self._stream is None else self._stream()
        return None if stream is None else share_read(stream)

    def _note(self, stream: IO[Any]) -> None:
        """Note the open file, whose place tells how far it was read; only its reader keeps it open."""
        self._stream = weakref.ref(stream)

    def chunks(self) -> Iterator[Chunk]:
        """Yield the chunks."""
        start, frame = 0, self.sample
        while True:
            while len(frame) or not start:
                part = fitting(frame)
                if isinstance(part.index, pd.RangeIndex):  # each part would count from 0
                    part = part.set_axis(pd.RangeIndex(start, start + len(part)))
                yield Chunk(part, start, self._whole, self._written(part))
                frame, start = frame.iloc[len(part) :], start + max(len(part), 1)
            following = next(self._frames, None)
            if following is None:
                return
            frame = following

    def _written(self, frame: pd.DataFrame) -> FrameEncoder:
        """Return the encoder of a chunk; frames of the same form share one."""
        like = tuple(frame.columns), tuple(frame.dtypes), type(frame.index)
        if self._frozen is None or self._frozen[0] != like:
            ranged = isinstance(frame.index, pd.RangeIndex)
            none = frame.iloc[:0]
            self._frozen = like, FrameEncoder(none.reset_index(drop=True) if ranged else none, part=True)
        return self._frozen[1]


class _Delimited(_Streamed):
    """CSV or TSV: all cells are text."""

    lines = LINES["csv"]
    delimiter = ","

    def _read(self) -> Iterator[pd.DataFrame]:
        with open_input(self._source) as stream:
            self._note(stream)
            header, rows = delimited(stream, self._name, self._options, self.delimiter)
            while part := list(islice(rows, ROWS)):
                yield texts(header, part)
            yield texts(header, [])


class _Tabs(_Delimited):
    delimiter = "\t"


class _JsonLines(_Streamed):
    """JSON lines: an object for each row, with any names."""

    grows = True
    lines = LINES["jsonl"]

    def __init__(self, source: InputFile, options: ReadOptions, origin: dict[str, Any] | None) -> None:
        self._names: dict[str, None] = {}
        super().__init__(source, options, origin)
        if not self._names and len(self.sample):
            self.find_columns()
        if not self._names and len(self.sample):
            raise Error(f"{self._name}: All rows are empty.")

    def _read(self) -> Iterator[pd.DataFrame]:
        with open_input(self._source) as stream:
            self._note(stream)
            rows = json_rows(stream, self._name, self._options, as_seen=True)
            while part := list(islice(rows, ROWS)):
                self._names |= dict.fromkeys(name for row in part for name in row)
                yield objects(part, self._names)
            yield objects([], self._names)

    def find_columns(self) -> None:
        """Find all columns, including those of later rows."""
        with open_input(self._source) as stream:
            for row in json_rows(stream, self._name, self._options):
                self._names |= dict.fromkeys(row)
        self.sample = with_columns(self.sample, list(self._names))


class _Parquet(_Streamed):
    """Parquet, as pandas reads it."""

    def __init__(self, source: InputFile, options: ReadOptions, origin: dict[str, Any] | None) -> None:
        super().__init__(source, options, origin)
        with open_input(source) as stream:
            facts = parquet.facts(stream, self._name)
        self.rows = facts.rows
        if self.origin is not None:
            self.origin["whole"] = [at for at in range(len(facts.names)) if at not in facts.fractions]

    def _read(self) -> Iterator[pd.DataFrame]:
        with open_input(self._source) as stream:
            yield from parquet.frames(stream, self._name, ROWS)


class _Folder(_Streamed):
    """A folder of Parquet files."""

    def __init__(self, source: str, options: ReadOptions, origin: dict[str, Any] | None) -> None:
        self._folder = ParquetFolder(source)
        super().__init__(source, options, origin)
        self.rows = self._folder.rows
        if self.origin is not None:
            self.origin["whole"] = self._folder.whole

    def _read(self) -> Iterator[pd.DataFrame]:
        return self._folder.frames(ROWS)


_FEEDS: dict[str, type[_Streamed]] = {
    "csv": _Delimited,
    "tsv": _Tabs,
    "jsonl": _JsonLines,
    "json": _JsonLines,
    "parquet": _Parquet,
}
