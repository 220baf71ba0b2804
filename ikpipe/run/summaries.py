"""The summary of a run as data: for `on_summary=`, `--summary` and the reports that are made of it.

``summary.schema.json`` describes it. `totals` has the numbers that `ikpipe.summary` shows, too.
"""

from __future__ import annotations

import logging
import math
import numbers
import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from ikpipe.errors import (
    CODES,
    WARNINGS,
    Error,
    MappingError,
    describe_exception,
    keyword,
    one_line,
)
from ikpipe.request.secrets import without_secrets
from ikpipe.run.endings import ending
from ikpipe.run.plan_report import PlanCounts
from ikpipe.run.report import StatusCounts
from ikpipe.run.tally import ResultTally

if TYPE_CHECKING:
    import pandas as pd

    from ikpipe.run.ordering import ResultSink

SCHEMA_VERSION = 1
"""It changes when a field changes its meaning or goes away; new fields do not change it."""

LISTED = 10  # rows of each problem in a summary
_LONGEST = 2000  # characters of a text
_PACKAGES = ("httpx", "httptools", "pandas", "pyarrow", "polars")
_TROUBLE = ("error", "invalid", "failed", "left", "absent", "cancelled")
"""Actions and outcomes of rows, besides ``ik_status``, that are problems."""

_log = logging.getLogger("ikpipe")


@dataclass(frozen=True, slots=True)
class Group:
    """Rows with the same problem: how many, and the first of them, as `StatusCounts` has examples."""

    code: str | None
    statuses: Sequence[str]
    count: int
    rows: Sequence[tuple[Any, int | None, str | None]]
    severity: str = "error"


def totals(counts: StatusCounts, run: Mapping[str, Any]) -> dict[str, Any]:
    """Return the numbers of a run: its rows, counted, with what ``attrs["ikpipe"]`` has, None if that is not known."""
    rows, seconds = counts.statuses.total(), run.get("seconds")
    return {
        "run": run.get("run"),
        "journal": run.get("journal"),
        "seconds": seconds,
        "rows": rows,
        "counts": dict(counts.statuses),
        "errors": dict(counts.errors),
        "rows_with_warnings": counts.with_warnings,
        "bytes_stored": counts.stored_bytes,
        "bytes_sent": run.get("bytes"),
        "rate": rows / seconds if seconds else None,
        "retries": run.get("retries"),
        "mapping": run.get("mapping"),
        "effective_mapping": run.get("effective_mapping"),
    }


class SummaryRecorder:
    """What is known of a run, so that its summary can be written whenever and however it ends.

    `command` is the name of the command or function, `kept` the maximum number of rows that are kept of each problem.
    `write` returns a text of the library in the reader's terms. `run` is the run's own summary, as in
    ``attrs["ikpipe"]``; `lines` are the rows' lines in their file.
    """

    def __init__(self, command: str, kept: int = LISTED, write: Callable[[str], str] = str) -> None:
        self.command, self.kept = command, kept
        self.counts = StatusCounts(kept=kept)
        self.run: Mapping[str, Any] = {}
        self.lines: Sequence[int] | None = None
        self.dry_run = False
        self._groups: list[Group] | None = None
        self._write = write
        self._started, self._began = datetime.now(UTC), time.monotonic()

    def tally(self, sink: ResultSink) -> ResultTally:
        """Return a sink that counts results and passes them on."""
        return self.counting(ResultTally(sink, self.kept))

    def counting(self, tally: ResultTally) -> ResultTally:
        """Use the numbers of a sink, and return it."""
        self.counts = tally
        return tally

    def results(self, frame: pd.DataFrame) -> None:
        """Count the rows of a results frame."""
        from ikpipe.frames.results import results_of
        from ikpipe.run.sync_report import sent_rows

        own, run = sent_rows(frame), frame.attrs.get("ikpipe")
        self.run = run if isinstance(run, Mapping) else {}
        self.counts = StatusCounts.of(own.index, results_of(own), kept=self.kept)

    def outcomes(self, frame: pd.DataFrame, column: str = "ik_change", message: str = "ik_change_message") -> None:
        """Count the rows of a frame by a column, such as what became of the files that were to be changed."""
        from ikpipe.frames.plans import PlannedRow

        cells = (frame[name].fillna("").tolist() for name in (column, message))
        counts = PlanCounts(kept=self.kept)
        counts.add(frame.index, [PlannedRow(action, None, reason) for action, reason in zip(*cells, strict=True)])
        self.planned(counts)

    def planned(self, counts: PlanCounts) -> None:
        """Use the numbers of a plan, or of changes."""
        self.counts = StatusCounts(statuses=counts.actions, kept=self.kept)
        trouble = [action for action in counts.actions if action in _TROUBLE]
        self._groups = [Group(None, [one], counts.actions[one], counts.examples[one]) for one in trouble]
        if counts.bytes:
            self.run = {"bytes": counts.bytes, **self.run}

    def synced(self, frame: pd.DataFrame, *, dry: bool) -> None:
        """Count the rows of the results, or of the plan, of a sync."""
        self.dry_run = dry
        if dry:
            self.run = frame.attrs["ikpipe"]
            self.outcomes(frame, "ik_action", "ik_reason")
        else:
            self.results(frame)

    def problems(self, found: pd.DataFrame, rows: int) -> None:
        """Count the problems that `check` found in a number of rows."""
        errors = found[found["severity"] == "error"]
        invalid = errors["position"].nunique()
        self.counts = StatusCounts(kept=self.kept)
        self.counts.statuses.update({"valid": rows - invalid, "invalid": invalid})
        self.counts.errors.update(errors["code"].tolist())
        self.counts.with_warnings = found.loc[found["severity"] == "warning", "position"].nunique()
        self._groups = [
            Group(
                str(code),
                ["invalid"] if severity == "error" else [],
                len(group),
                _examples(group, self.kept),
                str(severity),
            )
            for (severity, code), group in found.groupby(["severity", "code"], sort=False)
        ]

    @property
    def groups(self) -> list[Group]:
        """The problems of the rows, the most frequent first."""
        if self._groups is not None:
            return sorted(self._groups, key=lambda group: -group.count)
        counts = self.counts
        return [
            Group(code, counts.error_statuses[code], count, counts.examples[code])
            for code, count in counts.errors.most_common()
        ]

    def document(
        self, error: BaseException | None = None, exit_status: int | None = None, *, running: bool = False
    ) -> dict[str, Any]:
        """Return the summary, as plain JSON values without secrets.

        `error` is what ended the call, if something did. `exit_status` is that of the command. `running`: it has not
        ended.
        """
        counts = self.counts
        run = counts.run_summary or self.run if isinstance(counts, ResultTally) else self.run
        numbers_of = totals(counts, run)
        if numbers_of["seconds"] is None:
            numbers_of["seconds"] = round(time.monotonic() - self._began, 3)
        now = None if running else datetime.now(UTC)
        document = {
            "schema_version": SCHEMA_VERSION,
            "command": self.command,
            "status": "running" if running else self._status(error, run),
            "exit_status": exit_status,
            "error": None if error is None else self._error(error),
            "dry_run": self.dry_run,
            "started": _time(self._started),
            "ended": None if now is None else _time(now),
            **numbers_of,
            "problems": [self._problem(group) for group in self.groups],
            "warnings": run.get("warnings") or [],
            "sync": _sync(run),
            "versions": _versions(),
        }
        plain: dict[str, Any] = _plain(document)
        return plain

    def _status(self, error: BaseException | None, run: Mapping[str, Any]) -> str:
        """Return how the run ended, in one word."""
        if error is None:
            return "interrupted" if run.get("interrupted") else "finished"
        status = ending(error)
        return "stopped" if status == "invalid" and self.counts.statuses else status

    def _error(self, error: BaseException) -> dict[str, str]:
        if isinstance(error, Exception):
            text = error.text if isinstance(error, Error) else describe_exception(error)
        else:
            text = "The call was interrupted."
        return {"type": type(error).__name__, "message": self._write(text)}

    def _problem(self, group: Group) -> dict[str, Any]:
        known = CODES.get(group.code or "") or WARNINGS.get(group.code or "")
        return {
            "severity": group.severity,
            "code": group.code,
            "statuses": list(group.statuses),
            "count": group.count,
            "meaning": None if known is None else self._write(known.meaning),
            "fix": None if known is None else self._write(known.fix),
            "rows": [
                {"row": label, "position": position, "line": self._line(position), "message": self._write(text or "")}
                for label, position, text in group.rows[:LISTED]
            ],
        }

    def _line(self, position: int | None) -> int | None:
        return None if self.lines is None or position is None else self.lines[position]


