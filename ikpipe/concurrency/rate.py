"""When requests start (`RateLimiter`), and how many retries a run may make (`RetryBudget`).

Pure: times are passed in, in seconds of a monotonic clock.

Theory of operation of `RateLimiter`
------------------------------------
A request *reserves* a start time, waits until then, and is sent. Afterwards the limiter is told whether the service
accepted it, or rejected it with a 429. Start times follow up to four rules, and the latest of their times applies:

- **Configured rate** (`rate`): starts are evenly spaced. If it changes (`set_rate`), reservations are void.
- **Pause** (`rejected`): the wait that a 429 asks for holds every request that has not started. Reservations for times
  in the pause are void; `renew` renews them.
- **Named limit** (`cap`): a 429 may name its limit, such as 100 requests in 60 s. It is believed until it was not named
  for a minute or its interval, whichever is longer. No such interval then has more starts. Starts are spaced evenly,
  but time lost in a pause may be made up for, in bursts only if the interval is longer than about a second. The
  interval is extended by 3 % (`SAFETY`), because the service's clock and windows differ from ours. While a limit is
  named, nothing is learned.
- **Learned rate** (`_learn`): a 429 without a named limit probably means that a fixed window of the service, of 1 s or
  60 s (`WINDOWS`), is full. The limit is then the number of requests that were accepted in the window. From the next
  window on, starts are evenly spaced at 97 % of that rate. It is raised again in growing steps, after a patience that
  doubles with each further rejection.

A rejection can also have a cause that is not a full window, and a learned rate would only slow the run down. It is
forgotten, and nothing is learned for `NO_LEARNING` seconds, if most of the requests that started after the rejected one
are accepted (`accepted`), or if further rejections come at a learned rate (`MAX_FUTILE`). If a window has fewer than
`MIN_ACCEPTED` accepted requests, chance cannot be excluded, and only a second window with as many counts.
"""

import math
from collections import deque
from contextlib import suppress
from dataclasses import dataclass

STEP = 0.05  # first increase of a learned rate, as a share of it
WINDOWS = (1.0, 60.0)  # seconds over which services count requests [guess: common values]
SAFETY = 1.03  # factor on a named interval
MAX_INTERVAL = 900.0  # seconds; a longer named interval is shortened to this
MAX_STARTS = 10_000  # start times that are stored
MAX_FUTILE = 1  # rejections in a row at a learned rate
MIN_ACCEPTED = 8  # accepted requests of a window
NO_LEARNING = 30.0  # seconds without learning, after rejections that no limit explains


@dataclass(slots=True)
class _NamedLimit:
    """A limit that the service named: at most `most` requests in `seconds`, believed until `until`.

    `due` is the next start time with even spacing; `lost` the seconds lost in pauses, which may be made up for.
    """

    most: int
    seconds: float
    until: float
    due: float
    lost: float

    @property
    def spacing(self) -> float:
        """Seconds between two starts."""
        return self.seconds / self.most


@dataclass(slots=True)
class _Rejections:
    """Rejections in one window: when the first rejected request started; how many were rejected or accepted since."""

    began: float
    rejected: int = 0
    accepted: int = 0


