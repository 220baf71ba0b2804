"""Where the journals of runs are: start, resume, list and delete them."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import shutil
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from glob import escape
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ikpipe.concurrency.temporary import remove_abandoned
from ikpipe.errors import JournalError, Message, keyword
from ikpipe.frames.chunks import InMemoryTable, JournalTable, TableSource
from ikpipe.frames.codec import json_values
from ikpipe.frames.codec.text import decode_frame
from ikpipe.journal import glances
from ikpipe.journal.entries import Entry, RowRecord, TableComplete
from ikpipe.journal.history import OpenJournal
from ikpipe.journal.recorder import piece_of
from ikpipe.journal.sqlite import SQLiteJournal
from ikpipe.request.account import Account
from ikpipe.request.known_runs import known_by
from ikpipe.request.token import LocalSigner, UploadToken
from ikpipe.request.user_folders import state_folder

if TYPE_CHECKING:
    import pandas as pd

_log = logging.getLogger("ikpipe.journal")

KEPT = 30 * 86_400  # seconds for which the journal of a finished run stays in the user's state folder, for `undo`
ENDING = ".ikjournal"
UPLOAD, UPDATE, SYNC = "upload", "update", "sync"
"""What a run can do."""
HEAD_START = 0.4  # seconds: an ordinary table is completely in its journal before anything is sent


def journals_folder() -> Path:
    """Return the folder of journals without a path given by the user."""
    return state_folder() / "journals"


def is_journals_folder(folder: Path) -> bool:
    """Whether a folder is that of journals without a path given by the user."""
    with suppress(JournalError):
        return folder == journals_folder()
    return False


def own_journals() -> list[Path]:
    """Return the files of the user's state folder that are named as journals; links are left out."""
    with suppress(JournalError):
        return [path for path in journals_folder().glob(f"*{ENDING}") if not path.is_symlink()]
    return []


def begin(
    path: str | Path | None,
    table: TableSource,
    mapping: Mapping[str, Any],
    account: Account,
    *,
    sending: Mapping[str, Any],
    run: str | None = None,
    kind: str = UPLOAD,
    again: bool = False,
    compared: bool = False,
    trust: bool = False,
) -> OpenJournal:
    """Start the journal of a run, or open the one that is there to continue the same run.

    A journal is continued for the same `table`, `mapping` and `account`. That of a finished run for another table, of a
    run that was undone, of any earlier run with the same name, or of an earlier sync, is moved to the user's state
    folder, and a new one is started.

    `path` None makes a file in the user's state folder; it is the same file for each `run` of a name. `sending` are the
    options of the run, as plain JSON values. `kind` is what it does, such as `UPLOAD`. `again` says whether the
    table is one of results. `compared`: each row is compared with the library, so that a finished run is never
    continued. `trust` accepts a journal that does not prove that this account wrote it. Raise `JournalError` if it
    cannot be created, belongs to another run that was interrupted, or nothing proves that this account wrote it.
    """
    remove_abandoned()
    if isinstance(path, str) and "://" in path:
        words = f"The journal {path} is a URL, and that of a run on one machine is a file."
        raise JournalError(words, another=True)
    place = Path(path) if path is not None else _new_path(run, account)
    facts = {
        "run": run or uuid.uuid4().hex,
        "begun": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "rows": table.rows,
        "origin": table.origin,
        "again": again,
        "public_key": account.public_key,
        "mapping": json_values.encode(dict(mapping)),
        "sending": dict(sending),
        **({} if kind == UPLOAD else {"kind": kind}),  # which journals of earlier versions lack
    }
    journal, sign = SQLiteJournal.make(place, account, trust=trust), token_signer(account)
    try:
        if journal.begun:
            before, ended = journal.facts, journal.ended is not None
            replaceable = ended or (path is None and run is not None) or kind == before.get("kind") == SYNC
            continues, same = False, None
            if _is_alike(before, facts, run) and not (compared and ended) and not journal.undone:
                continues, same = _compare(journal, table, whole=replaceable)
            if continues:
                return OpenJournal(journal, same, sign=sign, repeated=True)
            journal.close()
            _move(place, before, facts, ended=ended, replaceable=replaceable, named=path is not None)
            journal = SQLiteJournal.make(place, account, trust=trust)
        journal.begin(facts, _head_start(table))
    except BaseException:
        journal.close()
        raise
    return OpenJournal(journal, journal.recorded_rows, fresh=True, sign=sign)


def _is_alike(before: Mapping[str, Any], facts: Mapping[str, Any], run: str | None) -> bool:
    """Whether the run of a journal has the mapping, the account and, if it is given, the name of another one.

    No sync is alike: its table has what the library had, which the sync before has changed.
    """
    same = all(before[name] == facts[name] for name in ("again", "public_key", "mapping"))
    same = same and facts.get("kind") != SYNC
    return same and before.get("kind", UPLOAD) == facts.get("kind", UPLOAD) and run in (None, before["run"])


