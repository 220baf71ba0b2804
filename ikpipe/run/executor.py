"""One row's steps, carried out: its intent is journalled, its form sent, its file looked for."""

from __future__ import annotations

import json
import logging
import math
import os
import random
import time
from typing import TYPE_CHECKING

from ikpipe.concurrency.gate import ConcurrencyGate
from ikpipe.concurrency.limits import MOST, AdaptiveLimit, FixedLimit
from ikpipe.concurrency.rate import WINDOWS, RateLimiter, RetryBudget
from ikpipe.errors import AccountError, Error, JournalError, describe_exception
from ikpipe.journal.entries import Entry, Intent, IntentVoided, RowPrepared
from ikpipe.request.recovery import (
    Event,
    Lookup,
    LookupResult,
    RecoveryMachine,
    RecoveryOptions,
    SendStep,
    WaitStep,
    duration,
    overlong,
)
from ikpipe.request.reply import OF_THE_TOKEN, UploadReply
from ikpipe.request.result import SETTLED, Result
from ikpipe.request.token import LocalSigner, SignerError, TokenTimes, UploadToken
from ikpipe.run.contact import ServiceContact
from ikpipe.run.lookups import LookupBatcher, OtherFileError
from ikpipe.service.spool import FetchError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from ikpipe.concurrency.control import RunControl
    from ikpipe.concurrency.group_commit import GroupCommit
    from ikpipe.journal.history import ExpectedFile
    from ikpipe.request.account import Account
    from ikpipe.request.planner import UploadRequest
    from ikpipe.run.options import SendOptions
    from ikpipe.run.task import UploadTask

_log = logging.getLogger("ikpipe")

HELD = 6  # files sent at once by whoever holds them: a browser opens no more connections to one host
_SPARE_FILES, _FILES_OF_AN_UPLOAD = 32, 3  # open files: for all else; a connection here, one there, and the file
_FULL, _FULL_AGAIN = 30, 0.2  # seconds that a row waits for room in the temporary folder, and between two looks
_LONG = 5.0  # seconds: a longer wait is logged
_SKEW = 5  # seconds between the service's `Date` and the times of a token that it takes


