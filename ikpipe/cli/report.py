"""Problems and summaries for people: lines of text, fitted to a width."""

from __future__ import annotations

from collections import Counter
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from ikpipe.cli.wording import cut, in_options, one_line
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
_COLUMN = 20  # characters of a column's name


def problems(found: pd.DataFrame, rows: int, width: int) -> Iterator[str]:
    """Sum up what `ikpipe.check` found: errors, then warnings, of each the most frequent code first, with a few rows.

    Parameters
    ----------
    found
        A row a problem.
    rows
        Rows of the table that was checked.
    width
        Characters of a line.
    """
    warns = found["severity"] == "warning"
    errors, warnings = found[~warns], found[warns]
    if errors.empty:
        yield f"no problems in {_count(rows, 'row')}"
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
        yield from _explained(f"{len(group)} {code}", code, width)
        shown = zip(few["row"], columns, few["message"] + "; " + few["fix"], strict=True)
        yield from _examples(list(shown), len(group), width)


class StatusCounts:
    """What became of rows, counted, with a few of each kind of trouble."""

    def __init__(self) -> None:
        self.statuses: Counter[str] = Counter()
        self.stored = 0
        self.warned = 0
        self.troubles: Counter[str] = Counter()
        self.kinds: dict[str, dict[str, None]] = {}
        self.examples: dict[str, list[tuple[Any, str, str | None]]] = {}

    @classmethod
    def of(cls, labels: Iterable[Any], results: Iterable[Result]) -> StatusCounts:
        """Count some rows."""
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
        """Add rows that come after these."""
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
    """Counts the results of a run on their way to where they are written.

    `about` is the run's summary, once there is one: not where the run was stopped before it took any row.

    Parameters
    ----------
    sink
        Where they go on to.
    instead
        What the run's summary is to say instead of what it says.
    """

    def __init__(self, sink: ResultSink, instead: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self.about: dict[str, Any] = {}
        self._sink, self._instead, self._taken = sink, instead or {}, False

    @property
    def all_up(self) -> bool:
        """Whether every row is."""
        return self.statuses.keys() <= SETTLED

    def prepare(self, chunk: Chunk, results: list[Result] | None) -> tuple[Any, StatusCounts]:
        """Let the sink prepare, and count."""
        labels = chunk.frame.index
        return self._sink.prepare(chunk, results), StatusCounts.of(labels, results or [CANCELLED] * len(labels))

    def take(self, prepared: tuple[Any, StatusCounts]) -> None:
        """Add the next rows up, and pass them on."""
        rows, counts = prepared
        self._taken = True
        self.add(counts)
        self._sink.take(rows)

    def close(self, summary: Mapping[str, Any]) -> None:
        """Keep the summary, and pass it on; where nothing was taken, what was there before stays."""
        if self._taken:
            self.about = {**summary, **self._instead}
            self._sink.close(self.about)


def summary(tally: ResultTally, width: int) -> Iterator[str]:
    """Sum up a run: how many rows are up, and for the others by code what to do about them."""
    about, up = tally.about, sum(tally.statuses[status] for status in SETTLED)
    sent = f", {size(about['bytes'])} sent from here" if about["bytes"] else ""
    yield f"{up} of {_count(about['rows'], 'row')} up, {size(tally.stored)} stored{sent}, in {about['seconds']:.1f} s"
    yield "  " + ", ".join(f"{count} {status}" for status, count in tally.statuses.most_common())
    if tally.warned:
        yield f"  {_count(tally.warned, 'row')} with warnings: see the column ik_warnings"
    for code, count in tally.troubles.most_common():
        yield ""
        yield from _explained(f"{count} {'/'.join(tally.kinds[code])}, {code}", code, width)
        yield from _examples(tally.examples[code], count, width)


def _groups(frame: pd.DataFrame, column: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """Part a frame by a column's values, the most frequent first."""
    for value in frame[column].value_counts().index:
        yield value, frame[frame[column] == value]


def _examples(few: Sequence[tuple[Any, Any, Any]], count: int, width: int) -> Iterator[str]:
    """Show a few rows of so many: label, column and message, aligned, each on one line."""
    shown = [
        (f"row {one_line(label)}", cut(one_line(column), _COLUMN), in_options(one_line(text)))
        for label, column, text in few
    ]
    widths = [max(len(cells[at]) for cells in shown) for at in (0, 1)]
    for row, column, text in shown:
        cells = [row.ljust(widths[0]), column.ljust(widths[1]), text]
        yield cut("    " + "  ".join(cell for cell in cells if cell), width)
    if count > len(few):
        yield f"    and {_count(count - len(few), 'more row')}"


def _explained(head: str, code: str, width: int) -> Iterator[str]:
    known = CODES.get(code) or WARNINGS.get(code)  # a results file can come from a later version
    text = f"{head}: {in_options(f'{known.meaning} {known.fix}')}" if known else head
    yield from wrap(text, width, initial_indent="  ", subsequent_indent="    ")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
