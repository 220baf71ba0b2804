"""Validation of rows while they are edited: their values as a page shows them, their problems, and suggested fixes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from ikpipe.errors import InvalidValue, Problem
from ikpipe.frames.mapping import ColumnMapping
from ikpipe.request.columns import call_or_error
from ikpipe.request.metadata import MetadataField
from ikpipe.request.missing import without_none
from ikpipe.request.names import Names, canonical_path, replaced_texts
from ikpipe.request.parameters import encode
from ikpipe.request.planner import RequestBuilder, UploadRequest
from ikpipe.request.rows import MappedRows
from ikpipe.request.sources import FileResolver, FileSource
from ikpipe.request.values import json_object, tag_list, to_text
from ikpipe.widget.edited_table import EditedTable
from ikpipe.widget.previews import media_type_of
from ikpipe.widget.reasons import reason_of, suggestion_for
from ikpipe.widget.rows import UNSENT, RowView, WidgetRow

BATCH = 1_000  # rows
_MAX_TEXT = 5_000  # characters of a text that a page gets


class RowValidator:
    """Validates rows, and knows which rows have the same target.

    `max_size` is that of the largest file in bytes, or None. `picked_file` returns the picked file that a cell
    represents, or None. `names` is ``"stored"`` or ``"as_given"``, as in `Policy`.
    """

    def __init__(
        self,
        table: EditedTable,
        max_size: int | None,
        picked_file: Callable[[str], FileSource | None],
        names: Names = "stored",
    ) -> None:
        mapping = table.input_mapping
        root = None if mapping["root"] is None else Path(mapping["root"])
        self.fields: Mapping[str, MetadataField] | None = None
        self._table, self._names = table, names
        self._mapping: tuple[tuple[list[Any], list[str]], ColumnMapping] | None = None
        self._resolver = FileResolver(root, mapping["file_kind"] == "base64", mapping["fetch"], max_size, picked_file)
        self._by_target: dict[str, dict[str, WidgetRow]] = {}

    def validate(self, rows: Iterable[WidgetRow]) -> set[WidgetRow]:
        """Validate rows, and return all that changed: also those that get or lose a conflict with them."""
        changed: set[WidgetRow] = set()
        remaining = iter(sorted(rows, key=lambda row: row.number))
        while batch := list(islice(remaining, BATCH)):
            for row, view in zip(batch, self._views(batch), strict=True):
                changed |= self._set_target(row, view.target)
                row.view = view
                changed.add(row)
        for row in changed:
            if row.state in UNSENT:
                row.reset()
        return changed

    def remove(self, row: WidgetRow) -> set[WidgetRow]:
        """Free a row's target, and return the rows that changed."""
        return self._set_target(row, None)

    def _set_target(self, row: WidgetRow, target: str | None) -> set[WidgetRow]:
        """Move a row to another target, and return the rows whose conflict changed."""
        if target == row.view.target:
            return set()
        changed = set()
        for path, joins in ((row.view.target, False), (target, True)):
            if path is None:
                continue
            rows = self._by_target.setdefault(path, {})
            if joins:
                rows[row.id] = row
            else:
                rows.pop(row.id, None)
            changed |= _set_conflicts(rows)
            if not rows:
                del self._by_target[path]
        if target is None:
            row.conflict = None
        return changed

    def _views(self, rows: Sequence[WidgetRow]) -> list[RowView]:
        edited = self._table.edited_columns(rows)
        frame = self._table.frame(rows, edited)
        column_mapping = self._column_mapping(frame.columns, edited)
        mapped = column_mapping.rows(self._table.part(frame).chunk())
        formats = column_mapping.formats
        builder = _SingleRowBuilder(self._resolver, self.fields, names=self._names, formats=formats)
        requests = builder.build(mapped)
        values, missing = mapped.values(), [None] * len(rows)
        files = _valid(self._resolver.read_all(_valid(values.get("file", missing))))
        columns = ("file", *_VIEW_COLUMNS)
        cells = zip(*(_valid(values[name]) if name in values else missing for name in columns), strict=True)
        return [
            self._view(row, request, file, dict(zip(columns, row_cells, strict=True)))
            for row, request, file, row_cells in zip(rows, requests, files, cells, strict=True)
        ]

    def _view(
        self,
        row: WidgetRow,
        request: UploadRequest | list[Problem],
        source: FileSource | None,
        cells: Mapping[str, Any],
    ) -> RowView:
        # A page shows the name and folder that are sent.
        known = row.picked or source  # of a picked file that is empty or too large, there is no source
        given = {"fileName": _text(cells["file_name"]), "folder": _text(cells["folder"])}
        given["fileName"] = given["fileName"] or (known and known.name) or _last_part(cells["file"])
        if isinstance(request, UploadRequest):
            fields, problems = {**given, **request.fields}, []
        else:
            fields, problems = self._as_sent(given, request), request
        name = fields["fileName"]
        return RowView(
            name=name[:_MAX_TEXT],
            size=None if known is None else known.size,
            media_type=_media_type(row, source, name),
            source=_origin(row, source),
            href=source.text if source is not None and source.kind in ("url", "fetch") else None,
            folder=fields["folder"][:_MAX_TEXT],
            tags=_tags(cells["tags"]),
            description=_text(cells["description"]),
            private=_PRIVATE.get(_encoded("is_private_file", cells["is_private_file"])),
            coordinates=_encoded("custom_coordinates", cells["custom_coordinates"]),
            metadata=_metadata(cells["custom_metadata"]),
            problems=[self._problem(problem, cells) for problem in problems if problem.severity == "error"],
            target=None if row.left_out else self._target(request),
            file=source,
        )

    def _as_sent(self, given: Mapping[str, str], problems: Sequence[Problem]) -> dict[str, str]:
        """Return the name and the folder of a row with problems as they would be sent; wrong ones as given."""
        wrong = {problem.parameter for problem in problems if problem.severity == "error"}
        fields = dict(given)
        for column, wire in (("file_name", "fileName"), ("folder", "folder")):
            if self._names == "stored" and column not in wrong:
                for _, text in replaced_texts(wire, [given[wire]]):
                    fields[wire] = text
        return fields

    def _target(self, request: UploadRequest | list[Problem]) -> str | None:
        """Return the path where a file would be stored, if its name is fixed."""
        if isinstance(request, UploadRequest) and request.fields.get("useUniqueFileName") == "false":
            return canonical_path(request.target, self._names)
        return None

    def _problem(self, problem: Problem, cells: Mapping[str, Any]) -> dict[str, Any]:
        parameter, _, key = problem.parameter.partition(".")
        read: Callable[[Any], Any] = _READERS.get(parameter, _text)
        value, fields = read(cells.get(parameter)), self.fields or {}
        if key:
            value = value.get(key)
        message = {"column": problem.parameter, "code": problem.code, "message": problem.message, "fix": problem.fix}
        reason = reason_of(problem, value, fields, self._resolver.max_size)
        suggestion = suggestion_for(problem, value, fields)
        return without_none({**message, "reason": reason, "suggestion": suggestion})

    def _column_mapping(self, labels: pd.Index[Any], edited: list[str]) -> ColumnMapping:
        """Return the mapping of a frame; the last one is kept, since most batches have the same columns."""
        key = [*labels], edited
        if self._mapping is None or self._mapping[0] != key:
            mapping = self._table.mapping(edited)
            self._mapping = key, ColumnMapping.read(labels, mapping)
        return self._mapping[1]


