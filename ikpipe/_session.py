"""One run of rows: each is planned, signed, sent until it has its end, and counted."""

from __future__ import annotations

import logging
import random
import time
import uuid
from collections import Counter
from dataclasses import KW_ONLY, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ikpipe._errors import CODES, AccountError, Error, MappingError, UploadError
from ikpipe._job import Job, Planner
from ikpipe._library import find
from ikpipe._progress import Display, Progress
from ikpipe._reply import Reply
from ikpipe._result import SETTLED, Result
from ikpipe._row import Event, Fence, Look, Row, Send, Sight
from ikpipe._run import CONTROL, Control, Pace
from ikpipe._token import LocalSigner, Times, Token

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import pandas as pd

    from ikpipe._account import Account
    from ikpipe._frame import Plan
    from ikpipe._policy import Policy
    from ikpipe._send import Wire

_log = logging.getLogger("ikpipe")

CONCURRENCY = 16  # uploads in flight, where nobody says


@dataclass(frozen=True, slots=True)
class Options:
    """What a caller may say about the sending itself."""

    wire: Wire
    policy: Policy
    _: KW_ONLY
    concurrency: int | None
    rate: float | None
    retries: int
    on_result: Callable[[Any, Result], None] | None
    on_unknown: str
    on_error: str
    progress: bool | Callable[[Progress], None]
    run: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __post_init__(self) -> None:
        if self.concurrency is not None and self.concurrency < 1:
            raise MappingError(f"concurrency={self.concurrency!r}: uploads in flight are counted from 1.")
        if self.rate is not None and self.rate <= 0:
            raise MappingError(f"rate={self.rate!r}: uploads begun per second are more than 0; None sets no limit.")
        if self.retries < 0:
            raise MappingError(f"retries={self.retries!r}: attempts after the first are counted from 0.")
        if self.on_unknown not in ("hold", "resend"):
            raise MappingError(f"on_unknown={self.on_unknown!r}: a row in doubt is put on 'hold', or 'resend'.")
        if self.on_error not in ("return", "raise"):
            raise MappingError(f"on_error={self.on_error!r}: a row that is not up lets the run 'return', or 'raise'.")


