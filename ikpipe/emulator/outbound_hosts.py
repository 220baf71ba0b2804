"""Where the emulator may connect to: downloads of URL files and webhooks go to public addresses only.

Whoever may upload may name a URL. To keep them from reaching what only the emulator's machine can reach, addresses that
are not public are refused unless a rule allows them. The host is resolved here, and the connection goes to the address
that was checked, so that the name cannot resolve to another one a moment later. Each redirect is checked like the first
request.
"""

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.request import getproxies, proxy_bypass

import httpx

Address = IPv4Address | IPv6Address

_PORTS = {"http": 80, "https": 443}
_LARGEST_PORT = 65535
_NAT64 = ip_network("64:ff9b::/96")


class NotPublicError(httpx.RequestError):
    """An address that is not public and that no rule allows; the text names the rule that would."""


def is_public(address: Address) -> bool:
    """Whether an address is reachable from everywhere: not loopback, private, link-local or reserved."""
    embedded = _embedded_ipv4(address)
    return address.is_global and not address.is_multicast if embedded is None else is_public(embedded)


def _embedded_ipv4(address: Address) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 address stands for, if any."""
    if isinstance(address, IPv4Address):
        return None
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]


def is_allowed(host: str, address: Address, allowed: Sequence[str]) -> bool:
    """Whether a rule allows an address that is not public: by the URL's host, the address, or its network."""
    addresses = {address, _embedded_ipv4(address) or address}
    for entry in allowed:
        if entry == "*" or entry.lower().strip("[]") == host.lower():
            return True
        try:
            network = ip_network(entry.strip("[]"), strict=False)
        except ValueError:
            continue
        if any(candidate in network for candidate in addresses):
            return True
    return False


class PublicTransport(httpx.AsyncBaseTransport):
    """A transport that connects to public addresses, and to others only if a rule allows them.

    `rule` is the rule's name, for the error message. `allowed` are hosts, addresses and networks that need not be
    public; ``*`` is all.
    """

    def __init__(self, rule: str, allowed: Sequence[str]) -> None:
        self._rule, self._allowed = rule, allowed
        self._transports: dict[str, httpx.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; raise `NotPublicError` if the emulator may not connect to any address of the host."""
        host = request.url.host
        proxy = _proxy(request.url)
        addresses = await self._addresses(request, through_proxy=proxy is not None)
        if proxy is not None:
            return await self._transport(proxy).handle_async_request(request)
        for remaining, address in zip(reversed(range(len(addresses))), addresses, strict=True):
            # a copy: httpx resolves redirects against the host of its own request
            pinned = httpx.Request(
                request.method,
                request.url.copy_with(host=str(address)),
                headers=request.headers,
                stream=request.stream,
                extensions={**request.extensions, "sni_hostname": host},
            )
            try:
                return await self._transport(request.url.scheme).handle_async_request(pinned)
            except httpx.ConnectError:
                if not remaining:
                    raise
        raise httpx.ConnectError(f"{host} has no address.", request=request)

    async def _addresses(self, request: httpx.Request, *, through_proxy: bool) -> list[Address]:
        """Return the addresses of a request's host that the emulator may connect to."""
        host, url = request.url.host, request.url
        port = url.port or _PORTS.get(url.scheme, 0)
        if port > _LARGEST_PORT:
            raise httpx.ConnectError(f"{port} is not a valid port.", request=request)
        try:
            resolved = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            if through_proxy:  # the proxy may know names that this machine does not
                return []
            raise httpx.ConnectError(f"{host} cannot be resolved.", request=request) from error
        addresses = dict.fromkeys(ip_address(str(sockaddr[0])) for *_, sockaddr in resolved)
        usable = [address for address in addresses if is_public(address) or is_allowed(host, address, self._allowed)]
        if not usable:
            problem = f"{host} is not a public address; the emulator's rule {self._rule} can allow it"
            raise NotPublicError(problem, request=request)
        return usable

    def _transport(self, scheme_or_proxy: str) -> httpx.AsyncHTTPTransport:
        """Return the transport for a scheme or a proxy.

        Connections are pooled by address. Several hosts can share an address, so a TLS connection, whose handshake
        named one of them, is not kept for the others.
        """
        if scheme_or_proxy not in self._transports:
            limits = httpx.Limits(max_keepalive_connections=0 if scheme_or_proxy == "https" else 20)
            proxy = None if scheme_or_proxy in _PORTS else scheme_or_proxy
            self._transports[scheme_or_proxy] = httpx.AsyncHTTPTransport(limits=limits, proxy=proxy)
        return self._transports[scheme_or_proxy]

    async def aclose(self) -> None:
        """Close all connections."""
        for transport in self._transports.values():
            await transport.aclose()


def _proxy(url: httpx.URL) -> str | None:
    """Return the proxy that the environment names for a URL; loopback and private addresses have none."""
    try:
        if not is_public(ip_address(url.host)):
            return None
    except ValueError:
        if url.host == "localhost":
            return None
    if proxy_bypass(url.host):
        return None
    proxies = getproxies()
    return proxies.get(url.scheme) or proxies.get("all")
