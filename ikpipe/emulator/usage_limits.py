"""Counters of the account's usage: rate limits, quotas, totals, and conditions that last for a number of requests.

They are in memory: a restart resets them.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime

from ikpipe.emulator.error_responses import too_many_requests

NO_LIMIT = 1_000_000
"""The limit in the headers of an account that has none."""


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
        if not self.take(counter, limit):
            _, wait, _ = self.rate(counter, limit, interval)
            raise too_many_requests(wait, limit, interval)

    def rate(self, counter: str, limit: int | None, interval: int) -> tuple[int, int, int]:
        """Return the limit of a window, and in milliseconds how long it still lasts, and its length."""
        remaining = self._windows.get(counter, 0.0) - self._clock()
        reset = interval if limit is None or remaining <= 0 else int(remaining * 1000) + 1
        return NO_LIMIT if limit is None else limit, reset, interval


class DailyUsage:
    """Counts what is used on each day in UTC; in the event loop's thread. `clock` returns the seconds since 1970."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._used: Counter[tuple[str, date]] = Counter()

    def add(self, resource: str, amount: int) -> None:
        """Count an amount as used now."""
        self._used[resource, datetime.fromtimestamp(self._clock(), UTC).date()] += amount

    def total(self, resource: str, start: date, end: date) -> int:
        """Return the amount that was used from one day until the day before another."""
        return sum(amount for (name, day), amount in self._used.items() if name == resource and start <= day < end)
