"""Where `undo` finds what a run did: in a journal, or in results, which a journal of this account may explain.

A journal proves that this account wrote it. Results prove nothing: anybody can write a table with ids of files. So they
are only used as far as the library confirms them, and nothing in them says where a journal is: it is the one that this
process remembers, or one of the user's state folder that has the run's id and is proven.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ikpipe.errors import JournalError, quoted
from ikpipe.frames.adapters import FrameAdapter
from ikpipe.frames.chunks import recorded_table
from ikpipe.frames.results import results_frame, results_of
from ikpipe.frames.syncs import beside
from ikpipe.journal import catalog
from ikpipe.journal.inspection import is_database
from ikpipe.journal.sqlite import SQLiteJournal
from ikpipe.request.account import Account
from ikpipe.request.known_runs import about, known_by
from ikpipe.request.result import CANCELLED
from ikpipe.run.undo_rows import DoneRow, keys_of, row_of_record, row_of_result

if TYPE_CHECKING:
    import pandas as pd

_log = logging.getLogger("ikpipe.run")


class UndoSource(NamedTuple):
    """What is undone: the run's table with its results, what each row did, and the journal, if there is one."""

    table: Any
    rows: list[DoneRow]
    journal: SQLiteJournal | None


@contextmanager
def opened_source(run: Any, account: Account, clock_skew: float, *, trust: bool) -> Iterator[UndoSource]:
    """Open what is undone.

    `run` is a journal's path, a run's name, or results: a table, or a file. `clock_skew` is that of `Policy`. `trust`
    accepts a journal that does not prove that this account wrote it. Raise `JournalError` if there is no such journal
    or it cannot be used, `MappingError` if the table is not one of results.
    """
    path = _path(run, account, clock_skew, trust=trust) if isinstance(run, (str, Path)) else None
    if path is not None and path.is_file() and is_database(path):
        with SQLiteJournal.open(path, account, trust=trust) as journal:
            yield _of_journal(journal, clock_skew)
        return
    table = run if path is None else _read(path)
    frame = FrameAdapter(table).frame
    with _journal_of(frame, account) as found:
        if found is not None and catalog.is_update(found.facts):
            yield _of_journal(found, clock_skew)
            return
        if found is None and "ik_change" in frame.columns:
            words = "This table has the results of changes, and the journal of these changes was not found."
            raise JournalError(words, fix="Name that journal. The table alone would undo the upload before them.")
        yield _of_results(table, found, clock_skew)


def _path(run: str | Path, account: Account, clock_skew: float, *, trust: bool) -> Path:
    """Return the file of a journal or of results; `run` may also be the name of a run."""
    path = Path(run)
    if path.is_file() or path.is_dir():
        return path
    if isinstance(run, str) and (named := [*catalog.journals_of(run, account)]):
        return _last_with_changes(named, account, clock_skew, trust=trust)
    words = f"There is no journal or results file {quoted(str(run))}, and no run of this name has a journal in "
    fix = "Name the file. Journals of finished runs are kept in that folder for 30 days."
    raise JournalError(f"{words}{catalog.journals_folder()}.", fix=fix)


def _last_with_changes(named: list[Path], account: Account, clock_skew: float, *, trust: bool) -> Path:
    """Return the last journal of a name, the latest first, that has something to undo; else the last one.

    A job that is started twice in one night often finds all files unchanged the second time.
    """
    last, *earlier = named
    with SQLiteJournal.open(last, account, trust=trust) as journal:
        changed = [last] if _has_changes(journal, clock_skew) else []
    for path in earlier:
        with suppress(JournalError), SQLiteJournal.open(path, account, trust=trust) as journal:
            if not journal.undone and _has_changes(journal, clock_skew):
                changed.append(path)
    if len(changed) > 1:
        _log.warning("An earlier run of this name changed files, too. To undo it, name its journal: %s", changed[1])
    return changed[0] if changed else last


def _has_changes(journal: SQLiteJournal, clock_skew: float) -> bool:
    return any(row_of_record(at, record, clock_skew).concerns_file for at, record in journal.records())


def _read(path: Path) -> pd.DataFrame:
    from ikpipe.frames.io.results import read_results

    if path.is_dir():
        raise JournalError(f"{path} is a folder.", fix="Name a journal, or a file with results.")
    return read_results(path)


def _of_journal(journal: SQLiteJournal, clock_skew: float) -> UndoSource:
    """Return the rows of a journal, then the files that a sync deleted; rows without an entry did nothing."""
    frame = recorded_table(journal.pieces())
    rows = [DoneRow(None, CANCELLED) for _ in range(len(frame))]
    for position, record in journal.records():
        row = row_of_record(position, record, clock_skew)
        if position < len(frame):
            rows[position] = row
        elif row.file is not None and row.file.deleted:
            rows.append(row)
        else:
            words = f"The journal {journal.path} has a row {position:,}, and its table {len(frame):,} rows."
            raise JournalError(words, another=True)
    results = results_frame([row.result for row in rows], len(rows))
    results.loc[len(frame) :, "ik_status"] = None
    table = beside(frame, results)
    table.attrs["ikpipe"] = {"run": journal.facts["run"], "journal": str(journal.path), "rows": len(rows)}
    return UndoSource(table, rows, journal)


@contextmanager
def _journal_of(results: pd.DataFrame, account: Account) -> Iterator[SQLiteJournal | None]:
    """Open the proven journal of the run that results are from; None if there is none."""
    known = known_by(results.attrs)
    paths = [] if known is None or known.journal is None else [Path(known.journal)]
    run = about(results.attrs).get("run")
    for path in [*paths, *(catalog.journals_of(run, account) if isinstance(run, str) else ())]:
        journal = None
        with suppress(JournalError):
            journal = SQLiteJournal.open(path, account)
        if journal is not None:
            with journal:
                yield journal
            return
    yield None


def _of_results(table: Any, journal: SQLiteJournal | None, clock_skew: float) -> UndoSource:
    """Return the rows of results; those that the journal has, as the journal has them."""
    rows = [row_of_result(result) for result in results_of(FrameAdapter(table).frame)]
    if journal is None:
        return UndoSource(table, rows, None)
    records = (row_of_record(position, record, clock_skew) for position, record in journal.records())
    recorded = {key: row for row in records for key in keys_of(row)}
    return UndoSource(
        table, [next((recorded[key] for key in keys_of(row) if key in recorded), row) for row in rows], journal
    )


def unproven(source: UndoSource) -> int:
    """Return the number of rows that change something, and that no journal proves to be of a run of this account."""
    return sum(row.file is not None and row.position is None for row in source.rows)
