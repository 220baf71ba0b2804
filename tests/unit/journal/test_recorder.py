"""Recording a run's table: written once, and compared with what is there already."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from ikpipe import Account, JournalError
from ikpipe.concurrency.group_commit import GroupCommit
from ikpipe.frames.chunks import JournalTable
from ikpipe.frames.codec.text import FrameEncoder
from ikpipe.journal.recorder import TableRecorder
from ikpipe.journal.sqlite import SQLiteJournal

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def journal(tmp_path: Path) -> SQLiteJournal:
    """Start a journal that has nothing of its table yet."""
    made = SQLiteJournal.make(tmp_path / "run.ikjournal", Account("public_owner", "private_owner"))
    made.begin({})
    return made


def table(rows: range) -> JournalTable:
    """Return a table from a file, two rows per chunk, whose length is not known."""
    frame = pd.DataFrame({"a": rows})
    frozen = FrameEncoder(frame, part=True)
    parts = [(start, frame.iloc[start : start + 2]) for start in range(0, len(frame), 2)]
    pieces = [(start, len(part), frozen.piece(part), frozen.head) for start, part in parts]
    return JournalTable(lambda: iter(pieces), None, {"whole": []})


def keep(journal: SQLiteJournal, rows: range, only: int | None = None, *, ahead: bool = False) -> None:
    """Record a table, two rows per chunk: some of its chunks, or all."""
    feed = table(rows)

    async def main() -> None:
        group = GroupCommit(journal.write)
        keeper = TableRecorder(journal, group, feed, None)
        if ahead:
            await keeper.ahead()
        for chunk in list(feed.chunks())[:only]:
            keeper.keep(chunk)
        if only is None:
            keeper.end(len(rows))
        await group.close()

    asyncio.run(main())


def kept(journal: SQLiteJournal) -> list[tuple[int, int]]:
    """Return the positions of the pieces, and their rows."""
    return [(piece.position, piece.rows) for piece in journal.pieces()]


@pytest.mark.parametrize("ahead", [False, True])
def test_each_chunk_is_written_once(journal: SQLiteJournal, ahead: bool) -> None:  # noqa: FBT001
    """The number of rows is recorded with the last piece."""
    keep(journal, range(5), ahead=ahead)
    assert (kept(journal), journal.rows) == ([(0, 2), (2, 2), (4, 1)], 5)


def test_a_part_of_a_table_is_completed(journal: SQLiteJournal) -> None:
    """The next process continues after what is there."""
    keep(journal, range(5), only=1)
    assert (kept(journal), journal.rows) == ([(0, 2)], None)
    keep(journal, range(5))
    assert (kept(journal), journal.rows) == ([(0, 2), (2, 2), (4, 1)], 5)


@pytest.mark.parametrize(
    ("before", "now", "place"),
    [(range(5), range(1, 6), 0), (range(4), range(5), 4), (range(6), range(4), 4)],
    ids=["other", "longer", "shorter"],
)
def test_another_table_is_refused(journal: SQLiteJournal, before: range, now: range, place: int) -> None:
    """The error names the first row that differs, and nothing is written."""
    keep(journal, before)
    pieces = kept(journal)
    with pytest.raises(JournalError, match=f"rows differ from row {place} on"):
        keep(journal, now)
    assert kept(journal) == pieces
