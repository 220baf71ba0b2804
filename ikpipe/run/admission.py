"""When a request may be sent: retry budget, concurrency limit and rate, as one ``async with``."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Self

from ikpipe.concurrency.gate import ConcurrencyGate
from ikpipe.concurrency.limits import MOST, AdaptiveLimit, FixedLimit
from ikpipe.concurrency.turns import wait_turn
from ikpipe.request.reply import UploadReply
from ikpipe.request.result import CANCELLED, Result
from ikpipe.run.health import RunHealth
from ikpipe.run.options import SendOptions

if TYPE_CHECKING:
    from ikpipe.run.task import UploadTask

HELD = 6  # concurrent uploads of files that a browser holds: it opens no more connections to one host
_OTHER_FILES, _FILES_OF_AN_UPLOAD = 32, 3  # open files: for everything else; two connections and the uploaded file


class Admission:
    """Let the requests of a run through, each with a `Permit`.

    `options` have the maximum number of concurrent uploads, and who holds the files. `health` is what the rows of the
    run share: whether a row may send now, the rate, and the retry budget.
    """

    def __init__(self, options: SendOptions, health: RunHealth) -> None:
        self._health, number, most = health, options.concurrency, max_in_flight()
        self._default = ConcurrencyGate(
            AdaptiveLimit(most, options.client.is_saturated) if number is None else FixedLimit(number)
        )
        # ImageKit downloads URLs itself: how many it can process says nothing about how many bytes leave from here.
        self._by_kind = {} if number is not None else {"url": ConcurrencyGate(AdaptiveLimit(most))}
        if number is not None and (share := options.share) is not None:
            gate = self._default
            share.in_use = lambda: gate.inside
            share.follow(lambda fraction: gate.resize(round(number * fraction)))
        if number is None and options.client.external_source is not None:
            self._by_kind["held"] = ConcurrencyGate(FixedLimit(HELD))

    @property
    def gates(self) -> list[ConcurrencyGate]:
        """The concurrency gates, one for each group of file kinds."""
        return [self._default, *self._by_kind.values()]

    def permit(self, task: UploadTask, kind: str) -> Permit:
        """Return the permit for a row's next request; `kind` is the kind of its file source."""
        return Permit(self._health, task, self._by_kind.get(kind, self._default))


class Permit:
    """Permission for one request: entering waits for it, and leaving gives its place back.

    Entering waits for the retry budget (for a row's second and later requests), until the run's health lets the row
    send, and for a place at the gate. The request is prepared inside; `turn` then waits for the rate, since what the
    rate spaces is the starts of requests, and preparing one can take long.

    `granted` says whether the row may continue; False once the run stops. `sent_at` is when the request was sent, in
    seconds of the monotonic clock; None if it was not. `reply` is the result of the attempt, set by the caller before
    leaving; None: nothing was sent.
    """

    __slots__ = ("_gate", "_health", "_task", "granted", "reply", "sent_at")

    def __init__(self, health: RunHealth, task: UploadTask, gate: ConcurrencyGate) -> None:
        self._health, self._task, self._gate = health, task, gate
        self.granted = False
        self.sent_at: float | None = None
        self.reply: UploadReply | None = None

    async def __aenter__(self) -> Self:
        self.granted = await self._budgeted() and await self._entered()
        if self.granted:
            self._task.admitted()
            self._health.attempt_started(self._task.position)
        return self

    async def __aexit__(self, *_error: object) -> None:
        if self.granted:
            reply = self.reply or not_sent()
            self._gate.release(self.sent_at, time.monotonic(), overload=reply.overload)
            self._health.attempt_ended(self._task.position, reply)

    async def turn(self) -> bool:
        """Wait until the rate lets the request start; return whether to continue."""
        control = self._health.control
        return await wait_turn(self._health.limiter, control.sleep) and not control.draining

    def sent(self) -> float:
        """Note that the request is sent now; return when that was."""
        self.sent_at = time.monotonic()
        self._gate.sent()
        return self.sent_at

    async def _budgeted(self) -> bool:
        """Wait for the retry budget if this is a retry; return whether to continue."""
        if not self._task.is_retry:
            return True
        delay, control = self._health.budget.take(time.monotonic()), self._health.control
        return not control.draining if delay <= 0 else await control.sleep(delay)

    async def _entered(self) -> bool:
        """Wait until the row may send and the gate has room; return whether to continue."""
        task, health = self._task, self._health

        def may_send() -> bool:
            """Whether the run's health allows this attempt."""
            return health.may_send(task.position, first=not task.attempted)

        while await health.control.wait_until(may_send) and await self._gate.acquire(retry=task.is_retry):
            if may_send():
                return True
            self._gate.release()
        return False


def max_in_flight() -> int:
    """Return how many concurrent uploads the limit of open files allows."""
    try:
        import resource

        allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        taken = len(os.listdir("/dev/fd"))  # noqa: PTH208 - the names are enough
    except (ImportError, OSError):
        return MOST
    if allowed == resource.RLIM_INFINITY:
        return MOST
    return max(1, min(MOST, (allowed - taken - _OTHER_FILES) // _FILES_OF_AN_UPLOAD))


def not_sent() -> UploadReply:
    """Return the reply of a row that is not sent, since the run stops."""
    return UploadReply(Result("cancelled", "cancelled", CANCELLED.message))
