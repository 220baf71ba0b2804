"""Have the requests of a run signed by an authentication endpoint, as fast as it allows."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from ikpipe.concurrency.gate import ConcurrencyGate
from ikpipe.concurrency.limits import FixedLimit
from ikpipe.request.token import SignerError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from ikpipe.concurrency.interrupts import RunControl
    from ikpipe.request.token import UploadToken

_log = logging.getLogger("ikpipe.run")

_SHORTEST = 0.05  # seconds between two requests, even if the endpoint names no time at all


class RemoteSigning:
    """Asks an authentication endpoint for tokens; rows that it sends away for a time wait instead of failing.

    An endpoint limits its callers, such as `ikpipe auth-server` to 60 requests per minute, and a table has more rows
    than a row has retries. So after a 429 that names a time, rows ask one after the other, and keep that time.

    `ask` makes one request. `longest_pause` is how long the endpoint may sign nothing, in seconds.
    """

    def __init__(
        self,
        ask: Callable[[Mapping[str, str]], Awaitable[UploadToken | None]],
        control: RunControl,
        longest_pause: float,
    ) -> None:
        self._ask, self._control, self._longest_pause = ask, control, longest_pause
        self._queue = ConcurrencyGate(FixedLimit(1))
        self._limited_since: float | None = None  # no token since then
        self._again_at = 0.0
        self._told = False

    async def sign(self, fields: Mapping[str, str]) -> UploadToken | None:
        """Return a token; None if the run drains before it is there. Raise `SignerError` if there is none."""
        if self._limited_since is None and not self._queue.waiting:
            try:
                return await self._ask(fields)
            except SignerError as error:
                self._wait_after(error)
        if not await self._control.unless_draining(self._queue.acquire()):
            return None
        try:
            return await self._in_turn(fields)
        finally:
            self._queue.release()

    async def _in_turn(self, fields: Mapping[str, str]) -> UploadToken | None:
        while await self._control.sleep(self._again_at - time.monotonic()):
            try:
                token = await self._ask(fields)
            except SignerError as error:
                self._wait_after(error)
            else:
                self._limited_since = None
                return token
        return None

    def _wait_after(self, error: SignerError) -> None:
        """Note the time that a 429 names; raise any other error, and one after too long a time without a token."""
        now = time.monotonic()
        if error.pause is None:
            raise error
        since = self._limited_since or now
        if now - since + error.pause > self._longest_pause:
            raise error
        self._limited_since = since
        self._again_at = max(self._again_at, now + max(error.pause, _SHORTEST))
        if not self._told:
            self._told = True
            _log.warning("The authentication endpoint limits the requests: rows wait until it signs them.")
