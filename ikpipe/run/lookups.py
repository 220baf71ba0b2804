"""Look-ups of many rows: those that wait for their turn share a request."""

from __future__ import annotations

import asyncio
import math
import time
from typing import TYPE_CHECKING, Any

from ikpipe.concurrency.rate import RateLimiter
from ikpipe.errors import Error
from ikpipe.request.names import spellings
from ikpipe.service.library import as_existing, files_named, matching

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ikpipe.journal.history import ExpectedFile
    from ikpipe.request.account import Account
    from ikpipe.request.policy import Policy
    from ikpipe.request.result import Result
    from ikpipe.service.client import ServiceClient

LENGTH = 2_000  # characters of the names in one search: a request's first line has its limits everywhere


class OtherFileError(Error):
    """A file that cannot be the one that is sought has its path."""


class _FileSearch:
    """A search for names in one folder that has not begun yet."""

    def __init__(self, most: int) -> None:
        self.names: list[str] = []
        self.answer: asyncio.Future[list[dict[str, Any]]] = asyncio.get_running_loop().create_future()
        self._most = most

    def takes(self, names: list[str]) -> bool:
        """Tell whether there is room for the names that one more file can have."""
        return len(self.names) < self._most and sum(map(len, [*self.names, *names])) <= LENGTH


class LookupBatcher:
    """Looks for files in the library, at the pace that the service takes.

    Parameters
    ----------
    wire, account
        Whose library, and the way there.
    policy
        How many searches a second, and how many names in one.
    sleep
        Waits, and tells whether to go on.
    since
        As for `RateLimiter`.
    served
        Returns the service's time at a time of this machine.
    """

    def __init__(
        self,
        wire: ServiceClient,
        account: Account,
        policy: Policy,
        sleep: Callable[[float], Awaitable[bool]],
        since: float = -math.inf,
        served: Callable[[float], float] = float,
    ) -> None:
        self._served = served
        self._wire, self._account, self._sleep = wire, account, sleep
        self._most = max(1, int(policy.look_up_names))
        self._names = policy.names
        self._pace = RateLimiter(policy.look_ups, since)
        self._open: dict[str, _FileSearch] = {}

    async def find(self, sought: ExpectedFile) -> Result | None:
        """Look for a file, and give its details, as `exists`; None where it is not there.

        Raises
        ------
        OtherFileError
            Whatever is stored under its name, at whatever time, cannot be this file.
        Error
            Nobody could say.
        """
        folder, paths = sought.path.rpartition("/")[0], spellings(sought.path, self._names)
        names = [path.rpartition("/")[2] for path in paths]
        search = self._open.get(folder)
        if search is None or not search.takes(names):
            search = self._open[folder] = _FileSearch(self._most)
            search.names += names
            await self._go(folder, search)
        else:
            search.names += names
        files = await asyncio.shield(search.answer)  # one row that is stopped does not stop the others' search
        # The answer has told the service's time, by which a clock that is wrong here is corrected.
        since = None if sought.since is None else self._served(sought.since)
        file = matching(files, paths, size=sought.size, since=since)
        if file is None and since is None and matching(files, paths) is not None:
            raise OtherFileError("a file of another size has this name")
        return None if file is None else as_existing(file)

    async def _go(self, folder: str, search: _FileSearch) -> None:
        """Wait for a search's turn, in which others may join it, and have it made."""
        try:
            away = self._pace.reserve(time.monotonic())
            if away and not await self._sleep(away):
                raise Error("the run stopped first")
            if self._open.get(folder) is search:
                del self._open[folder]
            search.answer.set_result(await files_named(self._wire, self._account, folder, search.names))
        except BaseException as error:
            if self._open.get(folder) is search:
                del self._open[folder]
            search.answer.set_exception(error if isinstance(error, Error) else Error("the search was stopped"))
            search.answer.exception()  # it may be that nobody waits
            if not isinstance(error, Error):
                raise
