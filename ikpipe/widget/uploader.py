"""The widget: its traits, its Python interface, and its messages from and to pages."""

import asyncio
import inspect
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd
import traitlets

from ikpipe.errors import Error
from ikpipe.frames.chunks import InMemoryTable
from ikpipe.journal import catalog
from ikpipe.request.account import Account
from ikpipe.request.formats import FORMATS
from ikpipe.request.metadata import MetadataField
from ikpipe.request.parameters import NAMES, PATH
from ikpipe.request.policy import Policy
from ikpipe.run.engine import check_account, send_options
from ikpipe.run.existing.rules import EXISTING, ExistingRules
from ikpipe.run.existing.state import check_state, place_of
from ikpipe.run.keywords import check_keywords
from ikpipe.run.prepare import Fetch, collect_mapping, log_warning
from ikpipe.service.client import ServiceClient
from ikpipe.service.library import metadata_fields
from ikpipe.service.public_hosts import FetchHosts
from ikpipe.widget import assets, messages
from ikpipe.widget.controller import Controller
from ikpipe.widget.edited_table import EditedTable, list_files
from ikpipe.widget.interface import check_attribute, csv_text, describe, saved_html
from ikpipe.widget.labeled_rows import LabeledRows
from ikpipe.widget.message_fields import InvalidMessage
from ikpipe.widget.notifier import Notifier
from ikpipe.widget.own_columns import own_columns
from ikpipe.widget.previews import PreviewSender
from ikpipe.widget.python_interface import PythonInterface
from ikpipe.widget.row_changes import RowChanges
from ikpipe.widget.runs import RunConfig
from ikpipe.widget.settings import page_settings

_TOTALS_INTERVAL = 0.25  # seconds
_SHOWN, _QUICK = 20, 2_000  # rows of a saved notebook, and how many there may be for it to have any


