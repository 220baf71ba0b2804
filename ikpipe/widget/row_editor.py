"""Changes of rows by the user: edits and removals, which can be undone and redone."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ikpipe.widget.history import NOT_EDITED, Direction, EditHistory, Step
from ikpipe.widget.picked_files import PickedFiles
from ikpipe.widget.picture_edits import PICTURE
from ikpipe.widget.row_store import RowStore
from ikpipe.widget.rows import UNSENT, WidgetRow
from ikpipe.widget.validation import RowValidator


class Outcome(NamedTuple):
    """What undo or redo did: the rows that it changed or restored, those that it removed, and how many it kept."""

    step: Step
    changed: list[WidgetRow]
    removed: list[WidgetRow]
    kept: int


class RowEditor:
    """Edits and removes rows of one uploader, and keeps the history of that."""

    def __init__(self, rows: RowStore, validator: RowValidator, files: PickedFiles) -> None:
        self._rows, self._validator, self._files = rows, validator, files
        self.history = EditHistory()

    def edit(self, rows: Sequence[WidgetRow], values: Mapping[str, Sequence[Any]], step: str) -> None:
        """Set columns of rows, which are editable, each to the values of the rows; None resets it to the default."""
        for column, cells in values.items():
            self.history.record_edit(step, rows, column, cells)
            for row, value in zip(rows, cells, strict=True):
                self._set(row, column, NOT_EDITED if value is None else value)
        self.validate(rows)

    def remove(self, rows: Sequence[WidgetRow], step: str) -> None:
        """Remove rows, which are editable."""
        self.history.record_removal(step, rows)
        self._drop(rows)

    def step(self, direction: Direction) -> Outcome | None:
        """Undo or redo a step; None if there is none. Rows that cannot be edited any more stay as they are."""
        step = self.history.take(direction)
        if step is None:
            return None
        at = 0 if direction == "undo" else 1
        restored, removed = ([*step.removed], []) if direction == "undo" else ([], self._removable(step))
        self._restore(restored)
        changed: set[WidgetRow] = set()
        kept: set[WidgetRow] = set()
        for (row, column), values in step.edits.items():
            if row.editable and self._rows.get(row.id) is row:
                self._set(row, column, values[at])
                changed.add(row)
            else:
                kept.add(row)
        self._drop(removed)
        changed = {*changed.difference(removed), *restored}
        self.validate(changed)
        lost = 0 if direction == "undo" else len(step.removed) - len(removed)
        return Outcome(step, sorted(changed, key=lambda row: row.number), removed, len(kept) + lost)

    def _removable(self, step: Step) -> list[WidgetRow]:
        return [row for row in step.removed if row.editable and self._rows.get(row.id) is row]

    def _restore(self, rows: Sequence[WidgetRow]) -> None:
        for row in rows:
            if row.picked is not None:
                self._files.add(row.id, row.picked)
        self._rows.restore(rows)

    def _drop(self, rows: Sequence[WidgetRow]) -> None:
        changed: set[WidgetRow] = set()
        for row in rows:
            changed |= self._validator.remove(row)
            self._rows.remove(row)
            if row.picked is not None:
                self._files.remove(row.picked)
            row.run = None
        for row in changed.difference(rows):
            if row.state in UNSENT:
                row.reset()
        self._rows.mark_changed(changed)

    def validate(self, rows: Iterable[WidgetRow]) -> None:
        """Validate rows, and mark those that changed."""
        rows = list(rows)
        self._rows.mark_changed([*rows, *self._validator.validate(rows)])

    def _set(self, row: WidgetRow, column: str, value: Any) -> None:
        """Set what a row has in a column; whatever became of it before, it is a row that was not sent."""
        if value is NOT_EDITED:
            row.edits.pop(column, None)
        else:
            row.edits[column] = value
        if column == PICTURE:
            self.apply_picture(row)
        row.restart()

    def apply_picture(self, row: WidgetRow) -> None:
        """Let the file of a row be what its picture's edits make of it; other files than picked ones have none."""
        text = row.edits.get(PICTURE)
        if row.picked is None:
            row.edits.pop(PICTURE, None)
        elif text is not None or row.picked.picture is not None:
            row.picked = row.picked.edited(text)
            self._files.add(row.id, row.picked)
