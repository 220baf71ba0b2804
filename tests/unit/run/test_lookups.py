"""Searches for many rows: which of them share a request, and the result of each."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any, cast

import pytest

from ikpipe import Policy
from ikpipe.errors import Error
from ikpipe.journal.history import ExpectedFile
from ikpipe.run.lookups import LENGTH, LookupBatcher

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ikpipe import Account
    from ikpipe.request.result import Result


class Library:
    """A library that has the files of these paths, and records the searches."""

    def __init__(self, *paths: str, error: Error | None = None) -> None:
        self.asked: list[tuple[str, list[str]]] = []
        self._paths, self._error = paths, error

    async def api(self, _account: Account, _path: str, query: dict[str, Any]) -> list[dict[str, Any]]:
        """Answer a search."""
        names = re.findall(r'name = "([^"]*)"', query["searchQuery"])
        self.asked.append((query["path"], names))
        await asyncio.sleep(0)
        if self._error is not None:
            raise self._error
        return [
            {"fileId": path, "filePath": path, "size": 3}
            for path in self._paths
            if path.rpartition("/")[0] == query["path"].rstrip("/") and path.rpartition("/")[2] in names
        ]


def looked(library: Library, account: Account, paths: Iterable[str], **policy: Any) -> list[Result | None]:
    """Search for several files at once, with short waits."""

    async def sleep(_seconds: float) -> bool:
        await asyncio.sleep(0)
        return True

    async def go() -> list[Result | None]:
        looks = LookupBatcher(cast("Any", library), account, Policy(**{"look_ups": 1e-3, **policy}), sleep)
        return await asyncio.gather(*(looks.find(ExpectedFile(path, 3)) for path in paths))

    return asyncio.run(go())


def test_rows_that_wait_for_their_turn_share_a_search(account: Account) -> None:
    """The first is searched at once; the others wait, and share a request."""
    library = Library("/f/a", "/f/b", "/f/c")
    found = looked(library, account, ["/f/a", "/f/b", "/f/c", "/f/d"])
    assert [one and one.file_id for one in found] == ["/f/a", "/f/b", "/f/c", None]
    assert library.asked == [("/f", ["a"]), ("/f", ["b", "c", "d"])]


def test_each_folder_has_its_own(account: Account) -> None:
    """A search is in one folder; the root of the library is one, too."""
    library = Library("/a", "/g/a")
    found = looked(library, account, ["/a", "/g/a", "/b", "/g/b"])
    assert [one and one.file_id for one in found] == ["/a", "/g/a", None, None]
    assert [folder for folder, _ in library.asked] == ["/", "/g", "/"]


def test_a_search_has_no_more_names_than_the_policy_says(account: Account) -> None:
    """The maximum number of names is a guess."""
    library = Library()
    looked(library, account, [f"/f/{row}" for row in range(10)], look_up_names=4)
    assert max(len(names) for _, names in library.asked) == 4
    assert sorted(name for _, names in library.asked for name in names) == [str(row) for row in range(10)]


def test_long_names_make_a_search_shorter(account: Account) -> None:
    """The first line of the request is short enough for every server."""
    library = Library()
    looked(library, account, [f"/f/{row}{'x' * 500}" for row in range(9)])
    assert max(sum(map(len, names)) for _, names in library.asked) <= LENGTH


def test_a_search_that_fails_fails_for_all_who_share_it(account: Account) -> None:
    """No row takes a failed search for an absence."""
    with pytest.raises(Error, match="cannot be reached"):
        looked(Library(error=Error("it cannot be reached")), account, ["/f/a", "/f/b", "/f/c"])


def test_what_waits_as_the_run_stops_is_told_so(account: Account) -> None:
    """No further search is sent."""

    async def sleep(_seconds: float) -> bool:
        return False

    async def go() -> list[Any]:
        looks = LookupBatcher(cast("Any", library), account, Policy(look_ups=1e-3), sleep)
        return await asyncio.gather(
            *(looks.find(ExpectedFile(f"/f/{row}", 3)) for row in range(3)), return_exceptions=True
        )

    library = Library()
    results = asyncio.run(go())
    assert results[0] is None
    assert all(isinstance(error, Error) for error in results[1:])
    assert len(library.asked) == 1


def test_a_row_that_is_stopped_leaves_the_search_to_the_others(account: Account) -> None:
    """The search goes on for the other rows that wait for it."""

    async def sleep(_seconds: float) -> bool:
        await asyncio.sleep(0.01)
        return True

    async def go() -> Result | None:
        looks = LookupBatcher(cast("Any", Library("/f/c")), account, Policy(look_ups=1e-3), sleep)
        rows = [asyncio.create_task(looks.find(ExpectedFile(f"/f/{name}", 3))) for name in "abc"]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        rows[2].cancel()
        last = asyncio.create_task(looks.find(ExpectedFile("/f/c", 3)))
        assert await rows[1] is None
        return await last

    found = asyncio.run(go())
    assert found is not None
    assert found.file_id == "/f/c"
