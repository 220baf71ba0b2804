"""Time that passes at once: an event loop whose clock jumps, and a run that does not wait."""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, Any, TypeVar

from ikpipe.concurrency.interrupts import CURRENT_CONTROL, RunControl

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop in which time jumps to the next timer whenever nothing else is to do.

    It does not know of other threads: only for code that waits for nothing but timers.
    """

    def __init__(self) -> None:
        super().__init__(_JumpingSelector(self))
        self.jumped = 0.0

    def time(self) -> float:
        """Return the seconds of the monotonic clock and of all jumps."""
        return super().time() + self.jumped


class _JumpingSelector(selectors.DefaultSelector):  # type: ignore[misc,valid-type]  # the best one of this system
    def __init__(self, loop: JumpingLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        """Return what is ready; do not wait for it if a timer comes."""
        ready = super().select(None if timeout is None else 0)
        if not ready and timeout:
            self._loop.jumped += timeout
        return ready


def jumping(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a loop whose clock jumps."""
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(work)


class _Hurried(RunControl):
    """Lets a run go on at once wherever it would wait."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    async def sleep(self, seconds: float) -> bool:
        """Note a wait instead of waiting."""
        self.waits.append(seconds)
        await asyncio.sleep(0)
        return not self.draining


def hurried(work: Coroutine[Any, Any, T]) -> tuple[T, list[float]]:
    """Run an upload without its waits; return its result, and the seconds that it would have waited each time."""
    control = _Hurried()

    async def main() -> T:
        CURRENT_CONTROL.set(control)
        return await work

    return asyncio.run(main()), control.waits
