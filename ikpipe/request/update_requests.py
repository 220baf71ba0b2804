"""Build what each row of `ikpipe.update` changes of which file, or find its problems. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ikpipe.errors import InvalidValue, Problem, did_you_mean, quoted
from ikpipe.request.columns import map_present
from ikpipe.request.formats import DEFAULT_FORMATS, CellFormats
from ikpipe.request.metadata import MetadataField
from ikpipe.request.names import Names, name_warning, replaced_texts, without_slash
from ikpipe.request.parameters import BY_WIRE, PATH, UPDATE_TABLE
from ikpipe.request.row_texts import RowErrors, encoded_texts, fitted_metadata
from ikpipe.request.rows import MappedRows
from ikpipe.request.update_values import REMOVABLE
from ikpipe.request.values import folder_levels, separated

DETAILS = ("tags", "customMetadata", "description", "customCoordinates", "isPrivateFile", "isPublished")
"""The details that a row sets, by the names of their texts in an upload."""


class UpdateRequest(NamedTuple):
    """What one row changes of which file.

    `file_id` identifies the file, `file_path` only where there is no id. `fields` are the texts of `DETAILS` as an
    upload sends them. `unset` are the parameters whose details are removed, and ``custom_metadata.FIELD``. `folder` and
    `name` are new ones; None: as it is. `warnings` are about values that are not used as given.
    """

    label: Any
    position: int
    file_id: str | None
    file_path: str | None
    fields: dict[str, str]
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()
    unset: tuple[str, ...] = ()
    folder: str | None = None
    name: str | None = None
    warnings: tuple[Problem, ...] = ()

    @property
    def changes_something(self) -> bool:
        """Whether the row gives anything to change."""
        texts = (self.fields, self.add_tags, self.remove_tags, self.unset, self.folder, self.name)
        return any(texts)

    def target(self, path: str) -> str:
        """Return the path that a file gets, given its present one."""
        folder, _, name = path.rpartition("/")
        if self.folder is not None:
            folder = "".join(f"/{level}" for level in folder_levels(self.folder))
        return f"{folder}/{self.name or name}"


class UpdateBuilder:
    """Builds the requests of one update's rows.

    `metadata_fields` are the account's, by name; None if they are not known. `names` is that of `Policy`. `formats` say
    how the text of custom metadata is read.
    """

    def __init__(
        self,
        metadata_fields: Mapping[str, MetadataField] | None,
        names: Names = "stored",
        formats: CellFormats = DEFAULT_FORMATS,
    ) -> None:
        self._metadata_fields, self._names, self._formats = metadata_fields, names, formats

    def build(
        self,
        rows: MappedRows,
        sent_as: Mapping[int, str] | None = None,  # noqa: ARG002 - names are not made for updates
    ) -> list[UpdateRequest | list[Problem]]:
        """Return the request of each row, or all of its problems."""
        errors = RowErrors()
        values = {name: errors.collect(name, column) for name, column in rows.values().items()}
        values.pop(PATH, None)  # its problems are collected
        if "custom_metadata" in values and self._metadata_fields is not None:
            values["custom_metadata"] = fitted_metadata(
                values["custom_metadata"], self._metadata_fields, self._formats, errors
            )
        texts = {
            UPDATE_TABLE[name].wire: errors.collect(name, encoded_texts(name, values[name]))
            for name in UPDATE_TABLE
            if name in values
        }
        if "fileName" in texts:
            texts["fileName"] = errors.collect("file_name", map_present(without_slash, texts["fileName"]))
        warnings = self._replace_characters(rows, texts)
        columns = zip(*texts.values(), strict=True)
        found = [{wire: text for wire, text in zip(texts, row, strict=True) if text} for row in columns]
        return [
            self._outcome(rows, offset, row, errors.get(offset, []), warnings.get(offset, []))
            for offset, row in enumerate(found)
        ]

    def _replace_characters(self, rows: MappedRows, texts: dict[str, list[Any]]) -> dict[int, list[Problem]]:
        """Replace characters of new names that the service may not keep; return the warnings by offset."""
        warnings: dict[int, list[Problem]] = {}
        for wire in ("folder", "fileName") if self._names == "stored" else ():
            column = texts.get(wire, [])
            for offset, text in replaced_texts(wire, column):
                warning = rows.problem(offset, BY_WIRE[wire], name_warning(wire, column[offset], text), "warning")
                warnings.setdefault(offset, []).append(warning)
            texts |= {wire: _with(column, replaced_texts(wire, column))} if column else {}
        return warnings

    def _outcome(
        self,
        rows: MappedRows,
        offset: int,
        texts: dict[str, str],
        bad: Sequence[tuple[str, InvalidValue]],
        warnings: Sequence[Problem],
    ) -> UpdateRequest | list[Problem]:
        request = UpdateRequest(
            rows.labels[offset],
            rows.start + offset,
            texts.get("fileId"),
            texts.get("filePath"),
            {wire: texts[wire] for wire in DETAILS if wire in texts},
            tuple(separated(texts.get("addTags", ""))),
            tuple(separated(texts.get("removeTags", ""))),
            tuple(json.loads(texts.get("unset", "[]"))),
            texts.get("folder"),
            texts.get("fileName"),
            (*warnings, *(rows.problem(offset, *note, "warning") for note in rows.notes.get(offset, ()))),
        )
        bad = [*bad, *([] if bad else _contradictions(request, self._metadata_fields))]
        return [rows.problem(offset, *one) for one in bad] or request


def _with(column: list[Any], changes: Sequence[tuple[int, str]]) -> list[Any]:
    changed = column[:]
    for offset, text in changes:
        changed[offset] = text
    return changed


def _contradictions(
    request: UpdateRequest, known: Mapping[str, MetadataField] | None
) -> list[tuple[str, InvalidValue]]:
    """Return what cannot be done of a row: the same is set and removed, or a field does not exist."""
    metadata = json.loads(request.fields.get("customMetadata", "{}"))
    given = {name for name, wire in REMOVABLE.items() if wire in request.fields}
    given |= {f"custom_metadata.{field}" for field in metadata} | ({"tags"} if request.add_tags else set())
    bad = [("unset", _both(name)) for name in request.unset if name in given]
    bad += [("remove_tags", _both(tag)) for tag in request.remove_tags if tag in request.add_tags]
    for name in request.unset:
        field = name.removeprefix("custom_metadata.")
        if field != name and known is not None and field not in known:
            words = f"The account has no custom metadata field {quoted(field)}{did_you_mean(field, known)}."
            bad.append(("unset", InvalidValue("unknown_name", words, "Correct the name.")))
    return bad


def _both(name: str) -> InvalidValue:
    return InvalidValue("wrong_type", f"The row both sets and removes {quoted(name)}.", "Give only one of the two.")
