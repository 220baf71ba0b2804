"""Log events of a run, and make what the library logs harmless, whoever shows it.

Each package has a logger, such as ``ikpipe.run``. A filter on these loggers, so before the handlers of any user:

- removes secrets from the message, the fields and the traceback, and what could control a terminal or forge a line;
- adds the run's id as the field `run`, and ``note`` as the `event` of records that have none;
- logs what repeats within `PERIOD` seconds of a run once. The others of its kind become DEBUG records, and a record
  with their `count` follows.

`events.py` lists the events and their fields.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from ikpipe.errors.events import EVENTS, FIELDS
from ikpipe.errors.scrubbing import scrubbed
from ikpipe.errors.texts import ApiName, Message, printable

PACKAGES = (
    "auth",
    "cli",
    "cluster",
    "delivery",
    "frames",
    "journal",
    "request",
    "run",
    "service",
    "webhooks",
    "widget",
)
LOGGERS = ("ikpipe", *(f"ikpipe.{package}" for package in PACKAGES))
"""The loggers of the library: a logger's filters do not apply to those below it."""

OTHERS = ("httpx", *(f"httpcore.{part}" for part in ("connection", "http11", "http2", "proxy", "socks")), "asyncio")
"""Loggers of libraries that log addresses and headers of our requests."""

PERIOD = 30.0  # seconds
PERIOD_OF_PARTS = 3_600.0  # seconds, for warnings of a run whose parts follow each other for hours
_MOST_RUNS = 64  # whose parts this process remembers

_RUN: ContextVar[_RunLog | None] = ContextVar("_RUN", default=None)


def log_event(log: logging.Logger, event: str, words: str, *args: object, **fields: object) -> None:
    """Log an event of `EVENTS`, at its level; `words` and `args` are its message, and None fields are left out."""
    level = EVENTS[event].level
    if log.isEnabledFor(level):
        log.log(level, words, *args, extra={"event": event, **fields}, stacklevel=2)


# What repeats


@dataclass(slots=True)
class _Repeated:
    """Records of one kind: when their period ends, how long it is, how many were not logged, the last one of these."""

    until: float
    period: float
    count: int = 0
    last: logging.LogRecord | None = None


class _RunLog:
    """The records of one run: its id, and which kinds of records were logged lately.

    `in_parts`: this process may do another part of the run later, so a warning is not repeated for long, and the end of
    a part is not the end of the run. Several threads may use it.
    """

    def __init__(self, run: str, clock: Callable[[], float] = time.monotonic, *, in_parts: bool = False) -> None:
        self.run, self._clock, self._in_parts = run, clock, in_parts
        self._seen: dict[tuple[object, ...], _Repeated] = {}
        self._lock = threading.Lock()

    def admits(self, record: logging.LogRecord) -> bool:
        """Whether to log a record; one that repeats becomes a DEBUG record."""
        if record.levelno <= logging.DEBUG or hasattr(record, "count"):
            return True
        self.count(self._clock())
        event = record.__dict__["event"]
        if event != "note" and not EVENTS[event].repeats:
            return True
        # The sentences of events differ in numbers and names, which do not make another kind.
        kind = record.getMessage() if event == "note" else record.__dict__.get("code")
        with self._lock:
            repeated = self._seen.get((record.name, event, kind))
            if repeated is None:
                period = PERIOD_OF_PARTS if self._in_parts and record.levelno >= logging.WARNING else PERIOD
                self._seen[record.name, event, kind] = _Repeated(self._clock() + period, period)
                return True
            repeated.count, repeated.last = repeated.count + 1, logging.makeLogRecord(vars(record))
        record.levelno, record.levelname = logging.DEBUG, "DEBUG"
        return logging.getLogger(record.name).isEnabledFor(logging.DEBUG)

    def count(self, now: float, *, all_kinds: bool = False) -> None:
        """Log how many records were not logged, of each kind whose period has ended."""
        with self._lock:
            due = [*self._due(now, all_kinds=all_kinds)]
        for record in due:
            logging.getLogger(record.name).handle(record)

    def _due(self, now: float, *, all_kinds: bool) -> Iterator[logging.LogRecord]:
        """Yield the records that count others, and start another period for each of their kinds."""
        for kind, repeated in list(self._seen.items()):
            if repeated.until > now and not all_kinds:
                continue
            if repeated.last is None:
                del self._seen[kind]
                continue
            self._seen[kind] = _Repeated(now + repeated.period, repeated.period)
            yield _counting(repeated.last, repeated.count, now - repeated.until + repeated.period)

    def close(self) -> None:
        """Log what was not logged yet, at the end of the run."""
        self.count(self._clock(), all_kinds=not self._in_parts)


