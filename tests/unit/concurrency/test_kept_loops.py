"""Event loops that calls share which follow each other.

A loop ends if no call comes for two seconds, so on a busy machine not all of a number of calls share one.
"""

from __future__ import annotations

import asyncio
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

import pytest

from ikpipe.concurrency.interrupts import to_sync
from ikpipe.concurrency.kept_loops import opened_in_loop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


async def loop_id(_key: str) -> int:
    """Return what identifies the event loop of a call."""
    return id(asyncio.get_running_loop())


call = to_sync(loop_id, "call", loop_of=lambda key: key)


def test_calls_with_the_same_key_that_follow_each_other_share_a_loop() -> None:
    """Those with another key, and calls without keys, do not run there."""
    one, other = uuid.uuid4().hex, uuid.uuid4().hex
    loops = {key: {call(key) for _ in range(20)} for key in (one, other)}
    assert all(len(ids) < 20 for ids in loops.values())
    assert loops[one].isdisjoint(loops[other])


def test_calls_at_the_same_time_have_a_loop_each() -> None:
    """No call waits for another: here, each waits until all have started."""
    together = threading.Barrier(4, timeout=30)

    async def meet(_key: str) -> int:
        together.wait()
        return id(asyncio.get_running_loop())

    meeting, key = to_sync(meet, "meet", loop_of=lambda key: key), uuid.uuid4().hex
    with ThreadPoolExecutor(4) as threads:
        assert len({*threads.map(meeting, [key] * 4)}) == 4
        assert len({*threads.map(meeting, [key] * 4)}) == 4


def test_what_a_call_opened_is_there_for_the_next_one() -> None:
    """It is opened once, and closed when the loop ends, as after a call that raised an exception."""
    opened: list[int] = []
    closed = threading.Event()

    @asynccontextmanager
    async def opening() -> AsyncIterator[int]:
        opened.append(len(opened))
        yield opened[-1]
        closed.set()

    async def use(_key: str, *, fails: bool) -> int:
        number = await opened_in_loop(opening)
        return 1 // 0 if fails else number

    using, key = to_sync(use, "use", loop_of=lambda key, **_fails: key), uuid.uuid4().hex
    numbers = [using(key, fails=False) for _ in range(20)]
    assert len({*numbers}) < 20
    with pytest.raises(ZeroDivisionError):
        using(key, fails=True)
    assert closed.wait(30)
    assert using(key, fails=False) not in numbers


def test_a_call_in_a_kept_loop_has_the_variables_of_its_caller() -> None:
    """Each call its own, such as the span around it; what it sets is gone with it."""
    variable: ContextVar[str] = ContextVar("variable", default="")

    async def swap(_key: str) -> str:
        before = variable.get()
        variable.set("of the call")
        return before

    swapping, key, seen = to_sync(swap, "swap", loop_of=lambda key: key), uuid.uuid4().hex, []
    for word in ("one", "two"):
        variable.set(word)
        seen.append(swapping(key))
    assert seen == ["one", "two"]
    assert variable.get() == "two"


def test_a_task_that_a_call_left_is_ended_with_its_loop() -> None:
    """Nothing goes on in a thread that is not there any more."""
    ended = threading.Event()

    async def leave(_key: str) -> None:
        async def go_on() -> None:
            try:
                await asyncio.sleep(600)
            finally:
                ended.set()

        left.append(asyncio.create_task(go_on()))
        await asyncio.sleep(0)
        raise ZeroDivisionError

    left: list[asyncio.Task[None]] = []
    with pytest.raises(ZeroDivisionError):
        to_sync(leave, "leave", loop_of=lambda key: key)(uuid.uuid4().hex)
    assert ended.wait(30)
