"""Find the files that rows of an update name, decide what changes, and send that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from ikpipe.concurrency.interrupts import RunControl, run_limited
from ikpipe.concurrency.rate import RateLimiter
from ikpipe.errors import AccountError, Error, Message, Problem, keyword, quoted, sentences
from ikpipe.frames.edits import Change
from ikpipe.request.account import Account
from ikpipe.request.names import canonical_path
from ikpipe.request.policy import Policy
from ikpipe.request.targets import TargetRegistry
from ikpipe.request.update_requests import UpdateRequest
from ikpipe.run.existing.differences import FileChange, file_change
from ikpipe.run.existing.library_files import LibraryFiles
from ikpipe.run.existing.listed_files import request_at
from ikpipe.run.existing.relocation import HalfwayError, Relocator
from ikpipe.run.existing.requests import PacedRequests, StoppedError
from ikpipe.run.existing.updates import update_details
from ikpipe.service.client import ApiError, ServiceClient
from ikpipe.service.edits import ADD_TAGS, MAX_TAGGED, REMOVE_TAGS, change_files
from ikpipe.service.library import NOT_FOUND

CANCELLED = Change("cancelled", "The update was stopped before this row.")
_ABSENT = "There is no such file."
_SAME = Change("unchanged", "The file has these details already.")
_BEFORE = Change("done", "Changed before the update was interrupted.")
_PRIVATE = "The media API cannot change whether a file is private."


@dataclass(slots=True)
class RowUpdate:
    """A row that changes its file: `details` are the file's as far as they are known, `made` the changes so far.

    `outcome` is how the row ended; None as long as nothing went wrong.
    """

    request: UpdateRequest
    change: FileChange
    details: dict[str, Any]
    made: list[str] = field(default_factory=list)
    outcome: Change | None = None

    @property
    def file_id(self) -> str:
        """The id of the file."""
        return str(self.details["fileId"])

    @property
    def values(self) -> dict[str, Any]:
        """The details that change, with their new values, under the media API's names."""
        change = self.change
        values = change.details.values | ({} if change.target is None else {"filePath": change.target})
        if change.add_tags or change.remove_tags:
            tags = [*(self.details.get("tags") or []), *change.add_tags]
            values["tags"] = [tag for tag in tags if tag not in change.remove_tags]
        return values

    @property
    def is_complete(self) -> bool:
        """Whether nothing more of the row is sent."""
        return self.outcome is not None or len(self.made) >= len(self.change.parts)

    @property
    def is_partial(self) -> bool:
        """Whether some of the changes were made, and others failed."""
        return bool(self.made) and self.outcome is not None

    def retagged(self, tags: Sequence[str], words: str, *, added: bool) -> None:
        """Note that tags were added or removed."""
        there = self.details.get("tags") or []
        self.details["tags"] = [*there, *tags] if added else [tag for tag in there if tag not in tags]
        self.made += [f"tag {tag} {words}" for tag in tags]

    def end(self, outcome: Change) -> None:
        """Note why the row goes no further; what was changed before is in the message."""
        if self.made:
            outcome = Change("failed", f"{outcome.message} Changed before that: {', '.join(self.made)}.")
        self.outcome = outcome


