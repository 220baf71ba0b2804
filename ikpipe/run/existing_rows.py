"""Rows of a run whose targets may have files: end those with nothing to send, and send the others as is needed."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from itertools import compress
from typing import TYPE_CHECKING, Any

from ikpipe.errors import AccountError, Error, UnreachableError
from ikpipe.journal import history
from ikpipe.journal.entries import RowBefore
from ikpipe.request.result import CANCELLED, Result
from ikpipe.run.existing.decision import NEW, SENT, Action
from ikpipe.run.existing.duplicates import Duplicates, content_key
from ikpipe.run.existing.existing_files import ExistingFiles
from ikpipe.run.existing.fingerprints import FingerprintReader
from ikpipe.run.existing.known_files import details_before
from ikpipe.run.existing.requests import PacedRequests, StoppedError
from ikpipe.run.existing.rules import ExistingRules
from ikpipe.run.task import UploadTask
from ikpipe.service.client import ApiError
from ikpipe.service.library import NOT_FOUND, as_existing, match_file, version_id

if TYPE_CHECKING:
    from ikpipe.concurrency.interrupts import RunControl
    from ikpipe.request.account import Account
    from ikpipe.request.planner import UploadRequest
    from ikpipe.run.executor import UploadExecutor
    from ikpipe.run.existing.state import ContentState
    from ikpipe.run.options import SendOptions

_log = logging.getLogger("ikpipe.run")
MOST_UNREAD = 3  # groups of rows in a row whose targets cannot be read, before the run stops
_TAKEN = "A file has this path already."
_LEFT = {"skip": "skipped", "unchanged": "unchanged", "duplicate": "duplicate"}
"""Actions that leave the library as it is → the statuses of their rows."""


class ExistingRows:
    """Carries out what rows do about the files that are there.

    `rules` are what the caller wants. `executor` uploads rows. `state` is what is known of the files that ikpipe
    stored; None if the content of rows does not matter. `rows` is their number, if it is known. The others are those
    of the run.
    """

    def __init__(
        self,
        rules: ExistingRules,
        account: Account,
        options: SendOptions,
        control: RunControl,
        executor: UploadExecutor,
        state: ContentState | None,
        rows: int | None,
    ) -> None:
        self._executor, self._control, self._rules, self._unread = executor, control, rules, 0
        self._was_read = False
        policy, client = options.policy, options.client
        reads = changes = None
        if account.private_key is not None:
            pace = options.pace(policy.changes)
            reads = PacedRequests(client, account, executor.look_up_pace, control.sleep, policy.first_wait)
            changes = PacedRequests(client, account, pace, control.sleep, policy.first_wait)
        reader = None if state is None else FingerprintReader(rules.changed_by, client, state.hashes)
        self._files = ExistingFiles(
            *(rules, reads, changes, policy, state, reader, control.sleep, rows),
            shared=options.listings,
            service_time=executor.service_time,
        )
        self._duplicates = Duplicates() if rules.dedupe else None

    @classmethod
    def of(
        cls,
        rules: ExistingRules,
        account: Account,
        options: SendOptions,
        control: RunControl,
        executor: UploadExecutor,
        state: ContentState | None,
        rows: int | None,
    ) -> ExistingRows | None:
        """Return what decides about existing files; None if rows are sent whatever is there."""
        if not rules.decides and state is None:
            return None
        return cls(rules, account, options, control, executor, state, rows)

    async def close(self) -> None:
        """Write what is to be remembered."""
        await self._files.close()
        if self._duplicates is not None:
            self._duplicates.close()

    async def decide(self, tasks: Sequence[UploadTask], cells: Sequence[Any] | None = None) -> list[Result | None]:
        """Decide what rows do; return the results of those with nothing to send, and None for the others.

        A row that an earlier process may have sent is recovered first, whatever is at its target. Nothing is decided
        once the run drains. `cells` are as for `FingerprintReader.read`, for the tasks with a request. Raise `Error` if
        the library cannot be read `MOST_UNREAD` times in a row, `AccountError` if the account's key is rejected or
        nobody answers from the beginning.
        """
        valid = [task for task in tasks if task.request is not None]
        results = dict(zip(map(id, valid), await self._decided(valid, cells), strict=True))
        return [results.get(id(task)) for task in tasks]

    async def _decided(self, tasks: list[UploadTask], cells: Sequence[Any] | None) -> list[Result | None]:
        """Do what `decide` does, for tasks with a request."""
        actions = await self._actions([task.planned for task in tasks], cells)
        if isinstance(actions, Result):
            return [self._not_compared(task, actions) for task in tasks]
        decided = [self._note(task, action) for task, action in zip(tasks, actions, strict=True)]
        await self._files.sending([(task.planned, task.action) for task in compress(tasks, decided)])
        return [self._ended(task) if is_new else None for task, is_new in zip(tasks, decided, strict=True)]

    def _not_compared(self, task: UploadTask, unread: Result) -> Result | None:
        """Return the result of a row that cannot be compared; one that may be stored is still recovered."""
        if task.history is None:
            return replace(unread)
        self._note(task, NEW)
        return None

    def _note(self, task: UploadTask, action: Action) -> bool:
        """Note what a row does; return whether that was not decided by an earlier process."""
        if not self._was_decided(task):
            self._decide(task, action)
            return True
        if self._rules.decides:
            task.recovered(action)
        return False

    async def _actions(self, requests: Sequence[UploadRequest], cells: Sequence[Any] | None) -> list[Action] | Result:
        """Return what rows do, or the result of all of them if the library cannot be read; raise as `decide` does."""
        try:
            actions = await self._control.unless_draining(self._files.decide(requests, cells))
        except StoppedError:
            actions = None
        except AccountError:
            raise
        except Error as error:
            return self._could_not_read(error)
        self._unread, self._was_read = 0, True
        return actions or [NEW] * len(requests)

    def _could_not_read(self, error: Error) -> Result:
        """Return the result of rows that cannot be compared; raise an error if that is so for all rows."""
        self._unread += 1
        words = f"The media library could not be read: {error.text}"
        if not (self._was_read or isinstance(error, ApiError)):  # nobody answers
            raise UnreachableError(words) from None
        if self._unread == MOST_UNREAD:
            raise error
        return Result("failed", "library_unreadable", words)

    def _ended(self, task: UploadTask) -> Result | None:
        """Return the result of a row with nothing to send; its file can be that of an earlier execution of the part."""
        file, since = task.action.file, task.first_sent
        if task.action.kind in ("skip", "error") and file is not None and since is not None:
            paths, since = [str(file.get("filePath"))], self._executor.service_time(since)
            if match_file([dict(file)], paths, size=task.size, since=since) is not None:
                return as_existing(file)
        return ended(task.action)

    def _was_decided(self, task: UploadTask) -> bool:
        """Whether an earlier process decided what the row does; without its journal, ``sync`` compares again."""
        return task.history is not None and (task.history.fields is not None or self._rules.on_existing != "sync")

    def _decide(self, task: UploadTask, action: Action) -> None:
        """Note what a row does, and make its request so."""
        if self._rules.decides:
            task.decided(action)
        else:
            task.action = action
        if task.request is not None and action.kind in SENT:
            task.request = self._files.as_sent(task.request, action)

    async def run(self, task: UploadTask) -> Result:
        """Carry out what a row does, and return its result; a row with the content of another one waits for it."""
        key = None
        if self._duplicates is not None and task.request is not None and task.history is None:
            key = content_key(task.plain or task.request, task.action.fingerprint)
        if self._duplicates is None or key is None or task.action.kind == "update":
            return await self._run(task)
        if (stored := await self._duplicates.of(key)) is not None:
            return replace(history.read(stored), status="duplicate", attempts=0, seconds=None, warnings=None)
        stored = None
        try:
            result = await self._run(task)
            stored = history.write(result) if result.status in ("uploaded", "exists") else None
        finally:
            self._duplicates.end(key, stored)
        return result

    async def _run(self, task: UploadTask) -> Result:
        action = task.action
        if action.kind in ("update", "replace") and not await self._recorded(task.position, action):
            return replace(CANCELLED)
        if action.kind == "update":
            return await self._updated(task, action)
        try:
            result = await self._executor.run(task)
        except BaseException:  # stopped at once
            if task.request is not None:
                self._files.may_be_stored(task.request)
            raise
        if result.error == "name_taken" and task.assumed_new:
            result = await self._decided_again(task, result)
        await self._remember(task, result)
        return result

    async def _remember(self, task: UploadTask, result: Result) -> None:
        """Remember what a row stored, or may have stored."""
        if task.request is None:
            return
        if result.status in ("uploaded", "exists") and task.history is None:
            await self._files.remember(task.plain or task.request, result, task.action.fingerprint)
        elif result.status in ("accepted", "unknown"):
            self._files.may_be_stored(task.request)

    async def _recorded(self, position: int, action: Action) -> bool:
        """Record the file that a row changes as it is, for `undo`; return whether to continue.

        That of a row that replaces it is on the disk before the row's first request, with its intent.
        """
        if (file := action.file) is None:
            return True
        before, changes = json.dumps(details_before(file)), json.dumps(action.changes.values)
        entry = RowBefore(position, str(file.get("fileId")), version_id(file), before, changes)
        return await self._executor.record_before(entry, durable=action.kind == "update")

    async def _decided_again(self, task: UploadTask, taken: Result) -> Result:
        """Return the result of a row whose target was believed to be free, and is not."""
        assert task.plain is not None  # noqa: S101 - for mypy
        action = await self._files.decide_again(task.plain, task.action)
        if action is None:
            return _left(task, taken) if self._rules.on_existing == "skip" else taken
        if action.kind == "error":
            return taken
        again = UploadTask(task.label, task.position, task.plain, first_sent=task.first_sent)
        self._decide(again, action)
        result = ended(action) or await self._run(again)
        return replace(result, attempts=(result.attempts or 0) + (taken.attempts or 0))

    async def _updated(self, task: UploadTask, action: Action) -> Result:
        """Change the details of the file at a row's target; a file that is gone meanwhile is uploaded."""
        try:
            return await self._files.update(action)
        except StoppedError:
            return replace(CANCELLED)
        except AccountError:
            raise
        except ApiError as error:
            if error.status == NOT_FOUND:
                again = UploadTask(task.label, task.position, task.plain)
                self._decide(again, NEW._replace(fingerprint=action.fingerprint))
                return await self._run(again)
            return _not_updated(error)
        except Error as error:
            return _not_updated(error)


def ended(action: Action) -> Result | None:
    """Return the result of a row that leaves the file at its target as it is; None if it does not."""
    if action.kind == "error":
        return Result("failed", "name_taken", _TAKEN)
    if action.file is None or action.kind not in _LEFT:
        return None
    return as_existing(action.file, _LEFT[action.kind])


def _left(task: UploadTask, taken: Result) -> Result:
    """Return the result of a row whose file is there already, and could not be read."""
    assert task.request is not None  # noqa: S101 - for mypy
    words = "A file is there already; its details could not be read."
    name, path = task.request.fields["fileName"], task.request.target
    return replace(taken, status="skipped", error=None, message=words, name=name, file_path=path)


def _not_updated(error: Error) -> Result:
    return Result("failed", "update_failed", f"The details of the existing file could not be changed: {error.text}")
