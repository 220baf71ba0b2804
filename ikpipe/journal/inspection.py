"""Look at a journal's file before anything opens it to write: whether it is one, and this account wrote it.

SQLite changes files that it only opens: it writes another program's database back from its log, or leaves files beside
it. So everything here reads a private copy: the beginning of the file, which has the facts, and its `-wal`. Only a file
that passes is opened itself, where the same is found out once more.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import stat
import struct
import threading
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from weakref import WeakValueDictionary

from ikpipe.errors import JournalError
from ikpipe.journal.format import APPLICATION_ID, EARLIER, FORMAT, about_message, format_of, upgrade

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ikpipe.journal.proof import Prover, Seal

T = TypeVar("T")

HEAD = 16 << 20  # bytes of a file that have its facts, but for a mapping that is larger than that
_MAGIC = b"SQLite format 3\0"
_BLOCK = 1 << 20
_SHARED = 0x40000002  # where SQLite locks a file that it reads, in bytes; so many of them
_SHARED_BYTES = 510
LOCK = threading.Lock()
"""Held while a file is looked at and opened: to close a file lets go of all locks that this process has on it."""
_OPEN: WeakValueDictionary[tuple[int, int, int], Any] = WeakValueDictionary()
"""The journals that this process has open, by process, device and inode."""

_ELSEWHERE = "or name another file with journal="
_MENDS = {
    sqlite3.SQLITE_BUSY: "another process is using it: wait until that run has ended",
    sqlite3.SQLITE_READONLY: f"it may not be written to: mend its permissions, {_ELSEWHERE}",
    sqlite3.SQLITE_FULL: "the disk is full: free some space, then resume",
    sqlite3.SQLITE_IOERR: "the disk does not take it: free some space or mend the disk, then resume",
    sqlite3.SQLITE_CANTOPEN: f"it cannot be opened: mend the path or its permissions, {_ELSEWHERE}",
    sqlite3.SQLITE_NOTADB: f"it is not an ikpipe journal: correct the path, {_ELSEWHERE}",
    sqlite3.SQLITE_CORRUPT: "it is damaged: take a copy of it, or look with ikpipe.files what is up before you upload "
    "again",
}


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn what SQLite and the system say into an error that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF  # the rest tells kinds of one trouble apart
        mend = _MENDS.get(code, f"mend that, {_ELSEWHERE}")
        raise JournalError(f"The journal {path} cannot be used ({error}); {mend}.") from None
    except OSError as error:
        raise JournalError(
            f"The journal {path} cannot be made: {error.strerror}; name another file with journal=."
        ) from None
    except json.JSONDecodeError as error:
        raise JournalError(f"The journal {path} is damaged: {error}.") from None


def damaged(path: Path, what: str) -> JournalError:
    """Return the error for entries that are not as they were written."""
    return JournalError(
        f"The journal {path} was changed since it was written: {what} is not what this account wrote. Use a copy from "
        "before; or look with ikpipe.files what is stored before you upload the table again, with another journal."
    )


class Verdict(NamedTuple):
    """What a journal is: its format, 0 if nothing is in it, its facts, and the seal that it was written with.

    `seal` is None where nothing proves that this account wrote it, and somebody trusts it.
    """

    format: int
    facts: dict[str, Any]
    seal: Seal | None


def judge(db: sqlite3.Connection, path: Path, prover: Prover, *, trust: bool) -> Verdict:
    """Say what a database is, by what is in it.

    Raises
    ------
    JournalError
        It is no journal of a known format, it is another account's, or nothing proves that this account wrote it and
        nobody trusts it.
    """
    number = format_of(db)
    if number is None:
        raise _foreign(path)
    if number == 0:
        return Verdict(0, {}, None)
    if number not in (EARLIER, FORMAT):
        raise JournalError(f"The journal {path} has the format {number}; this ikpipe reads {FORMAT}.")
    facts, text, mac = _facts(db, path, number)
    seal = None if number == EARLIER else prover.sealed_by(about_message(text), mac)
    if seal is None:
        _check_unproven(path, facts, number, prover, trust=trust)
    return Verdict(number, facts, seal)


def inspect(path: Path, prover: Prover, *, trust: bool) -> Verdict:
    """Say what a file is, of which a private copy is read; the file stays as it is.

    Raises
    ------
    JournalError
        As for `judge`; or the file is in use, or cannot be read.
    """
    with told(path), _opened(path) as file:
        if not os.fstat(file).st_size:
            return Verdict(0, {}, None)
        return _asked_of_copies(path, file, lambda db: judge(db, path, prover, trust=trust))


def _asked_of_copies(path: Path, file: int, question: Callable[[sqlite3.Connection], T]) -> T:
    """Answer a question about a journal from its beginning, or from all of it where the facts are not all in that."""
    long = os.fstat(file).st_size > HEAD
    for most in (HEAD, None) if long else (None,):
        with suppress(sqlite3.DatabaseError), copied(path, file, most) as db:
            try:
                return question(db)
            except JournalError:
                if most is None or format_of(db) not in (EARLIER, FORMAT):
                    raise
    raise JournalError(f"The journal {path} cannot be used; {_MENDS[sqlite3.SQLITE_CORRUPT]}.")


def make_ready(path: Path) -> None:
    """See that a journal can be written to, and that nobody else reads it."""
    if not (os.access(path, os.W_OK) and os.access(path.resolve().parent, os.W_OK)):  # SQLite calls that an I/O error
        raise JournalError(
            f"The journal {path} cannot be used; it may not be written to: mend its permissions, or name another file "
            "with journal=."
        )
    if path.stat().st_mode & 0o077:
        with suppress(OSError):  # it is another user's, who lets us write
            path.chmod(0o600)


def connect(db: sqlite3.Connection, path: Path, prover: Prover, *, fresh: bool, trust: bool) -> Verdict:
    """Hold a file alone, and find out once more, of the file itself, what it is.

    A file that is fresh says in its header what it is before anything else is in it.
    """
    # Exclusive: held until it is closed, also by the death of the process, and no third file beside it.
    db.execute("PRAGMA locking_mode=EXCLUSIVE")
    if fresh and not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        db.executescript(
            "PRAGMA synchronous=FULL; PRAGMA journal_mode=MEMORY; BEGIN IMMEDIATE; "
            f"PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={FORMAT}; COMMIT;"
        )
    verdict = judge(db, path, prover, trust=trust)
    db.executescript("PRAGMA synchronous=FULL; PRAGMA journal_mode=WAL; BEGIN IMMEDIATE; COMMIT;")
    if verdict.format and verdict.seal is None:
        adopt(db, path, verdict.format, prover)
        verdict = judge(db, path, prover, trust=False)
    return verdict


class JournalCounts(NamedTuple):
    """What a journal says of its run, whoever wrote it: when it began, its rows, and when it had no more to do.

    Nothing proves it: it is good for lists alone. `begun` is None where nothing was begun.
    """

    begun: str | None
    rows: int
    ended: float | None


def glance(path: Path) -> JournalCounts:
    """Say what a file claims to be, for lists and for pruning; the file stays as it is.

    Raises
    ------
    JournalError
        It is no journal, it is in use, or it cannot be read.
    """
    with LOCK, told(path), _opened(path) as file:
        if not os.fstat(file).st_size:
            return JournalCounts(None, 0, None)
        return _asked_of_copies(path, file, lambda db: _kept(db, path))


def _kept(db: sqlite3.Connection, path: Path) -> JournalCounts:
    number = format_of(db)
    if number == 0:
        return JournalCounts(None, 0, None)
    if number not in (EARLIER, FORMAT):
        raise _foreign(path)
    facts, *_ = _facts(db, path, number)
    rows, ended = db.execute("SELECT rows, ended FROM about").fetchone()
    if rows is None:
        (rows,) = db.execute("SELECT coalesce(max(start + rows), 0) FROM pieces").fetchone()
    return JournalCounts(str(facts.get("begun", "")), int(rows), ended)


def adopt(db: sqlite3.Connection, path: Path, number: int, prover: Prover) -> None:
    """Seal a journal that is trusted, in the present format, so that from now on it is proven.

    Raises
    ------
    JournalError
        It is damaged.
    """
    try:
        db.execute("BEGIN IMMEDIATE")
        upgrade(db, number, prover.own)
        db.execute("COMMIT")
    except (ValueError, KeyError, TypeError, struct.error, sqlite3.OperationalError) as error:
        # Of what a function of ours says about an entry, SQLite only tells that there was an error.
        if getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) != sqlite3.SQLITE_ERROR:
            raise
        raise JournalError(f"The journal {path} is damaged: {error}.") from None
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def claim(path: Path, journal: Any) -> None:
    """Note that this process has a journal open; `LOCK` is held."""
    _OPEN[_place(path.stat())] = journal


def release(journal: Any) -> None:
    """Note that this process has closed a journal."""
    for place, one in [*_OPEN.items()]:
        if one is journal:
            del _OPEN[place]


def _place(status: os.stat_result) -> tuple[int, int, int]:
    return os.getpid(), status.st_dev, status.st_ino


def _foreign(path: Path) -> JournalError:
    return JournalError(
        f"{path} is not an ikpipe journal, and stays as it is: correct the path, or name another file with journal=."
    )


def _facts(db: sqlite3.Connection, path: Path, number: int) -> tuple[dict[str, Any], str, object]:
    """Return a journal's facts, their text and its MAC."""
    mac = "mac" if number == FORMAT else "NULL"
    found = db.execute(f"SELECT facts, {mac} FROM about").fetchall()  # noqa: S608 - our own words
    try:
        ((text, code),) = found
        facts = json.loads(text)
        if not isinstance(facts["run"], str):
            raise TypeError("its run is no text")
    except (ValueError, KeyError, TypeError) as error:
        raise JournalError(f"The journal {path} is damaged: {error}.") from None
    return facts, text, code


