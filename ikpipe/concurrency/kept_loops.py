"""Event loops that stay open between calls, each in a thread of its own, with what the calls opened in them.

A part of a table on a cluster can have one row, and a thread, an event loop and a connection of its own would cost more
than its upload. So a call runs in the loop that an earlier call with the same key has left:

- Calls at the same time have a loop each, so that none of them waits for another.
- A loop whose call raised an exception is not used again.
- A loop that was not used for `IDLE` seconds ends, and so do all unused ones when the process ends.
- A copy of a process (``fork``) starts with none: it has neither the threads, nor connections of its own.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from contextvars import copy_context
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")

IDLE = 2.0  # seconds, as connections wait for another request
_EXIT_TIMEOUT = 1.0  # seconds that the end of the process waits for each unused loop

Run = Callable[[Coroutine[Any, Any, Any]], Any]
"""Runs a coroutine and returns its result, as `asyncio.run` does."""


class _KeptLoop:
    """An event loop in a thread of its own, which runs the calls with one key, one after another."""

    def __init__(self, key: Hashable, name: str) -> None:
        self.key = key
        self.calls: SimpleQueue[Callable[[Run], None] | None] = SimpleQueue()
        self.thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._failed = False
        self._opened: Any = None
        self._closing = AsyncExitStack()

    async def opened(self, opening: Callable[[], AbstractAsyncContextManager[Any]]) -> Any:
        """Return what the first call opened."""
        if self._opened is None:
            self._opened = await self._closing.enter_async_context(opening())
        return self._opened

    def _work(self) -> None:
        _HERE.loop = self
        # Not `asyncio.Runner`: at the end of the process, it would fail to start a thread that ends the executor's.
        self._loop = asyncio.new_event_loop()
        try:
            while self._answer_next() and not self._failed:
                pass
            self._loop.run_until_complete(self._close())
        finally:
            self._loop.close()

    def _answer_next(self) -> bool:
        """Run the next call, and keep nothing of it; return whether there was one."""
        call = self._next()
        if call is not None:
            call(self._run)
        return call is not None

    def _next(self) -> Callable[[Run], None] | None:
        """Return the next call; None to end."""
        try:
            return self.calls.get(timeout=IDLE)
        except Empty:
            with _POOL.lock:  # a call may have come at the last moment
                _POOL.idle.pop(self, None)
                return None if self.calls.empty() else self.calls.get()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine, and let another call have the loop before the caller knows the result."""
        assert self._loop is not None  # noqa: S101 - for mypy
        try:
            result = self._loop.run_until_complete(self._loop.create_task(work, context=copy_context()))
        except BaseException:
            self._failed = True
            raise
        with _POOL.lock:
            _POOL.idle[self] = None
        return result

    async def _close(self) -> None:
        """Close what was opened, and end what calls have left."""
        await self._closing.aclose()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await asyncio.get_running_loop().shutdown_asyncgens()


class _Pool:
    """The loops that wait for a call, the one that has waited for the shortest time last."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.idle: dict[_KeptLoop, None] = {}
        self._of_parent: list[dict[_KeptLoop, None]] = []

    def call(self, key: Hashable, name: str, call: Callable[[Run], None]) -> None:
        """Call a function in the thread of a loop that waits, or of a new one."""
        with self.lock:
            loop = waiting = next((one for one in reversed(self.idle) if one.key == key), None)
            if loop is None:
                loop = _KeptLoop(key, name)
            self.idle.pop(loop, None)
            loop.calls.put(call)
        if waiting is None:
            loop.thread.start()

    def end(self) -> None:
        """End the loops that wait, since the process ends."""
        with self.lock:
            ending, self.idle = self.idle, {}
        for loop in ending:
            loop.calls.put(None)
        for loop in ending:
            loop.thread.join(_EXIT_TIMEOUT)

    def start_as_copy(self) -> None:
        """Start anew in a copy of a process: its parent's loops are never closed, since both have their connections."""
        self._of_parent.append(self.idle)
        self.lock, self.idle = threading.Lock(), {}


_HERE = threading.local()
_POOL = _Pool()
atexit.register(_POOL.end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_POOL.start_as_copy)


def call_with_loop(call: Callable[[Run], None], name: str, key: Hashable = None) -> None:
    """Call a function in another thread, with what runs a coroutine in an event loop there.

    Calls with the same `key` that follow each other have the same thread and loop; with None, each has new ones.
    `name` is that of a new thread. The function has the caller's context variables.
    """
    context = copy_context()
    if key is None:
        threading.Thread(target=context.run, args=(call, asyncio.run), name=name, daemon=True).start()
    else:
        _POOL.call(key, name, lambda run: context.run(call, run))


def opened_in_loop(opening: Callable[[], AbstractAsyncContextManager[T]]) -> Awaitable[T]:
    """Return what the first call in this kept loop opened; it is closed when the loop ends."""
    loop: _KeptLoop = _HERE.loop
    return loop.opened(opening)
