"""Gates, group commit, draining and stopping a run, and calls of coroutines from synchronous code."""

from __future__ import annotations

import asyncio
import inspect
import signal
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from ikpipe.concurrency.gate import ConcurrencyGate
from ikpipe.concurrency.group_commit import GroupCommit
from ikpipe.concurrency.interrupts import CURRENT_CONTROL, RunControl, to_sync
from ikpipe.concurrency.limits import FixedLimit

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Iterator


async def run(control: RunControl, items: int, concurrency: int, seconds: float = 0.0) -> list[int]:
    """Process numbers and return those that were done, in order."""
    done: list[int] = []

    async def do(item: int) -> None:
        await asyncio.sleep(seconds)
        done.append(item)

    await work(control, range(items), do, concurrency)
    return done


async def work(
    control: RunControl, items: Iterable[Any], do: Callable[[Any], Coroutine[Any, Any, None]], concurrency: int
) -> None:
    """Process each item behind one gate."""
    gate = ConcurrencyGate(FixedLimit(concurrency))

    async def pass_and_do(item: Any) -> None:
        if await gate.acquire():
            try:
                await do(item)
            finally:
                gate.release()

    await control.work(iter(items), pass_and_do, [gate])


# Gates


@pytest.mark.parametrize(("items", "concurrency", "peak"), [(100, 8, 8), (5, 64, 5), (10, 1, 1)])
def test_concurrency_is_reached_and_never_exceeded(items: int, concurrency: int, peak: int) -> None:
    """All items are processed, as many at a time as the limit allows."""
    running, most, done = 0, 0, []

    async def do(item: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.02)
        running -= 1
        done.append(item)

    asyncio.run(work(RunControl(), range(items), do, concurrency))
    assert most == peak
    assert sorted(done) == list(range(items))


def test_items_are_taken_as_there_is_room() -> None:
    """A long table is not read ahead: no more items are taken than may be in flight."""
    taken, finished = 0, 0

    def items() -> Iterator[int]:
        nonlocal taken
        for item in range(50):
            taken += 1
            yield item

    async def do(_item: int) -> None:
        nonlocal finished
        await asyncio.sleep(0)
        assert taken - finished <= 4
        finished += 1

    asyncio.run(work(RunControl(), items(), do, 4))
    assert finished == 50


def test_falsy_items_are_items() -> None:
    """Items that are false do not end the iteration."""
    assert asyncio.run(run(RunControl(), 3, 1)) == [0, 1, 2]


def test_a_gate_that_is_full_does_not_hide_anothers_items() -> None:
    """If one gate is full, items for another gate are still reached."""
    done: list[int] = []

    async def main() -> None:
        narrow, wide = ConcurrencyGate(FixedLimit(1)), ConcurrencyGate(FixedLimit(2))
        opened = asyncio.Event()

        async def do(item: int) -> None:
            gate = narrow if item < 100 else wide
            assert await gate.acquire()
            if item < 100:
                await opened.wait()
            done.append(item)
            gate.release()
            if item == 109:
                opened.set()

        await RunControl().work(iter([*range(10), *range(100, 110)]), do, [narrow, wide])

    asyncio.run(asyncio.wait_for(main(), 5))
    assert done[:10] == list(range(100, 110))
    assert sorted(done) == [*range(10), *range(100, 110)]


def test_those_that_come_again_go_first() -> None:
    """A retry passes the gate before a new item."""
    order: list[str] = []

    async def main() -> None:
        gate = ConcurrencyGate(FixedLimit(1))
        assert await gate.acquire()

        async def come(name: str, *, again: bool) -> None:
            assert await gate.acquire(retry=again)
            order.append(name)
            gate.release()

        tasks = [asyncio.create_task(come(name, again=name == "again")) for name in ("new", "new too", "again")]
        await asyncio.sleep(0)
        gate.release()
        await asyncio.gather(*tasks)

    asyncio.run(main())
    assert order == ["again", "new", "new too"]


