"""Which files the library has at the targets of rows: what is found, in how many requests, and never half of it."""

from __future__ import annotations

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, ClassVar, cast

import pytest

from ikpipe import Policy
from ikpipe.concurrency.rate import RateLimiter
from ikpipe.errors import AccountError, Error
from ikpipe.request.planner import UploadRequest
from ikpipe.request.sources import FileSource
from ikpipe.run.existing.library_files import LibraryFiles, SharedListings
from ikpipe.run.existing.requests import PacedRequests
from ikpipe.service.client import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ikpipe import Account

_PART = re.compile(r'\(path : "([^"]*)" AND \(([^)]*)\)\)')


class FakeLibrary:
    """A library that has files at these paths, in this order of creation; it counts requests."""

    def __init__(self, paths: Iterable[str]) -> None:
        self.files = [{"fileId": path, "filePath": path} for path in paths]
        self.requests: list[dict[str, Any]] = []
        self.on_request: Callable[[int], None] = lambda _number: None

    async def api(self, _account: Account, _path: str, query: dict[str, Any], **_: Any) -> list[dict[str, Any]]:
        """Return a page."""
        self.requests.append(query)
        self.on_request(len(self.requests))
        await asyncio.sleep(0)
        found = [file for file in self.files if _matches(file["filePath"], query)]
        skip = query.get("skip", 0)
        return found[skip : skip + query["limit"]]

    @property
    def searches(self) -> int:
        """The number of searches for names."""
        return sum("name = " in query.get("searchQuery", "") for query in self.requests)


def _matches(path: str, query: dict[str, Any]) -> bool:
    folder, _, name = path.rpartition("/")
    search, above = query.get("searchQuery", ""), query.get("path")
    if above is not None and above.rstrip("/") != folder:
        return False
    if parts := _PART.findall(search):
        return any(f"{folder}/".startswith(start) and f'name = "{name}"' in names for start, names in parts)
    if search.startswith("path : "):
        return f"{folder}/".startswith(search.removeprefix("path : ").strip('"'))
    return not search or f'name = "{name}"' in search


def row(path: str, given: str | None = None) -> UploadRequest:
    """Return a row that goes to a path."""
    folder, _, name = path.rpartition("/")
    fields = {"folder": folder or "/", "fileName": name, "useUniqueFileName": "false"}
    return UploadRequest(0, 0, fields, FileSource("bytes", content=b"1", size=1), given=given)


async def _wait(_seconds: float) -> bool:
    return True


class Reader:
    """Asks a library for the files of rows, part by part. `close_all` ends all of them."""

    made: ClassVar[list[LibraryFiles]] = []

    def __init__(
        self,
        library: FakeLibrary,
        account: Account,
        rows: int | None = None,
        shared: SharedListings | None = None,
        **policy: Any,
    ) -> None:
        rules = Policy(first_wait=0, **policy)
        reads = PacedRequests(cast("Any", library), account, RateLimiter(None), _wait, rules.first_wait)
        self._files = LibraryFiles(reads, rules, rows, shared)
        self.made.append(self._files)

    def at(self, *rows: UploadRequest) -> list[str | None]:
        """Return the path of the file at the target of each row."""
        return [None if file is None else str(file["filePath"]) for file in asyncio.run(self._files.at(rows))]

    def old(self, *rows: UploadRequest) -> list[bool]:
        """Return whether the answers for rows can be older than this reader."""
        return [self._files.is_old(one) for one in rows]

    def has(self, paths: Sequence[str]) -> list[bool]:
        """Return whether a file is at each path."""
        return [path == found for path, found in zip(paths, self.at(*map(row, paths)), strict=True)]


@pytest.fixture(autouse=True)
def close_all() -> Iterator[None]:
    """Close the temporary files."""
    yield
    while Reader.made:
        Reader.made.pop().close()


def numbered(folder: str, count: int) -> list[str]:
    """Return the paths of some files in a folder."""
    return [f"{folder}/{number}.jpg" for number in range(count)]


