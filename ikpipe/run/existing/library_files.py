"""Which files the media library has at the targets of rows, in as few requests as are needed.

Theory of operation
-------------------
Files are found in one of three ways, and nobody knows before which takes the fewest requests:

- a *listing of a folder*: a request for each 1,000 files that it has, whoever stored them;
- a *listing of a tree* (a folder with those below it), where the rows have more folders than a search takes requests;
- *searches* for names: a request for each `Policy.look_up_names` rows.

So a listing continues as long as it has cost no more than `EAGER` times what searching for the rows so far would. If it
is complete then, it answers for all further rows. Otherwise these rows are searched for, and the listing continues with
the next ones. This never takes much more than the best way does: a folder with a million files of which ten are wanted
costs a few requests, and 100,000 folders with a file each cost one request for each 1,000 files.

Where the number of rows is known, no listing costs more than searching for all of them.

A listing is only used if it is complete: pages are in the order of creation, each starts with the last file of the one
before, and no path comes twice. Otherwise the library has changed meanwhile; it is listed again, and after that rows
are searched for.

Parts of a table in one process can share listings (`SharedListings`). Then the end of a listing is read again, in one
request, where a row of another part is not in it, and from time to time: it has the files that were stored since, and
is elsewhere if a file was deleted. The details of files in a listing may have changed (`LibraryFiles.is_old`).
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any

from ikpipe.request.planner import UploadRequest
from ikpipe.request.policy import Policy
from ikpipe.request.values import to_json
from ikpipe.run.existing.listed_files import DetailsFile, Listing, common_folder, folder_of, match_files, search_query
from ikpipe.run.existing.requests import PacedRequests
from ikpipe.service.client import ApiError
from ikpipe.service.library import FILES, NOT_FOUND, PAGE, details_path, page_of

LENGTH = 2_000  # characters of the paths in one search, since servers limit the first line of a request
_MALFORMED = 400  # the status for an id that no file can have [recorded]
AT_ONCE = 4  # requests at the same time, whose answers take a few megabytes each
_TURN = 0.02  # seconds between two attempts to use listings that another thread uses


class SharedListings:
    """Listings that parts of a table share, each in a thread of its own; they are deleted when nothing refers to them.

    `checked_every`: seconds after which the end of a listing is read again, although it has all files of a part.
    """

    def __init__(self, checked_every: float = 0.0) -> None:
        self.checked_every = checked_every
        self.details = DetailsFile()
        self.listings: dict[tuple[str, bool], Listing] = {}
        self._lock = threading.Lock()

    @asynccontextmanager
    async def used(self) -> AsyncIterator[None]:
        """Return a context in which no other thread uses the listings; the event loop goes on while it waits."""
        while not self._lock.acquire(blocking=False):  # noqa: ASYNC110 - another thread releases it
            await asyncio.sleep(_TURN)
        try:
            yield
        finally:
            self._lock.release()


class LibraryFiles:
    """The files of the media library at the targets of a run's rows.

    `reads` sends requests. `policy` and `rows` are that of the run, and the number of its rows, if it is known.
    `shared` are listings that are used, and continued; None: its own. `within` is a folder that all rows are in or
    below, and which they have most files of: its tree is listed first; None: there is none.
    """

    def __init__(
        self,
        reads: PacedRequests,
        policy: Policy,
        rows: int | None = None,
        shared: SharedListings | None = None,
        within: str | None = None,
    ) -> None:
        self._within = within
        self._reads = reads
        self._names, self._most = policy.names, max(1, int(policy.look_up_names))
        # One part of a table does not know how many rows the others have.
        self._all_searches = math.inf if rows is None or shared is not None else self._searches(rows)
        self._shared = SharedListings() if shared is None else shared
        self._keeps = shared is not None
        self._details, self._listings = self._shared.details, self._shared.listings
        self._began: set[Listing] = set()
        self._checked: set[Listing] = set()

    def close(self) -> None:
        """Delete what was listed, unless it is shared."""
        if not self._keeps:
            self._details.close()

    async def at(self, requests: Sequence[UploadRequest]) -> list[dict[str, Any] | None]:
        """Return the details of the file at the target of each row, as the library lists them; None if there is none.

        Raise `Error` if the library cannot be read.
        """
        found: dict[int, dict[str, Any] | None] = {}
        rest: list[UploadRequest] = []
        async with self._shared.used():
            for listing, rows in self._choose(requests).items():
                files = await self._listed(listing, rows)
                if files is None:
                    rest += rows
                else:
                    found |= zip(map(id, rows), files, strict=True)
        found |= zip(map(id, rest), await self.search(rest), strict=True)
        return [found[id(request)] for request in requests]

    def is_old(self, request: UploadRequest) -> bool:
        """Whether the answer for a row is from a listing that another part of the table began."""
        listing = self._complete_listing(folder_of(request))
        return listing is not None and listing not in self._began

    async def _listed(self, listing: Listing, rows: Sequence[UploadRequest]) -> list[dict[str, Any] | None] | None:
        """Return the files of some rows in a listing; None if it is not complete."""
        if not await self._complete(listing, len(rows)):
            return None
        files = listing.files.find(rows)
        recent = time.monotonic() - listing.checked <= self._shared.checked_every
        if listing in self._checked or (recent and None not in files):
            return files
        listing.check()
        return listing.files.find(rows) if await self._complete(listing, max(1, files.count(None))) else None

    def _choose(self, requests: Sequence[UploadRequest]) -> dict[Listing, list[UploadRequest]]:
        """Return the listings that may answer for rows, with the rows of each."""
        folders: dict[str, list[UploadRequest]] = {}
        for request in requests:
            folders.setdefault(folder_of(request), []).append(request)
        listings = {folder: self._complete_listing(folder) for folder in folders}
        others = [folder for folder, listing in listings.items() if listing is None]
        many = len(others) > self._searches(sum(len(folders[folder]) for folder in others))
        tree = self._listing(common_folder(others), tree=True) if many else None
        if others and self._within is not None:
            # Where it is too long for the first rows, it is for the others, too.
            tree, self._within = self._listing(self._within, tree=True), None
        chosen: dict[Listing, list[UploadRequest]] = {}
        for folder, rows in folders.items():
            listing = listings[folder] or tree or self._listing(folder, tree=False)
            chosen.setdefault(listing, []).extend(rows)
        return chosen

    def _complete_listing(self, folder: str) -> Listing | None:
        """Return the complete listing that has the files of a folder, if there is one."""
        keys, above = [(folder, False), (folder, True)], folder
        while above:
            above = above.rpartition("/")[0]
            keys.append((above, True))
        found = (self._listings[key] for key in keys if key in self._listings)
        return next((listing for listing in found if listing.complete), None)

    def _listing(self, folder: str, *, tree: bool) -> Listing:
        if (folder, tree) not in self._listings:
            listing = Listing(folder, self._details, self._names, self._all_searches, tree=tree)
            self._listings[folder, tree] = listing
            self._began.add(listing)
        return self._listings[folder, tree]

    def _searches(self, rows: int) -> int:
        """Return the number of searches for a number of rows."""
        return -(-rows // self._most)

    async def _complete(self, listing: Listing, rows: int) -> bool:
        """List further pages, as far as they are worth it for some rows; return whether the listing is complete."""
        if not listing.complete:
            listing.searches += self._searches(rows)
        return await read_pages(listing, self._list, lambda: self._checked.add(listing))

    async def search(self, requests: Sequence[UploadRequest]) -> list[dict[str, Any] | None]:
        """Return the file at the target of each row, as `at` does, from searches for their names alone."""
        batches = self._batches(requests)
        found: list[dict[str, Any] | None] = []
        for start in range(0, len(batches), AT_ONCE):
            for files in await self._all([self._search(batch) for batch in batches[start : start + AT_ONCE]]):
                found += files
        return found

    async def with_ids(self, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return the details of the files with these ids, by id.

        A file that a search does not show, such as one that was just stored, is asked for alone. Raise `Error` if the
        library cannot be read.
        """
        files: dict[str, dict[str, Any]] = {}
        parts = [ids[start : start + self._most] for start in range(0, len(ids), self._most)]
        for start in range(0, len(parts), AT_ONCE):
            searches = [
                self._list({"searchQuery": f"id IN {to_json(part)}", "limit": PAGE})
                for part in parts[start : start + AT_ONCE]
            ]
            files |= {str(file.get("fileId")): file for page in await self._all(searches) for file in page}
        others = [file_id for file_id in ids if file_id not in files]
        for start in range(0, len(others), AT_ONCE):
            alone = await self._all([self._alone(file_id) for file_id in others[start : start + AT_ONCE]])
            files |= {str(file["fileId"]): file for file in alone if file is not None}
        return files

    async def _alone(self, file_id: str) -> dict[str, Any] | None:
        """Return the details of a file; None if there is no such file."""
        try:
            file = await self._reads.send(details_path(file_id))
        except ApiError as error:
            if error.status in (NOT_FOUND, _MALFORMED):
                return None
            raise
        return file if isinstance(file, dict) and file.get("fileId") == file_id else None

    def _batches(self, requests: Sequence[UploadRequest]) -> list[list[UploadRequest]]:
        """Return rows in groups that one search is for."""
        batches: list[list[UploadRequest]] = []
        length = 0
        for request in requests:
            own = len(request.target) + len(request.given_target)
            if not batches or length + own > LENGTH or len(batches[-1]) == self._most:
                batches.append([])
                length = 0
            batches[-1].append(request)
            length += own
        return batches

    async def _search(self, requests: Sequence[UploadRequest]) -> list[dict[str, Any] | None]:
        """Search for a few rows; where there are more hits than a page has, for each half."""
        files = await self._list(search_query(requests, self._names))
        if len(files) < PAGE or len(requests) == 1:
            return match_files(files, requests, self._names)
        half = len(requests) // 2
        return [*await self._search(requests[:half]), *await self._search(requests[half:])]

    async def _all(self, requests: Sequence[Awaitable[Any]]) -> list[Any]:
        """Return what some requests return; raise the first error once all have ended."""
        answers = await asyncio.gather(*requests, return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        return answers

    async def _list(self, query: dict[str, str | int]) -> list[dict[str, Any]]:
        return page_of(await self._reads.send(FILES, query))


async def read_pages(
    listing: Listing,
    read: Callable[[dict[str, str | int]], Coroutine[Any, Any, list[dict[str, Any]]]],
    checked: Callable[[], None] = lambda: None,
) -> bool:
    """List further pages, as far as they are worth it; return whether the listing is complete.

    `read` returns the page of a query. `checked` is called when a page is added.
    """
    pages: deque[tuple[float, asyncio.Task[list[dict[str, Any]]]]] = deque()
    try:
        while not listing.complete:
            at_once = min(AT_ONCE, listing.ahead, listing.affordable)
            for number in range(listing.pages + len(pages), listing.pages + at_once):
                pages.append((time.monotonic(), asyncio.create_task(read(listing.query(number)))))
            if not pages:
                break
            listing.checked, page = pages.popleft()
            checked()
            if not listing.add(await page):
                await _cancel(pages)
    finally:
        await _cancel(pages)
    return listing.complete


async def _cancel(requests: deque[tuple[float, asyncio.Task[Any]]]) -> None:
    """Stop requests whose answers are not needed any more."""
    tasks = [task for _, task in requests]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    requests.clear()
