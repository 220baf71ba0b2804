"""A gate: items pass it in order, and at most a given number are in flight at once."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ikpipe.concurrency.limits import ConcurrencyLimit


class ConcurrencyGate:
    """Lets only so many through at once; those that come again go before those that are new.

    Parameters
    ----------
    limit
        How many, and how that changes with what is seen.
    """

    def __init__(self, limit: ConcurrencyLimit) -> None:
        self._limit = limit
        self._through = self._away = 0
        self._again: deque[asyncio.Future[bool]] = deque()
        self._new: deque[asyncio.Future[bool]] = deque()
        self._shut = False
        self.freed: Callable[[], None] = lambda: None

    @property
    def size(self) -> int:
        """How many may be through at once."""
        return self._limit.size

    @property
    def waiting(self) -> int:
        """How many stand before it."""
        return len(self._again) + len(self._new)

    @property
    def has_room(self) -> bool:
        """Whether it would let another one through."""
        return self._through + self.waiting < self.size

    async def acquire(self, *, again: bool = False) -> bool:
        """Wait for a place, and tell whether there is one: False once it is shut. Whoever entered has to leave."""
        if self._shut:
            return False
        if self._through < self.size and not self.waiting:
            self._through += 1
            return True
        place: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        (self._again if again else self._new).append(place)
        try:
            return await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and place.result():
                self.release()
            raise

    def sent(self) -> None:
        """Say that a request leaves; the others that are through still get ready, and load nobody."""
        self._away += 1

    def release(self, began: float | None = None, now: float = 0.0, *, overload: bool = False) -> None:
        """Make room, and let the limit know how it went.

        Parameters
        ----------
        began, now
            When the request left, and when it was answered, in seconds; None if none did.
        overload
            Whether the answer was a sign of too many at once.
        """
        if began is not None:
            self._limit.record(began, now, self._away, overload)
            self._away -= 1
        self._through -= 1
        while self._through < self.size and (queue := self._again or self._new):
            place = queue.popleft()
            if not place.done():
                self._through += 1
                place.set_result(True)
        self.freed()

    def close(self) -> None:
        """Let nobody through any more."""
        self._shut = True
        for place in (*self._again, *self._new):
            if not place.done():
                place.set_result(False)
        self._again.clear()
        self._new.clear()