class UpdateRows:
    """Carries out an update.

    `client`, `account` and `policy` are those of the run, `control` stops it. `on_end` is called as each row ends whose
    file was changed. `pace` returns what limits requests to a number per second.
    """

    def __init__(
        self,
        client: ServiceClient,
        account: Account,
        policy: Policy,
        control: RunControl,
        on_end: Callable[[RowUpdate], None] = lambda _row: None,
        pace: Callable[[float], RateLimiter] = RateLimiter,
    ) -> None:
        self._on_end = on_end
        reads = PacedRequests(client, account, pace(policy.look_ups), control.sleep, policy.first_wait)
        changes = PacedRequests(client, account, pace(policy.changes), control.sleep, policy.first_wait)
        self._control, self._names, self._changes = control, policy.names, changes
        # Paths of files that are there are used as they are.
        self._library = LibraryFiles(reads, replace(policy, names="as_given"))
        self._relocator = Relocator(reads, changes, policy)
        self._files, self._targets = TargetRegistry(), TargetRegistry()

    def close(self) -> None:
        """Delete what was listed."""
        self._library.close()

    async def decide(
        self,
        requests: Sequence[UpdateRequest | None],
        start: int,
        known: Mapping[int, str],
        label: Callable[[int], Any],
    ) -> list[Change | RowUpdate | None]:
        """Return what rows change, or how they end without a change; None where there is no request.

        `start` is the position of the first row. `known` are the ids of the files that an interrupted run was
        changing, by position. `label` returns the label of a row. Raise `Error` if the library cannot be read.
        """
        files = await self._find([None if one is None else _identified(one, known) for one in requests])
        ids = [None if file is None else str(file["fileId"]) for file in files]
        others = self._files.register(ids, start)
        decided: list[Change | RowUpdate | None] = []
        for offset, (request, file) in enumerate(zip(requests, files, strict=True)):
            if request is not None and file is not None and offset in others:
                words = f"Row {quoted(label(others[offset]))} changes the same file. Change a file in one row only."
                decided.append(Change("failed", words))
            else:
                decided.append(None if request is None else self._decide(request, file))
        await self._check_targets(decided, start, label)
        return [_BEFORE if one == _SAME and start + at in known else one for at, one in enumerate(decided)]

    async def _find(self, requests: Sequence[UpdateRequest | None]) -> list[dict[str, Any] | None]:
        """Return the files of rows."""
        ids = dict.fromkeys(one.file_id for one in requests if one is not None and one.file_id is not None)
        paths = dict.fromkeys(_path(one) for one in requests if one is not None and one.file_id is None)
        paths.pop(None, None)
        by_id = await self._library.with_ids([*filter(None, ids)])
        named = [path for path in paths if path is not None]
        found = dict(zip(named, await self._library.at([request_at(path) for path in named]), strict=True))
        return [
            None if one is None else by_id.get(one.file_id) if one.file_id is not None else found.get(_path(one) or "")
            for one in requests
        ]

    def _decide(self, request: UpdateRequest, file: dict[str, Any] | None) -> Change | RowUpdate:
        if request.file_id is None and request.file_path is None:
            return Change("none", "The row names no file.")
        if not request.changes_something:
            return Change("none", "The row gives nothing to change.")
        if file is None:
            return Change("absent", _ABSENT)
        change = file_change(request, file, self._names)
        if change.details.private is not None:
            fix = Message("Upload the file again with ", keyword("is_private_file", ...), ", or leave it out.")
            return Change("failed", str(sentences(_PRIVATE, fix)))
        return RowUpdate(request, change, dict(file)) if change.parts else _SAME

    async def _check_targets(
        self, decided: list[Change | RowUpdate | None], start: int, label: Callable[[int], Any]
    ) -> None:
        """End rows whose files would get the path of another file."""
        targets = [one.change.target if isinstance(one, RowUpdate) else None for one in decided]
        keys = [None if target is None else canonical_path(target, self._names) for target in targets]
        others = self._targets.register(keys, start)
        moved = [(at, target) for at, target in enumerate(targets) if target is not None]
        there = await self._library.search([request_at(target) for _, target in moved])
        for (at, target), file in zip(moved, there, strict=True):
            row = decided[at]
            if at in others:
                decided[at] = Change(
                    "failed", f"Row {quoted(label(others[at]))} has the path {quoted(target)} already."
                )
            elif file is not None and isinstance(row, RowUpdate) and str(file["fileId"]) != row.file_id:
                decided[at] = Change("failed", f"There is a file at {quoted(target)} already; it is not replaced.")

    async def apply(self, updates: Sequence[RowUpdate]) -> None:
        """Send the changes of rows. Raise `AccountError` if the account's key is rejected.

        Paths are changed last, so that the same call finds files by their paths if it is interrupted before.
        """
        await run_limited([one for one in updates if one.change.details.names], self._set_details)
        for path, tags_of, words in (
            (ADD_TAGS, lambda one: one.change.add_tags, "is added"),
            (REMOVE_TAGS, lambda one: one.change.remove_tags, "is removed"),
        ):
            await self._change_tags(updates, path, tags_of, words)
        await run_limited([one for one in updates if one.change.target is not None], self._relocate)

    async def _set_details(self, update: RowUpdate) -> None:
        different = update.change.details
        for part in (different._replace(published=None), different._replace(changes={})):
            if part.names:
                await self._attempt(update, partial(update_details, self._changes, update.details, part), part.names)

    async def _relocate(self, update: RowUpdate) -> None:
        target = update.change.target or ""
        await self._attempt(update, partial(self._relocator.relocate, update.details, target), [f"path {target}"])

    async def _attempt(
        self, update: RowUpdate, send: Callable[[], Awaitable[dict[str, Any]]], parts: Sequence[str]
    ) -> None:
        """Send a change of one file, unless an earlier one failed, and note how it ended."""
        if update.outcome is not None:
            return
        try:
            if self._control.draining:
                raise StoppedError
            update.details |= await send()
        except AccountError:
            raise
        except HalfwayError as error:
            update.made.append(f"path {error.path}")
            update.details["filePath"] = error.path
            update.end(_outcome(error.reason))
        except Error as error:
            update.end(_outcome(error))
        else:
            update.made += parts
        self._tell(update)

    def _tell(self, update: RowUpdate) -> None:
        """Report a row that has ended."""
        if update.is_complete:
            self._on_end(update)

    async def _change_tags(
        self, updates: Sequence[RowUpdate], path: str, tags_of: Callable[[RowUpdate], tuple[str, ...]], words: str
    ) -> None:
        """Add or remove tags; files with equal tags share requests."""
        groups: defaultdict[tuple[str, ...], dict[str, RowUpdate]] = defaultdict(dict)
        for update in updates:
            if update.outcome is None and (tags := tags_of(update)):
                groups[tags][update.file_id] = update
        batches = [
            (tags, dict([*members.items()][start : start + MAX_TAGGED]))
            for tags, members in groups.items()
            for start in range(0, len(members), MAX_TAGGED)
        ]

        async def change(batch: tuple[tuple[str, ...], dict[str, RowUpdate]]) -> None:
            """Change the tags of some files."""
            tags, members = batch
            outcomes = await change_files(lambda body: self._send(path, body), [*members], {"tags": [*tags]})
            for file_id, outcome in outcomes.items():
                if outcome.change == "done":
                    members[file_id].retagged(tags, words, added=path == ADD_TAGS)
                else:
                    members[file_id].end(outcome)
                self._tell(members[file_id])

        await run_limited(batches, change)

    async def _send(self, path: str, body: Mapping[str, Any]) -> Any:
        if self._control.draining:
            return CANCELLED
        try:
            return await self._changes.send(path, content=body)
        except AccountError:
            raise
        except StoppedError:
            return CANCELLED
        except Error as error:
            return error


