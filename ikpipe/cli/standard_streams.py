"""The standard streams of a process, which can be closed, full, or without a reader."""

import io
import os
import sys
from contextlib import suppress
from typing import Any


def prepare() -> None:
    """Make messages harmless where nobody can read them, before anything else is opened.

    A closed standard stream leaves its number free, so that the next file that is opened, such as a journal, would get
    it, and with it the text that a library writes there.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free: this one
    sys.stderr = _Messages(sys.stderr)
    if isinstance(sys.stdout, io.TextIOWrapper):  # text such as "…" where the locale has ASCII alone
        sys.stdout.reconfigure(errors="backslashreplace")


def finish(status: int) -> int:
    """Write what standard output still has, and return the exit status."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:  # `ikpipe --help | head -1`
        discard_output()
    except OSError as error:
        discard_output()
        words = f"Standard output cannot be written: {error}. Free space there, or name a file with -o."
        print(f"ikpipe: error: {words}", file=sys.stderr)  # noqa: T201
        return 2
    return status


def discard_output() -> None:
    """Discard all further standard output; Python flushes it again at exit, which would fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Messages(io.TextIOWrapper):
    """Standard error, unbuffered; text that cannot be written is dropped."""

    def __init__(self, stream: Any) -> None:
        encoding = getattr(stream, "encoding", None) or "utf-8"
        super().__init__(
            io.FileIO(2, "w", closefd=False),  # a raw stream works with write_through
            encoding=encoding,
            errors="backslashreplace",
            write_through=True,
        )

    def write(self, text: str) -> int:
        """Write text, and return its length."""
        with suppress(OSError):
            super().write(text)
        return len(text)

    def flush(self) -> None:
        """Write what is pending."""
        with suppress(OSError):
            super().flush()
