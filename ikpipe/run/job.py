"""The job of a run: its table and mapping, and what is known of its rows from before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from ikpipe.errors import MappingError, Problem, describe_exception, did_you_mean, keyword, quoted
from ikpipe.frames.chunks import Chunk, TableSource
from ikpipe.frames.mapping import ColumnMapping
from ikpipe.frames.near_misses import NearMiss
from ikpipe.frames.results import results_of, uploaded_paths
from ikpipe.journal import history
from ikpipe.journal.history import OpenJournal, RowHistory
from ikpipe.request.missing import missing
from ikpipe.request.result import SETTLED
from ikpipe.request.rows import MappedRows
from ikpipe.run.existing.rules import CONTENT, SIZE, ExistingRules
from ikpipe.run.stored_mapping import of_results

if TYPE_CHECKING:
    import pandas as pd


Request = TypeVar("Request")


class RowBuilder(Protocol[Request]):
    """Builds the requests of rows, such as `RequestBuilder`."""

    def build(self, rows: MappedRows, sent_as: Mapping[int, str] | None = None) -> list[Request | list[Problem]]:
        """Return the request of each row, or all of its problems."""


@dataclass(slots=True)
class UploadJob:
    """The job of a run: upload a table, or update files, by a mapping.

    `has_results`: the table has the results of an earlier run. `histories_by_path`: what the journal of that run has
    about its unknown rows, by their path in the library. `numbered`: rows have numbers, for templates; those of a part
    of a table have not. `checks`: what `ColumnMapping.check` checks before any row: ``all``, only whether the mapping
    provides the ``file``, or ``nothing``, since that was checked before. `reader` reads the mapping.
    """

    table: TableSource
    mapping: Mapping[str, Any]
    has_results: bool = False
    histories_by_path: Mapping[str, RowHistory] = field(default_factory=dict)
    numbered: bool = True
    checks: Literal["all", "file", "nothing"] = "all"
    reader: type[ColumnMapping] = ColumnMapping
    _plan: ColumnMapping | None = None
    _labels: pd.Index[Any] | None = None

    def first_mapping(self) -> ColumnMapping:
        """Return the column mapping of the first rows; making it finds errors in the mapping.

        Raise `MappingError` if the mapping does not fit the table.
        """
        try:
            return self.plan(self.table.sample)
        except MappingError:
            if not self.table.grows:
                raise
            self.table.find_columns()
            return self.plan(self.table.sample)

    def plan(self, frame: pd.DataFrame) -> ColumnMapping:
        """Return the column mapping of some rows; most tables have the same columns in all chunks."""
        if self._plan is None or self._labels is None or not self._labels.identical(frame.columns):
            plan = self.reader.read(frame.columns, self.mapping, numbered=self.numbered)
            if self.checks != "nothing":
                plan.check(frame, names=self.checks == "all")
            self._plan, self._labels = plan, frame.columns
        return self._plan

    @property
    def shown_mapping(self) -> dict[str, Any]:
        """The mapping as the ``attrs`` of results have it."""
        return of_results(self.mapping)

    @property
    def existing(self) -> ExistingRules:
        """What happens with files that are there already."""
        return ExistingRules.of(self.mapping)

    def check_changed_by(self) -> None:
        """Raise `MappingError` if `changed_by` names a column that the table does not have."""
        check_changed_by(self.existing, self.table.sample.columns)

    def change_cells(self, frame: pd.DataFrame) -> list[Any] | None:
        """Return the cells that tell whether the content of rows has changed; None if that is not in a column."""
        name = self.existing.changed_by
        if name in (CONTENT, SIZE) or name not in frame.columns:
            return None
        return [None if missing(cell) else cell for cell in frame[name].tolist()]

    @property
    def mapping_text(self) -> str | None:
        """The effective mapping of the rows so far, in one line; None before there are any."""
        return None if self._plan is None else self._plan.text

    @property
    def similar_columns(self) -> list[NearMiss]:
        """Columns that are not used, and whose names are similar to parameters, unless that was checked before."""
        return self._plan.warnings if self._plan is not None and self.checks == "all" else []

    def requests(
        self, builder: RowBuilder[Request], part: Chunk, sent_as: Mapping[int, str] | None = None
    ) -> list[tuple[MappedRows | None, Request | list[Problem]]]:
        """Plan some rows; if that raises an exception, plan each row alone, so that only that row has a problem.

        Return for each row its request, or its problems; and, where they could be read, the rows that it was planned
        with. `sent_as` is as for `RequestBuilder.build`.
        """
        frame = part.frame
        try:
            rows = self.plan(frame).rows(part)
            return [(rows, request) for request in builder.build(rows, sent_as)]
        except Exception as error:  # noqa: BLE001 - a cell can be of any class
            if len(frame) > 1:
                return [self.requests(builder, part.part(at, at + 1), sent_as)[0] for at in range(len(frame))]
            return [(None, [_unreadable(frame.index[0], part.start, error)])]

    def histories(self, chunk: Chunk) -> dict[int, RowHistory]:
        """Return what the table itself says of a chunk's rows from before, by position."""
        return history.of_results(results_of(chunk.frame), chunk.start) if self.has_results else {}

    def history_at(self, path: str, history: RowHistory) -> RowHistory | None:
        """Return what the earlier journal has about the unknown row with a path, for one that only has a result.

        None: no more is known than what the library has, with which the row is compared.
        """
        if path in self.histories_by_path:
            return self.histories_by_path[path]._replace(result=history.result)
        return None if self.existing.on_existing == "sync" else history

    def uploaded_paths(self, record: OpenJournal | None) -> Iterator[tuple[int, str]]:
        """Yield the position and the path in the library of each row that is uploaded already."""
        if self.has_results:
            for chunk in self.table.chunks():
                yield from uploaded_paths(chunk, SETTLED)
        if record is not None and not record.fresh:
            yield from record.journal.settled_paths()

    def reserved_paths(self, record: OpenJournal | None) -> Iterator[tuple[int, str]]:
        """Yield those of `uploaded_paths` that no other row may use; rows with keys may have other paths by now."""
        keyed = record is not None and record.contents is not None and record.contents.keyed
        return iter(()) if keyed else self.uploaded_paths(record)

    def proven(self, record: OpenJournal | None) -> bool:
        """Whether any row is uploaded already: then the keys work."""
        return next(self.uploaded_paths(record), None) is not None


def check_changed_by(rules: ExistingRules, columns: Iterable[Any]) -> None:
    """Raise `MappingError` if `changed_by` names a column that is not among the columns of a table."""
    name, names = rules.changed_by, [CONTENT, SIZE, *columns]
    if name not in names:
        words = f"There is no column {quoted(name)}{did_you_mean(name, names)}."
        raise MappingError(words, about=keyword("changed_by", name))


def _unreadable(label: Any, position: int, error: Exception) -> Problem:
    """Return the problem of a row whose plan raised an exception."""
    words = f"The row cannot be read: {describe_exception(error)}."
    fix = "Replace the values of its cells with text or numbers."
    if isinstance(error, MappingError):  # of a column that the rows before did not have
        words, fix = error.message, error.fix or ""
    return Problem(label, position, None, "", "error", "unreadable_value", words, fix)
