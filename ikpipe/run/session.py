"""One run of rows: each is planned, sent on its way, and its end counted and kept."""

from __future__ import annotations

import time
from itertools import count
from typing import TYPE_CHECKING, Any

from ikpipe.concurrency.control import CONTROL, RunControl
from ikpipe.concurrency.group_commit import GroupCommit
from ikpipe.errors import (
    CODES,
    AccountError,
    Error,
    FailuresError,
    JournalError,
    Problem,
    UnreachableError,
    UploadError,
)
from ikpipe.journal import history
from ikpipe.journal.entries import RowEnded
from ikpipe.journal.recorder import TableRecorder
from ikpipe.request.known_runs import remember
from ikpipe.request.planner import UploadRequest
from ikpipe.request.result import CANCELLED, Result
from ikpipe.run.executor import UploadExecutor
from ikpipe.run.ordering import OrderedResults
from ikpipe.run.progress import Progress, ProgressDisplay
from ikpipe.run.task import UploadTask
from ikpipe.service.spool import SpoolFolder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ikpipe.frames.chunks import Chunk
    from ikpipe.journal.entries import Entry
    from ikpipe.journal.history import OpenJournal, RowHistory
    from ikpipe.request.account import Account
    from ikpipe.request.content_hash import ContentHashes
    from ikpipe.request.planner import RequestBuilder
    from ikpipe.run.job import UploadJob
    from ikpipe.run.options import SendOptions
    from ikpipe.run.ordering import ResultBatch, ResultSink

AT_ONCE = 500  # rows planned together: more would hold up those that are on their way


