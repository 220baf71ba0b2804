"""Problems and summaries as text, wrapped on a terminal and never cut."""

from __future__ import annotations

from collections import Counter
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from ikpipe.cli.wording import in_options, one_line
from ikpipe.errors import CODES, WARNINGS
from ikpipe.request.result import CANCELLED, SETTLED
from ikpipe.run.progress import size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import pandas as pd

    from ikpipe.frames.chunks import Chunk
    from ikpipe.request.result import Result
    from ikpipe.run.ordering import ResultSink

FEW = 3  # examples of each code


def problems(found: pd.DataFrame, rows: int, width: int) -> Iterator[str]:
    """Return lines about the problems of a table: errors, then warnings, by code, each with a few rows.

    Parameters
    ----------
    found
        One row per problem, as `ikpipe.check` returns them.
    rows
        Number of rows of the table.
    width
        Characters per line.
    """
    warns = found["severity"] == "warning"
    errors, warnings = found[~warns], found[warns]
    if errors.empty:
        yield f"No problems in {_count(rows, 'row')}."
    else:
        yield f"{_of(errors, 'problem', rows)} (the first row is row 0)"
        yield from _by_code(errors, width)
    if not warnings.empty:
        first = " (the first row is row 0)" if errors.empty else ""
        yield from ([""] if not errors.empty else [])
        yield f"{_of(warnings, 'warning', rows)}{first}; warnings do not stop an upload"
        yield from _by_code(warnings, width)


def _of(found: pd.DataFrame, noun: str, rows: int) -> str:
    return f"{_count(len(found), noun)} in {found['position'].nunique()} of {_count(rows, 'row')}"


def _by_code(found: pd.DataFrame, width: int) -> Iterator[str]:
    for code, group in _groups(found, "code"):
        few = group.head(FEW)
        columns = few["column"].astype(str).where(few["column"].notna(), "")
        yield ""
        yield from _explained(f"{len(group):,} {code}", code, width)
        shown = zip(few["row"], columns, few["message"] + " " + few["fix"], strict=True)
        yield from _examples(list(shown), len(group), width)


class StatusCounts:
    """Counts of rows by status and error code, with a few examples of each code."""

    def __init__(self) -> None:
        self.statuses: Counter[str] = Counter()
        self.stored = 0
        self.warned = 0
        self.troubles: Counter[str] = Counter()
        self.kinds: dict[str, dict[str, None]] = {}
        self.examples: dict[str, list[tuple[Any, str, str | None]]] = {}

    @classmethod
    def of(cls, labels: Iterable[Any], results: Iterable[Result]) -> StatusCounts:
        """Return the counts of some rows."""
        found = cls()
        for label, one in zip(labels, results, strict=True):
            found.statuses[one.status] += 1
            found.warned += bool(one.warnings)
            if one.status in SETTLED:
                found.stored += one.size or 0
                continue
            code = one.error or ""
            found.troubles[code] += 1
            found.kinds.setdefault(code, {})[one.status] = None
            found._show(code, [(label, "", one.message)])
        return found

    def add(self, other: StatusCounts) -> None:
        """Add the counts of the rows after these."""
        self.statuses += other.statuses
        self.stored += other.stored
        self.warned += other.warned
        self.troubles += other.troubles
        for code, examples in other.examples.items():
            self.kinds.setdefault(code, {}).update(other.kinds[code])
            self._show(code, examples)

    def _show(self, code: str, examples: list[tuple[Any, str, str | None]]) -> None:
        shown = self.examples.setdefault(code, [])
        shown += examples[: FEW - len(shown)]


class ResultTally(StatusCounts):
    """A sink that counts the results of a run and passes them on.

    `about` is the run's summary after `close`; it stays empty if the run was stopped before its first row.

    Parameters
    ----------
    sink
        Where the results go.
    instead
        Entries that replace those of the run's summary.
    """

    def __init__(self, sink: ResultSink, instead: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self.about: dict[str, Any] = {}
        self._sink, self._instead, self._taken = sink, instead or {}, False

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
        self._taken = True
        self.add(counts)
        self._sink.take(rows)

    def close(self, summary: Mapping[str, Any]) -> None:
        """Keep the summary, and pass it on. If there were no rows, OUT stays as it was."""
        if self._taken:
            self.about = {**summary, **self._instead}
            self._sink.close(self.about)


def summary(tally: ResultTally, width: int) -> Iterator[str]:
    """Return lines about a run: how many rows are uploaded, and by code what to do about the others."""
    about, done = tally.about, sum(tally.statuses[status] for status in SETTLED)
    sent = f", {size(about['bytes'])} sent from here" if about["bytes"] else ""
    rows = _count(about["rows"], "row")
    yield f"{done:,} of {rows} uploaded: {size(tally.stored)} stored{sent} in {about['seconds']:.1f} s"
    yield "  " + ", ".join(f"{count:,} {status}" for status, count in tally.statuses.most_common())
    if tally.warned:
        yield f"  {_count(tally.warned, 'row')} with warnings: see the column ik_warnings"
    for code, count in tally.troubles.most_common():
        yield ""
        yield from _explained(f"{count:,} {'/'.join(tally.kinds[code])}, {code}", code, width)
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


def _explained(head: str, code: str, width: int) -> Iterator[str]:
    known = CODES.get(code) or WARNINGS.get(code)  # a results file can come from a later version
    text = f"{head}: {in_options(known.meaning)} {in_options(known.fix)}" if known else head
    yield from wrap(text, width, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
