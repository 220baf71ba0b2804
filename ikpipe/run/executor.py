"""Carry out the steps of a row's state machine: sign its request, record it, send it, and look its file up."""

from __future__ import annotations

import json
import logging
import random
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ikpipe.concurrency.gate import ConcurrencyGate
from ikpipe.concurrency.rate import RateLimiter, RetryBudget
from ikpipe.errors import AccountError, Error, JournalError, describe_exception
from ikpipe.journal.entries import Entry, Intent, IntentVoided, RowBefore, RowPrepared
from ikpipe.request.account import Account
from ikpipe.request.recovery import (
    Event,
    Lookup,
    LookupResult,
    RecoveryMachine,
    RecoveryOptions,
    SendStep,
)
from ikpipe.request.reply import UploadReply
from ikpipe.request.result import Result
from ikpipe.request.token import LocalSigner, SignerError, TokenTimes, UploadToken, times_of
from ikpipe.run.admission import Admission, Permit, not_sent
from ikpipe.run.existing.known_files import number_of, version_warning
from ikpipe.run.health import RunHealth
from ikpipe.run.lookups import LookupBatcher, OtherFileError
from ikpipe.run.options import SendOptions
from ikpipe.run.remote_signing import RemoteSigning
from ikpipe.run.task_log import TaskLog
from ikpipe.run.telemetry import RunTelemetry
from ikpipe.service.spool import FetchError

if TYPE_CHECKING:
    from ikpipe.concurrency.group_commit import GroupCommit
    from ikpipe.concurrency.interrupts import RunControl
    from ikpipe.request.planner import UploadRequest
    from ikpipe.run.task import UploadTask

_log = logging.getLogger("ikpipe.run")

_FULL, _FULL_AGAIN = 30, 0.2  # seconds that a row waits for room in the temporary folder, and between two checks


