"""A closed loop of clients against models of a service, in virtual time.

`python tests/simulated.py` prints how `Adaptive` does beside the best fixed number in flight.
"""

from __future__ import annotations

import heapq
import math
import random
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ikpipe.concurrency.limits import AdaptiveLimit, ConcurrencyLimit, FixedLimit
from ikpipe.concurrency.rate import RateLimiter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

FAILED = -1.0  # instead of the seconds that a refusal names


class Service(Protocol):
    """A model of a service."""

    def arrive(self, now: float, in_flight: int) -> tuple[float, float | None]:
        """Take a request, and give when it ends, and None if well, the seconds that a refusal names, or `FAILED`."""


class Noise:
    """Makes latencies differ: log-normally by `spread`, and by file sizes of which half are five times the other."""

    def __init__(self, seed: int, spread: float = 0.0, *, mixed: bool = False) -> None:
        self._random = random.Random(seed)  # noqa: S311 - for a simulation
        self._spread, self._mixed = spread, mixed

    def __call__(self, latency: float) -> float:
        """Give one request's share of chance."""
        if self._mixed:
            latency *= self._random.choice((1, 5)) / 3
        if self._spread:
            latency *= math.exp(self._random.gauss(-(self._spread**2) / 2, self._spread))
        return latency


class Servers:
    """Serves so many at once, each for `latency`; the rest queue. `changes`: at what time it becomes how many."""

    def __init__(self, count: int, latency: float, noise: Noise, changes: Iterable[tuple[float, int]] = ()) -> None:
        self._free = [0.0] * count
        self._latency, self._noise = latency, noise
        self._changes = deque(changes)

    def arrive(self, now: float, in_flight: int) -> tuple[float, float | None]:
        """Queue a request at the server that is free first."""
        while self._changes and now >= self._changes[0][0]:
            count = self._changes.popleft()[1]
            self._free = sorted([*self._free, *[now] * (count - len(self._free))])[:count]
        end = max(now, self._free[0]) + self._noise(self._latency)
        heapq.heapreplace(self._free, end)
        return end, None


class Processor:
    """Shares itself among those in flight: throughput is top·n/(n + half)."""

    def __init__(self, top: float, half: float, noise: Noise) -> None:
        self._top, self._half, self._noise = top, half, noise

    def arrive(self, now: float, in_flight: int) -> tuple[float, float | None]:
        """Take the longer, the more are in flight."""
        return now + self._noise((in_flight + self._half) / self._top), None


class Limited:
    """Lets so many in each second since the first request; a refusal is quick, and names the time to wait."""

    def __init__(self, inner: Service, most: int, quick: float) -> None:
        self._inner, self._most, self._quick = inner, most, quick
        self._first = math.inf
        self._window = self._count = 0

    def arrive(self, now: float, in_flight: int) -> tuple[float, float | None]:
        """Count, and refuse what is too many."""
        self._first = min(self._first, now)
        window = int(now - self._first + 1e-9)
        self._count = self._count + 1 if window == self._window else 1
        self._window = window
        if self._count <= self._most:
            return self._inner.arrive(now, in_flight)
        end = now + self._quick
        return end, max(0.0, self._first + window + 1 - end) + 0.001


class Bounded:
    """Fails quickly what finds more than so many in flight."""

    def __init__(self, inner: Service, most: int, quick: float) -> None:
        self._inner, self._most, self._quick = inner, most, quick

    def arrive(self, now: float, in_flight: int) -> tuple[float, float | None]:
        """Look how many are there."""
        return (now + self._quick, FAILED) if in_flight > self._most else self._inner.arrive(now, in_flight)


class Flaky:
    """Fails a share of all requests, whatever the load, from one time to another."""

    def __init__(self, inner: Service, share: float, seed: int, times: tuple[float, float] = (0, math.inf)) -> None:
        self._inner, self._share, self._times = inner, share, times
        self._random = random.Random(seed)  # noqa: S311 - for a simulation

    def arrive(self, now: float, in_flight: int) -> tuple[float, float | None]:
        """Take as long as ever, and fail by chance."""
        end, wait = self._inner.arrive(now, in_flight)
        fails = self._times[0] <= now < self._times[1] and self._random.random() < self._share
        return end, FAILED if fails else wait


class Moody:
    """Refuses a share of all requests, whatever the load, and names the time to wait."""

    def __init__(self, inner: Service, share: float, wait: float, seed: int) -> None:
        self._inner, self._share, self._wait = inner, share, wait
        self._random = random.Random(seed)  # noqa: S311 - for a simulation

    def arrive(self, now: float, in_flight: int) -> tuple[float, float | None]:
        """Refuse by chance, at once."""
        if self._random.random() < self._share:
            return now + 0.002, self._wait
        return self._inner.arrive(now, in_flight)


