"""Undo and redo: the edits and removals of an uploader's rows, as steps of one bounded history.

A row that was uploaded, or is being uploaded, is never changed by it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from ikpipe.widget.rows import WidgetRow

MAX_STEPS = 100
MAX_CHANGES = 200_000  # of all steps together: they keep rows and values alive
NOT_EDITED: Final = object()
"""The value of a cell that was not edited: it comes from the table and the keywords."""

Direction = Literal["undo", "redo"]


@dataclass(slots=True)
class Step:
    """One action of the user: an edit of some rows, or their removal.

    `name` is the page's name of the action: messages with the same name belong to one step. `edits` are the values
    before and after it by row and column, `stored` those of files in the library, whose changes the `journals` record,
    and `removed` the rows that it removed.
    """

    name: str
    edits: dict[tuple[WidgetRow, str], tuple[Any, Any]] = field(default_factory=dict)
    removed: list[WidgetRow] = field(default_factory=list)
    stored: dict[tuple[WidgetRow, str], tuple[Any, Any]] = field(default_factory=dict)
    journals: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        """How many changes it has."""
        return len(self.edits) + len(self.removed) + len(self.stored)

    @property
    def rows(self) -> list[WidgetRow]:
        """The rows that it changed."""
        return [*dict.fromkeys([*(row for row, _ in [*self.edits, *self.stored]), *self.removed])]

    def describe(self) -> dict[str, Any]:
        """Return what a page shows of it: its kind, the number of rows, and the columns if it is an edit."""
        kind = "edit" if self.edits or self.stored else "remove"
        columns = [*dict.fromkeys(column for _, column in [*self.edits, *self.stored])]
        return {"step": self.name, "kind": kind, "rows": len(self.rows), "columns": columns}


class EditHistory:
    """The steps that can be undone, and those that were undone and can be done again."""

    def __init__(self) -> None:
        self._steps: dict[Direction, list[Step]] = {"undo": [], "redo": []}

    def last(self, direction: Direction) -> Step | None:
        """Return the step that is undone or redone next."""
        return self._steps[direction][-1] if self._steps[direction] else None

    def record_edit(self, name: str, rows: Sequence[WidgetRow], column: str, values: Sequence[Any]) -> None:
        """Record an edit of a column before it is made, with the values of the rows; None resets it."""
        step = self._step(name)
        for row, value in zip(rows, values, strict=True):
            before = row.edits.get(column, NOT_EDITED)
            first, _ = step.edits.get((row, column), (before, None))
            step.edits[row, column] = first, NOT_EDITED if value is None else value
        self._trim()

    def record_removal(self, name: str, rows: Sequence[WidgetRow]) -> None:
        """Record the removal of rows."""
        if rows:
            self._step(name).removed += rows
            self._trim()

    def record_stored(
        self, name: str, cells: Mapping[tuple[WidgetRow, str], tuple[Any, Any]], journals: Sequence[str]
    ) -> None:
        """Record changes of files in the library, with the values before and after them, and their journals."""
        if cells:
            step = self._step(name)
            step.stored.update(cells)
            step.journals += journals
            self._trim()

    def take(self, direction: Direction) -> Step | None:
        """Move the last step to the other direction, and return it."""
        if not self._steps[direction]:
            return None
        step = self._steps[direction].pop()
        self._steps["redo" if direction == "undo" else "undo"].append(step)
        return step

    def describe(self) -> dict[str, Any]:
        """Return what a page is told: the next step in each direction, or None."""
        return {name: steps[-1].describe() if steps else None for name, steps in self._steps.items()}

    def _step(self, name: str) -> Step:
        """Return the step of an action; a new one ends what could be redone."""
        self._steps["redo"].clear()
        steps = self._steps["undo"]
        if not steps or not name or steps[-1].name != name:
            steps.append(Step(name))
        return steps[-1]

    def _trim(self) -> None:
        """Forget the oldest steps beyond the limits, but never the last one."""
        steps = self._steps["undo"]
        while len(steps) > MAX_STEPS or (len(steps) > 1 and sum(step.size for step in steps) > MAX_CHANGES):
            del steps[0]
