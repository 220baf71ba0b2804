"""The server: in a thread for tests and notebooks, in the foreground for the command line."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import struct
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import uvicorn
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from ikpipe.emulator import inbound_hosts, keys
from ikpipe.emulator.account import Address, EmulatedAccount
from ikpipe.emulator.app import UPLOAD_PATH, make_app
from ikpipe.emulator.background import Background
from ikpipe.emulator.faults import Faults
from ikpipe.emulator.keys import AccountKeys
from ikpipe.emulator.request_log import RequestLog
from ikpipe.emulator.rules import Rules
from ikpipe.emulator.store import Store
from ikpipe.emulator.store.settings import WEBHOOKS
from ikpipe.emulator.usage_limits import UsageLimits
from ikpipe.emulator.webhooks import Webhooks

if TYPE_CHECKING:
    import ikpipe

KEEP_ALIVE = 75
"""Seconds for which an idle connection is kept."""
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - not listened on
"""Addresses that mean all interfaces, and what a client uses instead."""
GRACE = 0.2
"""Seconds that requests in progress have left when the server stops."""
POLL = 0.002
"""Seconds between two looks whether the last request has ended."""


class Emulator:
    """ImageKit's service on loopback, for the duration of a `with` block.

    Parameters
    ----------
    directory
        Where files and details are kept, also after a restart; None is a temporary folder.
    port
        The port to listen on; 0 is a free one.
    hosts
        Host names besides loopback that requests may have in their `Host` header. Others are refused, since a web page
        could reach the emulator through a name of its own (DNS rebinding). The address in `host` is allowed as well.
    public_key, private_key
        The account's keys. None: those that the directory keeps, readable only by its owner; random ones if it has
        none, or there is no directory.
    faults
        The probability of each kind of fault, from 0 to 1.
    seed
        The seed of the faults' random numbers.
    spends
        When the token counts as spent, by kind of fault: `never`, `received`, `stored` or `answered`.
    host
        The address to listen on; any but loopback opens the emulator to the network.
    clock
        Returns the time, in seconds since 1970, for tokens, signatures, rates, lists and background work; None is the
        system's clock. A test can set it forward instead of waiting.
    **rules
        Fields of `Rules`.

    Raises
    ------
    TypeError
        An unknown rule; the message suggests the nearest one.
    ValueError
        A value that a rule does not accept, an unknown kind of fault, a rate outside 0 to 1, a moment that the kind
        does not have, an invalid host name, or a key file that cannot be read.

    Examples
    --------
    >>> with Emulator(index_lag=2) as emulator:
    ...     emulator.log()
    []
    """

    def __init__(
        self,
        directory: str | os.PathLike[str] | None = None,
        *,
        port: int = 0,
        hosts: Iterable[str] = (),
        public_key: str | None = None,
        private_key: str | None = None,
        faults: Mapping[str, float] | None = None,
        seed: int = 0,
        spends: Mapping[str, str] | None = None,
        host: str = "127.0.0.1",
        clock: Callable[[], float] | None = None,
        **rules: Any,
    ) -> None:
        self.rules = Rules.of(**rules)
        self.faults = Faults(faults, seed, spends)
        self.url = ""
        """The origin while it runs: `http://127.0.0.1:PORT`."""
        self.directory = Path(directory or "")
        """The directory of the files while it runs."""
        self._temporary = directory is None
        self._address = (host, port)
        self._hosts = inbound_hosts.allowed_names(hosts, host)
        self._chosen_keys = AccountKeys(public_key or "", private_key or "")
        self._keys = self._complete(keys.generate_keys())
        self._log = RequestLog()
        self._clock = clock
        self._background = Background(clock)
        self._webhooks = Webhooks(self.rules, self._background)
        self._exit = ExitStack()

    def __repr__(self) -> str:
        return f"Emulator(url={self.url!r}, public_key={self._keys.public!r})"

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            if self._temporary:
                self.directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="emulator-")))
            store = Store(self.directory)
            stack.callback(store.close)
            self._webhooks.subscriptions = partial(store.settings.all, WEBHOOKS)
            if not self._temporary and "" in (self._chosen_keys.public, self._chosen_keys.private):
                self._keys = self._complete(
                    keys.load_keys(self.directory) or keys.save_keys(self.directory, self._keys)
                )
            family = socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET
            listener = socket.create_server(self._address, family=family, backlog=1024)
            stack.callback(listener.close)
            # asyncio sets it only for sockets with an explicit protocol; without it each response takes 40 ms longer
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            host, port = listener.getsockname()[:2]
            host = _ANY_ADDRESS.get(host, host)
            self.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
            account = EmulatedAccount(
                self._keys,
                self.rules,
                store,
                UsageLimits(self._clock or time.monotonic),
                self._log,
                self.faults,
                self._background,
                self._webhooks,
                self.url,
                self._clock or time.time,
            )
            server = _Server(make_app(account, self._hosts), listener, self.faults)
            account.reset_connection = server.reset
            stack.enter_context(_running(server))
            self._exit = stack.pop_all()
        return self

    def __exit__(self, *_error: object) -> None:
        self._exit.close()

    def _complete(self, defaults: AccountKeys) -> AccountKeys:
        """Return the keys that the caller chose, each completed by a default."""
        chosen = self._chosen_keys
        return AccountKeys(chosen.public or defaults.public, chosen.private or defaults.private)

    @property
    def url_endpoint(self) -> str:
        """The account's `urlEndpoint`, below which files are delivered."""
        return f"{self.url}/{self.rules.imagekit_id}"

    @property
    def upload_url(self) -> str:
        """The full URL of the upload endpoint."""
        return self.url + UPLOAD_PATH

    @property
    def public_key(self) -> str:
        """The account's public key."""
        return self._keys.public

    @property
    def private_key(self) -> str:
        """The account's private key, which is valid for this emulator only."""
        return self._keys.private

    @property
    def account(self) -> ikpipe.Account:
        """The account for ikpipe's client."""
        import ikpipe  # the only use of the client in the emulator

        return ikpipe.Account(
            self._keys.public,
            self._keys.private,
            url_endpoint=self.url_endpoint,
            upload_url=self.upload_url,
            api_url=self.url,
        )

    @property
    def peak(self) -> int:
        """The largest number of uploads that were in flight at once."""
        return self._log.peak

    @property
    def fired(self) -> Counter[str]:
        """How often each kind of fault fired; also `refuse`, which leaves no entry in the log."""
        return self.faults.fired

    def log(self) -> list[dict[str, Any]]:
        """Return an entry for each request so far, in order of arrival."""
        return self._log.entries()

    @property
    def webhook_secret(self) -> str:
        """The secret that signs the account's webhooks."""
        return self.rules.webhook_secret

    def webhooks(self) -> list[dict[str, Any]]:
        """Return the webhooks that were sent so far, in order, with their attempts."""
        return self._webhooks.entries()


