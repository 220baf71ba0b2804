"""Call a function from time to time while something else goes on."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress


@asynccontextmanager
async def ticking(seconds: float, call: Callable[[], None] | None) -> AsyncIterator[None]:
    """Call a function each time these seconds have passed, until the block ends; None calls nothing."""
    if call is None:
        yield
        return

    async def tick() -> None:
        """Call the function again and again."""
        while True:
            await asyncio.sleep(seconds)
            call()

    task = asyncio.create_task(tick())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
