"""How many uploads may be in flight: a fixed number, or the one that is found to do best.

Pure: times are passed in, in seconds of a clock that never goes back.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

START, MOST = 16, 256  # uploads in flight, at first and at most


class ConcurrencyLimit(Protocol):
    """How many requests may be in flight."""

    size: int

    def record(self, began: float, now: float, in_flight: int, overload: bool) -> None:  # noqa: FBT001 - as it is
        """Take in the end of a request.

        Parameters
        ----------
        began, now
            When it began, and the time now.
        in_flight
            How many requests were in flight just before it ended, itself included.
        overload
            Whether it ended as a sign of overload (429, 5xx, time-out, lost connection); an ordinary refusal is none.
        """


class FixedLimit:
    """Always so many."""

    def __init__(self, size: int) -> None:
        self.size = size

    def record(self, began: float, now: float, in_flight: int, overload: bool) -> None:  # noqa: FBT001
        """Take in the end of a request, which changes nothing."""


class _Measurement:
    """What came of the requests since some moment."""

    def __init__(self) -> None:
        self.answers = self.fine = self.in_flight = 0
        self.seconds = self.squares = 0.0

    def add(self, seconds: float, in_flight: int, *, fine: bool) -> None:
        self.answers += 1
        self.fine += fine
        self.in_flight += in_flight
        self.seconds += seconds
        self.squares += seconds * seconds

    def throughput(self) -> float:
        """Give the answers per second, by Little's law, and by it alone: pauses between requests do not count."""
        return self.in_flight / max(self.seconds, 1e-9) * self.worth()

    def worth(self) -> float:
        """Give what an answer is worth; a failure counts twice: nothing came of it, and it was a burden."""
        return (self.fine / self.answers) ** 2

    def error(self) -> float:
        """Give the throughput's relative standard error."""
        if not self.fine:
            return math.inf
        spread = max(0.0, self.squares * self.answers / max(self.seconds, 1e-9) ** 2 - 1)
        return math.sqrt((spread + 4 * (self.answers / self.fine - 1)) / self.answers)