def _check_unproven(path: Path, facts: dict[str, Any], number: int, prover: Prover, *, trust: bool) -> None:
    """Refuse a journal that proves nothing, unless it is of this account and somebody trusts it."""
    theirs = facts.get("public_key")
    if theirs != prover.public_key:
        raise JournalError(
            f"The journal {path} is of the account {theirs}, and not of {prover.public_key}: resume it with the keys "
            "that it was begun with."
        )
    if trust:
        return
    if number == EARLIER:
        why = f"has the format {number} of an earlier ikpipe, which does not show who wrote it"
    elif facts.get("sealed_by") == "key" and not prover.has_key:
        why = "was written with the account's private key, which is not set here, so that nothing shows who wrote it"
    elif facts.get("sealed_by") == "key":
        why = "was written with another private key than this account's, or was changed since"
    else:
        why = "was written without a private key by another user or on another machine, or was changed since"
    raise JournalError(
        f"The journal {path} {why}. If you know that it is yours, pass trust_journal=True; if not, name another file "
        "with journal=."
    )


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    """Open a file to read it, which is nobody else's at the moment."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise _foreign(path)
    if _place(status) in _OPEN:
        raise _busy(path)
    try:
        file = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except OSError as error:
        raise JournalError(
            f"The journal {path} cannot be read: {error.strerror}; mend its permissions, {_ELSEWHERE}."
        ) from None
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise _foreign(path)
        if os.fstat(file).st_size and os.read(file, len(_MAGIC)) != _MAGIC:
            raise _foreign(path)
        _lock(path, file)
        yield file
    finally:
        os.close(file)


def _lock(path: Path, file: int) -> None:
    """Keep others from writing to a file until it is closed, where the system has such locks."""
    try:
        import fcntl
    except ImportError:
        return
    try:
        fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB, _SHARED_BYTES, _SHARED)
    except (BlockingIOError, PermissionError):
        raise _busy(path) from None
    except OSError:  # there are file systems without locks
        return


def _busy(path: Path) -> JournalError:
    return JournalError(f"The journal {path} cannot be used; {_MENDS[sqlite3.SQLITE_BUSY]}.")


@contextmanager
def copied(path: Path, file: int, most: int | None) -> Iterator[sqlite3.Connection]:
    """Open a private copy of a database, of which no more than so many bytes are copied; the others are a hole."""
    with TemporaryDirectory(prefix="ikpipe-") as folder:
        try:
            _copy(path, file, Path(folder, "copy"), most)
        except OSError as error:
            words = f"no copy of it can be made to check it in {folder}: {error.strerror}"
            raise JournalError(f"The journal {path} cannot be used; {words}. Free some space, or set TMPDIR.") from None
        with closing(sqlite3.connect(Path(folder, "copy"), isolation_level=None)) as db:
            db.execute("PRAGMA trusted_schema=OFF")
            yield db


def _copy(path: Path, file: int, copy: Path, most: int | None) -> None:
    """Copy a file and its log. No other handle of the file is closed here, since that would let go of its lock."""
    with copy.open("wb") as target:
        os.lseek(file, 0, os.SEEK_SET)
        while (most is None or target.tell() < most) and (block := os.read(file, _BLOCK)):
            target.write(block)
        target.truncate(os.fstat(file).st_size)
    wal = path.resolve().with_name(f"{path.resolve().name}-wal")
    if wal.is_file() and not wal.is_symlink():
        shutil.copyfile(wal, copy.with_name("copy-wal"))
