"""Rows of a kernel that has ended, whose files a page still has: a new kernel adopts them."""

from collections.abc import Callable, Sequence

from ikpipe.journal.history import RowHistory
from ikpipe.request.result import SETTLED, Result
from ikpipe.widget.links import read_links
from ikpipe.widget.messages import AdoptMessage, BrowserFile, OrphanedRow
from ikpipe.widget.rows import IN_PROGRESS, WidgetRow
from ikpipe.widget.runs import RunConfig, session_histories

_MAYBE_STORED = SETTLED | IN_PROGRESS - {"queued"} | {"unknown"}
"""The states in which the file of a row may be stored."""


class Adoption:
    """Adopts rows of other sessions.

    `add_row` adds a row for a file of a page, `add_urls` rows for URLs; `apply_picture` applies edits of its picture.
    """

    def __init__(
        self,
        config: RunConfig,
        add_row: Callable[[BrowserFile], WidgetRow],
        add_urls: Callable[[Sequence[str]], list[WidgetRow]],
        apply_picture: Callable[[WidgetRow], None],
    ) -> None:
        self._config, self._add_row, self._add_urls, self._apply_picture = config, add_row, add_urls, apply_picture
        self._adopted: dict[tuple[str, str], WidgetRow] = {}

    def adopt(self, message: AdoptMessage) -> tuple[dict[str, WidgetRow], list[WidgetRow]]:
        """Return the rows by the keys of their files, and those that are new: another page can have sent the others.

        A row that may be stored is `unknown`, unless a journal knows its result.
        """
        histories = session_histories(self._config, message.session)
        orphans = {orphan.id: orphan for orphan in message.rows}
        new = [orphan for orphan in orphans.values() if (message.session, orphan.id) not in self._adopted]
        for orphan, row in zip(new, self._rows(new), strict=True):
            self._adopted[message.session, orphan.id] = row
            _restore(row, orphan, histories.get(orphan.id))
            self._apply_picture(row)
        rows = {orphan.file.key: self._adopted[message.session, orphan.id] for orphan in message.rows}
        return rows, [self._adopted[message.session, orphan.id] for orphan in new]

    def _rows(self, orphans: Sequence[OrphanedRow]) -> list[WidgetRow]:
        """Return new rows of files and URLs; one that has no valid URL is a file that no page has."""
        linked = [orphan for orphan in orphans if orphan.url and not read_links([orphan.url])[1]]
        links = dict(
            zip(map(id, linked), self._add_urls(read_links([orphan.url for orphan in linked])[0]), strict=True)
        )
        return [links.get(id(orphan)) or self._add_row(orphan.file) for orphan in orphans]


def _restore(row: WidgetRow, orphan: OrphanedRow, history: RowHistory | None) -> None:
    """Set the edits of a row, and what is known of its upload."""
    row.edits = {column: value for column, value in orphan.edits.items() if value is not None}
    row.changed = orphan.changed
    if orphan.state == "deleted":
        row.state = "deleted"
    elif history is not None and (history.is_unknown or history.result.status in SETTLED):
        row.history, row.result, row.state = history, history.result, history.result.status
    elif history is None and orphan.state in _MAYBE_STORED:
        message = "The kernel ended during the upload, and its journal is not here."
        row.result, row.state = Result("unknown", "connection_lost", message), "unknown"
