"""Record a run's table in its journal, so that the run can be finished from there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from ikpipe.errors import JournalError
from ikpipe.journal.entries import Entry, RunJournal, TableComplete, TablePiece

if TYPE_CHECKING:
    from ikpipe.concurrency.group_commit import GroupCommit
    from ikpipe.frames.chunks import Chunk, TableSource


def piece_of(chunk: Chunk) -> TablePiece:
    """Return the journal entry of a chunk."""
    return TablePiece(chunk.start, len(chunk.frame), chunk.text(), chunk.encoder.head)


class TableRecorder:
    """Record each chunk before its rows are sent; what the journal has already must be the same.

    `journal` and `group` are the journal, and what writes to it. `feed` is the table. `same` is the number of rows that
    the journal is known to have as they are; None: each chunk is compared.
    """

    def __init__(self, journal: RunJournal, group: GroupCommit[Entry], feed: TableSource, same: int | None) -> None:
        self._journal, self._group, self._feed = journal, group, feed
        self._stored: Iterator[TablePiece] = journal.pieces() if same is None else iter(())
        self._rows = same or 0
        self._total = journal.rows
        self._head: str | None = None

    def keep(self, chunk: Chunk) -> None:
        """Record a chunk soon, and before anything that is recorded later.

        Raise `JournalError` if the journal has other rows at this position.
        """
        if chunk.start < self._rows or (self._rows == self._total and not len(chunk.frame)):
            return
        stored, new = next(self._stored, None), piece_of(chunk)
        if stored is None and self._total is None:
            self._group.add(new._replace(head=None) if new.head == self._head else new)
        elif stored != new:
            raise self._other(chunk.start)
        self._rows, self._head = new.position + new.rows, new.head
        if self._rows == self._feed.rows:
            self.end(self._rows)

    def end(self, rows: int) -> None:
        """Record that the table has no more rows; raise `JournalError` if the journal has another number of rows."""
        if self._total is None:
            self._group.add(TableComplete(rows))
            self._total = rows
        elif self._total != rows:
            raise self._other(rows)

    @property
    def complete(self) -> bool:
        """Whether the journal is known to have the whole table."""
        return self._rows == self._total

    async def ahead(self) -> None:
        """Record the whole table ahead of the run, so that the journal alone is soon enough to finish it."""
        with suppress(JournalError):  # which the run itself meets
            for chunk in self._feed.chunks():
                self.keep(chunk)
                await self._group.flush()

    def _other(self, position: int) -> JournalError:
        words = f"The journal {self._journal.path} belongs to a table whose rows differ from row {position:,} on."
        return JournalError(words, fix="Use the unchanged table.", another=True)
