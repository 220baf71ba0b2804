"""The journal of an update: its table, each file before it is changed, and how each row ended.

An update can be repeated, since only what differs is sent. So an interrupted one is continued by deciding about all
rows again. The journal has what that cannot show: which file a row was about to change, whose path may be another by
now, and how that file was before, for `undo`.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable
from dataclasses import asdict
from hashlib import blake2b
from pathlib import Path
from typing import Self

from ikpipe.concurrency.group_commit import GroupCommit
from ikpipe.errors import RESUME
from ikpipe.errors.logs import log_event
from ikpipe.frames.chunks import Chunk, TableSource
from ikpipe.frames.codec import json_values
from ikpipe.journal import catalog, history
from ikpipe.journal.catalog import UPDATE
from ikpipe.journal.entries import Entry, RowBefore, RowEnded
from ikpipe.journal.history import OpenJournal
from ikpipe.journal.recorder import TableRecorder
from ikpipe.request.account import Account
from ikpipe.request.policy import Policy
from ikpipe.request.result import Result
from ikpipe.run.existing.known_files import details_before
from ikpipe.run.job import UploadJob
from ikpipe.run.update_rows import RowUpdate
from ikpipe.service.library import as_existing, version_id

_log = logging.getLogger("ikpipe.run")


def begin(
    path: str | Path | None, job: UploadJob, account: Account, policy: Policy, *, trust: bool = False
) -> OpenJournal:
    """Start the journal of an update, or open that of the same update if it was interrupted.

    `path` None makes a file in the user's state folder, which is the same one for the same table, mapping and account.
    Raise `JournalError` as `catalog.begin` does.
    """
    name = f"{UPDATE}-{_digest(job)}"
    record = catalog.begin(
        path,
        job.table,
        job.mapping,
        account,
        sending={"policy": asdict(policy)},
        run=name if path is None else None,
        kind=UPDATE,
        compared=True,
        trust=trust,
    )
    words = "The journal is %s. If this run is interrupted, %s finishes it."
    log_event(_log, "journal", words, record.journal.path, RESUME, journal=str(record.journal.path))
    return record


def _digest(job: UploadJob) -> str:
    """Return a hash of a job's mapping and table; of a file, its place is hashed, and its rows are compared later."""
    digest = blake2b(json.dumps(json_values.encode(dict(job.mapping))).encode(), digest_size=12)
    table: TableSource = job.table
    if not table.ahead:
        digest.update(json.dumps(table.origin).encode())
    for chunk in table.chunks() if table.ahead else ():
        digest.update(chunk.text().encode())
    return digest.hexdigest()


class UpdateJournal:
    """Records an update. `record` is its journal, and `table` its table; `run` is its id."""

    def __init__(self, record: OpenJournal, table: TableSource) -> None:
        self._record, self._table = record, table
        self.run = str(record.journal.facts["run"])
        self._partial = False
        self._writer: GroupCommit[Entry] = GroupCommit(record.journal.write)
        self._recorder = TableRecorder(record.journal, self._writer, table, record.same)

    @property
    def path(self) -> str:
        """The path of the journal."""
        return str(self._record.journal.path)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._writer.close()
        self._record.journal.__exit__(*_error)

    async def begin(self) -> None:
        """Record the whole table if it is in memory, so that the journal alone is enough to finish the update."""
        if self._table.ahead:
            await self._recorder.ahead()

    def keep(self, chunk: Chunk) -> None:
        """Record a chunk of the table."""
        self._recorder.keep(chunk)

    def known(self, part: Chunk) -> dict[int, str]:
        """Return the ids of the files that rows were about to change before, by position."""
        if self._record.fresh:
            return {}
        records = self._record.journal.records(part.start, part.start + len(part.frame))
        return {position: record.befores[0].file_id for position, record in records if record.befores}

    async def before(self, updates: Iterable[RowUpdate]) -> None:
        """Record files as they are before they are changed; they are on the disk when this returns."""
        for update in updates:
            before, changes = json.dumps(details_before(update.details)), json.dumps(update.values)
            position, version = update.request.position, version_id(update.details)
            self._writer.add(RowBefore(position, update.file_id, version, before, changes))
        await self._writer.flush()
        if self._writer.error is not None:
            raise self._writer.error

    def ended(self, updates: Iterable[RowUpdate]) -> None:
        """Record how rows ended; one that was not changed at all can be repeated, and has no result."""
        for update in updates:
            self._partial = self._partial or update.is_partial
            if update.made:
                self._writer.add(RowEnded(update.request.position, history.write(_result(update))))

    async def end(self, rows: int) -> None:
        """Record that the update has no more to do, after a number of rows.

        A file that was renamed and not moved has a path that the table does not know, so that the same call has to
        continue with this journal.
        """
        self._recorder.end(rows)
        await self._writer.flush()
        if self._writer.error is not None:
            raise self._writer.error
        if not self._partial:
            self._record.journal.end(time.time())


def _result(update: RowUpdate) -> Result:
    return as_existing(update.details, "updated")
