"""Whether a proxy of the environment or the system is used for an address."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.request import getproxies

if TYPE_CHECKING:
    import httpx


def proxied(url: httpx.URL) -> bool:
    """Whether httpx might use a proxy of the environment or the system; in doubt, it is asked."""
    proxies = getproxies()
    if not (proxies.get(url.scheme) or proxies.get("all")):
        return False
    return not any(_spared(url.host, name.strip().lower()) for name in proxies.get("no", "").split(","))


def _spared(host: str, name: str) -> bool:
    """Whether a name of `NO_PROXY` surely is this host, or a domain that it is in."""
    inside = host.endswith("." + name.lstrip(".")) and not name.replace(".", "").isdigit() and name != "localhost"
    return name == "*" or (bool(name) and (name == host or inside))
