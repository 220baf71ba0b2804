"""Group commit: many small writes share one, since each write has a fixed cost."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Item = TypeVar("Item")

JOIN = 0.01  # seconds in which others may join a write: one costs as much as 20 rows in it, and an upload takes longer
ALONE = 0.05  # seconds after which what nobody waits for is written by itself


class GroupCommit(Generic[Item]):
    """Lets many share one write: what comes while a write is under way goes into the next one.

    A write has its price, however little is in it: what somebody waits for is written after `JOIN` seconds, and what
    nobody waits for goes with it, or after `ALONE` seconds.

    Parameters
    ----------
    write
        Writes a list of things; it runs in a thread of its own. What it raises is raised to all who wait, now and
        later: after a write that failed nothing is written any more.
    """

    def __init__(self, write: Callable[[list[Item]], None]) -> None:
        self._write = write
        self._thread = ThreadPoolExecutor(1, "ikpipe.journal")
        self._items: list[Item] = []
        self._next: asyncio.Future[None] | None = None
        self._waiting: list[asyncio.Future[None]] = []
        self._writer: asyncio.Task[None] | None = None
        self._wanted = asyncio.Event()
        self.error: Exception | None = None

    def add(self, item: Item) -> asyncio.Future[None]:
        """Have something written soon; the future is done when it is."""
        self._items.append(item)
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
        if self._writer is None:
            self._writer = asyncio.create_task(self._work())
        return self._next

    async def put(self, item: Item) -> None:
        """Have something written, and wait until it is."""
        if self.error is not None:
            raise self.error
        self.add(item)
        self._wanted.set()
        # A future of its own, since whoever is cancelled must not take the others' along; `shield` costs twice that.
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        await place

    async def written(self) -> None:
        """Wait until all that was added is written, or cannot be."""
        if self._next is not None:
            self._wanted.set()
            await asyncio.wait([self._next])

    async def close(self) -> None:
        """Write what is left, and end the thread."""
        try:
            while self._writer is not None:
                self._wanted.set()
                await asyncio.shield(self._writer)
        finally:
            self._thread.shutdown(wait=False)

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while self._next is not None:
            await self._gather()
            items, done, waiting = self._items, self._next, self._waiting
            self._items, self._next, self._waiting = [], None, []
            self._wanted.clear()
            try:
                if self.error is None:
                    await loop.run_in_executor(self._thread, self._write, items)
            except Exception as error:  # noqa: BLE001 - it is raised where it is waited for
                self.error = error
            for place in (done, *waiting):
                if place.done():
                    continue
                if self.error is None:
                    place.set_result(None)
                else:
                    place.set_exception(self.error)
            if self.error is not None:
                done.exception()  # it may be that nobody waits
        self._writer = None

    async def _gather(self) -> None:
        """Let others join."""
        with suppress(TimeoutError):
            async with asyncio.timeout(ALONE):
                await self._wanted.wait()
        await asyncio.sleep(JOIN)
