"""Rows of a table that a page sent: those with URLs are added, those with names of files wait for these files.

The table is data: a path in it is compared with the names of picked files, and never read.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple
from unicodedata import normalize

import pandas as pd

from ikpipe.errors import InvalidValue
from ikpipe.frames.io.options import ReadOptions
from ikpipe.frames.io.reading import read_table
from ikpipe.request.columns import call_or_error
from ikpipe.request.formats import CellFormats
from ikpipe.request.missing import missing
from ikpipe.request.values import tag_list
from ikpipe.widget import table_messages
from ikpipe.widget.links import read_links
from ikpipe.widget.message_fields import InvalidMessage
from ikpipe.widget.table_columns import guessed_uses
from ikpipe.widget.table_messages import FILE, MAX_COLUMNS

if TYPE_CHECKING:
    from ikpipe.widget.controller import Controller
    from ikpipe.widget.rows import WidgetRow

MAX_BYTES = 32_000_000  # of a table
_MAX_TABLES = 4  # that are kept until their rows are added
_MAX_REFUSED, _MAX_NAMES = 5, 3  # that a page names
_MAX_EXAMPLE = 80  # characters
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]+:", re.IGNORECASE)
_FIRST = 2  # the number of the first row in a spreadsheet


class _TableRow(NamedTuple):
    """A row of a table: its file's path or URL, and the cells of its other columns."""

    file: str
    edits: dict[str, Any]


