"""One sync: plan it, move files of the library, upload, and at last delete."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ikpipe.concurrency.interrupts import CURRENT_CONTROL, RunControl
from ikpipe.concurrency.rate import RateLimiter
from ikpipe.errors import Error, MappingError
from ikpipe.frames.chunks import InMemoryTable
from ikpipe.frames.edits import Change
from ikpipe.frames.syncs import SyncedRow, synced_frame, with_known_results
from ikpipe.journal.catalog import SYNC
from ikpipe.journal.entries import RunJournal
from ikpipe.request.names import canonical_path
from ikpipe.request.policy import Policy
from ikpipe.request.result import CANCELLED, Result
from ikpipe.run import engine
from ikpipe.run.existing.library_tree import list_tree
from ikpipe.run.existing.relocation import Relocator
from ikpipe.run.existing.requests import PacedRequests
from ikpipe.run.existing.state import ContentState, open_state
from ikpipe.run.job import UploadJob
from ikpipe.run.plan import DecidedRow, Planner
from ikpipe.run.summaries import SummaryRecorder
from ikpipe.run.syncing.deletions import delete_files, deletion_entries
from ikpipe.run.syncing.guards import UNREAD, LibraryFile, SyncScope, obstacle
from ikpipe.run.syncing.moves import carry_out, find_moves, move_entry, remember_moves
from ikpipe.run.syncing.patterns import PathFilter
from ikpipe.run.syncing.planned import SyncPlan, check_inside, found_paths, targets_of
from ikpipe.run.syncing.sources import Source
from ikpipe.service.client import ServiceClient
from ikpipe.service.library import as_existing

if TYPE_CHECKING:
    import pandas as pd

    from ikpipe.request.account import Account

_log = logging.getLogger("ikpipe.run")
NONE = Change("none")


class SyncOptions(NamedTuple):
    """What a sync is about: the keywords of `ikpipe.sync`.

    `chosen` are the patterns for paths of the library, and `report` records its summary.
    """

    folder: str
    delete: bool | str
    chosen: PathFilter
    journal: str | Path | None
    report: SummaryRecorder | None = None


class FolderSync:
    """One sync.

    `source` has the rows, `mapping` and `sending` are as `split_keywords` returns them.
    """

    def __init__(
        self, source: Source, account: Account, mapping: dict[str, Any], sending: dict[str, Any], options: SyncOptions
    ) -> None:
        self.source, self.mapping, self.options = source, mapping, options
        self._account, self._sending = account, sending
        self._policy: Policy = sending["policy"]
        self._control = CURRENT_CONTROL.get() or RunControl()
        # The root is empty, so that all other paths start with a folder and a slash.
        given = f"/{options.folder.strip('/')}/x"
        self.folder = canonical_path(given, self._policy.names).rpartition("/")[0].rstrip("/")
        self._scope = SyncScope(self.folder, self._policy.names, options.chosen)

    def check_source(self) -> None:
        """Check that a folder could be read at all; raise `MappingError` if it could not."""
        scan = self.source.scan
        if scan is not None and scan.errors and not scan.files:
            raise MappingError(scan.errors[0], fix="Check the path and its permissions.")

    # Requests

    def _client(self) -> ServiceClient:
        names = ("transport", "timeout", "policy", "fetch_hosts")
        client = ServiceClient(**{name: self._sending[name] for name in names if name in self._sending})
        client.sleep = self._control.sleep
        self.source.prepare(client)
        return client

    def _requests(self, client: ServiceClient, rate: float) -> PacedRequests:
        return PacedRequests(client, self._account, RateLimiter(rate), self._control.sleep, self._policy.first_wait)

    @asynccontextmanager
    async def _state(self, client: ServiceClient) -> AsyncIterator[ContentState]:
        state = await open_state(self._sending.get("state"), self._account, client, dry_run=True)
        try:
            yield state
        finally:
            await state.close()

    # Plan

    async def plan(self) -> SyncPlan:
        """Return what the sync would do.

        Raise as `ikpipe.plan` does, and `MappingError` if a row leads out of the folder.
        """
        async with self._client() as client:
            rows = await self._decide(client)
            targets = targets_of(rows)
            if self.source.scan is None and (kept := self._included(targets)) is not None:
                self.source.table = InMemoryTable(self.source.table.frame.iloc[kept])
                rows = await self._decide(client)
                targets = targets_of(rows)
            check_inside(rows, targets, self.folder, self._policy.names)
            self._scope.add_targets(target for target in targets if target is not None)
            self._scope.add_targets(found_paths(rows))
            if self.source.scan is not None:
                self._scope.protect(self.source.scan)
            plan = SyncPlan(rows, unknown_targets=targets.count(None))
            await self._add_library(plan, client)
        return plan

    async def _decide(self, client: ServiceClient) -> list[DecidedRow]:
        job = UploadJob(self.source.table, self.mapping)
        state = self._sending.get("state")
        planner = Planner(job, client, self._account, self._policy, state, within=self.folder)
        return [row async for _, rows in planner.decisions() for row in rows]

    def _included(self, targets: list[str | None]) -> list[int] | None:
        """Return the positions of rows that no pattern excludes; None if that is none."""
        start = len(self.folder) + 1
        paths = [None if target is None else canonical_path(target, self._policy.names) for target in targets]
        kept = [at for at, path in enumerate(paths) if path is None or self.options.chosen.has(path[start:])]
        return None if len(kept) == len(paths) else kept

    async def _add_library(self, plan: SyncPlan, client: ServiceClient) -> None:
        """Add what would be moved and deleted to a plan."""
        new = plan.new_files
        if not new and not self.options.delete:
            return
        tree = await list_tree(self._requests(client, self._policy.look_ups), self.folder, self._scope.read)
        plan.count = tree.files
        if not plan.unknown_targets:
            async with self._state(client) as state:
                plan.moves = await find_moves(new, tree.kept, state, self._policy.names)
        moved = {move.file.file_id for move in plan.moves}
        if self.options.delete:
            plan.going = [file for file in tree.kept if file.file_id not in moved]

    # Carry out

    async def carry_out(self, plan: SyncPlan) -> pd.DataFrame:
        """Move files, upload, and delete; return the results.

        The journal has each move and deletion before it is done, so that `undo` knows of it.
        """
        known = [_known_result(row) for row in plan.rows]
        table = InMemoryTable(with_known_results(self.source.table.frame, known))
        job, options = UploadJob(table, self.mapping, has_results=True), engine.send_options(**self._sending)
        self.source.prepare(options.client)
        record = engine.open_journal(job, self._account, options, self.options.journal, SYNC)
        with record.journal as journal:
            moved = await self._move(plan, journal)
            send = partial(engine.send, reports=True)
            results: pd.DataFrame = await engine.collect_results(
                send, job, self._account, options, record, self.options.report
            )
            deleted, why = await self._delete(plan, results, journal)
        return self._results(plan, results, moved, deleted, why)

    async def _move(self, plan: SyncPlan, journal: RunJournal) -> dict[int, Change]:
        """Move files, and return what became of each, by the position of its row."""
        if not plan.moves:
            return {}
        async with self._client() as client:
            async with self._state(client) as state:  # closed, so that the records are on the disk
                await remember_moves(plan.moves, state, self._policy.names)
            journal.write([move_entry(move) for move in plan.moves])
            reads, changes = (self._requests(client, rate) for rate in (self._policy.look_ups, self._policy.changes))
            return await carry_out(plan.moves, Relocator(reads, changes, self._policy), lambda: self._control.draining)

    async def _delete(
        self, plan: SyncPlan, results: pd.DataFrame, journal: RunJournal
    ) -> tuple[Mapping[str, Change], str | None]:
        """Delete what was planned, if it is still so; return what became of each file, or why nothing was deleted."""
        if not plan.going:
            return {}, None
        why = self._obstacle(plan, results)
        if why is None:
            async with self._client() as client:
                try:
                    files = await self._still_going(plan, results, client)
                except Error as error:
                    why = f"The media library could not be read: {error.text}"
                else:
                    journal.write(deletion_entries(files, len(results)))
                    return await delete_files(files, self._requests(client, self._policy.changes)), None
        _log.warning("Nothing was deleted: %s", why)
        return {file.file_id: Change("cancelled", why) for file in plan.going}, why

    def _obstacle(self, plan: SyncPlan, results: pd.DataFrame) -> str | None:
        """Return why nothing is deleted; the source is read again for that."""
        if self._control.draining:
            return "The run was interrupted."
        errors = [] if self.source.scan is None else [*self.source.scan.errors]
        if self.source.scan_again is not None and not errors:
            again = self.source.scan_again()
            self._scope.protect(again)
            errors += again.errors
        unread = int(results["ik_error"].isin(UNREAD).sum())
        return obstacle(errors, Counter(results["ik_status"].tolist()), unread, plan.unknown_targets)

    async def _still_going(self, plan: SyncPlan, results: pd.DataFrame, client: ServiceClient) -> list[LibraryFile]:
        """Return the files to delete that are still as they were when they were planned, from a new listing."""
        tree = await list_tree(self._requests(client, self._policy.look_ups), self.folder, self._scope.read)
        stored = {*results["ik_file_id"].dropna(), *(move.file.file_id for move in plan.moves)}
        now = {file.file_id: file for file in tree.kept}
        return [
            file
            for file in plan.going
            if file.file_id not in stored
            and (other := now.get(file.file_id)) is not None
            and (other.version, other.path) == (file.version, file.path)
        ]

    def _results(
        self,
        plan: SyncPlan,
        results: pd.DataFrame,
        moved: Mapping[int, Change],
        deleted: Mapping[str, Change],
        why: str | None,
    ) -> pd.DataFrame:
        """Return the results with what was planned, and what became of moves and deletions."""
        left = Change("none", "It changed meanwhile, and was left.")
        planned = plan.planned()
        rows = [
            SyncedRow(row.action, row.reason, moved.get(at, NONE)) for at, row in enumerate(planned[: len(plan.rows)])
        ]
        rows += [
            SyncedRow(row.action, row.reason, deleted.get(file.file_id, left))
            for row, file in zip(planned[len(plan.rows) :], plan.going, strict=True)
        ]
        frame = synced_frame(results, rows, [as_existing(file.details) for file in plan.going])
        done = [row.action for row in rows if row.change.change in ("done", "absent")]
        frame.attrs["ikpipe"] = {
            **results.attrs["ikpipe"],
            "actions": dict(Counter(row.action for row in rows)),
            "moved": done.count("move"),
            "deleted": done.count("delete"),
            "not_deleted": why,
            "unread": [] if self.source.scan is None else self.source.scan.errors,
        }
        return frame


def _known_result(row: DecidedRow) -> Result:
    """Return the result of a row that needs nothing to be done; that of all others is made by the run."""
    if row.planned.action != "unchanged" or row.action.file is None or isinstance(row.request, list):
        return CANCELLED
    result = as_existing(row.action.file, "unchanged")
    result.warn(*(problem.message for problem in row.request.warnings))
    return result
