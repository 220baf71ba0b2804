"""What the service does after it has answered: extensions that take their time, webhooks that are tried again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_LOOK = 0.005
"""Seconds between two looks at a clock that is not the event loop's."""


class Background:
    """Work that goes on while the emulator runs; what is not done when it ends is dropped.

    Parameters
    ----------
    clock
        What waits go by, in seconds; None is the event loop's.
    """

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()

    def later(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        """Do something after some seconds; from the event loop's thread."""
        task = asyncio.get_running_loop().create_task(self._after(seconds, work))
        # the loop itself holds its tasks only weakly
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Drop what is not done."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _after(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        if self._clock is None:
            await asyncio.sleep(seconds)
        else:
            await _until(self._clock() + seconds, self._clock)
        await work()


async def _until(moment: float, clock: Callable[[], float]) -> None:
    while clock() < moment:  # noqa: ASYNC110 - no clock says when it will have gone on
        await asyncio.sleep(_LOOK)
