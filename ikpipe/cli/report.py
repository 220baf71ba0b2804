"""Problems and summaries as text, wrapped on a terminal and never cut."""

from __future__ import annotations

from collections import Counter
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from ikpipe.cli.wording import in_options, one_line
from ikpipe.errors import CODES, WARNINGS
from ikpipe.request.result import CANCELLED, SETTLED
from ikpipe.run.progress import format_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import pandas as pd

    from ikpipe.frames.chunks import Chunk
    from ikpipe.request.result import Result
    from ikpipe.run.ordering import ResultSink

EXAMPLES = 3  # examples of each code


def problems(frame: pd.DataFrame, rows: int, width: int) -> Iterator[str]:
    """Return lines about the problems of a table: errors, then warnings, by code, each with a few rows.

    Parameters
    ----------
    frame
        One row per problem, as `ikpipe.check` returns them.
    rows
        Number of rows of the table.
    width
        Characters per line.
    """
    warns = frame["severity"] == "warning"
    errors, warnings = frame[~warns], frame[warns]
    if errors.empty:
        yield f"No problems in {_count(rows, 'row')}."
    else:
        yield f"{_count_and_rows(errors, 'problem', rows)} (the first row is row 0)"
        yield from _by_code(errors, width)
    if not warnings.empty:
        first = " (the first row is row 0)" if errors.empty else ""
        yield from ([""] if not errors.empty else [])
        yield f"{_count_and_rows(warnings, 'warning', rows)}{first}; warnings do not stop an upload"
        yield from _by_code(warnings, width)


def _count_and_rows(frame: pd.DataFrame, noun: str, rows: int) -> str:
    return f"{_count(len(frame), noun)} in {frame['position'].nunique()} of {_count(rows, 'row')}"


def _by_code(frame: pd.DataFrame, width: int) -> Iterator[str]:
    for code, group in _groups(frame, "code"):
        first = group.head(EXAMPLES)
        columns = first["column"].astype(str).where(first["column"].notna(), "")
        yield ""
        yield from _code_lines(f"{len(group):,} {code}", code, width)
        shown = zip(first["row"], columns, first["message"] + " " + first["fix"], strict=True)
        yield from _examples(list(shown), len(group), width)


class StatusCounts:
    """Counts of rows by status and error code, with a few examples of each code."""

    def __init__(self) -> None:
        self.statuses: Counter[str] = Counter()
        self.stored_bytes = 0
        self.with_warnings = 0
        self.errors: Counter[str] = Counter()
        self.error_statuses: dict[str, dict[str, None]] = {}
        self.examples: dict[str, list[tuple[Any, str, str | None]]] = {}

    @classmethod
    def of(cls, labels: Iterable[Any], results: Iterable[Result]) -> StatusCounts:
        """Return the counts of some rows."""
        counts = cls()
        for label, result in zip(labels, results, strict=True):
            counts.statuses[result.status] += 1
            counts.with_warnings += bool(result.warnings)
            if result.status in SETTLED:
                counts.stored_bytes += result.size or 0
                continue
            code = result.error or ""
            counts.errors[code] += 1
            counts.error_statuses.setdefault(code, {})[result.status] = None
            counts._add_examples(code, [(label, "", result.message)])
        return counts

    def add(self, other: StatusCounts) -> None:
        """Add the counts of the rows after these."""
        self.statuses += other.statuses
        self.stored_bytes += other.stored_bytes
        self.with_warnings += other.with_warnings
        self.errors += other.errors
        for code, examples in other.examples.items():
            self.error_statuses.setdefault(code, {}).update(other.error_statuses[code])
            self._add_examples(code, examples)

    def _add_examples(self, code: str, examples: list[tuple[Any, str, str | None]]) -> None:
        shown = self.examples.setdefault(code, [])
        shown += examples[: EXAMPLES - len(shown)]


class ResultTally(StatusCounts):
    """A sink that counts the results of a run and passes them on.

    `run_summary` is the run's summary after `close`; it stays empty if the run was stopped before its first row.

    Parameters
    ----------
    sink
        Where the results go.
    overrides
        Entries that replace those of the run's summary.
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
        return self._sink.prepare(chunk, results), StatusCounts.of(labels, results or [CANCELLED] * len(labels))

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


def summary(tally: ResultTally, width: int) -> Iterator[str]:
    """Return lines about a run: how many rows are uploaded, and by code what to do about the others."""
    run, uploaded = tally.run_summary, sum(tally.statuses[status] for status in SETTLED)
    sent = f", {format_bytes(run['bytes'])} sent from here" if run["bytes"] else ""
    rows = _count(run["rows"], "row")
    yield f"{uploaded:,} of {rows} uploaded: {format_bytes(tally.stored_bytes)} stored{sent} in {run['seconds']:.1f} s"
    yield "  " + ", ".join(f"{count:,} {status}" for status, count in tally.statuses.most_common())
    if tally.with_warnings:
        yield f"  {_count(tally.with_warnings, 'row')} with warnings: see the column ik_warnings"
    for code, count in tally.errors.most_common():
        yield ""
        yield from _code_lines(f"{count:,} {'/'.join(tally.error_statuses[code])}, {code}", code, width)
        yield from _examples(tally.examples[code], count, width)


def _groups(frame: pd.DataFrame, column: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """Return the parts of a frame by a column's values, the most frequent first."""
    for value in frame[column].value_counts().index:
        yield value, frame[frame[column] == value]


def _examples(few: Sequence[tuple[Any, Any, Any]], count: int, width: int) -> Iterator[str]:
    """Return lines about a few rows: label, column and message, aligned and wrapped."""
    shown = [
        (f"row {one_line(label)}", one_line(column), one_line(in_options(text or ""))) for label, column, text in few
    ]
    widths = [max(len(cells[at]) for cells in shown) for at in (0, 1)]
    for row, column, text in shown:
        cells = [row.ljust(widths[0]), column.ljust(widths[1]), text]
        yield from wrap(
            "    " + "  ".join(cell for cell in cells if cell), width, subsequent_indent=" " * 8, break_on_hyphens=False
        )
    if count > len(few):
        yield f"    and {_count(count - len(few), 'more row')}"


def _code_lines(head: str, code: str, width: int) -> Iterator[str]:
    known = CODES.get(code) or WARNINGS.get(code)  # a results file can come from a later version
    text = f"{head}: {in_options(known.meaning)} {in_options(known.fix)}" if known else head
    yield from wrap(text, width, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