class Session:
    """One run: its rows go in, and `results` holds one `Result` for each, in order.

    Parameters
    ----------
    plan
        The frame and its mapping.
    planner
        Turns rows into jobs.
    account
        Whose library it is.
    options
        How to send, and the open connections.
    show
        Draws progress.
    before
        Position → result of an earlier run: rows that are up are left as they are, for those in doubt the library is
        looked into before anything is sent.
    """

    def __init__(
        self,
        plan: Plan,
        planner: Planner,
        account: Account,
        options: Options,
        show: Display,
        before: Mapping[int, Result] | None = None,
    ) -> None:
        self.results: list[Result] = [Result("cancelled", "cancelled", "the run stopped first")] * len(plan)
        self.control: Control = CONTROL.get() or Control()
        self.refusal: Reply | None = None
        self.failed = False
        self.trouble: Exception | None = None
        self._proven = False
        self.progress = Progress(len(plan))
        self._began = time.monotonic()
        self._plan, self._planner, self._account, self._wire = plan, planner, account, options.wire
        self._options, self._show, self._before = options, show, before or {}
        for position, result in self._before.items():  # at once: a run that stops early must not lose them
            self.results[position] = result
        self._looks = Pace(options.policy.look_ups)
        self._times = Times()
        self._signer = None if account.private_key is None else LocalSigner(account, self._times)
        if self._signer is None and account.authentication_endpoint is None:
            account.key()  # which says what is missing

    async def go(self) -> None:
        """Take every row to its end; an exception from a callback stops the run, and is kept in `trouble`."""
        concurrency = CONCURRENCY if self._options.concurrency is None else self._options.concurrency
        with TemporaryDirectory(prefix="ikpipe-") as folder:

            async def do(job: Job) -> None:
                await self._send(job, Path(folder))

            try:
                await self.control.work(self._jobs(), do, concurrency, self._options.rate)
            except Exception as error:  # noqa: BLE001 - what is up already must come back with whatever went wrong
                self.trouble = error

    def _jobs(self) -> Iterator[Job]:
        """Plan row after row as workers become free; rows that break a rule end here."""
        for position, result in self._before.items():
            if result.status in SETTLED and result.file_path is not None:
                self._planner.claim(result.file_path, self._plan.label(position))
        for row in self._plan.rows():
            if self.control.draining:
                return
            before = self._before.get(row.position)
            if before is not None and before.status in SETTLED:
                self._end(row.label, row.position, before)
                continue
            job = self._planner.job(row, None if before is None else before.name)
            if isinstance(job, Job):
                yield job
            else:
                words = "; ".join(f"{problem.message}: {problem.fix}" for problem in job)
                invalid = Result("invalid", job[0].code, words)
                self._end(row.label, row.position, invalid if before is None else replace(before, message=words))

    async def _send(self, job: Job, folder: Path) -> None:
        began = time.monotonic()
        reply = await self._fetched(job, folder)
        reply.result.seconds = time.monotonic() - began
        self._proven = self._proven or reply.result.status in SETTLED
        if reply.stops == "always" or (reply.stops == "unproven" and not self._proven):
            self.refusal = self.refusal or reply
            self.control.drain()
        self._end(job.label, job.position, reply.result)

    async def _fetched(self, job: Job, folder: Path) -> Reply:
        """Download the file first, where this machine is to do it."""
        if job.source.kind != "fetch":
            return await self._travel(job)
        try:
            source = await self._wire.fetch(job.source, folder, self._account.max_file_size)
        except Error as error:
            doubt = self._before.get(job.position)
            return Reply(Result("failed", "fetch_failed", str(error)) if doubt is None else doubt)
        try:
            return await self._travel(job._replace(source=source))
        finally:
            if source.path is not None:
                source.path.unlink()

    async def _travel(self, job: Job) -> Reply:
        """Do what the row's state machine says, until it ends."""
        policy, doubt = self._options.policy, self._before.get(job.position)
        attempt = _Attempt(doubted=doubt is not None)
        sighted = self._account.private_key is not None and _known_place(job, doubt)
        fence = Fence(
            retries=self._options.retries,
            index_lag=policy.index_lag,
            first_wait=policy.first_wait,
            sighted=sighted,
            own_name=job.own_name,
            resend=self._options.on_unknown == "resend",
        )
        steps = Row(fence, random.uniform, time.monotonic).journey(doubt)
        answer: Event | None = None
        while True:
            try:
                step = steps.send(answer)  # type: ignore[arg-type]  # a generator's first send takes None
            except StopIteration as end:
                last: Reply = end.value
                return last if attempt.since is None else last._replace(result=_placed(job, last.result))
            if isinstance(step, Send):
                answer = await self._attempt(job, attempt, fresh=step.fresh)
            elif isinstance(step, Look):
                answer = await self._look(job, attempt.since)
            else:
                answer = await self.control.sleep(step.seconds)

    async def _attempt(self, job: Job, attempt: _Attempt, *, fresh: bool) -> Reply:
        try:
            if fresh or attempt.token is None:
                attempt.token = await self._token(job.fields)
        except Error as error:
            return Reply(Result("failed", "signer_failed", str(error)), again=True)
        if attempt.since is None:
            attempt.since = time.time() - self._options.policy.clock_skew
        # What stays if the run is stopped before an answer is here.
        self.results[job.position] = _placed(
            job, Result("unknown", "connection_lost", "the run was stopped while it was being sent")
        )
        url = self._account.upload_url
        reply = await self._wire.upload(url, job.fields, job.source, attempt.token, self._count)
        self._set_clock(reply)
        reply = reply._replace(result=_verified(job, _placed(job, reply.result)))
        taken = job.own_name and reply.result.error == "name_taken"
        attempt.doubted = attempt.doubted or reply.doubtful or taken
        # A refusal says nothing of the request before it, whose answer was lost.
        if not (attempt.doubted and reply.result.status == "failed"):
            self.results[job.position] = reply.result
        return reply

    async def _look(self, job: Job, since: float | None) -> Sight:
        """Look for the file in the library; a namesake that was there before is not ours."""
        if away := self._looks.wait():
            await self.control.sleep(away)
        if since is None and not _telling(job):
            return Sight()  # it is sent, and at worst replaced by itself
        try:
            known = None if job.own_name else since
            return Sight(await find(self._wire, self._account, job.target, size=_size(job), since=known))
        except Error as error:
            _log.warning("a row in doubt could not be looked for: %s", error)
            return Sight(certain=False)

    def _set_clock(self, reply: Reply) -> None:
        """Believe the service's clock, when it calls a fresh token expired."""
        if reply.result.error != "token_expired" or reply.date is None:
            return
        ahead = self._times.ahead(reply.date)
        if self._times.correct(ahead):
            _log.warning("this machine's clock is %.0f s off the service's; tokens are corrected by that", ahead)

    async def _token(self, fields: Mapping[str, str]) -> Token:
        if self._signer is not None:
            return self._signer.sign(fields)
        return await self._wire.sign(fields, self._account, self._times)

    def _count(self, count: int) -> None:
        self.progress.bytes += count
        self._show(self.progress)

    def _end(self, label: Any, position: int, result: Result) -> None:
        self.results[position] = result
        self.progress.counts[result.status] += 1
        self._show(self.progress)
        if self._options.on_result is not None:
            self._options.on_result(label, result)
        if self._options.on_error == "raise" and result.status in ("invalid", "failed", "unknown"):
            self.failed = True
            self.control.drain()

    def summary(self, mapping: Mapping[str, Any]) -> dict[str, Any]:
        """Sum the run up: what goes into ``attrs["ikpipe"]``."""
        counts = Counter(result.status for result in self.results)
        return {
            "run": self._options.run,
            "journal": None,  # its place: runs are not journalled yet
            "rows": len(self.results),
            "counts": dict(counts),
            "bytes": self.progress.bytes,
            "seconds": round(time.monotonic() - self._began, 3),
            "interrupted": self.control.interrupted,
            "mapping": dict(mapping),
        }

    def error(self, results: pd.DataFrame) -> Error | None:
        """Say why the run did not go through its rows, if it did not; the error carries the frame."""
        if self.refusal is not None:
            result = self.refusal.result
            mend = CODES[result.error or ""].mend
            return AccountError(f"The run stopped, nothing more was sent: {result.message} {mend}", results)
        if self.trouble is not None:
            error = UploadError(f"The run stopped at {self.trouble!r}; what it did is in .results.", results)
            error.__cause__ = self.trouble
            return error
        if self.failed:
            return UploadError("A row is not up, and on_error='raise' was asked for; see .results.", results)
        return None


