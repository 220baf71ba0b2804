"""A real server on a real port: in a thread for tests and notebooks, in the foreground for the command line."""

from __future__ import annotations

import asyncio
import signal
import socket
import struct
import tempfile
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import uvicorn
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from ikpipe.emulator import keys, visitors
from ikpipe.emulator.account import EmulatedAccount
from ikpipe.emulator.app import UPLOAD_PATH, make_app
from ikpipe.emulator.background import Background
from ikpipe.emulator.faults import Faults
from ikpipe.emulator.load import Load
from ikpipe.emulator.log import Log
from ikpipe.emulator.settings import Rules
from ikpipe.emulator.store import Store
from ikpipe.emulator.upload.jwt_reading import AccountKeys
from ikpipe.emulator.webhooks import Webhooks

if TYPE_CHECKING:
    import os
    from collections import Counter
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import ikpipe
    from ikpipe.emulator.account import Address

KEEP_ALIVE = 75
"""Seconds for which an idle connection is kept."""
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where all addresses are listened on
"""Addresses that no client should call, and what is called instead."""
GRACE = 0.2
"""Seconds that requests under way have left when the server ends."""


class Emulator:
    """The service on loopback, for as long as a `with` block lasts.

    Parameters
    ----------
    directory
        Where files and details live, also after a restart; None is a temporary folder.
    port
        0 takes a free one.
    hosts
        Names besides loopback that requests may call this server by, in their `Host` header: others are refused, since
        a web page could reach the emulator by a name of its own (DNS rebinding). An address that `host` names is one.
    public_key, private_key
        The account's keys. None: those that the directory keeps, readable by its owner alone; random where it has none,
        or there is no directory.
    faults
        The probability of each kind of fault, 0 to 1.
    seed
        Of the faults' random numbers.
    spends
        The moment at which the token counts as spent, by kind of fault: `never`, `received`, `stored`, `answered`.
    host
        The address to listen on; anything but loopback opens the emulator to the network.
    clock
        Gives the time, in seconds since 1970, that tokens, signatures, rates, lists and whatever is done later go by;
        None is the system's. A test can set it forward instead of waiting.
    **rules
        Fields of `Rules`.

    Raises
    ------
    TypeError
        For an unknown rule; the message names the nearest.
    ValueError
        For a value that a rule does not have, an unknown kind of fault, a rate outside 0 to 1, a moment that does not
        go with the kind, a host that is no name, or keys in the directory that cannot be read.

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
        """The origin, once it runs: `http://127.0.0.1:PORT`."""
        self.directory = Path(directory or "")
        """Where the files are, once it runs."""
        self._temporary = directory is None
        self._address = (host, port)
        self._hosts = visitors.names(hosts, host)
        self._given = public_key is not None, private_key is not None
        made = keys.made()
        self._keys = AccountKeys(public_key or made.public, private_key or made.private)
        self._log = Log()
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
            if not self._temporary and not all(self._given):
                self._keys = self._chosen(keys.kept(self.directory) or keys.keep(self.directory, self._keys))
            stack.callback(store.close)
            family = socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET
            listener = socket.create_server(self._address, family=family, backlog=1024)
            stack.callback(listener.close)
            # asyncio sets it only on sockets that name their protocol; without it each answer takes 40 ms longer
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            host, port = listener.getsockname()[:2]
            host = _EVERYWHERE.get(host, host)
            self.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
            load = Load(self._clock or time.monotonic)
            parts = self.rules, store, load, self._log, self.faults, self._background, self._webhooks
            service = EmulatedAccount(self._keys, *parts, self.url, self._clock or time.time)
            server = _Server(make_app(service, self._hosts), listener, self.faults)
            service.cut = server.cut
            stack.enter_context(_running(server))
            self._exit = stack.pop_all()
        return self

    def __exit__(self, *_error: object) -> None:
        self._exit.close()

    def _chosen(self, others: AccountKeys) -> AccountKeys:
        """Return the keys that were given; what was not given is another pair's."""
        public, private = self._given
        return AccountKeys(
            self._keys.public if public else others.public, self._keys.private if private else others.private
        )

    @property
    def url_endpoint(self) -> str:
        """The account's `urlEndpoint`, where files are delivered."""
        return f"{self.url}/{self.rules.imagekit_id}"

    @property
    def upload_url(self) -> str:
        """The whole address of the upload endpoint."""
        return self.url + UPLOAD_PATH

    @property
    def public_key(self) -> str:
        """The account's public key."""
        return self._keys.public

    @property
    def private_key(self) -> str:
        """The account's private key; it opens nothing but this emulator."""
        return self._keys.private

    @property
    def account(self) -> ikpipe.Account:
        """The account as ikpipe's client takes it."""
        import ikpipe  # the emulator shares nothing with the client but this face

        return ikpipe.Account(
            self._keys.public,
            self._keys.private,
            url_endpoint=self.url_endpoint,
            upload_url=self.upload_url,
            api_url=self.url,
        )

    @property
    def peak(self) -> int:
        """The most uploads that were in flight at once."""
        return self._log.peak

    @property
    def fired(self) -> Counter[str]:
        """How often each kind of fault fired so far; `refuse` too, of which the log knows nothing."""
        return self.faults.fired

    def log(self) -> list[dict[str, Any]]:
        """Give what arrived so far, in order."""
        return self._log.entries()

    @property
    def webhook_secret(self) -> str:
        """The secret with which webhooks are signed."""
        return self.rules.webhook_secret

    def webhooks(self) -> list[dict[str, Any]]:
        """Give the webhooks that were sent so far, in order, with their tries."""
        return self._webhooks.entries()


