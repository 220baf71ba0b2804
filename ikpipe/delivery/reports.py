"""`summary` and `report`: results and problems for people, as text and in notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

from ikpipe.delivery.gallery import gallery
from ikpipe.delivery.gallery.html import tag, written
from ikpipe.errors import MappingError, one_line
from ikpipe.frames.adapters import FrameAdapter
from ikpipe.frames.plans import rows_of
from ikpipe.frames.results import results_of
from ikpipe.request.result import SETTLED
from ikpipe.run.plan_report import PlanCounts
from ikpipe.run.report import COUNTED, ReportWriter, StatusCounts
from ikpipe.run.summaries import totals
from ikpipe.run.sync_report import SyncCounts, sent_rows

if TYPE_CHECKING:
    import pandas as pd

_PICTURES = 12  # files, and other rows, that a notebook shows


def _text(text: str) -> str:
    """Return text as HTML."""
    return written(tag("pre", text, style="white-space: pre-wrap"))


class Report:
    """Text that `print` shows, and a notebook as the last value of a cell."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __str__(self) -> str:
        return self._text

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return _text(self._text)


class Summary(Report):
    """The totals of results, counted from their rows.

    `counts` has the number of rows by status and `errors` by code; `rows` is their number and `bytes` the size of the
    uploaded files. `seconds`, `rate` (rows per second), `run`, `journal` and `mapping` are those of the run, or None if
    the results do not know them, as after a CSV file.
    """

    def __init__(
        self,
        counts: StatusCounts,
        run: Mapping[str, Any],
        frame: pd.DataFrame | None = None,
        changes: SyncCounts | None = None,
    ) -> None:
        numbers = totals(counts, run)
        self.counts: dict[str, int] = numbers["counts"]
        self.errors: dict[str, int] = numbers["errors"]
        self.rows, self.bytes = numbers["rows"], numbers["bytes_stored"]
        self.seconds, self.rate = numbers["seconds"], numbers["rate"]
        self.run, self.journal, self.mapping = (numbers[name] for name in ("run", "journal", "mapping"))
        self._frame = frame
        lines = [*ReportWriter(_width()).summary(counts, run), *(changes or SyncCounts()).lines(_width())]
        facts = {"Mapping": run.get("effective_mapping"), "Run": self.run, "Journal": self.journal}
        self._facts = [f"{name}: {one_line(fact)}" for name, fact in facts.items() if fact]
        self._total = lines[0]
        super().__init__("\n".join([*lines, *([""] if self._facts else []), *self._facts]))

    @property
    def all_uploaded(self) -> bool:
        """Whether every row is uploaded."""
        return self.counts.keys() <= SETTLED

    def _repr_html_(self) -> str:
        if self._frame is None:
            return super()._repr_html_()
        # The gallery has the statuses and the reasons.
        return _text("\n".join([self._total, *self._facts])) + gallery(self._frame, limit=_PICTURES)._repr_html_()


class PlanSummary(Report):
    """The totals of a plan, counted from its rows: `actions` has the number of rows by action.

    `rows` is their number, and `bytes` the size of the files that would be sent, as far as it is known.
    """

    def __init__(self, counts: PlanCounts) -> None:
        self.actions, self.rows, self.bytes = dict(counts.actions), counts.actions.total(), counts.bytes
        super().__init__("\n".join(counts.lines(_width())))


def summary(results: Any) -> Summary | PlanSummary:
    """Count results by status and code, or a plan by action, from their rows.

    Parameters
    ----------
    results
        n rows: what `upload`, `retry`, `resume`, `read_results` or `plan` returned; a pandas or polars DataFrame, a
        pyarrow Table, or the results of `ikpipe.dask.upload` or `ikpipe.spark.upload`. These are computed in one pass.
        Rows of results that are neither persisted nor written are uploaded by that, so pass what was read from written
        results.

    Returns
    -------
    Summary or PlanSummary
        It prints as a short report; a notebook shows that of results with pictures, except for Dask and Spark.

    Raises
    ------
    MappingError
        `results` is not a results frame.
    """
    # Methods of the class, since a DataFrame of Spark Connect returns a column for any other name.
    if hasattr(type(results), "map_partitions"):  # Dask
        parts = _columns(results).map_partitions(_partial, meta={"counts": object}).compute()["counts"]
        return Summary(_total(parts), {})
    if hasattr(type(results), "mapInPandas"):  # Spark
        rows = _columns(results).mapInPandas(_partials, "counts string").collect()
        return Summary(_total(row["counts"] for row in rows), {})
    frame = FrameAdapter(results).frame
    if "ik_action" in frame.columns and "ik_status" not in frame.columns:
        plan = PlanCounts()
        plan.add(frame.index, rows_of(frame))
        return PlanSummary(plan)
    run, changes, frame = frame.attrs.get("ikpipe"), SyncCounts.of(frame), sent_rows(frame)
    return Summary(_counts(frame, 0), run if isinstance(run, dict) else {}, frame, changes)


def report(problems: Any, *, limit: int = 10) -> Report:
    """Group the problems that `check` found by kind, with what to do about each.

    Parameters
    ----------
    problems
        What `check` returned: a pandas or polars DataFrame, or a pyarrow Table.
    limit
        Maximum number of rows to show of each kind.

    Returns
    -------
    Report
        It prints as text, and a notebook shows it as the last value of a cell.

    Raises
    ------
    MappingError
        `problems` are not those of `check`.
    """
    frame = FrameAdapter(problems).frame
    if missing := [name for name in ("row", "position", "severity", "code", "message", "fix") if name not in frame]:
        raise MappingError(f"The table has no column {missing[0]!r}.", fix="Use what check returned.")
    return Report("\n".join(ReportWriter(_width(), limit).problems(frame)))


def _columns(results: Any) -> Any:
    """Return the columns of a Dask or Spark DataFrame that are counted."""
    if "ik_status" not in results.columns:
        raise MappingError(
            "The table has no column 'ik_status', so it is not a table of results.",
            fix="Use what upload or read_results returned.",
        )
    return results[[name for name in COUNTED if name in results.columns]]


def _counts(frame: pd.DataFrame, start: int | None) -> StatusCounts:
    frame = frame[[name for name in COUNTED if name in frame.columns]]
    return StatusCounts.of(frame.index, results_of(frame), start)


def _partial(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the counts of a part of results, as text in a frame of one cell."""
    return type(frame)({"counts": [_counts(frame, None).to_json()]})


def _partials(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """Yield the counts of each part of results, in a worker of Spark, whose rows have no labels."""
    yield from (_partial(frame.set_axis([None] * len(frame))) for frame in frames)


def _total(parts: Iterable[str]) -> StatusCounts:
    """Return the counts of all parts."""
    total = StatusCounts()
    for part in parts:
        total.add(StatusCounts.from_json(part))
    return total


def _width() -> int:
    """Return the number of characters of a line: those of the terminal, or as many as can be read well."""
    return min(get_terminal_size((100, 24)).columns, 120)
