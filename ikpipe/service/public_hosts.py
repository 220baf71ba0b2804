"""Which hosts this machine may download from: public ones, and those that ``fetch_hosts=`` allows. Pure.

A table can come from anybody, and this machine can reach hosts that its author cannot: its own services, the local
network, a cloud's metadata service (server-side request forgery). The rule is about addresses, so it is applied to the
addresses that a name resolves to, and the connection goes to the address that was checked.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple

import idna

from ikpipe.errors import MappingError, keyword

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# IPv6 prefixes whose last 32 bits are an IPv4 address: IPv4-compatible, -mapped, -translated, and NAT64 (RFC 6052).
_LAST_32_BITS = [ip_network(text) for text in ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96")]
# Networks that Python's `is_global` regards as public, at least in some versions.
_NOT_PUBLIC = [
    ip_network(text)
    for text in (
        "168.63.129.16/32",  # services of Azure, reachable from its machines
        "192.0.0.0/24",  # protocol assignments (RFC 6890)
        "192.88.99.0/24",  # 6to4 relays (RFC 7526)
        "64:ff9b:1::/48",  # NAT64 of a local network (RFC 8215)
        "fec0::/10",  # site-local
    )
]
_ISATAP = (0x00005EFE, 0x02005EFE)
_NUMBERS = re.compile(r"[0-9A-Fa-fXx.]+")  # the system would leave out whatever comes after a space
_HOST = re.compile(r"[\w.-]+", re.ASCII)
_LAST_PORT = 65_535


def is_public(address: Address) -> bool:
    """Whether an address, or the IPv4 address that is embedded in it, belongs to the public Internet."""
    ipv4 = embedded(address)
    if ipv4 is not None:
        return is_public(ipv4)
    if any(address in network for network in _NOT_PUBLIC if network.version == address.version):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def embedded(address: Address) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 address is translated to; None if there is none."""
    if isinstance(address, IPv4Address):
        return None
    if any(address in network for network in _LAST_32_BITS):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if int(address) >> 32 & 0xFFFFFFFF in _ISATAP:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def literal(host: str) -> Address | None:
    """Return the IP address if a host is written as one; None if it is a name.

    Operating systems also accept old notations: ``127.1``, ``0x7f000001``, ``017700000001``.
    """
    text = host.strip("[]").partition("%")[0].rstrip(".")
    try:
        return ip_address(text)
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(text)) if _NUMBERS.fullmatch(text) else None
    except OSError:
        return None


class _Entry(NamedTuple):
    """An entry of ``fetch_hosts=``: a host name or a network, with one port, or None for all ports."""

    name: str | None
    network: Network | None
    port: int | None

    def matches(self, name: str, port: int, addresses: Iterable[Address]) -> bool:
        """Whether the entry allows a host with this name or one of these addresses, at this port."""
        if self.port not in (None, port):
            return False
        network = self.network
        if network is None:
            return self.name == name
        return any(address in network for address in addresses if address.version == network.version)


@dataclass(frozen=True, slots=True)
class FetchHosts:
    """The hosts that ``fetch_hosts=`` allows in addition to public ones."""

    entries: tuple[_Entry, ...] = field(default=())

    @classmethod
    def read(cls, hosts: Iterable[str] | FetchHosts) -> FetchHosts:
        """Return the allowed hosts; an entry is a host, address or network (``10.0.0.0/8``), with or without a port.

        Raise `MappingError` if an entry is invalid.
        """
        if isinstance(hosts, FetchHosts):
            return hosts
        if isinstance(hosts, str) or not all(isinstance(host, str) for host in hosts):
            fix = "Use a list such as ['intranet.example.com']."
            raise MappingError("The value must be a list of hosts.", fix=fix, about=keyword("fetch_hosts", hosts))
        return cls(tuple(map(_read_entry, hosts)))

    def allows(self, host: str, port: int, address: Address | None = None) -> bool:
        """Whether a host may be opened at an address; without one, whether its name is allowed."""
        if address is not None and is_public(address):
            return True
        name = host.rstrip(".").lower()
        addresses = [each for each in (address, address and embedded(address)) if each is not None]
        return any(entry.matches(name, port, addresses) for entry in self.entries)


_EXAMPLES = "Use a host, address or network, such as intranet.example.com, 10.0.0.0/8 or 10.1.2.3:8080."


def _read_entry(text: str) -> _Entry:
    words, about = f"{text!r} is not a valid host, address or network", keyword("fetch_hosts", [text])
    host, port = _split_port(text.strip())
    try:
        return _Entry(None, ip_network(host.strip("[]")), port)
    except ValueError as error:
        if "/" in host:
            raise MappingError(f"{words}: {error}.", fix=_EXAMPLES, about=about) from None
    if (address := literal(host)) is not None:
        return _Entry(None, ip_network(address), port)
    try:
        name = host if host.isascii() else idna.encode(host, uts46=True).decode()
    except idna.IDNAError:
        name = ""
    if not _HOST.fullmatch(name):
        raise MappingError(f"{words}.", fix=_EXAMPLES, about=about)
    return _Entry(name.rstrip(".").lower(), None, port)


def _split_port(text: str) -> tuple[str, int | None]:
    host, colon, port = text.rpartition(":")
    bare = ":" in host and not host.endswith("]")  # an IPv6 address without brackets
    if not colon or bare or not (port.isascii() and port.isdigit()) or not 0 < int(port) <= _LAST_PORT:
        return text, None
    return host, int(port)
