"""Requests that the emulator makes because somebody asked it to: downloads of URL uploads, and webhooks.

Whoever may upload may name an address. So that nobody reaches through the emulator what only its machine can reach,
addresses that are not public are refused unless a rule allows them. The host is resolved here, and the connection goes
to the very address that was checked: a name cannot lead elsewhere a moment later. A redirect is a request like the
first.
"""

from __future__ import annotations

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING
from urllib.request import getproxies, proxy_bypass

import httpx

if TYPE_CHECKING:
    from collections.abc import Sequence

    Address = IPv4Address | IPv6Address

_PORTS = {"http": 80, "https": 443}
_NAT64 = ip_network("64:ff9b::/96")


class NotPublicError(httpx.RequestError):
    """An address that is not public, and that no rule allows; its text says which rule would."""


def is_public(address: Address) -> bool:
    """Whether an address is reachable from everywhere: neither loopback, private, link-local, nor reserved."""
    inner = _embedded(address)
    return address.is_global and not address.is_multicast if inner is None else is_public(inner)


def _embedded(address: Address) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 address stands for, if it does."""
    if isinstance(address, IPv4Address):
        return None
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]


def is_allowed(host: str, address: Address, allowed: Sequence[str]) -> bool:
    """Whether a rule allows an address that is not public: by the URL's host, by the address, or by its network."""
    addresses = {address, _embedded(address) or address}
    for entry in allowed:
        if entry == "*" or entry.lower().strip("[]") == host.lower():
            return True
        try:
            network = ip_network(entry.strip("[]"), strict=False)
        except ValueError:
            continue
        if any(one in network for one in addresses):
            return True
    return False


class Outbound(httpx.AsyncBaseTransport):
    """A transport that connects to public addresses, and to others only where a rule allows it.

    Parameters
    ----------
    rule
        The rule's name, for the message.
    allowed
        Hosts, addresses and networks that need not be public; ``*`` is all.
    """

    def __init__(self, rule: str, allowed: Sequence[str]) -> None:
        self._rule, self._allowed = rule, allowed
        self._transports: dict[str, httpx.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request.

        Raises
        ------
        NotPublicError
            No address of the host may be connected to.
        """
        host = request.url.host
        proxy = _proxy(request.url)
        addresses = await self._addresses(request, through_proxy=proxy is not None)
        if proxy is not None:
            return await self._transport(proxy).handle_async_request(request)
        for last, address in enumerate(addresses, 1 - len(addresses)):
            # A copy: the client's request keeps its host, against which a redirect is read.
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
                if last == 0:
                    raise
        raise httpx.ConnectError(f"{host} has no address.", request=request)

    async def _addresses(self, request: httpx.Request, *, through_proxy: bool) -> list[Address]:
        """Return the addresses of a request's host that may be connected to."""
        host, url = request.url.host, request.url
        port = url.port or _PORTS.get(url.scheme, 0)
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            if through_proxy:  # which may know more names than this machine
                return []
            raise httpx.ConnectError(f"{host} cannot be resolved.", request=request) from error
        addresses = [ip_address(str(place[0])) for *_, place in found]
        sound = [one for one in addresses if is_public(one) or is_allowed(host, one, self._allowed)]
        if not sound:
            words = f"{host} is not a public address; the emulator's rule {self._rule} can allow it"
            raise NotPublicError(words, request=request)
        return list(dict.fromkeys(sound))

    def _transport(self, way: str) -> httpx.AsyncHTTPTransport:
        """Return the transport for a scheme or a proxy.

        Connections are pooled by address. Two hosts can share one, so a connection whose handshake named one of them is
        not kept for the other.
        """
        if way not in self._transports:
            kept = httpx.Limits(max_keepalive_connections=0 if way == "https" else 20)
            proxy = None if way in _PORTS else way
            self._transports[way] = httpx.AsyncHTTPTransport(limits=kept, proxy=proxy)
        return self._transports[way]

    async def aclose(self) -> None:
        """Close all connections."""
        for transport in self._transports.values():
            await transport.aclose()


def _proxy(url: httpx.URL) -> str | None:
    """Return the proxy that this machine's environment names for a URL; loopback and private addresses have none."""
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
