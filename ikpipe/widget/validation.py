"""Rows as they are shown: what their cells and the keywords give, and what is wrong with it, found as it is typed."""

from __future__ import annotations

from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from ikpipe.errors import InvalidValue
from ikpipe.frames.mapping import ColumnMapping
from ikpipe.request.names import place
from ikpipe.request.parameters import encode
from ikpipe.request.planner import RequestBuilder, UploadRequest
from ikpipe.request.sources import FileResolver
from ikpipe.request.values import json_object, stored_folder, stored_name, tag_list, to_text
from ikpipe.widget.previews import kind_of
from ikpipe.widget.rows import RowView, WidgetRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import pandas as pd

    from ikpipe.errors import Problem
    from ikpipe.request.metadata import MetadataField
    from ikpipe.request.names import Names
    from ikpipe.request.rows import MappedRows
    from ikpipe.request.sources import FileSource
    from ikpipe.widget.sheet import EditedTable

AT_ONCE = 1_000  # rows
_LONGEST = 5_000  # characters of a text that is shown


class RowValidator:
    """Looks at rows, and keeps who is stored where.

    Parameters
    ----------
    sheet
        Where the rows' cells are.
    max_size
        Largest file in bytes, or None.
    held
        Gives the file that a cell stands for, where a browser has it.
    names
        ``"stored"`` or ``"as_given"``, as `Policy` has it.
    """

    def __init__(
        self,
        sheet: EditedTable,
        max_size: int | None,
        held: Callable[[str], FileSource | None],
        names: Names = "stored",
    ) -> None:
        mapping = sheet.given
        root = None if mapping["root"] is None else Path(mapping["root"])
        self.fields: Mapping[str, MetadataField] | None = None
        self._sheet, self._for, self._names = sheet, _RowKey((), ()), names
        self._plan: ColumnMapping | None = None
        self._intake = FileResolver(root, mapping["file_kind"] == "base64", mapping["fetch"], max_size, held)
        self._owners: dict[str, dict[str, WidgetRow]] = {}

    def look(self, rows: Iterable[WidgetRow]) -> set[WidgetRow]:
        """Look at rows anew, and give those that look other than before: also such as have another's place."""
        changed: set[WidgetRow] = set()
        left = iter(sorted(rows, key=lambda row: row.at))
        while some := list(islice(left, AT_ONCE)):
            for row, shown in zip(some, self._shown(some), strict=True):
                changed |= self._move(row, shown.target)
                row.shown = shown
                changed.add(row)
        for row in changed:
            if row.state in ("ready", "invalid"):
                row.settle()
        return changed

    def forget(self, row: WidgetRow) -> set[WidgetRow]:
        """Let go of a row's place, and give the rows that look other now."""
        return self._move(row, None)

    def _move(self, row: WidgetRow, target: str | None) -> set[WidgetRow]:
        """Give a row another place; the first of those that want one has it."""
        if target == row.shown.target:
            return set()
        changed = set()
        for path, joins in ((row.shown.target, False), (target, True)):
            if path is None:
                continue
            owners = self._owners.setdefault(path, {})
            if joins:
                owners[row.id] = row
            else:
                owners.pop(row.id, None)
            changed |= _settled(owners)
            if not owners:
                del self._owners[path]
        if target is None:
            row.clash = None
        return changed

    def _shown(self, rows: Sequence[WidgetRow]) -> list[RowView]:
        edited = self._sheet.edited(rows)
        frame = self._sheet.frame(rows, edited)
        chunk = self._sheet.feed(frame).chunk()
        read = self._planned(frame.columns, edited).rows(chunk)
        jobs = _Alone(self._intake, self.fields, names=self._names).build(read)
        values = read.values()
        files = self._intake.read_all(_sound(values.get("file", [None] * len(rows))))
        columns = {name: values.get(name, [None] * len(rows)) for name in _SHOWN}
        cells = zip(*columns.values(), strict=True)
        together = zip(rows, jobs, files, cells, strict=True)
        return [self._one(row, job, file, dict(zip(columns, one, strict=True))) for row, job, file, one in together]

    def _one(self, row: WidgetRow, job: UploadRequest | list[Problem], file: Any, cells: Mapping[str, Any]) -> RowView:
        source: FileSource | None = None if isinstance(file, InvalidValue) else file
        fixed = isinstance(job, UploadRequest) and job.fields.get("useUniqueFileName") == "false"
        # Names are shown as they are sent.
        fields = job.fields if isinstance(job, UploadRequest) else {}
        name = (
            fields.get("fileName") or _text(cells["file_name"]) or (source.name if source is not None else None) or ""
        )
        metadata = cells["custom_metadata"]
        return RowView(
            name=name[:_LONGEST],
            size=None if source is None else source.size,
            kind=_kind(row, source, name),
            source=_side(row, source),
            href=source.text if source is not None and source.kind in ("url", "fetch") else None,
            folder=fields.get("folder", _text(cells["folder"]))[:_LONGEST],
            tags=_tags(cells["tags"]),
            description=_text(cells["description"]),
            private=_PRIVATE.get(_encoded("is_private_file", cells["is_private_file"])),
            coordinates=_encoded("custom_coordinates", cells["custom_coordinates"]),
            metadata=_metadata(metadata),
            problems=[
                self._problem(one, cells) for one in (() if isinstance(job, UploadRequest) else job) if _is_error(one)
            ],
            target=place(job.target, self._names) if isinstance(job, UploadRequest) and fixed else None,
            file=source,
        )

    def _problem(self, problem: Problem, cells: Mapping[str, Any]) -> dict[str, Any]:
        told = {"column": problem.parameter, "code": problem.code, "message": problem.message, "fix": problem.fix}
        mend = self._mend(problem, cells)
        return told if mend is None else {**told, "mend": mend}

    def _mend(self, problem: Problem, cells: Mapping[str, Any]) -> Any:
        """Give a value that would cure it, where one is plain."""
        parameter, _, key = problem.parameter.partition(".")
        value = cells.get(parameter)
        if parameter == "file_name" and problem.code == "bad_character":
            return stored_name(_text(value))
        if parameter == "folder" and problem.code == "bad_character":
            return stored_folder(_text(value))
        if parameter == "tags" and problem.code == "bad_character":
            return [tag for tag in (tag.replace("%", "").strip() for tag in _tags(value)) if tag]
        field = (self.fields or {}).get(key)
        if field is not None and problem.code == "out_of_range" and field.type == "SingleSelect":
            options = {str(option).lower(): option for option in field.schema.get("selectOptions", ())}
            near = get_close_matches(str(_metadata(cells["custom_metadata"]).get(key)).lower(), options, n=1)
            return options[near[0]] if near else None
        return None

    def _planned(self, labels: pd.Index[Any], edited: Sequence[str]) -> ColumnMapping:
        key = _RowKey(tuple(labels), tuple(edited))
        if self._plan is None or key != self._for:
            mapping = self._sheet.mapping(edited)
            self._plan, self._for = ColumnMapping(labels, mapping["columns"], mapping["parameters"]), key
        return self._plan


