"""Processes that end while much is in flight: the status is as asked for, and nobody hears a complaint."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROWS, FLIGHT, SOON = 400, 256, 40
STATUS = {"the end": 0, "exit in a callback": 3, "exit beside it": 4, "ctrl-c": 5, "ctrl-c twice": 5}
NAME = re.compile(rb'name="fileName"\r\n(?:[^\r\n]+\r\n)*\r\n([^\r\n]*)\r\n')
ANSWER = b'{"fileId": "598821f949c0a938d57563bd", "name": "%b", "filePath": "/%b"}'

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of another kind")


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    """Run a service that stores all, in a process of its own."""
    command = [sys.executable, __file__, "serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def ended(service: str, how: str) -> tuple[int, str]:
    """Run a process that uploads, and give its status and what it complained of."""
    command = [sys.executable, "-W", "error", __file__, "upload", service, how]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603 - our own
    return run.returncode, run.stderr


@pytest.mark.parametrize("how", STATUS)
def test_a_process_ends_as_it_was_told(how: str, service: str) -> None:
    """With its own status, and nothing on stderr."""
    assert ended(service, how) == (STATUS[how], "")


@pytest.mark.soak
@pytest.mark.parametrize("how", STATUS)
def test_many_processes_end_as_they_were_told(how: str, service: str) -> None:
    """200 of each kind; forked from one that has loaded everything, they end as any other."""
    command = [sys.executable, "-W", "error", __file__, "fork", service, how, "200"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own
    assert set(json.loads(run.stdout).items()) == {(f"{STATUS[how]} ", 200)}


# What runs in those processes


async def serve() -> None:
    """Read each request by its length, and store it."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                form = await reader.readexactly(int(head.partition(b"content-length:")[2].partition(b"\r\n")[0]))
                found = NAME.search(form)
                answer = ANSWER % ((found[1] if found else b"",) * 2)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, backlog=1000)
    print("http://127.0.0.1:{}".format(server.sockets[0].getsockname()[1]), flush=True)  # noqa: T201, UP032
    await server.serve_forever()


def upload(service: str, how: str) -> int:
    """Upload some rows, and do something when a tenth of them are up; give the status to end with."""
    import pandas as pd

    import ikpipe

    account = ikpipe.Account("public_exits", "private_exits", upload_url=service, api_url=service)
    frame = pd.DataFrame({"file": [b"%d" % row for row in range(ROWS)]})
    up: list[Any] = []
    soon = asyncio.Event()

    def on_result(label: Any, _result: Any) -> None:
        up.append(label)
        if len(up) == SOON and how.startswith("ctrl-c"):
            for _ in how.split():
                os.kill(os.getpid(), signal.SIGINT)
        if len(up) == SOON and how == "exit in a callback":
            sys.exit(STATUS[how])
        if len(up) == SOON:
            soon.set()

    options: dict[str, Any] = {"file_name": "a", "concurrency": FLIGHT, "progress": False, "on_result": on_result}
    if how == "exit beside it":

        async def beside() -> None:
            running = asyncio.create_task(ikpipe.aupload(frame, account, **options))
            await soon.wait()
            assert not running.done()
            sys.exit(STATUS[how])

        asyncio.run(beside())
    results = ikpipe.upload(frame, account, **options)
    return 5 if results.attrs["ikpipe"]["interrupted"] else 0


def fork(service: str, how: str, number: str) -> int:
    """Upload in so many processes, one after the other, and count status and complaint."""
    import ikpipe

    assert ikpipe.upload  # now everything is loaded
    ends: Counter[str] = Counter()
    for _ in range(int(number)):
        with tempfile.TemporaryFile() as complaint:
            if not (child := os.fork()):
                os.dup2(complaint.fileno(), 2)
                signal.alarm(60)
                return upload(service, how)
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            complaint.seek(0)
            ends[f"{status} {complaint.read().decode()}"] += 1
    print(json.dumps(ends))  # noqa: T201 - that is how the test hears of it
    return 0


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        asyncio.run(serve())
    sys.exit({"upload": upload, "fork": fork}[sys.argv[1]](*sys.argv[2:]))
