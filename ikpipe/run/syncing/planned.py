"""What a sync would do: with each row of the source, and with files that only the library has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ikpipe.errors import MappingError, quoted
from ikpipe.frames.plans import PlannedRow
from ikpipe.request.names import canonical_path
from ikpipe.request.planner import UploadRequest, path_of
from ikpipe.run.existing.known_files import version_number
from ikpipe.run.plan import DecidedRow
from ikpipe.run.syncing.guards import UNREAD, LibraryFile
from ikpipe.run.syncing.moves import Move, NewFile


@dataclass
class SyncPlan:
    """What a sync would do.

    `rows` are those of the source. `moves` are files of the library that get the path of a row, `going` those that
    would be deleted, of the `count` files of the folder. `unknown_targets` is the number of invalid rows for which
    nobody knows where they would be stored.
    """

    rows: list[DecidedRow]
    unknown_targets: int = 0
    moves: list[Move] = field(default_factory=list)
    going: list[LibraryFile] = field(default_factory=list)
    count: int = 0

    @property
    def new_files(self) -> list[NewFile]:
        """The rows without a file at their target."""
        return [
            NewFile(row.request.position, row.request, row.action.fingerprint)
            for row in self.rows
            if isinstance(row.request, UploadRequest) and row.planned.action == "upload"
        ]

    @property
    def unread(self) -> int:
        """The number of rows whose files cannot be read."""
        problems = (row.request for row in self.rows if not isinstance(row.request, UploadRequest))
        return sum(any(problem.code in UNREAD for problem in found) for found in problems)

    @property
    def valid(self) -> int:
        """The number of rows whose files can be sent."""
        return sum(isinstance(row.request, UploadRequest) for row in self.rows)

    def planned(self) -> list[PlannedRow]:
        """Return what would be done: with the rows, then with the files that would be deleted."""
        rows = [row.planned for row in self.rows]
        for (row, _, _), file in self.moves:
            number = version_number(file.details)
            rows[row] = PlannedRow(
                "move", rows[row].target, _moved(file), None, file.file_id, None if number < 0 else number
            )
        return [*rows, *map(_deleted, self.going)]


def _moved(file: LibraryFile) -> str:
    return f"{file.path} has this content, and nothing in the source is at that path any more."


def _deleted(file: LibraryFile) -> PlannedRow:
    number = version_number(file.details)
    reason = f"Nothing in the source is at {file.path}."
    return PlannedRow("delete", file.path, reason, None, file.file_id, None if number < 0 else number)


def targets_of(rows: Sequence[DecidedRow]) -> list[str | None]:
    """Return the library path of each row, also of an invalid one; None if it is not known."""
    values: dict[int, Mapping[str, list[Any]]] = {}
    targets: list[str | None] = []
    for row in rows:
        if isinstance(row.request, UploadRequest):
            targets.append(row.request.target)
        elif row.rows is None:
            targets.append(None)
        else:
            read = values.get(id(row.rows)) or values.setdefault(id(row.rows), row.rows.values())
            targets.append(_target(read, (row.request[0].position or 0) - row.rows.start))
    return targets


def _target(values: Mapping[str, list[Any]], offset: int) -> str | None:
    folder, name = (values[part][offset] if part in values else None for part in ("folder", "file_name"))
    if not isinstance(name, str) or "/" in name or not isinstance(folder, str | None):
        return None
    return path_of({"folder": folder or "/", "fileName": name})


def found_paths(rows: Sequence[DecidedRow]) -> Iterator[str]:
    """Yield the paths of the files that are at the targets of rows: names can differ in replaced characters."""
    for row in rows:
        if row.action.file is not None:
            yield str(row.action.file["filePath"])


def check_inside(rows: Sequence[DecidedRow], targets: Sequence[str | None], folder: str, names: str) -> None:
    """Check that no row would be stored outside of the sync's folder; raise `MappingError` if one would."""
    for row, target in zip(rows, targets, strict=True):
        if isinstance(row.request, UploadRequest) and target is not None:
            path = canonical_path(target, names)
            if not path.startswith(f"{folder}/"):
                words = f"Row {quoted(row.request.label)} would be stored at {path}, outside of the folder {folder}."
                raise MappingError(words, fix="Sync a folder that has all rows, or correct the row.")
