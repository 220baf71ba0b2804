"""What a browser asks for, done: rows come and go, are edited, sent, cancelled, retried.

Rows of a kernel that is gone, whose files a page still has, are adopted: what may have been sent is looked for.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ikpipe.errors import Error
from ikpipe.journal import catalog
from ikpipe.request.result import Result
from ikpipe.widget import messages
from ikpipe.widget.browser_posts import BrowserPosts
from ikpipe.widget.messages import BadMessage
from ikpipe.widget.ordering import MessageOrder
from ikpipe.widget.row_store import RowStore
from ikpipe.widget.rows import AGAIN, BUSY, UP, PickedFile, WidgetRow
from ikpipe.widget.runs import Run, journals
from ikpipe.widget.sheet import levels_of
from ikpipe.widget.validation import RowValidator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from ikpipe.journal.history import RowHistory
    from ikpipe.request.account import Account
    from ikpipe.request.metadata import MetadataField
    from ikpipe.widget.messages import Adopt, Orphan
    from ikpipe.widget.runs import Sending
    from ikpipe.widget.sheet import EditedTable

PAGE = 1_000  # rows of a message


class Controller:
    """The rows and runs of one uploader. Messages may be heard in any thread.

    Parameters
    ----------
    sheet, sending
        The input and its mapping; how to send.
    say
        Sends a message to the browser.
    changed
        Called with what has changed for Python: ``frame``, ``selection``, ``results``; and after any change.
    """

    def __init__(
        self,
        sheet: EditedTable,
        sending: Sending,
        say: Callable[[Mapping[str, Any]], None],
        changed: Callable[..., None],
    ) -> None:
        self.lock = threading.RLock()
        self.sheet, self.sending, self.say, self.changed = sheet, sending, say, changed
        self.shelf = RowStore(len(sheet.input))
        self.page, self.lines = BrowserPosts(say), MessageOrder()
        self.checks = RowValidator(sheet, sending.account.max_file_size, self.page.held, sending.policy.names)
        self.runs: list[Run] = []
        self.bytes, self.seconds, self.trouble = 0, 0.0, ""
        self._looked = False
        self.below = levels_of(sheet.given["parameters"].get("folder"))
        self._handlers: dict[type[Any], Callable[[Any], None]] = {
            messages.Hello: self._hello,
            messages.Add: self._add,
            messages.Remove: lambda one: self.remove(one.ids),
            messages.Select: self._select,
            messages.Edit: self._edit,
            messages.Send: lambda one: self.send(one.ids),
            messages.Cancel: lambda one: self.cancel(one.ids),
            messages.Retry: lambda one: self.retry(one.ids),
            messages.Progress: self._progress,
            messages.Answer: self._result,
            messages.Adopt: lambda one: adopt(self, one),
            messages.Ping: self._ping,
        }

    # What a browser says

    def hear(self, message: messages.Message) -> None:
        """Do what a message asks for."""
        self.page.sign()
        with self.lock:
            self._handlers[type(message)](message)

    def ready(self) -> None:
        """See that all rows have been looked at; it is put off until somebody wants to know."""
        if not self._looked:
            self._looked = True
            self.shelf.touch(self.checks.look(self.shelf))
            self.shelf.changed.clear()

    def learn(self, fields: Mapping[str, MetadataField]) -> None:
        """Look at all rows with the account's metadata fields, which have just come."""
        with self.lock:
            self.checks.fields = fields
            if self._looked:
                self.shelf.touch(self.checks.look(row for row in self.shelf if row.editable))
                self.changed()

    def _hello(self, _message: messages.Hello) -> None:
        self.ready()
        rows = list(self.shelf)
        self.shelf.changed.clear()
        for start in range(0, max(1, len(rows)), PAGE):
            self.say(self.shelf.message(rows[start : start + PAGE], start))
        self.say({"type": "welcome", "session": self.sending.session, "version": self.shelf.version})
        if self.shelf.selected:
            self.say({"type": "select", "ids": [*self.shelf.selected]})
        self.page.again()

    def _add(self, message: messages.Add) -> None:
        rows = {file.key: self.hold(file) for file in message.files}
        self.look(rows.values())
        ids = {key: row.id for key, row in rows.items()}
        self.say({"type": "added", "request": message.request, "ids": ids, "refused": {}})
        self.changed("frame")

    def _ping(self, message: messages.Ping) -> None:
        taken = self.lines.taken(message.line)
        self.say({"type": "pong", "n": message.n, "line": message.line, "at": message.at, "taken": taken})

    def hold(self, file: messages.File) -> WidgetRow:
        """Make a row for a file that a browser has."""
        self.ready()
        row = self.shelf.add()
        cell = f"browser://{self.sending.session}/{row.id}/{file.name}"
        row.held = PickedFile.of(file, cell, self.below)
        self.page.hold(row.id, row.held.source())
        return row

    def look(self, rows: Iterable[WidgetRow]) -> None:
        """Look at rows anew, and tell the browser."""
        self.shelf.touch(self.checks.look(rows))
        self.tell()

    def tell(self, request: str | int | None = None) -> None:
        """Tell the browser of the rows that have changed; the last page answers a request."""
        rows = self.shelf.take(PAGE)
        while rows or request is not None:
            message, rows = self.shelf.message(rows), self.shelf.take(PAGE)
            if not rows and request is not None:
                message, request = {**message, "request": request}, None
            self.say(message)

    def remove(self, ids: list[str]) -> None:
        """Take picked files away that are not on their way, up, or in doubt; an input's rows stay."""
        rows = [row for row in self.shelf.some(ids) if row.held is not None and row.editable]
        changed: set[WidgetRow] = set()
        for row in rows:
            changed |= self.checks.forget(row)
            self.shelf.remove(row)
            row.run = None
            if row.held is not None:
                self.page.drop(row.held.source())
        self.say({"type": "gone", "ids": [row.id for row in rows]})
        self._resettle(changed)
        self.changed("frame", "selection", "results")

    def _resettle(self, rows: Iterable[WidgetRow]) -> None:
        """Say of rows whose place has become free, or is taken, whether they can be sent."""
        for row in rows:
            if row.state in ("ready", "invalid"):
                row.settle()
        self.shelf.touch(rows)
        self.tell()

    def _select(self, message: messages.Select) -> None:
        chosen = dict.fromkeys(row.id for row in self.shelf.some(message.ids))
        if chosen != self.shelf.selected:
            self.shelf.selected = chosen
            self.changed("selection")

    def _edit(self, message: messages.Edit) -> None:
        rows = self.shelf.some(message.ids)
        self.ready()
        if len(rows) < len(message.ids):
            raise BadMessage("there is no such row", message.request)
        if not all(row.editable for row in rows):
            raise BadMessage("a row that is on its way, up, or in doubt cannot be changed", message.request)
        for row in rows:
            if message.value is None:
                row.edits.pop(message.column, None)
            else:
                row.edits[message.column] = message.value
            row.state, row.result, row.known, row.run, row.dropped = "ready", None, None, None, False
        self.shelf.touch([*rows, *self.checks.look(rows)])
        self.tell(message.request)
        self.changed("frame", "results")

    # Runs

    def send(self, ids: list[str] | None) -> None:
        """Send rows that are ready; None: all that are."""
        self.ready()
        self._start([row for row in self.shelf.some(ids) if row.state == "ready"])

    def retry(self, ids: list[str] | None) -> None:
        """Send rows again that failed, were cancelled, or are in doubt, of which the library is asked first."""
        rows = [row for row in self.shelf.some(ids) if row.state in AGAIN]
        kept = {row for row in rows if row.run is not None and row.run.keep(row)}
        for row in kept:
            row.state, row.dropped = "queued", False
        self.shelf.touch(kept)
        self._start([row for row in rows if row.run is None and not row.problems])

    def settle(self, rows: list[WidgetRow]) -> None:
        """Look for rows in doubt, and send nothing."""
        self._start(rows, looks=True)

    def _start(self, rows: list[WidgetRow], *, looks: bool = False) -> None:
        if not rows:
            self.tell()
            return
        after = {row.last for row in rows if row.state == "unknown" and row.last is not None}
        run = Run(rows, self.sheet, self.page, self.sending, self._attempted, self._ended, after=[*after], looks=looks)
        for row in rows:
            row.run = row.last = run
            row.state = "queued"
        self.runs.append(run)
        self.trouble = ""
        self.shelf.touch(rows)
        self.tell()
        self.changed("results")
        run.done.add_done_callback(lambda _: self._over(run))
        run.start()

    def _over(self, run: Run) -> None:
        with self.lock:
            self.runs.remove(run)
            self.bytes += run.bytes
            self.seconds += time.monotonic() - run.began
            if run.trouble:
                self.trouble = run.trouble
                self.say({"type": "error", "request": None, "message": run.trouble})
            self.changed("results")

    def cancel(self, ids: list[str] | None) -> None:
        """Send nothing more of some rows, or of all; of those that have begun to leave, it is looked what became.

        Who cancels all for a second time does not want to wait for that: they stay in doubt.
        """
        rows = [row for row in self.shelf.some(ids) if row.run is not None]
        if ids is None and not any(row.state in BUSY and not row.dropped for row in rows):
            for run in self.runs:
                run.stop()
        for row in rows:
            self._let_go(row)
        self.shelf.touch(rows)
        self.tell()
        self.changed("results")

    def _let_go(self, row: WidgetRow) -> None:
        if row.run is None or row.state in UP:
            return
        row.run.drop(row)
        row.dropped = True
        if row.state == "queued" and row.result is None:
            row.state = "cancelled"
        self.page.stop(row.id)

    def _attempted(self, run: Run, row: WidgetRow) -> None:
        with self.lock:
            if row.run is not run:
                return  # it was edited or removed, after it had been cancelled
            row.state = "sending" if row.held is not None or row.shown.source == "file" else "processing"
            self.shelf.touch([row])
            self.changed()

    def _ended(self, run: Run, row: WidgetRow, result: Result) -> None:
        with self.lock:
            if row.run is not run:
                return
            row.result, row.state, row.run, row.dropped = result, result.status, None, False
            if result.status != "unknown":
                row.known = None
            self.shelf.touch([row])
            self.changed("results")

    def _progress(self, message: messages.Progress) -> None:
        row = self.shelf.get(message.id)
        attempt = self.page.progress(message)
        if row is None or attempt is None or row.state != "sending" or attempt.loaded < attempt.size:
            return
        row.state = "processing"
        self.shelf.touch([row])
        self.changed()

    def _result(self, message: messages.Answer) -> None:
        if not self.page.result(message):
            raise BadMessage("nobody asked for this attempt")
        self.say({"type": "ack", "id": message.id, "attempt": message.attempt})


