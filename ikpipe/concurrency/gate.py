"""A gate that limits how many items are in flight, in order of arrival."""

import asyncio
from collections import deque
from collections.abc import Callable

from ikpipe.concurrency.limits import ConcurrencyLimit


class ConcurrencyGate:
    """Limits how many items are in flight; retries go before new items.

    `limit` is the number in flight, and how it changes with the results.
    """

    def __init__(self, limit: ConcurrencyLimit) -> None:
        self._limit = limit
        self._inside = self._in_flight = 0
        self._retries: deque[asyncio.Future[bool]] = deque()
        self._new: deque[asyncio.Future[bool]] = deque()
        self._closed = False
        self.freed: Callable[[], None] = lambda: None

    @property
    def size(self) -> int:
        """The maximum number of items inside."""
        return self._limit.size

    @property
    def inside(self) -> int:
        """The number of items that have a place, sent or not."""
        return self._inside

    @property
    def in_flight(self) -> int:
        """The number of items that were sent and have not ended."""
        return self._in_flight

    @property
    def waiting(self) -> int:
        """The number of items that wait."""
        return len(self._retries) + len(self._new)

    @property
    def has_room(self) -> bool:
        """Whether another item would not have to wait."""
        return self._inside + self.waiting < self.size

    async def acquire(self, *, retry: bool = False) -> bool:
        """Wait for a place and return whether there is one: False once the gate is closed. `release` gives it back."""
        if self._closed:
            return False
        if self._inside < self.size and not self.waiting:
            self._inside += 1
            return True
        waiter: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        (self._retries if retry else self._new).append(waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.result():
                self.release()
            raise

    def sent(self) -> None:
        """Count an item as in flight; items inside that are not sent yet put no load on the service."""
        self._in_flight += 1

    def release(self, began: float | None = None, now: float = 0.0, *, overload: bool = False) -> None:
        """Release a place and report the result to the limit.

        `began` and `now` are when the request was sent and when it ended, in seconds; None if no request was sent.
        `overload` says whether the result was a sign of overload.
        """
        if began is not None:
            self._limit.record(began, now, self._in_flight, overload)
            self._in_flight -= 1
        self._inside -= 1
        self._let_in()

    def resize(self, size: int) -> None:
        """Change the maximum number of items inside; those inside stay."""
        self._limit.size = size
        self._let_in()

    def _let_in(self) -> None:
        """Let waiting items in while there is room."""
        while self._inside < self.size and (queue := self._retries or self._new):
            waiter = queue.popleft()
            if not waiter.done():
                self._inside += 1
                waiter.set_result(True)
        self.freed()

    def close(self) -> None:
        """Let no more items in, and wake all that wait."""
        self._closed = True
        for waiter in (*self._retries, *self._new):
            if not waiter.done():
                waiter.set_result(False)
        self._retries.clear()
        self._new.clear()
