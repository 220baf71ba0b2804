"""The rows as tables with the labels of the input, for Python: all rows, some of them, and their results."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pandas as pd

from ikpipe.errors import MappingError, short_repr
from ikpipe.frames.results import results_frame, with_result_columns
from ikpipe.request.known_runs import remember
from ikpipe.request.missing import missing
from ikpipe.widget.controller import Controller
from ikpipe.widget.edited_table import row_labels
from ikpipe.widget.rows import WidgetRow


class LabeledRows:
    """The tables of one uploader."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._results_id: str | None = None  # by which `ikpipe.retry` finds the mapping of the results

    def frame(self, rows: Sequence[WidgetRow] | None = None) -> pd.DataFrame:
        """Return rows with their edits; None: all rows but those that are left out."""
        table = self._controller.table
        rows = self._included() if rows is None else rows
        frame = table.frame(rows)
        frame.index = row_labels(table.labels, rows)
        frame.attrs = dict(table.input.attrs)
        return frame

    def results(self, bytes_sent: int, seconds: float) -> pd.DataFrame:
        """Return the rows whose upload has ended, with their results, and the totals of all runs."""
        self._controller.validate_all()
        rows = [row for row in self._controller.rows if row.result is not None and row.run is None]
        frame, table = self.frame(rows), self._controller.table
        results = with_result_columns(
            frame, results_frame([row.result for row in rows if row.result is not None], len(rows))
        )
        mapping = table.mapping(table.edited_columns(rows))
        self._results_id = remember(mapping, None, self._results_id)
        summary = {
            "run": None,
            "id": self._results_id,
            "journal": None,
            "rows": len(rows),
            "counts": dict(Counter(row.state for row in rows).most_common()),
            "bytes": bytes_sent,
            "seconds": round(seconds, 3),
            "interrupted": False,
            "mapping": mapping,
        }
        results.attrs = {**frame.attrs, "ikpipe": summary}
        return results

    def find(self, where: Any) -> list[WidgetRow]:
        """Return the rows that ``frame.loc[where]`` accepts: a mask, labels, a slice, or a function of the frame."""
        rows = self._included()
        frame = self.frame(rows)
        positions = pd.Series(range(len(rows)), index=frame.index).loc[where(frame) if callable(where) else where]
        return [rows[at] for at in (positions if isinstance(positions, pd.Series) else [positions])]

    def _included(self) -> list[WidgetRow]:
        return [row for row in self._controller.rows if not row.left_out]

    def values(self, rows: Sequence[WidgetRow], value: Any) -> list[Any]:
        """Return the value of each row: the same, or that of its label in a column, which a function can return.

        Raise `MappingError` if a row has no value in a column, or several.
        """
        frame = self.frame(rows)
        value = value(frame) if callable(value) else value
        if not isinstance(value, pd.Series):
            return [value] * len(rows)
        absent = frame.index.difference(value.index)
        if len(absent) or not value.index.is_unique:
            repeated = [*absent, *value.index[value.index.duplicated()]][:1]
            which = f"{'no value' if len(absent) else 'several values'} for row {short_repr(repeated[0])}"
            raise MappingError(f"The column has {which}.", fix="Pass a column with the labels of uploader.frame.")
        cells = value.reindex(frame.index).astype(object).tolist()
        return [None if missing(cell) else cell for cell in cells]
