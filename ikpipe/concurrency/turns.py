"""Wait until the rate lets a request start."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from ikpipe.concurrency.rate import RateLimiter


async def wait_turn(limiter: RateLimiter, sleep: Callable[[float], Awaitable[bool]]) -> bool:
    """Reserve the next start of a limiter, wait until then, and return whether to continue.

    `sleep` waits a number of seconds, and returns whether to continue.
    """
    asked = time.monotonic()
    delay = limiter.reserve(asked)
    while delay > 0:
        step = min(delay, limiter.longest_sleep)
        if not await sleep(step):
            return False
        # A rejection that came meanwhile can hold the request back longer; another rate changes its time.
        now = time.monotonic()
        delay, asked = limiter.renew(now, asked, delay - step), now
    return True
