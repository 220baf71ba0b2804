"""Build the upload request of each row, or find its problems."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from itertools import repeat, starmap
from types import NoneType
from typing import Any, NamedTuple

from ikpipe.errors import InvalidValue, Message, Problem, keyword, quoted
from ikpipe.request.columns import call_or_error, cell_types, map_distinct
from ikpipe.request.formats import DEFAULT_FORMATS, CellFormats
from ikpipe.request.metadata import MetadataField
from ikpipe.request.names import (
    Names,
    canonical_path,
    name_warning,
    path_warning,
    replaced_texts,
    same_after_replacing,
    without_slash,
)
from ikpipe.request.parameters import BY_WIRE, PATH, TABLE, encode
from ikpipe.request.row_texts import RowErrors, encoded_texts, fitted_metadata
from ikpipe.request.rows import MappedRows
from ikpipe.request.sources import FileResolver, FileSource
from ikpipe.request.suffixes import SuffixRule, with_suffix
from ikpipe.request.suspicious_texts import has_suspicious_tags, tag_warning
from ikpipe.request.targets import TargetRegistry
from ikpipe.request.values import folder_levels


class UploadRequest(NamedTuple):
    """One row, ready to be signed and sent.

    `fields` are the form's texts under their wire names, without the file and the token: they are signed as they are
    sent [upload docs]. `own_name`: the name was made for this row, so that no other file can have it. `given` is its
    file name as given, if another is sent. `warnings` are about values that are not used as given.
    """

    label: Any
    position: int
    fields: dict[str, str]
    source: FileSource
    own_name: bool = False
    given: str | None = None
    warnings: tuple[Problem, ...] = ()

    @property
    def target(self) -> str:
        """The library path of the file, if its name is fixed."""
        return path_of(self.fields)

    @property
    def given_target(self) -> str:
        """The library path that versions of ikpipe without replaced characters used, if the name is fixed."""
        return self.target if self.given is None else path_of({**self.fields, "fileName": self.given})

    def with_earlier_fields(self, fields: Mapping[str, str] | None) -> UploadRequest:
        """Return the request with the fields that were signed before, if they only lack replaced characters."""
        if fields is None or fields == self.fields or not same_after_replacing(fields, self.fields):
            return self
        others = tuple(warning for warning in self.warnings if warning.code != "name_adjusted")
        return self._replace(fields=dict(fields), given=None, warnings=others)

    @property
    def stored_size(self) -> int | None:
        """Size of the stored file in bytes, if known; with a pre-transformation, another file is stored."""
        return None if "transformation" in self.fields else self.source.size


class _Changes(dict[str, tuple[str, str]]):
    """A row's texts that are not sent as given: wire name → as given, as sent."""

    @property
    def given(self) -> dict[str, str]:
        """The texts as given."""
        return {wire: before for wire, (before, _) in self.items()}

    def warnings(self, rows: MappedRows, offset: int, *, sent_as: str | None) -> tuple[Problem, ...]:
        """Return a warning for each; a name that an earlier version of ikpipe made is sent unchanged."""
        as_given = sent_as is not None and bool(replaced_texts("fileName", [sent_as]))
        return tuple(
            rows.problem(offset, BY_WIRE[wire], name_warning(wire, *both), "warning")
            for wire, both in self.items()
            if wire != "fileName" or not as_given
        )


