"""`sync` where requests fail, two run at once, or a clock is wrong."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from syncs import library, synced, write_tree

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ikpipe.emulator import Emulator


GO: dict[str, Any] = {"delete": True, "dry_run": False}
QUICK = ikpipe.Policy(first_wait=0.01, changes=500.0, look_ups=500.0, index_lag=0.2)


def change(root: Path) -> None:
    """Change, add, rename, move and delete files."""
    write_tree(root, {"a.txt": "AAA", "new.txt": "new"})
    (root / "b.txt").rename(root / "renamed.txt")
    (root / "c.txt").rename(root / "sub" / "both.txt")
    (root / "d.txt").unlink()


def contents(root: Path) -> dict[str, bytes]:
    """Return the files of a folder."""
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.fixture
def changed(root: Path, folder: str, emulator: Emulator) -> Path:
    """Sync a folder, and change it."""
    write_tree(root, {**{f"{name}.txt": name * 3 for name in "abcdef"}, "sub/x.txt": "xx"})
    synced(root, emulator.account, folder)
    change(root)
    return root


class Flaky(httpx.AsyncHTTPTransport):
    """Loses one of some requests: before it is sent, or its answer."""

    def __init__(self, every: int, start: int) -> None:
        super().__init__()
        self._every, self._number = every, start

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, unless it is one of those that are lost."""
        self._number += 1
        if self._number % self._every == 0 and self._number % (2 * self._every):
            raise httpx.ConnectError("lost before it was sent")
        answer = await super().handle_async_request(request)
        if self._number % self._every == 0:
            await answer.aclose()
            raise httpx.ReadError("the answer is lost")
        return answer


@pytest.mark.parametrize("start", range(5))
def test_one_request_in_five_fails(start: int, changed: Path, folder: str, emulator: Emulator) -> None:
    """However they fail, the same again until nothing is open leaves the library equal to the source."""
    for attempt in range(6):
        try:
            frame = synced(changed, emulator.account, folder, transport=Flaky(5, start + attempt), policy=QUICK, **GO)
        except ikpipe.Error:
            continue
        if frame["ik_status"].dropna().isin(["uploaded", "exists", "unchanged"]).all():
            break
    synced(changed, emulator.account, folder, policy=QUICK, **GO)
    assert library(emulator, folder) == contents(changed)


def test_two_at_once(changed: Path, folder: str, emulator: Emulator) -> None:
    """Both end, and the library equals the source."""
    with ThreadPoolExecutor(2) as pool:
        frames = list(pool.map(lambda _: synced(changed, emulator.account, folder, policy=QUICK, **GO), range(2)))
    assert all(frame["ik_status"].dropna().ne("failed").all() for frame in frames)
    assert library(emulator, folder) == contents(changed)


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_is_an_hour_off(hours: int, emulate: Callable[..., Emulator], root: Path, folder: str) -> None:
    """While this machine's clock is not the service's, no file is lost; once it is, the library equals the source.

    Tokens that have expired on arrival are refused, and then nothing is deleted.
    """
    offset = [0]
    emulator = emulate(clock=lambda: time.time() + offset[0])
    write_tree(root, {**{f"{name}.txt": name * 3 for name in "abcdef"}, "sub/x.txt": "xx"})
    synced(root, emulator.account, folder)
    change(root)
    offset[0] = 3600 * hours
    synced(root, emulator.account, folder, policy=QUICK, retries=0, **GO)
    offset[0] = 0
    there = library(emulator, folder).values()
    assert {path for path, text in contents(root).items() if text not in there} <= {"a.txt", "new.txt"}
    synced(root, emulator.account, folder, policy=QUICK, **GO)
    assert library(emulator, folder) == contents(root)


def test_a_path_that_is_taken_meanwhile(changed: Path, folder: str, emulator: Emulator) -> None:
    """A file that somebody stores at the target of a move is not made part of it; the source's content comes on top."""
    stored = []

    class Storing(httpx.AsyncHTTPTransport):
        """Stores a file before the first search for a free path."""

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            """Store it before the first request about the details of a file."""
            if "details" in request.url.path and not stored:
                stored.append(1)
                ikpipe.upload_file(
                    b"theirs", emulator.account, file_name="renamed.txt", folder=folder, use_unique_file_name=False
                )
            return await super().handle_async_request(request)

    frame = synced(changed, emulator.account, folder, transport=Storing(), **GO)
    row = frame[frame["file"] == "renamed.txt"].iloc[0]
    assert (row["ik_action"], row["ik_change"], row["ik_status"]) == ("move", "failed", "uploaded")
    assert library(emulator, folder)["renamed.txt"] == b"bbb"
    synced(changed, emulator.account, folder, **GO)
    assert library(emulator, folder) == contents(changed)
