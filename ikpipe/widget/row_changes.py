"""Rows that Python adds, edits and removes, with errors that name the row and the fix."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from os import PathLike
from typing import Any

import numpy as np
import pandas as pd

from ikpipe.errors import Error, MappingError, did_you_mean, listed, short_repr
from ikpipe.frames.chunks import InMemoryTable
from ikpipe.request.parameters import BY_WIRE
from ikpipe.run.prepare import log_warning
from ikpipe.widget.controller import Controller
from ikpipe.widget.labeled_rows import LabeledRows
from ikpipe.widget.message_fields import COLUMNS, LEFT_OUT, METADATA
from ikpipe.widget.rows import WidgetRow

_FIXED = "files that are uploaded, uploading or unconfirmed are not changed"


class RowChanges:
    """The changes that Python makes to the rows of one uploader; call them with the controller's lock."""

    def __init__(self, controller: Controller, rows: LabeledRows) -> None:
        self._controller, self._rows = controller, rows

    def add(self, files: Any, details: Mapping[str, Any]) -> pd.Index[Any]:
        """Add the rows of a table, or files, and return their labels."""
        columns = edited_columns(details)
        rows, warnings = self._controller.add_input(self._table(files))
        try:
            values = {column: self._rows.values(rows, value) for column, value in columns.items()}
        except BaseException:
            for row in rows:
                self._controller.rows.remove(row)
            raise
        log_warning(warnings)
        for column, cells in values.items():
            for row, cell in zip(rows, cells, strict=True):
                row.edits |= {} if cell is None else {column: cell}
        self._controller.send_added(rows)
        return self._rows.frame(rows).index

    def edit(self, where: Any, details: Mapping[str, Any]) -> None:
        """Set columns of rows, as one step."""
        columns, rows = edited_columns(details), self._changeable(where, "edited")
        values = {column: self._rows.values(rows, value) for column, value in columns.items()}
        self._controller.edit_rows(rows, values)

    def remove(self, where: Any) -> None:
        """Remove rows from the list."""
        self._controller.remove_rows(self._changeable(where, "removed"))

    def _changeable(self, where: Any, done: str) -> list[WidgetRow]:
        """Return the rows that Python names; raise `Error` if one of them cannot be changed."""
        self._controller.validate_all()
        rows = self._rows.find(where)
        fixed = [row for row in rows if not row.editable]
        if fixed:
            label, state = self._rows.frame(fixed[:1]).index[0], fixed[0].state
            others = f" and {len(fixed) - 1:,} more" if len(fixed) > 1 else ""
            message = f"Row {short_repr(label)} ({fixed[0].view.name}, {state}){others} cannot be {done}: {_FIXED}."
            raise Error(message, fix="Name other rows, or change uploaded files with ikpipe.update or ikpipe.delete.")
        return rows

    def _table(self, files: Any) -> pd.DataFrame:
        """Return a table of files; one or several paths, URLs or contents become its column of files."""
        if isinstance(files, (str, bytes, PathLike)):
            files = [files]
        if not isinstance(files, (list, tuple, AbstractSet, Iterator, pd.Series, pd.Index, np.ndarray)):
            return InMemoryTable(files).frame
        return self._controller.table.files_frame([*files])


def edited_columns(details: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of keywords by column; metadata has a column for each field.

    Raise `MappingError` if a keyword is not a parameter that a row can have.
    """
    columns: dict[str, Any] = {}
    for name, value in details.items():
        parameter = BY_WIRE.get(name, name)
        if parameter in (*COLUMNS, LEFT_OUT):
            columns[parameter] = value
        elif parameter == METADATA.rstrip(".") and isinstance(value, Mapping):
            columns |= {f"{METADATA}{field}": cell for field, cell in value.items()}
        elif parameter == METADATA.rstrip("."):
            raise MappingError(f"{parameter}={short_repr(value)} is not a mapping of fields to values.")
        else:
            known = [*COLUMNS, METADATA.rstrip("."), LEFT_OUT]
            message = f"{name} is not a detail of a row{did_you_mean(name, known, cutoff=0.6)}."
            raise MappingError(message, fix=f"Rows have {listed(known, 10)}; pass others when you create the uploader.")
    return columns
