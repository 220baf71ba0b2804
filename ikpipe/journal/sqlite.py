"""The journal of one run: a SQLite file. The package's docstring says how it makes a killed run recoverable.

The process that writes to it holds it exclusively; a second one gets an error. A write is durable when `write` returns
(WAL, ``synchronous=FULL``), so that an intent is on the disk before the first byte of its request is sent.

::

    about     one row: facts of the run as JSON, the number of rows once all are recorded, when the run was finished
    pieces    the table's cells, some thousand rows each, in order; `head` is the table's, where it differs from before
    rows      position → the row's parameters as they are signed, the size of its file in bytes where it is known, and
              whether the name was made for this row alone
    files_before  position → the files that the row was about to replace or to change, with their details as JSON
    intents   position → each request, before it is sent: `iat` and `exp` of its token, the token itself only where
              another machine signed it; `voided` once it is certain that nothing of it is stored
    results   position → the row's result, as JSON
    undone    when `undo` reverted the run; it is never continued then

The private key is never in it. `inspection.py` checks the facts before a file is opened, and each entry has a MAC.
"""

from __future__ import annotations

import json
import os
import sqlite3
import struct
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, Self

from ikpipe.errors import JournalError
from ikpipe.journal import inspection
from ikpipe.journal.entries import (
    Entry,
    Intent,
    RowBefore,
    RowPrepared,
    RowRecord,
    TablePiece,
)
from ikpipe.journal.format import (
    FORMAT,
    about_message,
    before_message,
    complete_message,
    intent_message,
    piece_message,
    result_message,
    row_message,
    statements,
    token_message,
    void_message,
)
from ikpipe.journal.inserts import insert
from ikpipe.journal.inspection import damaged, errors_of
from ikpipe.journal.proof import Prover, Seal
from ikpipe.request.account import Account
from ikpipe.request.result import SETTLED


