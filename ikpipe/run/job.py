"""What a run is to do: its table and mapping, and what is known of its rows from before."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ikpipe.errors import MappingError, Problem, describe_exception
from ikpipe.frames.mapping import ColumnMapping
from ikpipe.frames.results import results_of, settled_paths
from ikpipe.journal import history
from ikpipe.request.result import SETTLED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd

    from ikpipe.frames.chunks import Chunk, TableSource
    from ikpipe.journal.history import OpenJournal, RowHistory
    from ikpipe.request.planner import RequestBuilder, UploadRequest
    from ikpipe.request.rows import MappedRows


@dataclass(slots=True)
class UploadJob:
    """What a run is to do.

    `again` says that the table is one of results, of an earlier run; `earlier` is what the journal of that run knows
    of rows in doubt, by their path in the library.
    """

    feed: TableSource
    mapping: Mapping[str, Any]
    again: bool = False
    earlier: Mapping[str, RowHistory] = field(default_factory=dict)
    _plan: ColumnMapping | None = None
    _labels: pd.Index[Any] | None = None

    def first_plan(self) -> ColumnMapping:
        """Give the plan of the first rows, which finds out what is wrong with the mapping.

        Raises
        ------
        MappingError
            The mapping does not fit the table.
        """
        try:
            return self.plan(self.feed.sample)
        except MappingError:
            if not self.feed.grows:
                raise
            self.feed.look_through()
            return self.plan(self.feed.sample)

    def plan(self, frame: pd.DataFrame) -> ColumnMapping:
        """Give the plan of some rows; the columns of a table are mostly the same in all."""
        if self._plan is None or self._labels is None or not self._labels.identical(frame.columns):
            self._plan = ColumnMapping(frame.columns, self.mapping["columns"], self.mapping["parameters"])
            self._labels = frame.columns
        return self._plan

    def jobs(
        self, planner: RequestBuilder, part: Chunk, sent_as: Mapping[int, str] | None = None
    ) -> list[tuple[MappedRows | None, UploadRequest | list[Problem]]]:
        """Plan some rows; if that raises an exception, each is planned alone, and the one that raises has a problem.

        Parameters
        ----------
        planner
            Turns rows into jobs.
        part
            The rows.
        sent_as
            As for `RequestBuilder.build`.

        Returns
        -------
        list
            For each row its job, or its problems; and, where they could be read, the rows that it was planned with.
        """
        frame = part.frame
        plan = self.plan(frame)
        try:
            rows = plan.rows(part)
            return [(rows, job) for job in planner.build(rows, sent_as)]
        except Exception as error:  # noqa: BLE001 - a cell can be of any class
            if len(frame) > 1:
                return [self.jobs(planner, part.part(at, at + 1), sent_as)[0] for at in range(len(frame))]
            words, fix = (
                f"the row cannot be read: {describe_exception(error)}",
                "replace what is in its cells with text or numbers",
            )
            return [(None, [Problem(frame.index[0], part.start, None, "", "error", "unreadable_value", words, fix)])]

    def known(self, chunk: Chunk) -> dict[int, RowHistory]:
        """Give what the table itself knows of a chunk's rows, by position."""
        return history.of_results(results_of(chunk.frame), chunk.start) if self.again else {}

    def up(self, record: OpenJournal | None) -> Iterator[tuple[int, str]]:
        """Give the position and the path in the library of each row that is up already."""
        if self.again:
            for chunk in self.feed.chunks():
                yield from settled_paths(chunk, SETTLED)
        if record is not None and not record.fresh:
            yield from record.journal.settled_paths()

    def claims(self, record: OpenJournal | None) -> Iterator[tuple[int, str]]:
        """Give those of `up` whose paths no other row may take; rows that are found by keys may have others by now."""
        keyed = record is not None and record.contents is not None and record.contents.keyed
        return iter(()) if keyed else self.up(record)

    def proven(self, record: OpenJournal | None) -> bool:
        """Tell whether any row is up already: then the keys work."""
        return next(self.up(record), None) is not None
