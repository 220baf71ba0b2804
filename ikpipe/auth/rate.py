"""The rate limit of each caller. Pure: times are passed in, in seconds of a monotonic clock."""

import threading

MOST_CALLERS = 100_000


class CallerRates:
    """A token bucket for each caller: full at first, a request takes one token, and a minute fills it again.

    `per_minute` is the size of a bucket; None sets no limit. `most` is the maximum number of callers in memory; the one
    that was inactive for longest is removed first.
    """

    def __init__(self, per_minute: float | None, most: int = MOST_CALLERS) -> None:
        self._size, self._most = per_minute, most
        self._buckets: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def wait(self, caller: str, now: float) -> float:
        """Use a token and return 0, or return the seconds until there is one."""
        if self._size is None:
            return 0.0
        with self._lock:
            tokens, at = self._buckets.pop(caller, (self._size, now))
            tokens = min(self._size, tokens + (now - at) * self._size / 60)
            taken = tokens >= 1
            # Inserted at the end, so the first one is always the one that was inactive for longest.
            self._buckets[caller] = (tokens - taken, now)
            while len(self._buckets) > self._most:
                del self._buckets[next(iter(self._buckets))]
        return 0.0 if taken else (1 - tokens) * 60 / self._size
