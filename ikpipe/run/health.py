"""What a run learns from each reply: whether ImageKit answers and accepts the keys, how fast to send, when to stop."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from ikpipe.concurrency.rate import WINDOWS, RateLimiter, RetryBudget
from ikpipe.errors.logs import log_event
from ikpipe.request.account import Account
from ikpipe.request.policy import Policy
from ikpipe.request.recovery import Event, LookupResult, duration, overlong
from ikpipe.request.reply import OF_THE_TOKEN, UploadReply
from ikpipe.request.result import SETTLED

if TYPE_CHECKING:
    from ikpipe.concurrency.interrupts import RunControl
    from ikpipe.request.token import TokenTimes, UploadToken

_log = logging.getLogger("ikpipe.run")

SCOUTS = 4  # rows that keep trying while nothing has been heard from ImageKit
_LONG = 5.0  # seconds: a longer wait is logged
_SKEW = 5  # seconds between the service's `Date` and the times of a token that it accepts


class RunHealth:
    """The state that all rows of a run share, and that their replies change.

    Contact: as long as nothing has been heard from ImageKit and requests fail, a few rows (the scouts) use up their
    attempts, and all others wait. Once all scouts have failed, contact is lost and the run stops.

    Keys: as long as no row was stored and the fresh token of a row was rejected, no other row starts before it is clear
    what the rejection means: the keys may be wrong, or a gateway repeats requests.

    Parameters
    ----------
    account, policy, control
        The account, the longest pause of a run, and what stops the run.
    limiter, budget
        The rate and the retry budget, which replies change.
    times
        The clock of tokens, which the service's time corrects.

    Attributes
    ----------
    proven
        Whether a row was stored: then the keys are right.
    refusal
        The reply that stopped the run, if one did.
    on_wait
        Called when the service holds the run, with the seconds and the reason, which their number follows.
    """

    def __init__(
        self,
        account: Account,
        policy: Policy,
        control: RunControl,
        limiter: RateLimiter,
        budget: RetryBudget,
        times: TokenTimes,
    ) -> None:
        self.control, self.limiter, self.budget = control, limiter, budget
        self._account, self._policy, self._times = account, policy, times
        self.proven = False
        self.refusal: UploadReply | None = None
        self._silence: UploadReply | None = None  # the last attempt without a sign of the service
        self._heard = False
        self._suspects: set[int] = set()  # rows whose fresh token was rejected for an unknown reason
        self._scouts: set[int] = set()
        self._failed_scouts: set[int] = set()
        self._attempting: set[int] = set()
        self._logged_until = -math.inf
        self.on_wait: Callable[[float, str], None] = lambda _seconds, _reason: None
        self._logged_rate = limiter.rate

    @property
    def contact_lost(self) -> bool:
        """Whether all scouts have used up their attempts, and nothing has been heard from ImageKit."""
        failed = self._failed_scouts
        return not self._heard and bool(failed) and self._scouts <= failed and not self._attempting

    @property
    def unreachable(self) -> str | None:
        """Why the run stopped, if nothing was heard from ImageKit."""
        last = self._silence
        if last is None or not self.contact_lost or self.refusal is not None:
            return None
        reason = (last.result.message or "").rstrip(".")
        if last.result.error == "signer_failed":
            return f"No row could be signed: {reason}."
        words = f"ImageKit gave no answer at {self._account.upload_url}: {reason}."
        return f"{words} Check the address, the network and any proxy."

    def may_send(self, row: int, *, first: bool) -> bool:
        """Whether a row may send a request now; `first`: it has made no attempt yet."""
        if first and self._suspects and not self.proven:
            return False
        if self._heard or self._silence is None or row in self._scouts:
            return True
        if len(self._scouts) == SCOUTS:
            return False
        self._scouts.add(row)
        return True

    def attempt_started(self, row: int) -> None:
        """Note that a row makes an attempt."""
        self._attempting.add(row)
        self._suspects.discard(row)

    def attempt_ended(self, row: int, reply: UploadReply) -> None:
        """Note the result of an attempt."""
        self._attempting.discard(row)
        self._heard = self._heard or reply.own
        self.proven = self.proven or reply.result.status in SETTLED
        if reply.silent and not self._heard:
            self._silence = reply
            if len(self._scouts) < SCOUTS:
                self._scouts.add(row)
        self._wake()

    def row_ended(self, row: int, reply: UploadReply) -> None:
        """Note how a row ended."""
        if reply.stops_run == "unproven" and not self.proven and not self.control.draining:
            self.stop(reply)
        self._suspects.discard(row)
        if reply.result.status in SETTLED:
            self._heard = self.proven = True
        elif row in self._scouts:
            (self._failed_scouts.add if reply.silent else self._scouts.discard)(row)
        self._wake()

    def learn(self, row: int, reply: UploadReply, sent_at: float, token: UploadToken, *, fresh: bool) -> UploadReply:
        """Learn from the reply to a request, and return what it means for its row.

        `row` and `reply` are the row's position, and the reply. `sent_at` is when the request was sent, in seconds of
        the monotonic clock. `token` and `fresh` are the token that it had, and whether that was its first use.
        """
        reply = self._corrected_clock(reply, token)
        if reply.result.status in SETTLED:
            self.budget.give()
        if reply.own and not reply.rate_limited:
            self.limiter.accepted(sent_at)
        if reply.rate_limited:
            reply = self._slowed_down(row, reply, sent_at)
        if _log.isEnabledFor(logging.INFO):
            self._log_rate()
        if reply.stops_run == "always":
            self.stop(reply)
        elif reply.stops_run == "unproven" and fresh and not self.proven:
            if self._account.private_key is None:  # the library cannot be searched
                self.stop(reply)
            self._suspects.add(row)
        return reply

    def stop(self, reply: UploadReply) -> None:
        """Stop the run, since nothing more can be stored."""
        code, why = reply.result.error, reply.result.message
        log_event(_log, "refused", "The run stops: %s", why, code=code, request_id=reply.result.request_id)
        self.refusal = self.refusal or reply
        self.control.drain()

    def log_wait(self, seconds: float, event: Event | None) -> None:
        """Log a row's long wait, once for all rows that wait at the same time; `event` is what it waits after."""
        if self.control.draining:
            return
        reason = "before the next attempt"
        if isinstance(event, LookupResult):
            reason = "before the media library is searched again, since a new file may appear in it late"
        elif isinstance(event, UploadReply) and event.wait is not None:
            reason = f"as ImageKit asks: {event.result.message}"
        self._log_long_wait(seconds, "Waiting", reason)

    def _log_long_wait(self, seconds: float, start: str, reason: str) -> None:
        now = time.monotonic()
        if seconds > _LONG and now >= self._logged_until:
            self._logged_until = now + seconds
            log_event(_log, "waiting", "%s %s %s", start, duration(seconds), reason, wait_s=round(seconds, 3))

    def _log_rate(self) -> None:
        """Log that requests are sent faster or slower than when this was logged last."""
        rate, before = self.limiter.rate, self._logged_rate
        if rate != before:
            self._logged_rate = rate
            limit = "no limit any more" if rate == math.inf else f"{rate:,.3g} per second"
            words = "Requests are sent %s: %s."
            how = "slower" if rate < before else "faster"
            log_event(_log, "rate_changed", words, how, limit, rate=None if rate == math.inf else round(rate, 3))

    def _wake(self) -> None:
        """Let waiting rows check again whether they may send; stop the run where ImageKit does not answer."""
        if self.contact_lost and self.refusal is None:
            self.control.drain()
        self.control.notify()

    def _slowed_down(self, row: int, reply: UploadReply, sent_at: float) -> UploadReply:
        """Hold the run for the time that a 429 names; a time that is too long stops it."""
        wait, now = WINDOWS[0] if reply.wait is None else reply.wait, time.monotonic()
        words, request_id = "ImageKit asks to wait %.3g s before the next request: %s", reply.result.request_id
        log_event(
            _log, "rate_limited", words, wait, reply.result.message, position=row, wait_s=wait, request_id=request_id
        )
        if wait > self._policy.longest_pause:
            reply = overlong(reply)
            self.stop(reply)
            return reply
        self.limiter.rejected(now, wait, sent_at)
        if reply.limit is not None:
            self.limiter.cap(now, *reply.limit)
        self.on_wait(wait, "ImageKit asks to wait")
        self._log_long_wait(wait, "The run waits", f"as ImageKit asks: {reply.result.message}")
        return reply

    def _corrected_clock(self, reply: UploadReply, token: UploadToken) -> UploadReply:
        """Learn the service's time; a token that was rejected for its times is signed again by that time."""
        if not reply.own or reply.date is None:
            return reply
        self._times.note_service_time(reply.date)
        if reply.result.error not in OF_THE_TOKEN or token.iat <= reply.date + _SKEW < token.exp + _SKEW:
            return reply
        ahead = self._times.ahead(reply.date)
        if self._times.correct(ahead):
            _log.warning(
                "This machine's clock differs from ImageKit's by %.0f seconds; tokens are corrected by that.", ahead
            )
        return reply._replace(retryable=True)
