"""The controller of an uploader: adds, edits, removes, uploads, cancels and retries rows as a page or Python asks."""

import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from ikpipe.frames.near_misses import NearMiss
from ikpipe.request.metadata import MetadataField
from ikpipe.request.result import SETTLED, Result
from ikpipe.widget import messages
from ikpipe.widget.adding import RowAdder
from ikpipe.widget.browser_client import FILE_NOT_THERE
from ikpipe.widget.browser_uploads import BrowserUploads
from ikpipe.widget.duplicates import DuplicateFinder
from ikpipe.widget.edited_table import EditedTable
from ikpipe.widget.library_changes import LibraryChanges
from ikpipe.widget.message_fields import InvalidMessage
from ikpipe.widget.message_order import MessageOrder
from ikpipe.widget.naming import check_naming
from ikpipe.widget.own_columns import OwnColumns
from ikpipe.widget.renaming import Renaming
from ikpipe.widget.row_editor import RowEditor
from ikpipe.widget.row_store import RowStore
from ikpipe.widget.rows import IN_PROGRESS, RETRYABLE, WidgetRow
from ikpipe.widget.run_totals import RunTotals
from ikpipe.widget.runs import Run, RunConfig
from ikpipe.widget.validation import RowValidator

MAX_ROWS = 1_000  # of a message
_PROCESS = secrets.token_hex(8)
"""Distinguishes this kernel from others, for pages."""
_STOPPED = "It was stopped before it was known whether the file is stored."