class Spaced:
    """Lets in one request in each so many seconds, and refuses others for the rest of that time."""

    def __init__(self, rate: float) -> None:
        self._rate, self._next = rate, -math.inf

    def arrive(self, now: float, in_flight: int) -> tuple[float, float | None]:
        """Look whether it is time."""
        if now < self._next - 1e-9:
            return now + 0.002, self._next - now
        self._next = now + 1 / self._rate
        return now + 0.02, None


class Run:
    """A run of rows to its end, or to a time; a row that is refused or fails asks again later, and gives its place up.

    Parameters
    ----------
    told
        The limit that a refusal names, if it names one: how many requests in how many seconds.
    again
        Seconds after which a row that failed asks again.
    """

    def __init__(
        self,
        service: Service,
        limit: ConcurrencyLimit,
        rows: int = 10**9,
        *,
        pace: RateLimiter | None = None,
        told: tuple[int, float] | None = None,
        until: float = math.inf,
        again: float = 0.5,
    ) -> None:
        self.limit, self.requests, self.refused = limit, 0, 0
        self.sizes: list[tuple[float, int]] = []  # at each answer
        self.ends: list[float] = []
        self._service, self._pace, self._told, self._again = service, pace or RateLimiter(None), told, again
        self._rows = rows
        self._events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._serial = self._held = self._in_flight = 0
        self.now = 0.0
        self._fill()
        while self._events and self.now < until:
            self.now, _, do, arguments = heapq.heappop(self._events)
            do(*arguments)

    def _at(self, when: float, do: Callable[..., None], *arguments: float | None) -> None:
        self._serial += 1
        heapq.heappush(self._events, (when, self._serial, do, arguments))

    def _fill(self) -> None:
        while self._held < self.limit.size and self._rows:
            self._held += 1
            self._rows -= 1
            self._go(self._pace.reserve(self.now))

    def _go(self, away: float) -> None:
        if away:
            asked = self.now
            self._at(self.now + away, lambda: self._go(self._pace.renew(self.now, asked)))
            return
        self._in_flight += 1
        self.requests += 1
        end, wait = self._service.arrive(self.now, self._in_flight)
        self._at(end, self._end, self.now, wait)

    def _end(self, began: float, wait: float | None) -> None:
        self.limit.record(began, self.now, self._in_flight, wait is not None)
        self._in_flight -= 1
        self._held -= 1
        self.sizes.append((self.now, self.limit.size))
        if wait is None:
            self.ends.append(self.now)
            self._pace.accepted(began)
        else:
            self._refuse(began, wait)
        self._fill()

    def _refuse(self, began: float, wait: float) -> None:
        self.refused += 1
        if wait == FAILED:
            self._at(self.now + self._again, self._back)
            return
        self._pace.rejected(self.now, wait, began)
        if self._told is not None:
            self._pace.cap(self.now, *self._told)
        self._at(self.now + wait, self._back)

    def _back(self) -> None:
        self._rows += 1
        self._fill()

    def rate(self, since: float = 0.0, until: float = math.inf) -> float:
        """Give the rows per second, in all or within a time."""
        return sum(since <= end < until for end in self.ends) / (min(until, self.now) - since)

    def size(self, quantile: float, since: float | None = None) -> int:
        """Give a quantile of the limit after a time, or over the last third of all answers."""
        last = self.sizes[-len(self.sizes) // 3 :] if since is None else self.sizes
        sizes = sorted(size for time, size in last if since is None or time >= since)
        return sizes[min(len(sizes) - 1, int(quantile * len(sizes)))]


def best(make: Callable[[], Service], rows: int, sizes: Sequence[int]) -> float:
    """Give the rate of the best of some fixed numbers in flight."""
    return max(Run(make(), FixedLimit(size), rows).rate() for size in sizes)


@dataclass(frozen=True)
class Case:
    """A service by its seed, how many rows it gets, and the fixed numbers in flight of which one is best for it."""

    name: str
    make: Callable[[int], Service]
    rows: int
    sizes: tuple[int, ...]
    most: float = math.inf  # the rate that it allows
    again: float = 0.5

    def share(self, run: Run, seed: int) -> float:
        """Give a run's rate as a share of the best."""
        return run.rate() / min(self.most, best(lambda: self.make(seed), self.rows, self.sizes))

    def run(self, seed: int) -> Run:
        """Let `Adaptive` do it."""
        return Run(self.make(seed), AdaptiveLimit(), self.rows, again=self.again)


def servers(count: int, latency: float, spread: float, rows: int | None = None, *, mixed: bool = False) -> Case:
    """Make the case of a service with so many servers."""
    return Case(
        f"{count} servers, {latency:g} s ±{spread:.0%}{', mixed sizes' * mixed}",
        lambda seed: Servers(count, latency, Noise(seed, spread, mixed=mixed)),
        rows or 40 * count + 400,
        (count, int(1.3 * count) + 1),
    )


def processor(half: int, spread: float, *, mixed: bool = False) -> Case:
    """Make the case of a service whose throughput is 100·n/(n + half)."""
    name = f"100·n/(n + {half}) ±{spread:.0%}{', mixed sizes' * mixed}"
    return Case(name, lambda seed: Processor(100, half, Noise(seed, spread, mixed=mixed)), 6000, (256,))


def limited(in_flight: int, latency: float, spread: float, rows: int = 4000, count: int = 300) -> Case:
    """Make the case of a rate limit that so many in flight would use up."""
    most, quick = round(in_flight / latency), min(latency / 2, 0.02)
    return Case(
        f"{most}/s, {latency:g} s ±{spread:.0%}, {count} servers",
        lambda seed: Limited(Servers(count, latency, Noise(seed, spread)), most, quick),
        rows,
        (max(1, in_flight - 1), in_flight, in_flight + 1, 2 * in_flight),
        most,
    )


def flaky(count: int, share: float) -> Case:
    """Make the case of servers that fail by chance."""
    return Case(
        f"{count} servers, {share:.0%} fail",
        lambda seed: Flaky(Servers(count, 0.2, Noise(seed, 0.25)), share, seed),
        40 * count + 400,
        (count, int(1.3 * count) + 1),
    )


def bounded(count: int, factor: float) -> Case:
    """Make the case of servers with a short queue."""
    return Case(
        f"{count} servers, queue up to {int(factor * count)}",
        lambda seed: Bounded(Servers(count, 0.2, Noise(seed, 0.25)), int(factor * count), 0.01),
        40 * count + 400,
        (count,),
    )


COUNTS = (1, 4, 12, 40, 120)
CASES = {
    "servers": [servers(count, latency, spread) for spread in (0, 0.25) for count in COUNTS for latency in (0.005, 1)],
    "servers, longer": [servers(count, 0.2, 0.25, 40 * count + 2000) for count in COUNTS],
    "processor": [processor(half, spread) for spread in (0, 0.25) for half in (3, 10, 30, 100, 300)],
    "mixed sizes": [
        *(servers(count, 0.2, 0.25, mixed=True) for count in COUNTS),
        processor(30, 0.25, mixed=True),
    ],
    "rate limits": [
        limited(in_flight, latency, spread)
        for spread in (0, 0.25)
        for latency in (0.005, 0.05, 0.2, 1)
        for in_flight in (2, 5, 12, 30)
        if in_flight / latency < 4000  # else there is no second second
    ],
    "rate limits and servers": [limited(20, 1, 0.25, 3000, count) for count in (8, 20, 40)],
    "failures by chance": [flaky(count, share) for count in COUNTS[1:] for share in (0.05, 0.2, 0.5)],
    "short queues": [bounded(count, factor) for count in (4, 12, 40) for factor in (1.2, 2, 4)],
}


def row(case: Case, seeds: int) -> str:
    """Run a case, and sum it up."""
    runs = [case.run(seed) for seed in range(seeds)]
    shares = [case.share(run, seed) for seed, run in enumerate(runs)]
    sizes = "  ".join(f"{run.size(0.05)}-{run.size(0.5)}-{run.size(0.95)}" for run in runs)
    refused = max(run.refused / run.requests for run in runs)
    return f"{case.name:38} {min(shares):7.1%} {sum(shares) / seeds:7.1%} {refused:8.2%}   {sizes}"


def main(seeds: int = 4) -> None:
    """Print the table."""
    began = time.perf_counter()
    print(f"{'':38} {'least':>7} {'mean':>7} {'refused':>8}   limit over the last third: 5 %, half, 95 %")  # noqa: T201
    for name, cases in CASES.items():
        print(f"-- {name}")  # noqa: T201
        for case in cases:
            print(row(case, seeds if "±0%" not in case.name else 1), flush=True)  # noqa: T201
    print(f"{time.perf_counter() - began:.0f} s")  # noqa: T201


if __name__ == "__main__":
    main()
