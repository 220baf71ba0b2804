"""A server for a page with the widget, and the messages between that page and Python, instead of Jupyter's."""

from __future__ import annotations

import json
import threading
from base64 import b64encode
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Self

from ikpipe.widget import assets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

PAGE = Path(__file__).with_name("uploader_page.html")
PATIENCE = 30.0  # seconds that a test waits for a message before it fails
IDLE_CHECK = 0.5  # seconds after which an idle stream checks whether it is still open

Message = dict[str, Any]


class Bridge:
    """Serves the page, receives its messages, and sends messages to it.

    Messages from the page arrive in order, in one thread at a time.
    """

    def __init__(self) -> None:
        self.heard: list[Message] = []
        self.hears: Callable[[Message], None] = lambda _message: None
        self.state: dict[str, Any] = {}
        self.script = assets.script()
        self._streams: list[SimpleQueue[str]] = []
        self._news = threading.Condition()
        self._open = True
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._open = False
        self._server.shutdown()
        self._server.server_close()

    def say(self, content: Message, buffers: Sequence[bytes] | None = None) -> None:
        """Send a message to all pages; may be called from any thread."""
        self._put({"content": content, "buffers": [b64encode(one).decode() for one in buffers or []]})

    def set(self, **state: Any) -> None:
        """Change traits."""
        self.state |= state
        self._put({"state": state})

    def wait_for(self, kind: str, count: int = 1) -> list[Message]:
        """Wait until the page has sent a number of messages of a type, and return them."""
        with self._news:
            if not self._news.wait_for(lambda: len(self.of(kind)) >= count, PATIENCE):
                raise AssertionError(f"the page said {kind!r} {len(self.of(kind))} times, not {count}")
            return self.of(kind)

    def of(self, kind: str) -> list[Message]:
        """Return the messages of a type so far."""
        return [message for message in self.heard if message["type"] == kind]

    def take(self, messages: list[Message]) -> None:
        """Receive messages from the page."""
        for message in messages:
            self.hears(message)
        with self._news:
            self.heard += [one for message in messages for one in unpacked(message)]
            self._news.notify_all()

    def file(self, path: str) -> tuple[str, str]:
        """Return the content of a path and its media type; the default is the page."""
        if path == "/uploader.js":
            return self.script, "text/javascript"
        if path == "/uploader.css":
            return assets.style(), "text/css"
        if path == "/state":
            return json.dumps(self.state), "application/json"
        return PAGE.read_text("utf-8"), "text/html"

    def stream(self) -> Iterator[str]:
        """Return the messages to a page from now on, until the bridge closes; an empty text keeps the stream open."""
        queue: SimpleQueue[str] = SimpleQueue()
        self._streams.append(queue)
        return self._events(queue)

    def _events(self, queue: SimpleQueue[str]) -> Iterator[str]:
        yield ""
        while self._open:
            with suppress(Empty):
                yield queue.get(timeout=IDLE_CHECK)
                continue
            yield ""

    def _put(self, event: object) -> None:
        for queue in list(self._streams):
            queue.put(json.dumps(event))


def unpacked(message: Message) -> list[Message]:
    """Return the messages that came as one."""
    return message["messages"] if message["type"] == "batch" else [message]


def _handler(bridge: Bridge) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path == "/from":
                self._stream()
            else:
                self._give(*bridge.file(self.path))

        def do_POST(self) -> None:
            bridge.take(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            with suppress(OSError):  # the page was closed meanwhile
                self._give("", "text/plain")

        def _give(self, text: str, kind: str) -> None:
            content = text.encode()
            self.send_response(200)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(content)

        def _stream(self) -> None:
            events = bridge.stream()  # before the headers, since the page starts to send messages when it gets them
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            with suppress(OSError):
                for text in events:
                    self.wfile.write(f"data: {text}\n\n".encode() if text else b": here\n\n")
                    self.wfile.flush()
            self.close_connection = True

        def log_message(self, *_values: object) -> None:
            pass

    return Handler