def adopt(desk: Controller, message: Adopt) -> None:
    """Register the rows of another session again; those that may have left are looked for, and not sent."""
    known = _known(desk, message.session)
    rows = {orphan.file.key: _registered(desk, orphan, known.get(orphan.id)) for orphan in message.rows}
    desk.look(rows.values())
    desk.say({"type": "added", "request": None, "ids": {key: row.id for key, row in rows.items()}, "refused": {}})
    desk.settle([row for row in rows.values() if row.state == "unknown"])
    desk.changed("frame", "results")


def _registered(desk: Controller, orphan: Orphan, known: RowHistory | None) -> WidgetRow:
    row = desk.hold(orphan.file)
    row.edits = {column: value for column, value in orphan.edits.items() if value is not None}
    if known is not None and (known.in_doubt or known.result.status in UP):
        row.known, row.result, row.state = known, known.result, known.result.status
    elif known is None and (orphan.state in BUSY - {"queued"} or orphan.state == "unknown"):
        words = "the kernel ended while it was being sent, and its journal is not here"
        row.result, row.state = Result("unknown", "connection_lost", words), "unknown"
    return row


def _known(desk: Controller, session: str) -> dict[str, RowHistory]:
    """Give what the journals of a session know, by the names that its rows had; later ones know better."""
    found: dict[str, RowHistory] = {}
    for path in journals(desk.sending.folder, session):
        with suppress(Error, KeyError, OSError):
            found |= _read(path, desk.sending.account, f"browser://{session}/")
    return found


def _read(path: Path, account: Account, start: str) -> dict[str, RowHistory]:
    found = {}
    record, table, _ = catalog.open_interrupted(path, account)
    with record.journal:
        for chunk in table.chunks():
            cells = chunk.frame["file"].tolist()
            for position, known in record.known(chunk).items():
                cell = cells[position - chunk.start]
                if isinstance(cell, str) and cell.startswith(start):
                    found[cell.removeprefix(start).partition("/")[0]] = known
    return found
