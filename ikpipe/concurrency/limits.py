"""How many uploads may be in flight: a fixed number, or one that adapts to the throughput.

Pure: times are passed in, in seconds of a monotonic clock.

Theory of operation of `AdaptiveLimit`
--------------------------------------
The aim is the smallest number in flight with the best throughput, the number of successful requests per second. Nothing
else counts: latency also grows where more requests in flight still increase the throughput, and requests also fail for
reasons other than load. By Little's law, throughput is the number in flight divided by the mean latency. It is measured
over a *window* of requests. A window starts two round trips after a change of the limit, so that it only has requests
under the present limit. It is the longer, the more its latencies differ. A window in which the limit was not reached
says nothing and is dropped.

The limit is always in one of five phases, each a method that takes a window's throughput:

    start ───> descend ───> hold <───> probe_up, probe_down
      ^           ^          │             │
      │           └──────────┘ throughput fell by 30 %
      └────────────────────────────────────┘ a step up gained 25 %

- *start* grows the limit by one per success, up to double in each window, while that increases the throughput.
- *descend* reduces it in steps while the throughput stays. After the first step too far it bisects between the lowest
  limit that was good and the highest that was bad.
- *hold* keeps it. After more and more windows, up to `PATIENCE`, it tries another limit: usually a higher one, which
  must gain something (*probe_up*), every fourth time a lower one, which must cost nothing (*probe_down*). It descends
  again if the throughput falls by itself, and probes at once if it rises.

A step up ends early with many more failures than usual. `MAX_FAILURES` failures in a row halve the limit, repeatedly,
down to 1; the next phase is *descend*, or *start* if nothing has succeeded since the last time.

Where something else limits the throughput, such as a bandwidth that the user set (`saturated`), windows would say
nothing about the service, and more requests in flight only make each of them slower. The limit then falls by one with
each request, down to `FEW`, and grows again from *start* once the other limit has room.
"""

import math
from collections.abc import Callable
from typing import Protocol

START, MOST = 16, 256  # uploads in flight: at first, and at most
FEW = 4  # at least, where something else than the service limits the throughput


class ConcurrencyLimit(Protocol):
    """How many requests may be in flight: `size`."""

    size: int

    def record(self, began: float, now: float, in_flight: int, overload: bool) -> None:  # noqa: FBT001 - positional, for speed
        """Record the end of a request.

        `began` and `now` are when the request started, and when it ended. `in_flight` is how many requests were in
        flight just before it ended, including itself. `overload` says whether its result is a sign of overload (429,
        5xx, timeout, lost connection), unlike other rejections.
        """


class FixedLimit:
    """A limit that never changes."""

    def __init__(self, size: int) -> None:
        self.size = size

    def record(self, began: float, now: float, in_flight: int, overload: bool) -> None:  # noqa: FBT001
        """Record the end of a request, which has no effect."""


class _Measurement:
    """The requests of one window: sums of their latencies, and how many succeeded."""

    def __init__(self) -> None:
        self.requests = self.successes = self.in_flight = 0
        self.seconds = self.squares = 0.0

    def add(self, seconds: float, in_flight: int, *, success: bool) -> None:
        """Add the end of one request."""
        self.requests += 1
        self.successes += success
        self.in_flight += in_flight
        self.seconds += seconds
        self.squares += seconds * seconds

    def throughput(self) -> float:
        """Return the successes per second by Little's law, which ignores pauses between requests."""
        return self.in_flight / max(self.seconds, 1e-9) * self.success_factor()

    def success_factor(self) -> float:
        """Return the share of successes, squared: a failure has no result, and puts load on the service, too."""
        return (self.successes / self.requests) ** 2

    def error(self) -> float:
        """Return the relative standard error of the throughput."""
        if not self.successes:
            return math.inf
        spread = max(0.0, self.squares * self.requests / max(self.seconds, 1e-9) ** 2 - 1)
        return math.sqrt((spread + 4 * (self.requests / self.successes - 1)) / self.requests)