class Session:
    """One run: a table goes in, and a `Result` for each of its rows comes out, in its order.

    Parameters
    ----------
    work
        The table and its mapping, and what is known of its rows from before.
    planner
        Turns rows into jobs.
    account
        Whose library it is.
    options
        How to send, and the open connections.
    show
        Draws progress.
    sink
        Where results go.
    run
        The run's id.
    record
        Keeps what is done; None keeps nothing.
    """

    def __init__(
        self,
        work: UploadJob,
        planner: RequestBuilder,
        account: Account,
        options: SendOptions,
        show: ProgressDisplay,
        sink: ResultSink,
        run: str,
        record: OpenJournal | None = None,
    ) -> None:
        self.control: RunControl = CONTROL.get() or RunControl()
        self.failed, self.failures = False, 0
        self.trouble: Exception | None = None
        self.progress = Progress(work.feed.rows)
        self._began = time.monotonic()
        self._work, self._planner, self._account = work, planner, account
        self._options, self._show, self._record = options, show, record
        self._group: GroupCommit[Entry] | None = None if record is None else GroupCommit(record.journal.write)
        self._executor: UploadExecutor | None = None
        self._batches = OrderedResults(sink)
        self._keeper: TableRecorder | None = None
        if record is not None and self._group is not None:
            self._keeper = TableRecorder(record.journal, self._group, work.feed, record.same)
        self._chunks = work.feed.chunks()
        self._run, self._rows = run, 0
        self._journal = None if record is None else str(record.journal.path)
        # Parts on a cluster, and single files, have no results of their own that could be retried.
        alone = record is not None and options.shared_since is None
        self._id = remember(work.mapping, self._journal) if alone else None

    async def go(self) -> None:
        """Take every row to its end; what stops the run is kept in `trouble`."""
        with SpoolFolder() as spool:
            executor = UploadExecutor(self._account, self._options, self.control, self._group, spool, self._count)
            executor.health.proven = self._work.proven(self._record)
            self._executor = executor

            async def do(item: tuple[ResultBatch, UploadTask]) -> None:
                batch, task = item
                try:
                    result = _warned(await executor.run(task), task.warnings)
                except BaseException:  # stopped at once: what is certain so far
                    batch.results[task.position - batch.start] = _warned(task.result, task.warnings)
                    raise
                self._end(batch, task.label, task.position, result)

            # What another process cannot read again is written down ahead of the run.
            ahead = self._keeper.ahead() if self._keeper is not None and self._work.feed.ahead else None
            try:
                await self.control.work(self._tasks(), do, executor.gates, ahead)
            except Exception as error:  # noqa: BLE001 - what is up already must come back with whatever went wrong
                self.trouble = self.trouble or error
            finally:
                await self._close()

    async def _close(self) -> None:
        """Pass on the rows that were never begun, and have the last results written."""
        self._batches.close()
        while (self._work.feed.ahead or not self.control.stopped) and (chunk := self._next()) is not None:
            self._batches.skip(chunk, self._sure(self._known(chunk)))
            if self._group is not None and not self.control.stopped:
                await self._group.written()
        if self._group is None or self._record is None:
            return
        await self._group.close()
        if self._group.error is not None:
            self.trouble = self.trouble or self._group.error
        elif not self.control.draining and self.trouble is None:
            self._record.journal.end(time.time())

    def _next(self) -> Chunk | None:
        """Read the next chunk, and have it kept; where that fails, there is none, and those before it go on."""
        try:
            chunk = next(self._chunks, None)
            if chunk is None:
                if self._keeper is not None and not self.trouble and not self.control.stopped:
                    self._keeper.end(self._rows)
                return None
            if self._keeper is not None and not self.control.stopped:
                self._keeper.keep(chunk)
        except Exception as error:  # noqa: BLE001 - rows that are on their way come to their end
            self.trouble, self._chunks = self.trouble or error, iter(())  # and nothing is read behind it
            return None
        self._rows = chunk.start + len(chunk.frame)
        return chunk

    def _tasks(self) -> Iterator[tuple[ResultBatch, UploadTask]]:
        """Plan row after row as there is room for them; rows that have nothing to send end here."""
        while not self.control.draining and (chunk := self._next()) is not None:
            known = self._known(chunk)
            batch = self._batches.begin(chunk, self._sure(known))
            names = {at: name for at, one in known.items() if (name := self._kept_name(at, one)) is not None}
            for first in range(0, len(chunk.frame), AT_ONCE):
                part = chunk.part(first, first + AT_ONCE)
                jobs = self._work.jobs(self._planner, part, names)
                for position, label, (_, job) in zip(count(part.start), part.frame.index, jobs, strict=False):
                    if self.control.draining:
                        return
                    if (task := self._task(batch, label, position, job, known.get(position))) is not None:
                        yield batch, task

    def _known(self, chunk: Chunk) -> dict[int, RowHistory]:
        return self._work.known(chunk) | ({} if self._record is None else self._record.known(chunk))

    @property
    def _contents(self) -> ContentHashes | None:
        return None if self._record is None else self._record.contents

    def _sure(self, known: dict[int, RowHistory]) -> dict[int, RowHistory]:
        """Return what is known of rows without looking at them; one that may have changed is not uploaded by that."""
        return known if self._contents is None else {at: one for at, one in known.items() if one.in_doubt}

    def _kept_name(self, position: int, known: RowHistory) -> str | None:
        """Return the name that was made for a row before; names of which the journal has the hash are made again."""
        return None if self._contents is not None and position in self._contents.before else known.result.name

    def _changed(self, position: int, job: UploadRequest | list[Problem], known: RowHistory | None) -> bool:
        """Whether a row is another version than the one that the journal knows; see `Contents.changed`."""
        if (contents := self._contents) is None:
            return False
        if not isinstance(job, UploadRequest):
            return contents.keyed and position in contents.before
        changed = contents.changed(position, job.fields, job.source)
        fields = None if known is None else known.fields  # of entries that are trusted, whose hash may not be there
        return changed or (fields is not None and job.as_begun(fields).fields != fields)

    def _task(
        self,
        batch: ResultBatch,
        label: Any,
        position: int,
        request: UploadRequest | list[Problem],
        history: RowHistory | None,
    ) -> UploadTask | None:
        """Return the task of a row that has something to send or to look up; any other row ends here."""
        if self._changed(position, request, history) and history is not None:
            batch.results[position - batch.start], history = CANCELLED, None
        if history is not None and not history.in_doubt:
            self._end(batch, label, position, history.result, new=False)
            return None
        skew = self._options.policy.clock_skew
        if isinstance(request, UploadRequest):
            # Others may have sent the row since then; a file from before a row changed is not the row's.
            replaced = self._contents is not None and position in self._contents.several
            since = None if replaced else self._options.shared_since
            if history is None:
                return UploadTask(label, position, request, first_sent=since)
            if history.prepared is None and request.target in self._work.earlier:
                history = self._work.earlier[request.target]._replace(result=history.result)
            return UploadTask.from_history(label, position, request, history, skew, shared_since=since)
        words = "; ".join(f"{problem.message}: {problem.fix}" for problem in request if problem.severity == "error")
        warnings = [problem for problem in request if problem.severity == "warning"]
        invalid = _warned(Result("invalid", request[0].code, words), warnings)
        if history is not None:
            return UploadTask.from_history(label, position, None, history, skew, invalid=invalid)
        self._end(batch, label, position, invalid)
        return None

    def _count(self, count: int) -> None:
        self.progress.bytes += count
        self._show(self.progress)

    def _end(self, batch: ResultBatch, label: Any, position: int, result: Result, *, new: bool = True) -> None:
        if new and self._group is not None and result.status != "cancelled":
            self._group.add(RowEnded(position, history.write(result)))
        self._batches.end(batch, position, result)
        self.progress.counts[result.status] += 1
        self._show(self.progress)
        if self._options.on_result is not None:
            self._options.on_result(label, result)
        if result.status in ("invalid", "failed", "unknown"):
            self.failures += new
            self.failed = self.failed or self._options.on_error == "raise"
            if self.failed or self._failures_reached:
                self.control.drain()

    @property
    def _failures_reached(self) -> bool:
        most = self._options.max_failures
        return most is not None and self.failures >= most

    def conclude(self) -> Any:
        """Give the sink the summary, and what it makes of all results."""
        return self._batches.finish(self.summary())

    def summary(self) -> dict[str, Any]:
        """Sum the run up: what goes into ``attrs["ikpipe"]``."""
        counts = self._batches.counts
        return {
            "run": self._run,
            "id": self._id,
            "journal": self._journal,
            "rows": counts.total(),
            "counts": dict(counts),
            "bytes": self.progress.bytes,
            "seconds": round(time.monotonic() - self._began, 3),
            "interrupted": self.control.interrupted,
            "mapping": dict(self._work.mapping),
        }

    def error(self, results: Any) -> Error | None:
        """Say why the run did not go through its rows, if it did not; the error carries the frame."""
        where = "" if self._record is None else f" The run's journal is {self._record.journal.path}."
        trouble = (self._executor.trouble if self._executor is not None else None) or self.trouble
        if (refused := self._refused(where, results)) is not None:
            return refused
        if isinstance(trouble, JournalError):
            full = self._group is not None and self._group.error is not None  # rather than another table's
            mend = " Retry .results." if full else ""
            return JournalError(f"The run stopped, nothing more was sent: {trouble}{mend}", results)
        if trouble is not None:
            what = f": {trouble}" if isinstance(trouble, Error) else f" at {trouble!r}"
            error = UploadError(f"The run stopped{what}; what it did is in .results.{where}", results)
            error.__cause__ = trouble
            return error
        if self._batches.error is not None:
            again = f"{where} It has them: resume() gives them again, and sends nothing twice." if where else ""
            words = f"Not all results could be written: {self._batches.error}.{again}"
            error = UploadError(words, results)
            error.__cause__ = self._batches.error
            return error
        return self._too_many(where, results)

    def _too_many(self, where: str, results: Any) -> UploadError | None:
        """Return why the run stopped at rows that are not uploaded, if it did."""
        if self._failures_reached:
            words = f"The run stopped after {self.failures} failures (max_failures={self._options.max_failures})"
            return FailuresError(f"{words}; see .results.{where}", results)
        if self.failed:
            words = f"A row is not up, and on_error='raise' was asked for; see .results.{where}"
            return UploadError(words, results)
        return None

    def _refused(self, where: str, results: Any) -> AccountError | None:
        """Return why nothing more could be sent: the account is refused, or nobody answers."""
        if self._executor is None:
            return None
        health = self._executor.health
        if (refusal := health.refusal) is not None:
            mend = CODES[refusal.result.error or ""].fix
            words = f"The run stopped, nothing more was sent: {refusal.result.message} {mend}{where}"
            return AccountError(words, results)
        if (why := health.unreachable) is not None and not self.control.interrupted:
            return UnreachableError(f"The run stopped: {why}{where}", results)
        return None


def _warned(result: Result, warnings: Iterable[Problem]) -> Result:
    """Add a row's warnings to its result; a row that was not sent has none."""
    if result.status != "cancelled":
        result.warn(*(one.message for one in warnings))
    return result