class Controller:
    """The rows and runs of one uploader. Messages can be handled in any thread.

    `table` is the input and its mapping, `config` how to upload. `send_message` sends a message to all pages.
    `on_change` is called after any change, with the names of the Python properties that changed: ``frame``,
    ``selection``, ``results``.
    """

    def __init__(
        self,
        table: EditedTable,
        config: RunConfig,
        send_message: Callable[[Mapping[str, Any]], None],
        on_change: Callable[..., None],
    ) -> None:
        self.lock = threading.RLock()
        self.table, self.config, self.send_message, self.on_change = table, config, send_message, on_change
        self.rows = RowStore(len(table.input))
        self.uploads, self.order = BrowserUploads(send_message), MessageOrder()
        self.runs, self.error, self.reason, self._validated = RunTotals(self.uploads), "", "", False
        self._acknowledgments: list[dict[str, Any]] = []
        self._validator = RowValidator(
            table, config.account.max_file_size, self.uploads.files.source, config.policy.names
        )
        self.editor = RowEditor(self.rows, self._validator, self.uploads.files)
        self.library, self._adder = LibraryChanges(self), RowAdder(self)
        self._last_runs: dict[WidgetRow, Run] = {}
        self._handlers: dict[type[Any], Callable[[Any], None]] = {
            messages.HelloMessage: self._hello,
            messages.RemoveMessage: self._remove,
            messages.SelectMessage: self._select,
            messages.EditMessage: self._edit,
            messages.ValuesMessage: OwnColumns(self).send,
            messages.RenameMessage: Renaming(self).rename,
            **self.library.handlers,
            messages.UndoMessage: self._undo,
            messages.HaveMessage: self._have,
            messages.LostMessage: self._lost,
            messages.SendMessage: lambda message: self.send(message.ids),
            messages.CancelMessage: lambda message: self.cancel(message.ids, now=message.now),
            messages.RetryMessage: lambda message: self.retry(message.ids),
            messages.ProgressMessage: self._progress,
            messages.ResultMessage: self._result,
            messages.PingMessage: self._ping,
            **self._adder.handlers,
            **DuplicateFinder(self).handlers,
        }

    # Messages

    def handle(self, message: messages.Message) -> None:
        """Do what a message asks for.

        Raise `InvalidMessage` if it is about a row that does not exist or cannot be edited, or an attempt that was not
        requested.
        """
        self.uploads.heard()
        with self.lock:
            self._handlers[type(message)](message)

    def validate_all(self) -> None:
        """Validate all rows, unless that was done; it is deferred until somebody needs it."""
        if not self._validated:
            self._validated = True
            self.rows.mark_changed(self._validator.validate(self.rows))
            self.rows.changed.clear()

    @property
    def metadata_fields(self) -> Mapping[str, MetadataField]:
        """The account's metadata fields, as far as they are known."""
        return self._validator.fields or {}

    def set_metadata_fields(self, fields: Mapping[str, MetadataField]) -> None:
        """Validate all rows again, with the account's metadata fields."""
        with self.lock:
            self._validator.fields = fields
            if self._validated:
                self.rows.mark_changed(self._validator.validate(row for row in self.rows if row.editable))
                self.on_change()

    def send_changes(self, request: str | int | None = None) -> None:
        """Send the rows that changed to all pages; the last message answers a request."""
        rows = self.rows.pop_changed(MAX_ROWS)
        while rows or request is not None:
            message, rows = self.rows.rows_message(rows), self.rows.pop_changed(MAX_ROWS)
            if not rows and request is not None:
                message, request = {**message, "request": request}, None
            self.send_message(message)

    def _hello(self, _message: messages.HelloMessage) -> None:
        self.validate_all()
        rows = list(self.rows)
        self.rows.changed.clear()
        for start in range(0, max(1, len(rows)), MAX_ROWS):
            self.send_message(self.rows.rows_message(rows[start : start + MAX_ROWS], start))
        head = {"type": "welcome", "session": self.config.session, "version": self.rows.version}
        self.send_message({**head, "run": self.runs.counts(), "process": _PROCESS})
        self.send_history()
        self._adder.tables.send_waiting()
        if self.rows.selected:
            self.send_message({"type": "select", "ids": [*self.rows.selected]})
        self.uploads.request_again()

    def _ping(self, message: messages.PingMessage) -> None:
        head = {"type": "pong", "n": message.n, "line": message.sequence, "at": message.number}
        self.send_message({**head, "taken": self.order.last_accepted(message.sequence)})

    def _remove(self, message: messages.RemoveMessage) -> None:
        """Remove what a page added and is editable; rows of the input stay."""
        rows = self.rows.subset(message.ids)
        self.remove_rows([row for row in rows if row.removable], message.step)

    def _removed(self, rows: Sequence[WidgetRow]) -> None:
        """Report removed rows to pages, the rows that changed because of it, and what can be undone."""
        for row in rows:
            self._last_runs.pop(row, None)
        self.send_message({"type": "gone", "ids": [row.id for row in rows]})
        self.send_changes()
        self.send_history()

    def send_history(self) -> None:
        """Report to pages what can be undone and redone."""
        self.send_message({"type": "history", **self.editor.history.describe()})

    def _have(self, message: messages.HaveMessage) -> None:
        """Report to all pages which files one of them has; rows whose files were chosen again can be sent."""
        rows = [row for row in self.rows.subset(message.ids) if row.picked is not None]
        self.send_message({"type": "have", "ids": [row.id for row in rows]})
        if message.again:
            again = [row for row in rows if row.state in ("failed", "cancelled") and row.run is None]
            for row in again:
                row.reset()
            self.rows.mark_changed(again)
            self.send_changes()
            self.on_change("results")

    def _lost(self, message: messages.LostMessage) -> None:
        """End rows that wait for their turn, since no page has their files."""
        for row in self.rows.subset(message.ids):
            if row.run is not None and row.picked is not None and row.state == "queued":
                row.run.end(row, Result("failed", "file_not_found", FILE_NOT_THERE["lost"]))

    def _select(self, message: messages.SelectMessage) -> None:
        selected = dict.fromkeys(row.id for row in self.rows.subset(message.ids))
        if selected != self.rows.selected:
            self.rows.selected = selected
            self.on_change("selection")

    def _edit(self, message: messages.EditMessage) -> None:
        rows = self.rows.subset(message.ids)
        self.validate_all()
        if len(rows) < len(message.ids):
            raise InvalidMessage("there is no such row", message.request, "row_gone")
        if not all(row.can_edit(message.column) for row in rows):
            words = "a row that is uploaded, uploading or unconfirmed cannot be changed"
            raise InvalidMessage(words, message.request, "read_only")
        check_naming(self.table.input_mapping, message.column, message.values)
        values = dict(zip(message.ids, message.values, strict=True))
        self.edit_rows(rows, {message.column: [values[row.id] for row in rows]}, message.step, message.request)

    def _undo(self, message: messages.UndoMessage) -> None:
        last = self.editor.history.last(message.direction)
        if last is None or message.step not in ("", last.name):
            raise InvalidMessage("something else was changed meanwhile", message.request, "changed_meanwhile")
        if last.stored:
            self.library.undo(message)
        else:
            self._undo_edits(message)

    def _undo_edits(self, message: messages.UndoMessage) -> None:
        outcome = self.editor.step(message.direction)
        if outcome is None:
            return
        self._removed(outcome.removed)
        answer = {"type": "undone", "request": message.request, "direction": message.direction}
        rows = len(outcome.changed) + len(outcome.removed)
        self.send_message({**answer, **outcome.step.describe(), "rows": rows, "kept": outcome.kept})
        self.on_change("frame", "selection", "results")

    # What Python and pages change

    def add_input(self, frame: pd.DataFrame) -> tuple[list[WidgetRow], list[NearMiss]]:
        """Add rows to the input; return them, and columns to warn of. `send_added` reports them to pages.

        Raise `MappingError` if the mapping does not fit.
        """
        self.validate_all()
        warnings = self.table.extend(frame)
        return self.rows.add_input(len(frame)), warnings

    def send_added(self, rows: Sequence[WidgetRow]) -> None:
        """Validate rows that were added, and report them to pages."""
        self.rows.mark_changed([*rows, *self._validator.validate(rows)])
        self.send_changes()
        self.on_change("frame")

    def edit_rows(
        self,
        rows: Sequence[WidgetRow],
        values: Mapping[str, Sequence[Any]],
        step: str = "",
        request: str | int | None = None,
    ) -> None:
        """Set columns of editable rows; None resets a cell. `step` and `request` are those of a message."""
        self.editor.edit(rows, values, step or secrets.token_hex(4))
        self.send_history()
        self.send_changes(request)
        self.on_change("frame", "results")

    def remove_rows(self, rows: Sequence[WidgetRow], step: str = "") -> None:
        """Remove editable rows."""
        self.editor.remove(rows, step)
        self._removed(rows)
        self.on_change("frame", "selection", "results")

    # Runs

    def send(self, ids: list[str] | None) -> None:
        """Upload rows that are ready; None: all of them."""
        self.validate_all()
        self._start([row for row in self.rows.subset(ids) if row.state == "ready"])

    def retry(self, ids: list[str] | None) -> None:
        """Upload rows again that failed, were cancelled, or are unknown: those are searched for first; None: all.

        Those whose files were deleted are only uploaded again if they are named.
        """
        states = RETRYABLE if ids is None else RETRYABLE | {"deleted"}
        rows = [row for row in self.rows.subset(ids) if row.state in states]
        resumed = {row for row in rows if row.run is not None and row.run.uncancel(row)}
        for row in resumed:
            row.state, row.cancelled = "queued", False
        self.rows.mark_changed(resumed)
        self._start([row for row in rows if row.run is None and not row.problems])

    def confirm(self, rows: list[WidgetRow]) -> None:
        """Search for rows that may be stored, and upload none."""
        self._start(rows, confirm_only=True)

    def _start(self, rows: list[WidgetRow], *, confirm_only: bool = False) -> None:
        if not rows:
            self.send_changes()
            return
        unknown = [row for row in rows if row.state == "unknown"]
        run = Run(
            rows,
            self.table,
            self.uploads,
            self.config,
            self._row_started,
            self._row_ended,
            self._row_confirmed,
            after=list({self._last_runs[row] for row in unknown if row in self._last_runs}),
            confirm_only=confirm_only,
        )
        for row in rows:
            row.run = self._last_runs[row] = run
            row.state = "queued"
        self.runs.add(run)
        self.error = ""
        self.rows.mark_changed(rows)
        self.send_changes()
        self.on_change("results")
        run.done.add_done_callback(lambda _: self._run_ended(run))
        run.start()

    def _run_ended(self, run: Run) -> None:
        with self.lock:
            self.runs.end(run)
            if run.error:
                self.error, self.reason = run.error, run.reason
                self.send_message({"type": "error", "request": None, "message": run.error, "reason": run.reason})
            self.on_change("results")

    def cancel(self, ids: list[str] | None, *, now: bool = False) -> None:
        """Cancel rows; None: all. Those that may be stored are searched for.

        To cancel all a second time, or rows with `now`, does not wait for the search: those rows become unknown. What
        the search finds is applied later.
        """
        rows = [row for row in self.rows.subset(ids) if row.run is not None]
        if ids is None and not any(row.state in IN_PROGRESS and not row.cancelled for row in rows):
            for run in self.runs:
                run.stop()
        for row in rows:
            self._cancel_row(row)
            if now and row.run is not None and row.state in IN_PROGRESS - {"queued"}:
                row.run.end(row, Result("unknown", "connection_lost", _STOPPED))
        self.rows.mark_changed(rows)
        self.send_changes()
        self.on_change("results")

    def _cancel_row(self, row: WidgetRow) -> None:
        if row.run is None or row.state in SETTLED:
            return
        row.run.cancel(row)
        row.cancelled = True
        if row.state == "queued" and row.result is None:
            row.state = "cancelled"
        self.uploads.abort(row.id)

    def _row_started(self, run: Run, row: WidgetRow) -> None:
        with self.lock:
            if row.run is not run:
                return  # it was cancelled, then edited or removed
            row.state = "sending" if row.picked is not None or row.view.source == "file" else "processing"
            self.rows.mark_changed([row])
            self.on_change()

    def _row_ended(self, run: Run, row: WidgetRow, result: Result) -> None:
        with self.lock:
            if row.run is not run:
                return
            row.result, row.state, row.run, row.cancelled = result, result.status, None, False
            if result.status != "unknown":
                row.history = None
            self.rows.mark_changed([row])
            self.on_change("results")

    def _row_confirmed(self, run: Run, row: WidgetRow, result: Result) -> None:
        """Apply what became known of a row that was stopped, unless it was sent again meanwhile."""
        with self.lock:
            waits = row.run is None and row.state == "unknown" and self._last_runs.get(row) is run
            if waits and result.status != "unknown":
                row.result, row.state, row.history = result, result.status, None
                self.rows.mark_changed([row])
                self.on_change("results")

    def _progress(self, message: messages.ProgressMessage) -> None:
        row, attempt = self.rows.get(message.id), self.uploads.record_progress(message)
        if row is None or attempt is None or row.state != "sending" or attempt.loaded < attempt.size:
            return
        row.state = "processing"
        self.rows.mark_changed([row])
        self.on_change()

    def _result(self, message: messages.ResultMessage) -> None:
        if not self.uploads.record_result(message):
            raise InvalidMessage("this attempt was not requested")
        self._acknowledgments.append({"type": "ack", "id": message.id, "attempt": message.attempt})

    def send_acknowledgments(self) -> None:
        """Acknowledge the results that were received, as one message."""
        messages, self._acknowledgments = self._acknowledgments, []
        if messages:
            self.send_message(messages[0] if len(messages) == 1 else {"type": "batch", "messages": messages})
