"""What browsers were asked to post, and what they say of it."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

from ikpipe.widget.messages import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ikpipe.request.sources import FileSource
    from ikpipe.widget.messages import Progress

PATIENCE = 4  # times as long as the service may take: a page is heard late while the kernel is busy
SLOWEST = 32_000  # bytes per second of a file of which no progress is told
LOST = 3.0  # seconds in which another page may say that it has the file
LOOK = 0.2  # seconds between two looks whether a page is back


@dataclass(slots=True, eq=False)
class BrowserAttempt:
    """One post that a browser was asked for.

    `patience` are the seconds without any sign of it after which it is given up, `order` is what was asked for, `alive`
    tells whether any page is at it, as far as those that are here now have said, `begun` whether one ever was, and
    `lost` when one said that it does not have the file.
    """

    id: str
    number: int
    size: int
    patience: float
    loop: asyncio.AbstractEventLoop
    turn: asyncio.Event = field(default_factory=asyncio.Event)
    order: Mapping[str, Any] = field(default_factory=dict, repr=False)
    said: Answer | None = None
    heard: float = field(default_factory=time.monotonic)
    loaded: int = 0
    alive: bool = False
    begun: bool = False
    lost: float | None = None

    @property
    def gone(self) -> bool:
        """Whether the file is lost: a page says so, and no other is at it."""
        return self.lost is not None and not self.alive

    def left(self, now: float) -> float:
        """Give the seconds that are left for a sign of it."""
        if self.gone and self.lost is not None:
            return self.lost + LOST - now
        silent = 0.0 if self.loaded else self.size / SLOWEST
        return self.heard + self.patience + silent - now


class BrowserPosts:
    """The pages that show one uploader: who holds which file, and what was asked of them.

    Parameters
    ----------
    send
        Sends a message to all of them.
    """

    def __init__(self, send: Callable[[Mapping[str, Any]], None]) -> None:
        self.send = send
        self._lock = threading.Lock()
        self._files: dict[str, tuple[str, FileSource]] = {}
        self._open: dict[str, BrowserAttempt] = {}
        self._asked: dict[str, int] = {}
        self._numbers = count(1)
        self.proven = threading.Event()  # the keys work: a picked file is up
        self.heard = time.monotonic()
        self.gone: float | None = None

    def hold(self, name: str, source: FileSource) -> None:
        """Note that a browser has the file of a row."""
        self._files[source.text] = name, source

    def drop(self, source: FileSource) -> None:
        """Forget a file."""
        self._files.pop(source.text, None)

    def held(self, text: str) -> FileSource | None:
        """Give the file that a cell stands for."""
        found = self._files.get(text)
        return None if found is None else found[1]

    def row_of(self, source: FileSource) -> str:
        """Give the row whose file this is."""
        return self._files[source.text][0] if source.text in self._files else ""

    @property
    def loaded(self) -> int:
        """How many bytes of files that are on their way have left."""
        with self._lock:
            return sum(attempt.loaded for attempt in self._open.values())

    @property
    def away(self) -> bool:
        """Whether pages have been silent since one of them should have answered."""
        return self.gone is not None and self.heard <= self.gone

    async def back(self, seconds: float) -> bool:
        """Wait until a page says anything again, if they are away, and tell whether one did."""
        end = time.monotonic() + PATIENCE * seconds
        while self.away and time.monotonic() < end:  # noqa: ASYNC110 - a sign comes in any thread
            await asyncio.sleep(LOOK)
        return not self.away

    def again(self) -> None:
        """Ask once more for all that is open: a page has just come, and the one that was at it may have gone."""
        with self._lock:
            asked = [attempt for attempt in self._open.values() if attempt.order]
            for attempt in asked:
                attempt.alive, attempt.lost = False, None
            posts = [dict(attempt.order) for attempt in asked]
        if posts:
            self.send({"type": "post", "posts": posts})

    def sign(self) -> None:
        """Note that a page said anything at all."""
        self.heard = time.monotonic()

    def begin(self, name: str, size: int, patience: float) -> BrowserAttempt:
        """Open an attempt; its number is new. `patience` are the seconds that the service may take."""
        attempt = BrowserAttempt(name, next(self._numbers), size, PATIENCE * patience, asyncio.get_running_loop())
        with self._lock:
            self._open[name] = attempt
            self._asked[name] = attempt.number
        return attempt

    async def answer(self, attempt: BrowserAttempt) -> Answer:
        """Wait for what becomes of an attempt; a page that says nothing has not answered in time."""
        try:
            while attempt.said is None and (left := attempt.left(time.monotonic())) > 0:
                attempt.turn.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(attempt.turn.wait(), left)
        finally:
            self._end(attempt)
        if attempt.said is not None:
            return attempt.said
        self.abort(attempt)  # also where it is lost: a page may have the file, and may not have been heard yet
        if attempt.gone:
            return Answer(attempt.id, attempt.number, error="lost", left=attempt.begun)
        self.gone = time.monotonic()
        return Answer(attempt.id, attempt.number, error="timeout")

    def abort(self, attempt: BrowserAttempt) -> None:
        """Ask to stop an attempt."""
        self.send({"type": "abort", "id": attempt.id, "attempt": attempt.number})

    def stop(self, name: str) -> None:
        """Ask to stop what is on its way of a row."""
        if (attempt := self._open.get(name)) is not None:
            self.abort(attempt)

    def progress(self, said: Progress) -> BrowserAttempt | None:
        """Take in how far a file is; of another attempt than the open one it says nothing."""
        attempt = self._open.get(said.id)
        if attempt is None or attempt.number != said.attempt:
            return None
        attempt.heard, attempt.alive, attempt.begun = time.monotonic(), True, True
        attempt.loaded = max(attempt.loaded, min(said.loaded, attempt.size))
        return attempt

    def result(self, said: Answer) -> bool:
        """Take in what became of an attempt, and tell whether it was ever asked for."""
        with self._lock:
            attempt = self._open.get(said.id)
            if attempt is None or attempt.number != said.attempt:
                return 0 < said.attempt <= self._asked.get(said.id, 0)
            if said.error == "lost":
                attempt.lost = attempt.lost or time.monotonic()
            else:
                attempt.said = attempt.said or said
        with suppress(RuntimeError):  # its run has just been stopped
            attempt.loop.call_soon_threadsafe(attempt.turn.set)
        return True

    def _end(self, attempt: BrowserAttempt) -> None:
        with self._lock:
            if self._open.get(attempt.id) is attempt:
                del self._open[attempt.id]
