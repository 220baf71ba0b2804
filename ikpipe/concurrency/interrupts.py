"""Interrupts of a run: Ctrl-C finishes what is in flight, a second one stops at once, whatever the run is doing.

`to_sync` turns a coroutine function into a function that Ctrl-C interrupts in this way, also in a notebook.
`RunControl` drains or stops one run from any thread. The run starts its items and waits through it, so that an
interrupt is noticed at any moment.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Hashable, Iterable, Iterator, Sequence
from concurrent.futures import Future, wait
from contextvars import ContextVar
from functools import partial, wraps
from typing import Any, ParamSpec, TypeVar

from ikpipe.concurrency.gate import ConcurrencyGate
from ikpipe.concurrency.kept_loops import Run, call_with_loop

P = ParamSpec("P")
T = TypeVar("T")
Item = TypeVar("Item")

_LONGEST_WAIT = 0.2  # seconds
MAX_WAITING = 256  # items that may wait at gates; more than one gate needs, so that items of another gate are reached
STARTED_PER_PLACE = 4  # items started for each place in flight; the others wait for another attempt


async def _next(items: Iterator[Item] | AsyncIterator[Item]) -> Item | None:
    return await anext(items, None) if isinstance(items, AsyncIterator) else next(items, None)


class RunControl:
    """Controls one run: drains it, or stops it at once, from any thread.

    `interrupted` says whether a user has interrupted the run. `cancelled_positions` are the positions of rows that are
    cancelled while the others continue.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._draining = asyncio.Event()
        self._slot_freed = asyncio.Event()
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._gates: Sequence[ConcurrencyGate] = ()
        self._level = 0  # 1 drains, 2 and above stops
        self._error: BaseException | None = None
        self.interrupted = False
        self.cancelled_positions: set[int] = set()

    @property
    def draining(self) -> bool:
        """Whether no new row may start."""
        return self._level > 0

    @property
    def stopped(self) -> bool:
        """Whether everything stops at once."""
        return self._level > 1

    def attach(self) -> None:
        """Apply interrupts in the running event loop from now on, and those that came before."""
        self._loop = asyncio.get_running_loop()
        if self.draining:
            self._apply()

    def interrupt(self) -> None:
        """Drain the run; the second call stops it at once."""
        self._level += 1
        self.interrupted = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._apply)

    def drain(self) -> None:
        """Start no new row and end waits early. Only for use within the run's event loop."""
        self._level = max(self._level, 1)
        self._apply()

    def _apply(self) -> None:
        self._draining.set()
        self._slot_freed.set()
        self._changed.set()
        for gate in self._gates:
            gate.close()
        if self.stopped:
            for task in self._tasks:
                task.cancel()

    async def sleep(self, seconds: float) -> bool:
        """Wait a number of seconds and return whether to continue: False as soon as the run drains."""
        self._loop = self._loop or asyncio.get_running_loop()  # a run can wait before its rows start
        if self.draining:
            return False
        try:
            await asyncio.wait_for(self._draining.wait(), seconds)
        except TimeoutError:
            return True
        return False

    async def unless_draining(self, work: Coroutine[Any, Any, T]) -> T | None:
        """Return the coroutine's result; cancel it and return None if the run drains first."""
        task, draining = asyncio.ensure_future(work), asyncio.ensure_future(self._draining.wait())
        try:
            await asyncio.wait([task, draining], return_when=asyncio.FIRST_COMPLETED)
            return task.result() if task.done() else None
        finally:
            task.cancel()
            draining.cancel()
            await asyncio.gather(task, draining, return_exceptions=True)

    async def wait_until(self, holds: Callable[[], bool]) -> bool:
        """Wait until a condition holds and return whether to continue; `notify` makes it check the condition again."""
        while not holds():
            if self.draining:
                return False
            self._changed.clear()
            await self._changed.wait()
        return not self.draining

    def notify(self) -> None:
        """Make everything that waits in `wait_until` check its condition again."""
        self._changed.set()

    async def work(
        self,
        items: Iterator[Item] | AsyncIterator[Item],
        do: Callable[[Item], Coroutine[Any, Any, None]],
        gates: Sequence[ConcurrencyGate],
        beside: Coroutine[Any, Any, None] | None = None,
    ) -> None:
        """Run `do` for each item as a task; return when all have ended.

        An item is only taken while a gate has room, so a long table is not read ahead. An exception of `do` stops the
        run and is raised.

        Parameters
        ----------
        items
            The items, such as rows.
        do
            Processes one item; it passes one of the gates before it sends anything.
        gates
            Limit the number of items in flight.
        beside
            A coroutine that runs at the same time and must end, too.
        """
        self._gates = gates
        for gate in gates:
            gate.freed = self._slot_freed.set
        if beside is not None:
            self._start(beside)
        self.attach()
        try:
            await self._start_items(items, do)
            await self._wait_for_tasks()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._error is not None:
            raise self._error

    async def _start_items(
        self, items: Iterator[Item] | AsyncIterator[Item], do: Callable[[Item], Coroutine[Any, Any, None]]
    ) -> None:
        """Start items while there is room for them."""
        while not self.draining:
            if not self._room():
                self._slot_freed.clear()
                await self._slot_freed.wait()
            elif (item := await _next(items)) is None:
                return
            else:
                self._start(do(item))
                await asyncio.sleep(0)  # let the task reach its gate

    def _start(self, doing: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(doing)
        self._tasks.add(task)
        task.add_done_callback(self._on_done)

    def _room(self) -> bool:
        if len(self._tasks) >= STARTED_PER_PLACE * sum(gate.size for gate in self._gates) + MAX_WAITING:
            return False
        has_room = any(gate.has_room for gate in self._gates)
        return has_room and sum(gate.waiting for gate in self._gates) < MAX_WAITING

    async def _wait_for_tasks(self) -> None:
        """Wait until every started item has ended."""
        while self._tasks:
            self._slot_freed.clear()
            await self._slot_freed.wait()

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._slot_freed.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            self._error = self._error or error
            self._level = max(self._level, 2)
            self._apply()


CURRENT_CONTROL: ContextVar[RunControl | None] = ContextVar("CONTROL", default=None)
"""The control of the run that this thread was started for."""


async def run_limited(items: Iterable[Item], do: Callable[[Item], Coroutine[Any, Any, None]], limit: int = 8) -> None:
    """Run `do` for each item, at most `limit` at a time; the first error cancels the others and is raised."""
    semaphore = asyncio.Semaphore(limit)

    async def run(item: Item) -> None:
        """Process one item when there is a free place."""
        async with semaphore:
            await do(item)

    try:
        async with asyncio.TaskGroup() as group:
            for item in items:
                group.create_task(run(item))
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None


async def interruptible_sleep(seconds: float) -> bool:
    """Wait and return whether to continue: False as soon as an interrupt drains the run of this thread."""
    if (control := CURRENT_CONTROL.get()) is not None:
        return await control.sleep(seconds)
    return await asyncio.sleep(seconds, True)


class _Interrupted(Exception):  # noqa: N818 - becomes a KeyboardInterrupt in the caller's thread
    """The call was interrupted and has nothing to drain."""


async def _attached(work: Coroutine[Any, Any, T], control: RunControl, *, drains: bool) -> T:
    """Run a coroutine that can be interrupted from its start."""
    CURRENT_CONTROL.set(control)
    control.attach()
    if drains:
        return await work

    async def boxed() -> tuple[T]:
        """Return the result in a tuple, so that None differs from no result."""
        return (await work,)

    if (box := await control.unless_draining(boxed())) is None:
        raise _Interrupted
    return box[0]


def _result(future: Future[T]) -> T:
    """Return the result of a future, and notice signals while it has none.

    Libraries such as polars install a handler of SIGINT after which the system continues a wait; then Python notices
    the signal when the wait ends.
    """
    while not wait([future], _LONGEST_WAIT).done:
        pass
    return future.result()


def _interruptible(future: Future[T], control: RunControl, start: Callable[[], None]) -> T:
    """Start what sets a future's result, and return that; interrupts meanwhile are passed to the control."""
    started, interrupts, applied = False, 0, 0
    while True:
        try:
            if not started:  # after an interrupt of `start`, it may or may not have started
                start()
                started = True
            while applied < interrupts:  # within `try`, because another interrupt may come at any moment
                applied += 1
                control.interrupt()
            return _result(future)
        except (KeyboardInterrupt, _Interrupted) as error:
            interrupts += 1
            if interrupts > 2 or isinstance(error, _Interrupted):  # noqa: PLR2004 - it was drained and stopped
                raise KeyboardInterrupt from None


def to_sync(
    main: Callable[P, Coroutine[Any, Any, T]],
    name: str,
    *,
    drains: bool = True,
    loop_of: Callable[P, Hashable] | None = None,
) -> Callable[P, T]:
    """Return a synchronous version of a coroutine function, with the same signature and documentation.

    It runs in an event loop and thread of its own, because a notebook's cell already has a running loop. The first
    `KeyboardInterrupt` (Ctrl-C, a notebook's stop button) drains the run, the second one stops it, and the third one is
    raised.

    `name` is the name of the synchronous function. `drains` says whether the run drains and returns a result after an
    interrupt. If not, the first interrupt cancels it and is raised. `loop_of` returns a key for the arguments of a
    call: calls with the same key that follow each other share an event loop (`kept_loops.py`); None: none do.
    """

    @wraps(main)
    def synchronous(*args: P.args, **kwargs: P.kwargs) -> T:
        """Run the coroutine function in a thread with its own event loop, and return its result."""
        control = RunControl()
        future: Future[T] = Future()
        begun = threading.Lock()

        def target(run: Run) -> None:
            """Run the coroutine, unless another thread does, since the start was interrupted and repeated."""
            if not begun.acquire(blocking=False):
                return
            try:
                future.set_result(run(_attached(main(*args, **kwargs), control, drains=drains)))
            except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
                future.set_exception(error)

        key = None if loop_of is None else loop_of(*args, **kwargs)
        return _interruptible(future, control, partial(call_with_loop, target, f"ikpipe.{name}", key))

    synchronous.__name__ = synchronous.__qualname__ = name
    return synchronous