def test_a_small_folder_is_listed_once_for_all_rows(account: Account) -> None:
    """Also those of later parts."""
    library = FakeLibrary(numbered("/in", 300))
    reader = Reader(library, account)
    assert reader.has(numbered("/in", 200)) == [True] * 200
    assert reader.has([*numbered("/in", 300)[200:], "/in/none.jpg"]) == [True] * 100 + [False]
    assert len(library.requests) == 1


@pytest.mark.parametrize("count", [998, 999, 1000, 1001, 1999, 2000, 5000])
def test_every_file_of_a_folder_of_any_size_is_found(count: int, account: Account) -> None:
    """Pages begin and end between any two files."""
    paths = numbered("/in", count)
    assert Reader(FakeLibrary(paths), account).has([*paths, "/in/none.jpg"]) == [True] * count + [False]


def test_a_few_rows_of_a_huge_folder_cost_a_few_requests(account: Account) -> None:
    """A million files would be a thousand pages."""
    paths = numbered("/in", 3_000)
    library = FakeLibrary(paths)
    assert Reader(library, account).has(paths[:5] + paths[-5:]) == [True] * 10
    assert len(library.requests) == 2


def test_a_huge_folder_of_which_all_files_are_wanted_is_listed(account: Account) -> None:
    """At first some are searched for, as nobody knows how long the folder is."""
    paths = numbered("/in", 8_000)
    library = FakeLibrary(paths)
    reader = Reader(library, account)
    for start in range(0, 600, 40):
        assert all(reader.has(paths[start : start + 40]))
    assert (library.searches, len(library.requests)) == (2, 12)


def test_many_folders_cost_as_many_requests_as_their_files_have_pages(account: Account) -> None:
    """100,000 folders must not cost 100,000 requests."""
    paths = [f"/in/{number}/a.jpg" for number in range(3_000)]
    library = FakeLibrary(paths)
    reader = Reader(library, account)
    for start in range(0, len(paths), 500):
        assert all(reader.has(paths[start : start + 500]))
    assert len(library.requests) == 4


def test_many_folders_beside_a_huge_library_are_searched_for(account: Account) -> None:
    """The listing of all is given up for these rows."""
    paths = [f"/{number}/a.jpg" for number in range(40)]
    library = FakeLibrary([*numbered("/other", 13_000), *paths])
    assert Reader(library, account).has([*paths, "/0/b.jpg"]) == [True] * 40 + [False]
    assert library.searches == 3
    assert len(library.requests) < 20


def test_a_search_with_more_hits_than_a_page_is_divided(account: Account) -> None:
    """Folders below the wanted ones have files of the same names."""
    wanted = ["/a/x.jpg", "/b/x.jpg"]
    below = [f"/{folder}/{number}/x.jpg" for folder in "ab" for number in range(3_000)]
    library = FakeLibrary([*below, *wanted])
    assert Reader(library, account).has(wanted) == [True, True]


def test_a_file_deleted_while_its_folder_is_listed_hides_no_other(account: Account) -> None:
    """The rest of the list moves up, so one would be missing."""
    paths = numbered("/in", 4_000)
    library = FakeLibrary(paths)
    library.on_request = lambda number: number == 2 and library.files.pop(0)  # type: ignore[assignment]
    assert Reader(library, account).has(paths) == [False] + [True] * 3_999


def test_a_file_deleted_before_the_listing_started_again_is_not_there(account: Account) -> None:
    """What an earlier start has seen does not count."""
    paths = numbered("/in", 3_000)
    library = FakeLibrary(paths)
    library.on_request = lambda number: number == 3 and library.files.pop(0)  # type: ignore[assignment]
    assert Reader(library, account).has(paths)[0] is False


def test_a_library_that_changes_all_the_time_is_searched(account: Account) -> None:
    """No listing is complete."""
    paths = numbered("/in", 4_000)
    library = FakeLibrary([*numbered("/in/", 100), *paths])
    library.files = [
        {"fileId": f"gone {number}", "filePath": f"/in/gone{number}"} for number in range(500)
    ] + library.files
    library.on_request = lambda _number: library.files.pop(0)  # type: ignore[assignment]
    assert all(Reader(library, account).has(paths[:500]))


