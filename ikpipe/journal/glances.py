"""What a journal says of its run in a few numbers, and the removal of one that has no more to do. Nothing is proven."""

import os
import sqlite3
from pathlib import Path
from typing import NamedTuple

from ikpipe.journal.format import READABLE, format_of
from ikpipe.journal.inspection import LOCK, asked_of_copies, errors_of, facts_of, foreign, opened


class JournalCounts(NamedTuple):
    """What a journal says of its run: when it was started, its rows, and when it had no more to do.

    Nothing proves it, so it is used for lists alone. `begun` is None where no run was started; `run` is the run's id.
    """

    begun: str | None
    rows: int
    ended: float | None
    run: str | None = None


def glance(path: Path) -> JournalCounts:
    """Return what a file claims to be, for lists and for deleting old ones; the file is not changed.

    Raise `JournalError` if it is not a journal, it is in use, or it cannot be read.
    """
    with LOCK, errors_of(path), opened(path) as file:
        return _glanced(path, file)


def remove(path: Path, *, interrupted: bool = False) -> bool:
    """Delete a journal that has no more to do, with its log, and return whether it was one.

    `interrupted`: also that of an interrupted run. Raise `JournalError`: as for `glance`.
    """
    with LOCK, errors_of(path), opened(path) as file:
        counts = _glanced(path, file)
        # A process that was killed at once leaves a journal that was never started.
        if counts.begun is not None and counts.ended is None and not interrupted:
            return False
        path.unlink()  # first: without its log, a journal says less than is true
        for suffix in ("-wal", "-shm"):
            path.with_name(f"{path.name}{suffix}").unlink(missing_ok=True)
        return True


def _glanced(path: Path, file: int) -> JournalCounts:
    if not os.fstat(file).st_size:
        return JournalCounts(None, 0, None)
    return asked_of_copies(path, file, lambda db: _counts(db, path))


def _counts(db: sqlite3.Connection, path: Path) -> JournalCounts:
    number = format_of(db)
    if number == 0:
        return JournalCounts(None, 0, None)
    if number not in READABLE:
        raise foreign(path)
    facts, *_ = facts_of(db, path, number)
    rows, ended = db.execute("SELECT rows, ended FROM about").fetchone()
    if rows is None:
        (rows,) = db.execute("SELECT coalesce(max(start + rows), 0) FROM pieces").fetchone()
    return JournalCounts(str(facts.get("begun", "")), int(rows), ended, facts["run"])