def _counting(last: logging.LogRecord, count: int, seconds: float) -> logging.LogRecord:
    """Return the record that counts some records, given the last one of them."""
    words, args = (last.msg, last.args) if isinstance(last.args, tuple) and last.args else ("%s", (last.getMessage(),))
    last.msg, last.args = f"%s more in the last %.0f s, such as: {words}", (f"{count:,}", max(1.0, seconds), *args)
    last.__dict__["count"] = count
    return last


@contextmanager
def logged_run(run: str, clock: Callable[[], float] = time.monotonic) -> Iterator[None]:
    """Count what repeats, and add the run's id to all records, as long as it lasts; a part of it changes nothing."""
    before = _RUN.get()
    if before is not None and before.run == run:
        yield
        return
    log = _RunLog(run, clock)
    token = _RUN.set(log)
    try:
        yield
    finally:
        log.close()
        _RUN.reset(token)


_PARTS: dict[str, _RunLog] = {}
"""What was logged of runs whose parts this process does, one after another or in threads."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_PARTS.clear)  # a thread of the parent may have had a lock


@contextmanager
def logged_part(run: str, clock: Callable[[], float] = time.monotonic) -> Iterator[None]:
    """Do the same as `logged_run` for a part of a run, of which this process may do many: a warning is logged once."""
    before = _RUN.get()
    log = _PARTS.setdefault(run, _RunLog(run, clock, in_parts=True))
    for other in [*_PARTS][:-_MOST_RUNS]:
        _PARTS.pop(other, None)
    token = _RUN.set(log if before is None or before.run != run else before)
    try:
        yield
    finally:
        log.count(clock())
        _RUN.reset(token)


def present_run() -> str | None:
    """Return the id of the run that is logged now."""
    return None if (log := _RUN.get()) is None else log.run


def count_repeats() -> None:
    """Log how many records of the present run were not logged, before a record that is to be the last one."""
    if (log := _RUN.get()) is not None:
        log.close()


# What is harmless


def _prepare(record: logging.LogRecord) -> bool:
    """Prepare a record of the library; return whether to log it."""
    fields, log = record.__dict__, _RUN.get()
    fields.setdefault("event", "note")
    if log is not None:
        fields.setdefault("run", log.run)
        if not log.admits(record):
            return False
    for name in FIELDS.keys() & fields.keys():
        value = _plain(fields[name])
        if value is None:
            del fields[name]
        else:
            fields[name] = value
    return _harmless(record)


def _harmless(record: logging.LogRecord) -> bool:
    """Make message and traceback of a record harmless; return True, so that it is logged."""
    if isinstance(record.args, Mapping):
        record.args = {name: _harmless_arg(arg) for name, arg in record.args.items()}
    elif record.args:
        record.args = tuple(map(_harmless_arg, record.args))
    try:
        text = record.getMessage()
    except Exception:  # noqa: BLE001 - a handler reports words that do not fit their arguments
        return True
    if (clean := harmless(text)) != text:  # what only shows in the whole
        record.msg, record.args = clean, ()
    if isinstance(record.exc_info, tuple) and record.exc_info[1] is not None:
        # A handler would print the exception itself, whose text is not ours.
        record.exc_text, record.exc_info = _traceback(record.exc_info[1]), None
    return True


def harmless(text: object) -> str:
    """Return the text of an object on one line, without secrets, and `printable`."""
    try:
        return scrubbed(printable(str(text)))
    except Exception:  # noqa: BLE001 - of a class that somebody else wrote
        return f"a value of type {type(text).__name__}"


def _harmless_arg(arg: object) -> object:
    if isinstance(arg, int | float | ApiName):
        return arg
    if isinstance(arg, Message):
        return Message(*(part if isinstance(part, ApiName) else harmless(part) for part in arg.parts))
    return harmless(arg)


def _plain(value: Any) -> Any:
    """Return a field as JSON has it."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {harmless(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [*map(_plain, value)]
    return harmless(value)


def _traceback(error: BaseException) -> str:
    """Return a traceback whose lines cannot be taken for other records: they are indented."""
    lines = "".join(traceback.TracebackException.from_exception(error).format()).splitlines()
    return "\n".join(f"    {harmless(line)}" for line in lines)


# Other libraries

_OUR_REQUESTS: ContextVar[bool] = ContextVar("_OUR_REQUESTS", default=False)


def note_requests(*, ours: bool) -> None:
    """Note that the requests that this context makes from now on are ours, or no longer."""
    _OUR_REQUESTS.set(ours)


def _harmless_if_ours(record: logging.LogRecord) -> bool:
    """Make what another library logs of our requests harmless; what it logs for others is not changed."""
    return not _OUR_REQUESTS.get() or _harmless(record)


for _name in LOGGERS:
    logging.getLogger(_name).addFilter(_prepare)
for _name in OTHERS:
    logging.getLogger(_name).addFilter(_harmless_if_ours)
