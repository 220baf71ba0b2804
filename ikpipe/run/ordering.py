"""Results in the table's order: collected chunk by chunk, and passed on to a sink."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from ikpipe.request.result import CANCELLED, Result

if TYPE_CHECKING:
    from ikpipe.frames.chunks import Chunk
    from ikpipe.journal.history import RowHistory


class ResultSink(Protocol):
    """Where results go: a frame, a file, or the widget."""

    def prepare(self, chunk: Chunk, results: list[Result] | None) -> Any:
        """Return a chunk's results in a form that needs little memory; `results` is None if no row was started."""

    def take(self, prepared: Any) -> None:
        """Accept what `prepare` returned; called in the table's order."""

    def close(self, summary: Mapping[str, Any]) -> Any:
        """Accept the run's summary, and return the results, if there is a frame of them."""


class ResultBatch:
    """A chunk in progress: a result for each of its rows, and how many rows have not ended yet."""

    def __init__(self, chunk: Chunk, histories: Mapping[int, RowHistory]) -> None:
        self.chunk: Chunk | None = chunk
        self.start = chunk.start
        self.results = [CANCELLED] * len(chunk.frame)
        self.remaining = len(self.results)
        self.prepared: Any = None
        for position, history in histories.items():  # at once: a run that stops early must not lose them
            self.results[position - self.start] = history.result


class OrderedResults:
    """The chunks of a run in progress, whose results the sink gets in the table's order.

    `sink` is where results go. `error` is what the sink raised; it is not called again then.
    """

    def __init__(self, sink: ResultSink) -> None:
        self.counts: Counter[str] = Counter()
        self.error: Exception | None = None
        self._sink = sink
        self._open: deque[ResultBatch] = deque()

    def begin(self, chunk: Chunk, histories: Mapping[int, RowHistory]) -> ResultBatch:
        """Start a chunk."""
        batch = ResultBatch(chunk, histories)
        self._open.append(batch)
        if not batch.remaining:
            self._done(batch)
        return batch

    def end(self, batch: ResultBatch, position: int, result: Result) -> None:
        """Record a row's result."""
        batch.results[position - batch.start] = result
        batch.remaining -= 1
        if not batch.remaining:
            self._done(batch)

    def skip(self, chunk: Chunk, histories: Mapping[int, RowHistory]) -> None:
        """Pass on a chunk of which no row was started."""
        if histories:
            self._done(self.begin(chunk, histories))
        else:
            self.counts[CANCELLED.status] += len(chunk.frame)
            self._take(self._prepared(chunk, None))

    def close(self) -> None:
        """Pass on the results so far of all chunks."""
        for batch in list(self._open):
            self._done(batch)

    def finish(self, summary: Mapping[str, Any]) -> Any:
        """Pass the run's summary to the sink, if it accepted all results, and return the sink's value."""
        try:
            return self._sink.close(summary) if self.error is None else None
        except Exception as error:  # noqa: BLE001
            self.error = error
            return None

    def _done(self, batch: ResultBatch) -> None:
        if batch.chunk is None:
            return
        self.counts.update(result.status for result in batch.results)
        batch.prepared = self._prepared(batch.chunk, batch.results)
        batch.chunk, batch.results = None, []  # a chunk that waits for its turn needs little memory
        while self._open and self._open[0].chunk is None:
            self._take(self._open.popleft().prepared)

    def _prepared(self, chunk: Chunk, results: list[Result] | None) -> Any:
        try:
            return self._sink.prepare(chunk, results) if self.error is None else None
        except Exception as error:  # noqa: BLE001 - the run continues: its journal has the results too
            self.error = error

    def _take(self, prepared: Any) -> None:
        try:
            if self.error is None:
                self._sink.take(prepared)
        except Exception as error:  # noqa: BLE001
            self.error = error
