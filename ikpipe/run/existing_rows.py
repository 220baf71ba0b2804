"""Rows of a run whose targets may have files: end those with nothing to send, and send the others as is needed."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ikpipe.concurrency.rate import RateLimiter
from ikpipe.errors import AccountError, Error
from ikpipe.existing.decision import NEW, Action, OnExisting
from ikpipe.existing.existing_files import ExistingFiles
from ikpipe.existing.fingerprints import CONTENT, FingerprintReader
from ikpipe.existing.requests import PacedRequests, StoppedError
from ikpipe.existing.state import open_state
from ikpipe.request.result import CANCELLED, Result
from ikpipe.run.task import UploadTask
from ikpipe.service.client import ApiError
from ikpipe.service.library import NOT_FOUND, as_existing

if TYPE_CHECKING:
    from ikpipe.concurrency.interrupts import RunControl
    from ikpipe.request.account import Account
    from ikpipe.run.executor import UploadExecutor
    from ikpipe.run.options import SendOptions

_log = logging.getLogger("ikpipe")
MOST_UNREAD = 3  # groups of rows in a row whose targets cannot be read, before the run stops
_TAKEN = "A file has this path already."


class ExistingRows:
    """Carries out what rows do about the files at their targets.

    `on_existing` is the mode. `executor` uploads rows. `rows` is their number, if it is known. The others are those
    of the run.
    """

    def __init__(
        self,
        on_existing: OnExisting,
        account: Account,
        options: SendOptions,
        control: RunControl,
        executor: UploadExecutor,
        rows: int | None,
    ) -> None:
        self._executor, self._control, self._unread = executor, control, 0
        policy, client = options.policy, options.client
        reads = changes = None
        if account.private_key is not None:
            pace = RateLimiter(policy.changes)
            reads = PacedRequests(client, account, executor.look_up_pace, control.sleep, policy.first_wait)
            changes = PacedRequests(client, account, pace, control.sleep, policy.first_wait)
        state = open_state(None, account)
        reader = FingerprintReader(CONTENT, client, state)
        self._files = ExistingFiles(on_existing, reads, changes, policy, reader, state, control.sleep, rows)

    @classmethod
    def of(
        cls,
        on_existing: OnExisting | None,
        account: Account,
        options: SendOptions,
        control: RunControl,
        executor: UploadExecutor,
        rows: int | None,
    ) -> ExistingRows | None:
        """Return what decides about existing files; None if rows are sent whatever is at their targets."""
        if on_existing in (None, "replace"):
            return None
        return cls(on_existing, account, options, control, executor, rows)

    async def close(self) -> None:
        """Write what is to be remembered."""
        await self._files.close()

    async def decide(self, tasks: Sequence[UploadTask], cells: Sequence[Any] | None = None) -> list[Result | None]:
        """Decide what rows do; return the results of those with nothing to send, and None for the others.

        A row that an earlier process may have sent is recovered first, whatever is at its target. Nothing is decided
        once the run drains. `cells` are as for `FingerprintReader.read`, for the tasks with a request. Raise `Error` if
        the library cannot be read `MOST_UNREAD` times in a row, `AccountError` if the account's key is rejected.
        """
        valid = [task for task in tasks if task.request is not None]
        requests = [task.request for task in tasks if task.request is not None]
        try:
            actions = await self._control.unless_draining(self._files.decide(requests, cells))
        except StoppedError:
            actions = None
        except AccountError:
            raise
        except Error as error:
            self._unread += 1
            if self._unread == MOST_UNREAD:
                raise
            unread = Result("failed", "library_unreadable", f"The media library could not be read: {error.text}")
            return [None if task.request is None else replace(unread) for task in tasks]
        self._unread = 0
        for task, action in zip(valid, actions or [NEW] * len(valid), strict=True):
            task.decided(action if task.history is None else NEW)
        return [None if task.request is None else ended(task.action) for task in tasks]

    async def run(self, task: UploadTask) -> Result:
        """Carry out what a row does, and return its result."""
        action = task.action
        if action.kind == "update":
            return await self._updated(task, action)
        result = await self._executor.run(task)
        if result.error == "name_taken" and task.assumed_new:
            result = await self._decided_again(task, result)
        if result.status in ("uploaded", "exists") and task.history is None and task.request is not None:
            await self._files.remember(task.request, result, action.fingerprint)
        return result

    async def _decided_again(self, task: UploadTask, taken: Result) -> Result:
        """Return the result of a row whose target was believed to be free, and is not."""
        assert task.plain is not None  # noqa: S101 - for mypy
        action = await self._files.decide_again(task.plain, task.action)
        if action is None:
            return _left(task, taken) if self._files.on_existing == "skip" else taken
        if action.kind == "error":
            return taken
        again = task.again(action)
        result = ended(action) or await self.run(again)
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
                return await self.run(task.again(NEW._replace(fingerprint=action.fingerprint)))
            return _not_updated(error)
        except Error as error:
            return _not_updated(error)


def ended(action: Action) -> Result | None:
    """Return the result of a row that leaves the file at its target as it is; None if it does not."""
    if action.kind == "error":
        return Result("failed", "name_taken", _TAKEN)
    if action.file is None or action.kind not in ("skip", "unchanged"):
        return None
    return as_existing(action.file, "skipped" if action.kind == "skip" else "unchanged")


def _left(task: UploadTask, taken: Result) -> Result:
    """Return the result of a row whose file is there already, and could not be read."""
    assert task.request is not None  # noqa: S101 - for mypy
    words = "A file is there already; its details could not be read."
    name, path = task.request.fields["fileName"], task.request.target
    return replace(taken, status="skipped", error=None, message=words, name=name, file_path=path)


def _not_updated(error: Error) -> Result:
    return Result("failed", "update_failed", f"The details of the existing file could not be changed: {error.text}")
