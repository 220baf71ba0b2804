"""Cache purges: without a cache, each is completed at once."""

from starlette.responses import JSONResponse, Response

from ikpipe.emulator.account import EmulatedAccount
from ikpipe.emulator.error_responses import ErrorResponse
from ikpipe.emulator.library import request_body
from ikpipe.emulator.library.calls import ApiCall, ApiRoute
from ikpipe.emulator.store import new_id


def add_purge(account: EmulatedAccount) -> str | None:
    """Purge something; return the id of the request, or None if the account has no purges left."""
    if not account.limits.take("purges", account.rules.purge_quota):
        return None
    account.purges.append(new_id())
    return account.purges[-1]


def create_purge(call: ApiCall) -> Response:
    """`POST /v1/files/purge`: purge one URL."""
    if not request_body.required_text(call.body, "url", "URL").startswith(("http://", "https://")):
        raise ErrorResponse(400, "Your request contains invalid URL parameter.")
    request_id = add_purge(call.account)
    if request_id is None:
        raise ErrorResponse(call.account.rules.quota_status, "Purge Limit Exceeded.")
    return JSONResponse({"requestId": request_id}, status_code=201)


def purge_status(call: ApiCall) -> Response:
    """`GET /v1/files/purge/{id}`: return the status of a purge; an unknown id is a 400 [recorded]."""
    if call.path("id") not in call.account.purges:
        raise ErrorResponse(400, "No request found for this requestId.")
    return JSONResponse({"status": "Completed"})


ROUTES = [
    ApiRoute("POST", "/v1/files/purge", create_purge),
    ApiRoute("GET", "/v1/files/purge/{id}", purge_status),
]
