"""Open a table's file: its name, its extension, and the extra that it may need."""

import io
import os
import shutil
import stat
import sys
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib import import_module
from os import PathLike, fspath
from pathlib import Path
from threading import Lock
from typing import IO, Any

from ikpipe.errors import Error, Message, MissingExtra, did_you_mean, reason

STANDARD = "-"
_SIMILAR = 0.6  # of a name that is suggested, from 0 to 1
RESULTS = ("csv", "jsonl", "parquet", "xlsx")
"""The extensions of files of results."""
LINES: dict[str, Sequence[int]] = {
    **dict.fromkeys(("csv", "tsv", "xlsx", "xlsm", "xls", "ods"), range(2, sys.maxsize)),
    "jsonl": range(1, sys.maxsize),
}
"""The lines of the rows in files of lines, by format, if no line is left out."""


class Spool:
    """A pipe's content in a temporary file, which can be read from its start several times.

    `source` is the pipe's path, or ``-`` for standard input.
    """

    def __init__(self, source: str) -> None:
        self.name = name_of(source)
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - it is closed with this object
        weakref.finalize(self, self._file.close)
        self._lock = Lock()
        with open_input(source) as stream:
            shutil.copyfileobj(stream, self._file)

    def open(self) -> IO[bytes]:
        """Return the content as a stream of its own."""
        return io.BufferedReader(_View(self))

    def read_at(self, place: int, size: int) -> bytes:
        """Return some bytes from a place."""
        with self._lock:
            self._file.seek(place)
            return self._file.read(size)

    def size(self) -> int:
        """Return the number of bytes."""
        with self._lock:
            return self._file.seek(0, io.SEEK_END)


class _View(io.RawIOBase):
    """A stream over a `Spool`, with a place of its own."""

    def __init__(self, spool: Spool) -> None:
        self._spool, self._place = spool, 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place}
        self._place = (start[whence] if whence in start else self._spool.size()) + offset
        return self._place

    def readinto(self, buffer: Any) -> int:
        """Read into a buffer, and return the number of bytes."""
        data = self._spool.read_at(self._place, len(buffer))
        buffer[: len(data)] = data
        self._place += len(data)
        return len(data)


InputFile = str | PathLike[str] | IO[bytes] | IO[str] | Spool


def name_of(source: InputFile) -> str:
    """Return the name of a source for messages."""
    if isinstance(source, str | PathLike):
        return "standard input" if source == STANDARD else fspath(source)
    return str(getattr(source, "name", "the table"))


def is_pipe(source: InputFile) -> bool:
    """Whether a path can be read only once: standard input, a named pipe, or a shell's ``<(…)``."""
    if not isinstance(source, str | PathLike):
        return False
    if source == STANDARD or str(fspath(source)).startswith(("/dev/stdin", "/dev/fd/", "/proc/self/fd/")):
        return True  # also of a file, which another process could not find by this path
    try:
        mode = Path(source).stat().st_mode
    except OSError:  # which opening the file reports
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def is_folder(source: InputFile) -> bool:
    """Whether a source is a folder."""
    return isinstance(source, str | PathLike) and source != STANDARD and Path(source).is_dir()


def file_type(path: str, supported: Iterable[str]) -> str:
    """Return the extension of a path, without its dot; raise `ikpipe.Error` if it is not one of the supported ones."""
    extension = Path(path).suffix.lower().removeprefix(".")
    if extension not in supported:
        raise unsupported(path, supported)
    return extension


def unsupported(path: str, supported: Iterable[str], otherwise: Message | None = None) -> Error:
    """Return the error for a file whose extension is not one of the supported ones; `otherwise` is another fix."""
    fix = Message(f"Use one of {', '.join(f'.{one}' for one in supported)}", otherwise or "", ".")
    return Error(f"{path}: unsupported file type.", fix=fix)


def open_input(source: InputFile) -> AbstractContextManager[IO[Any]]:
    """Open a path, or standard input for ``-``; an open file stays open."""
    if source == STANDARD:
        if sys.stdin is None or sys.stdin.closed:
            raise Error("Standard input is closed.", fix="Name a file.")
        return nullcontext(sys.stdin.buffer)
    if isinstance(source, Spool):
        return source.open()
    if not isinstance(source, str | PathLike):
        return nullcontext(source)
    try:
        return Path(source).open("rb")
    except FileNotFoundError as error:
        words = f"There is no file {fspath(source)}{similar_name(source)}."
        raise Error(words, fix="Correct the path.") from error
    except OSError as error:
        raise Error(f"{fspath(source)} cannot be read: {error.strerror}.") from error


def similar_name(path: str | PathLike[str]) -> str:
    """Return what to add about a path that does not exist: a similar name in its folder, or that there is no folder.

    Such as ``" (did you mean 'products.csv'?)"``; nothing if no name is similar.
    """
    missing = Path(path)
    try:
        names = os.listdir(missing.parent)  # noqa: PTH208 - names are all that is needed
    except FileNotFoundError:
        return f" (the folder {missing.parent} does not exist)"
    except OSError:  # it is a file, or a folder that this user may not read
        return ""
    return did_you_mean(missing.name, names, _SIMILAR)


def share_read(stream: IO[Any]) -> float | None:
    """Return the share of an open file that was read, above 0 and up to 1; None for a pipe, which has no end yet."""
    try:
        place = stream.tell()
        size = os.fstat(stream.fileno()).st_size
    except (OSError, ValueError):  # a pipe, or it is closed
        return None
    return min(place / size, 1.0) if place and size else None


@contextmanager
def read_as(what: str, name: str) -> Iterator[None]:
    """Convert any exception of a reader to an `ikpipe.Error` that names the file: it is not `what`, or is damaged."""
    try:
        yield
    except Error:
        raise
    except Exception as error:  # other libraries' readers raise anything
        words = (reason(error) or type(error).__name__).removesuffix(".")
        raise Error(f"{name} cannot be read as {what}: {words}.") from error


def needs_password(name: str) -> Error:
    """Return the error for an encrypted workbook."""
    return Error(f"{name} needs a password.", fix="Save it without a password.")


def seekable(stream: IO[bytes]) -> IO[bytes]:
    """Return a stream with random access; the content of a pipe is read into memory."""
    return stream if stream.seekable() else io.BytesIO(stream.read())


def import_extra(module: str, extra: str, purpose: str) -> Any:
    """Return a module of an extra of ikpipe; raise `MissingExtra` if it is not installed."""
    try:
        return import_module(module)
    except ImportError:
        raise MissingExtra.for_extra(extra, purpose) from None