class _SingleRowBuilder(RequestBuilder):
    """Builds each request as if there were no other row: `RowValidator` finds conflicts, since rows change."""

    def _take(self, rows: MappedRows, texts: Mapping[str, list[Any]], found: Any) -> None:
        """Compare no targets."""


_PRIVATE = {"true": True, "false": False}
_VIEW_COLUMNS = (
    *("file_name", "folder", "tags", "description"),
    *("is_private_file", "custom_coordinates", "custom_metadata"),
)


def _set_conflicts(rows: Mapping[str, WidgetRow]) -> set[WidgetRow]:
    """Set the conflicts of rows with the same target, and return those that changed.

    One row has no conflict: one that is uploaded or being uploaded, else the first.
    """
    if not rows:
        return set()
    first = min(rows.values(), key=lambda row: (row.editable, row.number))
    changed = set()
    for row in rows.values():
        conflict = None if row is first else first.id
        if row.conflict != conflict:
            row.conflict = conflict
            changed.add(row)
    return changed


def _valid(values: Sequence[Any]) -> list[Any]:
    return [None if isinstance(value, InvalidValue) else value for value in values]


def _text(value: Any) -> str:
    if value is None:
        return ""
    try:
        return to_text(value)[:_MAX_TEXT]
    except InvalidValue:
        return str(value)[:_MAX_TEXT]


def _encoded(parameter: str, value: Any) -> str:
    text = "" if value is None else call_or_error(encode, parameter, value)
    return _text(value) if isinstance(text, InvalidValue) else text


def _tags(value: Any) -> list[str]:
    tags = [] if value is None else call_or_error(tag_list, value)
    if isinstance(tags, InvalidValue):
        return [_text(item) for item in value] if isinstance(value, (list, tuple)) else [_text(value)]
    return tags


def _metadata(value: Any) -> dict[str, Any]:
    values = {} if value is None else call_or_error(json_object, value)
    return {} if isinstance(values, InvalidValue) else {str(key): _metadata_value(item) for key, item in values.items()}


_READERS: Mapping[str, Callable[[Any], Any]] = {"tags": _tags, "custom_metadata": _metadata}
"""How the value of a column is read; all others are text."""


def _metadata_value(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_json_scalar(item) for item in value]
    return _json_scalar(value)


def _json_scalar(value: Any) -> Any:
    is_finite = isinstance(value, (bool, int)) or (isinstance(value, float) and value - value == 0)
    return value if is_finite else _text(value)


def _last_part(cell: Any) -> str:
    """Return the name in a path or URL whose file cannot be uploaded, such as an empty one."""
    text = _text(cell)
    return "" if text.startswith("data:") else re.split(r"[/\\]", text.split("?")[0])[-1]


def _origin(row: WidgetRow, source: FileSource | None) -> Literal["browser", "url", "file"]:
    if row.picked is not None:
        return "browser"
    return "url" if source is not None and source.kind in ("url", "fetch") else "file"


def _media_type(row: WidgetRow, source: FileSource | None, name: str) -> str:
    """Return a file's media type: what the browser reports, else by its name."""
    if row.picked is not None and row.picked.type:
        return row.picked.type
    return media_type_of(source.name if source is not None and source.name else name)
