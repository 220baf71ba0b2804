"""Read the workbooks of spreadsheet programs: .xlsx and .xlsm, .xls and .ods."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import pandas as pd

from ikpipe.errors import Error, Message, keyword
from ikpipe.frames.io import biff, ooxml, opendocument
from ikpipe.frames.io.archives import Archive
from ikpipe.frames.io.content import COMPOUND, refuse_other_kinds
from ikpipe.frames.io.excel_writing import SHEET
from ikpipe.frames.io.grid import Sheet
from ikpipe.frames.io.number_formats import Show, exact, general
from ikpipe.frames.io.opening import import_extra, needs_password, read_as, seekable
from ikpipe.frames.io.options import ReadOptions
from ikpipe.frames.io.results_text import from_sheet
from ikpipe.frames.io.sheets import read_sheet

_EARLY = (b"\x09\x00\x04\x00", b"\x09\x02\x06\x00", b"\x09\x04\x06\x00", b"\x09\x08\x08\x00", b"\x09\x08\x10\x00")
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_RESULTS = re.compile(rf"{SHEET}( [0-9]+)?")
_SAVE = "Save it as .xlsx."


def read_excel(stream: IO[bytes], name: str, options: ReadOptions) -> pd.DataFrame:
    """Return a sheet of a workbook as a frame, as `read_lines` reads it."""
    return read_lines(stream, name, options)[0]


def read_lines(stream: IO[bytes], name: str, options: ReadOptions) -> tuple[pd.DataFrame, list[int]]:
    """Return a sheet of a workbook as a frame, with cells as the sheet shows them, and the lines of its rows.

    What the file contains decides how it is read, whatever its extension.

    Raise `ikpipe.Error` if it is not a workbook, is damaged, needs a password, or its sheet is not a table.
    """
    with _workbook(stream, name, general, options) as sheets:
        return read_sheet(sheets, name, options)


def read_excel_results(stream: IO[bytes], name: str, options: ReadOptions) -> pd.DataFrame:
    """Return results in a workbook, with numbers as they are stored: all sheets that `write_results` writes."""
    with _workbook(stream, name, exact, options) as sheets:
        frames = [read_sheet(group, name, options)[0] for group in _groups(sheets, options)]
        frame = pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0]
    columns = {at: from_sheet(column, frame.iloc[:, at].tolist(), name) for at, column in enumerate(frame.columns)}
    return pd.DataFrame(columns, index=frame.index).set_axis(frame.columns, axis=1)


def _groups(sheets: list[Sheet], options: ReadOptions) -> list[list[Sheet]]:
    """Return each sheet of results alone, since all of them are read; otherwise all sheets, of which one is read."""
    ours = [[one] for one in sheets if _RESULTS.fullmatch(one.name)] if options.sheet is None else []
    return ours or [sheets]


@contextmanager
def _workbook(stream: IO[bytes], name: str, plain: Show, options: ReadOptions) -> Iterator[list[Sheet]]:
    """Open a workbook for reading its sheets."""
    import_extra("openpyxl", "excel", "Reading an Excel file")
    with read_as("a workbook (.xlsx, .xlsm, .xls, .ods)", name):
        stream = seekable(stream)
        stream.seek(0)
        start = stream.read(1 << 16)
        stream.seek(0)
        yield _sheets(stream, start, name, plain, links=bool(options.links))


def _sheets(stream: IO[bytes], start: bytes, name: str, plain: Show, *, links: bool) -> list[Sheet]:
    """Return the sheets of a workbook of any kind."""
    if start.startswith((COMPOUND, *_EARLY)):
        if _ENCRYPTED in stream.read():
            raise needs_password(name)
        stream.seek(0)
        return biff.sheets(stream, name, links=links)
    if not start.startswith(b"PK"):
        refuse_other_kinds(start, name, "workbook")
        raise Error(f"{name} is not a workbook.", fix=_other(start))
    archive = Archive(stream, name)
    if opendocument.is_spreadsheet(archive):
        return opendocument.sheets(archive, links=links)
    if "xl/workbook.bin" in archive:
        raise Error(f"{name} is a binary workbook (.xlsb), which is not supported.", fix=_SAVE)
    if "index/document.iwa" in archive or "index.zip" in archive:
        raise Error(f"{name} is a document of Numbers.", fix="Export it to Excel (.xlsx).")
    if not ooxml.is_workbook(archive):
        raise Error(f"{name} is an archive, but not a workbook.", fix="Unpack it, and use the table in it.")
    return ooxml.sheets(archive, plain, links=links)


def _other(start: bytes) -> str:
    """Return what to do about a file that is not a workbook, and of no other known kind."""
    if not start:
        return "It is empty: use another copy."
    if b"\0" in start and not start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return f"Open it in its program. {_SAVE}"
    tabs = start.count(b"\t") > start.count(b",")
    return Message("It is text: use ", keyword("format", "tsv" if tabs else "csv"), ".")
