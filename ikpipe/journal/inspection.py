"""Check a file before it is opened for writing: whether it is a journal, and whether this account wrote it.

SQLite changes files that it only opens: it writes another program's database back from its log, or creates other
files in the folder. So everything here reads a private copy: the beginning of the file, which has the facts, and its
`-wal`. Only a file that passes is opened itself, and checked once more.
"""

import json
import os
import shutil
import sqlite3
import stat
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from weakref import WeakValueDictionary

from ikpipe.concurrency.temporary import LockedFolder
from ikpipe.errors import ApiName, JournalError, Message, keyword
from ikpipe.journal.format import (
    APPLICATION_ID,
    EARLIER,
    FORMAT,
    READABLE,
    WITHOUT_BEFORE,
    about_message,
    extend,
    format_of,
    upgrade,
)
from ikpipe.journal.proof import Prover, Seal

T = TypeVar("T")

HEAD = 16 << 20  # bytes of a file that have its facts, unless the mapping is larger than that
_MAGIC = b"SQLite format 3\0"
_BLOCK = 1 << 20
_SHARED, _SHARED_BYTES = 0x40000002, 510  # the bytes that SQLite locks of a file that it reads: the first, how many
LOCK = threading.Lock()
"""Held while a file is checked and opened: closing a file releases all locks that this process has on it."""
_OPEN: WeakValueDictionary[tuple[int, int, int], Any] = WeakValueDictionary()
"""The journals that this process has open, by process, device and inode."""

_FILES = ApiName("function", "files")
# What is wrong, what to do about it, and whether another journal would do instead.
_CAUSES: dict[int, tuple[str, str, bool]] = {
    sqlite3.SQLITE_BUSY: ("another process is using it", "Wait until that run has ended.", False),
    sqlite3.SQLITE_READONLY: ("it is not writable", "Correct its permissions.", True),
    sqlite3.SQLITE_FULL: ("the disk is full", "Free up space, then resume.", False),
    sqlite3.SQLITE_IOERR: ("the disk reports an error", "Free up space or repair the disk, then resume.", False),
    sqlite3.SQLITE_CANTOPEN: ("it cannot be opened", "Correct the path or its permissions.", True),
    sqlite3.SQLITE_NOTADB: ("it is not an ikpipe journal", "Correct the path.", True),
    sqlite3.SQLITE_CORRUPT: (
        "it is damaged",
        Message("Use a copy of it, or check with ", _FILES, " which files are uploaded before you upload again."),
        False,
    ),
}


class JournalInUseError(JournalError):
    """A journal cannot be used, since a process is using it."""


def _unusable(path: Path, code: int) -> JournalError:
    """Return the error for a journal that cannot be used, by SQLite's code of the cause."""
    cause, fix, another = _CAUSES[code]
    kind = JournalInUseError if code == sqlite3.SQLITE_BUSY else JournalError
    return kind(f"The journal {path} cannot be used: {cause}.", fix=fix, another=another)


@contextmanager
def errors_of(path: Path) -> Iterator[None]:
    """Convert errors of SQLite and the system to errors that say what to do."""
    try:
        yield
    except sqlite3.Error as error:
        code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF  # the rest distinguishes kinds of one error
        if code in _CAUSES:
            raise _unusable(path, code) from None
        raise JournalError(f"The journal {path} cannot be used: {error}.", another=True) from None
    except OSError as error:
        raise JournalError(f"The journal {path} cannot be created: {error.strerror}.", another=True) from None
    except json.JSONDecodeError as error:
        raise JournalError(f"The journal {path} is damaged: {error}.") from None


def damaged(path: Path, what: str) -> JournalError:
    """Return the error for entries that are not as they were written."""
    words = f"The journal {path} was changed since it was written: {what} is not what this account wrote."
    fix = (
        "Use an earlier copy, or check with ",
        _FILES,
        " which files are uploaded before you upload the table again.",
    )
    return JournalError(words, fix=Message(*fix), another=True)


class Verdict(NamedTuple):
    """What a file is: its format, 0 if it is empty, its facts, and the seal that it was written with.

    `seal` is None where nothing proves that this account wrote it, and the caller trusts it.
    """

    format: int
    facts: dict[str, Any]
    seal: Seal | None


def judge(db: sqlite3.Connection, path: Path, prover: Prover, *, trust: bool) -> Verdict:
    """Return what a database is, from its content.

    Raise `JournalError` if it is not a journal of a known format, it is another account's, or nothing proves that this
    account wrote it and the caller does not trust it.
    """
    number = format_of(db)
    if number is None:
        raise foreign(path)
    if number == 0:
        return Verdict(0, {}, None)
    if number not in READABLE:
        raise JournalError(f"The journal {path} has the format {number}; this version of ikpipe reads {FORMAT}.")
    facts, text, mac = facts_of(db, path, number)
    seal = None if number == EARLIER else prover.sealed_by(about_message(text), mac)
    if seal is None:
        _check_unproven(path, facts, number, prover, trust=trust)
    return Verdict(number, facts, seal)


