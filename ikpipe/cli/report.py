"""Reports of the command line: with its options instead of keywords, and counts of a run while it goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ikpipe.cli.wording import in_options, width
from ikpipe.request.result import CANCELLED, SETTLED, Result
from ikpipe.run.ordering import ResultSink
from ikpipe.run.report import ReportWriter, StatusCounts

if TYPE_CHECKING:
    from ikpipe.frames.chunks import Chunk


def report_writer(lines: Sequence[int] | None = None) -> ReportWriter:
    """Return what writes reports for the terminal; `lines` are the rows' lines in their file."""
    return ReportWriter(width(), lines=lines, write=in_options)


class ResultTally(StatusCounts):
    """A sink that counts the results of a run and passes them on.

    `run_summary` is the run's summary after `close`; it stays empty if the run was stopped before its first row.

    The results go to `sink`. `overrides` are entries that replace those of the run's summary.
    """

    def __init__(self, sink: ResultSink, overrides: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self.run_summary: dict[str, Any] = {}
        self._sink, self._overrides, self._has_rows = sink, overrides or {}, False

    @property
    def all_uploaded(self) -> bool:
        """Whether every row is uploaded."""
        return self.statuses.keys() <= SETTLED

    def prepare(self, chunk: Chunk, results: list[Result] | None) -> tuple[Any, StatusCounts]:
        """Prepare rows for the sink, and count them."""
        labels = chunk.frame.index
        counts = StatusCounts.of(labels, results or [CANCELLED] * len(labels), chunk.start)
        return self._sink.prepare(chunk, results), counts

    def take(self, prepared: tuple[Any, StatusCounts]) -> None:
        """Add the counts of the next rows, and pass the rows on."""
        rows, counts = prepared
        self._has_rows = True
        self.add(counts)
        self._sink.take(rows)

    def close(self, summary: Mapping[str, Any]) -> None:
        """Keep the summary, and pass it on. If there were no rows, OUT stays as it was."""
        if self._has_rows:
            self.run_summary = {**summary, **self._overrides}
            self._sink.close(self.run_summary)
