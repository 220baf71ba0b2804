"""Rows → a job each (fields and source), or its problems."""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import repeat, starmap
from types import NoneType
from typing import TYPE_CHECKING, Any, NamedTuple

from ikpipe.errors import InvalidValue, Problem, short_repr
from ikpipe.request.columns import call_or_error, cell_types, map_distinct
from ikpipe.request.metadata import MetadataField, fit
from ikpipe.request.names import place, same_after_replacing, sent, warning, without_slash
from ikpipe.request.parameters import BY_WIRE, TABLE, encode
from ikpipe.request.sources import FileSource
from ikpipe.request.suffixes import with_suffix
from ikpipe.request.targets import TargetRegistry
from ikpipe.request.values import encodable, folder_levels, to_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ikpipe.request.names import Names
    from ikpipe.request.rows import MappedRows
    from ikpipe.request.sources import FileResolver
    from ikpipe.request.suffixes import SuffixRule


class UploadRequest(NamedTuple):
    """One row, ready to be signed and sent.

    `fields` are the form's texts under their wire names, all but the file and the token: what is signed is what
    is sent (seed). `own_name`: the name was made for this row, so that nobody else can have taken it. `given` is its
    file name as given, where another is sent. `warnings` say what of the row is not sent as given.
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
        """The path to which the file is sent, if its name is fixed."""
        return path_of(self.fields)

    @property
    def given_target(self) -> str:
        """The path to which a version of ikpipe sent the file that replaced no characters, if its name is fixed."""
        return path_of(self.fields | ({} if self.given is None else {"fileName": self.given}))

    def as_begun(self, fields: Mapping[str, str] | None) -> UploadRequest:
        """Return the job with the very fields that were signed before, where these had no characters replaced yet."""
        if fields is None or fields == self.fields or not same_after_replacing(fields, self.fields):
            return self
        return self._replace(fields=dict(fields), given=None, warnings=())

    @property
    def stored_size(self) -> int | None:
        """The bytes that the stored file must have, where that is known; a pre-transformation stores another file."""
        return None if "transformation" in self.fields else self.source.size


class _Found(defaultdict[int, list[tuple[str, InvalidValue]]]):
    """What is wrong with some rows, as it is found: row, counted among these → parameters and what is wrong."""

    def __init__(self) -> None:
        super().__init__(list)

    def has(self, offset: int, parameter: str) -> bool:
        """Tell whether anything is wrong with a row's parameter."""
        return offset in self and any(name == parameter for name, _ in self[offset])

    def sift(self, parameter: str, column: list[Any]) -> list[Any]:
        """Take what is wrong out of a column."""
        if InvalidValue not in cell_types(column):
            return column
        for offset, one in enumerate(column):
            if isinstance(one, InvalidValue):
                unnamed = one.code == "unreadable_value" and not one.message.startswith(f"{parameter}: ")
                words = f"{parameter}: {one.message}" if unnamed else one.message
                self[offset].append((parameter, InvalidValue(one.code, words, one.fix, one.column)))
        return [None if isinstance(one, InvalidValue) else one for one in column]


class _Changes(dict[str, tuple[str, str]]):
    """Which of a row's texts are not sent as given: wire name → as given, as sent."""

    @property
    def given(self) -> dict[str, str]:
        """The texts as given."""
        return {wire: before for wire, (before, _) in self.items()}

    def warnings(self, rows: MappedRows, offset: int, *, sent_as: str | None) -> tuple[Problem, ...]:
        """Say so; a name that an earlier version of ikpipe made is sent as it was."""
        as_given = sent_as is not None and bool(sent("fileName", [sent_as]))
        told = {wire: both for wire, both in self.items() if wire != "fileName" or not as_given}
        return tuple(
            rows.problem(offset, BY_WIRE[wire], warning(wire, *both), "warning") for wire, both in told.items()
        )


