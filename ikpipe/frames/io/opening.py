"""Open a table's file: its name, its extension, and the extra that it may need."""

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
"""The extensions of files of results."""


def name_of(source: InputFile) -> str:
    """Return the name of a source for messages."""
    if isinstance(source, str | PathLike):
        return "standard input" if source == "-" else fspath(source)
    return str(getattr(source, "name", "the table"))


def file_type(path: str, supported: Iterable[str]) -> str:
    """Return the extension of a path, without its dot.

    Raises
    ------
    ikpipe.Error
        It is not one of the supported ones.
    """
    extension = Path(path).suffix.lower().removeprefix(".")
    if extension not in supported:
        raise Error(f"{path}: unsupported file type.", fix=f"Use one of {', '.join(f'.{one}' for one in supported)}.")
    return extension


def open_input(source: InputFile) -> AbstractContextManager[IO[Any]]:
    """Open a path, or standard input for ``-``; an open file stays open."""
    if source == "-":
        return nullcontext(sys.stdin.buffer)
    if not isinstance(source, str | PathLike):
        return nullcontext(source)
    try:
        return Path(source).open("rb")
    except OSError as error:
        raise Error(f"{fspath(source)} cannot be read: {error.strerror}.") from error


@contextmanager
def read_as(what: str, name: str) -> Iterator[None]:
    """Convert any exception of a reader to an error that names the file.

    Parameters
    ----------
    what
        The kind of file, such as ``Parquet file``.
    name
        Its name.

    Raises
    ------
    ikpipe.Error
        It is not such a file, or is damaged.
    """
    try:
        yield
    except Error:
        raise
    except Exception as error:  # other libraries' readers raise anything
        words = "it is nested too deeply" if isinstance(error, RecursionError) else " ".join(str(error).split())[:200]
        words = (words or type(error).__name__).removesuffix(".")
        raise Error(f"{name} cannot be read as {what}: {words}.") from error


def seekable(stream: IO[bytes]) -> IO[bytes]:
    """Return a stream with random access; the content of a pipe is read into memory."""
    return stream if stream.seekable() else io.BytesIO(stream.read())


def import_extra(module: str, extra: str, purpose: str) -> Any:
    """Return a module of an extra of ikpipe.

    Raises
    ------
    MissingExtra
        It is not installed.
    """
    try:
        return import_module(module)
    except ImportError:
        raise MissingExtra.for_extra(extra, purpose) from None
