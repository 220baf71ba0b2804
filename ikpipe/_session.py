"""One run of rows: each is planned, signed, sent until it has its end, and counted."""

from __future__ import annotations

import random
import time
import uuid
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ikpipe._errors import CODES, AccountError, Error, MappingError, UploadError
from ikpipe._job import Job, Planner
from ikpipe._progress import Display, Progress
from ikpipe._reply import Reply
from ikpipe._result import SETTLED, Result
from ikpipe._row import Attempt, journey
from ikpipe._run import CONTROL, Control
from ikpipe._token import LocalSigner, Times, Token

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import pandas as pd

    from ikpipe._account import Account
    from ikpipe._frame import Plan
    from ikpipe._send import Wire

CONCURRENCY = 16  # uploads in flight, where nobody says


@dataclass(frozen=True, slots=True)
class Options:
    """What a caller may say about the sending itself."""

    concurrency: int | None
    rate: float | None
    retries: int
    on_result: Callable[[Any, Result], None] | None
    stop_on_failure: bool
    progress: bool | Callable[[Progress], None]
    wire: Wire

    def __post_init__(self) -> None:
        if self.concurrency is not None and self.concurrency < 1:
            raise MappingError(f"concurrency={self.concurrency!r}: uploads in flight are counted from 1.")
        if self.rate is not None and self.rate <= 0:
            raise MappingError(f"rate={self.rate!r}: uploads begun per second are more than 0; None sets no limit.")
        if self.retries < 0:
            raise MappingError(f"retries={self.retries!r}: attempts after the first are counted from 0.")


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
    kept
        Position → result of rows that are left as they are (`retry`).
    """

    def __init__(
        self,
        plan: Plan,
        planner: Planner,
        account: Account,
        options: Options,
        show: Display,
        kept: Mapping[int, Result] | None = None,
    ) -> None:
        self.results: list[Result] = [Result("cancelled", "cancelled", "the run stopped first")] * len(plan)
        self.control: Control = CONTROL.get() or Control()
        self.refusal: Reply | None = None
        self.failed = False
        self.trouble: Exception | None = None
        self._proven = False
        self.progress = Progress(len(plan))
        self.run = uuid.uuid4().hex
        self._began = time.monotonic()
        self._plan, self._planner, self._account, self._wire = plan, planner, account, options.wire
        self._options, self._show, self._kept = options, show, kept or {}
        for position, result in self._kept.items():  # at once: a run that stops early must not lose them
            self.results[position] = result
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
        for position, result in self._kept.items():
            if result.file_path is not None:
                self._planner.claim(result.file_path, self._plan.label(position))
        for row in self._plan.rows():
            if self.control.draining:
                return
            if row.position in self._kept:
                self._end(row.label, row.position, self._kept[row.position])
                continue
            job = self._planner.job(row)
            if isinstance(job, Job):
                yield job
            else:
                words = "; ".join(f"{problem.message}: {problem.fix}" for problem in job)
                self._end(row.label, row.position, Result("invalid", job[0].code, words))

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
            return Reply(Result("failed", "fetch_failed", str(error)))
        try:
            return await self._travel(job._replace(source=source))
        finally:
            if source.path is not None:
                source.path.unlink()

    async def _travel(self, job: Job) -> Reply:
        """Do what the row's state machine says, until it ends."""
        steps = journey(self._options.retries, random.uniform)
        answer: Reply | bool | None = None
        while True:
            try:
                step = steps.send(answer)  # type: ignore[arg-type]  # a generator's first send takes None
            except StopIteration as end:
                last: Reply = end.value
                return last
            if isinstance(step, Attempt):
                answer = await self._attempt(job)
                self.results[job.position] = answer.result
            else:
                answer = await self.control.sleep(step.seconds)

    async def _attempt(self, job: Job) -> Reply:
        try:
            token = await self._token(job.fields)
        except Error as error:
            return Reply(Result("failed", "signer_failed", str(error)), again=True)
        # What stays if the run is stopped before an answer is here.
        self.results[job.position] = Result("unknown", "connection_lost", "the run was stopped while it was being sent")
        return await self._wire.upload(self._account.upload_url, job.fields, job.source, token, self._count)

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
        if self._options.stop_on_failure and result.status in ("invalid", "failed", "unknown"):
            self.failed = True
            self.control.drain()

    def summary(self, mapping: Mapping[str, Any]) -> dict[str, Any]:
        """Sum the run up: what goes into ``attrs["ikpipe"]``."""
        counts = Counter(result.status for result in self.results)
        return {
            "run": self.run,
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
