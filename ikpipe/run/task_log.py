"""What is logged of a row: its attempts, retries and lookups, and how it ended."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from ikpipe.errors import short_repr
from ikpipe.errors.logs import log_event
from ikpipe.request.recovery import LookupResult
from ikpipe.request.reply import UploadReply
from ikpipe.request.result import Result, ended

if TYPE_CHECKING:
    from ikpipe.run.task import UploadTask

_log = logging.getLogger("ikpipe.run")
_INFO, _DEBUG = logging.INFO, logging.DEBUG


class TaskLog:
    """The log of one row while it is uploaded.

    Nothing is made for a level that is disabled: most rows need one attempt, and a run can have millions.
    """

    __slots__ = ("_attempts", "_began", "_reply", "_task", "_wait")

    def __init__(self, task: UploadTask) -> None:
        self._task, self._attempts, self._wait = task, 0, 0.0
        self._reply: UploadReply | None = None
        self._began = 0.0

    def waits(self, seconds: float) -> None:
        """Note a wait before the next step."""
        self._wait = seconds

    def sending(self) -> None:
        """Log an attempt after the first one."""
        self._attempts += 1
        self._began = time.monotonic()
        if self._attempts == 1 or self._reply is None or not _log.isEnabledFor(_INFO):
            return
        result = self._reply.result
        words = "Row %s is sent again after %.3g s (attempt %d): %s"
        args = (short_repr(self._task.label), self._wait, self._attempts, result.message or result.error)
        details = {"code": result.error, "wait_s": round(self._wait, 3), "request_id": result.request_id}
        self._event("retry", words, *args, attempt=self._attempts, **details)

    def replied(self, reply: UploadReply) -> UploadReply:
        """Log and return the reply to an attempt."""
        self._reply, self._wait = reply, 0.0
        if _log.isEnabledFor(_DEBUG):
            result, seconds = reply.result, round(time.monotonic() - self._began, 3)
            words = "Row %s, attempt %d: %s"
            args = (short_repr(self._task.label), self._attempts, result.message or result.status)
            details = {"status": result.status, "code": result.error, "request_id": result.request_id}
            self._event(
                "attempt", words, *args, attempt=self._attempts, seconds=seconds, bytes=self._task.size, **details
            )
        return reply

    def found(self, lookup: LookupResult) -> LookupResult:
        """Log and return the result of a search for the row's file."""
        if _log.isEnabledFor(_INFO):
            outcome = _outcome(lookup)
            words = "The media library was searched for row %s, which may be stored: %s."
            self._event("lookup", words, short_repr(self._task.label), _OUTCOMES[outcome], outcome=outcome)
        return lookup

    def _event(self, event: str, words: str, *args: object, **fields: object) -> None:
        task = self._task
        name = None if task.request is None else task.request.fields.get("fileName")
        log_event(_log, event, words, *args, row=task.label, position=task.position, file_name=name, **fields)


_OUTCOMES = {
    "found": "found",
    "absent": "not found",
    "other_file": "another file has its name",
    "uncertain": "the search failed",
}


def _outcome(lookup: LookupResult) -> str:
    if lookup.result is not None:
        return "found"
    if lookup.other_file:
        return "other_file"
    return "absent" if lookup.certain else "uncertain"


def log_row(label: object, position: int, result: Result) -> None:
    """Log how a row ended."""
    failed = result.status in ("invalid", "failed", "unknown")
    if not _log.isEnabledFor(_INFO if failed else _DEBUG):
        return
    fields = {
        "row": label,
        "position": position,
        "file_name": result.name,
        "status": result.status,
        "attempts": result.attempts,
        "seconds": None if result.seconds is None else round(result.seconds, 3),
        "request_id": result.request_id,
    }
    if failed:
        words, args = "Row %s %s: %s", (short_repr(label), ended(result.status), result.message or result.error)
        log_event(_log, "row_failed", words, *args, **fields, code=result.error)
    else:
        log_event(_log, "row_ended", "Row %s %s.", short_repr(label), ended(result.status), **fields, bytes=result.size)
