"""`delete`, `add_tags`, `remove_tags`, `purge`: change the files of a table in the media library."""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Any

import httpx

from ikpipe.concurrency.interrupts import interruptible_sleep, to_sync
from ikpipe.concurrency.rate import RateLimiter
from ikpipe.errors import AccountError, Error, InvalidValue, MappingError, OutageError
from ikpipe.errors.logs import log_event
from ikpipe.frames.adapters import Frame
from ikpipe.frames.edits import Change, FileChanges
from ikpipe.request.account import Account
from ikpipe.request.parameters import encode
from ikpipe.request.policy import Policy
from ikpipe.request.values import tag_list
from ikpipe.service.client import ApiError, ServiceClient
from ikpipe.service.library import NOT_FOUND

_log = logging.getLogger("ikpipe.service")

MAX_DELETED, MAX_TAGGED = 100, 50  # files in one request [spec]
ADD_TAGS, REMOVE_TAGS = "/v1/files/addTags", "/v1/files/removeTags"
DELETION = "/v1/files/batch/deleteByFileIds"
IDS, URLS = ("ik_file_id", "fileId"), ("ik_url", "url")


async def _delete(
    frame: Frame,
    account: Account,
    *,
    dry_run: bool = True,
    policy: Policy | None = None,
    timeout: float | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Frame:
    """Delete files from the media library, with all of their versions.

    Deleting cannot be undone, so `dry_run` is on by default: check its result first.

    Parameters
    ----------
    frame
        A table from `upload`, `read_results` or `files`; `ik_file_id` or `fileId` names the files.
    account
        Must have the private key.
    dry_run
        Whether to only report what would be deleted, without any request.
    policy
        Its `changes` is the maximum number of requests per second.
    timeout
        Seconds without any progress after which a request ends, instead of all other time-outs.
    transport
        An httpx transport to use instead of the network.

    Returns
    -------
    The same rows, with `ik_change`: ``planned``, ``done``, ``absent`` (there is no such file), ``failed``,
    ``cancelled`` (after Ctrl-C), or ``none`` (the row has no file); and `ik_change_message`.

    Raises
    ------
    MappingError
        The table has no column of files.
    AccountError
        There is no private key, or the service rejects it.
    OutageError
        The media API did not answer the first request.
    """
    return await _in_batches(
        frame, None, MAX_DELETED, _LibraryEditor(account, policy, timeout, transport, DELETION, dry_run=dry_run)
    )


async def _add_tags(
    frame: Frame,
    account: Account,
    tags: Sequence[str] | str | None = None,
    *,
    column: Hashable = None,
    dry_run: bool = False,
    policy: Policy | None = None,
    timeout: float | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Frame:
    """Add tags to files in the media library.

    Parameters
    ----------
    frame, account, policy, timeout, transport
        As for `delete`.
    tags
        The tags for all rows: a list, or comma-separated text.
    column
        Instead of `tags`, a column with the tags of each row.
    dry_run
        Whether to only report what would be changed.

    Returns
    -------
    The same rows, with `ik_change` and `ik_change_message` as for `delete`.

    Raises
    ------
    MappingError, AccountError, OutageError
        As for `delete`; also for invalid tags, or unless exactly one of `tags` and `column` is used.
    """
    editor = _LibraryEditor(account, policy, timeout, transport, ADD_TAGS, dry_run=dry_run)
    return await _in_batches(frame, (tags, column), MAX_TAGGED, editor)


async def _remove_tags(
    frame: Frame,
    account: Account,
    tags: Sequence[str] | str | None = None,
    *,
    column: Hashable = None,
    dry_run: bool = False,
    policy: Policy | None = None,
    timeout: float | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Frame:
    """Remove tags from files in the media library; tags that a file does not have are ignored.

    Parameters
    ----------
    frame, account, tags, column, dry_run, policy, timeout, transport
        As for `add_tags`.

    Returns
    -------
    The same rows, with `ik_change` and `ik_change_message` as for `delete`.

    Raises
    ------
    MappingError, AccountError, OutageError
        As for `add_tags`.
    """
    editor = _LibraryEditor(account, policy, timeout, transport, REMOVE_TAGS, dry_run=dry_run)
    return await _in_batches(frame, (tags, column), MAX_TAGGED, editor)


async def _purge(
    frame: Frame,
    account: Account,
    *,
    dry_run: bool = False,
    policy: Policy | None = None,
    timeout: float | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Frame:
    """Remove files from the service's cache, so that a replaced file is delivered.

    Parameters
    ----------
    frame
        As for `delete`, but `ik_url` or `url` names the files.
    account, policy, timeout, transport
        As for `delete`.
    dry_run
        Whether to only report what would be changed.

    Returns
    -------
    The same rows, with `ik_change` as for `delete`. The message of a ``done`` row is the id of the purge request, which
    the service completes later [docs].

    Raises
    ------
    MappingError, AccountError, OutageError
        As for `delete`.
    """
    files = FileChanges(frame)
    urls = files.column(*URLS)
    editor = _LibraryEditor(account, policy, timeout, transport, "/v1/files/purge", dry_run=dry_run)
    async with editor.client:
        for url in dict.fromkeys(url for url in urls if url):
            await editor.purge(str(url))
    changed: Frame = files.close([editor.change_of(url) for url in urls])
    return changed


delete = to_sync(_delete, "delete")
add_tags = to_sync(_add_tags, "add_tags")
remove_tags = to_sync(_remove_tags, "remove_tags")
purge = to_sync(_purge, "purge")


async def _in_batches(frame: Frame, tags: tuple[Any, Hashable] | None, size: int, editor: _LibraryEditor) -> Frame:
    """Change the files of a table in batches; return the table with the outcome of each row."""
    files = FileChanges(frame)
    ids = files.column(*IDS)
    row_tags = [()] * len(ids) if tags is None else _tags(files, *tags, rows=len(ids))
    groups: defaultdict[tuple[str, ...], dict[str, None]] = defaultdict(dict)
    for file_id, file_tags in zip(ids, row_tags, strict=True):
        if file_id and (file_tags or tags is None):
            groups[file_tags][str(file_id)] = None
    async with editor.client:
        for file_tags, members in groups.items():
            ids_to_change = [*members]
            for start in range(0, len(ids_to_change), size):
                await editor.change(ids_to_change[start : start + size], {"tags": [*file_tags]} if file_tags else {})
    changes = [editor.change_of(file_id, file_tags) for file_id, file_tags in zip(ids, row_tags, strict=True)]
    changed: Frame = files.close(changes)
    return changed


def _tags(files: FileChanges, tags: Any, column: Hashable, *, rows: int) -> list[tuple[str, ...]]:
    if (tags is None) is (column is None):
        raise MappingError("Use either tags= for all rows, or column= for the tags of each row.")
    if column is None:
        if not (checked := _checked(tags)):
            raise MappingError("tags= is empty: there are no tags to add or remove.")
        return [checked] * rows
    return [() if cell is None else _checked(cell) for cell in files.column(str(column))]


def _checked(tags: object) -> tuple[str, ...]:
    try:
        return tuple(tag_list(encode("tags", tags)))
    except InvalidValue as invalid:
        raise MappingError(invalid.message, fix=invalid.fix) from None


class _LibraryEditor:
    """Sends requests that change files, and records the outcome for each file."""

    def __init__(
        self,
        account: Account,
        policy: Policy | None,
        timeout: float | None,
        transport: httpx.AsyncBaseTransport | None,
        path: str,
        *,
        dry_run: bool,
    ) -> None:
        account.key()  # raises if there is none, before any request
        self._account, self._path, self._dry = account, path, dry_run
        self.client = ServiceClient(transport, timeout)
        self.client.sleep = interruptible_sleep
        self._limiter = RateLimiter((policy or Policy()).changes)
        self._changes: dict[tuple[str, tuple[str, ...]], Change] = {}
        self._answered = False

    def change_of(self, file: object, tags: tuple[str, ...] = ()) -> Change:
        """Return the outcome for a file."""
        return self._changes.get((str(file), tags), Change("none"))

    async def change(self, batch: list[str], more: Mapping[str, list[str]]) -> None:
        """Change a batch of files."""
        tags = tuple(more.get("tags", ()))
        changes = await change_files(self._request, batch, more)
        self._changes |= {(file, tags): change for file, change in changes.items()}
        if self._path == DELETION:
            for file, change in changes.items():
                log_deleted(file, change)

    async def purge(self, url: str) -> None:
        """Remove one URL from the cache."""
        response = await self._request({"url": url})
        if isinstance(response, dict):
            response = Change("done", response.get("requestId"))
        self._changes[url, ()] = response if isinstance(response, Change) else Change("failed", str(response))

    async def _request(self, content: Mapping[str, Any]) -> Any:
        """Send a request at the permitted rate; return its JSON, its error, or the outcome if none was sent."""
        if self._dry:
            return Change("planned")
        if not await interruptible_sleep(self._limiter.reserve(time.monotonic())):
            return Change("cancelled")
        try:
            answer = await self.client.api(self._account, self._path, content=content)
        except AccountError:
            raise
        except OutageError as error:
            if not self._answered and not isinstance(error, ApiError):  # all other files would fail in the same way
                raise
            answer = error
        except Error as error:
            answer = error
        self._answered = True
        return answer


async def change_files(
    send: Callable[[dict[str, Any]], Awaitable[Any]], batch: list[str], more: Mapping[str, list[str]]
) -> dict[str, Change]:
    """Change a batch of files, and return the outcome of each by id.

    `send` sends the body of a request, and returns the JSON of the response, its error, or an outcome. `more` is sent
    besides the ids. The service changes all or none of the files, so absent ones are removed from the batch.
    """
    changes: dict[str, Change] = {}
    batches = [batch]
    while batches:
        files = batches.pop()
        response = await send({"fileIds": files, **more})
        absent = _absent(response, files)
        if absent == [] and len(files) > 1:  # the response does not name them: bisect
            half = len(files) // 2
            batches += [files[half:], files[:half]]
            continue
        if absent and len(absent) < len(files):
            batches.append([file for file in files if file not in absent])
            files = absent
        changes |= {file: _outcome(response, file) for file in files}
    return changes


def log_deleted(file_id: str, change: Change, path: str | None = None) -> None:
    """Log what became of a file that was to be deleted; a dry run changes nothing."""
    if change.change != "planned":
        words = "%s is deleted." if change.change == "done" else "%s is not deleted: %s"
        args = (path or file_id, *(() if change.change == "done" else (change.message or change.change,)))
        log_event(_log, "deleted", words, *args, path=path, file_id=file_id, outcome=change.change)


def _absent(response: object, files: list[str]) -> list[str] | None:
    """Return the files that a 404 reports as missing, empty if it names none; None for any other response."""
    if not isinstance(response, ApiError) or response.status != NOT_FOUND:
        return None
    missing = response.answer.get("missingFileIds") if isinstance(response.answer, dict) else None
    return [file for file in files if file in missing] if isinstance(missing, list) else []


def _outcome(response: object, file: str) -> Change:
    if isinstance(response, Change):
        return response
    if isinstance(response, ApiError) and response.status == NOT_FOUND:
        return Change("absent", "There is no such file.")
    if isinstance(response, Error):
        return Change("failed", str(response))
    results = response.items() if isinstance(response, dict) else ()
    changed = next((ids for name, ids in results if name.startswith("successfully")), None)
    if isinstance(changed, list) and file not in changed:
        return Change("failed", "The service did not change this file and gave no reason.")
    return Change("done")
