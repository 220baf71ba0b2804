"""What the service does after it has answered: extensions that take their time, webhooks that are tried again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class Background:
    """Work that goes on while the emulator runs; what is not done when it ends is dropped."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def later(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        """Do something after some seconds; from the event loop's thread."""
        task = asyncio.get_running_loop().create_task(_after(seconds, work))
        # the loop itself holds its tasks only weakly
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Drop what is not done."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _after(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    await asyncio.sleep(seconds)
    await work()