def inspect(path: Path, prover: Prover, *, trust: bool) -> Verdict:
    """Return what a file is, from a private copy; the file is not changed.

    Raise `JournalError`: as for `judge`; or the file is in use, or cannot be read.
    """
    with errors_of(path), opened(path) as file:
        if not os.fstat(file).st_size:
            return Verdict(0, {}, None)
        return asked_of_copies(path, file, lambda db: judge(db, path, prover, trust=trust))


def asked_of_copies(path: Path, file: int, question: Callable[[sqlite3.Connection], T]) -> T:
    """Answer a question about a journal from its beginning, or from all of it if its facts are longer than that."""
    long = os.fstat(file).st_size > HEAD
    for most in (HEAD, None) if long else (None,):
        with suppress(sqlite3.DatabaseError), copied(path, file, most) as db:
            try:
                return question(db)
            except JournalError:
                if most is None or format_of(db) not in READABLE:
                    raise
    raise _unusable(path, sqlite3.SQLITE_CORRUPT)


def make_ready(path: Path) -> None:
    """Check that a journal can be written to, and let no other user read it."""
    if not (os.access(path, os.W_OK) and os.access(path.resolve().parent, os.W_OK)):  # SQLite calls that an I/O error
        raise _unusable(path, sqlite3.SQLITE_READONLY)
    if path.stat().st_mode & 0o077:
        with suppress(OSError):  # it belongs to another user, who lets this one write
            path.chmod(0o600)


def connect(db: sqlite3.Connection, path: Path, prover: Prover, *, fresh: bool, trust: bool) -> Verdict:
    """Lock a file exclusively, and check once more, of the file itself, what it is.

    A fresh file says in its header what it is before anything else is in it.
    """
    # Exclusive: held until it is closed, also by the death of the process, and without a third file.
    db.execute("PRAGMA locking_mode=EXCLUSIVE")
    if fresh and not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        db.executescript(
            "PRAGMA synchronous=FULL; PRAGMA journal_mode=MEMORY; BEGIN IMMEDIATE; "
            f"PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={FORMAT}; COMMIT;"
        )
    verdict = judge(db, path, prover, trust=trust)
    db.executescript("PRAGMA synchronous=FULL; PRAGMA journal_mode=WAL; BEGIN IMMEDIATE; COMMIT;")
    if verdict.format and verdict.seal is None:
        _rewrite(db, path, lambda: upgrade(db, verdict.format, prover.own))
        return judge(db, path, prover, trust=False)
    if verdict.format == WITHOUT_BEFORE:
        _rewrite(db, path, lambda: extend(db))
    return verdict


def _rewrite(db: sqlite3.Connection, path: Path, change: Callable[[], None]) -> None:
    """Bring a journal into the present format in one transaction; raise `JournalError` if it is damaged."""
    try:
        db.execute("BEGIN IMMEDIATE")
        change()
        db.execute("COMMIT")
    except (ValueError, KeyError, TypeError, struct.error, sqlite3.OperationalError) as error:
        # Of an exception in a function that SQL calls, SQLite reports only that there was one.
        if getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) != sqlite3.SQLITE_ERROR:
            raise
        raise JournalError(f"The journal {path} is damaged: {error}.") from None
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def claim(path: Path, journal: Any) -> None:
    """Note that this process has a journal open; the caller holds `LOCK`."""
    _OPEN[_place(path.stat())] = journal


def release(journal: Any) -> None:
    """Note that this process has closed a journal."""
    for place, opened in [*_OPEN.items()]:
        if opened is journal:
            del _OPEN[place]


def is_database(path: Path) -> bool:
    """Whether a file is one of SQLite's, and not a table; an empty file is a journal that was never started."""
    with errors_of(path), path.open("rb") as file:
        return file.read(len(_MAGIC)) in (_MAGIC, b"")


def _place(status: os.stat_result) -> tuple[int, int, int]:
    return os.getpid(), status.st_dev, status.st_ino


def foreign(path: Path) -> JournalError:
    """Return the error for a file that is not a journal."""
    return JournalError(f"{path} is not an ikpipe journal, and was not changed.", fix="Correct the path.", another=True)


