"""A shop's web server on loopback, for the demo: it has the pictures, and is late with some."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path


@contextmanager
def origin(folder: Path, *, slow: Collection[str] = (), seconds: float = 30) -> Iterator[str]:
    """Serve the folder's files, and give the server's address.

    Parameters
    ----------
    folder
        What is served.
    slow
        Names of files whose headers are held back.
    seconds
        For how long they are; the server's end cuts that short.
    """
    ended = Event()

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            if unquote(self.path).rpartition("/")[2] in slow and ended.wait(seconds):
                return
            super().do_GET()

        def log_message(self, *_arguments: object) -> None:
            """Say nothing: the demo tells its own story."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as server:
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            ended.set()
            server.shutdown()
