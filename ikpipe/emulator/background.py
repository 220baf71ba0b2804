"""Work that continues after the response: pending extensions, transformations, and retries of webhooks."""

import asyncio
from collections.abc import Awaitable, Callable

_POLL_INTERVAL = 0.005
"""Seconds between two readings of a clock that is not the event loop's."""


class Background:
    """Runs work after a delay, until the emulator stops; work that is then unfinished is cancelled.

    `clock` returns the time in seconds, by which delays are measured; None is the event loop's clock.
    """

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()

    def later(self, seconds: float, work: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        """Run something after some seconds; return the task. Call it from the event loop's thread."""
        task = asyncio.get_running_loop().create_task(self._after(seconds, work))
        # the event loop keeps only weak references to its tasks
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        """Cancel all unfinished work."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _after(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        if self._clock is None:
            await asyncio.sleep(seconds)
        else:
            due = self._clock() + seconds
            while self._clock() < due:  # noqa: ASYNC110 - nothing signals that a test has set its clock forward
                await asyncio.sleep(_POLL_INTERVAL)
        await work()