class RequestBuilder:
    """Builds the upload requests of one run's rows, and keeps their paths in the library.

    `intake` resolves files. `metadata_fields` are the account's, by name; None if they are not known. `suffixes` makes
    the suffixes of unique names; None leaves that to the service. `label` returns the label of the row at a position,
    for the problems of other rows. `targets` are the paths of other tables' rows, and are updated; None if there are
    none. `names` is ``"stored"`` or ``"as_given"``, as `Policy` has it. `formats` say how the text of custom metadata
    is read. `fixed_names`: no row may have a unique name.
    """

    def __init__(
        self,
        intake: FileResolver,
        metadata_fields: Mapping[str, MetadataField] | None = None,
        suffixes: SuffixRule | None = None,
        label: Callable[[int], Any] = int,
        targets: TargetRegistry | None = None,
        names: Names = "stored",
        formats: CellFormats = DEFAULT_FORMATS,
        *,
        fixed_names: bool = False,
    ) -> None:
        self._fixed_names = fixed_names
        self.label = label
        self.names = names
        self._formats = formats
        self._intake = intake
        self._suffixes = suffixes
        self._metadata_fields = metadata_fields
        self._targets = targets or TargetRegistry()

    def build(self, rows: MappedRows, sent_as: Mapping[int, str] | None = None) -> list[UploadRequest | list[Problem]]:
        """Return the request of each row, or all of its problems.

        `rows` are as `ColumnMapping.rows` returns them. `sent_as` is position → the name that an earlier run made for
        the row.
        """
        errors = RowErrors()
        values = {name: errors.collect(name, column) for name, column in rows.values().items()}
        has_path = values.pop(PATH, None) is not None  # its problems are collected
        sources = self._sources(values.pop("file", [None] * len(rows)), errors)
        values["file_name"] = _named(values.get("file_name", [None] * len(rows)), sources, errors, has_path=has_path)
        if "custom_metadata" in values and self._metadata_fields is not None:
            column = values["custom_metadata"]
            values["custom_metadata"] = fitted_metadata(column, self._metadata_fields, self._formats, errors)
        texts = self._encoded(values, sources, errors)
        changes = self._changes(texts)
        if self._fixed_names:
            _check_fixed(texts, errors)
        self._take(rows, texts, errors)
        notes = self._notes(rows, sources, texts.get("tags", []))
        ready = zip(rows.labels, rows.positions, _fields(texts), sources, strict=True)
        if self._suffixes is None and not errors and not changes and not notes:
            return list(starmap(UploadRequest, ready))
        names = sent_as or {}
        outcomes = [
            self._outcome(rows, offset, row, changes.get(offset) or _Changes(), errors.get(offset), names.get(row[1]))
            for offset, row in enumerate(ready)
        ]
        return _with_notes(outcomes, rows, notes)

    def _encoded(self, values: Mapping[str, Any], sources: list[Any], errors: RowErrors) -> dict[str, list[Any]]:
        """Return the texts of each parameter under its wire name; None where a row has none, or an error."""
        texts = {
            TABLE[name].wire: errors.collect(name, encoded_texts(name, values[name]))
            for name in TABLE
            if name in values
        }
        if self._intake.held is None:
            return texts
        return {wire: _as_browsers_send(column, sources) for wire, column in texts.items()}

    def _outcome(
        self,
        rows: MappedRows,
        offset: int,
        row: tuple[Any, int, dict[str, str], FileSource],
        change: _Changes,
        errors: list[tuple[str, InvalidValue]] | None,
        sent_as: str | None,
    ) -> UploadRequest | list[Problem]:
        """Return a row's request or its problems, with its warnings."""
        request = call_or_error(self._request, *row, change, sent_as) if errors is None else errors
        warnings = change.warnings(rows, offset, sent_as=sent_as)
        if isinstance(request, UploadRequest):
            return request._replace(warnings=warnings) if warnings else request
        bad = [("file_name", request)] if isinstance(request, InvalidValue) else request
        return [*(rows.problem(offset, *one) for one in bad), *warnings]

    def _changes(self, texts: dict[str, list[Any]]) -> dict[int, _Changes]:
        """Replace characters of names and folders that the service may not keep; return the changes by offset."""
        changes: dict[int, _Changes] = {}
        for wire, column in texts.items() if self.names == "stored" else ():
            if changed := replaced_texts(wire, column):
                texts[wire] = column[:]
            for offset, text in changed:
                changes.setdefault(offset, _Changes())[wire] = column[offset], text
                texts[wire][offset] = text
        return changes

    def _request(
        self,
        label: Any,
        position: int,
        fields: dict[str, str],
        source: FileSource,
        change: _Changes,
        sent_as: str | None,
    ) -> UploadRequest:
        given = change.given
        if self._suffixes is None or fields.get("useUniqueFileName") == "false":
            return UploadRequest(label, position, fields, source, given=given.get("fileName"))
        # For the user the same as the service's own unique names, but a second copy is impossible. Suffixes derive from
        # the row as given, so that runs that an earlier version started keep theirs. They are made even if the name is
        # known, since equal rows are counted.
        suffix = self._suffixes(position, fields | given, source)
        fields["fileName"] = sent_as or with_suffix(fields["fileName"], suffix)
        fields["useUniqueFileName"] = fields["overwriteFile"] = "false"
        return UploadRequest(label, position, fields, source, own_name=True)

    def _sources(self, files: list[Any], errors: RowErrors) -> list[Any]:
        """Resolve the rows' files; a row without one has a problem, unless it has one already."""
        sources: list[Any] = self._intake.read_all(files)
        if cell_types(sources) == {FileSource}:
            return sources
        for offset, source in enumerate(sources):
            if source is None and not errors.has(offset, "file"):
                fix = "Fill in the file, or delete the row."
                sources[offset] = InvalidValue("missing_file", "This row has no file.", fix)
        return errors.collect("file", sources)

    def _notes(
        self, rows: MappedRows, sources: list[Any], tags: list[str | None]
    ) -> Mapping[int, list[tuple[str, InvalidValue]]]:
        """Return the warnings about the rows' values, other than names: offset of the row → parameters and warnings."""
        notes = {offset: [*found] for offset, found in rows.notes.items()}
        for offset, source in enumerate(sources):
            if source is not None and source.found_as is not None:
                notes.setdefault(offset, []).append(("file", path_warning(source.text, source.found_as)))
        if self._formats.tag_separator == "," and has_suspicious_tags(tags):
            for offset, text in enumerate(tags):
                if (warning := tag_warning(text)) is not None:
                    notes.setdefault(offset, []).append(("tags", warning))
        return notes

    def _take(self, rows: MappedRows, texts: Mapping[str, list[Any]], errors: RowErrors) -> None:
        """Check that no other row of the run has the same path, whose file would be replaced [upload docs]."""
        flags = texts.get("useUniqueFileName", [])
        if "false" not in flags:
            return
        folders = map_distinct(_start, texts["folder"]) if "folder" in texts else repeat("/")
        paths = [
            folder + name if flag == "false" and offset not in errors else None
            for offset, (flag, folder, name) in enumerate(zip(flags, folders, texts["fileName"], strict=False))
        ]
        for offset, position in self._targets.register(self._places(paths), rows.start).items():
            near = position in rows.positions
            label = rows.labels[position - rows.start] if near else self.label(position)
            errors[offset].append(("file_name", _same_target(label, paths[offset])))

    def _places(self, paths: list[str | None]) -> list[str | None]:
        """Return paths in one Unicode form; their characters are replaced already."""
        if "".join(filter(None, paths)).isascii():
            return paths
        return [path and canonical_path(path, "as_given") for path in paths]

    def claim_all(self, paths: Iterable[str], positions: Iterable[int]) -> None:
        """Register the paths under which rows of this run are already stored, by the rows' positions."""
        self._targets.claim((canonical_path(_path(folder_levels(path)), self.names) for path in paths), positions)


