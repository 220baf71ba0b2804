"""The account's usage between two dates."""

import re
from datetime import date

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from ikpipe.emulator.error_responses import invalid_parameter, missing_parameter
from ikpipe.emulator.library.calls import ApiCall, ApiRoute

LONGEST = 90
"""The number of days that the two dates must be less apart [spec]."""
_DATE = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


async def usage(call: ApiCall) -> Response:
    """`GET /v1/accounts/usage`: return what was used from `startDate` until the day before `endDate` [spec].

    Storage is that of now. Nothing is cached from origins, and no video is encoded, so these are 0.
    """
    start, end = period(call)
    answer = {
        "bandwidthBytes": call.account.usage.total("bandwidth", start, end),
        "extensionUnitsCount": call.account.usage.total("extensions", start, end),
        "mediaLibraryStorageBytes": await run_in_threadpool(call.store.files.size),
        "originalCacheStorageBytes": 0,
        "videoProcessingUnitsCount": 0,
    }
    return JSONResponse(answer)


def period(call: ApiCall) -> tuple[date, date]:
    """Return `startDate` and `endDate`; raise `ErrorResponse` (400) if they are not as documented."""
    start, end = _day(call, "startDate"), _day(call, "endDate")
    if not 0 < (end - start).days < LONGEST:
        raise invalid_parameter("endDate", f"It must be after startDate, by less than {LONGEST} days.")
    return start, end


def _day(call: ApiCall, name: str) -> date:
    text = call.query.get(name, "")
    if not text:
        raise missing_parameter(name)
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass  # a day that does not exist
    raise invalid_parameter(name, "It must be a date like 2026-01-31.")


ROUTES = [ApiRoute("GET", "/v1/accounts/usage", usage)]
