"""Looking for a row's file in the library: what is this very file, and what only looks like it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest
from doubles import RawServer, answering
from rows import at

import ikpipe
from ikpipe.service.client import ServiceClient
from ikpipe.service.library import find_details

if TYPE_CHECKING:
    from ikpipe import Account

STORED_AT = 1_700_000_000
FILE = {"fileId": "1", "name": "a.gif", "filePath": "/f/a.gif", "size": 3, "updatedAt": "2023-11-14T22:13:20.000Z"}


def look(account: Account, target: str, **known: Any) -> dict[str, Any] | None:
    """Look for a file."""

    async def go() -> dict[str, Any] | None:
        async with ServiceClient() as wire:
            return await find_details(wire, account, target, **known)

    return asyncio.run(go())


def seen(account: Account, answer: object, **known: Any) -> dict[str, Any] | None:
    """Look for ``/f/a.gif`` in a library that gives this answer."""
    with RawServer(answering(200, answer)) as server:
        return look(at(account, server.url), "/f/a.gif", **known)


def test_a_file_is_found_with_its_details(account: Account) -> None:
    """As the library lists it."""
    assert seen(account, [FILE]) == FILE


@pytest.mark.parametrize("path", ["/a.gif", "/f/g/a.gif", "/F/a.gif", None])
def test_a_namesake_elsewhere_is_another_file(path: str | None, account: Account) -> None:
    """Only the whole path tells."""
    assert seen(account, [{**FILE, "filePath": path}]) is None


@pytest.mark.parametrize(("size", "found"), [(3, True), (None, True), (4, False)])
def test_a_file_has_the_size_that_was_sent(size: int | None, found: bool, account: Account) -> None:  # noqa: FBT001 - a parameter of the test
    """Another size is another file; where it is not known, the path is enough."""
    assert (seen(account, [FILE], size=size) is not None) == found


@pytest.mark.parametrize(("since", "found"), [(STORED_AT, True), (None, True), (STORED_AT + 1, False)])
def test_a_file_that_was_there_before_is_another(since: float | None, found: bool, account: Account) -> None:  # noqa: FBT001 - a parameter of the test
    """What was stored or replaced before the row began is a namesake."""
    assert (seen(account, [FILE], since=since) is not None) == found


def test_a_file_without_a_change_goes_by_its_beginning(account: Account) -> None:
    """Where `updatedAt` is missing, `createdAt` tells."""
    file = {name: value for name, value in FILE.items() if name != "updatedAt"}
    assert seen(account, [{**file, "createdAt": FILE["updatedAt"]}], since=STORED_AT) is not None


@pytest.mark.parametrize("date", [None, "", "soon", 7, ["2023"], "0001-01-01T00:00:00", "2023-11-14T22:13:20+99:00"])
def test_a_file_without_a_date_is_old(date: object, account: Account) -> None:
    """A date that cannot be read proves nothing: the file is not taken for this row's."""
    assert seen(account, [{**FILE, "updatedAt": date}], since=STORED_AT) is None


@pytest.mark.parametrize("answer", [{}, None, "no", 7, [1], [None], [FILE, "x"]])
def test_a_list_that_is_none_is_an_error(answer: object, account: Account) -> None:
    """What cannot be read is no absence, which would send the file a second time."""
    with pytest.raises(ikpipe.Error, match="list of files"):
        seen(account, answer)


@pytest.mark.parametrize("name", ["猫.gif", "é_\u0661.gif", ".gif", "a..b", 'say "hi".gif', r"a\b.gif", "İ.gif"])
def test_any_name_is_found(name: str, account: Account) -> None:
    """Letters of any script, dot-files, and what the service makes of quotes and backslashes."""
    began = time.time()
    result = ikpipe.upload_file(b"abc", account, file_name=name, folder="/any ñame".replace(" ", "_"))
    assert result.file_path is not None
    found = look(account, result.file_path, size=3, since=began - 1)
    assert found is not None
    assert found["fileId"] == result.file_id


def test_nothing_is_found_in_an_empty_folder(account: Account) -> None:
    """Absence is no error."""
    assert look(account, "/nobody/was/here.gif") is None
