"""Many rows: workers, rate, cancelling. The only file that knows asyncio."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterator

P = ParamSpec("P")
T = TypeVar("T")
Item = TypeVar("Item")


class Control:
    """The reins of one run: drain it, or stop it at once; from any thread, and more than once."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._draining = asyncio.Event()
        self._workers: list[asyncio.Task[None]] = []
        self._wanted = 0
        self.interrupted = False

    @property
    def draining(self) -> bool:
        """Whether no new row may begin."""
        return self._wanted > 0

    def interrupt(self) -> None:
        """Drain what is in flight; asked a second time, stop at once."""
        self._wanted += 1
        self.interrupted = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._pull)

    def drain(self) -> None:
        """Begin no new row, and cut waits short. To be called from within the run."""
        self._wanted = max(self._wanted, 1)
        self._pull()

    def _pull(self) -> None:
        self._draining.set()
        if self._wanted > 1:
            for worker in self._workers:
                worker.cancel()

    async def sleep(self, seconds: float) -> bool:
        """Wait, and tell whether to go on: False as soon as the run drains."""
        try:
            await asyncio.wait_for(self._draining.wait(), seconds)
        except TimeoutError:
            return True
        return False

    async def work(
        self, items: Iterator[Item], do: Callable[[Item], Awaitable[None]], concurrency: int, rate: float | None
    ) -> None:
        """Do something with each item, so many at once and no more than `rate` a second.

        Items are taken as workers become free. What `do` raises stops the run.
        """
        self._loop = asyncio.get_running_loop()
        if self.draining:  # asked for before the loop was there
            self._pull()
        pace = Pace(rate)

        async def worker() -> None:
            while not self.draining and (item := next(items, None)) is not None:
                if (away := pace.wait()) and not await self.sleep(away):
                    return
                await do(item)

        self._workers = [asyncio.create_task(worker()) for _ in range(concurrency)]
        try:
            await asyncio.gather(*self._workers)
        except asyncio.CancelledError:
            if self._wanted < 2:  # noqa: PLR2004 - not our own stop: somebody cancelled the caller
                raise
        finally:
            for task in self._workers:
                task.cancel()
            await asyncio.gather(*self._workers, return_exceptions=True)


class Pace:
    """Spaces the beginnings of rows evenly; None means no spacing."""

    def __init__(self, rate: float | None) -> None:
        self._gap = 1 / rate if rate else 0.0
        self._next = 0.0

    def wait(self) -> float:
        """Take the next place, and give how many seconds it is away."""
        if not self._gap:
            return 0.0
        now = asyncio.get_running_loop().time()
        self._next = max(self._next, now)
        away, self._next = self._next - now, self._next + self._gap
        return away


CONTROL: ContextVar[Control | None] = ContextVar("CONTROL", default=None)
"""The reins of the run that this thread was started for."""


def blocking(main: Callable[P, Coroutine[Any, Any, T]], name: str) -> Callable[P, T]:
    """Make the synchronous twin of a coroutine function: same signature, same documentation.

    It runs in a loop and thread of its own, since a notebook's cell has a running loop already. A `KeyboardInterrupt`
    (Ctrl-C, a notebook's stop button) drains the run, the second one stops it, and the third one is raised.
    """

    @wraps(main)
    def twin(*args: P.args, **kwargs: P.kwargs) -> T:
        control = Control()
        future: Future[T] = Future()
        begun = threading.Lock()

        def target() -> None:
            if not begun.acquire(blocking=False):
                return
            CONTROL.set(control)
            try:
                future.set_result(asyncio.run(main(*args, **kwargs)))
            except BaseException as error:  # noqa: BLE001 - it is raised again in the caller's thread
                future.set_exception(error)

        asked = heeded = 0
        while True:
            try:
                # An interrupt in the middle of starting leaves open whether it has begun; it begins only once.
                while not begun.locked():
                    threading.Thread(target=target, name=f"ikpipe.{name}", daemon=True).start()
                while heeded < asked:  # here, since another interrupt may come at any moment
                    heeded += 1
                    control.interrupt()
                return future.result()
            except KeyboardInterrupt:
                asked += 1
                if asked > 2:  # noqa: PLR2004 - drained, stopped, and still here
                    raise

    twin.__name__ = twin.__qualname__ = name
    return twin
