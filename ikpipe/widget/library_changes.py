"""What pages ask for of files that are in the library, with their rows and the history of changes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from ikpipe.widget.message_fields import InvalidMessage
from ikpipe.widget.messages import ChangeMessage, DeleteMessage, TagsMessage, UndoMessage
from ikpipe.widget.rows import WidgetRow
from ikpipe.widget.stored_files import CHANGEABLE, Changes, Outcomes, StoredFiles, stored_value

if TYPE_CHECKING:
    from ikpipe.widget.controller import Controller

_UNCHANGEABLE = "is_private_file"
"""What the media API cannot change."""

_NAMED = 10
"""The most files that a reason names."""

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

        def done(changes: Changes, cells: Cells) -> None:
            step = f"{message.step}-stored"  # the page's step can have edits of other rows, too
            self._controller.editor.history.record_stored(step, cells, changes.journals)
            self._answer({"type": "changed", "request": message.request, "step": step}, changes.outcomes)

        self._start({message.column: {row: by_id[row.id] for row in rows}}, done)

    def undo(self, message: UndoMessage) -> None:
        """Undo a change, or redo it: each file gets the values that it had before, or those of the change.

        A file that somebody changed since stays as it is, as with `ikpipe.undo`.
        """
        history = self._controller.editor.history
        step = history.take(message.direction)
        if step is None:
            return
        cells = {key: values for key, values in step.stored.items() if self._controller.rows.get(key[0].id) is key[0]}
        rows = [row for row in dict.fromkeys(row for row, _ in cells) if self._files.can_change(row)]

        def done(changes: Changes, _cells: Cells) -> None:
            step.journals = [*changes.journals]  # by which it is undone again, if it was redone
            changed = sum(why is None for why in changes.outcomes.values())
            head = {"type": "undone", "request": message.request, "direction": message.direction}
            kept = len(step.rows) - changed
            self._answer({**head, **step.describe(), "rows": changed, "kept": kept}, changes.outcomes)

        if not rows:
            done(Changes({}), {})
        elif message.direction == "undo":
            self._undo(rows, {key: values[0] for key, values in cells.items()}, step.journals, done)
        else:
            columns: defaultdict[str, dict[WidgetRow, Any]] = defaultdict(dict)
            for (row, column), (_, value) in cells.items():
                if row in rows:
                    columns[column][row] = value
            self._start(columns, done)

    def _undo(
        self, rows: Sequence[WidgetRow], before: Mapping[tuple[WidgetRow, str], Any], journals: Sequence[str], done: Any
    ) -> None:
        """Undo changes by their journals; the rows get the values before, and then what their files have."""
        self._mark(rows, by=1)

        def undone(changes: Changes) -> None:
            with self._controller.lock:
                for (row, column), value in before.items():
                    if changes.outcomes.get(row, "") is None:
                        row.edits[column] = value
                self._end(rows)
                done(changes, {})
                self._controller.on_change("frame", "results")

        self._files.undo(rows, journals, undone)

    def read(self, rows: Sequence[WidgetRow]) -> None:
        """Read what became of files that an earlier kernel changed; one that is not there any more was deleted."""

        def done(changes: Changes) -> None:
            with self._controller.lock:
                for row, why in changes.outcomes.items():
                    if why is not None and row.state in CHANGEABLE:
                        self._deleted(row)
                self._end(rows)
                self._controller.on_change("frame", "results")

        known = [row for row in rows if self._files.can_change(row)]
        if known:
            self._mark(known, by=1)
            self._files.read(known, done)

    def delete(self, message: DeleteMessage) -> None:
        """Delete files; their rows stay, as deleted ones, and can be uploaded again."""
        rows = self._rows(message)
        self._mark(rows, by=1)

        def done(changes: Changes) -> None:
            with self._controller.lock:
                for row, why in changes.outcomes.items():
                    if why is None:
                        self._deleted(row)
                self._end(rows)
                self._answer({"type": "changed", "request": message.request}, changes.outcomes)
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
        journals: list[str] = []
        remaining = dict(columns)
        self._mark(rows, by=1)

        def changed(column: str, cells: Mapping[WidgetRow, Any], changes: Changes) -> None:
            with self._controller.lock:
                journals.extend(changes.journals)
                for row, why in changes.outcomes.items():
                    outcomes[row] = outcomes.get(row) or why
                    if why is None:
                        row.edits[column] = cells[row]
                del remaining[column]
                if remaining:
                    return
                self._end(rows)
                new = {key: (old, columns[key[1]][key[0]]) for key, old in before.items()}
                made = {key: pair for key, pair in new.items() if outcomes[key[0]] is None}
                done(Changes(outcomes, journals), made)
                self._controller.on_change("frame", "results")

        for column, cells in columns.items():
            self._files.change([*cells], column, [*cells.values()], partial(changed, column, cells))

    def _deleted(self, row: WidgetRow) -> None:
        row.restart()
        row.state = "deleted"

    def _end(self, rows: Sequence[WidgetRow]) -> None:
        """Validate rows whose files were changed, and end that; those of the same names may have changed with them."""
        self._controller.editor.validate(rows)
        for row in rows:
            row.changed = True
        self._mark(rows, by=-1)

    def _mark(self, rows: Sequence[WidgetRow], *, by: int) -> None:
        """Count changes of files that start or end; those of one file follow each other."""
        for row in rows:
            row.changing += by
        self._controller.rows.mark_changed(rows)
        self._controller.send_changes()

    def _answer(self, head: Mapping[str, Any], outcomes: Outcomes) -> None:
        names: defaultdict[str, list[str]] = defaultdict(list)
        for row, why in outcomes.items():
            if why is not None:
                names[why].append(row.view.name)
        failed = sum(map(len, names.values()))
        answer = {"failed": failed, "message": "\n".join(_reason(why, named) for why, named in names.items())}
        self._controller.send_message({"rows": len(outcomes) - failed, **head, **answer})
        self._controller.send_history()


def _reason(why: str, names: Sequence[str]) -> str:
    """Return why files were not changed, with the names of the first ones."""
    more = ", …" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}: {why}"
