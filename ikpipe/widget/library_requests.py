"""Requests about files of an uploader's rows: read them by their ids, and delete them if they are what was uploaded."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from ikpipe.concurrency.interrupts import interruptible_sleep
from ikpipe.concurrency.rate import RateLimiter
from ikpipe.errors import Error
from ikpipe.frames.edits import Change
from ikpipe.request.account import Account
from ikpipe.request.policy import Policy
from ikpipe.request.result import Result
from ikpipe.run.existing.library_files import LibraryFiles
from ikpipe.run.existing.requests import PacedRequests
from ikpipe.run.existing.reverser import MOST_DELETED, FileReverser
from ikpipe.service.client import ServiceClient
from ikpipe.service.edits import log_deleted
from ikpipe.service.library import file_details, version_id

if TYPE_CHECKING:
    import httpx

REPLACED = "Somebody replaced this file after its upload, so it is not deleted. Delete it in the media library."
_NOT_KNOWN = "It is not known whether this file was deleted. Delete it again to check."


class Library(NamedTuple):
    """The account whose library is asked; `transport` is used instead of the network."""

    account: Account
    policy: Policy
    transport: httpx.AsyncBaseTransport | None = None

    async def read(self, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """Return the details of files by their ids, without those that are not there; raise `Error` if it fails."""
        async with self._connected() as (client, reads, _):
            return await self._read(client, reads, ids)

    async def delete(self, results: Sequence[Result]) -> dict[str, str | None]:
        """Delete files, and return by their ids why they were not deleted, or None.

        One that has another version than its result is not deleted: deleting removes all versions of a file.
        """
        outcomes: dict[str, str | None] = {}
        by_id = {result.file_id: result for result in results if result.file_id is not None}
        async with self._connected() as (client, reads, changes):
            reverser = FileReverser(reads, changes, self.policy)
            for start in range(0, len(by_id), MOST_DELETED):
                ids = [*by_id][start : start + MOST_DELETED]
                there = await self._read(client, reads, ids, by_id)
                outcomes |= {one: None if self._is_own(by_id[one], there.get(one)) else REPLACED for one in ids}
                deleted = await reverser.delete([one for one in ids if outcomes[one] is None])
                failed = [one for one, outcome in deleted.items() if outcome.change == "failed"]
                for one, outcome in deleted.items():
                    log_deleted(one, Change(*outcome), by_id[one].file_path)
                outcomes |= await self._why(client, {one: deleted[one].message for one in failed})
            reverser.close()
        return outcomes

    async def _why(self, client: ServiceClient, failed: Mapping[str, str | None]) -> dict[str, str | None]:
        """Return why files were not deleted, None for those that were: the answer to a request may have been lost."""
        outcomes: dict[str, str | None] = {}
        for one, message in failed.items():
            try:
                outcomes[one] = None if await file_details(client, self.account, one) is None else message or ""
            except Error:
                outcomes[one] = f"{message} {_NOT_KNOWN}"
        return outcomes

    async def _read(
        self,
        client: ServiceClient,
        reads: PacedRequests,
        ids: Sequence[str],
        results: Mapping[str, Result] | None = None,
    ) -> dict[str, Mapping[str, Any]]:
        """Return the details of files; those of files that searches show otherwise than results are read again."""
        library = LibraryFiles(reads, replace(self.policy, names="as_given"))
        try:
            files: dict[str, Mapping[str, Any]] = {**await library.with_ids(ids)}
        finally:
            library.close()
        for one, result in (results or {}).items():
            if one in files and not self._is_own(result, files[one]):
                files[one] = await file_details(client, self.account, one) or {}
        return files

    @staticmethod
    def _is_own(result: Result, file: Mapping[str, Any] | None) -> bool:
        """Whether a file has the version of a result; also if it is not there, or one of them has no version."""
        there = version_id(file or {})
        return there is None or result.version_id is None or there == result.version_id

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[tuple[ServiceClient, PacedRequests, PacedRequests]]:
        """Yield a client, and what sends requests that read and that change."""
        policy = self.policy
        async with ServiceClient(self.transport, policy=policy) as client:
            reads, changes = (
                PacedRequests(client, self.account, RateLimiter(rate), interruptible_sleep, policy.first_wait)
                for rate in (policy.look_ups, policy.changes)
            )
            yield client, reads, changes
