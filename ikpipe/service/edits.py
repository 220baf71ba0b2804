"""`delete`, `add_tags`, `remove_tags`, `purge`: what is in the library, mended and taken down, frame by frame."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from ikpipe.concurrency.control import CONTROL, rest, to_sync
from ikpipe.concurrency.rate import RateLimiter
from ikpipe.errors import AccountError, Error, InvalidValue, MappingError
from ikpipe.frames.edits import Change, FileChanges
from ikpipe.request.parameters import encode
from ikpipe.request.policy import Policy
from ikpipe.request.values import tag_list
from ikpipe.service.client import ApiError, ServiceClient
from ikpipe.service.library import NOT_FOUND

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    import httpx

    from ikpipe.frames.adapters import Frame
    from ikpipe.request.account import Account

MOST_DELETED, MOST_TAGGED = 100, 50  # files in one request (spec)
IDS, URLS = ("ik_file_id", "fileId"), ("ik_url", "url")


async def _delete(
    frame: Frame,
    account: Account,
    *,
    dry_run: bool = True,
    policy: Policy | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Frame:
    """Delete files from the media library, with all of their versions.

    It cannot be undone, so `dry_run` is on: look at what it says, then do it.

    Parameters
    ----------
    frame
        What `upload`, `read_results` or `files` gave: the files of `ik_file_id`, or of `fileId`.
    account
        Must hold the private key.
    dry_run
        Whether only to say what would be done; nothing is asked of the service then.
    policy
        Its `changes` is how many requests there are a second, at most.
    transport
        An httpx transport to use instead of the network.

    Returns
    -------
    The same rows, with `ik_change`: ``planned``, ``done``, ``absent`` (there was no such file), ``failed``,
    ``cancelled`` (after Ctrl-C), or ``none`` (the row names no file); and `ik_change_message`.

    Raises
    ------
    MappingError
        The frame has no column of files.
    AccountError
        There is no private key, or it is refused.
    """
    path = "/v1/files/batch/deleteByFileIds"
    return await _in_batches(
        frame, None, MOST_DELETED, _LibraryEditor(account, policy, transport, path, dry_run=dry_run)
    )


async def _add_tags(
    frame: Frame,
    account: Account,
    tags: Sequence[str] | str | None = None,
    *,
    column: Hashable = None,
    dry_run: bool = False,
    policy: Policy | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Frame:
    """Add tags to files in the media library.

    Parameters
    ----------
    frame, account, policy, transport
        As for `delete`.
    tags
        For all rows: a list, or comma-separated text.
    column
        Or a column with each row's own.
    dry_run
        Whether only to say what would be done.

    Returns
    -------
    The same rows, with `ik_change` and `ik_change_message` as of `delete`.

    Raises
    ------
    MappingError, AccountError
        As for `delete`; also tags that break their rule, or neither or both of `tags` and `column`.
    """
    changer = _LibraryEditor(account, policy, transport, "/v1/files/addTags", dry_run=dry_run)
    return await _in_batches(frame, (tags, column), MOST_TAGGED, changer)


async def _remove_tags(
    frame: Frame,
    account: Account,
    tags: Sequence[str] | str | None = None,
    *,
    column: Hashable = None,
    dry_run: bool = False,
    policy: Policy | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Frame:
    """Remove tags from files in the media library; those that a file has not are no matter.

    Parameters
    ----------
    frame, account, tags, column, dry_run, policy, transport
        As for `add_tags`.

    Returns
    -------
    The same rows, with `ik_change` and `ik_change_message` as of `delete`.

    Raises
    ------
    MappingError, AccountError
        As for `add_tags`.
    """
    changer = _LibraryEditor(account, policy, transport, "/v1/files/removeTags", dry_run=dry_run)
    return await _in_batches(frame, (tags, column), MOST_TAGGED, changer)


async def _purge(
    frame: Frame,
    account: Account,
    *,
    dry_run: bool = False,
    policy: Policy | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Frame:
    """Have the service forget its cached copies of files, after they were replaced.

    Parameters
    ----------
    frame
        As for `delete`: the files at `ik_url`, or at `url`.
    account, policy, transport
        As for `delete`.
    dry_run
        Whether only to say what would be done.

    Returns
    -------
    The same rows, with `ik_change` as of `delete`; of those that are ``done``, the message is the id of the service's
    order, which it carries out some time later (docs).

    Raises
    ------
    MappingError, AccountError
        As for `delete`.
    """
    files = FileChanges(frame)
    urls = files.column(*URLS)
    changer = _LibraryEditor(account, policy, transport, "/v1/files/purge", dry_run=dry_run)
    async with changer.wire:
        for url in dict.fromkeys(url for url in urls if url):
            await changer.purge(str(url))
    changed: Frame = files.close([changer.of(url) for url in urls])
    return changed


delete = to_sync(_delete, "delete")
add_tags = to_sync(_add_tags, "add_tags")
remove_tags = to_sync(_remove_tags, "remove_tags")
purge = to_sync(_purge, "purge")


async def _in_batches(frame: Frame, tags: tuple[Any, Hashable] | None, most: int, changer: _LibraryEditor) -> Frame:
    """Change the files that a frame names, so many at once, and give what became of its rows."""
    files = FileChanges(frame)
    ids = files.column(*IDS)
    asked = [()] * len(ids) if tags is None else _tags(files, *tags, rows=len(ids))
    groups: defaultdict[tuple[str, ...], dict[str, None]] = defaultdict(dict)
    for file, wanted in zip(ids, asked, strict=True):
        if file and (wanted or tags is None):
            groups[wanted][str(file)] = None
    async with changer.wire:
        for wanted, members in groups.items():
            named = [*members]
            for start in range(0, len(named), most):
                await changer.change(named[start : start + most], {"tags": [*wanted]} if wanted else {})
    changes = [changer.of(file, wanted) for file, wanted in zip(ids, asked, strict=True)]
    changed: Frame = files.close(changes)
    return changed


def _tags(files: FileChanges, tags: Any, column: Hashable, *, rows: int) -> list[tuple[str, ...]]:
    if (tags is None) is (column is None):
        raise MappingError("Give tags=, for all rows, or column=, with each row's own.")
    if column is None:
        if not (wanted := _checked(tags)):
            raise MappingError("There are no tags to add or remove.")
        return [wanted] * rows
    return [() if cell is None else _checked(cell) for cell in files.column(str(column))]


def _checked(given: object) -> tuple[str, ...]:
    try:
        return tuple(tag_list(encode("tags", given)))
    except InvalidValue as bad:
        raise MappingError(f"{bad.message}; {bad.fix}.") from None


class _LibraryEditor:
    """Changes files, request by request, and notes what became of each."""

    def __init__(
        self,
        account: Account,
        policy: Policy | None,
        transport: httpx.AsyncBaseTransport | None,
        path: str,
        *,
        dry_run: bool,
    ) -> None:
        account.key()  # which says what is missing, before anything
        self._account, self._path, self._dry = account, path, dry_run
        self.wire = ServiceClient(transport)
        self.wire.sleep = rest
        self._pace = RateLimiter((policy or Policy()).changes or None)
        self._changes: dict[tuple[str, tuple[str, ...]], Change] = {}

    def of(self, file: object, tags: tuple[str, ...] = ()) -> Change:
        """Say what became of a row."""
        return self._changes.get((str(file), tags), Change("none"))

    async def change(self, batch: list[str], more: Mapping[str, list[str]]) -> None:
        """Change a batch; the service changes all of it or nothing, so what is not there is left out."""
        tags, left = tuple(more.get("tags", ())), [batch]
        while left:
            files = left.pop()
            answer = await self._ask({"fileIds": files, **more})
            absent = _absent(answer, files)
            if absent == [] and len(files) > 1:  # it does not say which: they are found by halves
                half = len(files) // 2
                left += [files[half:], files[:half]]
                continue
            if absent and len(absent) < len(files):
                left.append([file for file in files if file not in absent])
                files = absent
            for file in files:
                self._changes[file, tags] = _became(answer, file)

    async def purge(self, url: str) -> None:
        """Have one address forgotten."""
        answer = await self._ask({"url": url})
        if isinstance(answer, dict):
            answer = Change("done", answer.get("requestId"))
        self._changes[url, ()] = answer if isinstance(answer, Change) else Change("failed", str(answer))

    async def _ask(self, content: Mapping[str, Any]) -> Any:
        """Ask the service, in time; gives its answer, its refusal, or what became of all without asking."""
        control = CONTROL.get()
        if self._dry:
            return Change("planned")
        if control is not None and control.draining:
            return Change("cancelled")
        if not await rest(self._pace.reserve(time.monotonic())):
            return Change("cancelled")
        try:
            return await self.wire.api(self._account, self._path, content=content)
        except AccountError:
            raise
        except Error as error:
            return error


def _absent(answer: object, files: list[str]) -> list[str] | None:
    """Read which files the service has not found; none where it does not say; None where that is not its answer."""
    if not isinstance(answer, ApiError) or answer.status != NOT_FOUND:
        return None
    told = answer.answer.get("missingFileIds") if isinstance(answer.answer, dict) else None
    return [file for file in files if file in told] if isinstance(told, list) else []


def _became(answer: object, file: str) -> Change:
    if isinstance(answer, Change):
        return answer
    if isinstance(answer, ApiError) and answer.status == NOT_FOUND:
        return Change("absent", "there is no such file")
    if isinstance(answer, InvalidValue):
        return Change("failed", str(answer))
    done = [ids for name, ids in answer.items() if name.startswith("successfully")] if isinstance(answer, dict) else []
    if done and isinstance(done[0], list) and file not in done[0]:
        return Change("failed", "the service did not do it, and does not say why")
    return Change("done")
