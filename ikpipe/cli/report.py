"""Reports of the command line: with its options instead of keywords, and counts of a run while it goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ikpipe.cli.wording import in_options, width
from ikpipe.run.ordering import ResultSink
from ikpipe.run.report import ReportWriter
from ikpipe.run.tally import ResultTally


def report_writer(lines: Sequence[int] | None = None) -> ReportWriter:
    """Return what writes reports for the terminal; `lines` are the rows' lines in their file."""
    return ReportWriter(width(), lines=lines, write=in_options)


class FileTally(ResultTally):
    """Counts the results of a run that are written to OUT.

    `run_summary` stays empty if the run was stopped before its first row: OUT stays as it was then. `overrides` are
    entries that replace those of the run's summary.
    """

    def __init__(self, sink: ResultSink, kept: int, overrides: Mapping[str, Any]) -> None:
        super().__init__(sink, kept)
        self._overrides = overrides

    def close(self, summary: Mapping[str, Any]) -> Any:
        """Keep the summary, and pass it on, unless there were no rows."""
        return super().close({**summary, **self._overrides}) if self.has_rows else None
