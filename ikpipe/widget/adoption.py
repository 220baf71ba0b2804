"""Rows of a kernel that has ended, whose files a page still has: a new kernel adopts them."""

from collections.abc import Callable

from ikpipe.journal.history import RowHistory
from ikpipe.request.result import SETTLED, Result
from ikpipe.widget.messages import AdoptMessage, BrowserFile, OrphanedRow
from ikpipe.widget.rows import IN_PROGRESS, WidgetRow
from ikpipe.widget.runs import RunConfig, session_histories

_MAYBE_STORED = SETTLED | IN_PROGRESS - {"queued"} | {"unknown"}
"""The states in which the file of a row may be stored."""


class Adoption:
    """Adopts rows of other sessions; `add_row` adds a row for a file of a page."""

    def __init__(self, config: RunConfig, add_row: Callable[[BrowserFile], WidgetRow]) -> None:
        self._config, self._add_row = config, add_row
        self._adopted: dict[tuple[str, str], WidgetRow] = {}

    def adopt(self, message: AdoptMessage) -> tuple[dict[str, WidgetRow], list[WidgetRow]]:
        """Return the rows by the keys of their files, and those that are new: another page can have sent the others.

        A row that may be stored is `unknown`, unless a journal knows its result.
        """
        histories = session_histories(self._config, message.session)
        rows, new = {}, []
        for orphan in message.rows:
            row = self._adopted.get((message.session, orphan.id))
            if row is None:
                row = self._adopted[message.session, orphan.id] = self._row(orphan, histories.get(orphan.id))
                new.append(row)
            rows[orphan.file.key] = row
        return rows, new

    def _row(self, orphan: OrphanedRow, history: RowHistory | None) -> WidgetRow:
        row = self._add_row(orphan.file)
        row.edits = {column: value for column, value in orphan.edits.items() if value is not None}
        if history is not None and (history.is_unknown or history.result.status in SETTLED):
            row.history, row.result, row.state = history, history.result, history.result.status
        elif history is None and orphan.state in _MAYBE_STORED:
            message = "The kernel ended during the upload, and its journal is not here."
            row.result, row.state = Result("unknown", "connection_lost", message), "unknown"
        return row