class Uploader(PythonInterface):
    """Pick, view, edit and upload files in a notebook.

    Files that are picked in the browser are uploaded from there, with tokens that are signed here; the files of a
    frame are uploaded from here. Both are rows of one table, which Python gets as `frame`, `selection` and `results`.
    Each of these can be observed: ``uploader.observe(handler, names="results")``.

    Parameters
    ----------
    account
        Keys and addresses. The private key never leaves this process.
    frame
        The first rows; never changed. None: no rows, or the files below `root`.
    columns, ignore, root, fetch, fetch_hosts, tag_separator, decimal, true_values, false_values
        As for `ikpipe.upload`.
    on_existing, changed_by, dedupe, state
        As for `ikpipe.upload`. Of a file that only the browser has, no more than the size is compared.
    **parameters
        As for `ikpipe.upload`; the parameters also apply to picked files.
    name
        The uploader's title, for notebooks with several.
    language
        ``"en"`` or ``"de"``; None is the language of the notebook, else of the browser.
    keep_files
        Keep the browser's handles of picked files until they are uploaded, so that a reloaded page still has them.
        Other notebooks of the same address can read them. Only in browsers with handles, such as Chrome.
    journal
        Folder for the journals of its runs; None is the user's state folder.
    run
        As for `ikpipe.upload`, for the rows of the frame: a restarted notebook stores them once.
    concurrency, rate, policy
        As for `ikpipe.upload`; by default a browser uploads 6 files at a time.

    Raises
    ------
    MappingError
        Columns, templates or keywords do not fit the frame.
    AccountError
        The account cannot sign tokens.
    """

    _esm = assets.script()
    _css = assets.style()
    session = traitlets.Unicode(read_only=True).tag(sync=True)
    settings = traitlets.Dict(read_only=True).tag(sync=True)
    summary = traitlets.Dict(read_only=True).tag(sync=True)
    revision = traitlets.Int().tag(sync=True)  # set by the page, so that marimo runs cells that depend on the uploader

    def __init__(
        self,
        account: Account,
        frame: Any = None,
        *,
        columns: Mapping[str, Any] | None = None,
        ignore: Sequence[Any] = (),
        root: str | Path | None = None,
        name: str = "",
        language: str | None = None,
        keep_files: bool = False,
        journal: str | Path | None = None,
        concurrency: int | None = None,
        rate: float | None = None,
        policy: Policy | None = None,
        fetch: Fetch = "server",
        fetch_hosts: Sequence[str] = (),
        state: str | Path | None = None,
        run: str | None = None,
        **parameters: Any,
    ) -> None:
        check_keywords(parameters, type(self).__init__, (*FORMATS, *EXISTING))
        script = assets.script("" if language is None else assets.language_code(language))
        formats, existing = (
            {name: parameters.pop(name) for name in some if name in parameters} for some in (FORMATS, EXISTING)
        )
        mapping = collect_mapping(columns, root, None, fetch, parameters, formats, ignore, existing)
        check_account(account, ExistingRules.of(mapping))
        given = list_files(Path(root), parameters.get("folder")) if frame is None and root is not None else frame
        if frame is None and given is not None and PATH in parameters:  # which can use {file.dir} instead
            given = given[["file"]]
        table = EditedTable(pd.DataFrame() if given is None else InMemoryTable(given).frame.copy(), mapping)
        log_warning(table.check())
        check_state(state)
        send_options(policy=policy, concurrency=concurrency, rate=rate, run=run)  # raises MappingError for invalid ones
        folder = catalog.journals_folder() if journal is None else Path(journal)
        hosts = FetchHosts.read(fetch_hosts)
        session, place = secrets.token_hex(16), None if state is None else place_of(state)
        config = RunConfig(account, policy or Policy(), concurrency, rate, folder, session, hosts, place, run)
        self._changed: set[str] = set()
        self._revision = 0
        self._last_totals = 0.0
        self._controller = Controller(table, config, self.send_message, self._on_change)
        self._rows = LabeledRows(self._controller)
        self._changes = RowChanges(self._controller, self._rows)
        self._done_handlers: list[Callable[[pd.DataFrame], object]] = []
        self._ended_runs = 0
        self._notifier = Notifier(self._notify)
        super().__init__(_esm=script)
        self.set_trait(
            "settings",
            page_settings(account, mapping, name, None, keep_files=keep_files, columns=own_columns(table.input)),
        )
        self.set_trait("summary", self._summary())
        self.on_msg(self._receive)
        if account.private_key is not None:
            load = threading.Thread(target=self._load_metadata_fields, args=(account,), name="ikpipe.fields")
            load.daemon = True
            load.start()

    @traitlets.observe("comm")
    def _keep_subshells(self, change: Any) -> None:
        """Make ipykernel handle each message in the subshell that the page chose.

        By default it chooses the subshell from which the widget sent its last message. After a message from a cell or
        a thread, the page's next message would wait until that cell ends.
        """
        if hasattr(change["new"], "_reply_subshell_for"):
            change["new"]._reply_subshell_for = _chosen_subshell  # noqa: SLF001 - there is no public way

    @traitlets.default("session")
    def _default_session(self) -> str:
        return self._controller.config.session

    def __repr__(self) -> str:
        with self._controller.lock:
            return describe(type(self).__name__, self.settings["name"], self._controller.rows.state_counts())

    def _repr_mimebundle_(self, **_options: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Return what a notebook shows: the widget, or where there are no widgets, a table or text."""
        bundle = super()._repr_mimebundle_()
        if bundle is None:
            return None
        rows = self._controller.rows
        with self._controller.lock:
            quick = len(rows) <= _QUICK
            if quick:
                self._controller.validate_all()
            some = islice(rows, _SHOWN) if quick else ()
            html = saved_html(self.settings["name"], rows.state_counts(), [*some])
        return {**bundle[0], "text/html": html}, bundle[1]

    def __setattr__(self, name: str, value: Any) -> None:
        check_attribute(type(self), name, _KEYWORDS)
        super().__setattr__(name, value)

    # Messages

    def send_message(self, message: Mapping[str, Any], buffers: Sequence[bytes] = ()) -> None:
        """Send a message to the pages that show this uploader."""
        super().send(dict(message), list(buffers))

    def _receive(self, _widget: Any, content: object, _buffers: object) -> None:
        """Handle a message once and in order; an invalid one changes nothing."""
        self._controller.order.deliver(
            content, self._handle, lambda invalid: self._send_error(invalid, None, invalid.reason)
        )
        self._controller.send_acknowledgments()

    def _handle(self, content: object) -> None:
        request = None
        try:
            message = messages.read(content)
            request = getattr(message, "request", None)
            if isinstance(message, messages.PreviewMessage):
                with self._controller.lock:
                    rows = self._controller.rows.subset(message.ids)
                self._previews.send(rows, message.size)
            elif isinstance(message, messages.CsvMessage):
                self.send_message({"type": "csv", "request": request, "text": csv_text(self.results)})
            else:
                self._controller.handle(message)
        except InvalidMessage as invalid:
            self._send_error(invalid, invalid.request or request, invalid.reason)
        except Error as error:
            self._send_error(error, request, "failed")

    def _send_error(self, error: Exception, request: str | int | None, reason: str) -> None:
        self.send_message({"type": "error", "request": request, "message": str(error), "reason": reason})

    @cached_property
    def _previews(self) -> PreviewSender:
        return PreviewSender(self.send_message)

    # Changes

    def _on_change(self, *names: str) -> None:
        with self._controller.lock:  # another thread takes them
            self._changed.update(names)
        self._notifier.mark()

    def _notify(self) -> bool:
        """Report the changes to pages and observers, and return whether a run is in progress."""
        with self._controller.lock:
            self._controller.send_changes()
            names, self._changed = self._changed, set()
            summary, ended = self._summary(), self._controller.runs.ended
        if names:
            self._revision += 1
            summary["revision"] = self._revision
        if summary != self.summary:
            self.set_trait("summary", summary)
        busy = bool(self._controller.runs)
        now = time.monotonic()
        if busy and now - self._last_totals >= _TOTALS_INTERVAL:
            self._last_totals = now
            self.send_message(self._controller.runs.progress())
        self._notify_of(sorted(names))
        if not busy and ended != self._ended_runs:
            self._ended_runs = ended
            self._call_done_handlers()
        return busy

    def _notify_of(self, names: Iterable[str]) -> None:
        for name in names:
            if self._trait_notifiers.get(name) or self._trait_notifiers.get(traitlets.All):
                change = {"name": name, "old": None, "new": getattr(self, name), "owner": self, "type": "change"}
                self.notify_change(traitlets.Bunch(change))

    def _summary(self) -> dict[str, Any]:
        controller = self._controller
        return {
            "counts": controller.rows.state_counts(),
            "rows": len(controller.rows),
            "busy": bool(controller.runs),
            "bytes": controller.runs.bytes,
            "seconds": round(controller.runs.seconds, 1),
            "revision": self._revision,
            "trouble": controller.error,
            "reason": controller.reason,
        }

    def _load_metadata_fields(self, account: Account) -> None:
        """Load the account's metadata fields, so that pages show them with their types; without them, none is shown."""

        async def load() -> Mapping[str, MetadataField]:
            """Return the account's custom metadata fields."""
            async with ServiceClient() as client:
                return await metadata_fields(client, account)

        with suppress(Error, OSError):
            fields = asyncio.run(load())
            mapping = self._controller.table.input_mapping
            name, kept = self.settings["name"], bool(self.settings["keep_files"])
            self.set_trait(
                "settings",
                page_settings(account, mapping, name, fields, keep_files=kept, columns=self.settings["columns"]),
            )
            self._controller.set_metadata_fields(fields)


_KEYWORDS = frozenset({*inspect.signature(Uploader.__init__).parameters, *NAMES, *FORMATS, *EXISTING} - {"self"})


def _chosen_subshell(_data: object, chosen: str | None) -> str | None:
    """Return the subshell that a page chose for a message."""
    return chosen
