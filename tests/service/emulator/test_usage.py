"""The account's usage between two dates."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from emulator_client import Client, Clock, picture, refused

if TYPE_CHECKING:
    from collections.abc import Callable

PATH = "/v1/accounts/usage"
ANALYTICS = "/v1/accounts/usage-analytics"


def used(client: Client, clock: Clock, first: int, last: int) -> dict[str, int]:
    """Return the usage from some days after today until some days after it."""
    today = datetime.fromtimestamp(clock(), UTC).date()
    dates = {"startDate": str(today + timedelta(first)), "endDate": str(today + timedelta(last))}
    return client.api("GET", PATH, params=dates).json()


def test_usage(start: Callable[..., Client]) -> None:
    """Usage is what was delivered and which extensions ran between the dates, and what is stored now."""
    clock = Clock()
    client = start(clock=clock, max_versions=2)
    tags = {"name": "google-auto-tagging", "maxTags": 1, "minConfidence": 1}
    url = client.fixed("a.jpg", picture(), extensions=json.dumps([tags])).json()["url"]
    client.fixed("a.jpg", picture("PNG"))
    delivered = len(client.http.get(url).content) + len(client.http.get(url + "?tr=w-3").content)
    client.http.head(url)
    none = {"originalCacheStorageBytes": 0, "videoProcessingUnitsCount": 0}
    stored = {"mediaLibraryStorageBytes": len(picture()) + len(picture("PNG")), **none}
    assert used(client, clock, 0, 1) == {"bandwidthBytes": delivered, "extensionUnitsCount": 1, **stored}
    assert used(client, clock, -89, 0) == {"bandwidthBytes": 0, "extensionUnitsCount": 0, **stored}


@pytest.mark.parametrize(
    ("dates", "message"),
    [
        ({}, "Your request is missing startDate parameter."),
        ({"startDate": "2026-01-01"}, "Your request is missing endDate parameter."),
        ({"startDate": "1.1.2026", "endDate": "2026-01-02"}, "Your request contains invalid startDate parameter."),
        ({"startDate": "2026-01-01", "endDate": "2026-02-30"}, "Your request contains invalid endDate parameter."),
        ({"startDate": "20260101", "endDate": "2026-01-02"}, "Your request contains invalid startDate parameter."),
        ({"startDate": "2026-01-01", "endDate": "2026-01-01"}, "Your request contains invalid endDate parameter."),
        ({"startDate": "2026-01-02", "endDate": "2026-01-01"}, "Your request contains invalid endDate parameter."),
        ({"startDate": "2026-01-01", "endDate": "2026-04-01"}, "Your request contains invalid endDate parameter."),
    ],
    ids=str,
)
def test_dates_that_can_not_be(client: Client, dates: dict[str, str], message: str) -> None:
    """Both dates are needed, the second after the first, by less than 90 days [spec]."""
    status, words = refused(client.api("GET", PATH, params=dates))
    assert (status, words.startswith(message)) == (400, True)


def test_analytics(start: Callable[..., Client]) -> None:
    """Requests for files are counted by their status, and those for missing files by their URL."""
    client = start()
    url = client.fixed("a.bin").json()["url"]
    for address in (url, url, url + ".no"):
        client.http.get(address)
    today = datetime.now(UTC).date()
    days = [str(today + timedelta(offset)) for offset in (-1, 0, 2)]
    shown, before = (
        client.api("GET", ANALYTICS, params={"startDate": first, "endDate": last}).json()
        for first, last in ((days[1], days[2]), (days[0], days[1]))
    )
    assert (shown["requestCount"], shown["bandwidthBytes"], before["requestCount"]) == (3, 20, 0)
    assert shown["statusCodes"] == [{"name": "200", "requestCount": 2}, {"name": "404", "requestCount": 1}]
    assert shown["top404Assets"] == [{"name": url + ".no", "requestCount": 1}]
    assert client.api("GET", ANALYTICS, params={"startDate": days[1]}).status_code == 400
