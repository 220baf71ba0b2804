"""Confirmations of uploads that pages report: the files are searched for in batches, and read one by one if need be."""

import asyncio

from ikpipe.errors import Error
from ikpipe.journal.history import ExpectedFile
from ikpipe.request.account import Account
from ikpipe.request.policy import Policy
from ikpipe.request.result import Result
from ikpipe.run.lookups import LookupBatcher
from ikpipe.service.client import ServiceClient
from ikpipe.service.library import read_stored_file

_MOST_MISSES = 10  # in a row, after which searches are useless: the library shows new files too late


class Confirmer:
    """Reads the details of files that were just stored, for one run.

    One request per file would be slower than the uploads of small files, and more than the media API allows. A search
    answers for many files, but may miss a file for some seconds after it was stored; the details of one file do not.
    """

    def __init__(self, client: ServiceClient, account: Account, policy: Policy) -> None:
        self._client, self._account = client, account
        self._batcher = LookupBatcher(client, account, policy, _sleep)
        self._misses = 0

    async def read(self, file_id: str, since: float, expected: ExpectedFile | None) -> Result:
        """Return the details of a file that was stored or replaced since a time, in seconds since 1970.

        `expected` is how to search for it; None reads it by its id alone.

        Raise `Error` if there is no such file, it is older, or the library could not be read.
        """
        if expected is not None and self._misses < _MOST_MISSES:
            result = await self._search(file_id, expected._replace(since=since))
            if result is not None:
                self._misses = 0
                return result
            self._misses += 1
        result, stored = await read_stored_file(self._client, self._account, file_id)
        if stored < since:
            raise Error("It is an older file.")
        return result

    async def _search(self, file_id: str, expected: ExpectedFile) -> Result | None:
        try:
            result = await self._batcher.find(expected)
        except Error:
            return None
        if result is None or result.file_id != file_id:
            return None
        result.status = "uploaded"
        return result


async def _sleep(seconds: float) -> bool:
    await asyncio.sleep(seconds)
    return True
