"""One run of rows: each is planned, sent on its way, and its end counted and kept."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ikpipe import _past
from ikpipe._errors import CODES, AccountError, Error, JournalError, Problem, UploadError
from ikpipe._job import Job, Planner
from ikpipe._journal import Ended, Entry
from ikpipe._progress import Display, Progress
from ikpipe._result import SETTLED, Result
from ikpipe._run import CONTROL, Control, Group
from ikpipe._travel import Travel
from ikpipe._trip import Trip

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd

    from ikpipe._account import Account
    from ikpipe._frame import Plan, Whole
    from ikpipe._journal import Journal
    from ikpipe._options import Options
    from ikpipe._past import Known

AT_ONCE = 500  # rows planned together: more would hold up those that are on their way


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
    run
        The run's id.
    journal
        Keeps what is done; None keeps nothing.
    known
        Position → what is known of a row from before: those that have ended are left as they are, the doubt of the
        others is settled before anything fresh is sent.
    earlier
        Path in the library → what the journal of an earlier run knows of a row in doubt.
    """

    def __init__(
        self,
        feed: Whole,
        plan: Plan,
        planner: Planner,
        account: Account,
        options: Options,
        show: Display,
        run: str,
        journal: Journal | None = None,
        known: Mapping[int, Known] | None = None,
        earlier: Mapping[str, Known] | None = None,
    ) -> None:
        self.results: list[Result] = [Result("cancelled", "cancelled", "the run stopped first")] * len(feed.frame)
        self.control: Control = CONTROL.get() or Control()
        self.failed = False
        self.trouble: Exception | None = None
        self.progress = Progress(len(feed.frame))
        self._began = time.monotonic()
        self._feed, self._plan, self._planner, self._account = feed, plan, planner, account
        self._options, self._show = options, show
        self._known, self._earlier = known or {}, earlier or {}
        self._run, self._journal = run, journal
        self._group: Group[Entry] | None = None if journal is None else Group(journal.write)
        self._travel: Travel | None = None
        for position, one in self._known.items():  # at once: a run that stops early must not lose them
            self.results[position] = one.result

    async def go(self) -> None:
        """Take every row to its end; what stops the run is kept in `trouble`."""
        with TemporaryDirectory(prefix="ikpipe-") as folder:
            travel = Travel(self._account, self._options, self.control, self._group, Path(folder), self._count)
            travel.proven = any(one.result.status in SETTLED for one in self._known.values())
            self._travel = travel

            async def do(trip: Trip) -> None:
                try:
                    result = await travel.go(trip)
                except BaseException:  # stopped at once: what is certain so far
                    self.results[trip.position] = trip.result
                    raise
                self._end(trip.label, trip.position, result)

            try:
                await self.control.work(self._trips(), do, travel.gates)
            except Exception as error:  # noqa: BLE001 - what is up already must come back with whatever went wrong
                self.trouble = error
            finally:
                await self._close()

    async def _close(self) -> None:
        """Have the last results written."""
        if self._group is None or self._journal is None:
            return
        await self._group.close()
        if self._group.error is not None:
            self.trouble = self.trouble or self._group.error
        elif not self.control.draining:
            self._journal.end(time.time())

    def _trips(self) -> Iterator[Trip]:
        """Plan row after row as there is room for them; rows that have nothing to send end here."""
        self._planner.label = self._feed.label
        settled = ((one.result.file_path, at) for at, one in self._known.items() if one.result.status in SETTLED)
        claims = {path: position for path, position in settled if path is not None}
        self._planner.claim_all(claims, claims.values())
        names = {position: one.result.name for position, one in self._known.items() if one.result.name is not None}
        for chunk in self._feed.chunks():
            for first in range(0, len(chunk.frame), AT_ONCE):
                part = chunk.part(first, first + AT_ONCE)
                jobs = self._planner.jobs(self._plan.rows(part), names)
                for offset, (label, job) in enumerate(zip(part.frame.index, jobs, strict=True)):
                    if self.control.draining:
                        return
                    if (trip := self._begun(label, part.start + offset, job)) is not None:
                        yield trip

    def _begun(self, label: Any, position: int, job: Job | list[Problem]) -> Trip | None:
        """Give a row that is to travel, or end it here."""
        known = self._known.get(position)
        if known is not None and not known.in_doubt:
            self._end(label, position, known.result, new=False)
            return None
        if isinstance(job, Job):
            return self._trip(Trip(label, position, job), known)
        words = "; ".join(f"{problem.message}: {problem.fix}" for problem in job)
        invalid = Result("invalid", job[0].code, words)
        if known is not None:
            return self._trip(Trip(label, position, None, invalid), known)
        self._end(label, position, invalid)
        return None

    def _trip(self, trip: Trip, known: Known | None) -> Trip:
        """Give a row on its way what is known of it."""
        if known is None:
            return trip
        job = trip.job
        if known.begun is None and job is not None and job.target in self._earlier:
            known = self._earlier[job.target]._replace(result=known.result)
        trip.known, trip.result, trip.doubted, token = known, known.result, True, known.token
        if known.begun is not None or job is None or job.own_name:
            trip.sought = known.sought(self._options.policy.clock_skew)
        trip.since = known.first
        if job is not None and known.begun is not None:
            same = job.fields == known.fields and job.stored_size == known.begun.size and job.source.kind != "fetch"
            trip.begun = same
            trip.token = token if same and token is not None and token.exp > time.time() else None
        return trip

    def _count(self, count: int) -> None:
        self.progress.bytes += count
        self._show(self.progress)

    def _end(self, label: Any, position: int, result: Result, *, new: bool = True) -> None:
        self.results[position] = result
        if new and self._group is not None and result.status != "cancelled":
            self._group.add(Ended(position, _past.write(result)))
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
            "run": self._run,
            "journal": None if self._journal is None else str(self._journal.path),
            "rows": len(self.results),
            "counts": dict(counts),
            "bytes": self.progress.bytes,
            "seconds": round(time.monotonic() - self._began, 3),
            "interrupted": self.control.interrupted,
            "mapping": dict(mapping),
        }

    def error(self, results: pd.DataFrame) -> Error | None:
        """Say why the run did not go through its rows, if it did not; the error carries the frame."""
        refusal = self._travel.refusal if self._travel is not None else None
        where = "" if self._journal is None else f" The run's journal is {self._journal.path}."
        trouble = (self._travel.trouble if self._travel is not None else None) or self.trouble
        if refusal is not None:
            mend = CODES[refusal.result.error or ""].mend
            words = f"The run stopped, nothing more was sent: {refusal.result.message} {mend}{where}"
            return AccountError(words, results)
        if isinstance(trouble, JournalError):
            return JournalError(f"The run stopped, nothing more was sent: {trouble} Retry .results.", results)
        if trouble is not None:
            error = UploadError(f"The run stopped at {trouble!r}; what it did is in .results.{where}", results)
            error.__cause__ = trouble
            return error
        if self.failed:
            words = f"A row is not up, and on_error='raise' was asked for; see .results.{where}"
            return UploadError(words, results)
        return None