class _Server(uvicorn.Server):
    """Uvicorn on a socket that is listening already; says when it is up, and ends without waiting for a tick."""

    def __init__(self, app: Any, listener: socket.socket, faults: Faults) -> None:
        config = uvicorn.Config(app, log_config=None, access_log=False, server_header=False, ws="none", lifespan="on")
        config.timeout_keep_alive = KEEP_ALIVE
        config.proxy_headers = False
        if "refuse" in faults.rates:
            config.http = _refusing(faults)
        super().__init__(config)
        self._listener = listener
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self.up = threading.Event()

    def run_here(self) -> None:
        """Serve until `stop`."""
        try:
            asyncio.run(self.serve([self._listener]))
        finally:
            self.up.set()

    def stop(self) -> None:
        """End the server, from any thread."""
        self.should_exit = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stop.set)

    def cut(self, client: Address) -> None:
        """Reset a client's connection: the client is told at once, whatever was on its way is lost."""
        for connection in list(self.server_state.connections):
            if getattr(connection, "client", None) == client and connection.transport is not None:
                _reset(connection.transport)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._loop = asyncio.get_running_loop()
        self.up.set()

    async def main_loop(self) -> None:
        # the first tick of uvicorn's ten renews the Date header; the others only look for the end
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), timeout=1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        loop = asyncio.get_running_loop()
        # asyncio loses a connection that it accepted just before its server closed: none more, then these two rounds
        # in which each becomes one that uvicorn knows, and ends
        with suppress(NotImplementedError):  # Windows' loop asks for its connections in another way
            loop.remove_reader(self._listener)
        for _ in range(2):
            await asyncio.sleep(0)
        grace = loop.call_later(GRACE, self._cut)
        await super().shutdown(sockets)
        grace.cancel()

    def _cut(self) -> None:
        """Drop the requests that are still under way."""
        for connection in list(self.server_state.connections):
            if connection.transport is not None:
                connection.transport.abort()
        for task in self.server_state.tasks:
            task.cancel()


def _reset(transport: asyncio.BaseTransport) -> None:
    """End a connection with a reset instead of a farewell, which is what a lingering time of nothing does."""
    connection = transport.get_extra_info("socket")
    if connection is not None and isinstance(transport, asyncio.WriteTransport):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()


def _refusing(faults: Faults) -> type[asyncio.Protocol]:
    """Make uvicorn's protocol close some connections when they are opened."""

    class Refusing(AutoHTTPProtocol):  # type: ignore[valid-type, misc]  # which one is only known when it runs
        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(transport)
            if faults.refuses():
                _reset(transport)

    return Refusing


@contextmanager
def _running(server: _Server) -> Iterator[None]:
    thread = threading.Thread(target=server.run_here, name="emulator")
    thread.start()
    try:
        server.up.wait()
        if not server.started:
            raise RuntimeError("the emulator's server did not start")
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
    """Run an emulator in the foreground until SIGTERM or SIGINT; must be called in the main thread.

    Parameters
    ----------
    host, port, directory
        As for `Emulator`.
    ready
        Called once with the emulator when it takes requests.
    **options
        Further arguments of `Emulator`.
    """
    stop = threading.Event()
    # before the start, so that a signal in the middle of it is not lost
    signals = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in signals}
    try:
        with Emulator(directory, host=host, port=port, **options) as emulator:
            ready(emulator)
            stop.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