class AdaptiveLimit:
    """The smallest number in flight with the best throughput; see the theory of operation above.

    `most` is the maximum number in flight. `saturated` returns whether something else limits the throughput, such as a
    bandwidth that the user set: then nothing is learned of the service, and fewer are in flight.
    """

    STEP = 1.5
    PAYS, SOME = 1.25, 1.07  # increase of the throughput for which `start` doubles again, or keeps the limit
    GAINS, HOLDS = 1.03, 0.94  # change of the throughput for which a step up, or down, is kept
    MIN_REQUESTS, MAX_ERROR = 40, 0.03  # a window's requests and standard error; a long window may exceed the latter
    MAX_FAILURES = 16  # in a row; by chance, if half of all requests fail, once in 100,000 requests
    PATIENCE = 2, 8  # windows between two probes: at least, and at most

    def __init__(self, most: int = MOST, saturated: Callable[[], bool] = bool) -> None:
        self._most, self._saturated = most, saturated
        self._phase: Callable[[float, float], None] = self._start
        self._best = 0.0  # throughput that a step is compared with; 0 if not measured yet
        self._lowest_good, self._highest_bad = min(START, most), 0
        self._patience = self._windows_left = self.PATIENCE[0]
        self._probes = self._consecutive_failures = 0
        self._succeeded = False
        self._usual_failures = 0.4  # share of failures; a guess until it is measured
        self._fastest = math.inf
        self._set_size(START, -math.inf)

    def _set_size(self, size: float, now: float) -> None:
        self.size = self._base = min(self._most, max(1, round(size)))
        self._changed_at = self._trip_start = now
        self._round_trips = self._started = self._failed = 0
        self._window = _Measurement()

    def record(self, began: float, now: float, in_flight: int, overload: bool) -> None:  # noqa: FBT001
        """Record the end of a request; see `ConcurrencyLimit`."""
        self._changed_at = began if self._changed_at == -math.inf else self._changed_at
        self._count(began, now, success=not overload)
        if self._consecutive_failures == self.MAX_FAILURES:
            self._halve(now)
        elif self._too_many_failures():
            self._step_back(now)
        elif self._saturated():
            self._enter(self._start)
            self._set_size(min(self.size, max(FEW, self.size - 1)), now)
        elif self._phase == self._start or self._round_trips > 1:
            self._window.add(now - began, in_flight, success=not overload)
            if self._phase == self._start and not overload and self._used(in_flight):
                self.size = min(self.size + 1, 2 * self._base, self._most)
            if self._is_window_complete():
                self._evaluate(now)

    def _count(self, began: float, now: float, *, success: bool) -> None:
        """Count round trips and failures of requests that started after the last change of the limit."""
        if began >= self._trip_start:
            self._started += 1
            self._failed += not success
            self._consecutive_failures += not success
        if success:
            self._succeeded = True
            self._consecutive_failures, self._fastest = 0, min(self._fastest, now - began)
            if began >= self._trip_start:
                self._trip_start, self._round_trips = now, self._round_trips + 1

    def _used(self, in_flight: float) -> bool:
        return in_flight >= 0.8 * self.size

    def _enter(self, phase: Callable[[float, float], None]) -> None:
        self._phase, self._best = phase, 0.0

    def _is_window_complete(self) -> bool:
        """Whether the window has enough requests."""
        requests, error = self._window.requests, self._window.error()
        if self._phase == self._start:
            grown = self._round_trips and self.size in (2 * self._base, self._most)
            many = requests >= 2 * START + self.size / 2
            return bool(grown) and requests >= START and (many or error < 4 * self.MAX_ERROR)
        least = self.size * (2 if self._phase == self._probe_up else 1)
        return requests >= max(least, self.MIN_REQUESTS) and (error < self.MAX_ERROR or requests >= 200 + self.size)

    def _evaluate(self, now: float) -> None:
        window, self._window = self._window, _Measurement()
        if self._phase == self._start:  # by the clock, because the fastest of the first requests end first
            self._start(window.requests * window.success_factor() / max(now - self._changed_at, 1e-9), now)
        elif self._used(window.in_flight / window.requests):
            self._phase(window.throughput(), now)
            if self._phase == self._hold:
                self._usual_failures = 1 - window.successes / window.requests

    def _halve(self, now: float) -> None:
        """Halve the limit; go back to `start` if nothing has succeeded since the last time."""
        self._enter(self._descend if self._succeeded else self._start)
        self._succeeded, self._consecutive_failures, self._usual_failures = False, 0, 0.4
        self._fastest, self._patience = math.inf, self.PATIENCE[0]
        self._set_size(self.size // 2, now)

    def _too_many_failures(self) -> bool:
        """Whether a step up causes too many failures."""
        if self._failed <= 8 + 1.5 * self._usual_failures * self._started:
            return False
        return self._phase == self._probe_up or (
            self._phase == self._start and (self._round_trips > 2 or self.size > START // 2)  # noqa: PLR2004
        )

    def _step_back(self, now: float) -> None:
        if self._phase == self._probe_up:
            self._return_to_hold(now)
        else:
            self._enter(self._descend)
            self._set_size(self._base, now)

    def _start(self, throughput: float, now: float) -> None:
        """Double the limit while that increases the throughput."""
        if self._base < self._most and throughput >= self.PAYS * self._best:
            self._best = throughput
            return self._set_size(self.size, now)
        pays = throughput > self.SOME * self._best
        self._enter(self._hold if pays and self._base == self._most else self._descend)
        return self._set_size(self.size if pays else self._base, now)

    def _descend(self, throughput: float, now: float) -> None:
        """Search for the smallest limit with the present throughput."""
        if throughput >= self.HOLDS * self._best:
            self._highest_bad = self._highest_bad if self._best else 0
            self._lowest_good, self._best = self.size, max(throughput, self._best)
        else:
            self._highest_bad = self.size
        if self._highest_bad:
            lower = round(math.sqrt(self._lowest_good * self._highest_bad))
        else:  # by Little's law, if the fastest request met no queue; twice that, because its file may have been small
            lower = round(max(self.size / 2, min(self.size / self.STEP, 2 * self._best * self._fastest)))
        if self._highest_bad < lower < self._lowest_good and self._lowest_good > 1.6 * self._highest_bad:
            return self._set_size(lower, now)
        self._windows_left = self._patience
        self._enter(self._hold)
        return self._set_size(self._lowest_good, now)

    def _hold(self, throughput: float, now: float) -> None:
        """Keep the limit, and probe another one now and then; search again if the throughput has changed."""
        if self._best and throughput < 0.7 * self._best:
            self._patience = self.PATIENCE[0]
            self._enter(self._descend)
            return self._set_size(self.size, now)
        if self._best and throughput > self._best / 0.7:
            self._windows_left, self._patience, self._probes = 0, self.PATIENCE[0], 0
        self._best += (throughput - self._best) * (0.2 if self._best else 1)
        self._windows_left -= 1
        if self._windows_left > 0:
            return None
        self._lowest_good, down = self.size, self._probes % 4 == 1
        self._probes += 1
        self._phase = self._probe_down if down else self._probe_up
        return self._set_size(self.size / self.STEP if down else math.ceil(self.size * self.STEP), now)

    def _probe_up(self, throughput: float, now: float) -> None:
        if throughput >= self.PAYS * self._best:
            self._patience = self.PATIENCE[0]
            self._enter(self._start)
            return self._set_size(self.size, now)
        higher = math.ceil(self.size * self.STEP)
        return self._continue(higher, throughput, now, holds=throughput >= self.GAINS * self._best)

    def _probe_down(self, throughput: float, now: float) -> None:
        lower = round(self.size / self.STEP)
        return self._continue(lower, throughput, now, holds=throughput >= self.HOLDS * self._best)

    def _continue(self, size: int, throughput: float, now: float, *, holds: bool) -> None:
        """Make another step in the same direction if the last one was good; otherwise return to `hold`."""
        if holds:
            self._lowest_good, self._best, self._patience = self.size, max(throughput, self._best), self.PATIENCE[0]
            if size != self.size and self.size < self._most:
                return self._set_size(size, now)
        return self._return_to_hold(now)

    def _return_to_hold(self, now: float) -> None:
        """Return to the last good limit, and wait longer before the next probe."""
        self._windows_left = self._patience = min(self.PATIENCE[1], 2 * self._patience)
        self._phase = self._hold
        self._set_size(self._lowest_good, now)
