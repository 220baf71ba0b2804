"""A run's table on its way into the journal, so that the run can be finished from there."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from ikpipe.errors import JournalError
from ikpipe.journal.entries import TableComplete, TablePiece

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ikpipe.concurrency.group_commit import GroupCommit
    from ikpipe.frames.chunks import Chunk, TableSource
    from ikpipe.journal.entries import Entry, RunJournal


def piece_of(chunk: Chunk) -> TablePiece:
    """Write a chunk for the journal."""
    return TablePiece(chunk.start, len(chunk.frame), chunk.text(), chunk.frozen.head)


class TableRecorder:
    """Has each chunk written before its rows leave; what the journal has already must be the very same.

    Parameters
    ----------
    journal, group
        Where to, and through what.
    feed
        The table.
    same
        Rows of which it is known that the journal has the same; None: each chunk is compared with what is there.
    """

    def __init__(self, journal: RunJournal, group: GroupCommit[Entry], feed: TableSource, same: int | None) -> None:
        self._journal, self._group, self._feed = journal, group, feed
        self._stored: Iterator[TablePiece] = journal.pieces() if same is None else iter(())
        self._rows = same or 0
        self._whole = journal.rows
        self._head: str | None = None

    def keep(self, chunk: Chunk) -> None:
        """Have a chunk written soon, and before anything that is written later.

        Raises
        ------
        JournalError
            The journal has other rows in its place.
        """
        if chunk.start < self._rows or (self._rows == self._whole and not len(chunk.frame)):
            return
        stored, new = next(self._stored, None), piece_of(chunk)
        if stored is None and self._whole is None:
            self._group.add(new._replace(head=None) if new.head == self._head else new)
        elif stored != new:
            raise self._other(chunk.start)
        self._rows, self._head = new.position + new.rows, new.head
        if self._rows == self._feed.rows:
            self.end(self._rows)

    def end(self, rows: int) -> None:
        """Note that these were all rows.

        Raises
        ------
        JournalError
            The journal has another number of them.
        """
        if self._whole is None:
            self._group.add(TableComplete(rows))
            self._whole = rows
        elif self._whole != rows:
            raise self._other(rows)

    async def ahead(self) -> None:
        """Have the whole table written ahead of the run, so that it soon does not matter if this process is killed."""
        with suppress(JournalError):  # which the run itself comes upon
            for chunk in self._feed.chunks():
                self.keep(chunk)
                await self._group.written()

    def _other(self, position: int) -> JournalError:
        return JournalError(
            f"The journal {self._journal.path} is of a table that has other rows from row {position:,} on. Give it the "
            "table as it was, or name another file with journal=."
        )
