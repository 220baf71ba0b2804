"""One update: read its table, decide about each row, send what changes, and record it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ikpipe.concurrency.interrupts import CURRENT_CONTROL, RunControl
from ikpipe.errors import AccountError, Error, JournalError
from ikpipe.frames.edits import Change
from ikpipe.request.known_runs import remember
from ikpipe.request.update_requests import UpdateBuilder
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

AT_ONCE = 500  # rows whose files are looked up together
MOST_UNREAD = 3  # groups of rows in a row whose files cannot be read, before the run stops
_NO_MAPPING = collect_mapping(None, None, None, "server", {})  # `retry` of the rows uploads them, by another mapping


class Updater:
    """Updates the files of a job's rows.

    `client`, `account` and `policy` are those of the run. `journal` records it; None keeps none. `dry_run`: files are
    only read. `progress` is as for `ikpipe.upload`. `part` has the outcomes of the
    rows of a chunk that was not completed.
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
        self._id = remember(_NO_MAPPING, journal.path) if journal is not None else None
        self.part: list[Change] = []

    def summary(self) -> dict[str, Any]:
        """Return the totals: rows by outcome."""
        return {
            "id": self._id,
            "journal": None if self._journal is None else self._journal.path,
            "changes": dict(self._progress.counts),
            "rows": self._progress.done,
            "dry_run": self._dry,
            "interrupted": self._control.interrupted,
            "effective_mapping": self._job.mapping_text,
        }

    async def chunks(self) -> AsyncIterator[tuple[Chunk, list[Change]]]:
        """Yield the parts of the table with the outcomes of their rows.

        Raise `AccountError` if the account's key is rejected, `Error` if the library cannot be read.
        """
        job, mapping = self._job, self._job.first_mapping()
        report_mapping(mapping, self._display)
        log_warning(job.similar_columns)
        self._client.sleep = self._control.sleep
        fields = await known_metadata_fields(self._client, self._account, mapping)
        builder = UpdateBuilder(fields, self._policy.names, mapping.formats)
        rows = UpdateRows(self._client, self._account, self._policy, self._control)
        try:
            if self._journal is not None:
                await self._journal.begin()
            for chunk in job.table.chunks():
                if self._journal is not None:
                    self._journal.keep(chunk)
                self.part = []
                for first in range(0, len(chunk.frame), AT_ONCE):
                    await self._update(rows, builder, chunk.part(first, first + AT_ONCE))
                yield chunk, self.part
                self.part = []
            if self._journal is not None and not self._control.draining:
                await self._journal.end(self._progress.done)
        finally:
            rows.close()
            self._display.close()

    async def _update(self, rows: UpdateRows, builder: UpdateBuilder, part: Chunk) -> None:
        """Update the files of some rows, and add their outcomes."""
        if self._control.draining:
            self._end([CANCELLED] * len(part.frame))
            return
        requests = [request for _, request in self._job.requests(builder, part)]
        valid = [None if isinstance(one, list) else one for one in requests]
        known = {} if self._journal is None else self._journal.known(part)
        decided = await self._decided(rows, valid, part.start, known)
        outcomes = [
            invalid(one) if isinstance(one, list) else row or CANCELLED
            for one, row in zip(requests, decided, strict=True)
        ]
        updates = [row for row in outcomes if isinstance(row, RowUpdate)]
        try:
            if self._journal is not None:
                await self._journal.before(updates)
            if not self._dry:
                await rows.apply(updates)
        except (AccountError, JournalError):
            self._end([row if isinstance(row, Change) else row.interrupted() for row in outcomes])
            raise
        finally:
            if self._journal is not None:
                self._journal.ended(updates)
        self._end([ended(row, dry_run=self._dry) for row in outcomes])

    async def _decided(
        self, rows: UpdateRows, requests: Sequence[Any], start: int, known: Mapping[int, str]
    ) -> Sequence[Change | RowUpdate | None]:
        """Return what rows change, or how they end without a change; None for rows without a request."""
        try:
            decided = await self._control.unless_draining(rows.decide(requests, start, known, self._job.table.label))
        except AccountError:
            raise
        except Error as error:
            self._unread += 1
            if self._unread == MOST_UNREAD:
                raise
            return [Change("failed", f"The media library could not be read: {error.text}")] * len(requests)
        self._unread = 0
        return [None] * len(requests) if decided is None else decided

    def _end(self, changes: Sequence[Change]) -> None:
        self.part += changes
        self._progress.counts.update(one.change for one in changes)
        self._display(self._progress)
