"""New names for many rows, from a template such as ``{file.stem}-{row:03d}``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from ikpipe.errors import InvalidValue, MappingError
from ikpipe.frames.mapping import ColumnMapping
from ikpipe.request.values import to_text
from ikpipe.widget.edited_table import EditedTable
from ikpipe.widget.extensions import extension_of, new_name
from ikpipe.widget.rows import WidgetRow

if TYPE_CHECKING:
    from ikpipe.widget.controller import Controller
    from ikpipe.widget.messages import RenameMessage

_SHOWN = 8  # rows of a preview
_NAMES = ("file_name", "fileName")


class Renaming:
    """Renames rows of a controller by a template."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller

    def rename(self, message: RenameMessage) -> None:
        """Rename editable rows as one step, or only report the new names of the first ones.

        Rows without a value for a column of the template keep their names.
        """
        controller = self._controller
        controller.validate_all()
        rows = [row for row in controller.rows.subset(message.ids) if row.editable]
        answer = {"type": "renamed", "request": message.request, "rows": len(rows)}
        try:
            names = new_names(controller.table, rows, message.template)
        except MappingError as error:
            controller.send_message({**answer, "rows": 0, "problem": str(error)})
            return
        if message.preview:
            pairs = [[row.view.name, name] for row, name in zip(rows[:_SHOWN], names, strict=False)]
            controller.send_message({**answer, "names": pairs, "same": self._same(rows, names)})
            return
        known = {row: name for row, name in zip(rows, names, strict=True) if name is not None}
        controller.edit_rows([*known], {"file_name": [*known.values()]}, message.step)
        controller.send_message({**answer, "rows": len(known)})

    def _same(self, rows: Sequence[WidgetRow], names: Sequence[str | None]) -> int:
        """Count rows that would have the name and folder of another one."""
        new = dict(zip(rows, names, strict=True))
        targets = {row: (row.view.folder or "/", new.get(row) or row.view.name) for row in self._controller.rows}
        counts = Counter(targets.values())
        return sum(counts[targets[row]] > 1 for row, name in new.items() if name is not None)


def new_names(table: EditedTable, rows: Sequence[WidgetRow], template: str) -> list[str | None]:
    """Return the names that a template makes of rows; None for one that has no value for it.

    ``{row}`` counts these rows, and ``{name}`` is a row's name without its extension, which is kept if the template
    has none. Raise `MappingError` if the template is invalid, or names no column.
    """
    frame = table.frame(rows)
    if "name" not in frame.columns:
        stems = [row.view.name.removesuffix(extension_of(row.view.name)) for row in rows]
        frame["name"] = pd.Series(stems, index=frame.index, dtype=object)
    ignored = [*table.input_mapping.get("ignore", ()), *(label for label in frame.columns if label in _NAMES)]
    parameters = {"file_name": template}
    mapping = {**table.input_mapping, "columns": {}, "parameters": parameters, "ignore": ignored}
    columns = ColumnMapping.read(frame.columns, mapping)
    values = columns.rows(table.part(frame).chunk()).values()["file_name"]
    return [_name(row.view.name, value) for row, value in zip(rows, values, strict=True)]


def _name(before: str, value: Any) -> str | None:
    if value is None or isinstance(value, InvalidValue):
        return None
    return new_name(before, to_text(value))
