"""Rows that a page adds: picked files, URLs, and the rows of an ended kernel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ikpipe.widget import messages
from ikpipe.widget.adoption import Adoption
from ikpipe.widget.edited_table import fixed_levels
from ikpipe.widget.folder_files import FolderFiles
from ikpipe.widget.links import Links
from ikpipe.widget.naming import allowed_edits
from ikpipe.widget.picked_files import PickedFile
from ikpipe.widget.table_rows import TableRows

if TYPE_CHECKING:
    from ikpipe.widget.controller import Controller
    from ikpipe.widget.rows import WidgetRow


class RowAdder:
    """Adds the rows that a page asks for. `handlers` are the functions that handle its messages."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        links = Links(controller)
        self._adoption = Adoption(controller.config, self._add_row, links.rows, controller.editor.apply_picture)
        self._parent = fixed_levels(controller.table.input_mapping["parameters"].get("folder"))
        self.tables = TableRows(controller, links.rows)
        self.handlers: dict[type[Any], Callable[[Any], None]] = {
            **self.tables.handlers,
            **FolderFiles(controller).handlers,
            messages.AddMessage: self._add,
            messages.AddUrlsMessage: links.add,
            messages.AdoptMessage: self._adopt,
        }

    def _add(self, message: messages.AddMessage) -> None:
        rows = {file.key: self._add_row(file) for file in message.files}
        self.tables.join(rows.values())
        self._send_picked(rows, message.request)

    def _add_row(self, file: messages.BrowserFile) -> WidgetRow:
        controller = self._controller
        controller.validate_all()
        row = controller.rows.add()
        cell = f"browser://{controller.config.session}/{row.id}/{file.name}"
        row.picked = PickedFile.from_message(file, cell, self._parent)
        controller.uploads.files.add(row.id, row.picked)
        return row

    def _send_picked(self, rows: Mapping[str, WidgetRow], request: str | int | None) -> None:
        # before the rows, so that the page knows whose files it has
        ids = {key: row.id for key, row in rows.items()}
        self._controller.send_message({"type": "added", "request": request, "ids": ids, "refused": {}})
        self._controller.send_added([*rows.values()])

    def _adopt(self, message: messages.AdoptMessage) -> None:
        """Add the rows of another session; those that may be stored are searched for, and not uploaded."""
        mapping = self._controller.table.input_mapping
        orphans = [orphan._replace(edits=allowed_edits(mapping, orphan.edits)) for orphan in message.rows]
        rows, new = self._adoption.adopt(message._replace(rows=orphans))
        self._send_picked(rows, None)
        self._controller.confirm([row for row in new if row.state == "unknown"])
        self._controller.library.read([row for row in new if row.changed])
        self._controller.on_change("frame", "results")
