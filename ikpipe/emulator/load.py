"""Counters that forget at a restart: rates, quotas, and things that happen a number of times."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import TYPE_CHECKING

from ikpipe.emulator.refusals import too_many

if TYPE_CHECKING:
    from collections.abc import Callable


class Load:
    """How much came in so far.

    Parameters
    ----------
    clock
        Gives the time, in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._windows: dict[str, float] = {}

    def take(self, what: str, amount: int, limit: int | None) -> bool:
        """Take an amount of something limited; False, and nothing taken, if too little is left."""
        with self._lock:
            fits = limit is None or self._counts[what] + amount <= limit
            self._counts[what] += amount if fits else 0
        return fits

    def within(self, what: str, times: int | None) -> bool:
        """Whether something that happens a number of times (None: always) still happens."""
        return self.take(what, 1, times)

    def count_request(self, what: str, limit: int | None, interval: int) -> None:
        """Count a request in a window of `interval` milliseconds, from the first request in it.

        Raises
        ------
        Refusal
            429 when the window is full, with the three headers (`docs`); the time left is in milliseconds.
        """
        if limit is None:
            return
        now = self._clock()
        with self._lock:
            if now >= self._windows.get(what, 0.0):
                self._windows[what] = now + interval / 1000
                self._counts[what] = 0
            left = self._windows[what] - now
        if not self.take(what, 1, limit):
            raise too_many(int(left * 1000) + 1, limit, interval)
