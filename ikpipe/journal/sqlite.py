"""A run's journal: its table, what may have left, what came back; durable. The only file that knows sqlite3.

One SQLite file a run. Whoever writes to it holds it alone: a second process is told so. A write is durable when
`write` returns (WAL, `synchronous=FULL`), so that an intent is on the disk before the first byte of its request leaves;
many intents share a write.

::

    about     one row: facts of the run as JSON, the table's rows once all are here, when the run had no more to do
    pieces    the table's cells, some thousand rows each, in order; `head` is the table's, where it is not as before
    rows      position → the row's parameters as they are signed, the size of its file in bytes where it is known, and
              whether the name was made for this row alone
    intents   position → each request, before it leaves: `iat` and `exp` of its token, the token itself only where
              another machine signed it; `voided` once it is sure that nothing of it is stored
    results   position → the row's result, as JSON

No private key is in it, ever: a token is signed anew from the same parameters, `iat` and `exp`.

Each entry has a MAC (`proof.py`), which is checked whenever the entry is read: an entry that this account did not write
is an error, and nothing of it is obeyed. A file is opened only after `inspection.py` has found that its facts are ours.
What the MACs do not show is that whole entries were removed, or that the file is an older copy of itself.
"""

from __future__ import annotations

import json
import os
import sqlite3
import struct
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from ikpipe.errors import JournalError
from ikpipe.journal import inspection
from ikpipe.journal.entries import (
    Entry,
    Intent,
    IntentVoided,
    RowEnded,
    RowPrepared,
    RowRecord,
    TableComplete,
    TablePiece,
)
from ikpipe.journal.format import (
    FORMAT,
    about_message,
    complete_message,
    intent_message,
    piece_message,
    result_message,
    row_message,
    statements,
    token_message,
    void_message,
)
from ikpipe.journal.inspection import damaged, told
from ikpipe.journal.proof import Prover
from ikpipe.request.result import SETTLED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from ikpipe.journal.proof import Seal
    from ikpipe.request.account import Account


