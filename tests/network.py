"""Lines between client and server: the client's end of a connection, slow readers, and a line that can be cut."""

from __future__ import annotations

import gc
import json
import secrets
import shutil
import socket
import ssl
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from threading import Timer
from typing import TYPE_CHECKING, Any, Self

import httpx
from doubles import RawServer, Request, Talk, stored

import ikpipe
from ikpipe.service.transport import HTTPTransport as Wired
from ikpipe.service.upload_routes import KEEP_ALIVE, SMALL_SEND_BUFFER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from doubles import Act

HERE, THERE = "10.77.0.2", "10.77.0.1"  # on a line of its own: no other machine has them there


def client_end(connection: socket.socket) -> socket.socket:
    """Give the socket of this process that is the other end of a connection."""
    ends = connection.getpeername(), connection.getsockname()
    for one in gc.get_objects():
        if type(one) is socket.socket:
            with suppress(OSError):
                if (one.getsockname(), one.getpeername()) == ends:
                    return one
    raise LookupError


def answer(talk: Talk) -> None:
    """Say that the file was stored."""
    body = json.dumps(stored(fields=talk.begun.fields)).encode()
    talk.connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def reading(talk: Talk, *, step: int = 1 << 16, pause: float = 0.0) -> Iterator[float]:
    """Read a request a step at a time, and say each time which share of the body is here."""
    head, headers, rest = talk.head()
    talk.begun = Request(head, headers, rest)
    length, read = int(headers.get("content-length", 0)), len(rest)
    while read < length:
        block = talk.connection.recv(step)
        if not block:
            raise ConnectionError
        read += len(block)
        yield read / length
        time.sleep(pause)


class TightServer(RawServer):
    """A raw server whose system takes only some kB that the server itself has not read yet."""

    def __init__(self, *script: Act, room: int = 1 << 14) -> None:
        super().__init__(*script)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)


class FarServer(RawServer):
    """A raw server at the other end of a line."""

    def __init__(self, *script: Act) -> None:
        super().__init__(*script)
        self._listener.close()
        self._listener = socket.create_server((THERE, 0))
        self.url = f"http://{THERE}:{self._listener.getsockname()[1]}"


# A line between two network namespaces, which only root can make


class Process:
    """A program at one end of a line; it is known by the lines that it writes."""

    def __init__(self, namespace: str, *arguments: object) -> None:
        command = ["ip", "netns", "exec", namespace, sys.executable, __file__, *map(str, arguments)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own
        self._watchdog = Timer(120, self._process.kill)

    def __enter__(self) -> Self:
        self._watchdog.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._watchdog.cancel()
        self._process.kill()
        self._process.communicate()

    def says(self) -> Any:
        """Wait for the next line."""
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        if not said:
            raise EOFError
        return json.loads(said)


class Line:
    """Two namespaces, and the one link between them."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        name = f"ikpipe-{secrets.token_hex(4)}"
        self.here, self.there = f"{name}-here", f"{name}-there"

    def lay(self) -> None:
        """Make it."""
        for namespace in (self.here, self.there):
            self._stack.callback(run, "ip", "netns", "del", namespace, check=False)
            run("ip", "netns", "add", namespace)
        run(*f"ip link add line netns {self.here} type veth peer name line netns {self.there}".split())
        for namespace, address in ((self.here, HERE), (self.there, THERE)):
            run("ip", "-n", namespace, "addr", "add", f"{address}/24", "dev", "line")
            run("ip", "-n", namespace, "link", "set", "line", "up")
            run("ip", "-n", namespace, "link", "set", "lo", "up")
        # Behind a router, nobody would notice either that the other end's card is gone.
        card = json.loads(run("ip", "-n", self.there, "-json", "link", "show", "line"))[0]["address"]
        run(*f"ip -n {self.here} neigh replace {THERE} lladdr {card} dev line nud permanent".split())

    def slow(self, rate: str) -> None:
        """Let no more than so much leave here."""
        run(*f"tc -n {self.here} qdisc replace dev line root tbf rate {rate} burst 16kb latency 400ms".split())

    def cut(self, how: str) -> float:
        """Take the link down, or let all that arrives there go nowhere; give the time."""
        what = {"link down": "link set line down", "lost packets": f"addr del {THERE}/24 dev line"}[how]
        run(*f"ip -n {self.there} {what}".split())
        return time.monotonic()

    def mend(self, how: str) -> None:
        """Undo a cut."""
        what = {"link down": "link set line up", "lost packets": f"addr add {THERE}/24 dev line"}[how]
        run(*f"ip -n {self.there} {what}".split())

    def serve(self, wait: float = 0) -> Process:
        """Start a server that waits before its first answer; it says its URL, then ``half`` and ``whole``."""
        return self._stack.enter_context(Process(self.there, "serve", wait))

    def upload(self, url: str, size: int, **options: Any) -> Process:
        """Start an upload; it says each attempt that was lost, and the result in the end."""
        return self._stack.enter_context(Process(self.here, "upload", url, size, json.dumps(options)))


@contextmanager
def line() -> Iterator[Line]:
    """Lay a line, and take it away again.

    Raises
    ------
    OSError
        It cannot be laid here, and why.
    """
    missing = [tool for tool in ("ip", "tc") if shutil.which(tool) is None]
    if missing:
        raise OSError(f"there is no {' and no '.join(missing)}: install iproute2")
    with ExitStack() as stack:
        laid = Line(stack)
        try:
            laid.lay()
        except subprocess.CalledProcessError as error:
            raise OSError(f"no network namespaces can be made here: {error.stderr.strip()}") from None
        yield laid


def run(*command: str, check: bool = True) -> str:
    """Run a command of iproute2, and give what it writes."""
    return subprocess.run(command, check=check, capture_output=True, text=True).stdout  # noqa: S603 - our own


# What runs at its ends


def say(what: object) -> None:
    """Write a line."""
    print(json.dumps(what), flush=True)  # noqa: T201 - that is how the test hears of it


def serve(wait: str) -> None:
    """Answer at once, but for the first request."""

    def first(talk: Talk) -> None:
        talk.connection.settimeout(None)
        said = False
        for share in reading(talk):
            if share >= 0.5 and not said:
                say("half")
                said = True
        say("whole")
        time.sleep(float(wait))
        answer(talk)

    def later(talk: Talk) -> None:
        talk.begun = talk.request()
        answer(talk)

    with FarServer(first, later) as server:
        say(server.url)
        server.closing.wait()


class Noting(Wired):
    """The line under uploads, and a word for each attempt that was lost."""

    def __init__(self) -> None:
        super().__init__(ssl.create_default_context(), (*SMALL_SEND_BUFFER, *KEEP_ALIVE))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send it on."""
        try:
            return await super().handle_async_request(request)
        except httpx.TransportError as error:
            say(type(error).__name__)
            raise


def upload(url: str, size: str, options: str) -> None:
    """Upload one file of so many bytes."""
    given = json.loads(options)
    given["policy"] = ikpipe.Policy(**given.get("policy", {}))
    account = ikpipe.Account("public_line", "private_line", upload_url=url, api_url=url)
    result = ikpipe.upload_file(bytes(int(size)), account, file_name="a.bin", transport=Noting(), **given)
    say([result.status, result.error, result.attempts, result.seconds])


if __name__ == "__main__":
    {"serve": serve, "upload": upload}[sys.argv[1]](*sys.argv[2:])
