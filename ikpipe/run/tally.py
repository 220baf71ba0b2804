"""Count the results of a run on their way to a frame or a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ikpipe.request.result import CANCELLED, SETTLED, Result
from ikpipe.run.ordering import ResultSink
from ikpipe.run.report import EXAMPLES, StatusCounts

if TYPE_CHECKING:
    from ikpipe.frames.chunks import Chunk


class ResultTally(StatusCounts):
    """A sink that counts the results of a run and passes them on to `sink`.

    `kept` is as for `StatusCounts`. `run_summary` is the run's summary after `close`, `has_rows` whether there were
    any.
    """

    def __init__(self, sink: ResultSink, kept: int = EXAMPLES) -> None:
        super().__init__(kept=kept)
        self.run_summary: dict[str, Any] = {}
        self.has_rows = False
        self._sink = sink

    @property
    def all_uploaded(self) -> bool:
        """Whether every row is uploaded."""
        return self.statuses.keys() <= SETTLED

    def prepare(self, chunk: Chunk, results: list[Result] | None) -> tuple[Any, StatusCounts]:
        """Prepare rows for the sink, and count them."""
        labels = chunk.frame.index
        counts = StatusCounts.of(labels, results or [CANCELLED] * len(labels), chunk.start, self.kept)
        return self._sink.prepare(chunk, results), counts

    def take(self, prepared: tuple[Any, StatusCounts]) -> None:
        """Add the counts of the next rows, and pass the rows on."""
        rows, counts = prepared
        self.has_rows = True
        self.add(counts)
        self._sink.take(rows)

    def close(self, summary: Mapping[str, Any]) -> Any:
        """Keep the summary, pass it on, and return what the sink returns."""
        self.run_summary = {**summary}
        return self._sink.close(self.run_summary)