class TableRows:
    """Adds the rows of tables. `handlers` are the functions that handle a page's messages; `add_urls` adds URLs."""

    def __init__(self, controller: Controller, add_urls: Callable[[Sequence[str]], list[WidgetRow]]) -> None:
        self._controller, self._add_urls = controller, add_urls
        self._parts: dict[str, bytearray] = {}
        self._tables: dict[str, pd.DataFrame] = {}
        self._waiting: dict[str, list[_TableRow]] = {}
        self._told = False
        self.handlers: dict[type[Any], Callable[[Any], None]] = {
            table_messages.TablePartMessage: self._part,
            table_messages.ReadTableMessage: self._read,
            table_messages.AddTableMessage: self._add,
            table_messages.ForgetWaitingMessage: self._forget,
        }

    def send_waiting(self) -> None:
        """Report to pages how many rows wait for their files, if there were any."""
        self._told = self._told or bool(self._waiting)
        if not self._told:
            return
        rows = [row for group in self._waiting.values() for row in group]
        names = [row.file for row in rows[:_MAX_NAMES]]
        self._controller.send_message({"type": "waiting", "files": len(rows), "names": names})

    def join(self, rows: Iterable[WidgetRow]) -> None:
        """Set the details that wait for files in the rows of files that were just picked."""
        if not self._waiting:
            return
        for row in rows:
            waiting = self._take(row)
            row.edits |= {} if waiting is None else waiting.edits
        self.send_waiting()

    # Messages

    def _part(self, message: table_messages.TablePartMessage) -> None:
        content = self._parts.setdefault(message.key, bytearray())
        content += message.content
        if len(content) > MAX_BYTES or len(self._parts) > _MAX_TABLES:
            del self._parts[next(iter(self._parts))]

    def _read(self, message: table_messages.ReadTableMessage) -> None:
        """Read a table, and send its columns; raise `Error` if it cannot be read."""
        stream = io.BytesIO(bytes(self._parts.get(message.key, b"")))
        stream.name = message.name
        form = "tsv" if message.name.lower().endswith(".tsv") else "csv"
        frame = read_table(stream, ReadOptions(format=form, encoding=message.encoding or None)).iloc[:, :MAX_COLUMNS]
        self._parts.pop(message.key, None)
        self._tables[message.key] = frame
        if len(self._tables) > _MAX_TABLES:
            del self._tables[next(iter(self._tables))]
        uses = guessed_uses(frame, self._controller.table.input_mapping["columns"], self._controller.metadata_fields)
        columns = [
            {"name": str(label), "example": _example(frame.iloc[:, at]), "use": use}
            for at, (label, use) in enumerate(zip(frame.columns, uses, strict=True))
        ]
        answer = {"type": "table", "request": message.request, "rows": len(frame), "columns": columns}
        self._controller.send_message(answer)

    def _add(self, message: table_messages.AddTableMessage) -> None:
        frame = self._tables.get(message.key)
        if frame is None or frame.shape[1] != len(message.uses):
            raise InvalidMessage("there is no such table", message.request)
        del self._tables[message.key]
        rows, refused = self._rows(frame, message.uses)
        urls = [row for row in rows if _is_url(row.file)]
        added = self._add_urls([row.file for row in urls])
        for row, known in zip(added, urls, strict=True):
            row.edits |= known.edits
        self._controller.send_added(added)
        joined = self._join_listed([row for row in rows if not _is_url(row.file)], message.step)
        answer = {"ids": [row.id for row in added], "joined": joined, "waiting": len(rows) - len(urls) - joined}
        named = [{"row": at + _FIRST, "text": text} for at, text in refused[:_MAX_REFUSED]]
        more = {"refused": len(refused), "named": named}
        self._controller.send_message({"type": "table_added", "request": message.request, **answer, **more})
        self.send_waiting()

    def _forget(self, _message: table_messages.ForgetWaitingMessage) -> None:
        self._waiting.clear()
        self.send_waiting()

    # Rows

    def _rows(self, frame: pd.DataFrame, uses: Sequence[str]) -> tuple[list[_TableRow], list[tuple[int, str]]]:
        """Return the rows of a table, and the place and file of each that has no URL and no name of a file."""
        formats = CellFormats.read(self._controller.table.input_mapping.get("formats", {}))
        columns = [frame.iloc[:, at].astype(object).tolist() for at in range(frame.shape[1])]
        rows: list[_TableRow] = []
        refused: list[tuple[int, str]] = []
        for at, cells in enumerate(zip(*columns, strict=True)):
            given = [(use, cell) for use, cell in zip(uses, cells, strict=True) if use and not missing(cell)]
            text = next((str(cell).strip() for use, cell in given if use == FILE), "")
            file = _valid_file(text)
            if file is None:
                refused.append((at, text[:_MAX_EXAMPLE]))
            else:
                rows.append(_TableRow(file, _edits(given, formats)))
        return rows, refused

    def _join_listed(self, rows: Sequence[_TableRow], step: str) -> int:
        """Edit the picked files of the list that rows name, as one step; the other rows wait. Return how many are."""
        for row in rows:
            self._waiting.setdefault(_key(row.file), []).append(row)
        columns: dict[str, tuple[list[WidgetRow], list[Any]]] = {}
        joined = 0
        for listed in [row for row in self._controller.rows if row.picked is not None and row.editable]:
            waiting = self._take(listed)
            joined += waiting is not None
            for column, value in () if waiting is None else waiting.edits.items():
                some, values = columns.setdefault(column, ([], []))
                some.append(listed)
                values.append(value)
        for column, (some, values) in columns.items():
            self._controller.edit_rows(some, {column: values}, step)
        return joined

    def _take(self, row: WidgetRow) -> _TableRow | None:
        """Return the row of a table that waits for a picked file: one with its folders, else with its name alone."""
        if row.picked is None or not (group := self._waiting.get(_key(row.picked.name))):
            return None
        path = PurePosixPath(normalize("NFC", f"{row.picked.path}/{row.picked.name}").casefold())
        fitting = (one for one in group if path.match(_path(one.file)))
        found = next(fitting, None) or next((one for one in group if "/" not in one.file), group[0])
        group.remove(found)
        if not group:
            del self._waiting[_key(row.picked.name)]
        return found


def _edits(given: Iterable[tuple[str, Any]], formats: CellFormats) -> dict[str, Any]:
    edits: dict[str, Any] = {}
    for use, cell in given:
        if use == "tags":
            tags = call_or_error(lambda cell=cell: tag_list(formats.split_tags(cell)))
            before = edits.get(use, [])
            edits[use] = (
                cell if isinstance(tags, InvalidValue) else [*(before if isinstance(before, list) else []), *tags]
            )
        elif use != FILE:
            edits[use] = str(cell)
    return edits


def _valid_file(text: str) -> str | None:
    """Return a URL as it is sent, or the path of a file with slashes; None for anything else."""
    if _is_url(text):
        return next(iter(read_links([text])[0]), None)
    path = text.replace("\\", "/").removeprefix("./")
    return None if _SCHEME.match(text) or not path.rpartition("/")[2] else path


def _is_url(text: str) -> bool:
    return text.lower().startswith(("http://", "https://"))


def _path(file: str) -> str:
    return normalize("NFC", file).casefold().lstrip("/")


def _key(file: str) -> str:
    return _path(file).rpartition("/")[2]


def _example(column: pd.Series[Any]) -> str:
    """Return the first cell of a column that has a value."""
    return next((str(cell)[:_MAX_EXAMPLE] for cell in islice(column, 1_000) if not missing(cell)), "")
