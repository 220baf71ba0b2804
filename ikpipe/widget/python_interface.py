"""What Python reads of an uploader and does with it: its tables, its rows, its uploads."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import anywidget
import pandas as pd

from ikpipe.request.missing import without_none
from ikpipe.widget.controller import Controller
from ikpipe.widget.interface import TableTrait
from ikpipe.widget.labeled_rows import LabeledRows
from ikpipe.widget.row_changes import RowChanges

_log = logging.getLogger("ikpipe.widget")


class PythonInterface(anywidget.AnyWidget):
    """The part of the widget that Python uses."""

    _controller: Controller
    _rows: LabeledRows
    _changes: RowChanges
    _done_handlers: list[Callable[[pd.DataFrame], object]]

    @TableTrait
    def frame(self) -> pd.DataFrame:
        """Return all rows with their edits; those of picked files have `file`, `size`, `type` and `folder`.

        With `mapping`, `ikpipe.upload` uploads it as this widget does, except for files that only a browser has.
        """
        with self._controller.lock:
            return self._rows.frame()

    @property
    def mapping(self) -> dict[str, Any]:
        """The keywords that belong to `frame`: ``uploader.frame.pipe(ikpipe.upload, account, **uploader.mapping)``."""
        with self._controller.lock:
            table = self._controller.table
            mapping = table.mapping(table.edited_columns(self._controller.rows))
        keywords = {name: mapping[name] for name in ("columns", "ignore", "root", "fetch") if mapping.get(name)}
        config = self._controller.config
        sending = without_none({"state": config.state, "run": config.run})
        return {**keywords, **mapping.get("existing", {}), **sending, **mapping["parameters"]}

    @TableTrait
    def selection(self) -> pd.DataFrame:
        """Return the rows of `frame` that are selected."""
        with self._controller.lock:
            return self._rows.frame(self._controller.rows.subset(self._controller.rows.selected))

    @TableTrait
    def results(self) -> pd.DataFrame:
        """Return the rows whose upload has ended, with their results, as `ikpipe.upload` returns them."""
        with self._controller.lock:
            return self._rows.results(self._controller.runs.bytes, self._controller.runs.seconds)

    def select(self, mask: Any) -> None:
        """Select rows of `frame`.

        Parameters
        ----------
        mask
            What ``frame.loc[…]`` accepts: a mask, labels, a slice, or a function of the frame.
        """
        with self._controller.lock:
            ids = [row.id for row in self._rows.find(mask)]
            self._controller.rows.selected = dict.fromkeys(ids)
            self.send_message({"type": "select", "ids": ids})
        self._on_change("selection")

    def add(self, files: Any, **details: Any) -> pd.Index[Any]:
        """Add rows, below those that are there.

        Parameters
        ----------
        files
            A table with the columns of the mapping, as for `ikpipe.upload`, or paths, URLs or contents of files: one,
            or a list or column of them. Python reads them, as it reads the files of `frame`.
        **details
            As for `edit`.

        Returns
        -------
        pandas.Index
            The labels of the new rows in `frame`.

        Raises
        ------
        MappingError
            The mapping does not fit the table, or a detail is none of a row. No row is added.
        """
        with self._controller.lock:
            return self._changes.add(files, details)

    def edit(self, rows: Any, **details: Any) -> None:
        """Edit rows of `frame`, as one step that can be undone in the page.

        Parameters
        ----------
        rows
            What ``frame.loc[…]`` accepts: a mask, labels, a slice, or a function of the frame.
        **details
            `file_name`, `folder`, `tags`, `description`, `is_private_file`, `custom_coordinates`, or `custom_metadata`
            with the fields to change: a value for all rows, a column with the labels of `frame`, or a function of these
            rows of `frame` that returns one of them. None resets a detail. `left_out=True` leaves rows out of
            the upload and of `frame`; the page can take them in again.

        Raises
        ------
        MappingError
            A detail is none of a row, or a column has no value for a row.
        Error
            A row is uploaded, uploading or unconfirmed. No row is changed.
        """
        with self._controller.lock:
            self._changes.edit(rows, details)

    def remove(self, rows: Any) -> None:
        """Remove rows from the list, which can be undone in the page; nothing is deleted from the library.

        Parameters
        ----------
        rows
            As for `edit`.

        Raises
        ------
        Error
            A row is uploaded, uploading or unconfirmed. No row is removed.
        """
        with self._controller.lock:
            self._changes.remove(rows)

    def send(self, selection: Any = None, buffers: Any = None) -> None:
        """Upload all rows that are ready, or those of them that are selected. Returns at once; see `done`.

        Parameters
        ----------
        selection
            True: only the selected rows. A dict is a message to the page, as for any widget.
        """
        if isinstance(selection, dict):
            super().send(selection, buffers)
            return
        with self._controller.lock:
            self._controller.send([*self._controller.rows.selected] if selection else None)

    def retry(self) -> None:
        """Upload rows again that failed, were cancelled or are unknown; for those, the library is searched first."""
        with self._controller.lock:
            self._controller.retry(None)

    def cancel(self) -> None:
        """Cancel all rows. Those that may be stored are searched for, unless this is called twice."""
        with self._controller.lock:
            self._controller.cancel(None)

    async def done(self) -> pd.DataFrame:
        """Wait until nothing is being uploaded, and return the results."""
        while runs := list(self._controller.runs):
            await asyncio.gather(*(asyncio.wrap_future(run.done) for run in runs))
            await asyncio.sleep(0)
        self._notify()
        return self.results

    def on_done(self, handler: Callable[[pd.DataFrame], object], *, remove: bool = False) -> None:
        """Call a function with the results each time that all uploads have ended, in a thread of the uploader.

        Parameters
        ----------
        handler
            The function. An exception of it is logged.
        remove
            Call it no longer.
        """
        if remove and handler in self._done_handlers:
            self._done_handlers.remove(handler)
        elif not remove and handler not in self._done_handlers:
            self._done_handlers.append(handler)

    def _call_done_handlers(self) -> None:
        for handler in [*self._done_handlers]:
            try:
                handler(self.results)
            except Exception:  # noqa: BLE001 - somebody else's function
                _log.exception("A function that was passed to on_done raised an error.")
