"""How fast a run may go: when its requests begin, and when its retries may go.

Pure: times are passed in, in seconds of a clock that never goes back.
"""

from __future__ import annotations

import math
from collections import deque

STEP, MOST_VAIN = 0.05, 4  # by which a rate that was learnt is raised at first; refusals in vain
WINDOWS = (1.0, 60.0)  # seconds over which services count requests (guess: so the common ones do)


class Pace:
    """Spaces the beginnings of requests evenly, and learns how many the service lets in.

    A service that refuses a request and names the time to its next window has let in as many as it ever will in this
    one. They are counted, and from the next window on requests begin 3 % slower than that: evenly spaced, they fit
    into every window. The rate is raised again after a while, in growing steps; each further refusal doubles the while.
    A refusal can have reasons of its own, too: if a request is let in that began after the one that was refused, it
    was no full window, and nothing is learnt. Nor is anything, once a rate that was learnt did not help some times.

    Parameters
    ----------
    rate
        Beginnings per second, at most; None sets no limit.
    since
        When another's last beginning may have been, at the latest, in whose stead this one is paced.
    """

    def __init__(self, rate: float | None, since: float = -math.inf) -> None:
        self._most = rate or math.inf
        self._learnt = math.inf
        self._next, self._until = since + 1 / self._most, -math.inf
        self._begun: deque[float] = deque()
        self._forgotten = -math.inf  # the last beginning that is no longer in `_begun`
        self._window, self._refused = WINDOWS[0], 0
        self._patience, self._step, self._raise = 5.0, STEP, math.inf
        self._let_in = -math.inf  # the latest beginning of a request that was let in
        self._suspect = math.inf  # that of the first one refused, as long as something was learnt from it
        self._before = (math.inf, 5.0)  # rate and patience before that
        self._vain = 0  # refusals at a rate that was learnt, and not raised since

    @property
    def rate(self) -> float:
        """Beginnings per second, at most."""
        return min(self._most, self._learnt)

    def wait(self, now: float) -> float:
        """Take the next place, and give how many seconds it is away."""
        place = max(self._next, self._until, now)
        if place > now >= max(self._raise, self._until):
            self._learnt *= 1 + self._step
            self._step, self._raise = 2 * self._step, now + self._window
        self._next = place + 1 / self.rate
        self._begun.append(place)
        while self._begun[0] < now - 2 * self._window:
            self._forgotten = self._begun.popleft()
        return place - now

    def held(self, now: float) -> float:
        """Ask after having waited for a place: if it was lost to a refusal meanwhile, another one is taken."""
        return self.wait(now) if now < self._until else 0.0

    def slow(self, rate: float) -> None:
        """Go never faster than this from now on."""
        self._most = min(self._most, rate)

    def let_in(self, began: float) -> None:
        """Take in that a request was let in; what was learnt from one that began earlier is forgotten."""
        self._let_in = max(self._let_in, began)
        if self._suspect < began < self._until:
            self._learnt, self._patience = self._before
            self._suspect = math.inf

    def refused(self, now: float, seconds: float, began: float = math.inf) -> None:
        """Begin nothing for these seconds, which a refusal of a request named that began then; and learn from it."""
        if self._learnt < math.inf and now > self._until + self._window:
            self._vain = self._vain + 1 if self._step == STEP else 0
        if began < self._let_in or self._vain > MOST_VAIN:
            self._until = max(self._until, now + seconds)
            self._learnt = math.inf if self._vain > MOST_VAIN else self._learnt
            return
        if now >= self._until:
            self._suspect, self._before = began, (self._learnt, self._patience)
            self._refused = 0
            self._patience *= 1 if self._learnt == math.inf else 2
        self._refused += 1
        self._until = max(self._until, now + seconds)
        self._window = next((window for window in WINDOWS if max(seconds, self._window) <= window), WINDOWS[-1])
        start = self._until - 1.02 * self._window  # a little more, since clocks and journeys differ
        if seconds <= self._window and self._forgotten < start:
            taken = sum(start <= place <= now for place in self._begun) - self._refused
            self._learnt = 0.97 * max(taken, 1) / self._window
            self._step, self._raise = STEP, self._until + self._patience * self._window


class Budget:
    """The retries that the rows of a run share, so that an outage does not become a flood of them.

    Each retry takes one, each success gives one back, and so does each second. When none is left, a retry is not
    refused: it waits for its second.

    Parameters
    ----------
    size
        How many there are at first, and at most.
    """

    def __init__(self, size: float = 100) -> None:
        self._size = self._left = size
        self._at = math.inf

    def take(self, now: float) -> float:
        """Take one, and give the seconds until that retry may go."""
        self._left = min(self._size, self._left + max(0.0, now - self._at)) - 1
        self._at = now
        return max(0.0, -self._left)

    def give(self) -> None:
        """Give one back, for a row that is up."""
        self._left = min(self._size, self._left + 1)
