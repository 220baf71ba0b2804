"""`files` lists the media library as a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pandas as pd
import pytest
from doubles import RawServer, answering, silent

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from ikpipe import Account
    from ikpipe.emulator import Emulator

    Picture = Callable[..., bytes]


@pytest.fixture(scope="module")
def library(emulator: Emulator) -> Emulator:
    """Fill a folder of the shared emulator."""
    frame = pd.DataFrame({"file": [b"1", b"22", b"333"], "name": ["a.txt", "b.txt", "c.txt"], "tags": ["x", "y", "x"]})
    ikpipe.upload(
        frame,
        emulator.account,
        columns={"file_name": "name"},
        folder="/library",
        use_unique_file_name=False,
        progress=False,
    )
    return emulator


def test_a_row_is_a_file(library: Emulator) -> None:
    """The frame has the service's own names, in the library's order."""
    found = ikpipe.files(library.account, path="/library")
    assert (sorted(found["name"]), sorted(found["size"])) == (["a.txt", "b.txt", "c.txt"], [1, 2, 3])
    assert {"fileId", "filePath", "tags", "url"} <= set(found)


def test_a_search_is_the_service_s_own(library: Emulator) -> None:
    """`search` speaks the service's query language."""
    found = ikpipe.files(library.account, search='tags IN ["x"] AND size > 1', path="/library")
    assert found["name"].tolist() == ["c.txt"]


def test_what_is_listed_is_what_was_answered(account: Account, picture: Picture) -> None:
    """The library tells of a file what its upload told: id, address, size and metadata agree."""
    result = ikpipe.upload_file(picture(), account, file_name="猫.png", folder="/agree", tags=["ä"])
    listed = ikpipe.files(account, search=f'name = "{result.name}"').iloc[0]
    assert listed["fileId"] == result.file_id
    assert listed[["url", "size", "width", "tags"]].tolist() == [result.url, result.size, result.width, ["ä"]]


def test_an_empty_list_is_an_empty_frame(account: Account) -> None:
    """Nothing found is no error."""
    assert ikpipe.files(account, path="/nobody/was/here").empty


class Shelf(httpx.AsyncBaseTransport):
    """A library of so many files, which notes how it is asked."""

    def __init__(self, count: int) -> None:
        self.count, self.asked = count, list[dict[str, str]]()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Give a page."""
        self.asked.append(dict(request.url.params))
        first, limit = int(request.url.params["skip"]), int(request.url.params["limit"])
        return httpx.Response(200, json=[{"fileId": str(n)} for n in range(first, min(first + limit, self.count))])


@pytest.mark.parametrize(
    ("count", "limit", "pages"),
    [
        (2500, None, [("0", "1000"), ("1000", "1000"), ("2000", "1000")]),
        (1000, None, [("0", "1000"), ("1000", "1000")]),
        (2500, 1200, [("0", "1000"), ("1000", "200")]),
        (3, 5, [("0", "5")]),
        (3, 0, []),
    ],
)
def test_long_lists_come_in_pages(
    count: int, limit: int | None, pages: list[tuple[str, str]], account: Account
) -> None:
    """The API gives 1,000 files at most: `files` asks on, up to the end or the limit, and each file is there once."""
    shelf = Shelf(count)
    found = ikpipe.files(account, limit=limit, transport=shelf)
    wanted = count if limit is None else min(count, limit)
    assert list(found["fileId"]) == [str(n) for n in range(wanted)]
    assert [(asked["skip"], asked["limit"]) for asked in shelf.asked] == pages


def test_a_rate_limit_is_waited_out(emulate: Callable[..., Emulator]) -> None:
    """The media API is rate-limited: its wait is kept, and the list comes all the same."""
    emulator = emulate(api_rate=1, rate_interval=1000)
    ikpipe.files(emulator.account)
    assert ikpipe.files(emulator.account).empty
    assert [entry["status"] for entry in emulator.log()][-2:] == [429, 200]


def test_a_refused_key_is_an_account_error(emulator: Emulator) -> None:
    """A key that the API refuses is an `AccountError`, with the service's words."""
    wrong = ikpipe.Account(emulator.public_key, "private_of_nobody=", api_url=emulator.url)
    with pytest.raises(ikpipe.AccountError, match="cannot be authenticated"):
        ikpipe.files(wrong)


def test_it_needs_the_private_key(account: Account) -> None:
    """Without a private key, the error names the variable."""
    with pytest.raises(ikpipe.AccountError, match="IMAGEKIT_PRIVATE_KEY"):
        ikpipe.files(ikpipe.Account(account.public_key, api_url=account.api_url))


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (400, {"message": "Bad query."}, "Bad query"),
        (500, b"", "status 500"),
        (200, b"<html>", "status 200: the response is not JSON"),
        (200, {"files": []}, "invalid list of files"),
    ],
)
def test_other_trouble_is_an_error_with_its_reason(status: int, body: Any, words: str, account: Account) -> None:
    """A refused query, a server error and an answer that is no list are told in the error."""
    with RawServer(answering(status, body)) as server:
        there = ikpipe.Account(account.public_key, account.private_key, api_url=server.url)
        with pytest.raises(ikpipe.Error, match=words):
            ikpipe.files(there)


def test_a_library_out_of_reach_is_an_error(account: Account) -> None:
    """Nobody at the address: the error names it."""
    with RawServer(silent) as server:
        gone = server.url
    with pytest.raises(ikpipe.Error, match=f"{gone} cannot be reached"):
        ikpipe.files(ikpipe.Account(account.public_key, account.private_key, api_url=gone))
