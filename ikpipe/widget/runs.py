"""Runs in threads of their own: each takes some rows to their end, by the same engine as any upload."""

from __future__ import annotations

import asyncio
import logging
import re
import threading
import time
import uuid
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from ikpipe.concurrency.control import CONTROL, RunControl
from ikpipe.errors import Error, JournalError
from ikpipe.frames.results import results_frame, with_result_columns
from ikpipe.journal import catalog, history
from ikpipe.journal.sqlite import SQLiteJournal
from ikpipe.request.result import CANCELLED, Result
from ikpipe.run import engine
from ikpipe.run.job import UploadJob
from ikpipe.run.options import SendOptions
from ikpipe.service.public_hosts import FetchHosts
from ikpipe.widget.browser_client import BrowserClient

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from ikpipe.frames.chunks import Chunk
    from ikpipe.journal.history import RowHistory
    from ikpipe.request.account import Account
    from ikpipe.request.policy import Policy
    from ikpipe.run.progress import Progress
    from ikpipe.widget.browser_posts import BrowserPosts
    from ikpipe.widget.rows import WidgetRow
    from ikpipe.widget.sheet import EditedTable

_log = logging.getLogger("ikpipe")

_SESSION = re.compile(r"[0-9a-f]{32}")
_OF_A_DOUBT = frozenset({"connection_lost", "timed_out", "server_error", "bad_reply"})


class Sending(NamedTuple):
    """How the runs of a session send: the keywords of `Uploader`, and where their journals are."""

    account: Account
    policy: Policy
    concurrency: int | None
    rate: float | None
    folder: Path
    session: str
    hosts: FetchHosts = FetchHosts()


