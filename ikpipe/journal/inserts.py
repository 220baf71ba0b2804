"""How entries are written to a journal: the SQL statements, and the cells of each entry with its MAC."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ikpipe.journal.entries import (
    Entry,
    Intent,
    IntentVoided,
    RowBefore,
    RowEnded,
    RowPrepared,
    TableComplete,
    TablePiece,
)
from ikpipe.journal.format import (
    before_message,
    complete_message,
    intent_message,
    piece_message,
    result_message,
    row_message,
    token_message,
)
from ikpipe.journal.proof import Seal

_STATEMENTS: dict[type[Entry], tuple[str, ...]] = {
    TablePiece: ("INSERT OR REPLACE INTO pieces VALUES {}",),
    TableComplete: ("UPDATE about SET (rows, rows_mac) = (SELECT column1, column2 FROM (VALUES {}))",),
    RowPrepared: ("INSERT OR REPLACE INTO rows VALUES {}",),
    RowBefore: ("INSERT INTO files_before VALUES {}",),
    Intent: ("INSERT INTO intents (position, iat, exp, at, token, guess, mac) VALUES {}",),
    IntentVoided: (
        ("UPDATE intents SET token = NULL, voided = void_mac(mac) WHERE voided IS NULL AND position IN (VALUES {})"),
    ),
    RowEnded: (
        "INSERT OR REPLACE INTO results VALUES {}",
        ("UPDATE intents SET token = NULL WHERE token IS NOT NULL AND position IN (SELECT column1 FROM (VALUES {}))"),
    ),
}
_SIZES = (64, 16, 4, 1)  # entries per statement: few sizes, so that SQLite prepares each statement once


def _intent_cells(seal: Seal, entry: Intent) -> tuple[Any, ...]:
    position, iat, exp, at, token, guess = entry
    if token is not None:
        token = f"{seal(token_message(position, iat, exp, token)).hex()} {token}"
    return position, iat, exp, at, token, guess, seal(intent_message(position, iat, exp, at, guess))


_CELLS: dict[type[Entry], Callable[[Seal, Any], tuple[Any, ...]]] = {
    TablePiece: lambda seal, entry: (*entry, seal(piece_message(*entry))),
    TableComplete: lambda seal, entry: (*entry, seal(complete_message(*entry))),
    RowPrepared: lambda seal, entry: (*entry, seal(row_message(*entry))),
    RowBefore: lambda seal, entry: (*entry, seal(before_message(*entry))),
    Intent: _intent_cells,
    IntentVoided: lambda _, entry: entry,
    RowEnded: lambda seal, entry: (*entry, seal(result_message(*entry))),
}
"""The cells of an entry: its values, and their MAC."""


def insert(db: sqlite3.Connection, entries: Iterable[Entry], seal: Seal) -> None:
    """Insert entries within a transaction; `seal` makes their MACs."""
    for part in _parts(entries):
        for kind, group in part.items():
            if not group:
                continue
            encode = _CELLS[kind]
            cells = [cell for entry in group for cell in encode(seal, entry)]
            for sql in _STATEMENTS[kind]:
                _execute(db, sql, cells, len(cells) // len(group))


def _parts(entries: Iterable[Entry]) -> Iterator[dict[type[Entry], list[Entry]]]:
    """Yield entries by kind; entries of a row that follow its `IntentVoided` come in a later part."""
    voided: set[int] = set()
    part: dict[type[Entry], list[Entry]] = {kind: [] for kind in _STATEMENTS}
    for entry in entries:
        if entry.position in voided:
            yield part
            voided, part = set(), {kind: [] for kind in _STATEMENTS}
        if isinstance(entry, IntentVoided):
            voided.add(entry.position)
        part[type(entry)].append(entry)
    yield part


def _execute(db: sqlite3.Connection, sql: str, cells: list[Any], width: int) -> None:
    """Execute a statement for many entries at once: after each one this thread waits for the run's thread."""
    entry = f"({', '.join('?' * width)})"
    start = 0
    for size in _SIZES:
        while len(cells) - start >= size * width:
            group = cells[start : start + size * width]
            db.execute(sql.format(", ".join([entry] * size)), group)
            start += size * width
