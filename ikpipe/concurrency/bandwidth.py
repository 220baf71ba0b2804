"""Limit how many bytes a second a run sends and receives.

Theory of operation
-------------------
All transfers of one direction share a `BandwidthLimiter`. Before a transfer passes on a piece, it *takes* the piece's
bytes. Pieces are served in the order of arrival, and a transfer takes its next piece only after the last one, so
transfers share the bandwidth evenly, and one that the network slows down leaves its share to the others.

`TokenBucket` does the arithmetic. Its balance grows by the rate, up to what `BURST` seconds bring; a piece is let
through as soon as the balance is not negative, which then falls by the size of the piece, below 0 too. So nothing is
lost if a timer fires late, a pause of the transfers is made up for by `BURST` at most, and no interval has more
bytes than its seconds bring, plus a burst and a piece.

Pieces are small at a low rate (`piece`): a server ends a request of which nothing arrives for some time, and with many
transfers, each waits for the pieces of all others.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ikpipe.concurrency.bandwidth_schedule import BandwidthSchedule, Limits

BURST = 0.25  # seconds of unused bandwidth that may be made up for
_RESOLUTION = 1e-6  # seconds; a clock may not be able to pass by less
_PIECE_SECONDS = 0.02  # that one piece should take
_SATURATED, _MOMENT = 3, 1.0  # transfers that wait; seconds
_LEAST_PIECE = 1 << 10  # bytes
_LONGEST_SLEEP = 1.0  # seconds: the limit can change with the time of day


class TokenBucket:
    """The bytes that may be passed on now; see the theory of operation above. Pure: times are passed in, in seconds."""

    def __init__(self) -> None:
        self._balance, self._at = 0.0, -math.inf

    def take(self, count: int, rate: float, now: float) -> float:
        """Return 0 and take some bytes; or, where that is too early, return the seconds to wait and take none.

        `rate` is the number of bytes per second at present.
        """
        if rate == math.inf:
            self._balance, self._at = 0.0, now
            return 0.0
        elapsed, self._at = (0.0 if self._at == -math.inf else max(0.0, now - self._at)), now
        self._balance = min(BURST * rate, self._balance + elapsed * rate)
        if (delay := -self._balance / rate) > _RESOLUTION:
            return delay
        self._balance -= count
        return 0.0


class BandwidthLimiter:
    """Lets transfers pass on bytes at a limited rate, which they share evenly.

    `rate` returns the number of bytes per second that are allowed now. `clock` is a monotonic clock, in seconds, and
    `sleep` waits a number of them.
    """

    def __init__(
        self,
        rate: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._rate, self._clock, self._sleep = rate, clock, sleep
        self._bucket, self._turn = TokenBucket(), asyncio.Lock()  # whose waiters follow in the order of arrival
        self._waiting, self._saturated_at = 0, -math.inf

    @property
    def saturated(self) -> bool:
        """Whether, a moment ago, so many transfers waited that one more would gain nothing.

        Now, they may be waiting for their replies, since transfers of equal size end together.
        """
        return self._clock() < self._saturated_at + _MOMENT

    def piece(self, most: int) -> int:
        """Return how many bytes to pass on at a time, at most `most`."""
        return int(max(min(most, self._rate() * _PIECE_SECONDS), _LEAST_PIECE))

    async def take(self, count: int) -> None:
        """Wait until some bytes may be passed on."""
        self._waiting += 1
        if self._waiting >= _SATURATED:
            self._saturated_at = self._clock()
        try:
            async with self._turn:
                while (delay := self._bucket.take(count, self._rate(), self._clock())) > 0:
                    await self._sleep(min(delay, _LONGEST_SLEEP))
        finally:
            self._waiting -= 1


class Bandwidth:
    """The limiters of a run, one for each direction.

    `now` returns the local time, by which `schedule` has its limits.
    """

    def __init__(self, schedule: BandwidthSchedule, now: Callable[[], time.struct_time] = time.localtime) -> None:
        self._schedule, self._now, self._share = schedule, now, 1.0
        self.upload = BandwidthLimiter(lambda: self._limits().upload * self._share)
        self.download = BandwidthLimiter(lambda: self._limits().download * self._share)

    def set_share(self, share: float) -> None:
        """Change the share of the limits."""
        self._share = share

    def _limits(self) -> Limits:
        now = self._now()
        return self._schedule.at(now.tm_wday, now.tm_hour, now.tm_min)