def _identified(request: UpdateRequest, known: Mapping[int, str]) -> UpdateRequest:
    """Return a request that names its file by id if that is known from before: its path may be another by now."""
    return request._replace(file_id=known.get(request.position, request.file_id))


def _path(request: UpdateRequest) -> str | None:
    return request.file_path


def _outcome(error: Error) -> Change:
    if isinstance(error, StoppedError):
        return CANCELLED
    if isinstance(error, ApiError) and error.status == NOT_FOUND:
        return Change("absent", _ABSENT)
    return Change("failed", str(error.text))


def invalid(problems: Sequence[Problem]) -> Change:
    """Return the outcome of a row that breaks rules."""
    errors = [problem for problem in problems if problem.severity == "error"]
    return Change("failed", str(sentences(*(text for problem in errors for text in (problem.message, problem.fix)))))


def ended(row: Change | RowUpdate, *, dry_run: bool, stopped: bool = False) -> Change:
    """Return how a row ended; `stopped`: the update was stopped, so that not all was sent."""
    if isinstance(row, Change):
        return row
    if stopped and not dry_run and not row.is_complete:
        row.end(CANCELLED)
    if row.outcome is not None:
        return row.outcome
    words = f"{'Would change' if dry_run else 'Changed'}: {', '.join(row.change.parts)}."
    notes = [warning.message for warning in row.request.warnings]
    return Change("planned" if dry_run else "done", str(sentences(words, *notes)))
