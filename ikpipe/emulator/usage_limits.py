"""Counters of the account's usage: rate limits, quotas, and conditions that last for a number of requests.

They are in memory: a restart resets them.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable

from ikpipe.emulator.error_responses import too_many_requests


class UsageLimits:
    """Counts what was used, and says when a limit is reached.

    `clock` returns the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._windows: dict[str, float] = {}

    def take(self, counter: str, limit: int | None, amount: int = 1) -> bool:
        """Use an amount of a limited resource; return False, and use nothing, if less is left. None means no limit."""
        with self._lock:
            fits = limit is None or self._counts[counter] + amount <= limit
            self._counts[counter] += amount if fits else 0
        return fits

    def count_request(self, counter: str, limit: int | None, interval: int) -> None:
        """Count a request in a window of `interval` milliseconds, which starts with its first request.

        Raise `ErrorResponse` (429) with the three headers if the window is full [docs]; the remaining time is in
        milliseconds.
        """
        if limit is None:
            return
        now = self._clock()
        with self._lock:
            if now >= self._windows.get(counter, 0.0):
                self._windows[counter] = now + interval / 1000
                self._counts[counter] = 0
            remaining = self._windows[counter] - now
        if not self.take(counter, limit):
            raise too_many_requests(int(remaining * 1000) + 1, limit, interval)
