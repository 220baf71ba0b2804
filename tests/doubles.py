"""Real servers on loopback that stand in for what is around the client: a raw socket, a web site, a signer."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import jwt

import ikpipe

if TYPE_CHECKING:
    import httpx

    from ikpipe.emulator import Emulator

LOOPBACK: dict[str, Any] = {"fetch_hosts": ("127.0.0.1",), "webhook_hosts": ("127.0.0.1",)}
"""What lets an emulator reach the servers of tests."""

RESET = struct.pack("ii", 1, 0)  # SO_LINGER without lingering: closing resets the connection

Act = Callable[["Talk"], None]


class Part(NamedTuple):
    """One part of a multipart body, as it stood on the wire."""

    name: str
    headers: str
    content: bytes


class Request(NamedTuple):
    """One request, as it came out of the socket."""

    head: str
    headers: dict[str, str]
    body: bytes

    @property
    def parts(self) -> list[Part]:
        """Take the body apart at its boundary, in order."""
        boundary = b"--" + self.headers["content-type"].partition("boundary=")[2].encode()
        found = []
        for piece in self.body.split(boundary)[1:-1]:
            headers, _, content = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
            message = BytesParser().parsebytes(headers, headersonly=True)
            name = message.get_param("name", header="content-disposition")
            found.append(Part(str(name), headers.decode(), content.removesuffix(b"\r\n")))
        return found

    @property
    def fields(self) -> dict[str, str]:
        """Give the parts that are no file and no token."""
        return {part.name: part.content.decode() for part in self.parts if part.name not in ("file", "token")}

    @property
    def token(self) -> str:
        """Give the token."""
        return next(part.content.decode() for part in self.parts if part.name == "token")


class Talk:
    """One connection of a `RawServer`: what is read of it is noted."""

    def __init__(self, server: RawServer, connection: socket.socket) -> None:
        self._server, self.connection = server, connection
        self.begun = Request("", {"content-type": "boundary=none"}, b"")  # the beginning of one that is read in steps

    def head(self) -> tuple[str, dict[str, str], bytes]:
        """Read up to the end of the headers; the third is what came of the body with them."""
        data = b""
        while b"\r\n\r\n" not in data:
            block = self.connection.recv(65536)
            if not block:
                raise ConnectionError
            data += block
        head, _, rest = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        return lines[0], headers, rest

    def request(self) -> Request:
        """Read a whole request."""
        head, headers, body = self.head()
        length, rest = int(headers.get("content-length", 0)), bytearray(body)
        while len(rest) < length:
            block = self.connection.recv(1 << 20)
            if not block:
                raise ConnectionError
            rest += block
        request = Request(head, headers, bytes(rest))
        self._server.requests.append(request)
        return request

    def reset(self) -> None:
        """Reset the connection."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.connection.close()


class RawServer:
    """A socket that does what its script says, one act a connection; the last act is repeated."""

    def __init__(self, *script: Act) -> None:
        self.requests: list[Request] = []
        self.connections = 0
        self._script = script
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._serve)]
        self.closing = threading.Event()
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.closing.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            act = self._script[min(self.connections, len(self._script) - 1)]
            self.connections += 1
            self._threads.append(threading.Thread(target=self._talk, args=(act, connection)))
            self._threads[-1].start()

    def _talk(self, act: Act, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(10)
            act(Talk(self, connection))


def answering(status: int, body: object, *headers: str, cut: int = 0) -> Act:
    """Answer a whole request; a body that is no bytes is the service's own JSON, and the last `cut` bytes never leave.

    Details that `stored` gives are made those of the file that was sent.
    """

    def act(talk: Talk) -> None:
        request = talk.request()
        about, own = body, () if isinstance(body, bytes) else ("x-ik-requestid: 1",)
        if (
            isinstance(body, dict)
            and body.get("fileId") == STORED
            and "multipart" in request.headers.get("content-type", "")
        ):
            about = {**body, **stored(fields=request.fields)}
        content = about if isinstance(about, bytes) else json.dumps(about).encode()
        lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(content)}", "Connection: close", *own, *headers]
        data = "\r\n".join(lines).encode() + b"\r\n\r\n" + content
        talk.connection.sendall(data[: len(data) - cut])

    return act


STORED = "598821f949c0a938d57563bd"


def stored(name: str = "a.jpg", fields: dict[str, str] | None = None) -> dict[str, Any]:
    """Give the answer to a file that was stored, of this name or with these fields."""
    folder = (fields or {}).get("folder", "").strip("/")
    name = (fields or {}).get("fileName", name)
    return {"fileId": STORED, "name": name, "filePath": f"/{folder}/{name}" if folder else f"/{name}"}


