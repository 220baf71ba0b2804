"""Statistics of deliveries between two dates."""

from collections import Counter
from datetime import UTC, date, datetime
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from ikpipe.emulator.account import EmulatedAccount
from ikpipe.emulator.library.calls import ApiCall, ApiRoute
from ikpipe.emulator.settings.usage import period
from ikpipe.emulator.store import timestamp

MOST = 20
"""Maximum number of entries of a list [guess]."""
RANKED = (
    *("browser", "country", "device", "format", "topImages", "topImageTransforms", "topOtherAssets", "topReferrers"),
    *("topUserAgents", "topVideos", "topVideoTransforms", "urlEndpoints"),
)
"""Statistics by bandwidth and by requests, which the emulator does not have [sdk]."""


async def usage_analytics(call: ApiCall) -> Response:
    """`GET /v1/accounts/usage-analytics`: return statistics of the requests for files [sdk].

    Statuses and missing files are counted; what depends on the clients, and on caches, is empty or 0.
    """
    start, end = period(call)
    statuses, missing = await run_in_threadpool(_counts, call.account, start, end)
    answer = {
        "startDate": start.isoformat(),
        "endDate": end.isoformat(),
        "generatedAt": timestamp(),
        "requestCount": statuses.total(),
        "bandwidthBytes": call.account.usage.total("bandwidth", start, end),
        "cache": {"hitCount": 0, "missCount": statuses.total(), "errorCount": 0},
        "statusCodes": _ranking(statuses),
        "top404Assets": _ranking(missing),
        "errorReasons": [],
        "extensions": [],
        "videoProcessing": [],
        **{name: {"byBandwidth": [], "byRequests": []} for name in RANKED},
    }
    return JSONResponse(answer)


def _counts(account: EmulatedAccount, start: date, end: date) -> tuple[Counter[str], Counter[str]]:
    """Return the number of requests for files with each status, and for each URL that was not found."""
    prefix = f"/{account.rules.imagekit_id}/"
    statuses: Counter[str] = Counter()
    missing: Counter[str] = Counter()
    for entry in account.log.entries():
        day = datetime.fromtimestamp(entry["time"], UTC).date()
        if entry["path"].startswith(prefix) and entry["status"] is not None and start <= day < end:
            statuses[str(entry["status"])] += 1
            missing[account.origin + entry["path"]] += entry["status"] == 404  # noqa: PLR2004 - HTTP
    return statuses, +missing


def _ranking(counts: Counter[str]) -> list[dict[str, Any]]:
    return [{"name": name, "requestCount": count} for name, count in counts.most_common(MOST)]


ROUTES = [ApiRoute("GET", "/v1/accounts/usage-analytics", usage_analytics)]