def test_files_that_are_stored_meanwhile_do_not_disturb_a_listing(account: Account) -> None:
    """The run's own uploads come at the end of it."""
    paths = numbered("/in", 3_000)
    library = FakeLibrary(paths)
    library.on_request = lambda number: library.files.append({"fileId": f"{number}", "filePath": f"/in/new{number}"})
    assert all(Reader(library, account).has(paths))
    assert library.searches == 0


@pytest.mark.parametrize("there", ["/in/a b.jpg", "/in/a_b.jpg", "/in/a+b.jpg"])
@pytest.mark.parametrize("beside", [0, 1_500])
def test_a_file_whose_name_is_the_target_after_replacing_is_found(there: str, beside: int, account: Account) -> None:
    """In a listing; a search finds the names as given and as sent."""
    library = FakeLibrary([there, *numbered("/in", beside)])
    found = Reader(library, account).at(row("/in/a_b.jpg", "a b.jpg"))
    assert found == [there] if not (beside and "+" in there) else [None]


def test_the_exact_path_comes_before_one_with_replaced_characters(account: Account) -> None:
    """Then the name as given."""
    both = FakeLibrary(["/in/a+b.jpg", "/in/a_b.jpg", "/in/a b.jpg"])
    assert Reader(both, account).at(row("/in/a_b.jpg", "a b.jpg")) == ["/in/a_b.jpg"]
    given = FakeLibrary(["/in/a+b.jpg", "/in/a b.jpg"])
    assert Reader(given, account).at(row("/in/a_b.jpg", "a b.jpg")) == ["/in/a b.jpg"]


@pytest.mark.parametrize("beside", [0, 1_500])
@pytest.mark.parametrize("forms", [("e\u0301", "\u00e9"), ("\u00e9", "e\u0301")])
def test_a_name_is_found_in_either_unicode_form(forms: tuple[str, str], beside: int, account: Account) -> None:
    """The service may store another than was sent."""
    there, sent = (f"/in/{form}.jpg" for form in forms)
    library = FakeLibrary([there, *numbered("/in", beside)])
    found = Reader(library, account).at(row(sent))
    assert found == [there]


def test_names_as_given_are_looked_up_unchanged(account: Account) -> None:
    """The account keeps characters, so another name is another file."""
    library = FakeLibrary(["/in/a_b.jpg"])
    assert Reader(library, account, names="as_given").at(row("/in/a b.jpg")) == [None]


def test_a_root_folder_is_listed_without_its_folders(account: Account) -> None:
    """Its path is a slash."""
    library = FakeLibrary(["/a.jpg", "/in/b.jpg"])
    assert Reader(library, account).has(["/a.jpg", "/b.jpg"]) == [True, False]


@pytest.mark.parametrize(
    ("error", "requests"),
    [(Error("gone"), 5), (ApiError("no", 502), 5), (ApiError("no", 400), 1), (AccountError("no"), 1)],
)
def test_a_library_that_cannot_be_read_is_an_error_and_never_empty(
    error: Error, requests: int, account: Account
) -> None:
    """A request without an answer is sent again."""
    library = FakeLibrary(["/in/a.jpg"])

    def fail(_number: int) -> None:
        raise error

    library.on_request = fail
    with pytest.raises(type(error)):
        Reader(library, account).at(row("/in/a.jpg"))
    assert len(library.requests) == requests


def test_a_page_that_fails_once_is_asked_for_again(account: Account) -> None:
    """A dead connection is no reason to stop."""
    library = FakeLibrary(["/in/a.jpg"])

    def fail(number: int) -> None:
        if number == 1:
            raise Error("gone")

    library.on_request = fail
    assert Reader(library, account).has(["/in/a.jpg"]) == [True]


def test_a_short_table_lists_no_more_than_its_searches_would_cost(account: Account) -> None:
    """A part of a table on a cluster is one."""
    paths = numbered("/in", 30_000)
    library = FakeLibrary(paths)
    assert all(Reader(library, account, rows=200).has(paths[:200]))
    assert (library.searches, len(library.requests)) == (10, 20)