def test_a_place_of_somebody_who_left_is_given_on() -> None:
    """An item that is cancelled while it waits takes no place."""

    async def main() -> bool:
        gate = ConcurrencyGate(FixedLimit(1))
        await gate.acquire()
        tasks = [asyncio.create_task(gate.acquire()) for _ in range(3)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        gate.release()
        tasks[1].cancel()  # it has its place already, and does not know yet
        return await asyncio.wait_for(tasks[2], 1)

    assert asyncio.run(main()) is True


def test_a_gate_that_grows_lets_more_through() -> None:
    """A changed limit applies at once."""

    class Growing(FixedLimit):
        def record(self, *_seen: object) -> None:
            self.size += 2

    async def main() -> list[bool]:
        gate = ConcurrencyGate(Growing(1))
        await gate.acquire()
        tasks = [asyncio.create_task(gate.acquire()) for _ in range(3)]
        await asyncio.sleep(0)
        gate.sent()
        gate.release(began=0.0, now=1.0)
        await asyncio.sleep(0)
        return [task.done() for task in tasks]

    assert asyncio.run(main()) == [True, True, True]


def test_a_shut_gate_lets_nobody_through() -> None:
    """A closed gate lets neither waiting nor later items in."""

    async def main() -> list[bool]:
        gate = ConcurrencyGate(FixedLimit(1))
        await gate.acquire()
        waiting = asyncio.create_task(gate.acquire())
        await asyncio.sleep(0)
        gate.close()
        return [await waiting, await gate.acquire()]

    assert asyncio.run(main()) == [False, False]


# Groups


def test_a_write_is_shared() -> None:
    """Items that arrive during a write go into the next one, in order; each caller waits for its own."""
    written: list[list[int]] = []

    def write(items: list[int]) -> None:
        time.sleep(0.02)
        written.append(items)

    async def main() -> None:
        group: GroupCommit[int] = GroupCommit(write)
        await asyncio.gather(*(group.put(item) for item in range(20)))
        assert [item for items in written for item in items] == list(range(20))
        await group.close()

    asyncio.run(main())
    assert len(written) < 5


def test_what_nobody_waits_for_goes_with_what_somebody_does() -> None:
    """An item that nothing waits for joins the next write."""
    written: list[list[int]] = []

    async def main() -> None:
        group: GroupCommit[int] = GroupCommit(written.append)
        group.add(1)
        await asyncio.sleep(0)
        await group.put(2)
        await group.close()

    asyncio.run(main())
    assert written == [[1, 2]]


def test_what_nobody_waits_for_is_written_all_the_same() -> None:
    """An item that nothing waits for is written soon, also without others."""
    written: list[list[int]] = []

    async def main() -> None:
        group: GroupCommit[int] = GroupCommit(written.append)
        await asyncio.wait_for(group.add(1), 60)
        assert written == [[1]]
        await group.close()

    asyncio.run(main())


def test_put_waits_until_it_is_written() -> None:
    """A caller continues only after its write has returned."""
    written: list[int] = []

    def write(items: list[int]) -> None:
        time.sleep(0.02)
        written.extend(items)

    async def main() -> None:
        group: GroupCommit[int] = GroupCommit(write)
        await group.put(1)
        assert written == [1]
        group.add(2)
        await group.close()

    asyncio.run(main())
    assert written == [1, 2]


def test_after_a_failed_write_nothing_is_written() -> None:
    """The error of a write is raised to all callers, waiting and later."""
    calls: list[list[int]] = []

    def write(items: list[int]) -> None:
        calls.append(items)
        raise ZeroDivisionError

    async def main() -> list[object]:
        group: GroupCommit[int] = GroupCommit(write)
        found = await asyncio.gather(group.put(1), group.put(2), return_exceptions=True)
        found += await asyncio.gather(group.put(3), return_exceptions=True)
        group.add(4)
        await group.close()
        return found

    assert [type(one) for one in asyncio.run(main())] == [ZeroDivisionError] * 3
    assert calls == [[1, 2]]


@pytest.mark.parametrize("callers", [None, 2])
def test_what_is_left_is_written_where_the_group_is_closed(callers: int | None) -> None:
    """Not in another thread, since nothing else goes on meanwhile."""
    threads: list[int] = []

    async def main() -> None:
        group: GroupCommit[int] = GroupCommit(lambda _items: threads.append(threading.get_ident()), callers)
        group.add(1)
        await group.close()

    asyncio.run(main())
    assert threads == [threading.get_ident()]


def test_a_write_for_all_callers_waits_for_no_others() -> None:
    """If fewer wait than there are, others can join, and go on meanwhile."""
    written: list[tuple[list[int], bool]] = []

    async def main() -> None:
        here = threading.get_ident()
        group: GroupCommit[int] = GroupCommit(lambda items: written.append((items, threading.get_ident() == here)), 2)
        await asyncio.gather(group.put(1), group.put(2))
        await group.put(3)
        await group.close()

    asyncio.run(main())
    assert written == [([1, 2], True), ([3], False)]


# Draining and stopping


def test_draining_lets_what_is_in_flight_finish() -> None:
    """A drained run starts no new item and completes the others."""
    control = RunControl()
    done: list[int] = []

    async def do(item: int) -> None:
        if item == 2:
            control.drain()
        await asyncio.sleep(0)
        done.append(item)

    asyncio.run(work(control, range(100), do, 3))
    assert sorted(done) == [0, 1, 2]
    assert control.draining
    assert not control.interrupted


def test_draining_cuts_waits_short() -> None:
    """Draining ends a wait at once."""
    control = RunControl()
    told: list[bool] = []

    async def do(item: int) -> None:
        if item == 0:
            told.append(await control.sleep(60))
        else:
            control.drain()

    asyncio.run(asyncio.wait_for(work(control, range(2), do, 2), 5))
    assert told == [False]


def test_a_wait_that_is_over_goes_on() -> None:
    """Without an interrupt, the wait takes its time."""
    assert asyncio.run(RunControl().sleep(0.001)) is True


def test_one_interrupt_drains_and_two_stop() -> None:
    """The second interrupt cancels items in flight, and `work` returns."""
    control = RunControl()
    cancelled: list[int] = []

    async def do(item: int) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(item)
            raise

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(0.01, control.interrupt)
        loop.call_later(0.02, control.interrupt)
        await work(control, range(9), do, 2)

    asyncio.run(asyncio.wait_for(main(), 5))
    assert sorted(cancelled) == [0, 1]
    assert control.interrupted


def test_an_interrupt_before_the_run_begins_nothing() -> None:
    """An interrupt before the run is attached drains it."""
    control = RunControl()
    control.interrupt()
    assert asyncio.run(run(control, 5, 2)) == []


def test_an_interrupt_after_the_run_does_nothing() -> None:
    """An interrupt after the event loop is closed has no effect."""
    control = RunControl()
    assert asyncio.run(run(control, 1, 1)) == [0]
    control.interrupt()
    assert control.interrupted


def test_an_exception_in_one_stops_the_run() -> None:
    """An exception of an item is raised, and the other items are cancelled."""
    begun = cancelled = 0

    async def do(item: int) -> None:
        nonlocal begun, cancelled
        begun += 1
        if item == 1:
            raise ZeroDivisionError
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled += 1
            raise

    with pytest.raises(ZeroDivisionError):
        asyncio.run(work(RunControl(), range(9), do, 3))
    assert cancelled == begun - 1 < 8


def test_whoever_cancels_the_caller_cancels_the_run() -> None:
    """A cancelled run raises `CancelledError` and leaves no tasks."""

    async def main() -> int:
        task = asyncio.create_task(run(RunControl(), 9, 2, 60))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return len(asyncio.all_tasks())

    assert asyncio.run(main()) == 1


# Coroutines without `await`


async def _double(number: int, *, fail: bool = False) -> int:
    """Double a number."""
    await asyncio.sleep(0)
    if fail:
        raise ZeroDivisionError
    return 2 * number


double = to_sync(_double, "double")


def test_a_twin_gives_what_the_coroutine_gives() -> None:
    """The synchronous function has the value, exception, signature and documentation, and its own name."""
    assert double(21) == 42
    with pytest.raises(ZeroDivisionError):
        double(1, fail=True)
    assert (double.__name__, double.__doc__) == ("double", "Double a number.")
    assert inspect.signature(double) == inspect.signature(_double)


def test_a_twin_works_inside_a_running_loop() -> None:
    """It works in a running event loop, as in a notebook's cell."""

    async def cell() -> int:
        return double(21)

    assert asyncio.run(cell()) == 42


def test_each_run_has_its_own_reins() -> None:
    """Within the coroutine the run's control is known, and the caller's context has none."""

    async def main() -> RunControl | None:
        return CURRENT_CONTROL.get()

    whose = to_sync(main, "whose")
    first, second = whose(), whose()
    assert isinstance(first, RunControl)
    assert first is not second
    assert CURRENT_CONTROL.get() is None


@pytest.mark.parametrize("begun", [True, False])
def test_an_interrupt_in_the_middle_of_starting(monkeypatch: pytest.MonkeyPatch, *, begun: bool) -> None:
    """Ctrl-C while the run's thread starts drains the run, which is started exactly once."""
    presses = [KeyboardInterrupt]
    runs = []

    class Interrupted(threading.Thread):
        def start(self) -> None:
            if begun or not presses:
                super().start()
            if presses:
                raise presses.pop()

    async def main() -> bool:
        runs.append(1)
        await asyncio.sleep(0.05)
        control = CURRENT_CONTROL.get()
        return control is not None and control.draining

    monkeypatch.setattr(threading, "Thread", Interrupted)
    assert to_sync(main, "main")() is True
    assert runs == [1]


def test_a_handler_of_the_users_stays() -> None:
    """The synchronous function does not change signal handlers."""
    before = signal.getsignal(signal.SIGINT)
    with suppress(ZeroDivisionError):
        double(1, fail=True)
    assert signal.getsignal(signal.SIGINT) is before
