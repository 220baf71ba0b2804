"""Which requests are served: those for this server's own names, and to the emulator's endpoints only from its origin.

A web page can send requests to servers on the machine of whoever views it. Through a host name that first resolves to
the page's server and then to this machine (DNS rebinding) it could also read the responses. Therefore only names that
always mean this machine are served, and those that the owner allows. The service's own endpoints are open to pages of
all origins, as the real ones are, and need a token or a key; the log and the other endpoints of the emulator need
neither, and are therefore closed to pages of other origins.
"""

import re
from collections.abc import Collection, Iterable
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

from ikpipe.emulator.error_responses import ErrorResponse

Headers = Iterable[tuple[bytes, bytes]]

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?")
_SAME_ORIGIN = {"same-origin", "none"}


def host_name(text: str) -> str | None:
    """Return the name in a `Host` header, in lower case, without port, brackets and final dot; None if invalid."""
    match = _HOST.fullmatch(text)
    return None if match is None else match[1].strip("[]").lower().removesuffix(".")


def is_loopback(name: str) -> bool:
    """Whether a name means this machine, whoever resolves it: `localhost`, 127.0.0.0/8, ::1."""
    if name == "localhost":
        return True
    try:
        address = ip_address(name)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


def allowed_names(hosts: Iterable[str], listening: str) -> frozenset[str]:
    """Return the names that are served besides loopback: `hosts`, and the address that is listened on.

    Raise `ValueError` if a host is not a valid host name, `TypeError` if the hosts are one text instead of several.
    """
    if isinstance(hosts, str):
        raise TypeError(f"hosts={hosts!r} must be a list of host names.")
    names = set()
    for host in hosts:
        name = host_name(f"[{host}]" if host.count(":") > 1 else host)
        if name is None:
            raise ValueError(f"{host!r} is not a valid host name.")
        names.add(name)
    own = listening.lower()
    return frozenset(names if own in {"", "0.0.0.0", "::"} else {*names, own})  # noqa: S104 - compared, not listened on


def check_host(headers: Headers, allowed: Collection[str]) -> None:
    """Refuse a request that is for another host.

    `headers` are in ASGI's form; `allowed` are names besides loopback, as `host_name` returns them. Raise
    `ErrorResponse` (403) if the `Host` header is missing, repeated, invalid, or names another host.
    """
    hosts = _values(headers, b"host")
    name = host_name(hosts[0]) if len(hosts) == 1 else None
    if name is None:
        raise ErrorResponse(403, "The emulator needs exactly one valid Host header.")
    if not is_loopback(name) and name not in allowed:
        problem = f'The emulator does not serve the host "{name}". To allow it, use Emulator(hosts=["{name}"])'
        raise ErrorResponse(403, f"{problem} or ikpipe emulator --allow-host {name}.")


def check_origin(headers: Headers) -> None:
    """Refuse a request from a page of another origin.

    Raise `ErrorResponse` (403) if `Origin` is not this server, or `Sec-Fetch-Site` names another site. A different port
    is a different origin, although the same site.
    """
    host = "".join(_values(headers, b"host")).lower()
    foreign = [origin for origin in _values(headers, b"origin") if _netloc(origin) != host]
    if foreign or not set(_values(headers, b"sec-fetch-site")) <= _SAME_ORIGIN:
        raise ErrorResponse(403, "The emulator's own endpoints are closed to pages of other origins.")


def _netloc(origin: str) -> str | None:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return None
    return parts.netloc.lower() if parts.scheme in {"http", "https"} else None


def _values(headers: Headers, name: bytes) -> list[str]:
    return [value.decode("latin-1").strip() for key, value in headers if key == name]
