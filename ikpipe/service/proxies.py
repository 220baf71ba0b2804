"""Whether httpx uses a proxy of the environment or the operating system for an address."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.request import getproxies

if TYPE_CHECKING:
    import httpx


def proxied(url: httpx.URL) -> bool:
    """Whether httpx might use a proxy for this URL; True if that is not certain."""
    proxies = getproxies()
    if not (proxies.get(url.scheme) or proxies.get("all")):
        return False
    return not any(_bypasses(url.host, entry.strip().lower()) for entry in proxies.get("no", "").split(","))


def _bypasses(host: str, entry: str) -> bool:
    """Whether an entry of `NO_PROXY` certainly is this host or a domain above it."""
    inside = host.endswith("." + entry.lstrip(".")) and not entry.replace(".", "").isdigit() and entry != "localhost"
    return entry == "*" or (bool(entry) and (entry == host or inside))