class RateLimiter:
    """Decides when requests start; see the theory of operation above.

    `rate` is the maximum number of starts per second; None sets no limit. `since` is when a predecessor whose rate this
    limiter continues may have started its last request.

    `longest_sleep` is the number of seconds after which a request asks again whether its reservation holds.
    """

    def __init__(self, rate: float | None, since: float = -math.inf) -> None:
        self._configured = rate or math.inf
        self._named: _NamedLimit | None = None
        self._learned, self._since = math.inf, since
        self._next, self._paused_until, self._rejected_at = since + 1 / self._configured, -math.inf, -math.inf
        self._rate_set_at = -math.inf
        self.longest_sleep = math.inf
        self._starts: deque[float] = deque(maxlen=MAX_STARTS)
        self._last_dropped = -math.inf  # the last start time that was removed from `_starts`
        self._rejections: _Rejections | None = None
        self._window = WINDOWS[0]
        self._patience, self._step, self._raise_at = 5.0, STEP, math.inf
        self._futile, self._few_accepted, self._no_learning_until = 0, -MIN_ACCEPTED, -math.inf

    @property
    def rate(self) -> float:
        """The maximum number of starts per second."""
        named = math.inf if self._named is None else 1 / self._named.spacing
        return min(self._configured, self._learned, named)

    def reserve(self, now: float) -> float:
        """Reserve the next start time and return the seconds until then."""
        self._expire_named(now)
        start_time = max(self._next, self._paused_until, self._named_start(now), now)
        if start_time > now >= max(self._raise_at, self._paused_until):
            self._learned *= 1 + self._step
            self._step, self._raise_at = 2 * self._step, now + self._window
        self._next = start_time + self._spacing()
        self._starts.append(start_time)
        keep = max(2 * self._window, 0.0 if self._named is None else self._named.seconds)
        while self._starts[0] < now - keep or len(self._starts) == MAX_STARTS:
            self._last_dropped = self._starts.popleft()
        return start_time - now

    def renew(self, now: float, asked: float, left: float = 0.0) -> float:
        """Return the seconds still to wait for a reserved time, of which `left` were left.

        They are others if the reservation of the time `asked` is void, since a rejection or another rate came after it.
        """
        return self.reserve(now) if asked <= max(self._rejected_at, self._rate_set_at) else left

    def set_rate(self, now: float, rate: float) -> None:
        """Change the configured rate, from the last start on."""
        if rate == self._configured:
            return
        self._configured, self._rate_set_at = rate, now
        self._drop_reservations(now)
        self._next = (self._starts[-1] if self._starts else self._since) + self._spacing()

    def _spacing(self) -> float:
        return 1 / min(self._configured, self._learned)

    def _named_start(self, now: float) -> float:
        """Return the next start time that the named limit allows."""
        named = self._named
        if named is None:
            return now
        due = max(named.due, now - named.lost)
        named.due = due + named.spacing
        named.lost = min(named.lost, max(0.0, now - named.due))
        full = len(self._starts) >= named.most
        return max(due, self._starts[-named.most] + named.seconds) if full else due

    def _expire_named(self, now: float) -> None:
        """Drop a named limit that was not named for some time."""
        if self._named is not None and now >= self._named.until:
            self._named = None

    def cap(self, now: float, most: int, seconds: float) -> None:
        """Apply a limit that a response names: at most `most` requests in `seconds`."""
        seconds = min(SAFETY * seconds, MAX_INTERVAL)
        if most >= MAX_STARTS:
            most, seconds = MAX_STARTS - 1, seconds * (MAX_STARTS - 1) / most
        # In an interval of minutes or hours all requests may start at once; in one of a second that gains nothing.
        lost = max(0.0, seconds - SAFETY)
        due = max(now, self._paused_until) - lost
        if self._named is not None and (self._named.most, self._named.seconds) == (most, seconds):
            due, lost = self._named.due, self._named.lost
        self._named = _NamedLimit(most, seconds, now + max(WINDOWS[-1], seconds), due, lost)
        self._learned, self._rejections = math.inf, None
        if seconds > WINDOWS[-1]:  # the service then says itself when its next window starts
            self._starts.clear()

    def accepted(self, began: float) -> None:
        """Note an accepted request: if most that started after a rejected one are accepted, no window was full."""
        rejections = self._rejections
        if rejections is not None and rejections.began < began < self._paused_until:
            rejections.accepted += 1
            if rejections.accepted > 2 * (rejections.rejected + 2):
                self._stop_learning()

    def rejected(self, now: float, seconds: float, began: float = math.inf) -> None:
        """Start nothing for the seconds that a 429 asks for; `began` is when the rejected request started."""
        self._expire_named(now)
        if self._rejections is None or now >= self._paused_until:
            if now > self._rejected_at + self._window / 4:  # otherwise it belongs to the same window
                steady = self._learned < math.inf and self._step == STEP
                self._futile = self._futile + 1 if steady else 0
            self._patience *= 1 if self._learned == math.inf else 2
            self._rejections = _Rejections(began)
        self._rejections.rejected += 1
        self._rejected_at = now
        if self._named is not None:
            lost = max(0.0, now + seconds - max(self._paused_until, now))
            self._named.lost = min(self._named.seconds, self._named.lost + lost)
            with suppress(ValueError):
                self._starts.remove(began)  # it was not accepted
        self._paused_until = max(self._paused_until, now + seconds)
        self._drop_reservations(now)
        self._next = min(self._next, (self._starts[-1] if self._starts else now) + self._spacing())
        self._learn(now, seconds, self._rejections)

    def _too_few(self, accepted: int, rejected: int) -> bool:
        """Whether a window has too few accepted requests to exclude chance; two windows with as many are enough."""
        if rejected > 1:
            return False
        previous, self._few_accepted = self._few_accepted, accepted
        return accepted < MIN_ACCEPTED and abs(accepted - previous) > 1

    def _count_starts(self, since: float) -> int:
        return sum(start_time >= since for start_time in self._starts)

    def _drop_reservations(self, now: float) -> None:
        while self._starts and self._starts[-1] > now:
            self._starts.pop()
            if self._named is not None:
                self._named.due -= self._named.spacing

    def _learn(self, now: float, seconds: float, rejections: _Rejections) -> None:
        """Learn the limit of a window from the number of accepted requests."""
        if self._named is not None:
            return
        self._window = next((window for window in WINDOWS if max(seconds, self._window) <= window), WINDOWS[-1])
        start = self._paused_until - 1.02 * self._window  # a little longer, because clocks and network delays differ
        accepted = self._count_starts(start) - rejections.rejected
        too_few = self._too_few(accepted, rejections.rejected)
        if self._futile > MAX_FUTILE:
            self._stop_learning()
        elif too_few or (now < self._no_learning_until and accepted >= rejections.rejected):
            pass
        elif seconds <= self._window and self._last_dropped < start:
            self._learned = 0.97 * max(accepted, 1) / self._window
            self._step, self._raise_at = STEP, self._paused_until + self._patience * self._window
            self._next = max(self._next, self._paused_until)

    def _stop_learning(self) -> None:
        """Forget the learned rate, and learn nothing for a while."""
        self._rejections, self._futile = None, 0
        self._learned, self._patience, self._no_learning_until = math.inf, 5.0, self._paused_until + NO_LEARNING


class RetryBudget:
    """The retries that all rows of a run share, so that an outage does not cause a flood of requests.

    Each retry takes one; each success and each second gives one back. If none is left, a retry waits for its second.

    `size` is the number of retries at first, and at most.
    """

    def __init__(self, size: float) -> None:
        self._size = self._available = size
        self._at = math.inf

    def take(self, now: float) -> float:
        """Use one retry of the budget and return the seconds until it may start."""
        self._available = min(self._size, self._available + max(0.0, now - self._at)) - 1
        self._at = now
        return max(0.0, -self._available)

    def give(self) -> None:
        """Add one retry to the budget, after a success."""
        self._available = min(self._size, self._available + 1)
