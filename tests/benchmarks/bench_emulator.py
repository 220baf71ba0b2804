"""What an upload costs the emulator, in a process of its own, where a client does hardly more than send.

The tables are of the client's side. Below each contestant stand the emulator's own processor time and memory, which are
read from `/proc` and so known on Linux alone.
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
# the smallest picture there is
GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
# Small files stay until the end: where many were deleted a moment ago, ext4 takes far longer to make new ones.
FOLDERS = tempfile.mkdtemp(prefix="bench-")
atexit.register(shutil.rmtree, FOLDERS, ignore_errors=True)
LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


class Service(NamedTuple):
    """An emulator that runs in a process of its own."""

    process: int
    url: str
    public_key: str
    private_key: str

    def cpu(self) -> float:
        """Give the seconds for which its threads have been on a processor."""
        words = Path(f"/proc/{self.process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self, what: str) -> float:
        """Give its resident megabytes: `VmRSS` now, `VmHWM` the most that there were."""
        lines = Path(f"/proc/{self.process}/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(what))

    def token(self, fields: dict[str, str]) -> str:
        """Make a token."""
        now = int(time.time())
        header = {"alg": "HS256", "typ": "JWT", "kid": self.public_key}
        claims = fields | {"iat": now, "exp": now + 3600}
        signed = ".".join(_base64url(json.dumps(part).encode()) for part in (header, claims))
        return f"{signed}.{_base64url(hmac.digest(self.private_key.encode(), signed.encode(), 'sha256'))}"


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@contextmanager
def emulator_process(folder: str) -> Iterator[Service]:
    """Run an emulator as users do, but let files be large that are no videos."""
    command = [sys.executable, "-m", "ikpipe", "emulator", "--directory", folder, "--set", f"other_limit={1 << 30}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:  # noqa: S603 - our own program
        lines = [process.stdout.readline().strip() for _ in range(6)] if process.stdout else []
        said = dict(line.removeprefix("export ").split("=", 1) for line in lines[1:])
        keys = (said[f"IMAGEKIT_{kind}_KEY"].strip("'") for kind in ("PUBLIC", "PRIVATE"))
        try:
            yield Service(process.pid, said["IMAGEKIT_API_URL"], *keys)
        finally:
            process.terminate()


def request(service: Service, name: str, file: bytes, repeat: int = 1) -> Iterable[bytes]:
    """Frame an upload, the file so many times the bytes that are given."""
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
    """Send uploads over one connection, as long as there are any."""
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
    """Tell whether the whole of an answer is there."""
    head, _, body = reply.partition(b"\r\n\r\n")
    length = LENGTH.search(head)
    return length is not None and len(body) == int(length[1])


def upload(service: Service, requests: list[Iterable[bytes]], connections: int) -> None:
    """Send uploads over so many connections."""

    async def main() -> None:
        shared = iter(requests)
        await asyncio.gather(*(send(service, shared) for _ in range(connections)))

    asyncio.run(main())


@contextmanager
def small(rows: int, *, file: bytes) -> Iterator[Callable[[], None]]:
    """Upload small files, with tokens made before."""
    with emulator_process(tempfile.mkdtemp(dir=FOLDERS)) as service:
        upload(service, [request(service, f"warm{row}.gif", file) for row in range(CONNECTIONS)], CONNECTIONS)
        requests = [request(service, f"{row:07}.gif", file) for row in range(rows)]
        cpu, took = service.cpu(), 0.0

        def run() -> None:
            nonlocal took
            began = time.perf_counter()
            upload(service, requests, CONNECTIONS)
            took = time.perf_counter() - began

        yield run
        cpu = service.cpu() - cpu
        sys.stderr.write(
            f"  {len(file)} bytes: {rows / took:,.0f} uploads/s, "
            f"the emulator's own CPU {cpu * 1000 / rows:.3f} ms each; {service.memory('VmRSS'):.0f} MB resident\n"
        )


@contextmanager
def large(rows: int, *, at_once: int) -> Iterator[Callable[[], None]]:
    """Upload files of as many megabytes as there are rows."""
    with tempfile.TemporaryDirectory() as folder, emulator_process(folder) as service:
        upload(service, [request(service, f"warm{row}", MEGABYTE, 4) for row in range(at_once)], at_once)
        requests = [request(service, f"{row}.bin", MEGABYTE, rows) for row in range(at_once)]
        # the kernel then forgets the most that there were so far
        Path(f"/proc/{service.process}/clear_refs").write_text("5", encoding="ascii")
        cpu, memory = service.cpu(), service.memory("VmRSS")
        yield lambda: upload(service, requests, at_once)
        cpu, memory = service.cpu() - cpu, service.memory("VmHWM") - memory
        sys.stderr.write(
            f"  {at_once} at once: the emulator's own CPU {cpu * 1000 / rows / at_once:.2f} ms/MB, "
            f"its memory grew by {memory:.1f} MB\n"
        )


CONTESTS = [
    Contest(
        f"small files, {CONNECTIONS} at once",
        5000,
        {"a few bytes": partial(small, file=b"GIF89a, as it were"), "a picture": partial(small, file=GIF)},
    ),
    Contest(
        "a large file, a megabyte a row",
        300,
        {f"{number} at once": partial(large, at_once=number) for number in (1, 4)},
    ),
]
