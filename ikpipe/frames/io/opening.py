"""Opening a table's file: its name, its ending, and the extra that it may need."""

import io
import sys
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib import import_module
from os import PathLike, fspath
from pathlib import Path
from typing import IO, Any

from ikpipe.errors import Error, MissingExtra

InputFile = str | PathLike[str] | IO[bytes] | IO[str]
RESULTS = ("csv", "jsonl", "parquet")
"""The endings of files of results."""


def name_of(source: InputFile) -> str:
    """Give the name by which an error calls a source."""
    if isinstance(source, str | PathLike):
        return "standard input" if source == "-" else fspath(source)
    return str(getattr(source, "name", "the table"))


def ending(path: str, known: Iterable[str]) -> str:
    """Give the ending of a path, without its dot, or an error that names the known ones."""
    found = Path(path).suffix.lower().removeprefix(".")
    if found not in known:
        raise Error(f"{path}: the ending says the format, and should be one of {', '.join(f'.{one}' for one in known)}")
    return found


def opened(source: InputFile) -> AbstractContextManager[IO[Any]]:
    """Open a path, or standard input for ``-``; what is open already is left so."""
    if source == "-":
        return nullcontext(sys.stdin.buffer)
    if not isinstance(source, str | PathLike):
        return nullcontext(source)
    try:
        return Path(source).open("rb")
    except OSError as error:
        raise Error(f"{fspath(source)} cannot be read: {error.strerror}") from error


@contextmanager
def read_as(what: str, name: str) -> Iterator[None]:
    """Turn whatever a file's content makes a reader raise into one error that names the file.

    Parameters
    ----------
    what
        What the file should be, such as ``Parquet file``.
    name
        Its name.

    Raises
    ------
    ikpipe.Error
        It is no such file, or not a sound one.
    """
    try:
        yield
    except Error:
        raise
    except Exception as error:  # readers of others raise anything
        words = "it is nested too deeply" if isinstance(error, RecursionError) else " ".join(str(error).split())[:200]
        raise Error(f"{name} is no {what} that can be read: {words or type(error).__name__}") from error


def seekable(stream: IO[bytes]) -> IO[bytes]:
    """Give a stream in which a reader can jump about: a pipe is read whole."""
    return stream if stream.seekable() else io.BytesIO(stream.read())


def needed(module: str, extra: str, purpose: str) -> Any:
    """Import a module that an extra of ours brings."""
    try:
        return import_module(module)
    except ImportError:
        raise MissingExtra.for_extra(extra, purpose) from None