class _Alone(RequestBuilder):
    """Looks at each row as if there were no other: who has which place is kept elsewhere, since rows change."""

    def _take(self, rows: MappedRows, texts: Mapping[str, list[Any]], found: Any) -> None:
        """Let each row have its place."""


class _RowKey(NamedTuple):
    """What a plan is made for."""

    labels: tuple[Any, ...]
    edited: tuple[str, ...]


_PRIVATE = {"true": True, "false": False}
_SHOWN = (
    *("file_name", "folder", "tags", "description"),
    *("is_private_file", "custom_coordinates", "custom_metadata"),
)


def _settled(owners: Mapping[str, WidgetRow]) -> set[WidgetRow]:
    """Say of each row that wants one place who has it: one that is sent or up already, else the first."""
    if not owners:
        return set()
    first = min(owners.values(), key=lambda row: (row.editable, row.at))
    changed = set()
    for row in owners.values():
        clash = None if row is first else first.id
        if row.clash != clash:
            row.clash = clash
            changed.add(row)
    return changed


def _is_error(problem: Problem) -> bool:
    return problem.severity == "error"


def _sound(values: list[Any]) -> list[Any]:
    return [None if isinstance(value, InvalidValue) else value for value in values]


def _text(value: Any) -> str:
    if value is None or isinstance(value, InvalidValue):
        return ""
    try:
        return to_text(value)[:_LONGEST]
    except InvalidValue:
        return str(value)[:_LONGEST]


def _encoded(parameter: str, value: Any) -> str:
    if value is None or isinstance(value, InvalidValue):
        return ""
    try:
        return encode(parameter, value)
    except InvalidValue:
        return _text(value)


def _tags(value: Any) -> list[str]:
    if value is None or isinstance(value, InvalidValue):
        return []
    try:
        return tag_list(value)
    except InvalidValue:
        return [_text(one) for one in value] if isinstance(value, (list, tuple)) else [_text(value)]


def _metadata(value: Any) -> dict[str, Any]:
    if value is None or isinstance(value, InvalidValue):
        return {}
    try:
        return {str(key): _shown_cell(one) for key, one in json_object(value).items()}
    except InvalidValue:
        return {}


def _shown_cell(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_shown_item(one) for one in value]
    return _shown_item(value)


def _shown_item(value: Any) -> Any:
    return (
        value if isinstance(value, (bool, int)) or (isinstance(value, float) and value - value == 0) else _text(value)
    )


def _side(row: WidgetRow, source: FileSource | None) -> Literal["browser", "url", "file"]:
    if row.held is not None:
        return "browser"
    return "url" if source is not None and source.kind in ("url", "fetch") else "file"


def _kind(row: WidgetRow, source: FileSource | None, name: str) -> str:
    """Say a file's media type: what the browser told, or what its name says."""
    if row.held is not None and row.held.type:
        return row.held.type
    return kind_of(source.name if source is not None and source.name else name)