class AdaptiveLimit:
    """Finds the smallest number in flight that gives the best throughput, and follows it.

    Only throughput counts: requests answered well per second. Latency grows also where more in flight still pay, and
    requests fail also where load is not the reason; neither says anything by itself. So the limit

    1. doubles with each round trip, as long as that pays (`_start`);
    2. comes down in steps as long as the throughput holds, and halves the first step too far (`_descend`);
    3. rests there. After ever more windows of answers it tries a step up, which must gain something (`_climb`), or
       now and then one down, which must cost nothing (`_fall`). If the throughput changes by itself, it looks anew.

    A window begins two round trips after a change of the limit, and is the longer the more its answers differ; one in
    which the limit was not used says nothing. Many more failures than usual end a step up early. Nothing but failures
    halves the limit again and again, down to 1; after them it begins as in the beginning.

    Parameters
    ----------
    most
        How many there may be at most.
    """

    STEP = 1.5
    PAYS, SOME = 1.25, 1.07  # the throughput beside the one before: doubled again for that much, kept for that much
    GAINS, HOLDS = 1.03, 0.94  # a step up, a step down
    LEAST, CLOSE = 40, 0.03  # a window's answers, at least, and its standard error, at most (if it does not take ages)
    LOST = 16  # failures in a row: by chance, if half of all fail, once in 100,000 requests
    PATIENCE = 2, 8  # windows between two tries

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._phase: Callable[[float, float], None] = self._start
        self._best = 0.0  # throughput that a step is measured by; 0 if it is yet to be seen
        self._good, self._bad = min(START, most), 0
        self._patience = self._left = self.PATIENCE[0]
        self._tries = self._lost = 0
        self._alive = False
        self._usual = 0.4  # share of failures, as long as nobody knows
        self._shortest = math.inf
        self._move(START, -math.inf)

    def _move(self, size: float, now: float) -> None:
        self.size = self._base = min(self._most, max(1, round(size)))
        self._moved = self._trip = now
        self._trips = self._seen = self._missed = 0
        self._tally = _Measurement()

    def record(self, began: float, now: float, in_flight: int, overload: bool) -> None:  # noqa: FBT001
        """Take in the end of a request; see `Limit`."""
        self._moved = began if self._moved == -math.inf else self._moved
        self._count(began, now, fine=not overload)
        if self._lost == self.LOST:
            self._halve(now)
        elif self._failing():
            self._give_up(now)
        elif self._phase == self._start or self._trips > 1:
            self._tally.add(now - began, in_flight, fine=not overload)
            if self._phase == self._start and not overload and self._used(in_flight):
                self.size = min(self.size + 1, 2 * self._base, self._most)
            if self._ready():
                self._judge(now)

    def _count(self, began: float, now: float, *, fine: bool) -> None:
        """Count round trips and failures of requests that began since the limit changed; others say nothing of it."""
        if began >= self._trip:
            self._seen += 1
            self._missed += not fine
            self._lost += not fine
        if fine:
            self._alive = True
            self._lost, self._shortest = 0, min(self._shortest, now - began)
            if began >= self._trip:
                self._trip, self._trips = now, self._trips + 1

    def _used(self, in_flight: float) -> bool:
        return in_flight >= 0.8 * self.size

    def _turn(self, phase: Callable[[float, float], None]) -> None:
        self._phase, self._best = phase, 0.0

    def _ready(self) -> bool:
        """Tell whether the window has answers enough to be judged by."""
        answers, error = self._tally.answers, self._tally.error()
        if self._phase == self._start:
            grown = self._trips and self.size in (2 * self._base, self._most)
            return bool(grown) and answers >= START and (error < 4 * self.CLOSE or answers >= 2 * START + self.size / 2)
        least = self.size * (2 if self._phase == self._climb else 1)
        return answers >= max(least, self.LEAST) and (error < self.CLOSE or answers >= 200 + self.size)

    def _judge(self, now: float) -> None:
        tally, self._tally = self._tally, _Measurement()
        if self._phase == self._start:  # by the clock: of the first answers, the quick ones come first
            self._start(tally.answers * tally.worth() / max(now - self._moved, 1e-9), now)
        elif self._used(tally.in_flight / tally.answers):
            self._phase(tally.throughput(), now)
            if self._phase == self._rest:
                self._usual = 1 - tally.fine / tally.answers

    def _halve(self, now: float) -> None:
        """Make way for a service in trouble; if nothing was well since the last time, begin anew."""
        self._turn(self._descend if self._alive else self._start)
        self._alive, self._lost, self._usual = False, 0, 0.4
        self._shortest, self._patience = math.inf, self.PATIENCE[0]
        self._move(self.size // 2, now)

    def _failing(self) -> bool:
        """Tell whether a step up has too many failures, be it by the size of the step or by the time that it lasts."""
        if self._missed <= 8 + 1.5 * self._usual * self._seen:
            return False
        return self._phase == self._climb or (
            self._phase == self._start and (self._trips > 2 or self.size > START // 2)  # noqa: PLR2004
        )

    def _give_up(self, now: float) -> None:
        if self._phase == self._climb:
            self._settle(now)
        else:
            self._turn(self._descend)
            self._move(self._base, now)

    def _start(self, found: float, now: float) -> None:
        """Double, while that pays."""
        if self._base < self._most and found >= self.PAYS * self._best:
            self._best = found
            return self._move(self.size, now)
        pays = found > self.SOME * self._best
        self._turn(self._rest if pays and self._base == self._most else self._descend)
        return self._move(self.size if pays else self._base, now)

    def _descend(self, found: float, now: float) -> None:
        """Look for the smallest limit with the throughput of the present one."""
        if found >= self.HOLDS * self._best:
            self._bad = self._bad if self._best else 0
            self._good, self._best = self.size, max(found, self._best)
        else:
            self._bad = self.size
        if self._bad:
            lower = round(math.sqrt(self._good * self._bad))
        else:  # by Little's law, if the quickest answer met no queue; twice that, since it may have been a small file
            lower = round(max(self.size / 2, min(self.size / self.STEP, 2 * self._best * self._shortest)))
        if self._bad < lower < self._good and self._good > 1.6 * self._bad:
            return self._move(lower, now)
        self._left = self._patience
        self._turn(self._rest)
        return self._move(self._good, now)

    def _rest(self, found: float, now: float) -> None:
        """Stay, and try another limit now and then; look anew if the service has changed."""
        if self._best and found < 0.7 * self._best:
            self._patience = self.PATIENCE[0]
            self._turn(self._descend)
            return self._move(self.size, now)
        if self._best and found > self._best / 0.7:
            self._left, self._patience, self._tries = 0, self.PATIENCE[0], 0
        self._best += (found - self._best) * (0.2 if self._best else 1)
        self._left -= 1
        if self._left > 0:
            return None
        self._good, falls = self.size, self._tries % 4 == 1
        self._tries += 1
        self._phase = self._fall if falls else self._climb
        return self._move(self.size / self.STEP if falls else math.ceil(self.size * self.STEP), now)

    def _climb(self, found: float, now: float) -> None:
        if found >= self.PAYS * self._best:
            self._patience = self.PATIENCE[0]
            self._turn(self._start)
            return self._move(self.size, now)
        return self._go_on(math.ceil(self.size * self.STEP), found, now, holds=found >= self.GAINS * self._best)

    def _fall(self, found: float, now: float) -> None:
        return self._go_on(round(self.size / self.STEP), found, now, holds=found >= self.HOLDS * self._best)

    def _go_on(self, size: int, found: float, now: float, *, holds: bool) -> None:
        """Take another step in a direction that proved right, or settle."""
        if holds:
            self._good, self._best, self._patience = self.size, max(found, self._best), self.PATIENCE[0]
            if size != self.size and self.size < self._most:
                return self._move(size, now)
        return self._settle(now)

    def _settle(self, now: float) -> None:
        """Go back to the last limit that proved right, and wait longer before the next try."""
        self._left = self._patience = min(self.PATIENCE[1], 2 * self._patience)
        self._phase = self._rest
        self._move(self._good, now)
