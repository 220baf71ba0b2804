"""How often a caller may ask. Pure: times are passed in, in seconds of a clock that never goes back."""

from __future__ import annotations

import threading

MOST_CALLERS = 100_000


class CallerRates:
    """A bucket for each caller: it is full at first, a request takes one, and each minute fills it.

    Parameters
    ----------
    per_minute
        What it holds; None sets no limit.
    most
        Callers that are remembered: beyond, those whose buckets are full again are forgotten, then the oldest.
    """

    def __init__(self, per_minute: float | None, most: int = MOST_CALLERS) -> None:
        self._size, self._most = per_minute, most
        self._buckets: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def wait(self, caller: str, now: float) -> float:
        """Take one, and give 0; or the seconds until there is one to take."""
        if self._size is None:
            return 0.0
        with self._lock:
            left, at = self._buckets.pop(caller, (self._size, now))
            left = min(self._size, left + (now - at) * self._size / 60)
            taken = left >= 1
            # Put at the end: the first one is always the one that has been quiet for longest.
            self._buckets[caller] = (left - taken, now)
            while len(self._buckets) > self._most:
                del self._buckets[next(iter(self._buckets))]
        return 0.0 if taken else (1 - left) * 60 / self._size
