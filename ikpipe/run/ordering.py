"""Results on their way out: gathered chunk by chunk, and given on in the table's order."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING, Any, Protocol

from ikpipe.request.result import CANCELLED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ikpipe.frames.chunks import Chunk
    from ikpipe.journal.history import RowHistory
    from ikpipe.request.result import Result


class ResultSink(Protocol):
    """Where results go."""

    def prepare(self, chunk: Chunk, results: list[Result] | None) -> Any:
        """Bring a chunk's results into the form that takes the least room; None: none of its rows was begun."""

    def take(self, prepared: Any) -> None:
        """Take what is prepared; called in the table's order."""

    def close(self, summary: Mapping[str, Any]) -> Any:
        """Take the run's summary, and give the results, where there is a frame of them."""


class ResultBatch:
    """A chunk on its way: a result for each of its rows, and how many have not ended yet."""

    def __init__(self, chunk: Chunk, known: Mapping[int, RowHistory]) -> None:
        self.chunk: Chunk | None = chunk
        self.start = chunk.start
        self.results = [CANCELLED] * len(chunk.frame)
        self.left = len(self.results)
        self.prepared: Any = None
        for position, one in known.items():  # at once: a run that stops early must not lose them
            self.results[position - self.start] = one.result


class OrderedResults:
    """The open chunks of a run; `error` is what the sink raised, which is given nothing any more then.

    Parameters
    ----------
    sink
        Where results go.
    """

    def __init__(self, sink: ResultSink) -> None:
        self.counts: Counter[str] = Counter()
        self.error: Exception | None = None
        self._sink = sink
        self._open: deque[ResultBatch] = deque()

    def begin(self, chunk: Chunk, known: Mapping[int, RowHistory]) -> ResultBatch:
        """Open a chunk."""
        batch = ResultBatch(chunk, known)
        self._open.append(batch)
        if not batch.left:
            self._done(batch)
        return batch

    def end(self, batch: ResultBatch, position: int, result: Result) -> None:
        """Note a row's result."""
        batch.results[position - batch.start] = result
        batch.left -= 1
        if not batch.left:
            self._done(batch)

    def skip(self, chunk: Chunk, known: Mapping[int, RowHistory]) -> None:
        """Pass a chunk on of which nothing was begun."""
        if known:
            self._done(self.begin(chunk, known))
        else:
            self.counts[CANCELLED.status] += len(chunk.frame)
            self._take(self._prepared(chunk, None))

    def close(self) -> None:
        """Pass on what there is of chunks that have not ended."""
        for batch in list(self._open):
            self._done(batch)

    def finish(self, summary: Mapping[str, Any]) -> Any:
        """Give the sink the run's summary, if it has taken all results."""
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
        batch.chunk, batch.results = None, []  # what waits for its turn takes little room
        while self._open and self._open[0].chunk is None:
            self._take(self._open.popleft().prepared)

    def _prepared(self, chunk: Chunk, results: list[Result] | None) -> Any:
        try:
            return self._sink.prepare(chunk, results) if self.error is None else None
        except Exception as error:  # noqa: BLE001 - the run goes on: its journal has the results too
            self.error = error

    def _take(self, prepared: Any) -> None:
        try:
            if self.error is None:
                self._sink.take(prepared)
        except Exception as error:  # noqa: BLE001
            self.error = error
