"""Many rows at once: concurrency, rate, draining, stopping; and coroutines called from everywhere."""

from __future__ import annotations

import asyncio
import inspect
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from textwrap import dedent

import pytest

from ikpipe._run import CONTROL, Control, blocking


async def run(
    control: Control, items: int, concurrency: int, seconds: float = 0.0, rate: float | None = None
) -> list[int]:
    """Work through numbers, and give those that were done, in order."""
    done: list[int] = []

    async def do(item: int) -> None:
        await asyncio.sleep(seconds)
        done.append(item)

    await control.work(iter(range(items)), do, concurrency, rate)
    return done


# Concurrency and rate


@pytest.mark.parametrize(("items", "concurrency", "peak"), [(100, 8, 8), (5, 64, 5), (10, 1, 1)])
def test_concurrency_is_reached_and_never_exceeded(items: int, concurrency: int, peak: int) -> None:
    """As many at once as were asked for, where there are so many, and all are done."""
    running, most, done = 0, 0, []

    async def do(item: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        done.append(item)

    asyncio.run(Control().work(iter(range(items)), do, concurrency, None))
    assert most == peak
    assert sorted(done) == list(range(items))


def test_items_are_taken_as_workers_become_free() -> None:
    """A long frame is not read ahead: no more items are taken than are being worked on."""
    taken, finished = 0, 0

    def items() -> object:
        nonlocal taken
        for item in range(50):
            taken += 1
            yield item

    async def do(_item: int) -> None:
        nonlocal finished
        await asyncio.sleep(0)
        assert taken - finished <= 4
        finished += 1

    asyncio.run(Control().work(items(), do, 4, None))
    assert finished == 50


def test_falsy_items_are_items() -> None:
    """Only the iterator's end is the end."""
    assert asyncio.run(run(Control(), 3, 1)) == [0, 1, 2]


def test_a_rate_spaces_the_beginnings() -> None:
    """At 100 a second, 11 rows take a tenth of a second, however many workers there are."""
    began = time.monotonic()
    done = asyncio.run(run(Control(), 11, 8, rate=100))
    assert len(done) == 11
    assert time.monotonic() - began >= 0.099


def test_a_rate_holds_over_any_stretch() -> None:
    """Rows never begin in a bunch: two beginnings are at least the gap apart, but for a timer's grain."""
    times: list[float] = []

    async def do(_item: int) -> None:
        times.append(asyncio.get_running_loop().time())

    asyncio.run(Control().work(iter(range(8)), do, 8, 50))
    assert times[-1] - times[0] >= 7 / 50 - 0.005


# Draining and stopping


def test_draining_lets_what_is_in_flight_finish() -> None:
    """No new row begins, and those that did are done."""
    control = Control()
    done: list[int] = []

    async def do(item: int) -> None:
        if item == 2:
            control.drain()
        await asyncio.sleep(0)
        done.append(item)

    asyncio.run(control.work(iter(range(100)), do, 3, None))
    assert sorted(done) == [0, 1, 2]
    assert control.draining
    assert not control.interrupted


def test_draining_cuts_waits_short() -> None:
    """A row that waits for its next attempt is told at once not to go on."""
    control = Control()
    told: list[bool] = []

    async def do(item: int) -> None:
        if item == 0:
            told.append(await control.sleep(60))
        else:
            control.drain()

    asyncio.run(asyncio.wait_for(control.work(iter(range(2)), do, 2, None), 5))
    assert told == [False]


def test_a_wait_that_is_over_goes_on() -> None:
    """Without a word, it is slept through."""
    assert asyncio.run(Control().sleep(0.001)) is True


def test_draining_ends_a_slow_rate() -> None:
    """A run of one row a minute does not take a minute to drain."""
    control = Control()

    async def main() -> list[int]:
        asyncio.get_running_loop().call_later(0.02, control.interrupt)
        return await run(control, 5, 2, rate=1 / 60)

    assert asyncio.run(asyncio.wait_for(main(), 5)) == [0]


def test_one_interrupt_drains_and_two_stop() -> None:
    """The second one cancels what is in flight, and `work` returns all the same."""
    control = Control()
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
        await control.work(iter(range(9)), do, 2, None)

    asyncio.run(asyncio.wait_for(main(), 5))
    assert sorted(cancelled) == [0, 1]
    assert control.interrupted


def test_an_interrupt_before_the_run_begins_nothing() -> None:
    """Whoever presses Ctrl-C while the frame is still being read sends nothing."""
    control = Control()
    control.interrupt()
    assert asyncio.run(run(control, 5, 2)) == []


def test_an_interrupt_after_the_run_does_nothing() -> None:
    """The loop is closed by then."""
    control = Control()
    assert asyncio.run(run(control, 1, 1)) == [0]
    control.interrupt()
    assert control.interrupted


def test_an_exception_in_one_stops_the_run() -> None:
    """It is raised, and the others are cancelled rather than left behind."""
    cancelled = 0

    async def do(item: int) -> None:
        nonlocal cancelled
        if item == 1:
            raise ZeroDivisionError
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled += 1
            raise

    with pytest.raises(ZeroDivisionError):
        asyncio.run(Control().work(iter(range(9)), do, 3, None))
    assert cancelled == 2


def test_whoever_cancels_the_caller_cancels_the_run() -> None:
    """Async code that gives up on a run hears `CancelledError`, and nothing goes on behind it."""

    async def main() -> int:
        task = asyncio.create_task(run(Control(), 9, 2, 60))
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


double = blocking(_double, "double")


def test_a_twin_gives_what_the_coroutine_gives() -> None:
    """Its value, its exception, its signature and its documentation; but its own name."""
    assert double(21) == 42
    with pytest.raises(ZeroDivisionError):
        double(1, fail=True)
    assert (double.__name__, double.__doc__) == ("double", "Double a number.")
    assert inspect.signature(double) == inspect.signature(_double)


def test_a_twin_works_inside_a_running_loop() -> None:
    """As in a notebook's cell, where `asyncio.run` would be refused."""

    async def cell() -> int:
        return double(21)

    assert asyncio.run(cell()) == 42


def test_each_run_has_its_own_reins() -> None:
    """Within the coroutine the run's control is known, and the caller's context has none."""

    async def main() -> Control | None:
        return CONTROL.get()

    whose = blocking(main, "whose")
    first, second = whose(), whose()
    assert isinstance(first, Control)
    assert first is not second
    assert CONTROL.get() is None


@pytest.mark.parametrize("begun", [True, False])
def test_an_interrupt_in_the_middle_of_starting(monkeypatch: pytest.MonkeyPatch, *, begun: bool) -> None:
    """Ctrl-C while the run's thread is being started drains the run, which takes place exactly once."""
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
        control = CONTROL.get()
        return control is not None and control.draining

    monkeypatch.setattr("ikpipe._run.threading.Thread", Interrupted)
    assert blocking(main, "main")() is True
    assert runs == [1]


SCRIPT = dedent(
    """
    import asyncio, signal, sys, threading, time
    from ikpipe._run import CONTROL, blocking

    presses = int(sys.argv[1])
    begun = threading.Event()

    def press():
        begun.wait()
        for _ in range(presses):
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            time.sleep(0.1)

    async def main():
        ended = []

        async def do(item):
            if item == 1 or presses == 3:
                begun.set()
            if presses == 3:
                time.sleep(10)  # nothing can be cancelled here
            try:
                await asyncio.sleep(0.3 if presses == 1 else 30)
                ended.append("done")
            except asyncio.CancelledError:
                ended.append("cancelled")
                raise

        await CONTROL.get().work(iter(range(9)), do, 2, None)
        return ended

    threading.Thread(target=press).start()
    print(blocking(main, "main")(), flush=True)
    """
)


@pytest.mark.parametrize(
    ("presses", "words"), [(1, "['done', 'done']"), (2, "['cancelled', 'cancelled']"), (3, "KeyboardInterrupt")]
)
def test_ctrl_c_drains_then_stops_then_raises(presses: int, words: str) -> None:
    """In a real process: one press finishes what is in flight, two return at once, three give up on the run."""
    process = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", SCRIPT, str(presses)], capture_output=True, text=True, timeout=20, check=False
    )
    assert words in process.stdout + process.stderr
    assert (process.returncode == 0) == (presses < 3)


def test_a_handler_of_the_users_stays() -> None:
    """The twin installs no signal handler: whoever has one keeps it."""
    before = signal.getsignal(signal.SIGINT)
    with suppress(ZeroDivisionError):
        double(1, fail=True)
    assert signal.getsignal(signal.SIGINT) is before
