"""Problems and results as text: counts by code, what to do, and a few rows of each; wrapped, and never cut."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from ikpipe.errors import CODES, WARNINGS, one_line
from ikpipe.errors.scrubbing import scrubbed
from ikpipe.request.result import SETTLED, UPLOADED, Result
from ikpipe.run.progress import format_bytes

if TYPE_CHECKING:
    import pandas as pd

COUNTED = ["ik_status", "ik_error", "ik_message", "ik_size", "ik_warnings"]
"""The columns of results that `StatusCounts` reads."""

EXAMPLES = 3  # examples of each code


@dataclass
class StatusCounts:
    """Counts of rows by status and error code, with a few examples of each code.

    An example is the row's label (None: it has none), its position (None: unknown) and the message. `kept` is the
    maximum number of examples of each code.
    """

    statuses: Counter[str] = field(default_factory=Counter)
    stored_bytes: int = 0
    with_warnings: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    error_statuses: dict[str, list[str]] = field(default_factory=dict)
    examples: dict[str, list[tuple[Any, int | None, str | None]]] = field(default_factory=dict)
    kept: int = EXAMPLES

    @staticmethod
    def of(
        labels: Iterable[Any], results: Iterable[Result], start: int | None = 0, kept: int = EXAMPLES
    ) -> StatusCounts:
        """Return the counts of some rows, of which the first is at a position."""
        counts = StatusCounts(kept=kept)
        for at, (label, result) in enumerate(zip(labels, results, strict=True)):
            counts.statuses[result.status or "no status"] += 1
            counts.with_warnings += bool(result.warnings)
            if result.status in SETTLED:
                counts.stored_bytes += int(result.size or 0) if result.status in UPLOADED else 0
                continue
            code = result.error or ""
            counts.errors[code] += 1
            example = (label, None if start is None else start + at, result.message)
            counts._add_examples(code, [result.status or "no status"], [example])
        return counts

    def add(self, other: StatusCounts) -> None:
        """Add the counts of the rows after these."""
        self.statuses += other.statuses
        self.stored_bytes += other.stored_bytes
        self.with_warnings += other.with_warnings
        self.errors += other.errors
        for code, examples in other.examples.items():
            self._add_examples(code, other.error_statuses[code], examples)

    def _add_examples(self, code: str, statuses: list[str], examples: list[tuple[Any, int | None, str | None]]) -> None:
        known = self.error_statuses.setdefault(code, [])
        known += [status for status in statuses if status not in known]
        shown = self.examples.setdefault(code, [])
        shown += examples[: self.kept - len(shown)]

    def to_json(self) -> str:
        """Return the counts as text, which workers of a cluster return; labels become text."""
        return json.dumps(vars(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> StatusCounts:
        """Return the counts in a text of `to_json`."""
        read = json.loads(text)
        return cls(**{**read, "statuses": Counter(read["statuses"]), "errors": Counter(read["errors"])})


@dataclass(frozen=True)
class ReportWriter:
    """Writes reports as lines.

    Parameters
    ----------
    width
        Characters per line.
    examples
        Maximum number of rows that are shown of each code.
    lines
        The line of each row in its file, as spreadsheets count them; None if the table has no lines.
    write
        Returns a text of the library in the reader's terms, such as options of the command line.
    """

    width: int = sys.maxsize
    examples: int = EXAMPLES
    lines: Sequence[int] | None = None
    write: Callable[[str], str] = str

    def problems(self, frame: pd.DataFrame, rows: int | None = None) -> Iterator[str]:
        """Yield lines about problems, as `ikpipe.check` returns them: errors, warnings, then those of columns.

        `rows` is the number of rows of the table, if it is known.
        """
        warns, of_columns = frame["severity"] == "warning", frame["position"].isna()
        errors, warnings = frame[~warns], frame[warns & ~of_columns]
        first = " (the first row is row 0)" if self.lines is None else ""
        if errors.empty:
            yield "No problems." if rows is None else f"No problems in {count_of(rows, 'row')}."
        else:
            yield f"{_count_and_rows(errors, 'problem', rows)}{first}"
            yield from self._by_code(errors)
        if not warnings.empty:
            yield from ([""] if not errors.empty else [])
            words = f"{_count_and_rows(warnings, 'warning', rows)}{first if errors.empty else ''}"
            yield f"{words}; warnings do not stop an upload"
            yield from self._by_code(warnings)
        for message, fix in frame.loc[of_columns, ["message", "fix"]].itertuples(index=False):
            yield from ["", *wrap(f"Warning: {one_line(f'{message} {fix}')}", self.width, subsequent_indent="  ")]

    def summary(self, counts: StatusCounts, run: Mapping[str, Any]) -> Iterator[str]:
        """Yield lines about results: how many rows are uploaded, and by code what to do about the others.

        `run` is the summary of the run that a results frame has in ``attrs["ikpipe"]``, as far as it is known.
        """
        yield _total(counts, run)
        if counts.statuses:
            yield "  " + ", ".join(f"{count:,} {status}" for status, count in counts.statuses.most_common())
        if counts.with_warnings:
            yield f"  {count_of(counts.with_warnings, 'row')} with warnings: see the column ik_warnings"
        for code, count in counts.errors.most_common():
            yield ""
            statuses = "/".join(counts.error_statuses[code])
            yield from self._code(f"{count:,} {statuses}{'' if code == statuses else f', {code}'}", code)
            examples = counts.examples[code][: self.examples]
            shown = [("" if label is None else self._row(label, at), "", text) for label, at, text in examples]
            yield from self._examples(shown, count)

    def _by_code(self, frame: pd.DataFrame) -> Iterator[str]:
        for code, group in _groups(frame, "code"):
            first = group.head(self.examples)
            columns = first["column"].astype(str).where(first["column"].notna(), "")
            yield ""
            yield from self._code(f"{len(group):,} {one_line(code)}", code)
            rows = map(self._row, first["row"], first["position"])
            yield from self._examples(
                list(zip(rows, columns, first["message"] + " " + first["fix"], strict=True)), len(group)
            )

    def _row(self, label: object, position: int | None) -> str:
        return row_name(label, position, self.lines)

    def _examples(self, few: Sequence[tuple[str, Any, Any]], count: int) -> Iterator[str]:
        """Yield lines about a few rows: name, column and message, aligned."""
        shown = [(row, one_line(column), one_line(self.write(text or ""))) for row, column, text in few]
        widths = [max(len(cells[at]) for cells in shown) for at in (0, 1)]
        for row, column, text in shown:
            cells = [row.ljust(widths[0]), column.ljust(widths[1]), text]
            line = scrubbed("    " + "  ".join(cell for cell in cells if cell))  # a job's output is kept as its log is
            yield from wrap(line, self.width, subsequent_indent=" " * 8, break_on_hyphens=False)
        if count > len(few):
            yield f"    and {count_of(count - len(few), 'more row')}"

    def _code(self, head: str, code: str) -> Iterator[str]:
        known = CODES.get(code) or WARNINGS.get(code)  # a results file can come from a later version
        text = f"{head}: {self.write(known.meaning)} {self.write(known.fix)}" if known else head
        yield from wrap(text, self.width, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)


def _total(counts: StatusCounts, run: Mapping[str, Any]) -> str:
    """Return the line with the totals of a run."""
    uploaded, there = (sum(counts.statuses[one] for one in some) for some in (UPLOADED, SETTLED - UPLOADED))
    already = f", {there:,} already there" if there else ""
    sent = f", {format_bytes(run['bytes'])} sent from here" if run.get("bytes") else ""
    seconds = f" in {run['seconds']:.1f} s" if "seconds" in run else ""
    rows = count_of(counts.statuses.total(), "row")
    return f"{uploaded:,} of {rows} uploaded{already}: {format_bytes(counts.stored_bytes)} stored{sent}{seconds}"


def _count_and_rows(frame: pd.DataFrame, noun: str, rows: int | None) -> str:
    affected = frame["position"].nunique()
    of_rows = count_of(affected, "row") if rows is None else f"{affected:,} of {count_of(rows, 'row')}"
    return f"{count_of(len(frame), noun)} in {of_rows}"


def _groups(frame: pd.DataFrame, column: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the parts of a frame by a column's values, the most frequent first."""
    for value in frame[column].value_counts().index:
        yield value, frame[frame[column] == value]


def row_name(label: object, position: int | None, lines: Sequence[int] | None) -> str:
    """Return how a row is named: by its label, and by the line of its file, which spreadsheets show."""
    row = f"row {one_line(label)}"
    return row if lines is None or position is None else f"{row} (line {lines[position]:,})"


def count_of(number: int, noun: str) -> str:
    """Return a number with its noun, such as ``1 row`` or ``2,000 rows``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