@dataclass(slots=True)
class _Attempt:
    """What a row's next attempt needs of those before: the token, when the first began, whether one is in doubt."""

    token: Token | None = None
    since: float | None = None
    doubted: bool = False


def _known_place(job: Job, doubt: Result | None) -> bool:
    """Tell whether it is known where the file would be; a name that the service made, or an earlier run, is not."""
    if job.own_name:
        return doubt is None or doubt.file_path == job.target
    return job.fields.get("useUniqueFileName") == "false"


def _telling(job: Job) -> bool:
    """Tell whether a namesake that is found, nobody knows since when, is this row's file and no older version of it."""
    return job.own_name or (job.fields.get("overwriteFile") == "false" and _size(job) is not None)


def _placed(job: Job, result: Result) -> Result:
    """Note where the file is or would be, if no answer said so, so that it can be looked for by a later run too."""
    if result.status in ("unknown", "exists") and job.own_name and result.file_path is None:
        result.name, result.file_path = job.fields["fileName"], job.target
    return result


def _size(job: Job) -> int | None:
    """Give the size that the stored file must have; a pre-transformation stores another."""
    return None if "transformation" in job.fields else job.source.size


def _verified(job: Job, result: Result) -> Result:
    """See that what was stored is what was sent."""
    size = _size(job)
    if result.status == "uploaded" and size is not None and result.size not in (None, size):
        words = f"{size:,} bytes were sent, and {result.size:,} are stored"
        result.status, result.error, result.message = "failed", "size_differs", words
    return result
