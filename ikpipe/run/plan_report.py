"""The totals of a plan as text: rows by action, with a few reasons of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from ikpipe.errors import one_line
from ikpipe.errors.scrubbing import scrubbed
from ikpipe.run.progress import format_bytes
from ikpipe.run.report import EXAMPLES, count_of

if TYPE_CHECKING:
    from ikpipe.frames.plans import PlannedRow

QUIET = ("upload", "unchanged", "skip", "done")
"""Actions whose reasons are only shown if nothing else is planned."""


@dataclass
class PlanCounts:
    """Counts of planned rows by action, with a few examples of each: label, position and reason.

    `bytes` are those of the files that would be sent, as far as they are known. `title` begins the report. `kept` is
    the maximum number of examples of each action.
    """

    title: str = "Plan for"
    actions: Counter[str] = field(default_factory=Counter)
    bytes: int = 0
    examples: dict[str, list[tuple[Any, int, str]]] = field(default_factory=dict)
    kept: int = EXAMPLES

    def add(self, labels: Iterable[Any], rows: Iterable[PlannedRow], start: int = 0) -> None:
        """Count rows, of which the first is at a position."""
        for at, (label, row) in enumerate(zip(labels, rows, strict=True)):
            self.actions[row.action] += 1
            self.bytes += row.bytes or 0
            shown = self.examples.setdefault(row.action, [])
            if len(shown) < self.kept:
                shown.append((label, start + at, row.reason))

    @property
    def all_well(self) -> bool:
        """Whether no row is invalid or would fail."""
        return not {*self.actions} & {"error", "invalid"}

    def lines(self, width: int, lines: Sequence[int] | None = None, write: Callable[[str], str] = str) -> Iterator[str]:
        """Yield the report. `lines` are the rows' lines in their file; `write` puts a text in the reader's terms."""
        counts = ", ".join(f"{count:,} {action}" for action, count in self.actions.most_common())
        sent = f"; {format_bytes(self.bytes)} to send" if self.bytes else ""
        yield f"{self.title} {count_of(self.actions.total(), 'row')}: {counts or 'nothing to do'}{sent}"
        for action, count in self.actions.most_common():
            if action in QUIET and len(self.actions) > 1:
                continue
            yield ""
            yield f"  {count:,} {action}"
            shown = self.examples[action][:EXAMPLES]
            for label, position, reason in shown:
                line = "" if lines is None else f" (line {lines[position]:,})"
                text = scrubbed(f"row {one_line(label)}{line}  {one_line(write(reason))}")
                yield from wrap(text, width, initial_indent="    ", subsequent_indent=" " * 8, break_on_hyphens=False)
            if count > len(shown):
                yield f"    and {count_of(count - len(shown), 'more row')}"