class RequestBuilder:
    """Turns the rows of one run into jobs, and remembers their targets.

    Parameters
    ----------
    intake
        How files are read from cells.
    metadata_fields
        The account's custom metadata fields by name; None where nobody could be asked.
    suffixes
        Makes unique names unique; None leaves that to the service.
    label
        Gives the label of the row at a position, to name it in another row's problem; None: positions are labels.
    targets
        Those of rows of other tables, which are added to; None: there are none.
    names
        ``"stored"`` or ``"as_given"``, as `Policy` has it.
    """

    def __init__(
        self,
        intake: FileResolver,
        metadata_fields: Mapping[str, MetadataField] | None = None,
        suffixes: SuffixRule | None = None,
        label: Callable[[int], Any] = int,
        targets: TargetRegistry | None = None,
        names: Names = "stored",
    ) -> None:
        self.label = label
        self.names = names
        self._intake = intake
        self._suffixes = suffixes
        self._metadata_fields = metadata_fields
        self._targets = targets or TargetRegistry()

    def build(self, rows: MappedRows, sent_as: Mapping[int, str] | None = None) -> list[UploadRequest | list[Problem]]:
        """Check rows and write their values for the wire; every problem of a row is found, not just the first.

        Parameters
        ----------
        rows
            What `Plan.rows` gives.
        sent_as
            Position → the name that an earlier run made for the row.
        """
        found = _Found()
        values = {name: found.sift(name, column) for name, column in rows.values().items()}
        sources = self._sources(values.pop("file", [None] * len(rows)), found)
        values["file_name"] = _named(values.get("file_name", [None] * len(rows)), sources, found)
        if "custom_metadata" in values and self._metadata_fields is not None:
            values["custom_metadata"] = _fitted(values["custom_metadata"], self._metadata_fields, found)
        texts = {TABLE[name].wire: found.sift(name, _texts(name, values[name])) for name in TABLE if name in values}
        if self._intake.held is not None:
            texts = {wire: _as_browsers_send(column, sources) for wire, column in texts.items()}
        changes = self._changes(texts)
        self._take(rows, texts, found)
        ready = zip(rows.labels, rows.positions, _fields(texts), sources, strict=True)
        if self._suffixes is None and not found and not changes:
            return list(starmap(UploadRequest, ready))
        names = sent_as or {}
        return [
            self._outcome(rows, offset, row, changes.get(offset) or _Changes(), found.get(offset), names.get(row[1]))
            for offset, row in enumerate(ready)
        ]

    def _outcome(
        self,
        rows: MappedRows,
        offset: int,
        row: tuple[Any, int, dict[str, str], FileSource],
        change: _Changes,
        wrong: list[tuple[str, InvalidValue]] | None,
        sent_as: str | None,
    ) -> UploadRequest | list[Problem]:
        """Give a row's job, or its problems; with its warnings."""
        job = call_or_error(self._job, *row, change, sent_as) if wrong is None else wrong
        told = change.warnings(rows, offset, sent_as=sent_as)
        if isinstance(job, UploadRequest):
            return job._replace(warnings=told) if told else job
        bad = [("file_name", job)] if isinstance(job, InvalidValue) else job
        return [*(rows.problem(offset, *one) for one in bad), *told]

    def _changes(self, texts: dict[str, list[Any]]) -> dict[int, _Changes]:
        """Replace what the service may not keep, in names and folders; give what the rows concerned had."""
        found: dict[int, _Changes] = {}
        for wire, column in texts.items() if self.names == "stored" else ():
            if changed := sent(wire, column):
                texts[wire] = column[:]
            for offset, text in changed:
                found.setdefault(offset, _Changes())[wire] = column[offset], text
                texts[wire][offset] = text
        return found

    def _job(
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
        # The result for the user is the same as the service's own unique name, but a second copy is impossible now.
        # Suffixes derive from the row as given, so that runs that an earlier version began keep theirs; also where a
        # name is known, since rows like this one are counted.
        suffix = self._suffixes(position, fields | given, source)
        fields["fileName"] = sent_as or with_suffix(fields["fileName"], suffix)
        fields["useUniqueFileName"] = fields["overwriteFile"] = "false"
        return UploadRequest(label, position, fields, source, own_name=True)

    def _sources(self, files: list[Any], found: _Found) -> list[Any]:
        """Read the files' cells; a row that names none has a problem, unless it has one already."""
        sources: list[Any] = self._intake.read_all(files)
        if cell_types(sources) == {FileSource}:
            return sources
        for offset, one in enumerate(sources):
            if isinstance(one, InvalidValue):
                sources[offset] = InvalidValue(one.code, f"file: {one.message}", one.fix)
            elif one is None and not found.has(offset, "file"):
                words = "file: the row names no file"
                sources[offset] = InvalidValue("missing_file", words, "fill the cell, or drop the row")
        return found.sift("file", sources)

    def _take(self, rows: MappedRows, texts: Mapping[str, list[Any]], found: _Found) -> None:
        """See that no row of the run has another's target (seed: it would be replaced)."""
        flags = texts.get("useUniqueFileName", [])
        if "false" not in flags:
            return
        folders = map_distinct(_start, texts["folder"]) if "folder" in texts else repeat("/")
        paths = [
            folder + name if flag == "false" and offset not in found else None
            for offset, (flag, folder, name) in enumerate(zip(flags, folders, texts["fileName"], strict=False))
        ]
        for offset, position in self._targets.take(self._places(paths), rows.start).items():
            near = position in rows.positions
            label = rows.labels[position - rows.start] if near else self.label(position)
            found[offset].append(_twin(label, paths[offset]))

    def _places(self, paths: list[str | None]) -> list[str | None]:
        """Give what tells paths apart: their characters are as they are sent, their Unicode forms may differ."""
        if "".join(filter(None, paths)).isascii():
            return paths
        return [path and place(path, "as_given") for path in paths]

    def claim_all(self, paths: Iterable[str], positions: Iterable[int]) -> None:
        """Take the targets that rows of this run are stored under already, these by their positions."""
        self._targets.claim((place(_path(folder_levels(path)), self.names) for path in paths), positions)


def path_of(fields: Mapping[str, str]) -> str:
    """Give the path in the library to which these fields send a file, if their name is fixed."""
    return _start(fields.get("folder")) + fields["fileName"]


def _start(folder: str | None) -> str:
    return _path([*folder_levels(folder or "/"), ""])


def _path(levels: list[str]) -> str:
    return "/" + "/".join(levels)


def _twin(label: Any, path: str | None) -> tuple[str, InvalidValue]:
    words = f"file_name: the row {short_repr(label)} is stored as {path!r} already"
    return "file_name", InvalidValue(
        "same_target", words, "give each row its own file_name, or use_unique_file_name=True"
    )


def _named(names: list[Any], sources: list[Any], found: _Found) -> list[Any]:
    """Take the file's own name where none is given; it must have one (seed). A name that is given has no slash."""
    if cell_types(names) != {str} or "/" in "".join(names):
        names = found.sift("file_name", map_distinct(_given_name, names))
    if NoneType not in cell_types(names):
        return names
    none = InvalidValue("missing_name", "file_name: the file brings no name", "give file_name=, such as '{sku}.jpg'")
    own = [
        name if name is not None or source is None or found.has(offset, "file_name") else source.name or none
        for offset, (name, source) in enumerate(zip(names, sources, strict=True))
    ]
    return found.sift("file_name", own)


def _given_name(value: Any) -> str | None:
    return None if value is None else without_slash(encode("file_name", value))


def _fitted(column: list[Any], fields: Mapping[str, MetadataField], found: _Found) -> list[Any]:
    """Fit custom metadata to the account's fields."""

    def fitted(given: Mapping[str, Any] | None) -> tuple[dict[str, Any] | None, list[tuple[str, InvalidValue]]]:
        fits = {name: call_or_error(fit, value, name, fields) for name, value in (given or {}).items()}
        good = {name: one for name, one in fits.items() if not isinstance(one, InvalidValue)}
        bad = [(f"custom_metadata.{name}", one) for name, one in fits.items() if isinstance(one, InvalidValue)]
        return None if given is None else good, bad

    both = [
        (None, [("custom_metadata", one)]) if isinstance(one, InvalidValue) else one
        for one in map_distinct(fitted, column)
    ]
    for offset, (_, bad) in enumerate(both):
        if bad:
            found[offset].extend(bad)
    return [good for good, _ in both]


def _texts(name: str, column: list[Any]) -> list[Any]:
    """Write a parameter's values for the wire; what breaks its rule is a `InvalidValue`."""
    if TABLE[name].encode is to_text and cell_types(column) == {str} and encodable("".join(column)):
        return column
    return map_distinct(lambda value: None if value is None else encode(name, value), column)


_BREAK = re.compile(r"\r\n|\r|\n")


def _as_browsers_send(column: list[Any], sources: list[Any]) -> list[Any]:
    """End lines as a browser will, of the rows that one sends: what is signed is what arrives (HTML, FormData)."""
    return [
        _BREAK.sub("\r\n", text) if text and source is not None and source.kind == "held" else text
        for text, source in zip(column, sources, strict=True)
    ]


def _fields(texts: Mapping[str, list[Any]]) -> Iterable[dict[str, str]]:
    """Give each row's fields: what is empty is none."""
    wires, rows = tuple(texts), zip(*texts.values(), strict=True)
    if all(map(all, texts.values())):
        return map(dict, map(zip, repeat(wires), rows))
    return ({wire: text for wire, text in zip(wires, row, strict=True) if text} for row in rows)
