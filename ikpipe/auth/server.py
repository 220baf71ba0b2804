"""Serve the application on a port, in the foreground: `ikpipe auth-server`."""

import signal
import socket
import threading
from collections.abc import Callable

from ikpipe.auth.endpoint import Endpoint
from ikpipe.errors import Error, MissingExtra


def serve(app: Endpoint, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Serve an application until SIGTERM or SIGINT; must be called in the main thread.

    `app` is the application that `endpoint` returned. `host` and `port` are where to listen; port 0 selects a free
    port. `ready` is called once with the address when the server accepts requests. Raise `MissingExtra` if uvicorn is
    not installed, `Error` if the server did not start.
    """
    try:
        import uvicorn
    except ImportError:
        raise MissingExtra.for_extra("server", "ikpipe auth-server") from None
    config = uvicorn.Config(app, log_config=None, access_log=False, server_header=False, ws="none")
    config.limit_concurrency, config.timeout_keep_alive = 1000, 30
    server, stop = uvicorn.Server(config), threading.Event()
    signals = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in signals}
    try:
        with socket.create_server((host, port), backlog=1024) as listener:
            # In a thread, where uvicorn does not handle signals.
            thread = threading.Thread(target=server.run, args=([listener],), name="auth-server")
            thread.start()
            try:
                while not server.started:
                    thread.join(0.01)
                    if not thread.is_alive():
                        raise Error(f"The server at {host}:{port} did not start. Its log has the reason.")
                address, bound_port = listener.getsockname()[:2]
                ready(f"http://{f'[{address}]' if ':' in address else address}:{bound_port}")
                stop.wait()
            finally:
                server.should_exit = True
                thread.join()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