def facts_of(db: sqlite3.Connection, path: Path, number: int) -> tuple[dict[str, Any], str, object]:
    """Return a journal's facts, their text and its MAC."""
    mac = "NULL" if number == EARLIER else "mac"
    rows = db.execute(f"SELECT facts, {mac} FROM about").fetchall()  # noqa: S608 - constants of this project
    try:
        ((text, code),) = rows
        facts = json.loads(text)
        if not isinstance(facts["run"], str):
            raise TypeError("its run id is not text")
    except (ValueError, KeyError, TypeError) as error:
        raise JournalError(f"The journal {path} is damaged: {error}.") from None
    return facts, text, code


def _check_unproven(path: Path, facts: dict[str, Any], number: int, prover: Prover, *, trust: bool) -> None:
    """Raise for a journal that proves nothing, unless it is of this account and the caller trusts it."""
    theirs = facts.get("public_key")
    if theirs != prover.public_key:
        raise JournalError(
            f"The journal {path} belongs to the account {theirs}, not to {prover.public_key}.",
            fix="Resume it with the keys that it was started with.",
        )
    if trust:
        return
    if number == EARLIER:
        why = f"has the format {number} of an earlier version of ikpipe, which does not show who wrote it"
    elif facts.get("sealed_by") == "key" and not prover.has_key:
        why = "was written with the account's private key, which is not set here, so that nothing shows who wrote it"
    elif facts.get("sealed_by") == "key":
        why = "was written with another private key than this account's, or was changed since"
    else:
        why = "was written without a private key by another user or on another machine, or was changed since"
    fix = Message("If you know that it is yours, pass ", keyword("trust_journal", True), ".")
    raise JournalError(f"The journal {path} {why}.", fix=fix, another=True)


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """Open a file for reading, which no other process may write to meanwhile."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise foreign(path)
    if _place(status) in _OPEN:
        raise _busy(path)
    try:
        file = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except OSError as error:
        words = f"The journal {path} cannot be read: {error.strerror}."
        raise JournalError(words, fix="Correct its permissions.", another=True) from None
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise foreign(path)
        if os.fstat(file).st_size and os.read(file, len(_MAGIC)) != _MAGIC:
            raise foreign(path)
        _lock(path, file)
        yield file
    finally:
        os.close(file)


def _lock(path: Path, file: int) -> None:
    """Prevent other processes from writing to a file until it is closed, where the system has such locks."""
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
    return _unusable(path, sqlite3.SQLITE_BUSY)


@contextmanager
def copied(path: Path, file: int, most: int | None) -> Iterator[sqlite3.Connection]:
    """Open a private copy of a database; at most `most` bytes are copied, and the rest is a hole."""
    with ExitStack() as stack:
        where = "a temporary folder"
        try:
            folder = stack.enter_context(LockedFolder())
            where, copy = str(folder.path), folder.path / "copy"
            _copy(path, file, copy, most)
        except OSError as error:
            words = f"The journal {path} cannot be checked: it cannot be copied to {where}: {error.strerror}."
            raise JournalError(words, fix="Free up space, or set TMPDIR to another folder.") from None
        with closing(sqlite3.connect(copy, isolation_level=None)) as db:
            db.execute("PRAGMA trusted_schema=OFF")
            yield db


@contextmanager
def read_only(path: Path, file: int) -> Iterator[sqlite3.Connection]:
    """Open a database that no process writes to: itself, as unchangeable, or a private copy if it has a log."""
    with ExitStack() as stack:
        log = path.resolve().with_name(f"{path.resolve().name}-wal")
        if log.exists() and log.stat().st_size:
            yield stack.enter_context(copied(path, file, None))
            return
        uri = f"{path.absolute().as_uri()}?immutable=1"  # no locks, no recovery, no other files
        db = stack.enter_context(closing(sqlite3.connect(uri, isolation_level=None, uri=True)))
        db.execute("PRAGMA trusted_schema=OFF")
        yield db


@contextmanager
def peeked(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a private copy of the beginning of a journal that another process is writing to; the caller holds `LOCK`.

    Raise `JournalError` if this process has it open, since closing any handle would release its lock.
    """
    if _place(path.stat()) in _OPEN:
        raise _busy(path)
    file = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        with copied(path, file, HEAD) as db:
            yield db
    finally:
        os.close(file)


def _copy(path: Path, file: int, copy: Path, most: int | None) -> None:
    """Copy a file and its log, by the handle that is open: closing another handle would release the lock."""
    with copy.open("wb") as target:
        os.lseek(file, 0, os.SEEK_SET)
        while (most is None or target.tell() < most) and (block := os.read(file, _BLOCK)):
            target.write(block)
        target.truncate(os.fstat(file).st_size)
    wal = path.resolve().with_name(f"{path.resolve().name}-wal")
    if wal.is_file() and not wal.is_symlink():
        shutil.copyfile(wal, copy.with_name("copy-wal"))
