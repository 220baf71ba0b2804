"""The log of a command: on standard error, and in a file as text or JSON."""

from __future__ import annotations

import json
import logging
import os
import stat
import sys
import threading
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from ikpipe.cli.output import other_files
from ikpipe.cli.wording import in_options, say
from ikpipe.errors import ApiName, Error, Message, keyword, printable
from ikpipe.errors.events import FIELDS, VERSION
from ikpipe.errors.logs import harmless, log_event
from ikpipe.frames.io.opening import STANDARD

_log = logging.getLogger("ikpipe.cli")

_SENDING = frozenset({"upload", "retry", "resume", "update"})
_SAID = {
    "run_stopped": None,  # by every command: its error
    "command_failed": None,
    "journal": _SENDING,  # the command that finishes the run
    "mapping": _SENDING | {"sync", "plan", "check"},
    "row_failed": _SENDING | {"sync"},  # with its line, above the progress
}
"""Events whose record a command also says on standard error → which commands do unless they are quiet; None: all."""


@contextmanager
def logging_of(options: Namespace) -> Iterator[None]:
    """Log what happens during a command, as its options say; levels and handlers are as before afterwards.

    Raise `Error` if the file cannot be written.
    """
    library, root = logging.getLogger("ikpipe"), logging.getLogger()
    level = logging.DEBUG if getattr(options, "verbose", 0) > 1 else logging.INFO
    handlers = [*_of_file(options, level), _of_terminal(options, level)]
    before = library.level
    library.setLevel(level)
    for handler in handlers:
        root.addHandler(handler)
    try:
        yield
    except Error as error:
        log_event(_log, "command_failed", "%s", error.text)
        raise
    finally:
        library.setLevel(before)
        for handler in handlers:
            root.removeHandler(handler)
            handler.close()


def _is_json(options: Namespace) -> bool:
    return getattr(options, "log_format", "text") == "json"


def _of_file(options: Namespace, level: int) -> list[logging.Handler]:
    """Return the handler of the log file, if there is one."""
    if (file := getattr(options, "log_file", None)) is None:
        return []
    _check_other(file, options)
    return [_prepared(_FileHandler(file), level, _JsonFormatter() if _is_json(options) else _TextFormatter())]


def _of_terminal(options: Namespace, level: int) -> logging.Handler:
    """Return the handler of standard error, which has the log in JSON only if there is no file."""
    verbose, always = getattr(options, "verbose", 0), getattr(options, "shown", None)  # the logger that a server shows
    is_json = _is_json(options) and getattr(options, "log_file", None) is None
    formatter = _JsonFormatter() if is_json else _TextFormatter("ikpipe: ", dated=bool(verbose))
    shown = _prepared(_MessageHandler(), level if verbose or always else logging.WARNING, formatter)
    if always and not verbose:
        shown.addFilter(lambda record: record.levelno >= logging.WARNING or record.name == always)
    if not (verbose and is_json):
        shown.addFilter(lambda record: not _is_said(record, options))
    return shown


def _is_said(record: logging.LogRecord, options: Namespace) -> bool:
    """Whether a command says by itself what a record has, so that standard error would have it twice."""
    event = getattr(record, "event", None)
    if event == "refused":  # why the run stops, which the error says later
        return not getattr(options, "verbose", 0)
    if event not in _SAID or (commands := _SAID[event]) is None:
        return event in _SAID
    first = record.levelno > logging.DEBUG and not hasattr(record, "count")  # progress shows no others
    return first and options.command in commands and not getattr(options, "quiet", False)


def _prepared(handler: logging.Handler, level: int, formatter: logging.Formatter) -> logging.Handler:
    """Return a handler for the library's records of a level, and for warnings of other libraries."""
    handler.setFormatter(formatter)
    handler.setLevel(level)
    handler.addFilter(lambda record: record.levelno >= logging.WARNING or _is_ours(record))
    return handler


def _is_ours(record: logging.LogRecord) -> bool:
    return record.name == "ikpipe" or record.name.startswith("ikpipe.")


def _check_other(file: str, options: Namespace) -> None:
    """Raise `Error` if a file is another one of a command, such as its input, which the log would damage."""
    if file == STANDARD:
        raise Error(
            "Standard output is for data.", fix="Name a file, or log on standard error with -v.", about=_LOG_FILE
        )
    if any(_is_same(file, other) for other in other_files(options, "log_file").values()):
        raise Error(f"{file} is used by this command already.", fix="Use another file.", about=_LOG_FILE)


def _is_same(one: str, other: str) -> bool:
    with suppress(OSError):
        return os.path.samefile(one, other)  # noqa: PTH121 - a path of the user
    return os.path.abspath(one) == os.path.abspath(other)  # noqa: PTH100 - as it is, without following links


