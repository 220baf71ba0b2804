"""The widget: its traits, the messages' way in and out, and what Python sees of it."""

from __future__ import annotations

import asyncio
import io
import secrets
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import pandas as pd
import traitlets

from ikpipe.errors import Error
from ikpipe.frames.chunks import InMemoryTable
from ikpipe.frames.results import results_frame, with_result_columns
from ikpipe.journal import catalog
from ikpipe.request.known_runs import remember
from ikpipe.request.policy import Policy
from ikpipe.run.engine import check_account
from ikpipe.run.prepare import collect_mapping
from ikpipe.service.client import ServiceClient
from ikpipe.service.library import metadata_fields
from ikpipe.service.public_hosts import FetchHosts
from ikpipe.widget import assets, messages, previews
from ikpipe.widget.controller import Controller
from ikpipe.widget.messages import BadMessage
from ikpipe.widget.notifier import Notifier
from ikpipe.widget.runs import Sending
from ikpipe.widget.sheet import EditedTable, files_below, labels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ikpipe.request.account import Account
    from ikpipe.request.metadata import MetadataField
    from ikpipe.run.prepare import Fetch
    from ikpipe.widget.rows import WidgetRow

_BETWEEN = 0.25  # seconds between two totals


class Uploader(anywidget.AnyWidget):
    """Pick files, look at them, mend, send and see: a small application in a notebook's cell.

    Files that are picked in the browser go straight from there to the service, with tokens that are signed here; the
    rows of a frame are sent from here. Both are rows of one table, which Python sees as `frame`, `selection` and
    `results`; each of these can be observed: ``uploader.observe(handler, names="results")``.

    Parameters
    ----------
    account
        Keys and addresses. The private key never leaves this process.
    frame
        Rows to begin with; it is never changed. None: none, or the files below `root`.
    columns, root, fetch, fetch_hosts, **parameters
        As for `ikpipe.upload`; the parameters hold for picked files, too.
    name
        What this uploader is called, where a page has several.
    journal
        Folder for the journals of its runs; None is the user's state folder.
    concurrency, rate, policy
        As for `ikpipe.upload`; by default a browser sends 6 files at once.

    Raises
    ------
    MappingError
        Columns, templates or keywords do not fit the frame.
    AccountError
        No tokens can be signed for the account.
    """

    _esm = assets.script()
    _css = assets.style()
    session = traitlets.Unicode(read_only=True).tag(sync=True)
    settings = traitlets.Dict(read_only=True).tag(sync=True)
    summary = traitlets.Dict(read_only=True).tag(sync=True)

    def __init__(
        self,
        account: Account,
        frame: Any = None,
        *,
        columns: Mapping[str, Any] | None = None,
        root: str | Path | None = None,
        name: str = "uploader",
        journal: str | Path | None = None,
        concurrency: int | None = None,
        rate: float | None = None,
        policy: Policy | None = None,
        fetch: Fetch = "server",
        fetch_hosts: Sequence[str] = (),
        **parameters: Any,
    ) -> None:
        check_account(account)
        mapping = collect_mapping(columns, root, None, fetch, parameters)
        table = files_below(Path(root), parameters.get("folder")) if frame is None and root is not None else frame
        sheet = EditedTable(pd.DataFrame() if table is None else InMemoryTable(table).frame.copy(), mapping)
        sheet.check()
        folder = catalog.folder() if journal is None else Path(journal)
        sending = Sending(
            account, policy or Policy(), concurrency, rate, folder, secrets.token_hex(16), FetchHosts.read(fetch_hosts)
        )
        self._marks: set[str] = set()
        self._totalled = 0.0
        self._known: str | None = None  # under which `retry` finds the mapping of the results
        self._desk = Controller(sheet, sending, self.send_message, self._mark)
        self._beat = Notifier(self._tell)
        super().__init__()
        self.set_trait("settings", assets.settings(account, mapping, name, None))
        self.set_trait("summary", self._summed())
        self.on_msg(self._hear)
        if account.private_key is not None:
            threading.Thread(target=self._ask_fields, args=(account,), name="ikpipe.fields", daemon=True).start()

    @traitlets.observe("comm")
    def _go_as_sent(self, change: Any) -> None:
        """Let what a page says go the way that the page chose: beside the cells, where it can.

        ipykernel sends it where the widget spoke last from. Whatever a cell, or a thread, tells the page would so make
        the page's next message wait until that cell has ended.
        """
        if hasattr(change["new"], "_reply_subshell_for"):
            change["new"]._reply_subshell_for = _as_sent  # noqa: SLF001 - it has no other way to be told

    @traitlets.default("session")
    def _named(self) -> str:
        """Name the session, which a page has to know from the first."""
        return self._desk.sending.session

    def __repr__(self) -> str:
        return f"Uploader({self._desk.shelf.counted()})"

    # What Python sees

    @property
    def frame(self) -> pd.DataFrame:
        """The input's rows as they were edited, then those of picked files: `file`, `size`, `type`, `folder`.

        With `mapping`, `ikpipe.upload` does with it what this widget does, but for files that only a browser has.
        """
        with self._desk.lock:
            return self._framed(list(self._desk.shelf))

    @property
    def mapping(self) -> dict[str, Any]:
        """The keywords that go with `frame`: ``uploader.frame.pipe(ikpipe.upload, account, **uploader.mapping)``."""
        with self._desk.lock:
            sheet = self._desk.sheet
            mapping = sheet.mapping(sheet.edited(self._desk.shelf))
        kept = {name: mapping[name] for name in ("columns", "root", "fetch") if mapping[name]}
        return {**kept, **mapping["parameters"]}

    @property
    def selection(self) -> pd.DataFrame:
        """The rows of `frame` that are selected."""
        with self._desk.lock:
            return self._framed(self._desk.shelf.some(self._desk.shelf.selected))

    @property
    def results(self) -> pd.DataFrame:
        """What became of the rows that were sent, as `ikpipe.upload` gives it; it grows while they are."""
        with self._desk.lock:
            self._desk.ready()
            rows = [row for row in self._desk.shelf if row.result is not None and row.run is None]
            frame = self._framed(rows)
            found = with_result_columns(
                frame, results_frame([row.result for row in rows if row.result is not None], len(rows))
            )
            counts = pd.Series([row.state for row in rows], dtype=object).value_counts()
            mapping = self._desk.sheet.mapping(self._desk.sheet.edited(rows))
            self._known = remember(mapping, None, self._known)
            found.attrs = {
                **frame.attrs,
                "ikpipe": {
                    "run": None,
                    "id": self._known,
                    "journal": None,
                    "rows": len(rows),
                    "counts": {str(state): int(count) for state, count in counts.items()},
                    "bytes": self._sent(),
                    "seconds": round(self._seconds(), 3),
                    "interrupted": False,
                    "mapping": mapping,
                },
            }
            return found

    def select(self, mask: Any) -> None:
        """Select rows of `frame`.

        Parameters
        ----------
        mask
            What ``frame.loc[…]`` takes: a mask, labels, a slice, or a function of the frame.
        """
        with self._desk.lock:
            rows = list(self._desk.shelf)
            frame = self._framed(rows)
            chosen = mask(frame) if callable(mask) else mask
            places = pd.Series(range(len(rows)), index=frame.index).loc[chosen]
            ids = [rows[place].id for place in (places if isinstance(places, pd.Series) else [places])]
            self._desk.shelf.selected = dict.fromkeys(ids)
            self.send_message({"type": "select", "ids": ids})
        self._mark("selection")

    def send(self, selection: Any = None, buffers: Any = None) -> None:
        """Send all rows that are ready, or those that are selected; it returns at once, see `done`.

        Parameters
        ----------
        selection
            True: only the rows that are selected. A dict is a message for the browser, as of any widget.
        """
        if isinstance(selection, dict):
            super().send(selection, buffers)
            return
        with self._desk.lock:
            self._desk.send([*self._desk.shelf.selected] if selection else None)

    def retry(self) -> None:
        """Send again what failed, was cancelled, or is in doubt, of which the library is asked first."""
        with self._desk.lock:
            self._desk.retry(None)

    def cancel(self) -> None:
        """Send nothing more; of what has begun to leave it is found out what became of it, unless called twice."""
        with self._desk.lock:
            self._desk.cancel(None)

    async def done(self) -> pd.DataFrame:
        """Wait until nothing is on its way any more, and give the results."""
        while runs := list(self._desk.runs):
            await asyncio.gather(*(asyncio.wrap_future(run.done) for run in runs))
            await asyncio.sleep(0)
        self._tell()
        return self.results

    # The browser

    def send_message(self, message: Mapping[str, Any], buffers: Sequence[bytes] = ()) -> None:
        """Send a message to the pages that show this uploader."""
        super().send(dict(message), list(buffers))

    def _hear(self, _widget: Any, content: object, _buffers: object) -> None:
        """Take a message in; one that is not understood changes nothing, nor does one that comes twice."""
        lines = self._desk.lines
        with lines.lock:
            try:
                place = messages.place(content)
            except BadMessage as bad:
                self.send_message({"type": "error", "request": None, "message": str(bad)})
                return
            if place is None or lines.take(*place):
                self._take(content)

    def _take(self, content: object) -> None:
        request = None
        try:
            message = messages.read(content)
            request = getattr(message, "request", None)
            if isinstance(message, messages.Preview):
                self._preview(message)
            elif isinstance(message, messages.Csv):
                self.send_message({"type": "csv", "request": request, "text": self._csv()})
            else:
                self._desk.hear(message)
        except BadMessage as bad:
            self.send_message({"type": "error", "request": bad.request or request, "message": str(bad)})
        except Error as error:
            self.send_message({"type": "error", "request": request, "message": str(error)})

    def _csv(self) -> str:
        from ikpipe.frames.io.results import write_csv

        stream = io.BytesIO()
        write_csv(self.results, stream)
        return stream.getvalue().decode()

    def _preview(self, message: messages.Preview) -> None:
        with self._desk.lock:
            rows = self._desk.shelf.some(message.ids)
        for row in rows:
            self._looker.submit(self._look, row, message.size)

    @cached_property
    def _looker(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(1, "ikpipe.looks")

    def _look(self, row: WidgetRow, size: str) -> None:
        shown = row.shown
        found = previews.look(shown.file, shown.kind, size)
        head = {"type": "preview", "id": row.id, "size": size}
        if found is None:
            self.send_message({**head, "none": True})
        else:
            pixels = {} if found.pixels is None else {"pixels": [*found.pixels]}
            self.send_message({**head, "media": found.type, **pixels}, [found.content])

    # What changes

    def _mark(self, *names: str) -> None:
        with self._desk.lock:  # since another thread takes them
            self._marks.update(names)
        self._beat.mark()

    def _tell(self) -> bool:
        """Tell the browser and whoever observes what has changed; gives whether something is on its way."""
        with self._desk.lock:
            self._desk.tell()
            names, self._marks = self._marks, set()
            summary = self._summed()
        if summary != self.summary:
            self.set_trait("summary", summary)
        busy = bool(self._desk.runs)
        if busy:
            self._total()
        for name in sorted(names):
            if self._trait_notifiers.get(name) or self._trait_notifiers.get(traitlets.All):
                change = {"name": name, "old": None, "new": getattr(self, name), "owner": self, "type": "change"}
                self.notify_change(traitlets.Bunch(change))
        return busy

    def _summed(self) -> dict[str, Any]:
        desk = self._desk
        summary = {"counts": desk.shelf.counted(), "rows": len(desk.shelf), "busy": bool(desk.runs)}
        return {**summary, "bytes": self._sent(), "seconds": round(self._seconds(), 1), "trouble": desk.trouble}

    def _sent(self) -> int:
        desk = self._desk
        return desk.bytes + sum(run.bytes for run in desk.runs)

    def _seconds(self) -> float:
        now = time.monotonic()
        return self._desk.seconds + sum(now - run.began for run in self._desk.runs)

    def _total(self) -> None:
        """Tell how far the runs are, now and then."""
        now = time.monotonic()
        if now - self._totalled < _BETWEEN:
            return
        self._totalled = now
        self.send_message(assets.totals(self._desk))

    def _framed(self, rows: list[WidgetRow]) -> pd.DataFrame:
        sheet = self._desk.sheet
        frame = sheet.frame(rows)
        frame.index = labels(sheet.input.index, rows)
        frame.attrs = dict(sheet.input.attrs)
        return frame

    def _ask_fields(self, account: Account) -> None:
        """Ask for the account's metadata fields, so that they are offered with their types."""

        async def ask() -> Mapping[str, MetadataField]:
            async with ServiceClient() as wire:
                return await metadata_fields(wire, account)

        try:
            fields = asyncio.run(ask())
        except (Error, OSError):
            return
        given = self._desk.sheet.given
        self.set_trait("settings", assets.settings(account, given, self.settings["name"], fields))
        self._desk.learn(fields)


def _as_sent(_data: object, chosen: str | None) -> str | None:
    """Give the line that a page chose for a message."""
    return chosen
