"""How far this machine's clock is from a server's, by the `Date` header of its response."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime

import httpx

from ikpipe.errors import Error
from ikpipe.service.certificates import ssl_context
from ikpipe.service.proxies import Proxies
from ikpipe.service.upload_routes import USER_AGENT

_TIMEOUT = 5.0  # seconds for one step


def ask(origin: httpx.URL, proxy: httpx.URL | None, timeout: float = _TIMEOUT) -> tuple[float, float | None]:
    """Send a request, whose status does not matter.

    Return how long it took, and by how many seconds this machine's clock is ahead of the server's, at least; None if
    the response does not tell. Raise `httpx.HTTPError` if there is no response.
    """
    start = time.time()
    with (
        httpx.Client(
            proxy=None if proxy is None else httpx.Proxy(proxy),
            verify=ssl_context(),
            trust_env=False,
            timeout=timeout,
            headers={"User-Agent": USER_AGENT},
        ) as client,
        client.stream("GET", origin) as response,
    ):
        seconds = time.time() - start
        return seconds, _offset(response.headers.get("date", ""), start, seconds)


def clock_offset(address: str, timeout: float = _TIMEOUT) -> float | None:
    """Return by how many seconds this machine's clock is ahead of that of a server; None if it cannot be asked."""
    origin = httpx.URL(address).join("/")
    try:
        return ask(origin, Proxies().find(origin), timeout)[1]
    except (Error, httpx.HTTPError):
        return None


def _offset(date: str, start: float, seconds: float) -> float | None:
    """Return by how many seconds this machine is ahead of the time of a response, at least."""
    try:
        there = parsedate_to_datetime(date).timestamp()
    except ValueError:
        return None
    if there > start + seconds:
        return start + seconds - there
    return max(0.0, start - there - 1)  # the header has whole seconds
