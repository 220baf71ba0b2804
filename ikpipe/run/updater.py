"""One update: read its table, decide about each row, send what changes, and record it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from ikpipe.concurrency.interrupts import CURRENT_CONTROL, RunControl
from ikpipe.errors import AccountError, Error, JournalError, UnreachableError
from ikpipe.frames.edits import Change
from ikpipe.request.known_runs import about, known_by, remember
from ikpipe.request.update_requests import UpdateBuilder, UpdateRequest
from ikpipe.run.prepare import collect_mapping, known_metadata_fields, log_warning, report_mapping
from ikpipe.run.progress import Progress, display
from ikpipe.run.update_rows import CANCELLED, RowUpdate, UpdateRows, ended, invalid

if TYPE_CHECKING:
    from ikpipe.frames.chunks import Chunk
    from ikpipe.request.account import Account
    from ikpipe.request.policy import Policy
    from ikpipe.run.job import UploadJob
    from ikpipe.run.update_journal import UpdateJournal
    from ikpipe.service.client import ServiceClient

T = TypeVar("T")
AT_ONCE = 500  # rows whose files are looked up together
MOST_UNREAD = 3  # groups of rows in a row whose files cannot be read, before the run stops
_NO_MAPPING = collect_mapping(None, None, None, "server", {})


class Updater:
    """Updates the files of a job's rows.

    `client`, `account` and `policy` are those of the run. `journal` records it; None keeps none. `dry_run`: files are
    only read. `progress` is as for `ikpipe.upload`. `trouble` is the error that stopped the update.
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
        progress: bool | Callable[[Progress], None] = False,
    ) -> None:
        self._job, self._client, self._account, self._policy, self._dry = job, client, account, policy, dry_run
        self._journal = journal
        self._control = CURRENT_CONTROL.get() or RunControl()
        self._display = display(progress, job.table.rows)
        self._progress, self._unread = Progress(job.table.rows), 0
        self._id = None if journal is None else _remembered(job.table.sample.attrs, journal.path)
        self._rows = UpdateRows(client, account, policy, self._control, self._row_ended)
        self.trouble: AccountError | JournalError | None = None

    def summary(self) -> dict[str, Any]:
        """Return the summary of the table's last run with that of the update: its journal, and rows by outcome.

        The mapping stays that of the last run, which `retry` uses again.
        """
        summary = {**about(self._job.table.sample.attrs)}
        if self._journal is not None:
            summary |= {"run": self._journal.run, "journal": self._journal.path, "id": self._id}
        changes = dict(self._progress.counts)
        return {**summary, "changes": changes, "dry_run": self._dry, "interrupted": self._control.interrupted}

    async def chunks(self) -> AsyncIterator[tuple[Chunk, list[Change]]]:
        """Yield the parts of the table with the outcomes of their rows: all of them, also after `trouble`."""
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
            if self._unread == MOST_UNREAD:
                raise UnreachableError(f"The update stopped. {words}") from None
            return [Change("failed", words)] * len(requests)
        self._unread = 0
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
        self._progress.counts[ended(row, dry_run=self._dry).change] += 1
        self._display(self._progress)

    def _ended(self, part: Chunk, rows: Sequence[Change | RowUpdate]) -> list[Change]:
        """Return how the rows of a part ended, and show that."""
        stopped = self._control.draining
        changes = [ended(row, dry_run=self._dry, stopped=stopped) for row in rows] or [CANCELLED] * len(part.frame)
        for row, change in zip(rows or changes, changes, strict=True):
            if isinstance(row, Change) or not row.is_complete:
                self._progress.counts[change.change] += 1
        self._display(self._progress)
        return changes


def _remembered(attrs: Mapping[Any, Any], journal: str) -> str | None:
    """Remember the journal for this process, with the mapping of the table's last run, and return the id of both.

    Return None if this process does not know that run: the mapping in its `attrs` stays one that is not trusted.
    """
    known = known_by(attrs)
    if known is None and "mapping" in about(attrs):
        return None
    return remember(_NO_MAPPING if known is None else known.mapping, journal)
