"""One run: plan each row, send it, and count and record how it ends."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping
from contextlib import aclosing
from itertools import count
from typing import TYPE_CHECKING, Any

from ikpipe.concurrency.group_commit import GroupCommit
from ikpipe.concurrency.interrupts import CURRENT_CONTROL, RunControl
from ikpipe.errors import (
    AccountError,
    Error,
    JournalError,
    Message,
    Problem,
    UploadError,
    sentences,
)
from ikpipe.frames.near_misses import warning
from ikpipe.journal import history
from ikpipe.journal.entries import Entry, RowEnded
from ikpipe.journal.history import OpenJournal, RowHistory
from ikpipe.journal.recorder import TableRecorder
from ikpipe.request.account import Account
from ikpipe.request.content_hash import ContentHashes
from ikpipe.request.known_runs import remember
from ikpipe.request.planner import RequestBuilder, UploadRequest
from ikpipe.request.result import CANCELLED, Result
from ikpipe.run import endings
from ikpipe.run.endings import MOST_NAMED
from ikpipe.run.executor import UploadExecutor
from ikpipe.run.existing_rows import ExistingRows
from ikpipe.run.options import SendOptions
from ikpipe.run.ordering import OrderedResults, ResultBatch, ResultSink
from ikpipe.run.progress import BAD
from ikpipe.run.progress_display import ProgressDisplay
from ikpipe.run.progress_tracker import ProgressTracker, described
from ikpipe.run.run_log import log_end
from ikpipe.run.task import UploadTask
from ikpipe.run.task_log import log_row
from ikpipe.run.telemetry import RunTelemetry, run_telemetry
from ikpipe.service.spool import SpoolFolder

if TYPE_CHECKING:
    from ikpipe.frames.chunks import Chunk
    from ikpipe.run.existing.state import ContentState
    from ikpipe.run.job import UploadJob

AT_ONCE = 500  # rows planned together: more would delay the requests in flight


class Session:
    """One run: a table goes in, and a `Result` for each of its rows comes out, in its order.

    `job` has the table and its mapping, and what is known of its rows from before. `builder` turns rows into requests.
    `options` say how to send, and have the open connections. `run` is the run's id. `record` is the journal; None keeps
    none. `state` is what is known of the files that ikpipe stored; None if the content of rows does not matter.
    """

    def __init__(
        self,
        job: UploadJob,
        builder: RequestBuilder,
        account: Account,
        options: SendOptions,
        display: ProgressDisplay,
        sink: ResultSink,
        run: str,
        record: OpenJournal | None = None,
        state: ContentState | None = None,
    ) -> None:
        self.control: RunControl = CURRENT_CONTROL.get() or RunControl()
        self.failed, self.failures, self.first_failure = False, 0, Message()
        self.retries = 0
        self.failed_rows: list[Any] = []
        self.trouble: Exception | None = None
        self._tracker = ProgressTracker(job.table, self.control, display)
        self.progress = self._tracker.progress
        self._began = time.monotonic()
        self._job, self._builder, self._account = job, builder, account
        self._options, self._record = options, record
        self._writer: GroupCommit[Entry] | None = None
        self._executor: UploadExecutor | None = None
        self._existing: ExistingRows | None = None
        self._telemetry: RunTelemetry | None = None
        self._state = state
        self._results = OrderedResults(sink)
        self._recorder: TableRecorder | None = None
        if record is not None:
            self._writer = GroupCommit(record.journal.write, job.table.rows)
            self._recorder = TableRecorder(record.journal, self._writer, job.table, record.same)
        self._chunks = job.table.chunks()
        self._run, self._rows = run, 0
        self._journal = None if record is None else str(record.journal.path)
        # Parts on a cluster, and single files, have no results of their own that could be retried.
        alone = record is not None and options.shared_since is None
        self._id = remember(job.mapping, self._journal) if alone else None

    async def go(self) -> None:
        """Upload every row; an error that stops the run is kept in `trouble`."""
        with run_telemetry(self._options.run) as self._telemetry:
            await self._upload()
            if self._telemetry is not None:
                self._telemetry.summarize(self._summary(), self._error())

    async def _upload(self) -> None:
        """Upload every row, as `go` does."""
        with SpoolFolder() as spool:
            executor = UploadExecutor(
                self._account, self._options, self.control, self._writer, spool, self._tracker.sent, self._telemetry
            )
            executor.health.proven = self._job.proven(self._record)
            executor.health.on_wait = self._tracker.wait
            self._executor = self._tracker.executor = executor
            job, options = self._job, self._options
            self._existing = ExistingRows.of(
                job.existing, self._account, options, self.control, executor, self._state, job.table.rows
            )
            send = executor.run if self._existing is None else self._existing.run

            async def do(item: tuple[ResultBatch, UploadTask]) -> None:
                """Upload one row, and put its result into its batch."""
                batch, task = item
                try:
                    result = _warned(await send(task), task.warnings)
                except BaseException:  # stopped at once: what is certain so far
                    batch.results[task.position - batch.start] = _warned(task.result, task.warnings)
                    raise
                self._end(batch, task.label, task.position, result, recorded=not task.cut_short)

            # A table that another process cannot read again is recorded ahead of the run.
            recorder = None if self._recorder is None or self._recorder.complete else self._recorder
            ahead = recorder.ahead() if recorder is not None and self._job.table.ahead else None
            try:
                async with self._tracker.ticking(), aclosing(self._tasks()) as tasks:
                    await self.control.work(tasks, do, executor.gates, ahead)
            except Exception as error:  # noqa: BLE001 - results so far must be returned whatever went wrong
                self.trouble = self.trouble or error
            finally:
                self._tracker.doing("finishing")
                await self._pass_on_rest()
                await self._close_journal()

    async def _pass_on_rest(self) -> None:
        """Pass on the results of rows that were never started."""
        self._results.close()
        while (self._job.table.ahead or not self.control.stopped) and (chunk := self._next()) is not None:
            self._results.skip(chunk, self._certain(self._histories(chunk)))
            if self._writer is not None and not self.control.stopped:
                await self._writer.flush()

    async def _close_journal(self) -> None:
        """Write the last results, and record that the run has no more to do, if so."""
        if self._existing is not None:
            await self._existing.close()
        if self._writer is None or self._record is None:
            return
        await self._writer.close()
        if self._writer.error is not None:
            self.trouble = self.trouble or self._writer.error
        elif not self.control.draining and self.trouble is None:
            self._record.journal.end(time.time())

    def _next(self) -> Chunk | None:
        """Read and record the next chunk; None at the end, or if that fails: the rows before it are still uploaded."""
        self._tracker.doing("reading the table")
        try:
            chunk = next(self._chunks, None)
            self._tracker.read(chunk, self._rows)
            if chunk is None:
                if self._recorder is not None and not self.trouble and not self.control.stopped:
                    self._recorder.end(self._rows)
                return None
            if self._recorder is not None and not self.control.stopped:
                self._recorder.keep(chunk)
        except Exception as error:  # noqa: BLE001 - rows in flight are finished
            self.trouble, self._chunks = self.trouble or error, iter(())  # and nothing is read after it
            return None
        self._rows = chunk.start + len(chunk.frame)
        return chunk

    async def _tasks(self) -> AsyncGenerator[tuple[ResultBatch, UploadTask], None]:
        """Yield the rows that have something to send, as there is room for them; all other rows end here."""
        while not self.control.draining and (chunk := self._next()) is not None:
            histories = self._histories(chunk)
            batch = self._results.begin(chunk, self._certain(histories))
            names = {at: name for at, row in histories.items() if (name := self._earlier_name(at, row)) is not None}
            for first in range(0, len(chunk.frame), AT_ONCE):
                part = chunk.part(first, first + AT_ONCE)
                tasks = self._tasks_of(batch, part, histories, names)
                if self._existing is not None:
                    tasks = iter(await self._decided(self._existing, batch, part, [*tasks]))
                for task in tasks:
                    if self.control.draining:
                        return
                    yield batch, task

    def _tasks_of(
        self, batch: ResultBatch, part: Chunk, histories: Mapping[int, RowHistory], names: Mapping[int, str]
    ) -> Iterator[UploadTask]:
        """Yield the tasks of some rows; rows that have nothing to send end here."""
        requests = self._job.requests(self._builder, part, names)
        for position, label, (_, request) in zip(count(part.start), part.frame.index, requests, strict=False):
            if self.control.draining:
                return
            task = self._task(batch, label, position, request, histories.get(position))
            if task is not None:
                yield task

    async def _decided(
        self, existing: ExistingRows, batch: ResultBatch, part: Chunk, tasks: list[UploadTask]
    ) -> list[UploadTask]:
        """Return the tasks that have something to send, given the files that are there; all other rows end here."""
        cells = self._job.change_cells(part.frame)
        if cells is not None:
            cells = [cells[task.position - part.start] for task in tasks if task.request is not None]
        self._tracker.doing("checking existing files")
        try:
            results = await existing.decide(tasks, cells)
        except Error as error:  # rows in flight are finished
            self.trouble = self.trouble or error
            self.control.drain()
            return []
        self._tracker.doing("")
        for task, result in zip(tasks, results, strict=True):
            if result is not None and not self.control.draining:
                self._end(batch, task.label, task.position, _warned(result, task.warnings))
        return [task for task, result in zip(tasks, results, strict=True) if result is None]

    def _histories(self, chunk: Chunk) -> dict[int, RowHistory]:
        """Return what is known of a chunk's rows from before, by position."""
        return self._job.histories(chunk) | ({} if self._record is None else self._record.histories(chunk))

    @property
    def _contents(self) -> ContentHashes | None:
        return None if self._record is None else self._record.contents

    def _certain(self, histories: dict[int, RowHistory]) -> dict[int, RowHistory]:
        """Return the histories that hold without reading the rows: a row that may have changed need not be stored."""
        certain = self._contents is None and self._options.run is None
        return histories if certain else {at: row for at, row in histories.items() if row.is_unknown}

    def _earlier_name(self, position: int, history: RowHistory) -> str | None:
        """Return the name that was made for a row before; a row whose hash the journal has gets the same name again."""
        hashed = self._contents is not None and position in self._contents.before
        return None if hashed or self._options.run is not None else history.result.name

    def _changed(self, position: int, request: UploadRequest | list[Problem], history: RowHistory | None) -> bool:
        """Whether a row is another version than the one that the journal has; see `ContentHashes.changed`.

        In a run with a name, a row's content shows in the name that is made for it.
        """
        if self._options.run is not None and _has_other_name(request, history):
            return True
        if (contents := self._contents) is None:
            return False
        if not isinstance(request, UploadRequest):
            return contents.keyed and position in contents.before
        changed = contents.changed(position, request.fields, request.source)
        fields = None if history is None else history.fields  # of entries that are trusted, which may have no hash
        return changed or (fields is not None and request.with_earlier_fields(fields).fields != fields)

    def _task(
        self,
        batch: ResultBatch,
        label: Any,
        position: int,
        request: UploadRequest | list[Problem],
        history: RowHistory | None,
    ) -> UploadTask | None:
        """Return the task of a row that has something to send or to look up; any other row ends here."""
        if self._changed(position, request, history):
            batch.results[position - batch.start], history = CANCELLED, None
        if history is not None and not history.is_unknown:
            self._end(batch, label, position, history.result, new=False)
            return None
        skew, since = self._options.policy.clock_skew, self._options.shared_since
        if isinstance(request, UploadRequest):
            if self._contents is not None and position in self._contents.several:
                since = None  # a file from before a row changed is not the row's
            if history is not None and history.prepared is None:
                history = self._job.history_at(request.target, history)
            return UploadTask.from_history(label, position, request, history, skew, shared_since=since)
        invalid = _invalid_result(request)
        if history is not None:
            return UploadTask.from_history(label, position, None, history, skew, invalid=invalid)
        self._end(batch, label, position, invalid)
        return None

    def _end(
        self,
        batch: ResultBatch,
        label: Any,
        position: int,
        result: Result,
        *,
        new: bool = True,
        recorded: bool = True,
    ) -> None:
        """Record and count how a row ended.

        `new`: in this run. A row that would have been tried again is not `recorded`, so that `resume` does that.
        """
        if new and recorded and self._writer is not None and result.status != "cancelled":
            self._writer.add(RowEnded(position, history.write(result)))
        self._results.end(batch, position, result)
        if new:
            self._count(result)
        self._tracker.ended(label, position, result, new=new)
        log_row(label, position, result)
        if self._options.on_result is not None:
            self._options.on_result(label, result)
        if result.status in BAD:
            self.failures += new
            self.failed_rows += [label] if new and self.failures <= MOST_NAMED else []
            if not self.first_failure:
                named = label if self._options.shared_since is None else self._job.table.label(position)
                self.first_failure = described(named, result)
            self.failed = self.failed or self._options.on_error == "raise"
            if self.failed or self._failures_reached:
                self.control.drain()

    def _count(self, result: Result) -> None:
        """Count the attempts of a row that ended, and report it to OpenTelemetry."""
        retries = max((result.attempts or 0) - 1, 0)
        self.retries += retries
        if self._telemetry is not None:
            self._telemetry.row(result, retries, self._tracker.progress.bytes)

    @property
    def _failures_reached(self) -> bool:
        return (maximum := self._options.max_failures) is not None and self.failures >= maximum

    def conclude(self) -> None:
        """Pass the summary to the sink, and raise why the run did not finish all rows, with their results so far."""
        summary = self._summary()
        results, error = self._results.finish(summary), self._error()
        log_end(summary, error)
        if error is not None:
            error.results = results
            raise error

    def _error(self) -> AccountError | JournalError | UploadError | None:
        """Return why the run did not finish all rows, if so."""
        journal = None if self._journal is None else f"The run's journal is {self._journal}."
        executor, trouble = self._executor, self.trouble
        if executor is not None:
            refused = endings.account_error(executor.health, trouble, journal, interrupted=self.control.interrupted)
            if refused is not None:
                return refused
            trouble = executor.trouble or trouble
        unwritable = self._writer is not None and self._writer.error is not None
        stopped = endings.stop_error(trouble, journal, unwritable=unwritable)
        if (error := stopped or endings.sink_error(self._results.error, journal)) is not None:
            return error
        if not (self._failures_reached or self.failed):
            return None
        maximum = self._options.max_failures if self._failures_reached else None
        return endings.failures_error(self.failures, maximum, self.first_failure, journal, self.failed_rows)

    def _summary(self) -> dict[str, Any]:
        """Return the summary of the run, for ``attrs["ikpipe"]``."""
        counts = self._results.counts
        return {
            "run": self._run,
            "id": self._id,
            "journal": self._journal,
            "rows": counts.total(),
            "counts": dict(counts),
            "bytes": self.progress.bytes,
            "retries": self.retries,
            "seconds": round(time.monotonic() - self._began, 3),
            "interrupted": self.control.interrupted,
            "mapping": self._job.shown_mapping,
            "effective_mapping": self._job.mapping_text,
            "warnings": [warning(misses)[0]] if (misses := self._job.similar_columns) else [],
        }


def _has_other_name(request: UploadRequest | list[Problem], history: RowHistory | None) -> bool:
    """Whether another name was made for a row before, that is for another content."""
    name = None if history is None else history.result.name
    return isinstance(request, UploadRequest) and request.own_name and name not in (None, request.fields["fileName"])


def _invalid_result(problems: list[Problem]) -> Result:
    """Return the result of a row that breaks rules."""
    words = sentences(*(text for one in problems if one.severity == "error" for text in (one.message, one.fix)))
    warnings = (problem for problem in problems if problem.severity == "warning")
    return _warned(Result("invalid", problems[0].code, words), warnings)


def _warned(result: Result, warnings: Iterable[Problem]) -> Result:
    """Add a row's warnings to its result; a row that was not sent has none."""
    if result.status != "cancelled":
        result.warn(*(problem.message for problem in warnings))
    return result