def _with_notes(
    outcomes: list[UploadRequest | list[Problem]],
    rows: MappedRows,
    notes: Mapping[int, list[tuple[str, InvalidValue]]],
) -> list[UploadRequest | list[Problem]]:
    """Add warnings to the requests or the problems of rows."""
    for offset, found in notes.items():
        warnings, outcome = [rows.problem(offset, *note, "warning") for note in found], outcomes[offset]
        if isinstance(outcome, UploadRequest):
            outcomes[offset] = outcome._replace(warnings=(*outcome.warnings, *warnings))
        else:
            outcome.extend(warnings)
    return outcomes


def _check_fixed(texts: Mapping[str, list[Any]], errors: RowErrors) -> None:
    """Check that no row asks for a unique name."""
    for offset, flag in enumerate(texts.get("useUniqueFileName", ())):
        if flag == "true":
            words = Message("The row asks for a unique name, but ", keyword("on_existing"), " needs a fixed one.")
            fix = Message("Leave ", keyword("use_unique_file_name"), " of the row empty, or set it to false.")
            errors[offset].append(("use_unique_file_name", InvalidValue("unique_name", words, fix)))


def path_of(fields: Mapping[str, str]) -> str:
    """Return the library path of a file with these fields, if its name is fixed."""
    return _start(fields.get("folder")) + fields["fileName"]


@lru_cache(maxsize=1024)
def _start(folder: str | None) -> str:
    return _path([*folder_levels(folder or "/"), ""])


def _path(levels: list[str]) -> str:
    return "/" + "/".join(levels)


def _same_target(label: Any, path: str | None) -> InvalidValue:
    unique, existing = keyword("use_unique_file_name", True), keyword("on_existing")
    fix = Message("Give each row its own file name, or pass ", unique, " without ", existing, ".")
    return InvalidValue("same_target", f"Row {quoted(label)} already has the path {quoted(path)}.", fix)


def _named(names: list[Any], sources: list[Any], errors: RowErrors, *, has_path: bool) -> list[Any]:
    """Return the file names, those of the files where none is given [upload docs]; given names have no slash.

    `has_path`: names come from paths.
    """
    if cell_types(names) != {str} or "/" in "".join(names):
        names = errors.collect("file_name", map_distinct(_given_name, names))
    if NoneType not in cell_types(names):
        return names
    example = keyword(PATH, "/{sku}.jpg") if has_path else keyword("file_name", "{sku}.jpg")
    fix = Message("Pass a file name, such as ", example, ".")
    none = InvalidValue("missing_name", "The file has no name of its own, and none is given.", fix)
    own = [
        name if name is not None or source is None or errors.has(offset, "file_name", PATH) else source.name or none
        for offset, (name, source) in enumerate(zip(names, sources, strict=True))
    ]
    return errors.collect("file_name", own)


def _given_name(value: Any) -> Any:
    """Return a file name as text without a slash; a value that is not a name is found with those of the others."""
    if value is None:
        return None
    text = call_or_error(encode, "file_name", value)
    return value if isinstance(text, InvalidValue) else without_slash(text)


_BREAK = re.compile(r"\r\n|\r|\n")


def _as_browsers_send(column: list[Any], sources: list[Any]) -> list[Any]:
    """Return texts with the line ends that browsers send (HTML, FormData), for rows that a browser sends."""
    return [
        _BREAK.sub("\r\n", text) if text and source is not None and source.kind == "held" else text
        for text, source in zip(column, sources, strict=True)
    ]


def _fields(texts: Mapping[str, list[Any]]) -> Iterable[dict[str, str]]:
    """Return each row's fields, without empty texts."""
    wires, rows = tuple(texts), zip(*texts.values(), strict=True)
    if all(map(all, texts.values())):
        return map(dict, map(zip, repeat(wires), rows))
    return ({wire: text for wire, text in zip(wires, row, strict=True) if text} for row in rows)
