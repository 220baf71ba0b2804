"""Requests to the media API at a limited rate; one that can be repeated is sent again if it fails for the moment."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ikpipe.concurrency.rate import RateLimiter
from ikpipe.concurrency.turns import wait_turn
from ikpipe.errors import AccountError, Error
from ikpipe.request.account import Account
from ikpipe.service.client import ApiError, ServiceClient

ATTEMPTS = 5
LONGEST_WAIT = 8.0  # seconds between two attempts
_SERVER_ERROR = 500
_STOPPED = "The run was stopped."


class StoppedError(Error):
    """The run was stopped before a request was sent."""


class PacedRequests:
    """Sends requests to the media API that can be repeated without harm.

    `pace` limits the requests per second. `sleep` waits, and returns whether to continue. `first_wait` is the longest
    wait before the second attempt, in seconds, which doubles with each.
    """

    def __init__(
        self,
        client: ServiceClient,
        account: Account,
        pace: RateLimiter,
        sleep: Callable[[float], Awaitable[bool]],
        first_wait: float,
    ) -> None:
        self._client, self._account, self._pace, self._sleep = client, account, pace, sleep
        self._first_wait = first_wait

    async def send(
        self,
        path: str,
        query: Mapping[str, str | int] | None = None,
        *,
        content: Any = None,
        method: str | None = None,
    ) -> Any:
        """Send a request when it is its turn, and return the JSON of the response.

        `content` and `method` are as for `ServiceClient.api`. Raise `StoppedError` if the run is stopped, `Error` if no
        attempt succeeds or the request is rejected.
        """
        for attempt in range(1, ATTEMPTS + 1):
            if not await wait_turn(self._pace, self._sleep):
                raise StoppedError(_STOPPED)
            try:
                return await self._client.api(self._account, path, query, content=content, method=method)
            except AccountError:
                raise
            except Error as error:
                if attempt == ATTEMPTS or (isinstance(error, ApiError) and error.status < _SERVER_ERROR):
                    raise
            longest = min(LONGEST_WAIT, self._first_wait * 2.0 ** (attempt - 1))
            if not await self._sleep(random.uniform(0, longest)):  # noqa: S311 - no secret
                raise StoppedError(_STOPPED)
        raise AssertionError
