"""Carry out what `undo` does about files: look each up by its id, then delete it, restore a version or set details.

Each request can be repeated without harm: a deleted file is absent, restoring the current version changes nothing
[guess], and details are set to values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from ikpipe.errors import AccountError, Error
from ikpipe.request.policy import Policy
from ikpipe.run.existing.library_files import LibraryFiles
from ikpipe.run.existing.listed_files import request_at
from ikpipe.run.existing.relocation import Relocator
from ikpipe.run.existing.requests import PacedRequests, StoppedError
from ikpipe.run.existing.reversal import Reversal, RunFile, needs_versions, reverse, set_back_reversal
from ikpipe.run.existing.updates import update_details
from ikpipe.service.client import ApiError
from ikpipe.service.library import FILES, NOT_FOUND, details_path, page_of, version_path, versions_path

_DELETE = f"{FILES}/batch/deleteByFileIds"
MOST_DELETED = 100  # files in one request [spec]


class Outcome(NamedTuple):
    """What became of a file: ``done``, ``left``, ``absent``, ``none``, ``failed`` or ``cancelled``; and why."""

    change: str
    message: str | None = None


class FileReverser:
    """Reverts what runs did to files. `reads` and `changes` send requests, `policy` is that of the caller."""

    def __init__(self, reads: PacedRequests, changes: PacedRequests, policy: Policy) -> None:
        self._reads, self._changes = reads, changes
        self._relocator = Relocator(reads, changes, policy)
        self._library = LibraryFiles(reads, replace(policy, names="as_given"))

    def close(self) -> None:
        """Delete what was listed."""
        self._library.close()

    async def listed(self, files: Sequence[RunFile]) -> dict[str, Mapping[str, Any]]:
        """Return the details of files by their ids, from listings, as far as they are where the run left them.

        Listings take few requests. They can be late, so they are for plans alone.
        """
        paths = {path for file in files if file.stored is not None and (path := file.stored.path) is not None}
        try:
            found = await self._library.at([request_at(path) for path in sorted(paths)])
        except AccountError:
            raise
        except Error:  # each file is asked for
            return {}
        return {str(file["fileId"]): file for file in found if file is not None and "fileId" in file}

    async def look(self, run_file: RunFile, listed: Mapping[str, Any] | None = None) -> Reversal:
        """Return what to do about a file, given what the library has; raise `Error` if it cannot be read.

        `listed` has its details, if they need not be those of this moment.
        """
        try:
            file = listed or await self._reads.send(details_path(run_file.file_id))
            versions: list[dict[str, Any]] = []
            if _checked(file) and needs_versions(run_file, file):
                versions = page_of(await self._reads.send(versions_path(run_file.file_id)))
        except ApiError as error:
            if error.status != NOT_FOUND:
                raise
            file = None
        return reverse(run_file, file, versions if file is not None else [])

    async def delete(self, file_ids: Sequence[str]) -> dict[str, Outcome]:
        """Delete files, at most `MOST_DELETED`; return what became of each.

        The service deletes all of them or none, and names those that are not there: they were deleted meanwhile, by a
        request without an answer or by somebody else.
        """
        left = list(file_ids)
        while left:
            try:
                await self._changes.send(_DELETE, content={"fileIds": left})
            except ApiError as error:
                absent = _absent(error, left)
                if not absent:
                    return dict.fromkeys(file_ids, Outcome("done")) | dict.fromkeys(left, _failed(error))
                left = [one for one in left if one not in absent]
            except (StoppedError, AccountError):
                raise
            except Error as error:
                return dict.fromkeys(file_ids, Outcome("done")) | dict.fromkeys(left, _failed(error))
            else:
                break
        return dict.fromkeys(file_ids, Outcome("done"))

    async def carry_out(self, file_id: str, reversal: Reversal, record: Callable[[Reversal], None]) -> Outcome:
        """Restore a version or set back details, and return what became of the file.

        `record` keeps the details that the file is to have, before a version is restored. Raise `StoppedError` if the
        caller stops.
        """
        try:
            if reversal.kind == "restore":
                return await self._restore(file_id, reversal, record)
            if reversal.kind == "details":
                return await self._set_back(file_id, reversal)
        except (StoppedError, AccountError):
            raise
        except ApiError as error:
            if error.status == NOT_FOUND:
                return Outcome("left", "The file, or its version, was deleted meanwhile.")
            return _failed(error)
        except Error as error:
            return _failed(error)
        return Outcome(reversal.kind, reversal.message)

    async def _restore(self, file_id: str, reversal: Reversal, record: Callable[[Reversal], None]) -> Outcome:
        record(reversal)
        path = f"{version_path(file_id, str(reversal.version))}/restore"
        file = await self._changes.send(path, method="PUT")
        if reversal.before is None or not _checked(file):
            return Outcome("done", reversal.message)
        details = set_back_reversal(reversal.before, reversal.ours, file)
        if details.kind == "none":
            return Outcome("done", reversal.message)
        if details.kind == "left":
            return Outcome("failed", f"{reversal.message} {details.message}")
        there = await self._set_back(file_id, details)
        return there._replace(message=f"{reversal.message} {there.message}")

    async def _set_back(self, file_id: str, reversal: Reversal) -> Outcome:
        file: Mapping[str, Any] = {"fileId": file_id}
        if reversal.path is not None:
            file = await self._relocator.relocate(file, reversal.path)
        await update_details(self._changes, file, reversal.changes)
        return Outcome("failed" if reversal.partial else "done", reversal.message)


def _checked(file: object) -> bool:
    """Return True for details of a file; raise `Error` for anything else."""
    if not isinstance(file, dict):
        raise Error("The media API sent invalid details of a file.")
    return True


def _absent(error: ApiError, files: Sequence[str]) -> list[str]:
    """Return the files that a 404 reports as missing; a response that names none is about a single file."""
    if error.status != NOT_FOUND:
        return []
    missing = error.answer.get("missingFileIds") if isinstance(error.answer, dict) else None
    named = [file for file in files if isinstance(missing, list) and file in missing]
    return named or (list(files) if len(files) == 1 else [])


def _failed(error: Error) -> Outcome:
    return Outcome("failed", error.text)
