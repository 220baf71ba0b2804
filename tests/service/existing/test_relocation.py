"""Files are renamed and moved, and none that is there is replaced by that."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from itertools import count
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from rows import blobs, quiet

import ikpipe
from ikpipe.concurrency.rate import RateLimiter
from ikpipe.run.existing.relocation import HalfwayError, Relocator, TakenError
from ikpipe.run.existing.requests import PacedRequests
from ikpipe.service.client import ServiceClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from ikpipe import Account
    from ikpipe.emulator import Emulator

_FOLDERS = count()
SOON = ikpipe.Policy(first_wait=0.01, changes=0, look_ups=0)


@pytest.fixture
def folder() -> str:
    """Return a folder that no other test uses."""
    return f"/relocation/{next(_FOLDERS)}"


def stored(account: Account, *paths: str) -> list[dict[str, Any]]:
    """Store a file at each path, and return their details."""
    frame = blobs(*(path.encode() for path in paths), at=list(paths))
    results = quiet(frame, account, path="{at}", use_unique_file_name=False, policy=ikpipe.Policy(names="as_given"))
    return [{"fileId": row.ik_file_id, "filePath": row.ik_file_path} for row in results.itertuples()]


def paths(account: Account, folder: str) -> dict[str, Any]:
    """Return the files below a folder: path → id."""
    files = ikpipe.files(account, search=f'path : "{folder}/"')
    return dict(zip(files["filePath"], files["fileId"], strict=True))


@asynccontextmanager
async def relocator(account: Account, transport: httpx.AsyncBaseTransport | None = None) -> AsyncIterator[Relocator]:
    """Return what renames and moves files."""

    async def sleep(seconds: float) -> bool:
        return await asyncio.sleep(seconds, True)

    async with ServiceClient(transport, policy=SOON) as client:
        requests = PacedRequests(client, account, RateLimiter(0), sleep, 0.01)
        yield Relocator(requests, requests, SOON)


def relocate(
    account: Account, file: dict[str, Any], target: str, transport: httpx.AsyncBaseTransport | None = None
) -> dict[str, Any]:
    """Give one file a path."""

    async def go() -> dict[str, Any]:
        async with relocator(account, transport) as relocating:
            return await relocating.relocate(file, target)

    return asyncio.run(go())


@pytest.mark.parametrize("target", ["a/y.txt", "b/x.txt", "b/y.txt", "b/c/d/y.txt"])
def test_a_file_keeps_its_id(account: Account, folder: str, target: str) -> None:
    """Renamed, moved, or both."""
    (file,) = stored(account, f"{folder}/a/x.txt")
    assert relocate(account, file, f"{folder}/{target}")["filePath"] == f"{folder}/{target}"
    assert paths(account, folder) == {f"{folder}/{target}": file["fileId"]}


@pytest.mark.parametrize("target", ["a/y.txt", "b/x.txt", "b/y.txt"])
def test_no_file_is_replaced(account: Account, folder: str, target: str) -> None:
    """A file at the target stays, with its one version."""
    file, _ = stored(account, f"{folder}/a/x.txt", f"{folder}/{target}")
    before = paths(account, folder)
    with pytest.raises(TakenError, match="not replaced"):
        relocate(account, file, f"{folder}/{target}")
    assert paths(account, folder) == before


def test_the_path_between_is_chosen_so_that_it_is_free(account: Account, folder: str) -> None:
    """A file that has the new name in the old folder stays."""
    file, other = stored(account, f"{folder}/a/x.txt", f"{folder}/a/y.txt")
    relocate(account, file, f"{folder}/b/y.txt")
    assert paths(account, folder) == {f"{folder}/b/y.txt": file["fileId"], f"{folder}/a/y.txt": other["fileId"]}


def test_without_a_free_path_between_nothing_is_done(account: Account, folder: str) -> None:
    """Both paths between have files."""
    file, *_ = stored(account, f"{folder}/a/x.txt", f"{folder}/a/y.txt", f"{folder}/b/x.txt")
    before = paths(account, folder)
    with pytest.raises(TakenError, match="needed to rename and move"):
        relocate(account, file, f"{folder}/b/y.txt")
    assert paths(account, folder) == before


def test_a_file_that_is_there_is_left(account: Account, folder: str, emulator: Emulator) -> None:
    """In another Unicode form, or with other characters that the service may replace."""
    (file,) = stored(account, f"{folder}/cafe\u0301.txt")
    since = len(emulator.log())
    relocate(account, file, f"{folder}/caf\u00e9.txt")
    assert not [entry for entry in emulator.log()[since:] if entry["method"] != "GET"]


class Failing(httpx.AsyncHTTPTransport):
    """A transport that loses the answers to requests with a path: they are carried out, or not."""

    def __init__(self, path: str, times: int, *, carried_out: bool) -> None:
        super().__init__()
        self._path, self._left, self._carried_out = path, times, carried_out

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        if request.url.path != self._path or not self._left:
            return await super().handle_async_request(request)
        self._left -= 1
        if self._carried_out:
            await (await super().handle_async_request(request)).aread()
        raise httpx.ReadError("lost", request=request)


@pytest.mark.parametrize("path", ["/v1/files/rename", "/v1/files/move"])
@pytest.mark.parametrize("carried_out", [True, False])
def test_a_lost_answer_does_no_harm(account: Account, folder: str, path: str, *, carried_out: bool) -> None:
    """The request is sent again; one that was carried out is rejected then, and the file is where it should be."""
    (file,) = stored(account, f"{folder}/a/x.txt")
    for target in (f"{folder}/a/y.txt", f"{folder}/b/y.txt"):
        relocate(account, file, target, Failing(path, 1, carried_out=carried_out))
        assert paths(account, folder) == {target: file["fileId"]}


def test_an_error_half_way_says_where_the_file_is(account: Account, folder: str) -> None:
    """The second attempt completes it."""
    (file,) = stored(account, f"{folder}/a/x.txt")
    with pytest.raises(HalfwayError, match=rf'The file is at "{folder}/a/y.txt" now'):
        relocate(account, file, f"{folder}/b/y.txt", Failing("/v1/files/move", 9, carried_out=False))
    relocate(account, file, f"{folder}/b/y.txt")
    assert paths(account, folder) == {f"{folder}/b/y.txt": file["fileId"]}


def test_a_folder_is_created_where_the_service_wants_that(emulate: Callable[..., Emulator]) -> None:
    """With the folders above it."""
    account = emulate(missing_destination="refuse").account
    (file,) = stored(account, "/a/x.txt")
    relocate(account, file, "/b/c/d/y.txt")
    assert paths(account, "") == {"/b/c/d/y.txt": file["fileId"]}


def test_files_wait_for_the_paths_of_others(account: Account, folder: str) -> None:
    """A file never passes through the target of another: it would become its version."""
    files = stored(account, f"{folder}/a/x.txt", f"{folder}/a/y.txt", f"{folder}/c/x.txt")
    targets = [f"{folder}/b/y.txt", f"{folder}/z.txt", f"{folder}/b/x.txt"]

    async def go() -> list[Any]:
        async with relocator(account) as relocating:
            pairs = zip(files, targets, strict=True)
            return await asyncio.gather(*(relocating.relocate(*pair) for pair in pairs))

    asyncio.run(go())
    assert paths(account, folder) == {target: file["fileId"] for file, target in zip(files, targets, strict=True)}
