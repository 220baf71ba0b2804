"""Who is answered: requests that name this server, and of its own endpoints only those that no other page makes.

A web page can send requests to servers on the machine of whoever looks at it. By a name that first leads to its own
server and then to this machine (DNS rebinding) it could even read the answers: so only names that always mean this
machine are served, besides those that the owner lists. The service's own endpoints are open to all pages, as the real
ones are, and ask for a token or a key; the log and the other endpoints of the emulator ask for nothing, and so are
closed to pages of other origins.
"""

from __future__ import annotations

import re
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ikpipe.emulator.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    Headers = Iterable[tuple[bytes, bytes]]

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?")
_SAME = {"same-origin", "none"}


def host_name(text: str) -> str | None:
    """Return the name in a `Host` header, in lower case and without port, brackets and a dot at its end."""
    found = _HOST.fullmatch(text)
    return None if found is None else found[1].strip("[]").lower().removesuffix(".")


def is_loopback(name: str) -> bool:
    """Whether a name means this machine, whoever resolves it: `localhost`, 127.0.0.0/8, ::1."""
    if name == "localhost":
        return True
    try:
        address = ip_address(name)
    except ValueError:
        return False
    inner = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (inner or address).is_loopback


def names(hosts: Iterable[str], listening: str) -> frozenset[str]:
    """Return the names that are served besides loopback, and the address that is listened on, if it is one.

    Raises
    ------
    ValueError, TypeError
        A host is no name; the hosts are one text.
    """
    if isinstance(hosts, str):
        raise TypeError(f"hosts={hosts!r}: give a list of names")
    found = {host: host_name(f"[{host}]" if ":" in host and host.count(":") > 1 else host) for host in hosts}
    for host, name in found.items():
        if name is None:
            raise ValueError(f"{host!r} is no host name")
    own = listening.lower()
    everywhere = own in {"", "0.0.0.0", "::"}  # noqa: S104 - is compared, not listened on
    return frozenset(name for name in [*found.values(), *([] if everywhere else [own])] if name is not None)


def check_host(headers: Headers, hosts: Collection[str]) -> None:
    """Refuse a request that does not name this server.

    Parameters
    ----------
    headers
        As ASGI gives them.
    hosts
        Names besides loopback, as `host_name` gives them.

    Raises
    ------
    Refusal
        403 where the `Host` is missing, repeated, malformed, or another server's.
    """
    given = _all(headers, b"host")
    name = host_name(given[0]) if len(given) == 1 else None
    if name is None:
        raise Refusal(403, "The emulator needs one valid Host header.")
    if not is_loopback(name) and name not in hosts:
        words = f'The emulator does not serve the host "{name}". To allow it: Emulator(hosts=["{name}"])'
        raise Refusal(403, f"{words}, or ikpipe emulator --allow-host {name}.")


def check_origin(headers: Headers) -> None:
    """Refuse a request that a page of another origin makes.

    Raises
    ------
    Refusal
        403 where `Origin` is not this server, or `Sec-Fetch-Site` says that another page asks. Another port is another
        origin, though the same site.
    """
    host = "".join(_all(headers, b"host")).lower()
    foreign = [origin for origin in _all(headers, b"origin") if _netloc(origin) != host]
    if foreign or not set(_all(headers, b"sec-fetch-site")) <= _SAME:
        raise Refusal(403, "The emulator's own endpoints are not for pages of other origins.")


def _netloc(origin: str) -> str | None:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return None
    return parts.netloc.lower() if parts.scheme in {"http", "https"} else None


def _all(headers: Headers, name: bytes) -> list[str]:
    return [value.decode("latin-1").strip() for key, value in headers if key == name]
