"""Check the way to the service step by step: proxy, certificates, DNS, TCP, TLS, HTTP, and the clock."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterable, Mapping

import httpx

from ikpipe.errors import Error, describe_exception, listed, printable
from ikpipe.service.account_check import LARGEST_OFFSET
from ikpipe.service.certificates import ssl_context
from ikpipe.service.clock import ask
from ikpipe.service.findings import Finding, failed
from ikpipe.service.proxies import Proxies

_TIMEOUT = 5.0  # seconds for one step
_NETWORK = "Check the network, the firewall and the address."
_INSPECTED = (
    "If your network inspects TLS, set SSL_CERT_FILE to the certificates of its authority. Otherwise do not trust it."
)


def check_network(addresses: Mapping[str, str], *, timeout: float = 15) -> list[Finding]:
    """Return what is wrong on the way to some addresses, given by what they are called.

    It takes at most `timeout` seconds, whatever the network does.
    """
    origins: dict[httpx.URL, list[str]] = {}
    for name, address in addresses.items():
        origins.setdefault(httpx.URL(address).join("/"), []).append(name)
    certificates = _certificates()
    if failed([certificates]):
        return [certificates]
    checks = [_Check(names[0] if len(names) == 1 else "Service", origin) for origin, names in origins.items()]
    until = time.monotonic() + timeout
    found = [finding for check in checks for finding in check.findings(until)]
    offsets = [check.offset for check in checks if check.offset is not None]
    every = [certificates, *_proxies(origins), *found, *([_clock(offsets)] if offsets else [])]
    return [*dict.fromkeys(every)]  # a proxy that cannot be used is the problem of several addresses


def _certificates() -> Finding:
    """Return which certificates are trusted."""
    try:
        ssl_context()
    except Error as error:
        return Finding.of_error("Certificates", error, refused=True)
    return Finding("ok", "Certificates", "The certificate authorities can be read.")


def _proxies(origins: Iterable[httpx.URL]) -> list[Finding]:
    """Return the proxies that are used, and what is wrong with the settings."""
    findings, used, proxies = [], set(), Proxies()
    try:
        used = {
            f"{proxy.scheme}://{proxy.host}:{proxy.port or ''}".rstrip(":")
            for proxy in map(proxies.find, origins)
            if proxy
        }
    except Error as error:
        findings.append(Finding.of_error("Proxy", error, refused=True))
    if entries := proxies.unreadable_exceptions():
        words = f"NO_PROXY has entries that match no host: {printable(listed(entries, 5))}."
        fix = "Separate hosts, domains, addresses and networks with commas: localhost,.example.com,10.0.0.0/8"
        findings.append(Finding("warning", "Proxy", words, fix))
    text = f"Requests go through {listed(sorted(used), 5)}." if used else "No proxy is used."
    return findings or [Finding("ok", "Proxy", text)]


def _shown(proxy: httpx.URL) -> str:
    """Return a proxy without its user and password."""
    return f"{proxy.scheme}://{proxy.netloc.decode()}"


def _clock(offsets: list[float]) -> Finding:
    """Return how far this machine's clock is from that of the service, by the smallest of some offsets in seconds."""
    offset = min(offsets, key=abs)
    if abs(offset) <= LARGEST_OFFSET:
        return Finding("ok", "Clock", f"Within {max(1, round(abs(offset)))} s of the service's.")
    way = "ahead of" if offset > 0 else "behind"
    words = f"The clock of this machine is {abs(offset):,.0f} s {way} the service's, so its tokens are not valid."
    return Finding("problem", "Clock", words, "Set the clock, for example by NTP.")


class _Check:
    """The check of an address in a thread of its own, since nothing can end a DNS request that gets no answer.

    `offset` is the number of seconds by which this machine's clock is ahead; None if it is not known.
    """

    def __init__(self, about: str, origin: httpx.URL) -> None:
        self._about, self._origin = about, origin
        self._result: list[Finding] = []
        self.offset: float | None = None
        self._thread = threading.Thread(target=self._run, name="ikpipe.network_check", daemon=True)
        self._thread.start()

    def findings(self, until: float) -> list[Finding]:
        """Wait for the check until a time of the monotonic clock, and return what it has found."""
        self._thread.join(max(0.0, until - time.monotonic()))
        return self._result or [self._problem(f"{self._origin} does not answer.", _NETWORK)]

    def _problem(self, text: str, fix: str) -> Finding:
        return Finding("problem", self._about, text, fix, refused=True)

    def _run(self) -> None:
        try:
            proxy = Proxies().find(self._origin)
            self._result = [(None if proxy else self._connect()) or self._request(proxy)]
        except Error as error:
            self._result = [Finding.of_error("Proxy", error, refused=True)]

    def _connect(self) -> Finding | None:
        """Open a connection step by step; return the problem, or None."""
        host = self._origin.host
        port = self._origin.port or {"http": 80, "https": 443}[self._origin.scheme]
        try:
            addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            words = f"The name {host} cannot be resolved (DNS): {_reason(error)}."
            return self._problem(words, "Check the address, the network and its DNS.")
        try:
            connection = socket.create_connection((host, port), _TIMEOUT)
        except OSError as error:
            tried = listed(sorted({str(address[4][0]) for address in addresses}), 3)
            return self._problem(f"{host}:{port} ({tried}) cannot be connected to (TCP): {_reason(error)}.", _NETWORK)
        with connection:
            return self._secure(connection) if self._origin.scheme == "https" else None

    def _secure(self, connection: socket.socket) -> Finding | None:
        host = self._origin.host
        try:
            ssl_context().wrap_socket(connection, server_hostname=host).close()
        except ssl.SSLCertVerificationError as error:
            words = f"The certificate of {host} is not trusted (TLS): {error.verify_message}."
            return self._problem(words, _INSPECTED)
        except (OSError, ValueError) as error:
            return self._problem(f"{host} does not speak TLS as expected: {_reason(error)}.", _NETWORK)
        return None

    def _request(self, proxy: httpx.URL | None) -> Finding:
        """Send a request, whose status does not matter."""
        try:
            seconds, self.offset = ask(self._origin, proxy)
        except httpx.HTTPError as error:
            way = f" through the proxy {_shown(proxy)}" if proxy else ""
            return self._problem(f"{self._origin}{way} does not answer (HTTP): {describe_exception(error)}.", _NETWORK)
        return Finding("ok", self._about, f"{self._origin} answers in {seconds:.2f} s.")


def _reason(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return printable(str(text)).rstrip(".")
