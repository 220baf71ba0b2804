"""Group commit: combine many small writes into one, because each write has a fixed cost."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Generic, TypeVar

Item = TypeVar("Item")

JOIN = 0.01  # seconds in which others may join a write, which costs as much as 20 rows in it; uploads take longer
ALONE = 0.05  # seconds after which items are written although nothing waits for them


class GroupCommit(Generic[Item]):
    """Combines items into one write; items that arrive during a write go into the next one.

    Items that a caller waits for are written after `JOIN` seconds; other items are written with them, or after `ALONE`
    seconds. If nobody else can add an item, since the group is being closed or all callers wait, they are written at
    once.

    `write` writes a list of items, in a thread of its own unless they are written at once. Its exception is raised to
    all callers that wait, now and later: nothing is written after a failed write. `callers` is how many there can be;
    None: it is not known.
    """

    def __init__(self, write: Callable[[list[Item]], None], callers: int | None = None) -> None:
        self._write, self._callers, self._closing = write, callers, False
        self._thread = ThreadPoolExecutor(1, "ikpipe.journal")
        self._items: list[Item] = []
        self._next: asyncio.Future[None] | None = None
        self._waiting: list[asyncio.Future[None]] = []
        self._writer: asyncio.Task[None] | None = None
        self._requested = asyncio.Event()
        self.error: Exception | None = None

    def add(self, item: Item) -> asyncio.Future[None]:
        """Add an item to the next write; the future is done when it is written."""
        self._items.append(item)
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
        if self._writer is None:
            self._writer = asyncio.create_task(self._work())
        return self._next

    async def put(self, item: Item) -> None:
        """Add an item and wait until it is written."""
        if self.error is not None:
            raise self.error
        self.add(item)
        self._requested.set()
        # A future for each caller, because a cancellation must not affect the others; `shield` costs twice as much.
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        await waiter

    async def flush(self) -> None:
        """Wait until everything that was added is written, or the write has failed."""
        if self._next is not None:
            self._requested.set()
            await asyncio.wait([self._next])

    async def close(self) -> None:
        """Write the remaining items and end the thread."""
        self._closing = True
        try:
            while self._writer is not None:
                self._requested.set()
                await asyncio.shield(self._writer)
        finally:
            self._thread.shutdown(wait=False)

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while self._next is not None:
            at_once = await self._collect()
            items, done, waiting = self._items, self._next, self._waiting
            self._items, self._next, self._waiting = [], None, []
            self._requested.clear()
            try:
                if self.error is None and at_once:
                    self._write(items)
                elif self.error is None:
                    await loop.run_in_executor(self._thread, self._write, items)
            except Exception as error:  # noqa: BLE001 - it is raised where it is waited for
                self.error = error
            for waiter in (done, *waiting):
                if waiter.done():
                    continue
                if self.error is None:
                    waiter.set_result(None)
                else:
                    waiter.set_exception(self.error)
            if self.error is not None:
                done.exception()  # mark it as retrieved: there may be no caller that waits
        self._writer = None

    async def _collect(self) -> bool:
        """Wait for further items to join; return whether nobody else can add one."""
        with suppress(TimeoutError):
            async with asyncio.timeout(ALONE):
                await self._requested.wait()
        if not (last := self._closing or len(self._waiting) == self._callers):
            await asyncio.sleep(JOIN)
        return last
