"""Rename and move files of the media library; no other file is replaced by that.

The API renames a file within its folder, and moves it to another folder under its name [spec]. A rename to a name that
is taken is rejected. A move is not: the file becomes the new version of the one that is there [docs]. So a path is
searched for before a file is moved to it, and no two files of a run use the same path at the same time. A file that
another client stores there within this moment, or that the search does not show yet, cannot be protected.

To rename and move a file takes two requests, and a path between them, which must be free as well. The rename is the
first, unless only the other order has a free path.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from ikpipe.errors import Error, quoted
from ikpipe.request.names import canonical_path
from ikpipe.request.policy import Policy
from ikpipe.run.existing.library_files import LibraryFiles
from ikpipe.run.existing.listed_files import request_at
from ikpipe.run.existing.requests import PacedRequests, StoppedError
from ikpipe.service.client import ApiError
from ikpipe.service.library import NOT_FOUND, details_path

_MOVE, _RENAME, _FOLDER = "/v1/files/move", "/v1/files/rename", "/v1/folder"
_WIDTH = 200  # characters of a path in a message


class TakenError(Error):
    """Another file has a path that a file would get."""


class HalfwayError(Error):
    """A file was renamed or moved only: it is at `path` now, and `reason` is the error of the other step."""

    def __init__(self, reason: Error, path: str) -> None:
        super().__init__(f"{reason.text} The file is at {quoted(path, _WIDTH)} now.", fix="Repeat the change.")
        self.reason, self.path = reason, path


class Relocator:
    """Renames and moves files. `reads` and `changes` send requests, `policy` is that of the run."""

    def __init__(self, reads: PacedRequests, changes: PacedRequests, policy: Policy) -> None:
        self._reads, self._changes, self._names = reads, changes, policy.names
        self._library = LibraryFiles(reads, replace(policy, names="as_given"))
        self._in_use: set[str] = set()
        self._released = asyncio.Condition()

    async def relocate(self, file: Mapping[str, Any], target: str) -> dict[str, Any]:
        """Move a file to a path in the library, unless it is there; return its details as they are then.

        The requests can be repeated: what an interrupted call has done is not done again. Raise `TakenError` if another
        file has the path, `HalfwayError` if the file is at neither path, `Error` if a request is rejected or gets no
        answer.
        """
        there = await self._details(file)
        source = _path(there)
        if is_same_path(source, target, self._names):
            return there
        paths = [target, _beside(source, target), _beside(target, source)]
        async with self._using(paths):
            steps = await self._steps(str(there["fileId"]), paths)
            for before, path in zip([source, *steps], steps, strict=False):
                try:
                    await self._step(there, before, path)
                except Error as error:
                    raise error if before == source else HalfwayError(error, before) from None
        try:
            return await self._details(there)
        except Error:  # which does not make the change a failure
            return {**there, "filePath": target}

    async def _steps(self, file_id: str, paths: Sequence[str]) -> list[str]:
        """Return the paths that the file gets one after the other."""
        found = await self._library.search([request_at(path) for path in paths])
        taken = {path for path, file in zip(paths, found, strict=True) if file and file.get("fileId") != file_id}
        target, renamed, moved = paths
        if target in taken:
            raise TakenError(f"There is a file at {quoted(target, _WIDTH)} already; it is not replaced.")
        if target in (renamed, moved):
            return [target]
        if between := [path for path in (renamed, moved) if path not in taken]:
            return [between[0], target]
        words = f"There are files at {quoted(renamed, _WIDTH)} and {quoted(moved, _WIDTH)}; one of these paths is "
        raise TakenError(f"{words}needed to rename and move the file.")

    async def _step(self, file: Mapping[str, Any], source: str, path: str) -> None:
        """Rename or move a file. An attempt that got no answer may have been carried out, and is rejected then."""
        try:
            await self._send(source, path)
        except StoppedError:
            raise
        except Error:
            if not is_same_path(_path(await self._details(file)), path, self._names):
                raise

    async def _send(self, source: str, path: str) -> None:
        """Rename a file, or move it to another folder, which is created if the service wants that."""
        (old_folder, _), (folder, name) = _parts(source), _parts(path)
        if folder == old_folder:
            await self._changes.send(_RENAME, content={"filePath": source, "newFileName": name}, method="PUT")
            return
        move = {"sourceFilePath": source, "destinationPath": folder}
        try:
            await self._changes.send(_MOVE, content=move)
        except ApiError as error:
            if error.status != NOT_FOUND or _reason(error) == "SOURCE_FILE_MISSING":
                raise
            parent, name = _parts(folder)
            await self._changes.send(_FOLDER, content={"folderName": name, "parentFolderPath": parent})
            await self._changes.send(_MOVE, content=move)

    async def _details(self, file: Mapping[str, Any]) -> dict[str, Any]:
        details = await self._reads.send(details_path(str(file["fileId"])))
        if not isinstance(details, dict) or not isinstance(details.get("filePath"), str):
            raise Error("The media API sent invalid details of a file.")
        return details

    @asynccontextmanager
    async def _using(self, paths: Sequence[str]) -> AsyncIterator[None]:
        """Wait until no other file uses these paths, and reserve them."""
        keys = {canonical_path(path, "as_given") for path in paths}
        async with self._released:
            await self._released.wait_for(lambda: not keys & self._in_use)
            self._in_use |= keys
        try:
            yield
        finally:
            async with self._released:
                self._in_use -= keys
                self._released.notify_all()


def is_same_path(path: str, other: str, names: str) -> bool:
    """Whether two paths are those of one file, in any Unicode form; `names` is that of `Policy`.

    With ``"stored"``, characters that the service may replace are not compared.
    """
    return canonical_path(path, names) == canonical_path(other, names)


def _reason(error: ApiError) -> Any:
    """Return the code in the service's answer [recorded]."""
    return error.answer.get("reason") if isinstance(error.answer, dict) else None


def _path(file: Mapping[str, Any]) -> str:
    return str(file["filePath"])


def _parts(path: str) -> tuple[str, str]:
    """Return the folder, ``/`` for the root, and the name of a path."""
    folder, _, name = path.rpartition("/")
    return folder or "/", name


def _beside(path: str, other: str) -> str:
    """Return the path with the folder of one path and the name of another."""
    return f"{path.rpartition('/')[0]}/{_parts(other)[1]}"