# Listings that the parts of a table share


def shared(checked_every: float = 1_000.0) -> SharedListings:
    """Return listings to share, which are not checked again in these tests unless a row is new."""
    return SharedListings(checked_every)


def test_parts_share_a_listing(account: Account) -> None:
    """100 parts list a folder once, and not each of them."""
    paths = numbered("/in", 5_000)
    library, listings = FakeLibrary(paths), shared()
    for first in range(0, 5_000, 50):
        assert Reader(library, account, 50, listings).has(paths[first : first + 50]) == [True] * 50
    # Each page, and searches for the first rows, until it is clear that a listing is worth it.
    assert len(library.requests) < 25


def test_files_that_were_stored_meanwhile_are_found(account: Account) -> None:
    """They are the last ones of a listing, whose end is read again where a row is not in it."""
    library, listings = FakeLibrary(numbered("/in", 900)), shared()
    assert Reader(library, account, shared=listings).has(["/in/900.jpg"]) == [False]
    library.files += FakeLibrary([f"/in/{number}.jpg" for number in range(900, 2_000)]).files
    before = len(library.requests)
    assert Reader(library, account, shared=listings).has(["/in/5.jpg", "/in/1999.jpg", "/in/x.jpg"]) == [
        True,
        True,
        False,
    ]
    assert len(library.requests) == before + 2


def test_the_end_of_a_listing_is_read_once_for_a_part(account: Account) -> None:
    """All of its rows are new."""
    paths = numbered("/in", 6_000)
    library, listings = FakeLibrary(paths), shared()
    assert Reader(library, account, shared=listings).has(paths) == [True] * 6_000
    reader, before = Reader(library, account, shared=listings), len(library.requests)
    assert (reader.has(["/in/a.jpg"]), reader.has(["/in/b.jpg"])) == ([False], [False])
    assert len(library.requests) == before + 1


@pytest.mark.parametrize("deleted", [0, 5, 9])
def test_a_file_that_was_deleted_meanwhile_is_not_found(deleted: int, account: Account) -> None:
    """A listing whose end has moved is read again, even if as many files were stored."""
    paths = numbered("/in", 10)
    library, listings = FakeLibrary(paths), shared(checked_every=0)
    assert Reader(library, account, shared=listings).has(paths) == [True] * 10
    del library.files[deleted]
    library.files += FakeLibrary(["/in/new.jpg"]).files
    found = [*paths[:deleted], *paths[deleted + 1 :], "/in/new.jpg"]
    assert Reader(library, account, shared=listings).has([*found, paths[deleted]]) == [True] * 10 + [False]


def test_an_empty_folder_has_files_later(account: Account) -> None:
    """There is no last file to begin with."""
    library, listings = FakeLibrary([]), shared()
    assert Reader(library, account, shared=listings).has(["/in/0.jpg"]) == [False]
    library.files += FakeLibrary(numbered("/in", 3)).files
    assert Reader(library, account, shared=listings).has(numbered("/in", 4)) == [True] * 3 + [False]


def test_details_of_an_earlier_listing_can_be_old(account: Account) -> None:
    """Those that a reader has listed itself cannot."""
    library, listings = FakeLibrary(numbered("/in", 3)), shared()
    rows = [row("/in/0.jpg"), row("/in/none.jpg")]
    first, second = (Reader(library, account, shared=listings) for _ in range(2))
    first.at(*rows)
    second.at(*rows)
    assert (first.old(*rows), second.old(*rows)) == ([False] * 2, [True] * 2)


def test_parts_in_several_threads_share_a_listing(account: Account) -> None:
    """One lists, and the others wait for it."""
    paths = numbered("/in", 3_000)
    library, listings = FakeLibrary(paths), shared()
    readers = [Reader(library, account, shared=listings) for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        assert [*threads.map(lambda reader: reader.has(paths), readers)] == [[True] * 3_000] * 8
    assert len(library.requests) == 4
