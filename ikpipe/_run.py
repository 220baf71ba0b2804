"""Many rows: gates, groups, cancelling. Besides `_looks` and the wire, the only file that knows asyncio."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence

    from ikpipe._limit import Limit

P = ParamSpec("P")
T = TypeVar("T")
Item = TypeVar("Item")

AHEAD = 256  # items that may wait at a gate, so that one gate's queue does not hide another's items
OPEN = 4  # items begun, for each that may be in flight: the others wait for another attempt
JOIN = 0.01  # seconds in which others may join a write: one costs as much as 20 rows in it, and an upload takes longer
ALONE = 0.05  # seconds after which what nobody waits for is written by itself


class Control:
    """The reins of one run: drain it, or stop it at once; from any thread, and more than once.

    `dropped` are the positions of rows of which nothing more is to be sent, while the others go on.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._draining = asyncio.Event()
        self._turn = asyncio.Event()
        self._news = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._gates: Sequence[Gate] = ()
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
            gate.shut()
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
        gates: Sequence[Gate],
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
        hungry = any(gate.hungry for gate in self._gates)
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


class Gate:
    """Lets only so many through at once; those that come again go before those that are new.

    Parameters
    ----------
    limit
        How many, and how that changes with what is seen.
    """

    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._through = self._away = 0
        self._again: deque[asyncio.Future[bool]] = deque()
        self._new: deque[asyncio.Future[bool]] = deque()
        self._shut = False
        self.freed: Callable[[], None] = lambda: None

    @property
    def size(self) -> int:
        """How many may be through at once."""
        return self._limit.size

    @property
    def waiting(self) -> int:
        """How many stand before it."""
        return len(self._again) + len(self._new)

    @property
    def hungry(self) -> bool:
        """Whether it would let another one through."""
        return self._through + self.waiting < self.size

    async def enter(self, *, again: bool = False) -> bool:
        """Wait for a place, and tell whether there is one: False once it is shut. Whoever entered has to leave."""
        if self._shut:
            return False
        if self._through < self.size and not self.waiting:
            self._through += 1
            return True
        place: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        (self._again if again else self._new).append(place)
        try:
            return await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and place.result():
                self.leave()
            raise

    def depart(self) -> None:
        """Say that a request leaves; the others that are through still get ready, and load nobody."""
        self._away += 1

    def leave(self, began: float | None = None, now: float = 0.0, *, overload: bool = False) -> None:
        """Make room, and let the limit know how it went.

        Parameters
        ----------
        began, now
            When the request left, and when it was answered, in seconds; None if none did.
        overload
            Whether the answer was a sign of too many at once.
        """
        if began is not None:
            self._limit.answered(began, now, self._away, overload)
            self._away -= 1
        self._through -= 1
        while self._through < self.size and (queue := self._again or self._new):
            place = queue.popleft()
            if not place.done():
                self._through += 1
                place.set_result(True)
        self.freed()

    def shut(self) -> None:
        """Let nobody through any more."""
        self._shut = True
        for place in (*self._again, *self._new):
            if not place.done():
                place.set_result(False)
        self._again.clear()
        self._new.clear()


class Group(Generic[Item]):
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


CONTROL: ContextVar[Control | None] = ContextVar("CONTROL", default=None)
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


async def _attached(work: Coroutine[Any, Any, T], control: Control, *, drains: bool) -> T:
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


def blocking(main: Callable[P, Coroutine[Any, Any, T]], name: str, *, drains: bool = True) -> Callable[P, T]:
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
        control = Control()
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
