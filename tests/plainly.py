"""Planning as it is meant, row by row and cell by cell: what the line, which goes by columns, is compared with."""

from __future__ import annotations

from base64 import b32encode
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from ikpipe.errors import InvalidValue, Problem, quoted
from ikpipe.frames.cells import are_integers
from ikpipe.request.metadata import fit
from ikpipe.request.names import name_warning, without_slash
from ikpipe.request.parameters import TABLE, encode
from ikpipe.request.planner import UploadRequest
from ikpipe.request.suspicious_texts import tag_warning
from ikpipe.request.values import folder_levels, json_object, stored_folder, stored_name, tag_list, to_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ikpipe.request.metadata import MetadataField
    from ikpipe.request.sources import FileResolver, FileSource

    Found = list[tuple[str, InvalidValue]]


def cells(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Give each row's cells."""
    whole = {name: are_integers(frame[name]) for name in frame}
    columns = {name: [cell(one, whole=whole[name]) for one in frame[name].astype(object).tolist()] for name in frame}
    return [{name: columns[name][at] for name in frame} for at in range(len(frame))]


def cell(value: Any, *, whole: bool) -> Any:
    """Give one cell as a plain value; None is a missing one."""
    if isinstance(value, str):
        return value.removeprefix("\ufeff") or None
    if isinstance(value, (list, dict, tuple)):
        return value or None
    if pd.isna(value):
        return None
    return int(value) if whole and isinstance(value, float) and value.is_integer() else value


class Place(NamedTuple):
    """Where a parameter's value may come from."""

    parameter: str
    value: Callable[[Mapping[str, Any]], Any]
    column: str | None = None
    key: str | None = None


def places(names: list[str], columns: Mapping[str, Any], keywords: Mapping[str, Any]) -> Iterator[Place]:
    """Give all places, in the order in which they are asked; `columns` and `keywords` are in snake case."""
    for parameter, target in columns.items():
        if parameter == "custom_metadata" and isinstance(target, list):
            yield from (Place(parameter, of(name), name, name) for name in target)
        elif parameter == "tags" and isinstance(target, list):
            yield Place(parameter, joined(target), target[0])
        else:
            yield Place(parameter, of(target), target)
    for name in names:
        if name.startswith("custom_metadata."):
            yield Place("custom_metadata", of(name), name, name.partition(".")[2])
    yield from (Place(name, of(name), name) for name in TABLE if name in names)
    for parameter, value in keywords.items():
        template = isinstance(value, str) and "{" in value
        first = value.partition("{")[2].partition("}")[0] if template else None
        yield Place(parameter, filled(parameter, value) if template else always(value), first)


def of(name: str) -> Callable[[Mapping[str, Any]], Any]:
    """Take a cell."""
    return lambda row: row[name]


def always(value: Any) -> Callable[[Mapping[str, Any]], Any]:
    """Take the same for every row."""
    return lambda _row: value


def joined(names: list[str]) -> Callable[[Mapping[str, Any]], Any]:
    """Take the tags of several cells."""

    def tags(name: str, cell: Any) -> list[str]:
        try:
            return tag_list(cell)
        except InvalidValue as bad:
            raise bad.at(name) from None

    return lambda row: [tag for name in names if row[name] is not None for tag in tags(name, row[name])] or None


def filled(parameter: str, template: str) -> Callable[[Mapping[str, Any]], Any]:
    """Fill a template that has no doubled braces."""

    def fill(row: Mapping[str, Any]) -> str:
        text, *pieces = template.split("{")
        for name, _, rest in (piece.partition("}") for piece in pieces):
            if row[name] is None:
                words = f"{TABLE[parameter].label} needs the column {quoted(name)}, which is empty in this row."
                raise InvalidValue("missing_cell", words, "Fill in the cell.", name)
            try:
                text += to_text(row[name]) + rest
            except InvalidValue as bad:
                raise bad.at(name) from None
        return text

    return fill


class Plainly:
    """A run's rows, planned one by one."""

    def __init__(
        self, intake: FileResolver, fields: Mapping[str, MetadataField] | None = None, run: str | None = None
    ) -> None:
        self._intake, self._fields, self._run = intake, fields, run
        self._targets: dict[str, Any] = {}

    def jobs(
        self, frame: pd.DataFrame, columns: Mapping[str, Any], keywords: Mapping[str, Any]
    ) -> list[UploadRequest | list[Problem]]:
        """Plan all rows of a frame."""
        every = list(places(list(frame), columns, keywords))
        return [
            self._row(label, position, row, every)
            for position, (label, row) in enumerate(zip(frame.index, cells(frame), strict=True))
        ]

    def _row(
        self, label: Any, position: int, row: Mapping[str, Any], every: list[Place]
    ) -> UploadRequest | list[Problem]:
        found: Found = []
        values: dict[str, Any] = {}
        columns: dict[str, Any] = {}
        for parameter in dict.fromkeys(place.parameter for place in every):
            try:
                read(row, [place for place in every if place.parameter == parameter], values, columns)
            except InvalidValue as bad:
                found.append((parameter, bad.of(TABLE[parameter].label)))
        source = self._source(values, found)
        self._slash(values, found)
        if source is not None and not any(name == "file_name" for name, _ in found):
            if source.name:
                values.setdefault("file_name", source.name)
            if "file_name" not in values:
                words = "The file has no name of its own, and none is given."
                bad = InvalidValue("missing_name", words, "Pass a file name, such as file_name='{sku}.jpg'.")
                found.append(("file_name", bad))
        self._fit(values, found)
        fields = encoded(values, found)
        before = fields.get("fileName")
        noted = replaced(fields)
        if (doubt := tag_warning(fields.get("tags"))) is not None:
            noted.append(("tags", doubt))
        warnings = tuple(problem(label, position, columns, *one, "warning") for one in noted)
        if not found and fields.get("useUniqueFileName") == "false":
            self._target(label, fields, found)
        if found or source is None:
            return [*(problem(label, position, columns, *one) for one in found), *warnings]
        given = None if fields["fileName"] == before else before
        return self._named(UploadRequest(label, position, fields, source, given=given, warnings=warnings))

    def _slash(self, values: dict[str, Any], found: Found) -> None:
        if "file_name" not in values:
            return
        try:
            text = encode("file_name", values["file_name"])
        except InvalidValue:  # found with the other parameters
            return
        try:
            without_slash(text)
        except InvalidValue as bad:
            found.append(("file_name", bad))
            del values["file_name"]

    def _source(self, values: dict[str, Any], found: Found) -> FileSource | None:
        if any(parameter == "file" for parameter, _ in found):
            return None
        try:
            if "file" not in values:
                raise InvalidValue("missing_file", "This row has no file.", "Fill in the file, or delete the row.")
            return self._intake.read(values.pop("file"))
        except InvalidValue as bad:
            found.append(("file", bad))
            return None

    def _fit(self, values: dict[str, Any], found: Found) -> None:
        if self._fields is None or "custom_metadata" not in values:
            return
        fitted = {}
        for name, value in values["custom_metadata"].items():
            try:
                fitted[name] = fit(value, name, self._fields)
            except InvalidValue as bad:
                found.append((f"custom_metadata.{name}", bad))
        values["custom_metadata"] = fitted

    def _target(self, label: Any, fields: Mapping[str, str], found: Found) -> None:
        path = "/" + "/".join([*folder_levels(fields.get("folder", "/")), fields["fileName"]])
        if path in self._targets:
            words = f"Row {quoted(self._targets[path])} already has the path {quoted(path)}."
            fix = "Give each row its own file name, or pass use_unique_file_name=True, without on_existing=."
            found.append(("file_name", InvalidValue("same_target", words, fix)))
        self._targets.setdefault(path, label)

    def _named(self, job: UploadRequest) -> UploadRequest:
        if self._run is None or job.fields.get("useUniqueFileName") == "false":
            return job
        digest = blake2b(f"{self._run} {job.position}".encode(), digest_size=6).digest()
        suffix = b32encode(digest).decode().rstrip("=").lower()
        stem, dot, ending = job.fields["fileName"].rpartition(".")
        name = f"{stem}_{suffix}.{ending}" if dot and stem else f"{job.fields['fileName']}_{suffix}"
        made = {"fileName": name, "useUniqueFileName": "false", "overwriteFile": "false"}
        return job._replace(fields={**job.fields, **made}, own_name=True, given=None)


def read(row: Mapping[str, Any], every: list[Place], values: dict[str, Any], columns: dict[str, Any]) -> None:
    """Read one parameter of a row; metadata is merged key by key."""
    merged: dict[str, Any] = {}
    for place in every:
        value = place.value(row)
        if value is None:
            continue
        if place.parameter != "custom_metadata":
            values[place.parameter] = value
            if place.column is not None:
                columns[place.parameter] = place.column
            return
        given = {place.key: value} if place.key is not None else json_object(value)
        merged = merged | given | merged
        for key in given if place.column is not None else ():
            columns.setdefault(f"custom_metadata.{key}", place.column)
    if merged:
        values["custom_metadata"] = merged


def encoded(values: Mapping[str, Any], found: Found) -> dict[str, str]:
    """Write a row's values for the wire."""
    fields = {}
    for name, entry in TABLE.items():
        if name == "file" or name not in values:
            continue
        try:
            text = encode(name, values[name])
        except InvalidValue as bad:
            found.append((name, bad))
            continue
        if text:
            fields[entry.wire] = text
    return fields


def replaced(fields: dict[str, str]) -> Found:
    """Replace what the service may not keep, and say so."""
    found: Found = []
    for name, wire, mend in (("file_name", "fileName", stored_name), ("folder", "folder", stored_folder)):
        if wire in fields and (text := mend(fields[wire])) != fields[wire]:
            found.append((name, name_warning(wire, fields[wire], text)))
            fields[wire] = text
    return found


def problem(
    label: Any, position: int, columns: Mapping[str, Any], parameter: str, bad: InvalidValue, severity: str = "error"
) -> Problem:
    """Name a row, and its column, in a problem."""
    column = bad.column or columns.get(parameter, columns.get(parameter.partition(".")[0]))
    words = (text.encode("utf-8", "backslashreplace").decode() for text in (parameter, bad.message, bad.fix))
    name, message, fix = words
    return Problem(label, position, column, name, severity, bad.code, message, fix)
