"""Control of a run: drain or stop it from any thread; and coroutines called from synchronous code."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence

    from ikpipe.concurrency.gate import ConcurrencyGate

P = ParamSpec("P")
T = TypeVar("T")
Item = TypeVar("Item")

AHEAD = 256  # items that may wait at a gate, so that one gate's queue does not hide another's items
OPEN = 4  # items begun, for each that may be in flight: the others wait for another attempt


class RunControl:
    """The reins of one run: drain it, or stop it at once; from any thread, and more than once.

    `dropped` are the positions of rows of which nothing more is to be sent, while the others go on.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._draining = asyncio.Event()
        self._turn = asyncio.Event()
        self._news = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._gates: Sequence[ConcurrencyGate] = ()
        self._wanted = 0
        self._error: BaseException | None = None
        self.interrupted = False
        self.dropped: set[int] = set()

    @property
    def draining(self) -> bool:
        """Whether no new row may begin."""
        return self._wanted > 0

    @property
    def stopped(self) -> bool:
        """Whether everything is to stop at once."""
        return self._wanted > 1

    def attach(self) -> None:
        """Heed interrupts from now on in the loop that is running, and those that came before."""
        self._loop = asyncio.get_running_loop()
        if self.draining:
            self._pull()

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
        self._turn.set()
        self._news.set()
        for gate in self._gates:
            gate.close()
        if self.stopped:
            for task in self._tasks:
                task.cancel()

    async def sleep(self, seconds: float) -> bool:
        """Wait, and tell whether to go on: False as soon as the run drains."""
        self._loop = self._loop or asyncio.get_running_loop()  # a run can wait before its rows begin
        if self.draining:
            return False
        try:
            await asyncio.wait_for(self._draining.wait(), seconds)
        except TimeoutError:
            return True
        return False

    async def unless_draining(self, work: Coroutine[Any, Any, T]) -> T | None:
        """Return what a coroutine returns; None if the run drains first, and the coroutine is cancelled."""
        task, draining = asyncio.ensure_future(work), asyncio.ensure_future(self._draining.wait())
        try:
            await asyncio.wait([task, draining], return_when=asyncio.FIRST_COMPLETED)
            return task.result() if task.done() else None
        finally:
            task.cancel()
            draining.cancel()
            await asyncio.gather(task, draining, return_exceptions=True)

    async def until(self, holds: Callable[[], bool]) -> bool:
        """Wait until something holds; return whether to go on. Whoever changes it calls `news`."""
        while not holds():
            if self.draining:
                return False
            self._news.clear()
            await self._news.wait()
        return not self.draining

    def news(self) -> None:
        """Have those look again who wait until something holds."""
        self._news.set()

    async def work(
        self,
        items: Iterator[Item],
        do: Callable[[Item], Coroutine[Any, Any, None]],
        gates: Sequence[ConcurrencyGate],
        beside: Coroutine[Any, Any, None] | None = None,
    ) -> None:
        """Do something with each item, which passes one of the gates for whatever is limited.

        Items are taken only while some gate has room: a long frame is not read ahead. What `do` raises stops the run.

        Parameters
        ----------
        items, do, gates
            What is to be done, how, and the gates.
        beside
            Something else that goes on meanwhile, and has to end too.
        """
        self._gates = gates
        for gate in gates:
            gate.freed = self._turn.set
        if beside is not None:
            self._start(beside)
        self.attach()
        try:
            await self._begin(items, do)
            await self._finish()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._error is not None:
            raise self._error

    async def _begin(self, items: Iterator[Item], do: Callable[[Item], Coroutine[Any, Any, None]]) -> None:
        """Begin items as there is room for them."""
        while not self.draining:
            if not self._room():
                self._turn.clear()
                await self._turn.wait()
            elif (item := next(items, None)) is None:
                return
            else:
                self._start(do(item))
                await asyncio.sleep(0)  # let it come to its gate

    def _start(self, doing: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(doing)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _room(self) -> bool:
        few = len(self._tasks) < OPEN * sum(gate.size for gate in self._gates) + AHEAD
        hungry = any(gate.has_room for gate in self._gates)
        return few and hungry and sum(gate.waiting for gate in self._gates) < AHEAD

    async def _finish(self) -> None:
        """Wait until every item that was begun has ended."""
        while self._tasks:
            self._turn.clear()
            await self._turn.wait()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._turn.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            self._error = self._error or error
            self._wanted = max(self._wanted, 2)
            self._pull()


CONTROL: ContextVar[RunControl | None] = ContextVar("CONTROL", default=None)
"""The reins of the run that this thread was started for."""


async def each(items: Iterable[Item], work: Callable[[Item], Coroutine[Any, Any, None]], at_once: int = 8) -> None:
    """Do something with each, some at once; the first error ends the others, and is raised."""
    places = asyncio.Semaphore(at_once)

    async def placed(item: Item) -> None:
        async with places:
            await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            for item in items:
                group.create_task(placed(item))
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None


async def rest(seconds: float) -> bool:
    """Wait, and return whether to go on: False as soon as an interrupt drains what was started in this thread."""
    if seconds <= 0:
        return True
    if (control := CONTROL.get()) is not None:
        return await control.sleep(seconds)
    await asyncio.sleep(seconds)
    return True


class _Interrupted(Exception):  # noqa: N818 - becomes a KeyboardInterrupt in the caller's thread
    """What was started had nothing to drain."""


async def _attached(work: Coroutine[Any, Any, T], control: RunControl, *, drains: bool) -> T:
    """Run a coroutine that heeds interrupts from its first moment."""
    CONTROL.set(control)
    control.attach()
    if drains:
        return await work

    async def boxed() -> tuple[T]:
        return (await work,)

    if (box := await control.unless_draining(boxed())) is None:
        raise _Interrupted
    return box[0]


def to_sync(main: Callable[P, Coroutine[Any, Any, T]], name: str, *, drains: bool = True) -> Callable[P, T]:
    """Make the synchronous twin of a coroutine function: same signature, same documentation.

    It runs in a loop and thread of its own, since a notebook's cell has a running loop already. A `KeyboardInterrupt`
    (Ctrl-C, a notebook's stop button) drains the run, the second one stops it, and the third one is raised.

    Parameters
    ----------
    main, name
        The coroutine function, and the twin's name.
    drains
        Whether there is something to drain, and to return. If not, the first one cancels it and is raised.
    """

    @wraps(main)
    def twin(*args: P.args, **kwargs: P.kwargs) -> T:
        control = RunControl()
        future: Future[T] = Future()
        begun = threading.Lock()

        def target() -> None:
            if not begun.acquire(blocking=False):
                return
            try:
                future.set_result(asyncio.run(_attached(main(*args, **kwargs), control, drains=drains)))
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
            except (KeyboardInterrupt, _Interrupted) as error:
                asked += 1
                if asked > 2 or isinstance(error, _Interrupted):  # noqa: PLR2004 - drained, stopped, and still here
                    raise KeyboardInterrupt from None

    twin.__name__ = twin.__qualname__ = name
    return twin
