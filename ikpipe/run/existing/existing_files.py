"""The files at the targets of a run's rows: decide what each row does about it, and remember what was stored."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from ikpipe.errors import AccountError, Error
from ikpipe.request.names import canonical_path
from ikpipe.request.planner import UploadRequest
from ikpipe.request.policy import Policy
from ikpipe.request.result import Result
from ikpipe.run.existing.decision import SENT, Action, decide, is_same_file, same_content
from ikpipe.run.existing.duplicates import content_key
from ikpipe.run.existing.fingerprints import UNKNOWN, Fingerprint, FingerprintReader, parameters_hash
from ikpipe.run.existing.known_files import KnownFile, SentFile, version_number
from ikpipe.run.existing.library_files import LibraryFiles, SharedListings
from ikpipe.run.existing.listed_files import request_at
from ikpipe.run.existing.requests import PacedRequests, StoppedError
from ikpipe.run.existing.rules import ExistingRules
from ikpipe.run.existing.state import ContentState
from ikpipe.run.existing.updates import update_details
from ikpipe.service.library import as_existing

_log = logging.getLogger("ikpipe.run")
_CONFIRMED = ("replace", "update", "error")
"""Actions for which an old listing is not enough."""
_LOOK_AGAIN = 2.0  # seconds between two searches for a file that the service says is there


class ExistingFiles:
    """Decides what the rows of a run do about the files that are there.

    Parameters
    ----------
    rules
        What the caller wants.
    reads, changes
        Send requests that read the library, and that change it; None without a private key. Then nothing is listed:
        every target counts as new, which the service checks.
    policy
        That of the run.
    state
        What is known of the files that ikpipe stored; None if the content of rows does not matter.
    fingerprints
        What identifies the content of rows; None as for `state`.
    sleep
        Waits, and returns whether to continue.
    rows
        The number of the run's rows; None if it is not known.
    looks
        Whether the files at the targets of rows are read although the rules do not need them.
    shared
        Listings of the library that parts of a table share.
    within
        As for `LibraryFiles`.
    """

    def __init__(
        self,
        rules: ExistingRules,
        reads: PacedRequests | None,
        changes: PacedRequests | None,
        policy: Policy,
        state: ContentState | None,
        fingerprints: FingerprintReader | None,
        sleep: Callable[[float], Awaitable[bool]],
        rows: int | None = None,
        *,
        looks: bool = False,
        shared: SharedListings | None = None,
        within: str | None = None,
        service_time: Callable[[float], float] = float,
    ) -> None:
        self.rules, self._service_time = rules, service_time
        self._looks, self._plans = looks or rules.decides, looks
        self._library = None if reads is None else LibraryFiles(reads, policy, rows, shared, within)
        self._changes, self._policy, self._sleep = changes, policy, sleep
        self._state, self._fingerprints = state, fingerprints
        self._unsent: dict[str, SentFile] = {}  # recorded as about to be sent, by path

    @property
    def _syncs(self) -> bool:
        return self.rules.on_existing == "sync"

    async def close(self) -> None:
        """Delete what was listed, and write what is to be remembered."""
        if self._library is not None:
            self._library.close()
        if self._state is not None:
            if self._unsent:
                await self._state.sending([file.withdrawn() for file in self._unsent.values()])
            await self._state.close()

    async def decide(self, requests: Sequence[UploadRequest], cells: Sequence[Any] | None = None) -> list[Action]:
        """Return what each row does.

        `cells` are as for `FingerprintReader.read`. Raise `Error` if the library cannot be read; for ``skip`` and
        ``error``, unless this is a plan, the targets count as new then, which the service checks.
        """
        fingerprints = [UNKNOWN] * len(requests)
        if self._fingerprints is not None:
            fingerprints = await self._fingerprints.read(requests, cells)
        actions = await self._actions(requests, fingerprints)
        if old := [at for at, action in enumerate(actions) if self._is_old(requests[at], action)]:
            again = await self._actions([requests[at] for at in old], [fingerprints[at] for at in old], search=True)
            for at, action in zip(old, again, strict=True):
                actions[at] = action
        return await self._with_shared(requests, actions) if self.rules.dedupe else actions

    async def _actions(
        self, requests: Sequence[UploadRequest], fingerprints: Sequence[Fingerprint], *, search: bool = False
    ) -> list[Action]:
        """Return what each row does about the file at its target; `search`: for each file, whatever is listed."""
        files = await self._files_at(requests, search=search)
        known = await self._known(requests, files)
        return [
            self._action(request, file, fingerprint, record)
            for request, file, fingerprint, record in zip(requests, files, fingerprints, known, strict=True)
        ]

    def _is_old(self, request: UploadRequest, action: Action) -> bool:
        """Whether a row is about to be sent or refused because of details that can be older than this part of a table.

        A part that is repeated, after a worker was lost, has stored its files meanwhile.
        """
        return action.kind in _CONFIRMED and self._library is not None and self._library.is_old(request)

    async def _files_at(
        self, requests: Sequence[UploadRequest], *, search: bool = False
    ) -> Sequence[Mapping[str, Any] | None]:
        """Return the files at the targets of rows, as far as they matter."""
        nothing: list[Mapping[str, Any] | None] = [None] * len(requests)
        fixed = [one for one in requests if one.fields.get("useUniqueFileName") == "false"]
        if self._library is None or not self._looks or not fixed:
            return nothing
        find = self._library.search if search else self._library.at
        try:
            found = dict(zip(map(id, fixed), await find(fixed), strict=True))
            return [found.get(id(one)) for one in requests]
        except (AccountError, StoppedError):
            raise
        except Error as error:
            if self._syncs or self._plans:  # a plan for an empty library would be a wrong one
                raise
            _log.warning("The media library could not be read, so that existing files are found late: %s", error.text)
            return nothing

    async def _known(
        self, requests: Sequence[UploadRequest], files: Sequence[Mapping[str, Any] | None]
    ) -> list[KnownFile | None]:
        """Return what is known of the files at the targets of rows."""
        if self._state is None or not self._syncs:
            return [None] * len(requests)
        paths = [self._path(request) for request in requests]
        there = {path: file for path, file in zip(paths, files, strict=True) if file is not None}
        known = await self._state.known(there)
        return [known.get(path) for path in paths]

    def _action(
        self,
        request: UploadRequest,
        file: Mapping[str, Any] | None,
        fingerprint: Fingerprint,
        known: KnownFile | None,
    ) -> Action:
        content = None
        if file is not None and self._syncs:
            content = same_content(request.stored_size, fingerprint, file, known)
        return decide(request, file, content, self.rules.on_existing)._replace(fingerprint=fingerprint)

    async def _with_shared(self, requests: Sequence[UploadRequest], actions: Sequence[Action]) -> list[Action]:
        """Return actions in which rows whose content an earlier run stored share its file."""
        keys = {
            at: key
            for at, (request, action) in enumerate(zip(requests, actions, strict=True))
            if action.kind in SENT and (key := content_key(request, action.fingerprint)) is not None
        }
        if self._state is None or self._library is None or not keys:
            return [*actions]
        known = await self._state.same_content(list(dict.fromkeys(keys.values())))
        paths = {file.path: file for file in known.values()}
        files = dict(zip(paths, await self._library.search(list(map(request_at, paths))), strict=True))
        shared = [*actions]
        for at, key in keys.items():
            record = known.get(key)
            file = None if record is None else files[record.path]
            if record is not None and file is not None and is_same_file(record, file):
                words = f"A file with the same content and parameters is there already: {record.path}"
                shared[at] = actions[at]._replace(kind="duplicate", reason=words, file=file)
        return shared

    def _path(self, request: UploadRequest) -> str:
        return canonical_path(request.target, self._policy.names)

    def as_sent(self, request: UploadRequest, action: Action) -> UploadRequest:
        """Return a row's request with what the state keeps in the library."""
        if self._state is None:
            return request
        fields = self._state.sent_with(request.fields, action.fingerprint, action.file)
        return request if fields is request.fields else request._replace(fields=fields)

    async def sending(self, requests: Sequence[tuple[UploadRequest, Action]]) -> None:
        """Record durably which of some rows are about to be sent, so that the next run recognizes their files."""
        if self._state is None:
            return
        now = self._service_time(time.time())
        files = [
            SentFile(
                self._path(request),
                str(action.fingerprint),
                version_number(action.file) + 1,
                request.stored_size,
                now,
                parameters_hash(request.fields),
            )
            for request, action in requests
            if action.kind in SENT and action.fingerprint.kind and request.fields.get("useUniqueFileName") == "false"
        ]
        self._unsent |= {file.path: file for file in files}
        await self._state.sending(files)

    def may_be_stored(self, request: UploadRequest) -> None:
        """Note that a row was sent, and may be stored now or later."""
        self._unsent.pop(self._path(request), None)

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
                return self._action(request, file, before.fingerprint, (await self._known([request], [file]))[0])
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

    async def remember(self, request: UploadRequest, result: Result, fingerprint: Fingerprint) -> None:
        """Remember a file that was stored, with the fingerprint of its content."""
        self.may_be_stored(request)
        if self._state is not None and fingerprint.kind and result.file_id is not None:
            path, parameters = result.file_path or self._path(request), parameters_hash(request.fields)
            known = KnownFile(
                canonical_path(path, self._policy.names),
                str(fingerprint),
                result.file_id,
                result.version_id,
                result.size,
                parameters,
            )
            await self._state.remember([known])
