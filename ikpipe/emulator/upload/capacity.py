"""How fast the service is: so many uploads at once, each for a while, first come, first served."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ikpipe.emulator.settings import Rules


class Queue:
    """Servers that take one upload each at a time, as many as `servers`; None is as many as there are uploads.

    It is computed, not played: each upload is told at its arrival when it is done, so that no timer that is late makes
    the next one late, and the throughput is exactly that of the servers.
    """

    def __init__(self, servers: int | None) -> None:
        # when each server is free again: a heap, of which the first is the next
        self._free = None if servers is None else [float("-inf")] * servers

    def join(self, now: float, seconds: float) -> float:
        """Take an upload that arrives now and is worked on for some seconds; gives when it is done."""
        if self._free is None:
            return now + seconds
        done = max(now, self._free[0]) + seconds
        heapq.heapreplace(self._free, done)
        return done


class Capacity:
    """The queues of one account: one for all uploads, or a second one for those whose file is a URL."""

    def __init__(self, rules: Rules) -> None:
        every = Queue(rules.capacity)
        for_urls = every if rules.url_capacity is None else Queue(rules.url_capacity)
        self._bytes = every, rules.latency
        self._urls = for_urls, rules.latency if rules.url_latency is None else rules.url_latency

    def join(self, now: float, *, url: bool) -> float:
        """Take an upload that arrives now; gives when the service is done with it."""
        queue, latency = self._urls if url else self._bytes
        return queue.join(now, latency)
