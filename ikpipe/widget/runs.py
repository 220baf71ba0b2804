"""Runs of the uploader, each in a separate thread: they upload rows by the same engine as `ikpipe.upload`."""

from __future__ import annotations

import asyncio
import logging
import re
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from ikpipe.concurrency.interrupts import CURRENT_CONTROL, RunControl
from ikpipe.errors import Error, JournalError
from ikpipe.frames.chunks import Chunk
from ikpipe.frames.results import results_frame, with_result_columns
from ikpipe.journal import catalog, history
from ikpipe.journal.history import RowHistory
from ikpipe.journal.sqlite import SQLiteJournal
from ikpipe.request.account import Account
from ikpipe.request.policy import Policy
from ikpipe.request.result import CANCELLED, SETTLED, Result
from ikpipe.run import engine
from ikpipe.run.job import UploadJob
from ikpipe.run.options import SendOptions
from ikpipe.run.progress import Progress
from ikpipe.service.public_hosts import FetchHosts
from ikpipe.widget.browser_client import BrowserClient
from ikpipe.widget.browser_uploads import BrowserUploads
from ikpipe.widget.edited_table import EditedTable
from ikpipe.widget.reasons import run_reason
from ikpipe.widget.rows import WidgetRow

_log = logging.getLogger("ikpipe.widget")

_SESSION = re.compile(r"[0-9a-f]{32}")
_SMALL, _SMALL_IN_FLIGHT = 256_000, 24  # bytes of a small file, and how many of them are in flight
_UNCONFIRMED = frozenset({"connection_lost", "timed_out", "server_error", "bad_reply"})
"""The error codes of attempts after which a file may be stored."""


class RunConfig(NamedTuple):
    """How the runs of a session upload: the keywords of `Uploader`, and the folder of their journals."""

    account: Account
    policy: Policy
    concurrency: int | None
    rate: float | None
    folder: Path
    session: str
    hosts: FetchHosts = FetchHosts()
    state: str | None = None
    run: str | None = None


class Run:
    """A run, which uploads some rows, those of the input frame first.

    `row_started` and `row_ended` are called from the run's thread when the upload of a row starts, and when it ends.
    `row_confirmed` is called if it becomes known later what became of a row that was ended before, with `end`.
    `after` are runs to wait for, since their journals know what may be stored. `confirm_only` uploads nothing, and only
    searches the media library for rows that may be stored.
    """

    def __init__(
        self,
        rows: Sequence[WidgetRow],
        table: EditedTable,
        uploads: BrowserUploads,
        config: RunConfig,
        row_started: Callable[[Run, WidgetRow], None],
        row_ended: Callable[[Run, WidgetRow, Result], None],
        row_confirmed: Callable[[Run, WidgetRow, Result], None],
        *,
        after: Sequence[Run] = (),
        confirm_only: bool = False,
    ) -> None:
        when = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
        self.path = config.folder / f"{when}-{config.session}-{uuid.uuid4().hex[:4]}{catalog.ENDING}"
        self.rows, self.bytes = list(rows), 0
        self.total_bytes, self.ended_bytes = sum(row.view.size or 0 for row in self.rows), 0
        self.started, self.error, self.reason, self.failed_rows = time.monotonic(), "", "", 0
        self.done: Future[None] = Future()
        self._positions = {row.id: position for position, row in enumerate(self.rows)}
        self._unfinished = set(range(len(self.rows)))
        self._table, self._uploads, self._config, self._after = table, uploads, config, after
        self._row_started, self._row_ended, self._row_confirmed = row_started, row_ended, row_confirmed
        self._control = RunControl()
        self._cancelled = self._control.cancelled_positions = set(self._positions.values()) if confirm_only else set()

    @property
    def ended_rows(self) -> int:
        """How many of its rows have ended."""
        return len(self.rows) - len(self._unfinished)

    def start(self) -> None:
        """Start the run's thread."""
        threading.Thread(target=self._run, name="ikpipe.uploader", daemon=True).start()

    def cancel(self, row: WidgetRow) -> None:
        """Cancel a row: nothing more of it is sent, and if it may be stored, the media library is searched for it."""
        self._cancelled.add(self._positions[row.id])

    def uncancel(self, row: WidgetRow) -> bool:
        """Undo the cancellation of a row, and return whether it had not ended yet."""
        position = self._positions[row.id]
        self._cancelled.discard(position)
        return position in self._unfinished

    def end(self, row: WidgetRow, result: Result) -> None:
        """End a row with a result, and send nothing more of it; what becomes known later is reported, too."""
        self._cancelled.add(self._positions[row.id])
        self._on_result(self._positions[row.id], result)

    @property
    def cancelled_bytes(self) -> int:
        """How many bytes the rows have that were cancelled and have not ended."""
        return sum(self.rows[position].view.size or 0 for position in self._cancelled & self._unfinished)

    def stop(self) -> None:
        """Stop the run without searching for rows that may be stored: they stay unknown."""
        self._control.interrupt()

    def _on_cancelled(self, row_id: str) -> None:
        if row_id in self._positions:
            self._cancelled.add(self._positions[row_id])

    def _is_current(self, row_id: str) -> bool:
        """Whether a row is still in this run: one that was cancelled, then edited or removed, is not."""
        return row_id in self._positions and self.rows[self._positions[row_id]].run is self

    def _run(self) -> None:
        try:
            asyncio.run(self._upload())
        except (Error, OSError) as error:
            self.error, self.reason = str(error), run_reason(error)
        except Exception as error:  # noqa: BLE001 - nothing else would report it
            self.error, self.reason = f"{type(error).__name__}: {error}", run_reason(error)
            _log.exception("A run of the uploader failed.")
        finally:
            # Rows of which nothing was sent: if the run could not start at all, that is all of them.
            for position in sorted(self._unfinished):
                self._row_ended(self, self.rows[position], replace(CANCELLED))
            self._unfinished.clear()
            self.done.set_result(None)

    async def _upload(self) -> None:
        for run in self._after:
            await asyncio.wrap_future(run.done)
        CURRENT_CONTROL.set(self._control)
        config = self._config
        config.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if catalog.is_journals_folder(config.folder):
            catalog.delete_old(time.time())
        client = BrowserClient(
            self._uploads, config.account, config.policy, self._on_cancelled, self._is_current, config.hosts
        )
        options = SendOptions(
            client,
            config.policy,
            concurrency=config.concurrency or self._concurrency(),
            rate=config.rate,
            state=config.state,
            run=config.run,
            on_result=self._on_result,
            on_attempt=lambda position: self._row_started(self, self.rows[position]),
            progress=self._on_progress,
        )
        await engine.begin(self._job(), config.account, options, _RemainingResults(self._on_result), self.path)

    def _concurrency(self) -> int | None:
        """Return the number of rows in flight; None for the best one.

        Browsers send six files at a time to a host. Small ones take longer to be confirmed than to be sent, so more
        are in flight.
        """
        small = self.total_bytes <= len(self.rows) * _SMALL and all(row.picked is not None for row in self.rows)
        return _SMALL_IN_FLIGHT if small else None

    def _job(self) -> UploadJob:
        """Return the job; with rows that may be stored, it has their earlier results and what journals know of them."""
        edited = self._table.edited_columns(self.rows)
        frame, mapping = self._table.frame(self.rows, edited), self._table.mapping(edited)
        results = [row.result or CANCELLED for row in self.rows]
        if not any(result.status == "unknown" for result in results):
            return UploadJob(self._table.part(frame), mapping, checks="nothing")
        frame = with_result_columns(frame, results_frame(results, len(results)))
        histories = {position: row.history for position, row in enumerate(self.rows) if row.history is not None}
        earlier = history.unknown_by_path(histories)
        for run in self._after:
            earlier |= history.unknown_by_path(journal_histories(run.path, self._config.account))
        return UploadJob(
            self._table.part(frame), mapping, has_results=True, histories_by_path=earlier, checks="nothing"
        )

    def _on_progress(self, progress: Progress) -> None:
        self.bytes = progress.bytes

    def _on_result(self, position: int, result: Result) -> None:
        """Report a row's result once."""
        if position in self._cancelled and result.status == "failed" and result.error in _UNCONFIRMED:
            # The media library was searched, and does not have it.
            message = "The upload was cancelled, and the file is not stored."
            result = Result("cancelled", "cancelled", message, attempts=result.attempts, seconds=result.seconds)
        try:
            self._unfinished.remove(position)
        except KeyError:
            self._row_confirmed(self, self.rows[position], result)
            return
        self.ended_bytes += self.rows[position].view.size or 0
        self.failed_rows += result.status not in SETTLED
        self._row_ended(self, self.rows[position], result)


