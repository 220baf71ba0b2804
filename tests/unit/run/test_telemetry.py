"""Metrics and spans of OpenTelemetry, as its SDK gets them."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Generator
from contextlib import nullcontext
from itertools import count
from typing import Any

import pytest
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import ikpipe
from ikpipe.request.reply import UploadReply
from ikpipe.request.result import Result
from ikpipe.run.telemetry import MOST_SPANS, RunTelemetry, run_telemetry

SUMMARY = {"interrupted": False, "rows": 4, "bytes": 9, "counts": {"uploaded": 1, "failed": 1, "cancelled": 2}}


class Backend:
    """What a program's SDK has collected."""

    def __init__(self) -> None:
        self.reader, self.exporter = InMemoryMetricReader(), InMemorySpanExporter()

    def points(self, name: str) -> list[tuple[dict[str, Any], Any]]:
        """Return the attributes and the value of each point of a metric."""
        data = self.reader.get_metrics_data()
        found = [metric for one in data.resource_metrics for scope in one.scope_metrics for metric in scope.metrics]
        points = [point for metric in found if metric.name == name for point in metric.data.data_points]
        return [(dict(point.attributes), getattr(point, "value", getattr(point, "count", None))) for point in points]

    def units(self) -> dict[str, str]:
        """Return the unit of each metric."""
        data = self.reader.get_metrics_data()
        scopes = [scope for one in data.resource_metrics for scope in one.scope_metrics]
        return {metric.name: metric.unit for scope in scopes for metric in scope.metrics}

    def spans(self, name: str) -> list[ReadableSpan]:
        """Return the spans of a name."""
        return [span for span in self.exporter.get_finished_spans() if span.name == name]


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> Backend:
    """Set up an SDK for one test."""
    backend = Backend()
    meters, tracers = MeterProvider([backend.reader], shutdown_on_exit=False), TracerProvider(shutdown_on_exit=False)
    tracers.add_span_processor(SimpleSpanProcessor(backend.exporter))
    monkeypatch.setattr(metrics, "get_meter", meters.get_meter)
    monkeypatch.setattr(trace, "get_tracer", tracers.get_tracer)
    return backend


async def _send(measured: RunTelemetry, requests: int) -> None:
    for _ in range(requests):
        await measured.timed(_replied(UploadReply(Result("failed", "server_error"))))


async def _replied(reply: UploadReply) -> UploadReply:
    return reply


def run(error: BaseException | None = None, requests: int = 1) -> None:
    """Run four rows, of which two start."""
    with run_telemetry("night") as measured:
        assert measured is not None
        asyncio.run(_send(measured, requests))
        measured.row(Result("uploaded"), 0, 5)
        measured.row(Result("failed", "server_error"), 3, 9)
        if isinstance(error, Exception) or error is None:
            measured.summarize(SUMMARY, error)
        else:
            raise error


def test_rows_by_status(backend: Backend) -> None:
    """Rows that ended, with their error code, and those that were never started."""
    run()
    assert backend.points("ikpipe.rows") == [
        ({"ikpipe.row.status": "uploaded"}, 1),
        ({"ikpipe.row.status": "failed", "error.type": "server_error"}, 1),
        ({"ikpipe.row.status": "cancelled", "error.type": "cancelled"}, 2),
    ]


def test_bytes_and_retries(backend: Backend) -> None:
    """They are counted once."""
    run()
    assert backend.points("ikpipe.file.sent") == [({}, 9)]
    assert backend.points("ikpipe.retries") == [({}, 3)]


def test_requests(backend: Backend) -> None:
    """How long they took, and that none is in flight at the end."""
    run(requests=2)
    assert backend.points("ikpipe.request.duration") == [({"error.type": "server_error"}, 2)]
    assert backend.points("ikpipe.active_requests") == [({}, 0)]


class Suspended:
    """A reply that does not come."""

    def __await__(self) -> Generator[None, None, UploadReply]:
        yield
        raise AssertionError


def test_requests_in_flight(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are reported while the run goes."""
    monkeypatch.setattr(time, "monotonic", count(0, 10).__next__)
    with run_telemetry(None) as measured:
        assert measured is not None
        requests = [measured.timed(Suspended()) for _ in range(2)]
        for request in requests:
            request.send(None)
        assert backend.points("ikpipe.active_requests") == [({}, 2)]
        for request in reversed(requests):
            request.close()
    assert backend.points("ikpipe.active_requests") == [({}, 0)]


def test_units(backend: Backend) -> None:
    """Those of the semantic conventions."""
    run()
    assert backend.units() == {
        "ikpipe.runs": "{run}",
        "ikpipe.rows": "{row}",
        "ikpipe.file.sent": "By",
        "ikpipe.retries": "{retry}",
        "ikpipe.request.duration": "s",
        "ikpipe.active_requests": "{request}",
    }


def test_the_span_of_a_run(backend: Backend) -> None:
    """It has the run's name and numbers."""
    run()
    (span,) = backend.spans("ikpipe.run")
    attributes = dict(span.attributes or {})
    assert attributes["ikpipe.run.name"] == "night"
    assert (attributes["ikpipe.rows"], attributes["ikpipe.rows.failed"]) == (4, 1)
    assert span.status.status_code is trace.StatusCode.UNSET


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ikpipe.AccountError("https://h/a?sig=5ecre7 is refused."), "rejected"),
        (ikpipe.UploadError("stopped"), "stopped"),
        (KeyboardInterrupt(), "interrupted"),
    ],
)
def test_a_run_that_an_error_ended(backend: Backend, error: BaseException, status: str) -> None:
    """Its status is counted; the span has the error, without secrets."""
    with nullcontext() if isinstance(error, Exception) else pytest.raises(KeyboardInterrupt):
        run(error)
    (span,) = backend.spans("ikpipe.run")
    assert backend.points("ikpipe.runs") == [({"ikpipe.run.status": status}, 1)]
    assert dict(span.attributes or {})["error.type"] == type(error).__name__
    assert (span.status.status_code is trace.StatusCode.ERROR) == isinstance(error, Exception)
    assert "5ecre7" not in f"{span.to_json()}"


def test_requests_have_spans_as_long_as_there_are_few(backend: Backend) -> None:
    """They are below the run's; a run of millions of rows does not have millions."""
    run(requests=MOST_SPANS + 5)
    (of_run,) = backend.spans("ikpipe.run")
    spans = backend.spans("ikpipe.request")
    assert len(spans) == MOST_SPANS
    assert spans[0].parent is not None
    assert spans[0].parent.span_id == of_run.context.span_id


def test_without_opentelemetry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is measured."""
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with run_telemetry("night") as measured:
        assert measured is None


def test_without_an_sdk() -> None:
    """The API's own instruments do nothing."""
    run()