def stored_by(request: httpx.Request, content: bytes) -> dict[str, Any]:
    """Give the answer to a file that was stored, to a request of httpx whose content begins so."""
    return stored(fields=Request("", dict(request.headers), content).fields)


def reset_before(talk: Talk) -> None:
    """Read the headers, and reset the connection before the body is there."""
    talk.head()
    talk.reset()


def reset_after(talk: Talk) -> None:
    """Read the whole request, and reset the connection instead of answering."""
    talk.request()
    talk.reset()


def silent(talk: Talk) -> None:
    """Read the whole request, and say nothing until the test is over."""
    talk.request()
    talk._server.closing.wait(10)  # noqa: SLF001 - its own server


class Page(NamedTuple):
    """What a web site gives at one path."""

    body: bytes = b""
    status: int = 200
    wait: float = 0.0
    chunked: bool = False
    cut: int = 0
    headers: tuple[tuple[str, str], ...] = ()


class Site:
    """A web site: pages by their path as it came over the wire, and a list of what was asked for."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.pages: dict[str, Page] = {}
        self.asked: list[str] = []

    def put(self, path: str, page: Page | bytes) -> str:
        """Put a page at a path, and give its address."""
        self.pages[path] = Page(page) if isinstance(page, bytes) else page
        return self.url + path


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[tuple[ThreadingHTTPServer, str]]:
    """Run a handler on a port of its own, in a thread."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server, f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def web_site() -> Iterator[Site]:
    """Run a web site."""
    site = Site("")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append(self.path)
            page = site.pages.get(self.path, Page(b"no such page", 404))
            time.sleep(page.wait)
            self.send_response(page.status)
            for name, value in page.headers:
                self.send_header(name, value)
            if page.chunked:
                self.send_header("Transfer-Encoding", "chunked")
            else:
                self.send_header("Content-Length", str(len(page.body)))
            self.end_headers()
            if self.command == "HEAD":
                return
            with suppress(ConnectionError):
                self.wfile.write(_chunks(page.body) if page.chunked else page.body[: len(page.body) - page.cut])
            self.close_connection |= bool(page.cut)

        do_HEAD = do_GET  # noqa: N815 - the standard library's name

        def log_message(self, *_arguments: object) -> None:
            pass

    Handler.protocol_version = "HTTP/1.1"
    Handler.timeout = 0.5
    with serving(Handler) as (_, url):
        site.url = url
        yield site


def _chunks(body: bytes) -> bytes:
    cut = len(body) // 2
    pieces = [piece for piece in (body[:cut], body[cut:]) if piece]
    return b"".join(f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in pieces) + b"0\r\n\r\n"


class Signer(NamedTuple):
    """An `authenticationEndpoint`: its address, and what it was asked."""

    url: str
    asked: list[dict[str, Any]]
    headers: list[dict[str, str]]


@contextmanager
def signing(
    key: str,
    *,
    status: int = 200,
    answer: Callable[[str], object] = lambda token: {"token": token},
    pause: Callable[[], int | None] = lambda: None,
) -> Any:
    """Run an `authenticationEndpoint` that signs as the seed's Node example does: `expiresIn`, and nothing else.

    `pause` gives the milliseconds that a 429 names for a request; None lets it pass.
    """
    signer = Signer("", [], [])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            signer.asked.append(asked)
            signer.headers.append({name.lower(): value for name, value in self.headers.items()})
            now = int(time.time())
            claims = {**asked["uploadPayload"], "iat": now, "exp": now + asked["expire"]}
            body = json.dumps(answer(jwt.encode(claims, key, "HS256", {"kid": asked["publicKey"]}))).encode()
            wait = pause()
            self.send_response(status if wait is None else 429)
            if wait is not None:
                body = b'{"message": "Too many requests."}'
                self.send_header("X-RateLimit-Reset", str(wait))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            pass

    with serving(Handler) as (_, url):
        yield signer._replace(url=f"{url}/auth")


@contextmanager
def remote(emulator: Emulator) -> Iterator[ikpipe.Account]:
    """Give the account of somebody who must not hold the private key, and so cannot look into the library."""
    with signing(str(emulator.private_key)) as signer:
        yield ikpipe.Account(
            emulator.public_key,
            authentication_endpoint=signer.url,
            upload_url=emulator.upload_url,
            api_url=emulator.url,
        )


def uploads_of(emulator: Emulator, since: int = 0) -> list[dict[str, Any]]:
    """Give an emulator's log of uploads."""
    return [entry for entry in emulator.log()[since:] if entry["path"] == "/api/v2/files/upload"]
