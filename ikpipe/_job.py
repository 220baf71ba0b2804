"""One row → its job (fields and source), or its problems."""

from __future__ import annotations

from base64 import b32encode
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple

from ikpipe._errors import BadValue, Problem, shown
from ikpipe._metadata import Field, fit
from ikpipe._parameters import TABLE, encode, folder_levels, served_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ikpipe._frame import Row
    from ikpipe._source import Intake, Source


class Job(NamedTuple):
    """One row, ready to be signed and sent.

    `fields` are the form's texts under their wire names, all but the file and the token: what is signed is what
    is sent (seed). `own_name`: the name was made for this row, so that nobody else can have taken it.
    """

    label: Any
    position: int
    fields: dict[str, str]
    source: Source
    own_name: bool = False

    @property
    def target(self) -> str:
        """The path under which the service stores the file, if its name is fixed (seed: other characters are `_`)."""
        return path_of(self.fields)

    @property
    def stored_size(self) -> int | None:
        """The bytes that the stored file must have, where that is known; a pre-transformation stores another file."""
        return None if "transformation" in self.fields else self.source.size


class Planner:
    """Turns the rows of one run into jobs, and remembers their targets.

    Parameters
    ----------
    intake
        How files are read from cells.
    metadata_fields
        The account's custom metadata fields by name; None where nobody could be asked.
    run
        Makes the suffixes of unique names, with the row's position; None leaves these to the service.
    """

    def __init__(
        self, intake: Intake, metadata_fields: Mapping[str, Field] | None = None, run: str | None = None
    ) -> None:
        self._intake = intake
        self._run = run
        self._metadata_fields = metadata_fields
        self._targets: dict[tuple[str, ...], Any] = {}

    def jobs(self, rows: Iterable[Row], sent_as: Mapping[int, str] | None = None) -> list[Job | list[Problem]]:
        """Check rows and write their values for the wire; every problem of a row is found, not just the first.

        Parameters
        ----------
        rows
            What `Plan.rows` gives.
        sent_as
            Position → the name that an earlier run made for the row.
        """
        names = sent_as or {}
        return [self._job(row, names.get(row.position)) for row in rows]

    def _job(self, row: Row, sent_as: str | None) -> Job | list[Problem]:
        found = list(row.trouble)
        source = self._source(row, found)
        values = dict(row.values)
        if source is not None and not any(name == "file_name" for name, _ in found):
            _named(values, source, found)
        self._metadata(values, found)
        fields = _encoded(values, found)
        if not found:
            self._target(row.label, fields, found)
        if found or source is None:
            return [row.problem(parameter, bad) for parameter, bad in found]
        if self._run is None or fields.get("useUniqueFileName") == "false":
            return Job(row.label, row.position, fields, source)
        suffix = _suffix(self._run, row.position)
        # The result for the user is the same as the service's own unique name, but a second copy is impossible now.
        fields["fileName"] = sent_as or _with_suffix(fields["fileName"], suffix)
        fields["useUniqueFileName"] = fields["overwriteFile"] = "false"
        return Job(row.label, row.position, fields, source, own_name=True)

    def _source(self, row: Row, found: list[tuple[str, BadValue]]) -> Source | None:
        if any(parameter == "file" for parameter, _ in found):
            return None
        try:
            if "file" not in row.values:
                raise BadValue("missing_file", "the row names no file", "fill the cell, or drop the row")
            return self._intake.read(row.values["file"])
        except BadValue as bad:
            found.append(("file", BadValue(bad.code, f"file: {bad.message}", bad.fix)))
            return None

    def _metadata(self, values: dict[str, Any], found: list[tuple[str, BadValue]]) -> None:
        """Fit custom metadata to the account's fields, where these are known."""
        if self._metadata_fields is None or "custom_metadata" not in values:
            return
        fitted = {}
        for name, value in values["custom_metadata"].items():
            try:
                fitted[name] = fit(value, name, self._metadata_fields)
            except BadValue as bad:
                found.append((f"custom_metadata.{name}", bad))
        values["custom_metadata"] = fitted

    def _target(self, label: Any, fields: Mapping[str, str], found: list[tuple[str, BadValue]]) -> None:
        """See that no row of the run has this one's target (seed: it would be replaced)."""
        if fields.get("useUniqueFileName") != "false":
            return
        target = _target(fields)
        if target in self._targets:
            bad = BadValue(
                "same_target",
                f"file_name: the row {shown(self._targets[target])} is stored as {'/' + '/'.join(target)!r} already",
                "give each row its own file_name, or use_unique_file_name=True",
            )
            found.append(("file_name", bad))
        else:
            self._targets[target] = label

    def claim(self, path: str, label: Any) -> None:
        """Take a target that a row of an earlier run is stored under."""
        self._targets[tuple(folder_levels(path))] = label


def path_of(fields: Mapping[str, str]) -> str:
    """Give the path in the library under which these fields store a file, if their name is fixed."""
    return "/" + "/".join(_target(fields))


def _target(fields: Mapping[str, str]) -> tuple[str, ...]:
    return (*folder_levels(fields.get("folder", "/")), served_name(fields["fileName"]))


def _suffix(run: str, position: int) -> str:
    digest = blake2b(f"{run} {position}".encode(), digest_size=6).digest()
    return b32encode(digest).decode().rstrip("=").lower()


def _with_suffix(name: str, suffix: str) -> str:
    """Put the suffix before the ending, as the service does."""
    stem, dot, ending = name.rpartition(".")
    return f"{stem}_{suffix}.{ending}" if dot and stem else f"{name}_{suffix}"


def _named(values: dict[str, Any], source: Source, found: list[tuple[str, BadValue]]) -> None:
    """Take the file's own name where none is given; it must have one (seed)."""
    if source.name:
        values.setdefault("file_name", source.name)
    if "file_name" not in values:
        bad = BadValue("missing_name", "file_name: the file brings no name", "give file_name=, such as '{sku}.jpg'")
        found.append(("file_name", bad))


def _encoded(values: Mapping[str, Any], found: list[tuple[str, BadValue]]) -> dict[str, str]:
    """Write every value but the file under its wire name."""
    fields = {}
    for name, entry in TABLE.items():
        if name == "file" or name not in values:
            continue
        try:
            text = encode(name, values[name])
        except BadValue as bad:
            found.append((name, bad))
            continue
        if text:
            fields[entry.wire] = text
    return fields