class SQLiteJournal:
    """An open journal; `make` or `open` it, and close it in the end.

    Raises
    ------
    JournalError
        Whatever is wrong with the file, or with the disk below it: it names the file, and says what to do.
    """

    def __init__(self, path: Path, db: sqlite3.Connection, prover: Prover, verdict: inspection.Verdict) -> None:
        self.path = path
        self._db, self._prover = db, prover
        self._own: Seal | None = None
        self._seal: Seal | None = None
        if verdict.seal is not None:
            self._seal_with(verdict.seal, verdict.facts["run"])
        # Writes come from a thread of their own, and the end from the run's.
        self._lock = threading.Lock()

    @classmethod
    def make(cls, path: Path, account: Account, *, trust: bool = False) -> SQLiteJournal:
        """Open a journal, which is made where there is none.

        Parameters
        ----------
        path
            The file.
        account
            Whose run it is.
        trust
            Take one of which nothing proves that this account wrote it, if it is of the same public key.
        """
        with inspection.LOCK, told(path):
            with suppress(FileExistsError):
                # 0600, since a frame can hold what is nobody else's business.
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            return cls._admitted(path, account, trust=trust)

    @classmethod
    def open(cls, path: Path, account: Account, *, trust: bool = False) -> SQLiteJournal:
        """Open a journal that is there, and was begun; parameters are those of `make`."""
        if not os.path.exists(path):  # noqa: PTH110 - unlike Path's, False where nobody may look
            raise JournalError(f"There is no journal {path}.")
        with inspection.LOCK, told(path):
            return cls._admitted(path, account, trust=trust, begun=True)

    @classmethod
    def _admitted(cls, path: Path, account: Account, *, trust: bool, begun: bool = False) -> SQLiteJournal:
        """Open a file that is a journal of this account; any other one stays as it is."""
        prover = Prover(account)
        seen = inspection.inspect(path, prover, trust=trust)
        if begun and not seen.format:
            raise JournalError(f"The journal {path} was never begun: nothing was sent. Upload the table again.")
        inspection.make_ready(path)
        db = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            verdict = inspection.connect(db, path, prover, fresh=not seen.format, trust=trust)
            journal = cls(path, db, prover, verdict)
            inspection.claim(path, journal)
        except BaseException:
            db.close()
            raise
        return journal

    def begin(self, facts: dict[str, Any], entries: Iterable[Entry] = ()) -> None:
        """Write what the run is to do: all at once, so that a process killed meanwhile leaves it never begun.

        Parameters
        ----------
        facts
            What to know of the run, as plain JSON values.
        entries
            The table, or its first pieces.
        """
        by = "key" if self._prover.has_key else "user"
        text = json.dumps({"format": FORMAT, "sealed_by": by, "run": "", **facts})
        own = self._prover.own
        seal = self._seal_with(own, facts.get("run", ""))
        with told(self.path), self._write() as db:
            for statement in statements():
                db.execute(statement)
            db.execute("INSERT INTO about VALUES (?, ?, NULL, NULL, NULL)", (text, own(about_message(text))))
            _insert(db, entries, seal)

    def _seal_with(self, own: Seal, run: str) -> Seal:
        """Take the seals of the account and of the run, the latter for SQL too."""
        seal = own.of_run(run)
        self._own, self._seal = own, seal
        self._db.create_function("void_mac", 1, lambda mac: seal(void_message(mac)))
        return seal

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file; what was written is in it alone, without a log beside it."""
        with self._lock:
            self._db.close()
        inspection.release(self)

    @property
    def begun(self) -> bool:
        """Whether it has a run to speak of."""
        return self._seal is not None

    @property
    def facts(self) -> dict[str, Any]:
        """What `begin` was told of the run."""
        about = self._about()
        if self._own is None or not self._own.proves(about_message(about.facts), about.mac):
            raise damaged(self.path, "what it says of the run")
        with told(self.path):
            facts: dict[str, Any] = json.loads(about.facts)
        return facts

    @property
    def rows(self) -> int | None:
        """How many rows the table has; None as long as not all of them are here."""
        about = self._about()
        if about.rows is not None:
            self._check(complete_message, (about.rows,), about.rows_mac, "the number of rows")
        return about.rows

    def pieces(self) -> Iterator[TablePiece]:
        """Give the table, piece by piece, each with its head."""
        start, rows, head = -1, 0, None
        while True:
            found = self._asked("SELECT * FROM pieces WHERE start > ? ORDER BY start LIMIT 1", start)
            if not found:
                return
            *values, mac = found[0]
            piece = TablePiece(*values)
            self._check(piece_message, piece, mac, f"the table from row {piece.position:,} on")
            if piece.position != rows:
                raise damaged(self.path, f"the table from row {rows:,} on")
            start, rows, head = piece.position, piece.position + piece.rows, piece.head or head
            yield piece._replace(head=head)

    @property
    def kept(self) -> int:
        """How many rows of the table are here."""
        return int(self._asked("SELECT coalesce(max(start + rows), 0) FROM pieces")[0][0])

    def settled_paths(self) -> Iterator[tuple[int, str]]:
        """Give the position and the path in the library of each row that is up."""
        up = ", ".join(f"'{status}'" for status in SETTLED)
        query = (
            "SELECT position, result, mac FROM results "  # noqa: S608 - our own words
            f"WHERE position > ? AND json_extract(result, '$.status') IN ({up}) ORDER BY position LIMIT {_PAGE}"
        )
        last = -1
        while found := self._asked(query, last):
            for position, result in self._results(found):
                if (path := json.loads(result).get("file_path")) is not None:
                    yield position, path
            last = found[-1][0]

    def stories(self, first: int = 0, last: int | None = None) -> Iterator[tuple[int, RowRecord]]:
        """Give what is known of each row that anything is known of, by position.

        Parameters
        ----------
        first, last
            The positions from the first on, and before the last; None goes on to the end.
        """
        bounds, where = (first, _END if last is None else last), "WHERE position >= ? AND position < ?"
        begun = {}
        for *values, mac in self._asked(f"SELECT * FROM rows {where}", *bounds):  # noqa: S608
            row = RowPrepared(*values)
            self._check(row_message, row, mac, f"the request of row {row.position:,}")
            begun[row.position] = row._replace(own_name=bool(row.own_name))
        intents: dict[int, list[Intent]] = {}
        voided: dict[int, bool] = {}
        for intent, void in self._intents(where, bounds):
            intents.setdefault(intent.position, []).append(intent)
            voided[intent.position] = void
        results = dict(self._results(self._asked(f"SELECT position, result, mac FROM results {where}", *bounds)))  # noqa: S608
        for position in sorted(begun.keys() | results.keys()):
            known = intents.get(position, [])
            yield position, RowRecord(begun.get(position), known, voided.get(position, False), results.get(position))

    def _intents(self, where: str, bounds: tuple[int, int]) -> Iterator[tuple[Intent, bool]]:
        """Give intents in their order, and whether nothing of each is stored."""
        query = f"SELECT * FROM intents {where} ORDER BY rowid"  # noqa: S608
        for position, iat, exp, at, kept, guess, mac, voided in self._asked(query, *bounds):
            what, token = f"an attempt of row {position:,}", None
            self._check(intent_message, (position, iat, exp, at, guess), mac, what)
            if kept is not None:
                code, _, token = kept.partition(" ")
                self._check(token_message, (position, iat, exp, token), _from_hex(code), what)
            if voided is not None:
                self._check(void_message, (mac,), voided, what)
            yield Intent(position, iat, exp, at, token, bool(guess)), voided is not None

    def _results(self, found: Iterable[tuple[int, str, bytes]]) -> Iterator[tuple[int, str]]:
        for position, result, mac in found:
            self._check(result_message, (position, result), mac, f"the result of row {position:,}")
            yield position, result

    def _check(self, message: Callable[..., bytes], values: Sequence[Any], mac: object, what: str) -> None:
        """Refuse an entry that this run did not write."""
        try:
            proven = self._seal is not None and self._seal.proves(message(*values), mac)
        except (struct.error, AttributeError):  # a value of another type
            proven = False
        if not proven:
            raise damaged(self.path, what)

    def write(self, entries: Sequence[Entry]) -> None:
        """Write entries, all of them or none; they are durable on return."""
        if self._seal is None:
            raise JournalError(f"The journal {self.path} was never begun.")
        with told(self.path), self._write() as db:
            _insert(db, entries, self._seal)

    @property
    def ended(self) -> float | None:
        """When the run had no more to do, in seconds since 1970."""
        return self._about().ended

    def end(self, at: float) -> None:
        """Note when the run had no more to do."""
        with told(self.path), self._write() as db:
            db.execute("UPDATE about SET ended = ?", (at,))

    def _about(self) -> _About:
        return _About(*self._asked("SELECT * FROM about")[0])

    def _asked(self, words: str, *values: object) -> list[Any]:
        with told(self.path), self._lock:
            return self._db.execute(words, values).fetchall()

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise


class _About(NamedTuple):
    """The one row of its table."""

    facts: str
    mac: bytes
    rows: int | None
    rows_mac: bytes | None
    ended: float | None


def _from_hex(code: str) -> bytes | None:
    try:
        return bytes.fromhex(code)
    except ValueError:
        return None


_PAGE = 5_000  # rows read at a time
_END = 2**63 - 1  # SQLite's largest integer
_STATEMENTS: dict[type[Entry], tuple[str, ...]] = {
    TablePiece: ("INSERT OR REPLACE INTO pieces VALUES {}",),
    TableComplete: ("UPDATE about SET (rows, rows_mac) = (SELECT column1, column2 FROM (VALUES {}))",),
    RowPrepared: ("INSERT OR REPLACE INTO rows VALUES {}",),
    Intent: ("INSERT INTO intents (position, iat, exp, at, token, guess, mac) VALUES {}",),
    IntentVoided: (
        ("UPDATE intents SET token = NULL, voided = void_mac(mac) WHERE voided IS NULL AND position IN (VALUES {})"),
    ),
    RowEnded: (
        "INSERT OR REPLACE INTO results VALUES {}",
        ("UPDATE intents SET token = NULL WHERE token IS NOT NULL AND position IN (SELECT column1 FROM (VALUES {}))"),
    ),
}
_SIZES = (64, 16, 4, 1)  # entries a statement: few sizes, so that each is prepared once


def _intent_cells(seal: Seal, entry: Intent) -> tuple[Any, ...]:
    position, iat, exp, at, token, guess = entry
    if token is not None:
        token = f"{seal(token_message(position, iat, exp, token)).hex()} {token}"
    return position, iat, exp, at, token, guess, seal(intent_message(position, iat, exp, at, guess))


_CELLS: dict[type[Entry], Callable[[Seal, Any], tuple[Any, ...]]] = {
    TablePiece: lambda seal, entry: (*entry, seal(piece_message(*entry))),
    TableComplete: lambda seal, entry: (*entry, seal(complete_message(*entry))),
    RowPrepared: lambda seal, entry: (*entry, seal(row_message(*entry))),
    Intent: _intent_cells,
    IntentVoided: lambda _, entry: entry,
    RowEnded: lambda seal, entry: (*entry, seal(result_message(*entry))),
}
"""What is written of an entry: its values, and their MAC."""


def _insert(db: sqlite3.Connection, entries: Iterable[Entry], seal: Seal) -> None:
    for part in _parts(entries):
        for kind, group in part.items():
            if not group:
                continue
            encode = _CELLS[kind]
            cells = [cell for entry in group for cell in encode(seal, entry)]
            for words in _STATEMENTS[kind]:
                _execute(db, words, cells, len(cells) // len(group))


def _parts(entries: Iterable[Entry]) -> Iterator[dict[type[Entry], list[Entry]]]:
    """Sort entries by kind; what a row does after it was settled comes into a later part."""
    settled: set[int] = set()
    part: dict[type[Entry], list[Entry]] = {kind: [] for kind in _STATEMENTS}
    for entry in entries:
        if entry.position in settled:
            yield part
            settled, part = set(), {kind: [] for kind in _STATEMENTS}
        if isinstance(entry, IntentVoided):
            settled.add(entry.position)
        part[type(entry)].append(entry)
    yield part


def _execute(db: sqlite3.Connection, words: str, cells: list[Any], width: int) -> None:
    """Execute a statement for many entries at once, since after each this thread has to wait for the run's."""
    entry = f"({', '.join('?' * width)})"
    start = 0
    for size in _SIZES:
        while len(cells) - start >= size * width:
            some = cells[start : start + size * width]
            db.execute(words.format(", ".join([entry] * size)), some)
            start += size * width
