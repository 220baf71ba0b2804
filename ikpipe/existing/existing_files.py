"""The files at the targets of a run's rows: decide what each row does about it, and remember what was stored."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from ikpipe.errors import AccountError, Error
from ikpipe.existing.decision import Action, OnExisting, decide, same_content
from ikpipe.existing.fingerprints import Fingerprint, FingerprintReader
from ikpipe.existing.library_files import LibraryFiles
from ikpipe.existing.requests import PacedRequests, StoppedError
from ikpipe.existing.state import ContentState, KnownFile
from ikpipe.existing.updates import update_details
from ikpipe.request.names import canonical_path
from ikpipe.request.planner import UploadRequest
from ikpipe.request.policy import Policy
from ikpipe.request.result import Result
from ikpipe.service.library import as_existing

_log = logging.getLogger("ikpipe")
_LOOK_AGAIN = 2.0  # seconds between two searches for a file that the service says is there


class ExistingFiles:
    """Decides what the rows of a run do about the files at their targets.

    Parameters
    ----------
    on_existing
        The mode.
    reads, changes
        Send requests that read the library, and that change it; None without a private key. Then nothing is listed:
        every target counts as new, which the service checks.
    policy
        That of the run.
    fingerprints, state
        What identifies the content of rows, and what is known of the files that ikpipe stored.
    sleep
        Waits, and returns whether to continue.
    rows
        The number of the run's rows; None if it is not known.
    """

    def __init__(
        self,
        on_existing: OnExisting,
        reads: PacedRequests | None,
        changes: PacedRequests | None,
        policy: Policy,
        fingerprints: FingerprintReader,
        state: ContentState,
        sleep: Callable[[float], Awaitable[bool]],
        rows: int | None = None,
    ) -> None:
        self.on_existing: OnExisting = on_existing
        self._library = None if reads is None else LibraryFiles(reads, policy, rows)
        self._changes, self._policy, self._sleep = changes, policy, sleep
        self._fingerprints, self._state = fingerprints, state

    @property
    def _syncs(self) -> bool:
        return self.on_existing == "sync"

    async def close(self) -> None:
        """Delete what was listed, and write what is to be remembered."""
        if self._library is not None:
            self._library.close()
        await self._state.close()

    async def decide(self, requests: Sequence[UploadRequest], cells: Sequence[Any] | None = None) -> list[Action]:
        """Return what each row does about the file at its target.

        `cells` are as for `FingerprintReader.read`. Raise `Error` if the library cannot be read; for ``skip`` and
        ``error``, the targets count as new then, which the service checks.
        """
        if self._library is None:
            return await self._actions(requests, [None] * len(requests), cells)
        try:
            files = await self._library.at(requests)
        except (AccountError, StoppedError):
            raise
        except Error as error:
            if self._syncs:
                raise
            _log.warning("The media library could not be read, so that existing files are found late: %s", error.text)
            files = [None] * len(requests)
        return await self._actions(requests, files, cells)

    async def _actions(
        self,
        requests: Sequence[UploadRequest],
        files: Sequence[Mapping[str, Any] | None],
        cells: Sequence[Any] | None,
    ) -> list[Action]:
        """Return what each row does about a file."""
        if not self._syncs:
            return [decide(one, file, None, self.on_existing) for one, file in zip(requests, files, strict=True)]
        fingerprints = await self._fingerprints.read(requests, cells)
        paths = [self._path(request) for request, file in zip(requests, files, strict=True) if file is not None]
        known = await self._state.known(paths)
        return [
            self._synced(request, file, fingerprint, known)
            for request, file, fingerprint in zip(requests, files, fingerprints, strict=True)
        ]

    def _synced(
        self,
        request: UploadRequest,
        file: Mapping[str, Any] | None,
        fingerprint: Fingerprint | None,
        known: Mapping[str, KnownFile],
    ) -> Action:
        content = None
        if file is not None:
            content = same_content(request.stored_size, fingerprint, file, known.get(self._path(request)))
        return decide(request, file, content, self.on_existing)._replace(fingerprint=fingerprint)

    def _path(self, request: UploadRequest) -> str:
        return canonical_path(request.target, self._policy.names)

    async def decide_again(self, request: UploadRequest, before: Action) -> Action | None:
        """Return what a row does whose target was believed to be free, and is not; None if nobody can tell.

        The file may appear in a search late. `before` is what was decided first.
        """
        if self._library is None:
            return None
        until = time.monotonic() + self._policy.index_lag
        while True:
            try:
                file = (await self._library.search([request]))[0]
            except AccountError:
                raise
            except Error:
                return None
            if file is not None:
                known = await self._state.known([self._path(request)]) if self._syncs else {}
                return self._synced(request, file, before.fingerprint, known)
            left = until - time.monotonic()
            if left <= 0 or not await self._sleep(min(left, _LOOK_AGAIN)):
                return None

    async def update(self, action: Action) -> Result:
        """Change the details of a row's file, and return them as the row's result.

        Raise `Error` if that fails.
        """
        assert action.file is not None  # noqa: S101 - for mypy
        assert self._changes is not None  # noqa: S101 - for mypy
        return as_existing(await update_details(self._changes, action.file, action.changes), "updated")

    async def remember(self, request: UploadRequest, result: Result, fingerprint: Fingerprint | None) -> None:
        """Remember a file that was stored, with the fingerprint of its content."""
        if fingerprint is not None and result.file_id is not None:
            path = self._path(request)
            known = KnownFile(path, str(fingerprint), result.file_id, result.version_id, result.size)
            await self._state.remember([known])