def is_update(facts: Mapping[str, Any]) -> bool:
    """Whether the facts of a journal are those of an update."""
    return facts.get("kind") == UPDATE


def _compare(journal: SQLiteJournal, table: TableSource, *, whole: bool) -> tuple[bool, int | None]:
    """Return whether a journal has the rows of a table, and how many of them.

    The rows of a file are compared when the run reads them, and their number is None; `whole` compares them here too.
    """
    if table.ahead:
        same = _same(journal, table)
        return same is not None, same
    if not whole or table.origin is None:
        return True, None
    from ikpipe.frames.io.streams import reopen_table

    return _same(journal, reopen_table(table.origin)) is not None, None


def _move(
    place: Path, before: Mapping[str, Any], now: Mapping[str, Any], *, ended: bool, replaceable: bool, named: bool
) -> None:
    """Move the journal of an earlier run to the user's state folder, and log that.

    `before` and `now` are the facts of the two runs. `named`: the user named the file, and wonders where it is. Raise
    `JournalError` if it is not `replaceable`, or another account's.
    """
    if not replaceable or before["public_key"] != now["public_key"]:
        words = f"The journal {place} belongs to another run, started {before['begun']}: its table, mapping or account"
        raise JournalError(f"{words} differs.", fix="Resume that run.", another=True)
    begun = re.sub(r"[^0-9T]", "", str(before["begun"]))[:15]
    to = _move_away(place, f"{begun}-{uuid.uuid4().hex[:8]}{ENDING}")
    interrupted = "an interrupted sync" if before.get("kind") == SYNC else "an interrupted run of the same name"
    which = "a finished run" if ended else interrupted
    _log.log(
        logging.WARNING if named else logging.INFO,
        "The journal %s belongs to %s, started %s. It was moved to %s, and this run starts anew.",
        *(place, which, before["begun"], to),
    )


def _move_away(place: Path, name: str) -> Path:
    """Move a journal to the user's state folder, or rename it where that folder cannot be written to.

    A service has no home: its old journals stay in its own folder, for as long as those in the state folder. Return the
    new path; raise `JournalError` if neither is possible.
    """
    with suppress(JournalError):
        to = _folder() / name
        try:
            shutil.move(place, to)
        except OSError:
            to.unlink(missing_ok=True)  # what a full disk took of it
        else:
            delete_old(time.time())
            return to
    delete_old(time.time(), place.parent.glob(f"{escape(place.stem)}-*{ENDING}"))
    to = place.with_name(f"{place.stem}-{name}")
    try:
        return place.rename(to)
    except OSError as error:
        words = f"The journal {place} of an earlier run cannot be moved to {to}: {error.strerror}."
        raise JournalError(words, another=True) from None


def _head_start(feed: TableSource) -> Iterator[Entry]:
    """Yield as much of a table in memory as can be recorded without delaying its first rows."""
    if not feed.ahead:
        return
    start, rows, head = time.monotonic(), 0, None
    for chunk in feed.chunks():
        piece = piece_of(chunk)
        yield piece._replace(head=None) if piece.head == head else piece
        rows, head = piece.position + piece.rows, piece.head
        if rows == feed.rows:
            yield TableComplete(rows)
        elif time.monotonic() > start + HEAD_START:
            return


def _same(journal: SQLiteJournal, feed: TableSource) -> int | None:
    """Return how many rows the journal has as they are in the table; None if any of them differs."""
    rows = 0
    for stored, chunk in zip_longest(journal.pieces(), feed.chunks()):
        if stored is None and journal.rows is None:  # the recording was interrupted here
            return rows
        if stored is None or chunk is None or stored != piece_of(chunk):
            return None
        rows = stored.position + stored.rows
    return rows


def token_signer(account: Account) -> Callable[..., UploadToken] | None:
    """Return what makes a token again from its fields and times; None without the private key."""
    return None if account.private_key is None else LocalSigner(account).sign_at


def open_interrupted(
    path: str | Path, account: Account, *, trust: bool = False
) -> tuple[OpenJournal, TableSource, dict[str, Any]]:
    """Open the journal of an interrupted run; return it, the run's table and its mapping.

    The table is in the journal, or in the file that was being read. `trust` accepts a journal that does not prove that
    this account wrote it, if it has the same public key. Raise `JournalError` if there is no such journal, it cannot be
    used, the run is another account's, or nothing proves that this account wrote it.
    """
    remove_abandoned()
    place = Path(path)
    if not os.path.exists(place):  # noqa: PTH110 - unlike Path's, False where nobody may look
        others = ", ".join(str(run.path) for run in interrupted_runs())
        words = f" Runs that can be resumed: {others}." if others else ""
        raise JournalError(f"There is no journal {place}.{words}")
    journal = SQLiteJournal.open(place, account, trust=trust)
    try:
        if journal.undone:
            raise JournalError(f"The run of the journal {place} was undone.", fix="Upload the table again.")
        table = _table(journal)
        mapping = json_values.decode(journal.facts["mapping"], trusted=True)
    except ValueError as error:
        journal.close()
        raise JournalError(f"The journal {place} is damaged: {error}.") from None
    except BaseException:
        journal.close()
        raise
    return OpenJournal(journal, journal.rows, sign=token_signer(account)), table, mapping