class _RemainingResults:
    """Reports the results of rows that ended without a callback because the run was stopped at once."""

    def __init__(self, on_result: Callable[[int, Result], None]) -> None:
        self._on_result = on_result

    def prepare(self, chunk: Chunk, results: list[Result] | None) -> None:
        """Report the results of a chunk."""
        for position, result in enumerate(results or (), chunk.start):
            if result.status != "cancelled":
                self._on_result(position, result)

    def take(self, prepared: None) -> None:
        """Do nothing: the rows have their results."""

    def close(self, summary: Mapping[str, Any]) -> None:
        """Do nothing."""


def journal_histories(path: Path, account: Account) -> dict[int, RowHistory]:
    """Return what a run's journal knows, by position; nothing if it is missing, in use, or not proven."""
    with suppress(JournalError), SQLiteJournal.open(path, account) as journal:
        return history.histories_of_records(journal.records(), catalog.token_signer(account))
    return {}


def session_histories(config: RunConfig, session: str) -> dict[str, RowHistory]:
    """Return what the journals of another session know, by row id; later journals override earlier ones."""
    histories: dict[str, RowHistory] = {}
    if _SESSION.fullmatch(session):  # it comes from a page, and becomes a part of a path
        for path in sorted(config.folder.glob(f"*-{session}-*{catalog.ENDING}")):
            with suppress(Error, KeyError, OSError):
                histories |= _picked_histories(path, config.account, f"browser://{session}/")
    return histories


def _picked_histories(path: Path, account: Account, prefix: str) -> dict[str, RowHistory]:
    """Return what a journal knows of rows whose cell starts with `prefix`, by row id."""
    histories = {}
    record, table, _ = catalog.open_interrupted(path, account)
    with record.journal:
        for chunk in table.chunks():
            cells = chunk.frame["file"].tolist()
            for position, row_history in record.histories(chunk).items():
                cell = cells[position - chunk.start]
                if isinstance(cell, str) and cell.startswith(prefix):
                    histories[cell.removeprefix(prefix).partition("/")[0]] = row_history
    return histories
