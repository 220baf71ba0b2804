"""The routes of the media library API, and what all of them share: authentication, rate limit, JSON body, commit."""

import inspect
from collections.abc import Awaitable, Callable
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ikpipe.emulator.account import EmulatedAccount
from ikpipe.emulator.library import (
    bulk_jobs,
    details_update,
    fields,
    file_paths,
    files,
    folders,
    listing,
    metadata,
    purges,
    request_body,
    tags,
    versions,
)
from ikpipe.emulator.library.calls import ApiCall, ApiRoute
from ikpipe.emulator.library.file_events import tell_folder
from ikpipe.emulator.settings import (
    account_webhooks,
    named_transformations,
    origins,
    saved_extensions,
    url_endpoints,
    usage,
    usage_analytics,
)
from ikpipe.emulator.upload.authentication import check_key
from ikpipe.emulator.upload.validators import check_account

SUBJECTS = (listing, files, details_update, versions, metadata, file_paths, tags, purges, folders, bulk_jobs, fields)
"""The modules whose `ROUTES` the API has."""
SETTINGS = (origins, url_endpoints, saved_extensions, named_transformations, account_webhooks, usage, usage_analytics)
"""The same for the account's settings."""


def library_routes(account: EmulatedAccount) -> list[Route]:
    """Return the routes of one account, all of which need the private key."""
    account.store.folders.changed = partial(tell_folder, account)
    table = [route for subject in (*SUBJECTS, *SETTINGS) for route in subject.ROUTES]
    return [Route(route.path, _guarded(account, route), methods=[route.method]) for route in table]


def _guarded(account: EmulatedAccount, route: ApiRoute) -> Callable[[Request], Awaitable[Response]]:
    async def _endpoint(request: Request) -> Response:
        rules = account.rules
        check_account(rules)
        check_key(request.headers.get("authorization", ""), account.keys)
        account.limits.count_request("api", rules.api_rate, rules.rate_interval)
        call = ApiCall(account, request, await request_body.json_body(request))
        answer = route.handler(call)
        response = await answer if inspect.isawaitable(answer) else answer
        await account.store.commit()
        return response

    return _endpoint
