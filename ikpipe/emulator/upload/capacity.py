"""How fast the service is: how many uploads are processed at once, and how long each takes."""

import heapq

from ikpipe.emulator.rules import Rules


class Queue:
    """A queue in front of servers that process one upload each at a time; None is an unlimited number of servers.

    It is computed, not simulated: each upload gets the time of its end when it arrives. So a late timer does not delay
    the uploads behind it, and the throughput is exactly that of the servers.
    """

    def __init__(self, servers: int | None) -> None:
        # a heap of the times at which each server is free
        self._free = None if servers is None else [float("-inf")] * servers

    def join(self, now: float, seconds: float) -> float:
        """Add an upload that takes some seconds; return when it is done."""
        if self._free is None:
            return now + seconds
        done = max(now, self._free[0]) + seconds
        heapq.heapreplace(self._free, done)
        return done


class Capacity:
    """The queues of one account: one for all uploads, or a second one for those whose file is a URL."""

    def __init__(self, rules: Rules) -> None:
        queue = Queue(rules.capacity)
        url_queue = queue if rules.url_capacity is None else Queue(rules.url_capacity)
        self._bytes = queue, rules.latency
        self._urls = url_queue, rules.latency if rules.url_latency is None else rules.url_latency

    def join(self, now: float, *, url: bool) -> float:
        """Add an upload that arrives now; return when the service is done with it."""
        queue, latency = self._urls if url else self._bytes
        return queue.join(now, latency)
