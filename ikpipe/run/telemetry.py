"""Metrics and spans of OpenTelemetry, if its API is installed; without it, nothing is measured.

Where they go is set up by the program that uses ikpipe. A run has a span, and requests have spans of their own below it
as long as there are not too many.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Awaitable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, TypeVar

from ikpipe.errors import Error, describe_exception
from ikpipe.request.result import CANCELLED, SETTLED, Result
from ikpipe.request.secrets import without_secrets
from ikpipe.run.endings import ending

if TYPE_CHECKING:
    from ikpipe.request.reply import UploadReply

    Reply = TypeVar("Reply", bound=UploadReply)

_EVERY = 1.0  # seconds between two reports
MOST_SPANS = 1000  # requests of a run that have spans: a run can have millions
_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)  # seconds of a request


@contextmanager
def run_telemetry(run: str | None) -> Iterator[RunTelemetry | None]:
    """Measure a run, which may have a name; yield what its rows report to, None if OpenTelemetry is not installed."""
    try:
        from opentelemetry import metrics, trace
    except ImportError:
        yield None
        return
    tracer = trace.get_tracer("ikpipe", _version())
    attributes = {} if run is None else {"ikpipe.run.name": run}
    span = tracer.start_as_current_span(
        "ikpipe.run", attributes=attributes, record_exception=False, set_status_on_exception=False
    )
    with span as current:
        telemetry = RunTelemetry(metrics.get_meter("ikpipe", _version()), tracer, current)
        try:
            yield telemetry
        except BaseException as error:
            telemetry.failed(error)
            raise
        finally:
            telemetry.end(trace.StatusCode.ERROR)


@cache
def _version() -> str:
    """Return the version of ikpipe, which takes milliseconds to find: a part of a table on a cluster is a run."""
    return version("ikpipe")


class RunTelemetry:
    """The instruments of a run, and its span.

    `meter` and `tracer` make instruments and spans, as OpenTelemetry's API has them.
    """

    def __init__(self, meter: Any, tracer: Any, span: Any) -> None:
        self._tracer, self._span = tracer, span
        self._runs = meter.create_counter("ikpipe.runs", "{run}", "Runs that ended.")
        self._rows = meter.create_counter("ikpipe.rows", "{row}", "Rows that ended, by status.")
        self._bytes = meter.create_counter("ikpipe.file.sent", "By", "Bytes of files sent from this machine.")
        self._retries = meter.create_counter("ikpipe.retries", "{retry}", "Attempts after the first of a row.")
        self._duration = _histogram(meter, "ikpipe.request.duration", "s", "Duration of upload requests.")
        self._active = meter.create_up_down_counter("ikpipe.active_requests", "{request}", "Upload requests in flight.")
        self._spans = MOST_SPANS if span.is_recording() else 0
        self._status, self._words = "finished", ""
        self._new_rows: Counter[tuple[str, str | None]] = Counter()
        self._cancelled = self._new_retries = self._new_bytes = self._sent = 0
        self._in_flight = self._reported_in_flight = 0
        self._due = time.monotonic() + _EVERY

    def row(self, result: Result, retries: int, sent: int) -> None:
        """Count a row that ended, with its attempts after the first, and the bytes that the run has sent so far."""
        self._new_rows[result.status, None if result.status in SETTLED else result.error] += 1
        self._cancelled += result.status == CANCELLED.status
        self._new_retries += retries
        self._new_bytes += sent - self._sent
        self._sent = sent

    def _report(self, now: float) -> None:
        """Report what was counted since the last time: an instrument costs more than a row may."""
        self._due = now + _EVERY
        for (status, error), count in self._new_rows.items():
            self._rows.add(count, {"ikpipe.row.status": status, **({"error.type": error} if error else {})})
        self._new_rows.clear()
        for instrument, count in ((self._retries, self._new_retries), (self._bytes, self._new_bytes)):
            if count:
                instrument.add(count)
        self._new_retries = self._new_bytes = 0
        self._active.add(self._in_flight - self._reported_in_flight)
        self._reported_in_flight = self._in_flight

    async def timed(self, request: Awaitable[Reply]) -> Reply:
        """Return the reply to a request, and measure how long it took."""
        if self._spans:
            self._spans -= 1
            with self._tracer.start_as_current_span("ikpipe.request") as span:
                reply = await self._measured(request)
                if reply.result.status not in SETTLED:
                    span.set_attribute("error.type", reply.result.error or "unknown")
                return reply
        return await self._measured(request)

    async def _measured(self, request: Awaitable[Reply]) -> Reply:
        began = time.monotonic()
        outcome = "cancelled"
        self._in_flight += 1
        if began >= self._due:
            self._report(began)
        try:
            reply = await request
            outcome = "" if reply.result.status in SETTLED else reply.result.error or "unknown"
            return reply
        finally:
            self._in_flight -= 1
            self._duration.record(time.monotonic() - began, {"error.type": outcome} if outcome else {})

    def summarize(self, summary: Mapping[str, Any], error: Exception | None) -> None:
        """Add the run's summary: its numbers as attributes of the span, and rows that were not started as rows.

        `error` is what ended the run before all of its rows, if something did.
        """
        if summary["interrupted"]:
            self._status = "interrupted"
        left = summary["counts"].get(CANCELLED.status, 0) - self._cancelled
        self._new_rows[CANCELLED.status, CANCELLED.error] += max(left, 0)
        self._new_bytes, self._sent = self._new_bytes + summary["bytes"] - self._sent, summary["bytes"]
        numbers = {f"ikpipe.rows.{status}": count for status, count in summary["counts"].items()}
        self._span.set_attributes({"ikpipe.rows": summary["rows"], "ikpipe.file.sent": summary["bytes"], **numbers})
        if error is not None:
            self.failed(error)

    def failed(self, error: BaseException) -> None:
        """Note what ended the run."""
        self._status = ending(error)
        if isinstance(error, Exception):
            self._words = without_secrets(error.text if isinstance(error, Error) else describe_exception(error))
        self._span.set_attribute("error.type", type(error).__name__)

    def end(self, error_status: Any) -> None:
        """Count the run; its span has the status of an error if one ended it."""
        self._new_rows = +self._new_rows
        self._report(time.monotonic())
        self._runs.add(1, {"ikpipe.run.status": self._status})
        self._span.set_attribute("ikpipe.run.status", self._status)
        if self._words:
            self._span.set_status(error_status, self._words)


def _histogram(meter: Any, name: str, unit: str, purpose: str) -> Any:
    try:
        return meter.create_histogram(name, unit, purpose, explicit_bucket_boundaries_advisory=_BUCKETS)
    except TypeError:  # before version 1.30 of the API
        return meter.create_histogram(name, unit, purpose)
