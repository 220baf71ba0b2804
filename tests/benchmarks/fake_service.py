"""A server that replies to every upload with the details of a file, so that only the client is measured.

``python fake_service.py [LATENCY [CAPACITY]]`` prints its URL, and serves until it is terminated. It replies after
LATENCY seconds, and processes CAPACITY uploads at once; the others wait.
"""

from __future__ import annotations

import asyncio
import heapq
import json
import re
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE_DETAILS = {
    "fileId": "598821f949c0a938d57563bd",
    "name": "0001_4kq7t2.jpg",
    "filePath": "/products/acme/0001_4kq7t2.jpg",
    "url": "https://ik.imagekit.io/demo/products/acme/0001_4kq7t2.jpg",
    "thumbnailUrl": "https://ik.imagekit.io/demo/tr:n-ik_ml_thumbnail/products/acme/0001_4kq7t2.jpg",
    "fileType": "image",
    "height": 300,
    "width": 200,
    "tags": ["shoe", "summer"],
    "versionInfo": {"id": "598821f949c0a938d57563bd", "name": "Version 1"},
    "isPrivateFile": False,
    "isPublished": True,
    "customMetadata": {"brand": "acme"},
}
HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nx-ik-requestid: 5f3c9a0e\r\n"
    b"Date: Tue, 24 Nov 2026 20:00:00 GMT\r\nContent-Length: %d\r\n\r\n"
)
_FIELD = re.compile(rb'name="(fileName|folder)"\r\n(?:[^\r\n]+\r\n)*\r\n([^\r\n]*)\r\n')
_FORM = 1 << 14  # bytes of a body that are searched for its fields
_FIRST: list[float] = []
_LATENCY = float(sys.argv[1]) if __name__ == "__main__" and len(sys.argv) > 1 else 0.0
_FREE = [0.0] * (int(sys.argv[2]) if __name__ == "__main__" and len(sys.argv) > 2 else 0)
"""When each server of the service is free, as a heap; empty: there are any number of them."""


def reply(form: bytes = b"") -> bytes:
    """Return the details of the file that a form sends, as JSON."""
    fields = {name: value.decode() for name, value in _FIELD.findall(form)}
    name, folder = fields.get(b"fileName"), fields.get(b"folder", "").strip("/")
    path = f"/{folder}/{name}" if folder else f"/{name}"
    return json.dumps(FILE_DETAILS if name is None else {**FILE_DETAILS, "name": name, "filePath": path}).encode()


class Connection(asyncio.Protocol):
    """Replies to each request as soon as it has arrived."""

    def __init__(self) -> None:
        self._head = self._form = b""
        self._body_left = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport for replies."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Count the bytes of a body, or search for the end of the headers."""
        while data:
            if self._body_left:
                size = min(self._body_left, len(data))
                if len(self._form) < _FORM:
                    self._form += data[: min(size, _FORM)]
                self._body_left, data = self._body_left - size, data[size:]
                if not self._body_left:
                    self._reply()
                continue
            head, end, data = (self._head + data).partition(b"\r\n\r\n")
            self._head = b"" if end else head
            if head.startswith(b"GET /first ") and end:
                self._reply_first_time()
            elif end:
                length = head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0]
                self._body_left = int(length or 0)
                if not self._body_left:
                    self._reply()

    def _reply(self) -> None:
        assert isinstance(self._transport, asyncio.WriteTransport)
        if not _FIRST:
            _FIRST.append(time.time())
        body, self._form = reply(self._form), b""
        if not _LATENCY:
            self._transport.write(HEAD % len(body) + body)
            return
        loop = asyncio.get_running_loop()
        done = max(loop.time(), _FREE[0] if _FREE else 0.0) + _LATENCY
        if _FREE:
            heapq.heapreplace(_FREE, done)
        loop.call_at(done, self._transport.write, HEAD % len(body) + body)

    def _reply_first_time(self) -> None:
        """Reply with the time of the first request, in seconds since 1970."""
        assert isinstance(self._transport, asyncio.WriteTransport)
        body = json.dumps(_FIRST[0] if _FIRST else None).encode()
        self._transport.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


async def serve() -> None:
    """Serve until the process is terminated."""
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0, backlog=2048)
    sys.stdout.write(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


@contextmanager
def fake_service(*options: float) -> Iterator[str]:
    """Run the server in its own process, with latency and capacity if they are given, and yield its URL."""
    with subprocess.Popen([sys.executable, __file__, *map(str, options)], stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - ours
        try:
            yield process.stdout.readline().strip() if process.stdout else ""
        finally:
            process.terminate()


if __name__ == "__main__":
    asyncio.run(serve())