_LOG_FILE = keyword("log_file")


# Formats


def _time(record: logging.LogRecord) -> str:
    when = datetime.fromtimestamp(record.created, UTC)
    return f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03d}Z"


def _message(record: logging.LogRecord) -> str:
    """Return the message of a record, with options instead of the names of the Python interface."""
    args = record.args
    if isinstance(args, tuple):
        args = tuple(in_options(arg) if isinstance(arg, Message | ApiName) else arg for arg in args)
    words = str(record.msg) % args if args else str(record.msg)
    # A command quotes what a shell would change, which can bring a secret together that was not one before.
    return harmless(words)


class _TextFormatter(logging.Formatter):
    """A record as a line of text, with the lines of a traceback indented below it."""

    def __init__(self, start: str = "", *, dated: bool = True) -> None:
        super().__init__()
        self._start, self._dated = start, dated

    def format(self, record: logging.LogRecord) -> str:
        """Return the lines of a record."""
        dated = f"{_time(record)} {record.levelname} " if self._dated else ""
        lines = [f"{self._start}{dated}{_message(record)}"]
        if record.exc_info and not record.exc_text:  # of another library
            text = self.formatException(record.exc_info)
            record.exc_text = "\n".join(f"    {harmless(line)}" for line in text.splitlines())
        return "\n".join([*lines, *filter(None, [record.exc_text])])


class _JsonFormatter(logging.Formatter):
    """A record as a JSON object on one line, as ``docs/log.schema.json`` describes it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        line = {
            "v": VERSION,
            "ts": _time(record),
            "level": record.levelname,
            "logger": record.name,
            "event": record.__dict__.get("event", "note"),
            "message": _message(record),
        }
        fields = record.__dict__ if _is_ours(record) else {}
        line |= {name: fields[name] for name in FIELDS if name in fields}
        if record.exc_info and not record.exc_text:
            record.exc_text = "\n".join(map(harmless, self.formatException(record.exc_info).splitlines()))
        if record.exc_text:
            line["exception"] = record.exc_text
        return json.dumps(line, ensure_ascii=False, allow_nan=False).encode("utf-8", "backslashreplace").decode()


# Where they go


class _MessageHandler(logging.Handler):
    """Writes records on standard error, above a progress bar if there is one."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the lines of a record."""
        if sys.stderr is None:  # as in a service of Windows
            return
        with suppress(OSError, ValueError):  # closed, full, or without a reader
            text, bars = self.format(record), sys.modules.get("tqdm.std")
            if bars is not None:
                bars.tqdm.write(text, file=sys.stderr)
            else:
                print(text, file=sys.stderr, flush=True)  # noqa: T201


class _FileHandler(logging.Handler):
    """Appends each record to a file with one system call, so that lines stay whole whatever ends the process.

    A file that cannot be written does not stop the command, which says so once.
    """

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path, self._torn, self._failed = path, False, False
        self._lock_of_line = threading.Lock()
        try:
            if Path(path).is_dir():
                raise IsADirectoryError(21, "Is a directory")
            # Its lines name files and folders of the account, which are nobody else's business.
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        except OSError as error:
            words = f"The log file {printable(path)} cannot be written: {error.strerror or error}."
            raise Error(words, fix="Check its folder and permissions.", about=_LOG_FILE) from None
        if stat.S_ISREG(os.fstat(self._file).st_mode):
            self._torn = _is_torn(path)

    def emit(self, record: logging.LogRecord) -> None:
        """Append the lines of a record."""
        try:
            text = self.format(record)
        except Exception:  # noqa: BLE001 - words that do not fit their arguments
            self.handleError(record)
            return
        line = f"{text}\n".encode("utf-8", "backslashreplace")
        try:
            with self._lock_of_line:
                self._append(line)
        except OSError as error:
            if not self._failed:
                self._failed = True
                say(f"The log file {self._path} cannot be written: {error.strerror or error}. The command continues.")

    def _append(self, line: bytes) -> None:
        line = b"\n" + line if self._torn else line
        written = 0
        try:
            written = os.write(self._file, line)
        finally:
            self._torn = (self._torn and not written) or 0 < written < len(line)
        if written < len(line):
            raise OSError(28, "No space left on device")

    def close(self) -> None:
        """Close the file."""
        with suppress(OSError):
            os.close(self._file)
        super().close()


def _is_torn(path: str) -> bool:
    """Whether a file ends within a line, as after a full disk."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            return bool(file.seek(0, os.SEEK_END)) and file.seek(-1, os.SEEK_END) >= 0 and file.read(1) != b"\n"
    except OSError:
        return False