def _table(journal: SQLiteJournal) -> TableSource:
    """Return the table of a journal: from there alone, or from the file that was being read."""
    origin = journal.facts["origin"]
    if journal.rows is None and origin is not None:
        from ikpipe.frames.io.streams import reopen_table

        return reopen_table(origin)
    if journal.rows is None:
        raise JournalError(
            f"The journal {journal.path} has only the first {journal.recorded_rows:,} rows of its table: the process"
            " ended while it recorded them.",
            fix=Message("Upload that table again with the same ", keyword("journal"), "; only what is left is sent."),
        )
    if origin is not None:
        return JournalTable(journal.pieces, journal.rows, origin, trusted=True)
    first = next(journal.pieces(), None)
    head = "" if first is None else first.head or ""
    return InMemoryTable(decode_frame(head, (piece.cells for piece in journal.pieces()), trusted=True))


def earlier(
    results: pd.DataFrame, account: Account, journal: str | Path | None = None, *, trust: bool = False
) -> list[tuple[int, RowRecord]]:
    """Return the records in the journal of the run that these results are from, with their positions.

    The results do not say where the journal is, since they could name any file: without `journal`, it is the one that
    this process remembers, if it is there and proven. `trust` accepts a journal that does not prove that this account
    wrote it, if it has the same public key. Raise `JournalError` if the named journal cannot be used, or nothing proves
    that this account wrote it.
    """
    if journal is not None:
        with SQLiteJournal.open(Path(journal), account, trust=trust) as named:
            return list(named.records())
    known = known_by(results.attrs)
    if known is None or known.journal is None:
        return []
    with suppress(JournalError), SQLiteJournal.open(Path(known.journal), account) as noted:
        return list(noted.records())
    return []


class InterruptedRun(NamedTuple):
    """A run that was interrupted: its journal, when it was started, and the number of its rows so far."""

    path: Path
    begun: str
    rows: int


def interrupted_runs() -> Iterator[InterruptedRun]:
    """Return the interrupted runs of the user's state folder, the latest first; runs in progress are left out."""
    runs = []
    for path in own_journals():
        with suppress(JournalError):
            counts = glances.glance(path)
            if counts.begun is not None and counts.ended is None:
                runs.append(InterruptedRun(path, counts.begun, counts.rows))
    return iter(sorted(runs, key=lambda run: (run.begun, run.path), reverse=True))


def journals_of(run: str, account: Account) -> Iterator[Path]:
    """Return the journals in the user's state folder that claim to be of a run, the latest first.

    `run` is the run's id, or the name that the user gave it. Nothing proves them yet.
    """
    found = []
    for path in own_journals():
        with suppress(JournalError):
            counts = glances.glance(path)
            if counts.run == run:
                found.append((counts.begun or "", path == _named_path(run, account), path))
    return (path for *_, path in sorted(found, reverse=True))


def delete_old(now: float, paths: Iterable[Path] | None = None) -> None:
    """Delete old journals of finished runs, by default those in the user's state folder.

    `now` is in seconds since 1970.
    """
    for path in own_journals() if paths is None else paths:
        with suppress(JournalError, OSError):
            if path.stat().st_mtime > now - KEPT:
                continue
            glances.remove(path)
    if paths is None:
        _delete_logs(now)


def _delete_logs(now: float) -> None:
    """Delete old logs in the user's state folder whose journal is gone."""
    for log in _folder().glob(f"*{ENDING}-*"):
        with suppress(OSError):
            alone = not log.with_name(log.name.rpartition("-")[0]).exists()
            if alone and not log.is_symlink() and log.stat().st_mtime <= now - KEPT:
                log.unlink()


def _new_path(run: str | None, account: Account) -> Path:
    """Return the file of a run in the user's state folder, which is new unless the run has a name.

    Old files there are deleted.
    """
    delete_old(time.time())
    folder = _folder()
    if run is not None:
        return _named_path(run, account)
    return folder / f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{uuid.uuid4().hex[:8]}{ENDING}"


def _named_path(run: str, account: Account) -> Path:
    """Return the file of a run that has a name."""
    text = json.dumps([account.public_key, run])
    return journals_folder() / f"run-{hashlib.sha256(text.encode()).hexdigest()[:16]}{ENDING}"


def _folder() -> Path:
    """Return the folder of journals, which is created if there is none."""
    folder = journals_folder()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        words = f"The folder for journals {folder} cannot be created: {error.strerror}."
        raise JournalError(words, another=True) from None
    return folder
