"""A web server on loopback for the demo: a shop's server with its images, which is slow for some of them."""

import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import unquote


class _Server(ThreadingHTTPServer):
    """A server that ignores clients that close their connections early."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print the traceback of an error that is not a closed connection."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def image_server(folder: Path, *, slow: Collection[str] = (), seconds: float = 30) -> Iterator[str]:
    """Serve the files of a folder, and yield the server's URL.

    `slow` are the names of files that are delayed by `seconds`; they are not sent if the server stops before.
    """
    stopping = Event()

    class Handler(SimpleHTTPRequestHandler):
        """Serves files, some of them late."""

        def do_GET(self) -> None:
            """Send a file; a slow one after its delay, or never if the server stops first."""
            if unquote(self.path).rpartition("/")[2] in slow and stopping.wait(seconds):
                return
            super().do_GET()

        def log_message(self, *_arguments: object) -> None:
            """Log nothing, since the demo prints its own report."""

    with _Server(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as server:
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            stopping.set()
            server.shutdown()
