"""How fast a run may go: when its requests begin, and when its retries may go.

Pure: times are passed in, in seconds of a clock that never goes back.
"""

from __future__ import annotations

import math
from collections import deque
from contextlib import suppress
from dataclasses import dataclass

STEP = 0.05  # by which a learned rate is raised at first
WINDOWS = (1.0, 60.0)  # seconds over which services count requests (guess: so the common ones do)
CAREFUL = 1.03  # factor on a named interval: clocks and windows are not ours
LONGEST = 900.0  # seconds that a named interval can delay a request
REMEMBERED = 10_000  # beginnings
VAIN = 1  # refusals in a row at a learned rate
FEW = 8  # requests of a window
QUIET = 30.0  # seconds for which nothing is learned, after refusals that no limit explains


@dataclass(slots=True)
class _Named:
    """A limit that the service named: so many requests in so many seconds, believed until a time.

    `due` is when the next request would begin if they were spaced evenly; `lost` are the seconds lost to pauses, which
    may be made up for.
    """

    most: int
    seconds: float
    until: float
    due: float
    lost: float

    @property
    def spacing(self) -> float:
        """Seconds between two requests."""
        return self.seconds / self.most


@dataclass(slots=True)
class _Episode:
    """Refusals of one window: when the first refused request began, how many, and how many later ones were let in."""

    began: float
    refused: int = 0
    let_in: int = 0


