"""The metadata of a file, by its id or by its URL: dimensions, EXIF, perceptual hash, codecs."""

import uuid
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import SplitResult, quote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import FileResponse, JSONResponse, Response

from ikpipe.emulator.account import EmulatedAccount
from ikpipe.emulator.delivery.endpoint import Delivery
from ikpipe.emulator.delivery.transformation_parser import BadTransformationError
from ikpipe.emulator.error_responses import ErrorResponse, invalid_parameter, missing_parameter
from ikpipe.emulator.library.calls import ApiCall, ApiRoute
from ikpipe.emulator.library.files import NO_FILE, find_file
from ikpipe.emulator.media import inspection, metadata
from ikpipe.emulator.upload.file_sources import DownloadError, Fetcher
from ikpipe.emulator.upload.parameters import is_web_url

_SAFE = "/%:@,;=+$!*'()~&?"
"""Characters that stay as they are in a path and a query that the caller may not have encoded."""


async def file_metadata(call: ApiCall) -> Response:
    """`GET /v1/files/{id}/metadata`: return the metadata of a file's current version."""
    details = find_file(call, NO_FILE)
    path = call.store.files.bytes_of(details["versionInfo"]["id"])
    try:
        return JSONResponse(await run_in_threadpool(_read, path, details["name"]))
    except FileNotFoundError:  # deleted in the meantime
        raise ErrorResponse(404, NO_FILE) from None


async def url_metadata(call: ApiCall) -> Response:
    """`GET /v1/metadata`: return the metadata of what a URL delivers, also if it is transformed."""
    url = call.query.get("url", "")
    if not url:
        raise missing_parameter("url")
    if not is_web_url(url):
        raise invalid_parameter("url", "It must be an http or https URL.")
    temporary = call.store.incoming / uuid.uuid4().hex
    try:
        path = await _get(call, url, temporary)
        return JSONResponse(await run_in_threadpool(_read, path, urlsplit(url).path.rpartition("/")[2]))
    except FileNotFoundError:  # deleted in the meantime
        raise _not_accessible(url) from None
    finally:
        temporary.unlink(missing_ok=True)


def _read(path: Path, name: str) -> Mapping[str, object]:
    with path.open("rb") as source:
        facts, _ = inspection.inspect_file(source, path.stat().st_size, name)
    return metadata.legacy(path, facts)


async def _get(call: ApiCall, url: str, temporary: Path) -> Path:
    """Return the file with what a URL delivers; its bytes may be written to `temporary`.

    Raise `ErrorResponse` (400) if it cannot be had.
    """
    parts, account = urlsplit(url), call.account
    try:
        if _is_own(call, parts):
            return await _deliver(account, parts, temporary)
        if account.rules.metadata_urls == "any":
            return await _download(account, url, temporary)
    except DownloadError as error:
        raise _not_accessible(url, f" {error}") from None
    except (ErrorResponse, BadTransformationError):
        raise _not_accessible(url) from None
    raise _not_accessible(url)


def _not_accessible(url: str, reason: str = "") -> ErrorResponse:
    """Return the 400 for a URL that delivers nothing [recorded for one of another account, without a reason]."""
    return ErrorResponse(400, f"{url} should be accessible using your ImageKit.io account.{reason}")


def _is_own(call: ApiCall, parts: SplitResult) -> bool:
    """Whether this emulator delivers a URL, under its own name or the one that the caller uses."""
    hosts = {urlsplit(call.account.origin).netloc, call.request.headers.get("host", "").lower()}
    return parts.netloc.lower() in hosts and parts.path.startswith(f"/{call.account.rules.imagekit_id}/")


async def _deliver(account: EmulatedAccount, parts: SplitResult, temporary: Path) -> Path:
    path, query = (quote(text, safe=_SAFE).encode() for text in (parts.path, parts.query))
    response = await Delivery(account).respond({"raw_path": path, "query_string": query}, Headers())
    if isinstance(response, FileResponse):
        return Path(response.path)
    await run_in_threadpool(temporary.write_bytes, response.body)
    return temporary


async def _download(account: EmulatedAccount, url: str, temporary: Path) -> Path:
    limit = account.rules.largest_file
    fetcher = Fetcher(account.store.incoming, limit, account.rules)
    try:
        spool = await fetcher.download(url)
    finally:
        await fetcher.close()
    if spool.size > limit:
        spool.discard()
        raise DownloadError("The file size exceeds limits.")
    spool.move(temporary)
    return temporary


ROUTES = [
    ApiRoute("GET", "/v1/files/{id}/metadata", file_metadata),
    ApiRoute("GET", "/v1/metadata", url_metadata),
]
