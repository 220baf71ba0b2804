"""Searches of the media library for many rows: those that wait for their turn share a request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from ikpipe.concurrency.rate import RateLimiter
from ikpipe.concurrency.turns import wait_turn
from ikpipe.errors import Error
from ikpipe.request.account import Account
from ikpipe.request.names import possible_paths
from ikpipe.request.policy import Policy
from ikpipe.request.result import Result
from ikpipe.service.client import ServiceClient
from ikpipe.service.library import as_existing, find_files, match_file

if TYPE_CHECKING:
    from ikpipe.journal.history import ExpectedFile

LENGTH = 2_000  # characters of the names in one search, since servers limit the first line of a request


class OtherFileError(Error):
    """Another file has the path of the expected one."""


class _FileSearch:
    """A search for names in one folder that has not been sent yet."""

    def __init__(self, most: int) -> None:
        self.names: list[str] = []
        self.answer: asyncio.Future[list[dict[str, Any]]] = asyncio.get_running_loop().create_future()
        self._most = most

    def takes(self, names: list[str]) -> bool:
        """Whether there is room for the names that one more file can have."""
        return len(self.names) < self._most and sum(map(len, [*self.names, *names])) <= LENGTH


class LookupBatcher:
    """Search the library for files, many in one request, and no faster than the service allows.

    `policy` says how many searches per second, and how many names in one. `sleep` waits, and returns whether to
    continue. `pace` limits the searches; None: only `policy` does. `served` converts a time of this machine to the
    service's, in seconds since 1970.
    """

    def __init__(
        self,
        client: ServiceClient,
        account: Account,
        policy: Policy,
        sleep: Callable[[float], Awaitable[bool]],
        pace: RateLimiter | None = None,
        served: Callable[[float], float] = float,
    ) -> None:
        self._served = served
        self._client, self._account, self._sleep = client, account, sleep
        self._most = max(1, int(policy.look_up_names))
        self._names = policy.names
        self.pace = pace or RateLimiter(policy.look_ups)
        self._open: dict[str, _FileSearch] = {}
        self.searching = 0  # files

    async def find(self, expected: ExpectedFile) -> Result | None:
        """Search for a file, and return its details, as ``exists``; None if it is not there.

        Raise `OtherFileError` if the file that has its name, since whenever, cannot be this one, `Error` if the search
        failed.
        """
        self.searching += 1
        try:
            return await self._find(expected)
        finally:
            self.searching -= 1

    async def _find(self, expected: ExpectedFile) -> Result | None:
        folder, paths = expected.path.rpartition("/")[0], possible_paths(expected.path, self._names)
        names = [path.rpartition("/")[2] for path in paths]
        search = self._open.get(folder)
        if search is None or not search.takes(names):
            search = self._open[folder] = _FileSearch(self._most)
            search.names += names
            await self._search(folder, search)
        else:
            search.names += names
        files = await asyncio.shield(search.answer)  # one row that is stopped does not stop the others' search
        # The answer has the service's time, which corrects a wrong clock of this machine.
        since = None if expected.since is None else self._served(expected.since)
        file = match_file(files, paths, size=expected.size, since=since, earlier=expected.earlier)
        if file is None and since is None and match_file(files, paths) is not None:
            raise OtherFileError("A file of another size has this name.")
        return None if file is None else as_existing(file)

    async def _search(self, folder: str, search: _FileSearch) -> None:
        """Wait for a search's turn, while other rows may join it, and send it."""
        try:
            if not await wait_turn(self.pace, self._sleep):
                raise Error("The run was stopped.")
            if self._open.get(folder) is search:
                del self._open[folder]
            search.answer.set_result(await find_files(self._client, self._account, folder, search.names))
        except BaseException as error:
            if self._open.get(folder) is search:
                del self._open[folder]
            search.answer.set_exception(error if isinstance(error, Error) else Error("The search was stopped."))
            search.answer.exception()  # there may be nobody who waits
            if not isinstance(error, Error):
                raise