def _plain(value: Any) -> Any:
    """Return a value as plain JSON values, without secrets; of a class that JSON does not have, its text."""
    if value is None or isinstance(value, bool):
        return value
    plain: Any
    if isinstance(value, Mapping):
        plain = {without_secrets(one_line(name)): _plain(one) for name, one in value.items()}
    elif isinstance(value, list | tuple | set | frozenset):
        plain = [_plain(one) for one in value]
    elif isinstance(value, bytes):
        plain = f"{len(value):,} bytes"
    elif isinstance(value, numbers.Integral):
        plain = int(value)
    elif isinstance(value, numbers.Real) and math.isfinite(value):
        plain = round(float(value), 6)
    else:
        plain = without_secrets(one_line(str(value)[:_LONGEST]))
    return plain


def _examples(group: pd.DataFrame, kept: int) -> list[tuple[Any, int | None, str]]:
    """Return the first problems of a group: row, position and text."""
    first = group.head(kept)
    positions = [None if math.isnan(at) else int(at) for at in first["position"].astype("float64").tolist()]
    return list(zip(first["row"], positions, first["message"] + " " + first["fix"], strict=True))


def _sync(run: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what a sync did besides uploads; None for other commands."""
    if "not_deleted" not in run:
        return None
    return {
        "moved": run.get("moved", 0),
        "deleted": run.get("deleted", 0),
        "not_deleted": run["not_deleted"],
        "unread": run.get("unread") or [],
    }


def _time(when: datetime) -> str:
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _versions() -> dict[str, str]:
    """Return the versions of ikpipe, Python and what is installed of other packages."""
    found = {"ikpipe": "unknown", "python": platform.python_version(), "platform": platform.platform()}
    for name in ("ikpipe", *_PACKAGES):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


@contextmanager
def summarized(command: str, on_summary: Callable[[dict[str, Any]], object] | None) -> Iterator[SummaryRecorder | None]:
    """Call `on_summary` with the summary of a call when it ends, however that is; yield what records it, if wanted.

    Raise `MappingError` if `on_summary` cannot be called.
    """
    if on_summary is None:
        yield None
        return
    if not callable(on_summary):
        raise MappingError("The value must be a function of one argument, or None.", about=keyword("on_summary"))
    recorder, error = SummaryRecorder(command), None
    try:
        yield recorder
    except BaseException as raised:
        error = raised
        raise
    finally:
        try:
            on_summary(recorder.document(error))
        except Exception as trouble:  # noqa: BLE001 - the results are there
            _log.warning("The function on_summary raised an exception: %s", describe_exception(trouble))