class UploadExecutor:
    """What the rows of a run share on their way: connections, gates, rates, the clock, the journal.

    Parameters
    ----------
    account, options, control
        Whose library it is, how to send, the run's reins.
    journal
        Takes entries, and waits until they are durable; None keeps none.
    folder
        Returns the folder that files are downloaded to, with ``fetch="client"``; it is made when it is asked for.
    on_bytes
        Told of the bytes that leave.
    """

    def __init__(
        self,
        account: Account,
        options: SendOptions,
        control: RunControl,
        journal: GroupCommit[Entry] | None,
        folder: Callable[[], Path],
        on_bytes: Callable[[int], None],
    ) -> None:
        self._account, self._options, self._control, self._journal = account, options, control, journal
        self._wire, self._folder, self._on_bytes = options.wire, folder, on_bytes
        self._times = TokenTimes()
        self.signer = None if account.private_key is None else LocalSigner(account, self._times)
        if self.signer is None and account.authentication_endpoint is None:
            account.key()  # which says what is missing
        number = options.concurrency
        most = most_in_flight()
        self._bytes_gate = ConcurrencyGate(AdaptiveLimit(most) if number is None else FixedLimit(number))
        # The service fetches URLs itself: how many it takes at once says nothing of how many bytes this line takes.
        self._gates = {} if number is not None else {"url": ConcurrencyGate(AdaptiveLimit(most))}
        if number is None and options.wire.held is not None:
            self._gates["held"] = ConcurrencyGate(FixedLimit(HELD))
        # Parts of a shared run follow each other: each waits as if the one before had sent something just now.
        since = -math.inf if options.shared_since is None else time.monotonic()
        self._pace, self._budget = RateLimiter(options.rate, since), RetryBudget()
        self._looks = LookupBatcher(options.wire, account, options.policy, control.sleep, since, self._times.served)
        options.wire.heard = self._times.heard
        self.contact = ServiceContact()
        self._said_until = -math.inf
        self.refusal: UploadReply | None = None
        self.trouble: JournalError | None = None

    @property
    def unreachable(self) -> str | None:
        """Why the run stopped, if nothing was heard of the service."""
        last = self.contact.last
        if last is None or not self.contact.lost or self.refusal is not None:
            return None
        if last.result.error == "signer_failed":
            return f"No row could be signed: {last.result.message}."
        words = f"ImageKit gave no answer at {self._account.upload_url}: {last.result.message}."
        return f"{words} Check the address, the network and any proxy."

    @property
    def gates(self) -> list[ConcurrencyGate]:
        """The gates that rows pass."""
        return [self._bytes_gate, *self._gates.values()]

    async def run(self, trip: UploadTask) -> Result:
        """Do what the row's machine says, until it ends."""
        began = time.monotonic()
        try:
            reply = await self._steps(trip)
            self._ended(trip, reply)
        finally:
            if trip.source is not None and trip.source.path is not None:
                trip.source.path.unlink(missing_ok=True)
        reply.result.seconds = time.monotonic() - began
        return reply.result if trip.since is None else trip.placed(reply.result)

    async def _steps(self, trip: UploadTask) -> UploadReply:
        past = None if trip.known is None else trip.known.past(held=trip.token is not None)
        steps = RecoveryMachine(self._fence(trip), random.uniform, time.monotonic).steps(past)
        answer: Event | None = None
        while True:
            try:
                step = steps.send(answer)  # type: ignore[arg-type]  # a generator's first send takes None
            except StopIteration as end:
                last: UploadReply = end.value
                return last
            if isinstance(step, SendStep):
                answer = await self._send(trip, step)
            elif isinstance(step, Lookup):
                answer = await self._look(trip)
            else:
                self._say_wait(step, answer)
                answer = await self._control.sleep(step.seconds)

    def _say_wait(self, step: WaitStep, answer: Event | None) -> None:
        """Log a long wait, once for all rows that wait at the same time."""
        now = time.monotonic()
        if step.seconds <= _LONG or now < self._said_until or self._control.draining:
            return
        self._said_until = now + step.seconds
        why = "before the next attempt"
        if isinstance(answer, LookupResult):
            why = "before the media library is searched again, since a new file may appear in it late"
        elif isinstance(answer, UploadReply) and answer.wait is not None:
            why = f"as asked for: {answer.result.message}"
        _log.warning("waiting %s %s", duration(step.seconds), why)

    def _ended(self, trip: UploadTask, reply: UploadReply) -> None:
        """Have all rows learn from how one ended."""
        if reply.stops_run == "unproven" and not self.contact.proven and not self._control.draining:
            self._refused(reply)
        self.contact.ended(trip.position, reply)
        self._look_around()

    def _refused(self, reply: UploadReply) -> None:
        self.refusal = self.refusal or reply
        self._control.drain()

    def _look_around(self) -> None:
        """Let rows that wait for what others find out look again; stop the run where nobody answers."""
        if self.contact.lost and self.refusal is None:
            self._control.drain()
        self._control.news()

    def _fence(self, trip: UploadTask) -> RecoveryOptions:
        job = trip.job
        # A name that the service made, or one that an earlier run made and nobody noted, is not known.
        place = job is not None and trip.fixed and not (job.own_name and trip.known is not None)
        return RecoveryOptions(
            retries=self._options.retries,
            index_lag=self._options.policy.index_lag,
            first_wait=self._options.policy.first_wait,
            sighted=self._account.private_key is not None and (trip.sought is not None or place),
            own_name=job is not None and job.own_name,
            resend=self._options.on_unknown == "resend",
            shared=self._options.shared_since is not None,
            longest_wait=self._options.policy.longest_wait,
            longest_pause=self._options.policy.longest_pause,
        )

    # Sending

    async def _send(self, trip: UploadTask, step: SendStep) -> UploadReply:
        """Pass the gate, then make an attempt."""
        if trip.job is None:
            return UploadReply(trip.instead or trip.result)
        if self._dropped(trip):
            return _let_go(step)
        again = trip.sent + trip.downloads > 0
        if again and not await self._rest(self._budget.take(time.monotonic())):
            return _cancelled()
        gate = self._gates.get(trip.job.source.kind, self._bytes_gate)
        if not await self._admitted(trip, gate):
            return _cancelled()
        self.contact.departs(trip.position)
        began: float | None = None
        reply = _cancelled()
        try:
            if (ready := await self._ready(trip, trip.job, step)) is not None:
                reply = ready
            elif self._dropped(trip):
                reply = _let_go(step)
            elif await self._turn() and await self._intend(trip, trip.job, step):
                began = time.monotonic()
                gate.sent()
                reply = await self._attempt(trip, trip.job, step)
        finally:
            gate.release(began, time.monotonic(), overload=reply.overload)
            trip.tries += 1
            self.contact.returns(trip.position, reply)
            self._look_around()
        return reply

    async def _admitted(self, trip: UploadTask, gate: ConcurrencyGate) -> bool:
        """Wait until the row may send and the gate has room; return whether to go on."""

        def may_send() -> bool:
            return self.contact.may_send(trip.position, first=trip.tries == 0)

        while await self._control.until(may_send) and await gate.acquire(again=trip.sent + trip.downloads > 0):
            if may_send():
                return True
            gate.release()
        return False

    def _dropped(self, trip: UploadTask) -> bool:
        return trip.position in self._control.dropped

    async def _turn(self) -> bool:
        """Wait until the run's pace lets another request begin, and tell whether to go on."""
        asked = time.monotonic()
        away = self._pace.reserve(asked)
        while away > 0 and await self._control.sleep(away):
            now = time.monotonic()
            asked, away = now, self._pace.held(now, asked)
        return not self._control.draining

    async def _rest(self, seconds: float) -> bool:
        """Wait, if there is anything to wait for, and tell whether to go on."""
        return not self._control.draining if seconds <= 0 else await self._control.sleep(seconds)

    async def _ready(self, trip: UploadTask, job: UploadRequest, step: SendStep) -> UploadReply | None:
        """Download the file where this machine is to do it, and have the request signed; a reply says why not."""
        if trip.source is None and job.source.kind == "fetch" and (reply := await self._fetched(trip, job)) is not None:
            return reply
        try:
            if step.fresh or trip.token is None:
                trip.token = await self._token(job.fields)
        except SignerError as error:
            code = "signer_refused" if error.refused else "signer_failed"
            if error.unauthorized:
                reply = UploadReply(Result("failed", "signer_unauthorized", str(error)), stops_run="always")
                self._refused(reply)
                return reply
            return UploadReply(Result("failed", code, str(error)), retryable=error.retryable, wait=error.wait)
        return None if trip.token is not None else _cancelled()

    async def _fetched(self, trip: UploadTask, job: UploadRequest) -> UploadReply | None:
        """Download a row's file; a reply says why there is none. A full folder is waited for while others use it."""
        until = time.monotonic() + _FULL
        while True:
            fetch = self._wire.fetch(job.source, self._folder, self._account.max_file_size)
            try:
                trip.source = await self._control.unless_draining(fetch)
            except FetchError as error:
                trip.downloads += 1
                words = Result("failed", "fetch_failed", str(error))
                waits = error.full and self._spooled() and time.monotonic() < until
                if not (waits and await self._control.sleep(_FULL_AGAIN)):
                    return UploadReply(words, retryable=error.again, wait=error.wait)
            except Exception as error:  # noqa: BLE001 - whatever a download raises concerns its own row
                return UploadReply(
                    Result(
                        "failed", "fetch_failed", f"{job.source.text} cannot be downloaded: {describe_exception(error)}"
                    )
                )
            else:
                return None if trip.source is not None else _cancelled()

    def _spooled(self) -> bool:
        """Whether other rows have files in the temporary folder, which they will give back."""
        try:
            return any(self._folder().iterdir())
        except OSError:
            return False

    async def _token(self, fields: Mapping[str, str]) -> UploadToken | None:
        """Return a token; None if the run drains before it is there."""
        if self.signer is not None:
            return self.signer.sign(fields)
        return await self._control.unless_draining(self._wire.sign(fields, self._account, self._times))

    async def _intend(self, trip: UploadTask, job: UploadRequest, step: SendStep) -> bool:
        """Write down what is about to leave, and tell whether it may."""
        now = self._times.here()
        if self._journal is not None and not await self._written(self._journal, trip, job, step, now):
            return False
        trip.departs(now, self._options.policy.clock_skew, fresh=step.fresh, guess=step.guess)
        return True

    async def _written(
        self, journal: GroupCommit[Entry], trip: UploadTask, job: UploadRequest, step: SendStep, now: float
    ) -> bool:
        token = trip.token
        assert token is not None  # noqa: S101 - for mypy
        if not trip.begun:
            journal.add(RowPrepared(job.position, json.dumps(job.fields), trip.size, job.own_name))
        secret = None if self.signer is not None else token.text
        try:
            await journal.put(Intent(job.position, token.iat, token.exp, now, secret, step.guess))
        except JournalError as error:
            self.trouble = self.trouble or error
            self._control.drain()
            return False
        if self._control.draining and not trip.doubted:
            journal.add(IntentVoided(job.position))
            return False
        return True

    async def _attempt(self, trip: UploadTask, job: UploadRequest, step: SendStep) -> UploadReply:
        """Send it, and note what is certain of it."""
        token = trip.token
        assert token is not None  # noqa: S101 - for mypy
        # What stays if the run is stopped before an answer is here.
        trip.result = trip.placed(Result("unknown", "connection_lost", "the run was stopped while it was being sent"))
        source, began = trip.source or job.source, time.monotonic()
        if self._options.on_attempt is not None:
            self._options.on_attempt(trip.position)
        reply = await self._wire.upload(self._account.upload_url, job.fields, source, token, self._on_bytes)
        trip.sent += 1
        reply = reply._replace(result=trip.verified(trip.placed(reply.result)))
        if reply.result.status == "unknown" and reply.result.error == "bad_reply":
            reply = reply._replace(own=False)
        reply = self._heed(trip, self._timed(reply, token), step, began)
        taken = job.own_name and reply.result.error == "name_taken"
        trip.doubted = trip.doubted or reply.ambiguous or taken
        # A refusal says nothing of the request before it, whose answer was lost.
        if not (trip.doubted and reply.result.status == "failed"):
            trip.result = reply.result
            if reply.result.status == "failed" and self._journal is not None:
                self._journal.add(IntentVoided(job.position))
        return reply

    def _heed(self, trip: UploadTask, reply: UploadReply, step: SendStep, began: float) -> UploadReply:
        """Let the whole run learn from a reply: that the keys work or do not, the rate."""
        now = time.monotonic()
        if reply.result.status in SETTLED:
            self._budget.give()
        if reply.own and not reply.rate_limited:
            self._pace.accepted(began)
        if reply.rate_limited:
            reply = self._slow_down(reply, now, began)
        if reply.stops_run == "always":
            self._refused(reply)
        elif reply.stops_run == "unproven" and step.fresh and not self.contact.proven:
            if self._account.private_key is None:  # nobody can look
                self._refused(reply)
            self.contact.suspects.add(trip.position)
        return reply

    def _slow_down(self, reply: UploadReply, now: float, began: float) -> UploadReply:
        """Hold the run for the time that a 429 names, which may be too long."""
        wait = WINDOWS[0] if reply.wait is None else reply.wait
        if wait > self._options.policy.longest_pause:
            reply = overlong(reply)
            self._refused(reply)
            return reply
        self._pace.rejected(now, wait, began)
        if reply.limit is not None:
            self._pace.cap(now, *reply.limit)
        if wait > _LONG and now >= self._said_until:
            self._said_until = now + wait
            _log.warning("the run waits %s, as asked for: %s", duration(wait), reply.result.message)
        return reply

    def _timed(self, reply: UploadReply, token: UploadToken) -> UploadReply:
        """Learn from the service's time; a token that was refused for its times is signed again by that."""
        if not reply.own or reply.date is None:
            return reply
        self._times.heard(reply.date)
        if reply.result.error not in OF_THE_TOKEN or token.iat <= reply.date + _SKEW < token.exp + _SKEW:
            return reply
        ahead = self._times.ahead(reply.date)
        if self._times.correct(ahead):
            _log.warning("this machine's clock is %.0f s off the service's; tokens are corrected by that", ahead)
        return reply._replace(retryable=True)

    # Looking

    async def _look(self, trip: UploadTask) -> LookupResult:
        """Look for the file in the library; a namesake that was there before is not ours."""
        sought = trip.to_look_for()
        if sought is None:
            return LookupResult()  # it is sent, and at worst replaced by itself
        try:
            return LookupResult(await self._found(sought))
        except AccountError:
            return LookupResult(certain=False, wrong_key=not self.contact.proven)
        except OtherFileError:
            return LookupResult(other=True)
        except Error:
            return LookupResult(certain=False)

    async def _found(self, sought: ExpectedFile) -> Result | None:
        try:
            return await self._looks.find(sought)
        except OtherFileError:
            raise
        except Error as error:
            if not self._control.draining:
                _log.warning("a row in doubt could not be looked for: %s", error)
            raise


def most_in_flight() -> int:
    """Return how many uploads the limit of open files allows: each may have connections and a file."""
    try:
        import resource

        allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        taken = len(os.listdir("/dev/fd"))  # noqa: PTH208 - the names are enough
    except (ImportError, OSError):
        return MOST
    if allowed == resource.RLIM_INFINITY:
        return MOST
    return max(1, min(MOST, (allowed - taken - _SPARE_FILES) // _FILES_OF_AN_UPLOAD))


def _let_go(step: SendStep) -> UploadReply:
    """Say that a dropped row is not sent; one in doubt is looked for, as if its token had been refused as used."""
    spent = UploadReply(Result("failed", "token_invalid", "nothing more is sent of a row that was cancelled"))
    return _cancelled() if step.fresh else spent


def _cancelled() -> UploadReply:
    return UploadReply(Result("cancelled", "cancelled", "the run stopped first"))