class _Server(uvicorn.Server):
    """Uvicorn on a socket that already listens; sets an event when it has started, and stops at once."""

    def __init__(self, app: Any, listener: socket.socket, faults: Faults) -> None:
        config = uvicorn.Config(app, log_config=None, access_log=False, server_header=False, ws="none", lifespan="on")
        config.timeout_keep_alive = KEEP_ALIVE
        config.proxy_headers = False
        if "refuse" in faults.rates:
            config.http = _refusing_protocol(faults)
        super().__init__(config)
        self._listener = listener
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self.ready = threading.Event()

    def run_until_stopped(self) -> None:
        """Serve until `stop`."""
        try:
            asyncio.run(self.serve([self._listener]))
        finally:
            self.ready.set()

    def stop(self) -> None:
        """Stop the server, from any thread."""
        self.should_exit = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stop.set)

    def reset(self, client: Address) -> None:
        """Reset a client's connection: the client sees an error at once, and data in transit is lost."""
        for connection in list(self.server_state.connections):
            if getattr(connection, "client", None) == client and connection.transport is not None:
                _reset(connection.transport)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say that the server is ready."""
        await super().startup(sockets)
        self._loop = asyncio.get_running_loop()
        self.ready.set()

    async def main_loop(self) -> None:
        """Wait until the server is stopped."""
        # the first of uvicorn's ten ticks updates the Date header; the others only check whether to exit
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), timeout=1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop; requests in progress have `GRACE` seconds left. uvicorn's own method always waits 0.1 s."""
        loop = asyncio.get_running_loop()
        # asyncio loses connections that it accepted just before its server closed: accept no more, then let two rounds
        # of the loop pass, in which uvicorn gets to know each of them and can close it
        with suppress(NotImplementedError):  # Windows' event loop accepts connections in another way
            loop.remove_reader(self._listener)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for listening in (*self.servers, *(sockets or ())):
            listening.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        grace = loop.call_later(GRACE, self._abort)
        while self.server_state.connections or self.server_state.tasks:  # noqa: ASYNC110 - uvicorn's own sets
            await asyncio.sleep(POLL)
        grace.cancel()
        await self.lifespan.shutdown()

    def _abort(self) -> None:
        """Abort the requests that are still in progress."""
        for connection in list(self.server_state.connections):
            if connection.transport is not None:
                connection.transport.abort()
        for task in self.server_state.tasks:
            task.cancel()


def _reset(transport: asyncio.BaseTransport) -> None:
    """Close a connection with RST instead of FIN, which is what a linger time of 0 does."""
    connection = transport.get_extra_info("socket")
    if connection is not None and isinstance(transport, asyncio.WriteTransport):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()


def _refusing_protocol(faults: Faults) -> type[asyncio.Protocol]:
    """Return uvicorn's protocol class, changed to reset some connections as soon as they are opened."""

    class _Refusing(AutoHTTPProtocol):  # type: ignore[valid-type, misc]  # its base is known only at run time
        def connection_made(self, transport: asyncio.Transport) -> None:
            """Open the connection, and reset it if the fault `refuse` is drawn."""
            super().connection_made(transport)
            if faults.refuses():
                _reset(transport)

    return _Refusing


@contextmanager
def _running(server: _Server) -> Iterator[None]:
    thread = threading.Thread(target=server.run_until_stopped, name="emulator")
    thread.start()
    try:
        server.ready.wait()
        if not server.started:
            raise RuntimeError("The emulator's server did not start.")
        yield
    finally:
        server.stop()
        thread.join()


def serve(
    host: str,
    port: int,
    directory: str | os.PathLike[str] | None,
    ready: Callable[[Emulator], None],
    **options: Any,
) -> None:
    """Run an emulator in the foreground until SIGTERM or SIGINT; only in the main thread.

    Parameters
    ----------
    host, port, directory
        As for `Emulator`.
    ready
        Called once with the emulator when it accepts requests.
    **options
        Further arguments of `Emulator`.
    """
    stop = threading.Event()
    # before the start, so that a signal during it is not lost
    signals = (signal.SIGTERM, signal.SIGINT)
    previous = {number: signal.signal(number, lambda *_: stop.set()) for number in signals}
    try:
        with Emulator(directory, host=host, port=port, **options) as emulator:
            ready(emulator)
            stop.wait()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
