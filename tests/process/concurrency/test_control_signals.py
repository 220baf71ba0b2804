"""Ctrl-C in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from textwrap import dedent

import pytest

SCRIPT = dedent(
    """
    import asyncio, signal, sys, threading, time
    from ikpipe.concurrency.limits import FixedLimit
    from ikpipe.concurrency.gate import ConcurrencyGate
    from ikpipe.concurrency.interrupts import CURRENT_CONTROL, to_sync

    presses = int(sys.argv[1])
    signal.siginterrupt(signal.SIGINT, sys.argv[2] == "ends waits")
    begun = threading.Event()

    def press():
        begun.wait()
        for _ in range(presses):
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            time.sleep(0.3)

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

        gate = ConcurrencyGate(FixedLimit(2))

        async def pass_and_do(item):
            if await gate.acquire():
                await do(item)
                gate.release()

        await CURRENT_CONTROL.get().work(iter(range(9)), pass_and_do, [gate])
        return ended

    threading.Thread(target=press).start()
    print(to_sync(main, "main")(), flush=True)
    """
)


@pytest.mark.parametrize(
    ("presses", "words"), [(1, "['done', 'done']"), (2, "['cancelled', 'cancelled']"), (3, "KeyboardInterrupt")]
)
@pytest.mark.parametrize("handler", ["ends waits", "continues waits"])
def test_ctrl_c_drains_then_stops_then_raises(presses: int, words: str, handler: str) -> None:
    """In a real process: one Ctrl-C completes items in flight, two return at once, three raise.

    Also with a handler after which the system continues a wait, as polars installs it.
    """
    process = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", SCRIPT, str(presses), handler], capture_output=True, text=True, timeout=20, check=False
    )
    assert words in process.stdout + process.stderr
    assert (process.returncode == 0) == (presses < 3)
