"""Temporary folders that are locked while their process lives, and the removal of those that killed processes left.

The lock is on a file in the folder. The kernel releases it when the process ends, whatever ends it, and it holds
between containers that share the folder, where process ids mean nothing. Only a folder that has this file is removed.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Self

_PREFIX, _LOCK = "ikpipe-", ".ikpipe-lock"
_OURS = re.compile(rf"{_PREFIX}[a-z0-9_]{{8}}").fullmatch
_AT_ONCE = 100  # folders that are looked at in one go: the next run looks at the others
_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


class LockedFolder:
    """A temporary folder, removed with its content by `cleanup`, or by a later run if this process is killed.

    Raise `OSError` if there is no place for it.
    """

    def __init__(self) -> None:
        self._new()
        while self._lock < 0:  # a run that looks for folders of dead processes was there before the lock
            self._folder.cleanup()
            self._new()
        # A folder without the lock: whoever looks there sees nothing but his own files.
        self.path = Path(self._folder.name, "files")
        self.path.mkdir()

    def _new(self) -> None:
        self._folder = TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True)
        self._lock = _make_lock(Path(self._folder.name, _LOCK))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.cleanup()

    def cleanup(self) -> None:
        """Remove the folder."""
        self._folder.cleanup()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def _make_lock(path: Path) -> int:
    """Create and lock a file; return its descriptor, or -1 if another process was there first.

    Where there are no locks, the file is removed: then nobody takes the folder for that of a dead process.
    """
    with suppress(FileNotFoundError):
        lock = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | _FLAGS, 0o600)
        held = _lock(lock)
        if held is None:
            os.close(lock)
            path.unlink()
            return os.open(os.devnull, os.O_RDONLY)
        if held and path.exists():
            return lock
        os.close(lock)
    return -1


def _lock(descriptor: int) -> bool | None:
    """Lock an open file until it is closed.

    Return whether this process holds it, None if there are no locks in this system or file system.
    """
    try:
        import fcntl
    except ImportError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return None
    return True


def remove_abandoned() -> None:
    """Remove temporary folders that killed processes of this user left; those of other programs are not touched."""
    with suppress(OSError), os.scandir(gettempdir()) as entries:
        found = (Path(entry.path) for entry in entries if _OURS(entry.name) and entry.is_dir(follow_symlinks=False))
        for folder in islice(found, _AT_ONCE):
            with suppress(OSError), _abandoned(folder) as dead:
                if dead:
                    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _abandoned(folder: Path) -> Iterator[bool]:
    """Hold the lock of a folder; whether it is this user's, and its process is dead. Raise `OSError` if it has none."""
    lock = os.open(folder / _LOCK, os.O_RDWR | _FLAGS)
    try:
        of = [folder.lstat(), os.fstat(lock)]
        ours = stat.S_ISREG(of[1].st_mode) and all(status.st_uid == os.geteuid() for status in of)
        yield ours and _lock(lock) is True
    finally:
        os.close(lock)
