"""What pages ask for of files that are in the library, with their rows and the history of changes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from ikpipe.widget.message_fields import InvalidMessage
from ikpipe.widget.messages import ChangeMessage, DeleteMessage, TagsMessage, UndoMessage
from ikpipe.widget.rows import WidgetRow
from ikpipe.widget.stored_files import Outcomes, StoredFiles, stored_value

if TYPE_CHECKING:
    from ikpipe.widget.controller import Controller

_UNCHANGEABLE = "is_private_file"
"""What the media API cannot change."""

Cells = dict[tuple[WidgetRow, str], tuple[Any, Any]]
"""Values before and after a change, by row and column."""


class LibraryChanges:
    """Changes and deletes the files of a controller's rows. All methods are called with its lock."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._files = StoredFiles(controller.config.account, controller.config.policy)

    @property
    def handlers(self) -> dict[type[Any], Callable[[Any], None]]:
        """The method for each type of message."""
        return {ChangeMessage: self.change, DeleteMessage: self.delete, TagsMessage: self.tags}

    def change(self, message: ChangeMessage) -> None:
        """Change a column of files, and record it in the history."""
        rows = self._rows(message)
        if message.column == _UNCHANGEABLE:
            words = "the visibility of a file in the library cannot be changed"
            raise InvalidMessage(words, message.request, "read_only")
        by_id = dict(zip(message.ids, message.values, strict=True))

        def done(outcomes: Outcomes, cells: Cells) -> None:
            step = f"{message.step}-stored"  # the page's step can have edits of other rows, too
            self._controller.editor.history.record_stored(step, cells)
            self._answer({"type": "changed", "request": message.request, "step": step}, outcomes)

        self._start({message.column: {row: by_id[row.id] for row in rows}}, done)

    def undo(self, message: UndoMessage) -> None:
        """Undo or redo a change: each file gets the values that it had before or after it."""
        history = self._controller.editor.history
        step = history.last(message.direction)
        if step is None:
            return
        columns: defaultdict[str, dict[WidgetRow, Any]] = defaultdict(dict)
        for (row, column), values in step.stored.items():
            if self._controller.rows.get(row.id) is row and self._files.can_change(row):
                columns[column][row] = values[0 if message.direction == "undo" else 1]
        history.take(message.direction)

        def done(outcomes: Outcomes, _cells: Cells) -> None:
            changed = sum(why is None for why in outcomes.values())
            head = {"type": "undone", "request": message.request, "direction": message.direction}
            kept = len(step.rows) - changed
            self._answer({**head, **step.describe(), "rows": changed, "kept": kept}, outcomes)

        if columns:
            self._start(columns, done)
        else:
            done({}, {})

    def delete(self, message: DeleteMessage) -> None:
        """Delete files; their rows stay, as deleted ones, and can be uploaded again."""
        rows = self._rows(message)
        self._mark(rows, changing=True)

        def done(outcomes: Outcomes) -> None:
            with self._controller.lock:
                for row, why in outcomes.items():
                    if why is None:
                        row.restart()
                        row.state = "deleted"
                self._mark(rows, changing=False)
                self._answer({"type": "changed", "request": message.request}, outcomes)
                self._controller.on_change("frame", "results")

        self._files.delete(rows, done)

    def tags(self, message: TagsMessage) -> None:
        """Send the account's most frequent tags, none if they cannot be read; a page asks once."""

        def done(tags: list[str]) -> None:
            self._controller.send_message({"type": "account_tags", "request": message.request, "tags": tags})

        self._files.tags(done)

    def _rows(self, message: ChangeMessage | DeleteMessage) -> list[WidgetRow]:
        """Return the rows of a message; raise `InvalidMessage` if the file of one of them cannot be changed."""
        rows = self._controller.rows.subset(message.ids)
        if len(rows) < len(message.ids):
            raise InvalidMessage("there is no such row", message.request, "row_gone")
        if not all(map(self._files.can_change, rows)):
            raise InvalidMessage(
                "a file that is not in the library cannot be changed there", message.request, "read_only"
            )
        return rows

    def _start(self, columns: Mapping[str, Mapping[WidgetRow, Any]], done: Any) -> None:
        """Change columns one after another; call `done` with the outcomes of all rows and the values that changed."""
        rows = [*dict.fromkeys(row for cells in columns.values() for row in cells)]
        before = {(row, column): stored_value(row, column) for column, cells in columns.items() for row in cells}
        outcomes: Outcomes = {}
        remaining = dict(columns)
        self._mark(rows, changing=True)

        def changed(column: str, cells: Mapping[WidgetRow, Any], some: Outcomes) -> None:
            with self._controller.lock:
                for row, why in some.items():
                    outcomes[row] = outcomes.get(row) or why
                    if why is None:
                        row.edits[column] = cells[row]
                del remaining[column]
                if remaining:
                    return
                self._controller.editor.validate(rows)
                self._mark(rows, changing=False)
                changes = {key: (old, columns[key[1]][key[0]]) for key, old in before.items()}
                done(outcomes, {key: pair for key, pair in changes.items() if outcomes[key[0]] is None})
                self._controller.on_change("frame", "results")

        for column, cells in columns.items():
            self._files.change([*cells], column, [*cells.values()], partial(changed, column, cells))

    def _mark(self, rows: Sequence[WidgetRow], *, changing: bool) -> None:
        for row in rows:
            row.changing = changing
        self._controller.rows.mark_changed(rows)
        self._controller.send_changes()

    def _answer(self, head: Mapping[str, Any], outcomes: Outcomes) -> None:
        failed = [why for why in outcomes.values() if why is not None]
        answer = {"failed": len(failed), "message": failed[0] if failed else ""}
        self._controller.send_message({"rows": len(outcomes) - len(failed), **head, **answer})
        self._controller.send_history()
