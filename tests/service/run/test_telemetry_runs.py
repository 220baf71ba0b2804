"""OpenTelemetry's spans of real runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from rows import blobs, quiet

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from ikpipe.emulator import Emulator


@pytest.fixture
def exporter(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """Set up an SDK for one test."""
    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    return exporter


def test_the_callers_span_is_the_parent(emulator: Emulator, exporter: InMemorySpanExporter) -> None:
    """A task's span has the run below it, although the run has a thread of its own, and its requests below that."""
    with trace.get_tracer("task").start_as_current_span("task"):
        quiet(blobs(b"a", b"b"), emulator.account, file_name="a")
    spans = {span.name: span for span in exporter.get_finished_spans()}
    assert spans["ikpipe.run"].parent.span_id == spans["task"].context.span_id
    assert spans["ikpipe.request"].parent.span_id == spans["ikpipe.run"].context.span_id


def test_a_rejected_account(emulate: Callable[..., Emulator], exporter: InMemorySpanExporter) -> None:
    """The span has the error that the run raises."""
    with pytest.raises(ikpipe.AccountError):
        quiet(blobs(b"a"), emulate(account_disabled=True).account, file_name="a")
    span = next(span for span in exporter.get_finished_spans() if span.name == "ikpipe.run")
    assert span.attributes["ikpipe.run.status"] == "rejected"
    assert "Your account is disabled" in span.status.description
