"""Uploads by browsers: what pages were asked to upload, their progress and results."""

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from ikpipe.widget.messages import ProgressMessage, ResultMessage
from ikpipe.widget.picked_files import PickedFiles

TIMEOUT_FACTOR = 4  # times as long as the service may take: messages arrive late while the kernel is busy
MIN_RATE = 32_000  # bytes per second of a file without progress messages
LOST_WAIT = 3.0  # seconds in which another page may report that it has the file, unless the timeout is shorter
POLL_INTERVAL = 0.2  # seconds between two checks whether a page is back


@dataclass(slots=True, eq=False)
class BrowserAttempt:
    """One upload that pages were asked for.

    `timeout` is in seconds since `last_heard`. `request` is what pages were asked, `active` whether any of today's
    pages reported progress, `started` whether any page ever did, and `lost_at` when a page reported that it does not
    have the file.
    """

    id: str
    number: int
    size: int
    timeout: float
    loop: asyncio.AbstractEventLoop
    wakeup: asyncio.Event = field(default_factory=asyncio.Event)
    request: Mapping[str, Any] = field(default_factory=dict, repr=False)
    result: ResultMessage | None = None
    last_heard: float = field(default_factory=time.monotonic)
    loaded: int = 0
    active: bool = False
    started: bool = False
    lost_at: float | None = None

    def deadline(self) -> float:
        """Return when the attempt fails without any further message, as `time.monotonic` counts."""
        if self.lost_at is not None and not self.active:
            return self.lost_at + min(LOST_WAIT, self.timeout)
        return self.last_heard + self.timeout + (0.0 if self.loaded else self.size / MIN_RATE)


class BrowserUploads:
    """The uploads of one uploader's pages.

    `send_message` sends a message to all pages.
    """

    def __init__(self, send_message: Callable[[Mapping[str, Any]], None]) -> None:
        self.send_message = send_message
        self.files = PickedFiles()
        self.keys_work = threading.Event()  # a picked file was uploaded
        self._lock = threading.Lock()
        self._attempts: dict[str, BrowserAttempt] = {}
        self._last_numbers: dict[str, int] = {}
        self._numbers = count(1)
        self._last_heard = time.monotonic()
        self._timed_out: float | None = None

    @property
    def loaded(self) -> int:
        """How many bytes of unfinished uploads were sent."""
        with self._lock:
            return sum(attempt.loaded for attempt in self._attempts.values())

    def heard(self) -> None:
        """Record that a page sent a message."""
        self._last_heard = time.monotonic()

    def _is_silent(self) -> bool:
        return self._timed_out is not None and self._last_heard <= self._timed_out

    async def wait_for_page(self, seconds: float) -> bool:
        """Wait for a message if the pages have been silent since a timeout, and return whether any page is there."""
        end = time.monotonic() + TIMEOUT_FACTOR * seconds
        while self._is_silent() and time.monotonic() < end:  # noqa: ASYNC110 - messages arrive in any thread
            await asyncio.sleep(POLL_INTERVAL)
        return not self._is_silent()

    def request_again(self) -> None:
        """Request all unfinished uploads again: a page was opened, and the one that had the file may be closed."""
        with self._lock:
            requested = [attempt for attempt in self._attempts.values() if attempt.request]
            for attempt in requested:
                attempt.active, attempt.lost_at = False, None
            posts = [dict(attempt.request) for attempt in requested]
        if posts:
            self.send_message({"type": "post", "posts": posts})

    def start(self, row_id: str, size: int, seconds: float) -> BrowserAttempt:
        """Start an attempt with a new number; `seconds` is the time that the service may take."""
        timeout = TIMEOUT_FACTOR * seconds
        attempt = BrowserAttempt(row_id, next(self._numbers), size, timeout, asyncio.get_running_loop())
        with self._lock:
            self._attempts[row_id] = attempt
            self._last_numbers[row_id] = attempt.number
        return attempt

    async def result(self, attempt: BrowserAttempt) -> ResultMessage:
        """Wait for the result of an attempt, and return it; if no page sends one, it is a `timeout` or `lost`."""
        try:
            while attempt.result is None and (remaining := attempt.deadline() - time.monotonic()) > 0:
                attempt.wakeup.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(attempt.wakeup.wait(), remaining)
        finally:
            with self._lock:
                if self._attempts.get(attempt.id) is attempt:
                    del self._attempts[attempt.id]
        if attempt.result is not None:
            return attempt.result
        self._abort(attempt)  # also if the file is lost: a page may have it, and its message may be late
        if attempt.lost_at is not None and not attempt.active:
            return ResultMessage(attempt.id, attempt.number, error="lost", maybe_sent=attempt.started)
        self._timed_out = time.monotonic()
        return ResultMessage(attempt.id, attempt.number, error="timeout")

    def abort(self, row_id: str) -> None:
        """Ask pages to abort the upload of a row."""
        if (attempt := self._attempts.get(row_id)) is not None:
            self._abort(attempt)

    def _abort(self, attempt: BrowserAttempt) -> None:
        self.send_message({"type": "abort", "id": attempt.id, "attempt": attempt.number})

    def record_progress(self, message: ProgressMessage) -> BrowserAttempt | None:
        """Record the progress of an attempt, and return it; None if it is not the current one of its row."""
        attempt = self._attempts.get(message.id)
        if attempt is None or attempt.number != message.attempt:
            return None
        attempt.last_heard, attempt.active, attempt.started = time.monotonic(), True, True
        attempt.loaded = max(attempt.loaded, min(message.loaded, attempt.size))
        return attempt

    def record_result(self, message: ResultMessage) -> bool:
        """Record the result of an attempt, and return whether it was ever requested."""
        with self._lock:
            attempt = self._attempts.get(message.id)
            if attempt is None or attempt.number != message.attempt:
                return 0 < message.attempt <= self._last_numbers.get(message.id, 0)
            if message.error == "lost":
                attempt.lost_at = attempt.lost_at or time.monotonic()
            else:
                attempt.result = attempt.result or message
        with suppress(RuntimeError):  # the run was stopped
            attempt.loop.call_soon_threadsafe(attempt.wakeup.set)
        return True
