"""Delete files of the library by their ids, in batches."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ikpipe.errors import AccountError, Error
from ikpipe.frames.edits import Change
from ikpipe.journal.entries import RowBefore
from ikpipe.run.existing.known_files import DELETED, details_before
from ikpipe.run.existing.requests import PacedRequests, StoppedError
from ikpipe.run.syncing.guards import LibraryFile
from ikpipe.service.edits import DELETION, MAX_DELETED, change_files, log_deleted


def deletion_entries(files: Sequence[LibraryFile], rows: int) -> list[RowBefore]:
    """Return what a journal has of files before they are deleted: after the `rows` of its table, one for each."""
    return [
        RowBefore(at, file.file_id, file.version, json.dumps(details_before(file.details)), json.dumps(DELETED))
        for at, file in enumerate(files, rows)
    ]


async def delete_files(files: Sequence[LibraryFile], changes: PacedRequests) -> dict[str, Change]:
    """Delete files, and return what became of each, by its id. Raise `AccountError` if the key is rejected."""

    async def send(content: Mapping[str, Any]) -> Any:
        """Return the response to a deletion, or its error."""
        try:
            return await changes.send(DELETION, content=content)
        except AccountError:
            raise
        except StoppedError:
            return Change("cancelled", "The run was stopped.")
        except Error as error:
            return error

    changes_of: dict[str, Change] = {}
    ids = [file.file_id for file in files]
    for start in range(0, len(ids), MAX_DELETED):
        changes_of |= await change_files(send, ids[start : start + MAX_DELETED], {})
        for file in files[start : start + MAX_DELETED]:
            log_deleted(file.file_id, changes_of[file.file_id], file.path)
    return changes_of
