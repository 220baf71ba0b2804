"""Kept event loops when a process ends, forks or does nothing more."""

from __future__ import annotations

import subprocess
import sys
from textwrap import dedent

import pytest

BEGINNING = dedent(
    """
    import asyncio, logging, os, signal, sys, threading, time
    from contextlib import asynccontextmanager
    from ikpipe.concurrency.interrupts import to_sync
    from ikpipe.concurrency.kept_loops import opened_in_loop

    logging.getLogger("asyncio").setLevel(logging.ERROR)  # not what took long on a busy machine

    @asynccontextmanager
    async def opening():
        reader, writer = await asyncio.open_connection(*address)
        yield writer
        writer.close()
        await writer.wait_closed()
        os.write(1, b"closed\\n")  # in one step, since loops are closed at the same time

    async def use(name):
        writer = await opened_in_loop(opening)
        await asyncio.get_running_loop().getaddrinfo("localhost", 80)  # which starts a thread of the executor
        return name, id(writer)

    def loops():
        return [thread for thread in threading.enumerate() if thread.name == "ikpipe.use"]

    import socket
    server = socket.create_server(("127.0.0.1", 0))
    address = server.getsockname()
    call = to_sync(use, "use", loop_of=lambda name: name)
    """
)


def run(script: str) -> str:
    """Run a script in which every warning is an error; return what it prints."""
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", BEGINNING + dedent(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 - our own code
    assert (done.stderr, done.returncode) == ("", 0)
    return done.stdout


def test_nothing_is_left_open_when_a_process_ends() -> None:
    """Connections, loops and threads are closed, without a warning."""
    assert run("call('a'); call('b'); server.close()") == "closed\nclosed\n"


def test_a_loop_that_nobody_uses_ends() -> None:
    """Its thread and what it has open do not wait for the end of the process."""
    script = """
    call("a")
    assert len(loops()) == 1
    while loops():
        time.sleep(0.05)
    print("ended", flush=True)
    server.close()
    """
    assert run(script) == "closed\nended\n"


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_a_copy_of_a_process_has_loops_of_its_own() -> None:
    """The thread of the parent's loop is not there, and its connection is not the copy's to close."""
    script = """
    before = call("a")
    if not (child := os.fork()):
        os._exit(call("a") == before or len(loops()) != 1)
    code = os.waitpid(child, 0)[1]
    print(code, call("a")[0], flush=True)
    server.close()
    """
    assert run(script).replace("closed\n", "") == "0 a\n"


def test_ctrl_c_interrupts_a_call_in_a_kept_loop() -> None:
    """The first one cancels a call that has nothing to drain; the next call works."""
    script = """
    async def wait(name):
        started.set()
        await asyncio.sleep(600)

    started = threading.Event()
    waiting = to_sync(wait, "use", drains=False, loop_of=lambda name: name)

    def press():
        started.wait()
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    call("a")
    presser = threading.Thread(target=press)
    presser.start()
    try:
        waiting("a")
    except KeyboardInterrupt:
        print("interrupted", flush=True)
    presser.join()
    print(call("a")[0], flush=True)
    server.close()
    """
    assert run(script).replace("closed\n", "") == "interrupted\na\n"
