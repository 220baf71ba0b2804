"""The rows as tables with the labels of the input, for Python: all rows, some of them, and their results."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pandas as pd

from ikpipe.frames.results import results_frame, with_result_columns
from ikpipe.request.known_runs import remember
from ikpipe.widget.controller import Controller
from ikpipe.widget.edited_table import row_labels
from ikpipe.widget.rows import WidgetRow


class LabeledRows:
    """The tables of one uploader."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._results_id: str | None = None  # by which `ikpipe.retry` finds the mapping of the results

    def frame(self, rows: Sequence[WidgetRow] | None = None) -> pd.DataFrame:
        """Return rows with their edits; None: all rows."""
        table = self._controller.table
        rows = [*self._controller.rows] if rows is None else rows
        frame = table.frame(rows)
        frame.index = row_labels(table.input.index, rows)
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
        rows = [*self._controller.rows]
        frame = self.frame(rows)
        positions = pd.Series(range(len(rows)), index=frame.index).loc[where(frame) if callable(where) else where]
        return [rows[at] for at in (positions if isinstance(positions, pd.Series) else [positions])]

    def values(self, rows: Sequence[WidgetRow], value: Any) -> list[Any]:
        """Return what each of the rows gets: of a function of their frame, or a column, its cells, else the same."""
        frame = self.frame(rows) if callable(value) else None
        value = value(frame) if callable(value) else value
        if isinstance(value, pd.Series):
            labels = row_labels(self._controller.table.input.index, rows)
            return [*value.reindex(labels).astype(object)] if len(value.index) else []
        return [value] * len(rows)