class UploadExecutor:
    """Carry out the steps of a run's rows, which share its connections, limits, clock and journal.

    `journal` writes entries durably; None keeps no journal. `folder` returns the folder that files are downloaded to,
    with ``fetch="client"``; it is made when it is asked for. `on_bytes` is called with the number of bytes that were
    sent. `telemetry` measures requests; None measures nothing.
    """

    def __init__(
        self,
        account: Account,
        options: SendOptions,
        control: RunControl,
        journal: GroupCommit[Entry] | None,
        folder: Callable[[], Path],
        on_bytes: Callable[[int], None],
        telemetry: RunTelemetry | None = None,
    ) -> None:
        self._account, self._options, self._control, self._journal = account, options, control, journal
        self._client, self._folder, self._on_bytes = options.client, folder, on_bytes
        self._telemetry = telemetry
        self._times = TokenTimes() if options.shared_since is None else times_of(account.upload_url)
        self.signer = None if account.private_key is None else LocalSigner(account, self._times)
        if self.signer is None and account.authentication_endpoint is None:
            account.key()  # which says what is missing
        self._remote = RemoteSigning(self._ask_endpoint, control, options.policy.longest_pause)
        budget = RetryBudget(options.policy.retry_budget)
        self.health = RunHealth(account, options.policy, control, options.pace(options.rate), budget, self._times)
        self._admission = Admission(options, self.health)
        self._lookups = LookupBatcher(
            options.client,
            account,
            options.policy,
            control.sleep,
            options.pace(options.policy.look_ups),
            self._times.service_time,
        )
        options.client.on_service_time = self._times.note_service_time
        self.trouble: JournalError | None = None
        self._waiting = 0  # rows that wait before their next attempt

    @property
    def look_up_pace(self) -> RateLimiter:
        """The pace of requests that read the library."""
        return self._lookups.pace

    def service_time(self, when: float) -> float:
        """Return the service's time at a time of this machine, in seconds since 1970."""
        return self._times.service_time(when)

    @property
    def gates(self) -> list[ConcurrencyGate]:
        """The concurrency gates that rows pass."""
        return self._admission.gates

    @property
    def activity(self) -> str:
        """What the rows do while nothing is in flight; empty if there are none."""
        if self._lookups.searching:
            return "searching the library"
        if any(gate.inside for gate in self.gates):
            return "preparing uploads"
        return "waiting to retry" if self._waiting else ""

    async def run(self, task: UploadTask) -> Result:
        """Upload one row: carry out the steps of its state machine until it ends."""
        began = time.monotonic()
        try:
            reply = await self._steps(task)
            self.health.row_ended(task.position, reply)
        finally:
            if task.source is not None and task.source.path is not None:
                Path(task.source.path).unlink(missing_ok=True)  # noqa: ASYNC240 - as fast as any statement here
        task.cut_short = reply.retryable and self._control.draining
        reply.result.seconds = time.monotonic() - began
        if (words := version_warning(number_of(reply.result.version_name))) is not None:
            reply.result.warn(words)
        return reply.result if task.first_sent is None else task.with_target(reply.result)

    async def _steps(self, task: UploadTask) -> UploadReply:
        past = None if task.history is None else task.history.prior_attempts(has_token=task.token is not None)
        steps = RecoveryMachine(self._recovery_options(task), random.uniform, time.monotonic).steps(past)
        event: Event | None = None
        log = TaskLog(task)
        while True:
            try:
                step = steps.send(event)  # type: ignore[arg-type]  # a generator's first send takes None
            except StopIteration as end:
                last: UploadReply = end.value
                return last
            if isinstance(step, SendStep):
                log.sending()
                event = log.replied(await self._send(task, step))
            elif isinstance(step, Lookup):
                event = log.found(await self._look_up(task))
            else:
                log.waits(step.seconds)
                self.health.log_wait(step.seconds, event)
                self._waiting += 1
                event = await self._control.sleep(step.seconds)
                self._waiting -= 1

    def _recovery_options(self, task: UploadTask) -> RecoveryOptions:
        policy = self._options.policy
        return RecoveryOptions(
            retries=self._options.retries,
            index_lag=policy.index_lag,
            first_wait=policy.first_wait,
            searchable=self._account.private_key is not None and task.locatable,
            own_name=task.request is not None and task.request.own_name,
            resend=self._options.on_unknown == "resend",
            shared=self._options.shared_since is not None,
            longest_wait=policy.longest_wait,
            longest_pause=policy.longest_pause,
        )

    async def _send(self, task: UploadTask, step: SendStep) -> UploadReply:
        """Make an attempt, once the run's limits allow it."""
        if task.request is None:
            return UploadReply(task.invalid or task.result)
        if self._dropped(task):
            return _dropped_reply(step)
        async with self._admission.permit(task, task.request.source.kind) as permit:
            if not permit.granted:
                return not_sent()
            permit.reply = await self._attempt(task, task.request, step, permit)
            return permit.reply

    async def _attempt(self, task: UploadTask, request: UploadRequest, step: SendStep, permit: Permit) -> UploadReply:
        """Prepare the request, record it, and send it when it is its turn."""
        if (reply := await self._prepare(task, request, step)) is not None:
            return reply
        if self._dropped(task):
            return _dropped_reply(step)
        if await permit.turn() and await self._record(task, request, step):
            return await self._exchange(task, request, step, permit.sent())
        return not_sent()

    def _dropped(self, task: UploadTask) -> bool:
        return task.position in self._control.cancelled_positions

    async def _prepare(self, task: UploadTask, request: UploadRequest, step: SendStep) -> UploadReply | None:
        """Download the file where this machine is to do it, and have the request signed; a reply says why not."""
        if task.source is None and request.source.kind == "fetch":
            reply = await self._download(task, request)
            if reply is not None:
                return reply
        try:
            if step.fresh or task.token is None:
                task.signed(await self._sign(request.fields))
        except SignerError as error:
            code = "signer_refused" if error.refused else "signer_failed"
            if error.unauthorized:
                reply = UploadReply(Result("failed", "signer_unauthorized", str(error)), stops_run="always")
                self.health.stop(reply)
                return reply
            return UploadReply(Result("failed", code, str(error)), retryable=error.retryable, wait=error.wait)
        return None if task.token is not None else not_sent()

    async def _download(self, task: UploadTask, request: UploadRequest) -> UploadReply | None:
        """Download a row's file; a reply says why not. While other rows use up the folder's room, wait for it."""
        until = time.monotonic() + _FULL
        while True:
            fetch = self._client.fetch(request.source, self._folder, self._account.max_file_size)
            try:
                task.downloaded(await self._control.unless_draining(fetch))
            except FetchError as error:
                task.download_failed()
                waits = error.full and self._others_use_folder() and time.monotonic() < until
                if not (waits and await self._control.sleep(_FULL_AGAIN)):
                    failed = Result("failed", "fetch_failed", error.text)
                    return UploadReply(failed, retryable=error.retryable, wait=error.wait)
            except Exception as error:  # noqa: BLE001 - whatever a download raises concerns its own row
                words = f"{request.source.text} cannot be downloaded: {describe_exception(error)}."
                return UploadReply(Result("failed", "fetch_failed", words))
            else:
                return None if task.source is not None else not_sent()

    def _others_use_folder(self) -> bool:
        """Whether other rows have files in the temporary folder, which they will remove."""
        try:
            return any(self._folder().iterdir())
        except OSError:
            return False

    async def _sign(self, fields: Mapping[str, str]) -> UploadToken | None:
        """Return a token; None if the run drains before it is there."""
        if self.signer is not None:
            return self.signer.sign(fields)
        return await self._remote.sign(fields)

    async def _ask_endpoint(self, fields: Mapping[str, str]) -> UploadToken | None:
        return await self._control.unless_draining(self._client.sign(fields, self._account, self._times))

    async def _record(self, task: UploadTask, request: UploadRequest, step: SendStep) -> bool:
        """Record the request durably before it is sent; return whether to send it."""
        now, token = self._times.here(), _token(task)
        if self._journal is not None:
            if not task.recorded:
                fields = json.dumps(request.fields)
                self._journal.add(RowPrepared(request.position, fields, task.size, request.own_name))
            # A token that another machine signed cannot be made again here.
            secret = None if self.signer is not None else token.text
            if not await self._put(Intent(request.position, token.iat, token.exp, now, secret, step.guess)):
                return False
            if self._control.draining and not task.unconfirmed:
                self._journal.add(IntentVoided(request.position))
                return False
        task.intended(now, self._options.policy.clock_skew, fresh=step.fresh, guess=step.guess)
        return True

    async def record_before(self, entry: RowBefore, *, durable: bool) -> bool:
        """Record the file that a row is about to change; return whether to continue.

        `durable` waits until it is on the disk. Otherwise it is there before anything that is recorded later.
        """
        if self._journal is not None and not durable:
            self._journal.add(entry)
        return self._journal is None or not durable or (await self._put(entry) and not self._control.draining)

    async def _put(self, entry: Entry) -> bool:
        """Record an entry durably; return whether to continue."""
        assert self._journal is not None  # noqa: S101 - for mypy
        try:
            await self._journal.put(entry)
        except JournalError as error:
            self.trouble = self.trouble or error
            self._control.drain()
            return False
        return True

    async def _exchange(self, task: UploadTask, request: UploadRequest, step: SendStep, sent_at: float) -> UploadReply:
        """Send the request, and record what its reply makes certain."""
        token = _token(task)
        if self._options.on_attempt is not None:
            self._options.on_attempt(task.position)
        source = task.source or request.source
        sending = self._client.upload(self._account.upload_url, request.fields, source, token, self._on_bytes)
        reply = await (sending if self._telemetry is None else self._telemetry.timed(sending))
        reply = self.health.learn(task.position, task.answered(reply), sent_at, token, fresh=step.fresh)
        if task.concluded(reply) and self._journal is not None:
            self._journal.add(IntentVoided(request.position))
        return reply

    async def _look_up(self, task: UploadTask) -> LookupResult:
        """Search the library for the row's file; a file of that name that was there before is not the row's."""
        expected = task.expected_file()
        if expected is None:
            return LookupResult()  # it is sent, and at worst replaced by itself
        try:
            return LookupResult(await self._lookups.find(expected))
        except OtherFileError:
            return LookupResult(other_file=True)
        except Error as error:
            if not self._control.draining:
                _log.warning("The media library could not be searched for an unknown row: %s", error.text)
            return LookupResult(certain=False, wrong_key=isinstance(error, AccountError) and not self.health.proven)


def _token(task: UploadTask) -> UploadToken:
    assert task.token is not None  # noqa: S101 - for mypy
    return task.token


def _dropped_reply(step: SendStep) -> UploadReply:
    """Return the reply of a row that was dropped: not sent, or, if a request is unconfirmed, to be looked up.

    The latter is as if its token had been refused as used.
    """
    words = "Nothing more is sent of a row that was cancelled."
    return not_sent() if step.fresh else UploadReply(Result("failed", "token_invalid", words))
