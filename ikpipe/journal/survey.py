"""What journals say of their runs, for people: nothing is proven, and no file is changed."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from ikpipe.errors import JournalError
from ikpipe.journal import glances, inspection
from ikpipe.journal.catalog import UPLOAD
from ikpipe.journal.format import FORMAT, READABLE, format_of
from ikpipe.request.policy import Policy

RUNNING, INTERRUPTED, FINISHED, UNDONE, EMPTY, UNREADABLE = STATES = (
    "running",
    "interrupted",
    "finished",
    "undone",
    "never started",
    "unreadable",
)
_PROBLEMS = ("invalid", "failed", "unknown")
_SHOWN = 10  # problems


class JournalInfo(NamedTuple):
    """What a journal says of its run; everything but the file's own facts may be missing.

    `changed` is in seconds since 1970, `size` in bytes. `recorded` says whether all rows of the table are in it.
    """

    path: Path
    state: str
    size: int
    changed: float
    facts: Mapping[str, Any] = {}
    rows: int = 0
    recorded: bool = False
    statuses: Mapping[str, int] = {}
    problems: tuple[tuple[int, str, str, str], ...] = ()
    reason: str = ""

    @property
    def begun(self) -> str:
        """When the run was started, such as 2026-11-30T01:00:00Z."""
        return str(self.facts.get("begun") or "")

    @property
    def run(self) -> str:
        """The run's name, or its id."""
        return str(self.facts.get("run") or "")

    @property
    def command(self) -> str:
        """The command that started the run."""
        kind = str(self.facts.get("kind", UPLOAD)) if self.facts else ""
        return "retry" if kind == UPLOAD and self.facts.get("again") else kind

    @property
    def account(self) -> str:
        """The public key of the run's account."""
        return str(self.facts.get("public_key") or "")

    def details(self) -> dict[str, object]:
        """Return the table's file, the mapping and the options, as far as they are given and not defaults."""
        parts = {"Table": self.facts.get("origin"), "Mapping": self.facts.get("mapping")}
        with suppress(ValueError, TypeError):
            parts["Mapping"] = json.loads(str(parts["Mapping"]))
        sending = self.facts.get("sending")
        if isinstance(sending, dict):
            policy, defaults = sending.get("policy"), asdict(Policy())
            if isinstance(policy, dict):
                changed = {name: value for name, value in policy.items() if defaults.get(name) != value}
                sending = {**sending, "policy": changed or None}
        parts["Options"] = sending
        return {title: _given(value) for title, value in parts.items() if value is not None}


def _given(value: object) -> object:
    if isinstance(value, dict):
        return {name: _given(inner) for name, inner in value.items() if inner not in (None, [], {})}
    return value


def survey(path: Path) -> JournalInfo:
    """Return what a journal says of its run; a file that cannot be read has the reason.

    Raise `FileNotFoundError` if there is no such file.
    """
    status = path.stat()
    info = JournalInfo(path, EMPTY, status.st_size, status.st_mtime)
    try:
        with inspection.LOCK, inspection.errors_of(path), inspection.opened(path) as file:
            if not info.size:
                return info
            with inspection.read_only(path, file) as db:
                return _described(db, info)
    except inspection.JournalInUseError:
        return _running(info)
    except JournalError as error:
        return info._replace(state=UNREADABLE, reason=str(error))


def surveys(paths: Iterable[Path]) -> list[JournalInfo]:
    """Return what journals say of their runs, the latest first."""
    found = []
    for path in paths:
        with suppress(FileNotFoundError):
            found.append(survey(path))
    return sorted(found, key=lambda info: (info.begun, str(info.path)), reverse=True)


def _running(info: JournalInfo) -> JournalInfo:
    """Return what a journal says that a process is writing to: of a copy, which may be torn."""
    info = info._replace(state=RUNNING)
    with suppress(JournalError, sqlite3.Error, OSError), inspection.LOCK, inspection.peeked(info.path) as db:
        return _described(db, info)._replace(state=RUNNING)
    return info


def _described(db: sqlite3.Connection, info: JournalInfo) -> JournalInfo:
    number = format_of(db)
    if number == 0:
        return info
    if number not in READABLE:
        return info._replace(state=UNREADABLE, reason="It is not a journal that this version of ikpipe reads.")
    facts, *_ = inspection.facts_of(db, info.path, number)
    rows, ended = db.execute("SELECT rows, ended FROM about").fetchone()
    (recorded,) = db.execute("SELECT coalesce(max(start + rows), 0) FROM pieces").fetchone()
    undone = number == FORMAT and db.execute("SELECT count(*) FROM undone").fetchone()[0]
    status = "json_extract(result, '$.status')"
    counts = db.execute(f"SELECT {status}, count(*) FROM results GROUP BY 1 ORDER BY 2 DESC").fetchall()  # noqa: S608 - constant
    return info._replace(
        state=UNDONE if undone else INTERRUPTED if ended is None else FINISHED,
        facts=facts,
        rows=int(rows if rows is not None else recorded),
        recorded=rows is not None,
        statuses={str(name): int(count) for name, count in counts},
        problems=tuple(_problems(db, status)),
    )


def _problems(db: sqlite3.Connection, status: str) -> Iterator[tuple[int, str, str, str]]:
    """Yield the first rows that are not done: position, status, code and message."""
    query = f"SELECT position, result FROM results WHERE {status} IN (?, ?, ?) ORDER BY position LIMIT {_SHOWN}"  # noqa: S608
    for position, text in db.execute(query, _PROBLEMS):
        result = json.loads(text)
        yield position, *(str(result.get(name) or "") for name in ("status", "error", "message"))


class Prunable(NamedTuple):
    """Which journals may be deleted: those older than some seconds; `interrupted`: also those of interrupted runs."""

    older_than: float
    interrupted: bool

    def has(self, info: JournalInfo) -> bool:
        """Whether a journal is one of them."""
        states = {FINISHED, UNDONE, EMPTY, *([INTERRUPTED] if self.interrupted else [])}
        return info.state in states and info.changed <= time.time() - self.older_than

    def delete(self, info: JournalInfo) -> bool:
        """Delete a journal, unless it is in use or has changed since; return whether it was deleted."""
        with suppress(JournalError, OSError):
            return self.has(survey(info.path)) and glances.remove(info.path, interrupted=self.interrupted)
        return False
