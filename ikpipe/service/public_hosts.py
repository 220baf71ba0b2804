"""Which hosts this machine may open when a table names them: public ones, and what ``fetch_hosts=`` allows. Pure.

A table can come from anybody, and this machine can reach what they cannot: its own services, the local network, a
cloud's metadata service. The rule is about addresses, so it is applied to what a name resolves to, and the connection
goes to the very address that was checked.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, NamedTuple

import idna

from ikpipe.errors import MappingError

if TYPE_CHECKING:
    from collections.abc import Iterable

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# IPv6 prefixes whose last 32 bits are an IPv4 address: IPv4-compatible, -mapped, -translated, and NAT64 (RFC 6052).
_LAST_32_BITS = [ip_network(text) for text in ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96")]
# What Python's `is_global` takes for public, or took in some version.
_NOT_PUBLIC = [
    ip_network(text)
    for text in (
        "168.63.129.16/32",  # Azure's own services, from within any of its machines
        "192.0.0.0/24",  # protocol assignments (RFC 6890)
        "192.88.99.0/24",  # relays of 6to4 (RFC 7526)
        "64:ff9b:1::/48",  # NAT64 of a local network (RFC 8215)
        "fec0::/10",  # site-local
    )
]
_ISATAP = (0x00005EFE, 0x02005EFE)
_NUMBERS = re.compile(r"[0-9A-Fa-fXx.]+")  # the system would leave out whatever comes after a space
_HOST = re.compile(r"[\w.-]+", re.ASCII)
_LAST_PORT = 65_535


def is_public(address: Address) -> bool:
    """Whether an address is one of the public Internet, and so is every IPv4 address inside it."""
    inside = embedded(address)
    if inside is not None:
        return is_public(inside)
    if any(address in network for network in _NOT_PUBLIC if network.version == address.version):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def embedded(address: Address) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 address leads to, by whatever translation; None where there is none."""
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
    """Return the address that a host is written as; None where it is a name.

    Also in the old spellings that systems read: ``127.1``, ``0x7f000001``, ``017700000001``.
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
    """One entry: a host's name or a network, and the one port that is meant, or None for all."""

    name: str | None
    network: Network | None
    port: int | None


@dataclass(frozen=True, slots=True)
class FetchHosts:
    """The hosts that ``fetch_hosts=`` allows besides public ones; public ones are always allowed."""

    entries: tuple[_Entry, ...] = field(default=())

    @classmethod
    def read(cls, given: Iterable[str] | FetchHosts) -> FetchHosts:
        """Read the entries: a host, an address or a network (``10.0.0.0/8``), with or without a port.

        Raises
        ------
        MappingError
            An entry is none of these.
        """
        if isinstance(given, FetchHosts):
            return given
        if isinstance(given, str) or not all(isinstance(one, str) for one in given):
            raise MappingError(f"fetch_hosts={given!r}: give a list of hosts, such as ['intranet.example.com'].")
        return cls(tuple(map(_entry, given)))

    def allows(self, host: str, port: int, address: Address | None = None) -> bool:
        """Whether a host may be opened at an address; without one, whether its name alone is allowed."""
        if address is not None and is_public(address):
            return True
        name = host.rstrip(".").lower()
        inside = [one for one in (address, address and embedded(address)) if one is not None]
        for entry in self.entries:
            if entry.port not in (None, port):
                continue
            network = entry.network
            if entry.name == name:
                return True
            if network is not None and any(one in network for one in inside if one.version == network.version):
                return True
        return False


def _entry(text: str) -> _Entry:
    words = f"fetch_hosts has {text!r}, which is no host, address or network"
    host, port = _without_port(text.strip())
    try:
        return _Entry(None, ip_network(host.strip("[]")), port)
    except ValueError as error:
        if "/" in host:
            raise MappingError(f"{words}: {error}. Write intranet.example.com, 10.0.0.0/8 or 10.1.2.3:8080.") from None
    if (address := literal(host)) is not None:
        return _Entry(None, ip_network(address), port)
    try:
        name = host if host.isascii() else idna.encode(host, uts46=True).decode()
    except idna.IDNAError:
        name = ""
    if not _HOST.fullmatch(name):
        raise MappingError(f"{words}. Write intranet.example.com, 10.0.0.0/8 or 10.1.2.3:8080.")
    return _Entry(name.rstrip(".").lower(), None, port)


def _without_port(text: str) -> tuple[str, int | None]:
    host, colon, port = text.rpartition(":")
    bare = ":" in host and not host.endswith("]")  # an IPv6 address without brackets
    if not colon or bare or not (port.isascii() and port.isdigit()) or not 0 < int(port) <= _LAST_PORT:
        return text, None
    return host, int(port)