class RateLimiter:
    """Spaces the beginnings of requests, and follows what refusals say.

    - `rate` spaces beginnings evenly.
    - The time that a refusal names holds everything that has not begun.
    - A limit that a refusal names is kept while it is named, and a while longer: no more requests begin in any such
      interval, but time lost to a pause is made up for. Nothing is learned meanwhile.
    - Otherwise a refusal is taken for the end of a window: as many requests as were let in are the limit, and from the
      next window on requests begin evenly, 3 % slower. The rate is raised again in growing steps.
    - Refusals that no limit explains teach nothing: most requests that began later were let in, or the learned rate
      did not help.

    Parameters
    ----------
    rate
        Beginnings per second, at most; None sets no limit.
    since
        When another's last beginning may have been, at the latest, in whose stead this one is paced.
    """

    def __init__(self, rate: float | None, since: float = -math.inf) -> None:
        self._most = rate or math.inf
        self._named: _Named | None = None
        self._learned = math.inf
        self._next, self._until, self._refused_at = since + 1 / self._most, -math.inf, -math.inf
        self._begun: deque[float] = deque(maxlen=REMEMBERED)
        self._gone = -math.inf  # the last beginning that is no longer in `_begun`
        self._episode: _Episode | None = None
        self._window = WINDOWS[0]
        self._patience, self._step, self._raise = 5.0, STEP, math.inf
        self._vain, self._few, self._quiet = 0, -FEW, -math.inf

    @property
    def rate(self) -> float:
        """Beginnings per second, at most."""
        named = math.inf if self._named is None else 1 / self._named.spacing
        return min(self._most, self._learned, named)

    def reserve(self, now: float) -> float:
        """Take the next place, and return how many seconds it is away."""
        self._forget(now)
        place = max(self._next, self._until, self._by_name(now), now)
        if place > now >= max(self._raise, self._until):
            self._learned *= 1 + self._step
            self._step, self._raise = 2 * self._step, now + self._window
        self._next = place + self._spacing()
        self._begun.append(place)
        keep = max(2 * self._window, 0.0 if self._named is None else self._named.seconds)
        while self._begun[0] < now - keep or len(self._begun) == REMEMBERED:
            self._gone = self._begun.popleft()
        return place - now

    def held(self, now: float, asked: float) -> float:
        """Ask after having waited for a place: one that was taken before a refusal is lost, and another is taken."""
        return self.reserve(now) if asked <= self._refused_at else 0.0

    def _spacing(self) -> float:
        return 1 / min(self._most, self._learned)

    def _by_name(self, now: float) -> float:
        """Return when one more request keeps to the named limit."""
        named = self._named
        if named is None:
            return now
        due = max(named.due, now - named.lost)
        named.due = due + named.spacing
        named.lost = min(named.lost, max(0.0, now - named.due))
        full = len(self._begun) >= named.most
        return max(due, self._begun[-named.most] + named.seconds) if full else due

    def _forget(self, now: float) -> None:
        """Forget a limit that was not named for some time."""
        if self._named is not None and now >= self._named.until:
            self._named = None

    def cap(self, now: float, most: int, seconds: float) -> None:
        """Begin no more than so many requests in so many seconds, as long as that is named now and then."""
        seconds = min(CAREFUL * seconds, LONGEST)
        if most >= REMEMBERED:
            most, seconds = REMEMBERED - 1, seconds * (REMEMBERED - 1) / most
        # In a window of minutes or hours all may begin at once; in one of a second that gains nothing.
        lost = max(0.0, seconds - CAREFUL)
        due = max(now, self._until) - lost
        if self._named is not None and (self._named.most, self._named.seconds) == (most, seconds):
            due, lost = self._named.due, self._named.lost
        self._named = _Named(most, seconds, now + max(WINDOWS[-1], seconds), due, lost)
        self._learned, self._episode = math.inf, None
        if seconds > WINDOWS[-1]:  # then the service says itself when the next window begins
            self._begun.clear()

    def accepted(self, began: float) -> None:
        """Note that a request was let in: if most are that began after a refused one, no window was full."""
        episode = self._episode
        if episode is not None and episode.began < began < self._until:
            episode.let_in += 1
            if episode.let_in > 2 * (episode.refused + 2):
                self._teach_nothing()

    def rejected(self, now: float, seconds: float, began: float = math.inf) -> None:
        """Begin nothing for these seconds, which a refusal of a request named that began then."""
        self._forget(now)
        if self._episode is None or now >= self._until:
            if now > self._refused_at + self._window / 4:  # else it is of the same window
                steady = self._learned < math.inf and self._step == STEP
                self._vain = self._vain + 1 if steady else 0
            self._patience *= 1 if self._learned == math.inf else 2
            self._episode = _Episode(began)
        self._episode.refused += 1
        self._refused_at = now
        if self._named is not None:
            lost = max(0.0, now + seconds - max(self._until, now))
            self._named.lost = min(self._named.seconds, self._named.lost + lost)
            with suppress(ValueError):
                self._begun.remove(began)  # it was not let in
        self._until = max(self._until, now + seconds)
        while self._begun and self._begun[-1] > now:  # places that are lost
            self._begun.pop()
            if self._named is not None:
                self._named.due -= self._named.spacing
        self._next = min(self._next, (self._begun[-1] if self._begun else now) + self._spacing())
        self._learn(now, seconds)

    def _learn(self, now: float, seconds: float) -> None:
        """Take what was let in for the limit of a window."""
        episode = self._episode
        if episode is None or self._named is not None:
            return
        self._window = next((window for window in WINDOWS if max(seconds, self._window) <= window), WINDOWS[-1])
        start = self._until - 1.02 * self._window  # a little more, since clocks and journeys differ
        taken = sum(place >= start for place in self._begun) - episode.refused
        few, self._few = self._few, taken if episode.refused == 1 else self._few
        if self._vain > VAIN:
            self._teach_nothing()
        elif episode.refused == 1 and taken < FEW and abs(taken - few) > 1:
            pass  # too few to tell a limit from chance, unless it is the same again
        elif seconds <= self._window and self._gone < start and (now >= self._quiet or taken < episode.refused):
            self._learned = 0.97 * max(taken, 1) / self._window
            self._step, self._raise = STEP, self._until + self._patience * self._window
            self._next = max(self._next, self._until)

    def _teach_nothing(self) -> None:
        """Forget what was learned, and learn nothing for a while."""
        self._episode, self._vain = None, 0
        self._learned, self._patience, self._quiet = math.inf, 5.0, self._until + QUIET


class RetryBudget:
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
