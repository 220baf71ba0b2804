"""What an upload costs the emulator, which runs in its own process, with a client that does little more than send.

The times per row are the client's. The emulator's own processor time per row and memory in MB, read from `/proc` (Linux
only), are figures of each contestant.
"""

from __future__ import annotations

import asyncio
import atexit
import base64
import hmac
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from bench import Contest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

CONNECTIONS = 64
MEGABYTE = bytes(1024 * 1024)
# the smallest image
GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
# Small files stay until the end: after many deletions, ext4 takes far longer to create files.
FOLDERS = tempfile.mkdtemp(prefix="bench-")
atexit.register(shutil.rmtree, FOLDERS, ignore_errors=True)
LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


class Service(NamedTuple):
    """An emulator that runs in its own process."""

    process: int
    url: str
    public_key: str
    private_key: str

    def cpu(self) -> float:
        """Return the processor seconds of its threads."""
        words = Path(f"/proc/{self.process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self, what: str) -> float:
        """Return its resident memory in MB: `VmRSS` now, `VmHWM` the maximum so far."""
        lines = Path(f"/proc/{self.process}/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(what))

    def token(self, fields: dict[str, str]) -> str:
        """Return a token."""
        now = int(time.time())
        header = {"alg": "HS256", "typ": "JWT", "kid": self.public_key}
        claims = fields | {"iat": now, "exp": now + 3600}
        signed = ".".join(_base64url(json.dumps(part).encode()) for part in (header, claims))
        return f"{signed}.{_base64url(hmac.digest(self.private_key.encode(), signed.encode(), 'sha256'))}"


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@contextmanager
def emulator_process(folder: str) -> Iterator[Service]:
    """Run an emulator from the command line, with a higher size limit for files that are not videos."""
    command = [sys.executable, "-m", "ikpipe", "emulator", "--directory", folder, "--set", f"other_limit={1 << 30}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:  # noqa: S603 - our own program
        lines = [process.stdout.readline().strip() for _ in range(6)] if process.stdout else []
        exports = dict(line.removeprefix("export ").split("=", 1) for line in lines[1:])
        keys = (exports[f"IMAGEKIT_{kind}_KEY"].strip("'") for kind in ("PUBLIC", "PRIVATE"))
        try:
            yield Service(process.pid, exports["IMAGEKIT_API_URL"], *keys)
        finally:
            process.terminate()


def request(service: Service, name: str, file: bytes, repeat: int = 1) -> Iterable[bytes]:
    """Return the pieces of an HTTP request for an upload whose file repeats the bytes."""
    fields = {"fileName": name, "folder": "/products/acme/", "tags": "shoe,summer", "useUniqueFileName": "false"}
    parts = [
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in {**fields, "token": service.token(fields)}.items()
    ]
    part = '--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\nContent-Type: image/gif\r\n\r\n'
    before, after = "".join([*parts, part]).encode(), b"\r\n--x--\r\n"
    head = (
        f"POST /api/v2/files/upload HTTP/1.1\r\nHost: {urlsplit(service.url).netloc}\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n"
        f"Content-Length: {len(before) + repeat * len(file) + len(after)}\r\n\r\n"
    )
    first = head.encode() + before
    return [first + file + after] if repeat == 1 else [first, *[file] * repeat, after]


async def send(service: Service, requests: Iterator[Iterable[bytes]]) -> None:
    """Send uploads over one connection until there are no more."""
    address = urlsplit(service.url)
    loop = asyncio.get_running_loop()
    with socket.create_connection((address.hostname or "", address.port or 0)) as connection:
        connection.setblocking(False)
        for pieces in requests:
            for piece in pieces:
                await loop.sock_sendall(connection, piece)
            reply = await loop.sock_recv(connection, 65536)
            while not is_complete(reply):
                reply += await loop.sock_recv(connection, 65536)
            if not reply.startswith(b"HTTP/1.1 200 "):
                raise RuntimeError(reply.decode())


def is_complete(reply: bytes) -> bool:
    """Whether a reply is complete."""
    head, _, body = reply.partition(b"\r\n\r\n")
    length = LENGTH.search(head)
    return length is not None and len(body) == int(length[1])


def upload(service: Service, requests: list[Iterable[bytes]], connections: int) -> None:
    """Send uploads over the given number of connections."""

    async def main() -> None:
        shared = iter(requests)
        await asyncio.gather(*(send(service, shared) for _ in range(connections)))

    asyncio.run(main())


@contextmanager
def small(rows: int, *, file: bytes) -> Iterator[Callable[[], object]]:
    """Upload small files, with tokens signed in advance."""
    with emulator_process(tempfile.mkdtemp(dir=FOLDERS)) as service:
        upload(service, [request(service, f"warm{row}.gif", file) for row in range(CONNECTIONS)], CONNECTIONS)
        requests = [request(service, f"{row:07}.gif", file) for row in range(rows)]

        def run() -> dict[str, float]:
            cpu, started = service.cpu(), time.perf_counter()
            upload(service, requests, CONNECTIONS)
            seconds, cpu = time.perf_counter() - started, service.cpu() - cpu
            return {"uploads/s": rows / seconds, "emulator ms": cpu * 1000 / rows, "MB": service.memory("VmRSS")}

        yield run


@contextmanager
def large(rows: int, *, at_once: int) -> Iterator[Callable[[], object]]:
    """Upload files with one megabyte per row."""
    with tempfile.TemporaryDirectory() as folder, emulator_process(folder) as service:
        upload(service, [request(service, f"warm{row}", MEGABYTE, 4) for row in range(at_once)], at_once)
        requests = [request(service, f"{row}.bin", MEGABYTE, rows) for row in range(at_once)]
        # the kernel then resets the maximum
        Path(f"/proc/{service.process}/clear_refs").write_text("5", encoding="ascii")

        def run() -> dict[str, float]:
            cpu, memory = service.cpu(), service.memory("VmRSS")
            upload(service, requests, at_once)
            cpu, memory = service.cpu() - cpu, service.memory("VmHWM") - memory
            return {"emulator ms": cpu * 1000 / rows / at_once, "MB more": memory}

        yield run


CONTESTS = [
    Contest(
        f"small files, {CONNECTIONS} at once",
        5000,
        {"a few bytes": partial(small, file=b"GIF89a, not a GIF"), "an image": partial(small, file=GIF)},
    ),
    Contest(
        "a large file, a megabyte a row",
        300,
        {f"{number} at once": partial(large, at_once=number) for number in (1, 4)},
    ),
]