class SQLiteJournal:
    """An open journal, from `make` or `open`, to be closed at the end.

    Raise `JournalError` for anything that is wrong with the file or its disk: it names the file, and says what to do.
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
    def make(cls, path: Path, account: Account, *, trust: bool = False) -> Self:
        """Open a journal, which is created if there is none.

        `account` is that of the run. `trust` accepts a journal that does not prove that this account wrote it, if it
        has the same public key.
        """
        with inspection.LOCK, errors_of(path):
            with suppress(FileExistsError):
                # 0600, since a table can hold what other users must not read.
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            return cls._open_checked(path, account, trust=trust)

    @classmethod
    def open(cls, path: Path, account: Account, *, trust: bool = False) -> Self:
        """Open a journal that was started; parameters are those of `make`."""
        if not os.path.exists(path):  # noqa: PTH110 - unlike Path's, False where nobody may look
            raise JournalError(f"There is no journal {path}.")
        with inspection.LOCK, errors_of(path):
            return cls._open_checked(path, account, trust=trust, begun=True)

    @classmethod
    def _open_checked(cls, path: Path, account: Account, *, trust: bool, begun: bool = False) -> Self:
        """Open a file that is a journal of this account; any other file is not changed."""
        prover = Prover(account)
        seen = inspection.inspect(path, prover, trust=trust)
        if begun and not seen.format:
            raise JournalError(
                f"The journal {path} was never started: nothing was sent.", fix="Upload the table again."
            )
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
        """Write the facts of a run in one transaction: a process that is killed meanwhile leaves it never started.

        `facts` are those of the run, as plain JSON values; `entries` are the table, or its first pieces.
        """
        by = "key" if self._prover.has_key else "user"
        text = json.dumps({"format": FORMAT, "sealed_by": by, "run": "", **facts})
        own = self._prover.own
        seal = self._seal_with(own, facts.get("run", ""))
        with errors_of(self.path), self._write() as db:
            for statement in statements():
                db.execute(statement)
            db.execute("INSERT INTO about VALUES (?, ?, NULL, NULL, NULL)", (text, own(about_message(text))))
            insert(db, entries, seal)

    def _seal_with(self, own: Seal, run: str) -> Seal:
        """Use the seals of the account and of the run, the latter in SQL too."""
        seal = own.of_run(run)
        self._own, self._seal = own, seal
        self._db.create_function("void_mac", 1, lambda mac: seal(void_message(mac)))
        return seal

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; it contains everything, and there is no separate log."""
        with self._lock:
            self._db.close()
        inspection.release(self)

    @property
    def begun(self) -> bool:
        """Whether a run was started in it."""
        return self._seal is not None

    @property
    def facts(self) -> dict[str, Any]:
        """The facts of the run, as `begin` got them."""
        about = self._about()
        if self._own is None or not self._own.proves(about_message(about.facts), about.mac):
            raise damaged(self.path, "the facts of the run")
        with errors_of(self.path):
            facts: dict[str, Any] = json.loads(about.facts)
        return facts

    @property
    def rows(self) -> int | None:
        """The number of the table's rows; None as long as not all are recorded."""
        about = self._about()
        if about.rows is not None:
            self._check(complete_message, (about.rows,), about.rows_mac, "the number of rows")
        return about.rows

    def pieces(self) -> Iterator[TablePiece]:
        """Yield the table, piece by piece, each with its head."""
        start, rows, head = -1, 0, None
        while True:
            selected = self._query("SELECT * FROM pieces WHERE start > ? ORDER BY start LIMIT 1", start)
            if not selected:
                return
            *values, mac = selected[0]
            piece = TablePiece(*values)
            self._check(piece_message, piece, mac, f"the table from row {piece.position:,} on")
            if piece.position != rows:
                raise damaged(self.path, f"the table from row {rows:,} on")
            start, rows, head = piece.position, piece.position + piece.rows, piece.head or head
            yield piece._replace(head=head)

    @property
    def recorded_rows(self) -> int:
        """The number of the table's rows that are recorded so far."""
        return int(self._query("SELECT coalesce(max(start + rows), 0) FROM pieces")[0][0])

    def settled_paths(self) -> Iterator[tuple[int, str]]:
        """Yield the position and the path in the library of each row that is uploaded."""
        statuses = ", ".join(f"'{status}'" for status in SETTLED)
        query = (
            "SELECT position, result, mac FROM results "  # noqa: S608 - constants of this project
            f"WHERE position > ? AND json_extract(result, '$.status') IN ({statuses}) ORDER BY position LIMIT {_PAGE}"
        )
        last = -1
        while page := self._query(query, last):
            for position, result in self._results(page):
                if (path := json.loads(result).get("file_path")) is not None:
                    yield position, path
            last = page[-1][0]

    def records(self, first: int = 0, last: int | None = None) -> Iterator[tuple[int, RowRecord]]:
        """Yield the records of rows, with their positions.

        `first` is the first position, `last` the one after the last; None reads to the end.
        """
        bounds, where = (first, _END if last is None else last), "WHERE position >= ? AND position < ?"
        prepared = {}
        for *values, mac in self._query(f"SELECT * FROM rows {where}", *bounds):  # noqa: S608
            row = RowPrepared(*values)
            self._check(row_message, row, mac, f"the request of row {row.position:,}")
            prepared[row.position] = row._replace(own_name=bool(row.own_name))
        intents: dict[int, list[Intent]] = {}
        voided: dict[int, bool] = {}
        for intent, void in self._intents(where, bounds):
            intents.setdefault(intent.position, []).append(intent)
            voided[intent.position] = void
        results = dict(self._results(self._query(f"SELECT position, result, mac FROM results {where}", *bounds)))  # noqa: S608
        befores = self._befores(where, bounds)
        for at in sorted(prepared.keys() | results.keys() | befores.keys()):
            intended, void = intents.get(at, []), voided.get(at, False)
            yield at, RowRecord(prepared.get(at), intended, void, results.get(at), befores.get(at, ()))

    def _befores(self, where: str, bounds: tuple[int, int]) -> dict[int, tuple[RowBefore, ...]]:
        """Return the files that rows were about to replace or to change, by position."""
        befores: dict[int, tuple[RowBefore, ...]] = {}
        for *values, mac in self._query(f"SELECT * FROM files_before {where} ORDER BY rowid", *bounds):  # noqa: S608
            entry = RowBefore(*values)
            self._check(before_message, entry, mac, f"the earlier file of row {entry.position:,}")
            befores[entry.position] = (*befores.get(entry.position, ()), entry)
        return befores

    def _intents(self, where: str, bounds: tuple[int, int]) -> Iterator[tuple[Intent, bool]]:
        """Yield intents in their order, and whether each is voided."""
        query = f"SELECT * FROM intents {where} ORDER BY rowid"  # noqa: S608
        for position, iat, exp, at, sealed, guess, mac, voided in self._query(query, *bounds):
            what, token = f"an attempt of row {position:,}", None
            self._check(intent_message, (position, iat, exp, at, guess), mac, what)
            if sealed is not None:
                code, _, token = sealed.partition(" ")
                self._check(token_message, (position, iat, exp, token), _from_hex(code), what)
            if voided is not None:
                self._check(void_message, (mac,), voided, what)
            yield Intent(position, iat, exp, at, token, bool(guess)), voided is not None

    def _results(self, rows: Iterable[tuple[int, str, bytes]]) -> Iterator[tuple[int, str]]:
        for position, result, mac in rows:
            self._check(result_message, (position, result), mac, f"the result of row {position:,}")
            yield position, result

    def _check(self, message: Callable[..., bytes], values: Sequence[Any], mac: object, what: str) -> None:
        """Raise if this run did not write an entry; `what` says in the error which entry it is."""
        try:
            proven = self._seal is not None and self._seal.proves(message(*values), mac)
        except (struct.error, AttributeError):  # a value of another type
            proven = False
        if not proven:
            raise damaged(self.path, what)

    def write(self, entries: Sequence[Entry]) -> None:
        """Write entries, all of them or none; they are durable on return."""
        if self._seal is None:
            raise JournalError(f"The journal {self.path} was never started.")
        with errors_of(self.path), self._write() as db:
            insert(db, entries, self._seal)

    @property
    def ended(self) -> float | None:
        """When the run had no more to do, in seconds since 1970; None if it was interrupted."""
        return self._about().ended

    def end(self, at: float) -> None:
        """Record when the run had no more to do."""
        with errors_of(self.path), self._write() as db:
            db.execute("UPDATE about SET ended = ?", (at,))

    @property
    def undone(self) -> bool:
        """Whether the run was undone, in part at least: its results are those of files that may be gone."""
        return bool(self._query("SELECT 1 FROM undone"))

    def undo(self, at: float) -> None:
        """Record when the run was undone, before anything is changed; it has no more to do."""
        with errors_of(self.path), self._write() as db:
            db.execute("INSERT INTO undone VALUES (?)", (at,))
            db.execute("UPDATE about SET ended = coalesce(ended, ?)", (at,))

    def _about(self) -> _About:
        return _About(*self._query("SELECT * FROM about")[0])

    def _query(self, sql: str, *values: object) -> list[Any]:
        with errors_of(self.path), self._lock:
            return self._db.execute(sql, values).fetchall()

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
