"""One update: read its table, decide about each row, send what changes, and record it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, TypeVar

from ikpipe.concurrency.interrupts import CURRENT_CONTROL, RunControl
from ikpipe.concurrency.rate import RateLimiter
from ikpipe.concurrency.ticker import ticking
from ikpipe.errors import (
    AccountError,
    Error,
    JournalError,
    Message,
    OutageError,
    UnreachableError,
    UploadError,
    short_repr,
)
from ikpipe.frames.edits import Change
from ikpipe.request.known_runs import about, known_by, remember
from ikpipe.request.update_requests import UpdateBuilder, UpdateRequest
from ikpipe.run.endings import MOST_NAMED, check_max_failures, failures_error
from ikpipe.run.prepare import collect_mapping, known_metadata_fields, log_warning, report_mapping
from ikpipe.run.progress import Progress
from ikpipe.run.progress_display import Shown, display
from ikpipe.run.update_rows import CANCELLED, RowUpdate, UpdateRows, ended, invalid

if TYPE_CHECKING:
    from ikpipe.frames.chunks import Chunk
    from ikpipe.request.account import Account
    from ikpipe.request.policy import Policy
    from ikpipe.run.job import UploadJob
    from ikpipe.run.update_journal import UpdateJournal
    from ikpipe.service.client import ServiceClient

T = TypeVar("T")
TICK = 0.5  # seconds between two updates of the display while nothing happens
AT_ONCE = 500  # rows whose files are looked up together
MOST_UNREAD = 3  # groups of rows in a row whose files cannot be read, before the run stops
_NO_MAPPING = collect_mapping(None, None, None, "server", {})


class Updater:
    """Updates the files of a job's rows.

    `client`, `account` and `policy` are those of the run. `journal` records it; None keeps none. `dry_run`: files are
    only read. `progress` and `max_failures` are as for `ikpipe.upload`. `pace` returns what limits requests to a number
    per second. `trouble` is the error that stopped the update.
    """

    def __init__(
        self,
        job: UploadJob,
        client: ServiceClient,
        account: Account,
        policy: Policy,
        journal: UpdateJournal | None,
        *,
        dry_run: bool,
        progress: Shown = False,
        max_failures: int | None = None,
        pace: Callable[[float], RateLimiter] = RateLimiter,
    ) -> None:
        check_max_failures(max_failures)
        self._most, self._failed_rows, self._first_failure = max_failures, list[Any](), Message()
        self._positions: dict[int, int] = {}  # of the rows that are being changed, by their objects
        self._job, self._client, self._account, self._policy, self._dry = job, client, account, policy, dry_run
        self._journal = journal
        self._control = CURRENT_CONTROL.get() or RunControl()
        self._display = display(progress, job.table.rows)
        self._progress, self._unread = Progress(job.table.rows), 0
        self._was_read = False  # whether the library ever answered
        self._id = None if journal is None else _remembered(job.table.sample.attrs, journal.path)
        self._rows = UpdateRows(client, account, policy, self._control, self._row_ended, pace)
        self.trouble: AccountError | JournalError | UploadError | None = None

    def summary(self) -> dict[str, Any]:
        """Return the summary of the table's last run with that of the update: its journal, and rows by outcome.

        The mapping stays that of the last run, which `retry` uses again.
        """
        summary = {**about(self._job.table.sample.attrs)}
        if self._journal is not None:
            summary |= {"run": self._journal.run, "journal": self._journal.path, "id": self._id}
        changes = dict(self._progress.counts)
        return {**summary, "changes": changes, "dry_run": self._dry, "interrupted": self._control.interrupted}

    async def chunks(self) -> AsyncGenerator[tuple[Chunk, list[Change]], None]:
        """Yield the parts of the table with the outcomes of their rows: all of them, also after `trouble`."""
        tick = self._show if self._display.ticks else None
        async with ticking(TICK, tick), aclosing(self._chunks()) as chunks:
            async for chunk in chunks:
                yield chunk

    async def _chunks(self) -> AsyncGenerator[tuple[Chunk, list[Change]], None]:
        try:
            report_mapping(self._job.first_mapping(), self._display)
            log_warning(self._job.similar_columns)
            self._client.sleep = self._control.sleep
            builder = await self._tried(self._begin())
            for chunk in self._job.table.chunks():
                if self._journal is not None and self.trouble is None:
                    self._journal.keep(chunk)
                changes: list[Change] = []
                for first in range(0, len(chunk.frame), AT_ONCE):
                    part = chunk.part(first, first + AT_ONCE)
                    if builder is None or self._control.draining:
                        changes += self._ended(part, [])
                    else:
                        changes += await self._update(builder, part)
                yield chunk, changes
            if self._journal is not None and not self._control.draining:
                await self._tried(self._journal.end(self._progress.done))
        finally:
            self._rows.close()
            self._display.close()

    async def _begin(self) -> UpdateBuilder:
        """Record the table, and return what builds the requests of rows."""
        if self._journal is not None:
            await self._journal.begin()
        mapping = self._job.first_mapping()
        fields = await known_metadata_fields(self._client, self._account, mapping)
        return UpdateBuilder(fields, self._policy.names, mapping.formats)

    async def _tried(self, work: Awaitable[T]) -> T | None:
        """Return what some work returns; an error that stops the update is noted, and None is returned."""
        try:
            return await work
        except (AccountError, JournalError) as error:
            self.trouble = self.trouble or error
            self._control.drain()
            return None

    async def _update(self, builder: UpdateBuilder, part: Chunk) -> list[Change]:
        """Update the files of some rows, and return their outcomes."""
        requests = [request for _, request in self._job.requests(builder, part)]
        valid = [None if isinstance(one, list) else one for one in requests]
        decided = await self._tried(self._decided(valid, part)) or [None] * len(valid)
        rows = [
            invalid(one) if isinstance(one, list) else row or CANCELLED
            for one, row in zip(requests, decided, strict=True)
        ]
        updates = [row for row in rows if isinstance(row, RowUpdate)]
        self._positions = {id(row): at for at, row in enumerate(rows, part.start)}
        if not self._dry:
            await self._tried(self._applied(updates))
        return self._ended(part, rows)

    async def _decided(
        self, requests: Sequence[UpdateRequest | None], part: Chunk
    ) -> Sequence[Change | RowUpdate | None]:
        """Return what rows change, or how they end without a change; None for rows without a request."""
        known = {} if self._journal is None else self._journal.known(part)
        try:
            work = self._rows.decide(requests, part.start, known, self._job.table.label)
            decided = await self._control.unless_draining(work)
        except AccountError:
            raise
        except Error as error:
            self._unread += 1
            words = f"The media library could not be read: {error.text}"
            if self._unread == MOST_UNREAD or (isinstance(error, OutageError) and not self._was_read):
                raise UnreachableError(f"The update stopped. {words}") from None
            return [Change("failed", words)] * len(requests)
        self._unread, self._was_read = 0, True
        return decided or []

    async def _applied(self, updates: Sequence[RowUpdate]) -> None:
        """Record files as they are, change them, and record how that ended."""
        try:
            if self._journal is not None:
                await self._journal.before(updates)
            await self._rows.apply(updates)
        finally:
            if self._journal is not None:
                self._journal.ended(updates)

    def _row_ended(self, row: RowUpdate) -> None:
        """Show that a row has ended."""
        self._count(ended(row, dry_run=self._dry), self._positions[id(row)])
        self._show()

    def _show(self) -> None:
        self._display(self._progress)

    def _count(self, change: Change, position: int) -> None:
        """Count a row that has ended; the last failure that is allowed stops the update."""
        self._progress.counts[change.change] += 1
        if change.change != "failed":
            return
        label, failures = self._job.table.label(position), self._progress.counts["failed"]
        if failures == 1:
            self._first_failure = Message(f"Row {short_repr(label)} failed: ", change.message or "")
            self._display.announce(Message("ikpipe: ", self._first_failure))
        if failures <= MOST_NAMED:
            self._failed_rows.append(label)
        if failures == self._most and self.trouble is None:
            journal = None if self._journal is None else f"The update's journal is {self._journal.path}."
            self.trouble = failures_error(failures, self._most, self._first_failure, journal, self._failed_rows)
            self._control.drain()

    def _ended(self, part: Chunk, rows: Sequence[Change | RowUpdate]) -> list[Change]:
        """Return how the rows of a part ended, and show that."""
        stopped = self._control.draining
        changes = [ended(row, dry_run=self._dry, stopped=stopped) for row in rows] or [CANCELLED] * len(part.frame)
        for at, (row, change) in enumerate(zip(rows or changes, changes, strict=True), part.start):
            if isinstance(row, Change) or not row.is_complete:
                self._count(change, at)
        self._show()
        return changes


def _remembered(attrs: Mapping[Any, Any], journal: str) -> str | None:
    """Remember the journal for this process, with the mapping of the table's last run, and return the id of both.

    Return None if this process does not know that run: the mapping in its `attrs` stays one that is not trusted.
    """
    known = known_by(attrs)
    if known is None and "mapping" in about(attrs):
        return None
    return remember(_NO_MAPPING if known is None else known.mapping, journal)
