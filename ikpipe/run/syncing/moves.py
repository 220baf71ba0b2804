"""Files of a source that were renamed or moved: find theirs in the library, and rename or move these."""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from ikpipe.concurrency.interrupts import run_limited
from ikpipe.errors import AccountError, Error
from ikpipe.errors.logs import log_event
from ikpipe.frames.edits import Change
from ikpipe.journal.entries import RowBefore
from ikpipe.request.names import canonical_path
from ikpipe.request.planner import UploadRequest
from ikpipe.run.existing.decision import is_same_file
from ikpipe.run.existing.fingerprints import Fingerprint, parameters_hash
from ikpipe.run.existing.known_files import KnownFile, details_before
from ikpipe.run.existing.relocation import Relocator
from ikpipe.run.existing.requests import StoppedError
from ikpipe.run.existing.state import ContentState
from ikpipe.run.syncing.guards import LibraryFile

_log = logging.getLogger("ikpipe.run")

_AT_ONCE = 4  # files; the rate of changes is the limit


class NewFile(NamedTuple):
    """A row without a file at its target."""

    position: int
    request: UploadRequest
    fingerprint: Fingerprint


class Move(NamedTuple):
    """A row whose file is in the library at another path."""

    row: NewFile
    file: LibraryFile


async def find_moves(
    rows: Sequence[NewFile], files: Sequence[LibraryFile], state: ContentState, names: str
) -> list[Move]:
    """Return the rows whose content one of some files of the library has; no row has that file's path any more.

    A file only counts if ikpipe stored it, and nobody changed it since. `names` is that of `Policy`.
    """
    rows = [row for row in rows if row.fingerprint.kind == "sha256" and "transformation" not in row.request.fields]
    if not rows or not files:
        return []
    by_path = {canonical_path(file.path, names): file for file in files}
    known = await state.known({path: file.details for path, file in by_path.items()})
    contents: defaultdict[str, list[LibraryFile]] = defaultdict(list)
    for path, record in known.items():
        if is_same_file(record, by_path[path].details):
            contents[record.fingerprint].append(by_path[path])
    return list(_pairs(rows, contents))


def _pairs(rows: Sequence[NewFile], contents: dict[str, list[LibraryFile]]) -> Iterable[Move]:
    """Yield each row with a file of its content: one with its name, else one in its folder, else any other."""
    left = [*rows]
    for same in (_same_name, _same_folder, lambda _row, _file: True):
        for row in [*left]:
            files = contents.get(str(row.fingerprint), [])
            fitting = (one for one in files if one.details.get("size") == row.fingerprint.size and same(row, one))
            if (file := next(fitting, None)) is not None:
                files.remove(file)
                left.remove(row)
                yield Move(row, file)


def _same_name(row: NewFile, file: LibraryFile) -> bool:
    return row.request.target.rpartition("/")[2] == file.path.rpartition("/")[2]


def _same_folder(row: NewFile, file: LibraryFile) -> bool:
    return row.request.target.rpartition("/")[0] == file.path.rpartition("/")[0]


async def remember_moves(moves: Sequence[Move], state: ContentState, names: str) -> None:
    """Record what will be at the paths of the moves, and between them: one that is interrupted is recognized then."""
    records = []
    for row, file in moves:
        (folder, _, name), (old_folder, _, old_name) = row.request.target.rpartition("/"), file.path.rpartition("/")
        size, parameters = file.details.get("size"), parameters_hash(row.request.fields)
        records += [
            KnownFile(canonical_path(path, names), str(row.fingerprint), file.file_id, file.version, size, parameters)
            for path in (row.request.target, f"{old_folder}/{name}", f"{folder}/{old_name}")
        ]
    await state.remember(records)


def move_entry(move: Move) -> RowBefore:
    """Return what a journal has of a file before it is moved."""
    row, file = move
    before, changes = json.dumps(details_before(file.details)), json.dumps({"filePath": row.request.target})
    return RowBefore(row.position, file.file_id, file.version, before, changes)


async def carry_out(moves: Sequence[Move], relocator: Relocator, stopped: Callable[[], bool]) -> dict[int, Change]:
    """Move files; return what became of each, by the row's position. One that fails is uploaded later.

    `stopped` tells whether no further file is to be moved.
    """
    changes: dict[int, Change] = {}

    async def move(one: Move) -> None:
        """Move one file."""
        try:
            if stopped():
                raise StoppedError("")
            await relocator.relocate(one.file.details, one.row.request.target)
            changes[one.row.position] = Change("done")
        except AccountError:
            raise
        except StoppedError:
            changes[one.row.position] = Change("cancelled", "The run was stopped.")
        except Error as error:
            changes[one.row.position] = Change("failed", error.text)
        change, paths = changes[one.row.position], {"path": one.file.path, "to": one.row.request.target}
        words = "%s is moved to %s: %s" if change.change == "done" else "%s is not moved to %s: %s"
        why = change.message or change.change
        log_event(_log, "moved", words, *paths.values(), why, **paths, outcome=change.change)

    await run_limited(moves, move, _AT_ONCE)
    return changes