class Run:
    """Some rows on their way.

    Parameters
    ----------
    rows
        The rows, the input frame's first.
    sheet, page, sending
        Where their cells are, who has their files, how to send.
    attempted, ended
        Called from the run's thread: a row is being sent; a row has ended.
    after
        Runs that are to end first, since their journals know what is in doubt.
    looks
        Nothing is sent: what is in doubt is only looked for.
    """

    def __init__(
        self,
        rows: Sequence[WidgetRow],
        sheet: EditedTable,
        page: BrowserPosts,
        sending: Sending,
        attempted: Callable[[Run, WidgetRow], None],
        ended: Callable[[Run, WidgetRow, Result], None],
        *,
        after: Sequence[Run] = (),
        looks: bool = False,
    ) -> None:
        when = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
        self.path = sending.folder / f"{when}-{sending.session}-{uuid.uuid4().hex[:4]}{catalog.ENDING}"
        self.rows, self.bytes = list(rows), 0
        self.size, self.moved = sum(row.shown.size or 0 for row in self.rows), 0
        self.began, self.trouble = time.monotonic(), ""
        self.done: Future[None] = Future()
        self._places = {row.id: position for position, row in enumerate(self.rows)}
        self._open = set(range(len(self.rows)))
        self._sheet, self._page, self._sending, self._after = sheet, page, sending, after
        self._attempted, self._ended = attempted, ended
        self._control = RunControl()
        self._dropped = self._control.dropped = set(self._places.values()) if looks else set()

    @property
    def ended(self) -> int:
        """How many of its rows have ended."""
        return len(self.rows) - len(self._open)

    def start(self) -> None:
        """Start it."""
        threading.Thread(target=self._target, name="ikpipe.uploader", daemon=True).start()

    def drop(self, row: WidgetRow) -> None:
        """Send nothing more of a row; what may have left of it is looked for."""
        self._dropped.add(self._places[row.id])

    def keep(self, row: WidgetRow) -> bool:
        """Take a row's dropping back, and tell whether that was in time."""
        position = self._places[row.id]
        self._dropped.discard(position)
        return position in self._open

    def stop(self) -> None:
        """Look for nothing more either: what is in doubt stays so."""
        self._control.interrupt()

    def forget(self, name: str) -> None:
        """Drop a row that its browser gave up."""
        if name in self._places:
            self._dropped.add(self._places[name])

    def _has(self, name: str) -> bool:
        """Tell whether a row is in this run still: one that was cancelled, then edited or removed, is not."""
        return name in self._places and self.rows[self._places[name]].run is self

    def _target(self) -> None:
        try:
            asyncio.run(self._go())
        except (Error, OSError) as error:
            self.trouble = str(error)
        except Exception as error:  # noqa: BLE001 - nobody else would hear of it
            self.trouble = f"{type(error).__name__}: {error}"
            _log.exception("a run of the uploader ended early")
        finally:
            self._give_back()
            self.done.set_result(None)

    async def _go(self) -> None:
        for run in self._after:
            await asyncio.wrap_future(run.done)
        CONTROL.set(self._control)
        sending = self._sending
        sending.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if sending.folder == catalog.folder():
            catalog.clear(time.time())
        wire = BrowserClient(self._page, sending.account, sending.policy, self.forget, self._has, sending.hosts)
        options = SendOptions(
            wire,
            sending.policy,
            concurrency=sending.concurrency,
            rate=sending.rate,
            on_result=self._end,
            on_attempt=lambda position: self._attempted(self, self.rows[position]),
            progress=self._count,
        )
        await engine.begin(self._work(), sending.account, options, _Last(self._end), self.path)

    def _work(self) -> UploadJob:
        """Say what is to be done: rows in doubt come with what is known of them."""
        edited = self._sheet.edited(self.rows)
        frame, mapping = self._sheet.frame(self.rows, edited), self._sheet.mapping(edited)
        known = [row.result or CANCELLED for row in self.rows]
        if not any(result.status == "unknown" for result in known):
            return UploadJob(self._sheet.feed(frame), mapping)
        frame = with_result_columns(frame, results_frame(known, len(known)))
        earlier = {row.id: row.known for row in self.rows if row.known is not None}
        doubts = history.by_path({place: earlier[name] for name, place in self._places.items() if name in earlier})
        for run in self._after:
            doubts |= history.by_path(stories(run.path, self._sending.account))
        return UploadJob(self._sheet.feed(frame), mapping, again=True, earlier=doubts)

    def _count(self, progress: Progress) -> None:
        self.bytes = progress.bytes

    def _end(self, position: int, result: Result) -> None:
        """Pass a row's end on, once."""
        if position not in self._open:
            return
        self._open.discard(position)
        self.moved += self.rows[position].shown.size or 0
        # What was looked for and is absent was dropped before it was stored.
        absent = result.status == "failed" and result.error in _OF_A_DOUBT
        if position in self._dropped and absent:
            words = "it was cancelled, and is certainly not stored"
            result = Result("cancelled", "cancelled", words, result.attempts, result.seconds)
        self._ended(self, self.rows[position], result)

    def _give_back(self) -> None:
        """End the rows that never began; where nothing could begin at all, they are as they were."""
        for position in sorted(self._open):
            self._ended(self, self.rows[position], replace(CANCELLED))
        self._open.clear()


class _Last:
    """Takes the results of rows whose end nobody told, when a run is stopped at once."""

    def __init__(self, end: Callable[[int, Result], None]) -> None:
        self._end = end

    def prepare(self, chunk: Chunk, results: list[Result] | None) -> None:
        """Take the results of a chunk."""
        for position, result in enumerate(results or (), chunk.start):
            if result.status != "cancelled":
                self._end(position, result)

    def take(self, prepared: None) -> None:
        """Do nothing: the rows have their results."""

    def close(self, summary: Mapping[str, Any]) -> None:
        """Do nothing."""


def stories(path: Path, account: Account) -> dict[int, RowHistory]:
    """Give what a run's journal knows, by position; nothing if it is gone, in use, or not proven."""
    with suppress(JournalError), SQLiteJournal.open(path, account) as journal:
        return history.of_stories(journal.stories(), catalog.token_signer(account))
    return {}


def journals(folder: Path, session: str) -> list[Path]:
    """Give the journals of a session, by its name, if that can be one."""
    return sorted(folder.glob(f"*-{session}-*{catalog.ENDING}")) if _SESSION.fullmatch(session) else []
