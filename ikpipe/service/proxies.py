"""The proxies of the environment or the operating system: which one is for an address, and hosts without one.

httpx reads them too, but it accepts no network and no IPv6 address in `NO_PROXY`: it fails with an error that does not
name the variable. Here `NO_PROXY` is read as curl reads it.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from urllib.request import getproxies

import httpx

from ikpipe.errors import Error, MissingExtra

_PORTS = {"http": 80, "https": 443}
_SCHEMES = ("http", "https", "socks5", "socks5h")


class Proxies:
    """The proxies of the environment or the operating system, as they are now: to read them takes 50 µs or more."""

    def __init__(self) -> None:
        self._settings = getproxies()

    def __bool__(self) -> bool:
        """Whether there are any settings."""
        return bool(self._settings)

    def used_for(self, url: httpx.URL) -> bool:
        """Whether a proxy is used for this URL."""
        return self._configured(url) is not None

    def find(self, url: httpx.URL) -> httpx.URL | None:
        """Return the proxy for a URL, or None.

        Raise `Error` if the environment names something that is not a usable proxy; the message has no user and
        password of the proxy.
        """
        text = self._configured(url)
        return None if text is None else _checked(text, url)

    def unreadable_exceptions(self) -> list[str]:
        """Return the entries of `NO_PROXY` that match no host, such as one with a path or two with a space between."""
        return [entry for entry in self._exceptions() if entry and not _is_readable(entry.rpartition("://")[2])]

    def _configured(self, url: httpx.URL) -> str | None:
        """Return the text that names the proxy for a URL."""
        text = self._settings.get(url.scheme) or self._settings.get("all")
        if not text or _is_this_machine(url.host):
            return None
        return None if any(_bypasses(url, entry) for entry in self._exceptions()) else text

    def _exceptions(self) -> list[str]:
        return [entry.strip().lower() for entry in self._settings.get("no", "").split(",")]


def _checked(text: str, url: httpx.URL) -> httpx.URL:
    """Return the proxy with a name, for a URL; raise `Error` if it cannot be used."""
    try:
        proxy = httpx.URL(text if "://" in text else f"http://{text}")
    except httpx.InvalidURL:
        proxy = httpx.URL()
    name = f"The environment's proxy for {url.scheme} addresses"
    if proxy.scheme not in _SCHEMES or not proxy.host:
        shown = f" ({proxy.scheme}://{proxy.host})" if proxy.host else ""
        fix = "Set HTTP_PROXY, HTTPS_PROXY or ALL_PROXY to an address such as http://host:8080 or socks5://host:1080."
        raise Error(f"{name} is not valid{shown}.", fix=fix)
    if proxy.scheme.startswith("socks"):
        try:
            import socksio  # noqa: F401 - httpx needs it
        except ImportError:
            raise MissingExtra.for_extra("socks", f"{name} ({proxy.scheme}://{proxy.host})") from None
    return proxy


def _is_readable(place: str) -> bool:
    host = _split_port(place)[0]
    if place == "*" or _network(host) is not None:
        return True
    domain = host.removeprefix("*").lstrip(".")
    return not set(" ;|*/") & set(domain) and _host_of(domain) is not None


class ProxyTransport(httpx.AsyncBaseTransport):
    """Sends requests through the proxies of the environment, and directly where there is none."""

    def __init__(self, proxies: Proxies, make: Callable[[httpx.URL | None], httpx.AsyncBaseTransport]) -> None:
        self._proxies, self._make = proxies, make
        self._transports: dict[httpx.URL | None, httpx.AsyncBaseTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        proxy = self._proxies.find(request.url)
        if proxy not in self._transports:
            self._transports[proxy] = self._make(proxy)
        return await self._transports[proxy].handle_async_request(request)

    async def aclose(self) -> None:
        """Close all connections."""
        for transport in self._transports.values():
            await transport.aclose()


def _is_this_machine(host: str) -> bool:
    """Whether a host is a loopback address, as of the emulator: to a proxy it would be the proxy's own machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _bypasses(url: httpx.URL, entry: str) -> bool:
    """Whether an entry of `NO_PROXY` is for this host: a host, domain, address or network, with a port or not."""
    scheme, _, place = entry.rpartition("://")
    if scheme not in ("", "all", url.scheme) or not place:
        return False
    host, port = _split_port(place)
    if port not in (None, url.port or _PORTS.get(url.scheme)):
        return False
    return place == "*" or _in_network(url.host, host) or _in_domain(url.host.lower(), host)


def _split_port(place: str) -> tuple[str, int | None]:
    """Split a port from a host; an IPv6 address with a port is in brackets."""
    host, colon, port = place.rpartition(":")
    if colon and port.isdecimal() and (":" not in host or host.endswith("]")):
        return host.strip("[]"), int(port)
    return place.strip("[]"), None


def _in_network(host: str, text: str) -> bool:
    network = _network(text)
    try:
        return network is not None and ip_address(host) in network
    except ValueError:
        return False


def _network(text: str) -> IPv4Network | IPv6Network | None:
    """Return the network, or the address, of an entry of `NO_PROXY`; None if it is neither."""
    address, _, bits = text.partition("/")
    try:
        return ip_network(f"{address.strip('[]')}/{bits}" if bits else address, strict=False)
    except ValueError:
        return None


def _in_domain(host: str, domain: str) -> bool:
    read = _host_of(domain.removeprefix("*").lstrip("."))
    return read is not None and not host.replace(".", "").isdecimal() and (host == read or host.endswith(f".{read}"))


def _host_of(domain: str) -> str | None:
    """Return a domain as URLs have it, such as that of "é.test"; None if it is not one."""
    try:
        read = httpx.URL(f"http://{domain}")
    except httpx.InvalidURL:
        return None
    return read.host if read.host and read.path == "/" else None
