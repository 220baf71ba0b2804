"""`undo`: revert a run."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ikpipe.concurrency.interrupts import interruptible_sleep, run_limited, to_sync
from ikpipe.concurrency.rate import RateLimiter
from ikpipe.errors import AccountError, Error, Message, OutageError, UploadError, short_repr
from ikpipe.frames.adapters import Frame, FrameAdapter
from ikpipe.frames.edits import Change, FileChanges
from ikpipe.journal.entries import RowBefore
from ikpipe.journal.sqlite import SQLiteJournal
from ikpipe.request.account import Account
from ikpipe.request.policy import Policy
from ikpipe.run.endings import MOST_NAMED, check_max_failures, failures_error
from ikpipe.run.existing.known_files import details_before
from ikpipe.run.existing.requests import PacedRequests, StoppedError
from ikpipe.run.existing.reversal import Reversal, RunFile
from ikpipe.run.existing.reverser import MOST_DELETED, FileReverser, Outcome
from ikpipe.run.progress import Progress
from ikpipe.run.progress_display import Shown, display
from ikpipe.run.undo_rows import DoneRow, stored_file
from ikpipe.run.undo_source import opened_source, unproven
from ikpipe.service.client import ServiceClient
from ikpipe.service.edits import log_deleted
from ikpipe.service.library import as_existing, find_details

if TYPE_CHECKING:
    import httpx

_log = logging.getLogger("ikpipe.run")
_STOPPED = Outcome("cancelled", "The undo was stopped.")
_NOT_KNOWN = "Whether its file was stored is not known. Finish the run with resume or retry, or refresh its results."


async def _undo(
    run: Frame | str | Path,
    account: Account,
    *,
    dry_run: bool = True,
    trust_journal: bool = False,
    max_failures: int | None = None,
    policy: Policy | None = None,
    progress: Shown = True,
    timeout: float | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Frame:
    """Revert a run: bring the files that it created, replaced or changed back to what they were.

    Files that the run created are deleted with all of their versions, replaced files get the version before (the run's
    stays as an earlier version), and details that it changed get their earlier values. What somebody changed since is
    left as it is and reported. Files that `sync` moved are moved back, and those that it deleted are named: the library
    keeps no deleted files. ``docs/undo.md`` describes it.

    Parameters
    ----------
    run
        The run's journal: its path, or the name that `run=` gave it. Or its results: a table, or the path of a file.
        Only the rows of that table are undone. Of results without a journal, details cannot be set back.
    account
        The account of the run. It must have the private key.
    dry_run
        Whether to only report what would be done. It is on by default: check the result first.
    trust_journal
        Accept a journal that does not prove that this account wrote it, as for `upload`.
    max_failures
        Stop, and raise `UploadError`, when this many rows are ``failed``; None sets no limit.
    policy
        Its `changes` and `look_ups` are the maximum number of requests per second that change and read the library.
    progress
        As for `upload`; its `counts` are by `ik_change`.
    timeout
        Seconds without any progress after which a request ends, instead of all other time-outs.
    transport
        An httpx transport to use instead of the network.

    Returns
    -------
    The run's table with its results, a row for each file that a `sync` deleted, and `ik_change`: ``planned``, ``done``,
    ``absent`` (there is no such file), ``left`` (somebody changed it since, it cannot be recognized, or it was
    deleted), ``failed``, ``cancelled`` (after Ctrl-C), or ``none`` (there is nothing to undo); and `ik_change_message`.
    Call it again to continue after an interruption or failures.

    Raises
    ------
    JournalError
        There is no such journal, it cannot be used, it belongs to another account, or nothing proves that this account
        wrote it.
    MappingError
        The table is not one of results.
    AccountError
        There is no private key, or the service rejects it.
    OutageError
        The media API did not answer the first requests.
    UploadError
        There were `max_failures`; ``.results`` has the rows so far.
    """
    account.key()  # raises if there is none, before any request
    check_max_failures(max_failures)
    policy = policy or Policy()
    with opened_source(run, account, policy.clock_skew, trust=trust_journal) as source:
        files = FileChanges(source.table)
        if count := unproven(source):
            _log.warning(
                "No journal shows that these results are of a run of this account (rows: %s). Check the list of files: "
                "it is what the table says.",
                f"{count:,}",
            )
        if source.journal is not None and not dry_run:
            source.journal.undo(time.time())
        async with ServiceClient(transport, timeout, policy) as client:
            client.sleep = interruptible_sleep
            shown = _ShownOutcomes(progress, len(source.rows))
            reverser = _RunReverser(
                client, account, policy, source.journal, dry_run=dry_run, most=max_failures, show=shown.add
            )
            with closing(shown):
                outcomes = await reverser.revert(source.rows)
        changed: Frame = files.close([Change(*outcome) for outcome in outcomes])
        if max_failures is not None and reverser.failures >= max_failures:
            raise _failures_error(changed, outcomes, max_failures)
        return changed


undo = to_sync(_undo, "undo")


def _failures_error(changed: Frame, outcomes: Sequence[Outcome], most: int) -> UploadError:
    """Return the error of an undo that stopped after its failures."""
    failed = [at for at, outcome in enumerate(outcomes) if outcome.change == "failed"]
    labels = FrameAdapter(changed).frame.index[failed].tolist()
    first = Message(f"Row {short_repr(labels[0])} failed: ", outcomes[failed[0]].message or "")
    error = failures_error(len(failed), most, first, None, labels[:MOST_NAMED])
    error.results = changed  # type: ignore[assignment]  # the kind of frame that the caller has
    return error


def _without_file(row: DoneRow) -> Outcome:
    """Return the outcome of a row that did nothing to a file, as far as that is known."""
    return Outcome("left", _NOT_KNOWN) if row.result.status in ("unknown", "accepted") else Outcome("none")


class _ShownOutcomes:
    """The progress of an undo: rows by their outcome."""

    def __init__(self, progress: Shown, rows: int) -> None:
        self._display, self._progress = display(progress, rows), Progress(rows)

    def add(self, outcomes: Iterable[Outcome]) -> None:
        """Count rows that have ended, and show them."""
        self._progress.counts.update(outcome.change for outcome in outcomes)
        self._display(self._progress)

    def close(self) -> None:
        """Show the last state."""
        self._display.close()


class _Work:
    """What is to be done about a file: what the run did to it, its reversal once it is known, and the outcome.

    `position` is that of its row in the journal, None without one.
    """

    def __init__(self, file: RunFile, position: int | None) -> None:
        self.file, self.position = file, position
        self.reversal: Reversal | None = None
        self.outcome: Outcome | None = None

    @property
    def kind(self) -> str | None:
        """What is still to be done."""
        return None if self.reversal is None or self.outcome is not None else self.reversal.kind


def _plan(works: Sequence[_Work]) -> None:
    """Note what would be done to files."""
    for work in works:
        if work.kind in ("delete", "restore", "details") and work.reversal is not None:
            work.outcome = Outcome("planned", work.reversal.message)


class _RunReverser:
    """Reverts the rows of a run.

    `journal` is the run's, if there is one; `dry_run` changes nothing. After `most` failures it stops; None: never.
    `show` is called with outcomes of rows as soon as they are known. `failures` is the number of failures.
    """

    def __init__(
        self,
        client: ServiceClient,
        account: Account,
        policy: Policy,
        journal: SQLiteJournal | None,
        *,
        dry_run: bool,
        most: int | None = None,
        show: Callable[[Iterable[Outcome]], None],
    ) -> None:
        self._most, self.failures, self._show = most, 0, show
        self._client, self._account, self._policy = client, account, policy
        self._journal, self._dry = journal, dry_run
        reads, changes = (
            PacedRequests(client, account, RateLimiter(rate), interruptible_sleep, policy.first_wait)
            for rate in (policy.look_ups, policy.changes)
        )
        self._files = FileReverser(reads, changes, policy)
        self._outcomes: dict[tuple[str, str | None], Outcome] = {}
        self._was_read = False

    async def revert(self, rows: Sequence[DoneRow]) -> list[Outcome]:
        """Revert rows, part by part, and return the outcome of each."""
        try:
            return await self._parts(rows)
        finally:
            self._files.close()

    async def _parts(self, rows: Sequence[DoneRow]) -> list[Outcome]:
        """Revert rows part by part; those last whose files get another path, since what is there may be deleted."""
        outcomes = [_without_file(row) for row in rows]
        concerned = [at for at, row in enumerate(rows) if row.concerns_file]
        concerned.sort(key=lambda at: rows[at].is_moved)
        self._show(outcome for row, outcome in zip(rows, outcomes, strict=True) if not row.concerns_file)
        for start in range(0, len(concerned), MOST_DELETED):
            part = concerned[start : start + MOST_DELETED]
            reverted = await self._part([rows[at] for at in part])
            for at, outcome in zip(part, reverted, strict=True):
                outcomes[at] = outcome
            self._show(reverted)
        return outcomes

    async def _part(self, rows: Sequence[DoneRow]) -> list[Outcome]:
        """Revert some rows: look at all of their files, then change them, so that little time is in between."""
        if self._stopped or not await interruptible_sleep(0):
            return [_STOPPED] * len(rows)
        before = self.failures
        found: list[RunFile | Outcome] = [row.file or _without_file(row) for row in rows]

        async def find(at: int) -> None:
            """Find the file of a row."""
            found[at] = await self._found(rows[at])

        await run_limited([at for at, row in enumerate(rows) if row.lookup is not None], find)
        works = {
            file.key: _Work(file, row.position)
            for file, row in zip(found, rows, strict=True)
            if isinstance(file, RunFile) and file.key not in self._outcomes
        }
        await self._revert([*works.values()])
        self._outcomes |= {key: work.outcome or _STOPPED for key, work in works.items()}
        outcomes = [self._outcomes[one.key] if isinstance(one, RunFile) else one for one in found]
        self.failures = before + sum(outcome.change == "failed" for outcome in outcomes)
        return outcomes

    @property
    def _stopped(self) -> bool:
        """Whether there were as many failures as are allowed."""
        return self._most is not None and self.failures >= self._most

    async def _found(self, row: DoneRow) -> RunFile | Outcome:
        """Return what a row did to a file, which is searched for since nobody knows whether it was stored."""
        lookup, policy = row.lookup, self._policy
        if lookup is None or lookup.expected is None or row.record is None:
            return Outcome("left", _NOT_KNOWN)
        path, size, since, _ = lookup.expected  # the version before is excluded below
        try:
            file = await find_details(self._client, self._account, path, size=size, since=since, names=policy.names)
        except AccountError:
            raise
        except Error as error:
            return self._unread(error)
        self._was_read = True
        if file is not None and not lookup.excludes(file):
            return stored_file(as_existing(file), row.record, found_now=True)
        if time.time() < lookup.last_sent + policy.index_lag:
            return Outcome("failed", "Its file may still appear in the media library. Undo the run again in a minute.")
        return row.file or Outcome("absent", "Its file was not stored.")

    async def _revert(self, works: Sequence[_Work]) -> None:
        """Revert what was done to files."""
        listed = await self._files.listed([work.file for work in works]) if self._dry else {}

        async def look(work: _Work) -> None:
            """Find out what to do about a file."""
            await self._look(work, listed.get(work.file.file_id))

        await run_limited(works, look)
        if self._dry:
            _plan(works)
        await self._delete([work for work in works if work.kind == "delete"])
        await run_limited([work for work in works if work.kind is not None], self._carry_out)

    async def _delete(self, works: Sequence[_Work]) -> None:
        """Delete files that the run created."""
        try:
            outcomes = await self._files.delete([work.file.file_id for work in works])
        except StoppedError:
            outcomes = {}
        for work in works:
            outcome, message = outcomes.get(work.file.file_id, _STOPPED), work.reversal and work.reversal.message
            work.outcome = outcome if outcome.message else Outcome("done", message)
            stored = work.file.stored
            log_deleted(work.file.file_id, Change(*work.outcome), None if stored is None else stored.path)
            self.failures += work.outcome.change == "failed"

    async def _look(self, work: _Work, listed: Mapping[str, Any] | None) -> None:
        """Find out what to do about a file; `listed` is as for `FileReverser.look`."""
        try:
            work.reversal = await self._files.look(work.file, listed)
            self._was_read = True
        except StoppedError:
            work.outcome = _STOPPED
        except AccountError:
            raise
        except Error as error:
            work.outcome = self._unread(error)

    def _unread(self, error: Error) -> Outcome:
        """Return the outcome of a row whose file cannot be read; raise the error if the library never answered."""
        if isinstance(error, OutageError) and not self._was_read:
            raise error
        return Outcome("failed", error.text)

    async def _carry_out(self, work: _Work) -> None:
        assert work.reversal is not None  # noqa: S101 - for mypy
        if self._stopped:
            work.outcome = _STOPPED
            return
        try:
            work.outcome = await self._files.carry_out(
                work.file.file_id, work.reversal, lambda reversal: self._record(work, reversal)
            )
        except StoppedError:
            work.outcome = _STOPPED
        self.failures += work.outcome.change == "failed"

    def _record(self, work: _Work, reversal: Reversal) -> None:
        """Record the details that a file is to have, before its version is restored: an interrupted undo needs them."""
        if self._journal is None or work.position is None or work.file.own_befores or reversal.before is None:
            return
        before = json.dumps(details_before(reversal.before))
        self._journal.write([RowBefore(work.position, work.file.file_id, reversal.version, before)])
