"""A sync that is killed at any request, and then repeated, leaves what one run would have left."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from itertools import count
from typing import TYPE_CHECKING

import pytest
from syncs import library, synced, write_tree

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ikpipe.emulator import Emulator

FILES = {**{f"{name}.txt": name * 3 for name in "abcdef"}, "sub/x.txt": "xx", "sub/y.txt": "yy"}
KILLED = """
import os, sys, httpx, ikpipe
number, after = int(sys.argv[3]), sys.argv[4] == "after"

class Killing(httpx.AsyncHTTPTransport):
    async def handle_async_request(self, request):
        global number
        number -= 1
        if number == 0 and not after:
            os._exit(9)
        answer = await super().handle_async_request(request)
        if number == 0:
            await answer.aread()
            os._exit(9)
        return answer

keys = {name: os.environ[name] for name in ("public_key", "private_key", "upload_url", "api_url")}
options = {"delete": True, "dry_run": False, "progress": False, "journal": sys.argv[5] or None}
ikpipe.sync(sys.argv[1], ikpipe.Account(**keys), sys.argv[2], transport=Killing(), **options)
"""
_FOLDERS = count()


@pytest.fixture
def source(tmp_path: Path, emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, str]:
    """Sync a folder, then change, add, rename, move and delete files in it; return it and the folder of the library."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    root, folder = tmp_path / "source", f"/kills/{next(_FOLDERS)}"
    write_tree(root, FILES)
    synced(root, emulator.account, folder)
    write_tree(root, {"a.txt": "AAA", "new.txt": "new"})
    (root / "b.txt").rename(root / "renamed.txt")
    (root / "c.txt").rename(root / "sub" / "both.txt")
    (root / "sub" / "x.txt").rename(root / "x.txt")
    (root / "d.txt").unlink()
    return root, folder


def killed(source: tuple[Path, str], emulator: Emulator, number: int, when: str, journal: object = "") -> int:
    """Sync in a process that is killed at a request; return its exit status."""
    account = emulator.account
    names = ("public_key", "private_key", "upload_url", "api_url")
    env = {**os.environ, **{name: str(getattr(account, name)) for name in names}}
    words = [sys.executable, "-c", KILLED, str(source[0]), source[1], str(number), when, str(journal)]
    return subprocess.run(words, env=env, check=False).returncode  # noqa: S603 - no shell


def check(source: tuple[Path, str], emulator: Emulator, run: Callable[[], object]) -> None:
    """Check that a sync leaves the library equal to the source, and that one more writes nothing."""
    root, folder = source
    run()
    there = {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    assert library(emulator, folder) == there
    before = len(emulator.log())
    synced(root, emulator.account, folder, delete=True, dry_run=False)
    assert {entry["method"] for entry in emulator.log()[before:]} == {"GET"}


REQUESTS = [pytest.param(at, marks=[] if at in (7, 13, 20) else [pytest.mark.soak]) for at in range(1, 22)]
"""Those of the sync, about: some in CI, all of them in the long suites."""


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", REQUESTS)
def test_killed_at_a_request(number: int, when: str, source: tuple[Path, str], emulator: Emulator) -> None:
    """Once before the request leaves, and once when its answer has come."""
    others = library(emulator, "/")
    outside = {path: text for path, text in others.items() if not f"/{path}".startswith(f"{source[1]}/")}
    status = killed(source, emulator, number, when)
    assert status in (0, 9)
    root, folder = source
    check(source, emulator, lambda: synced(root, emulator.account, folder, delete=True, dry_run=False))
    now = library(emulator, "/")
    assert {path: text for path, text in now.items() if not f"/{path}".startswith(f"{folder}/")} == outside


POLICY = ikpipe.Policy(index_lag=0.1, first_wait=0.01, changes=0, look_ups=0)


def undone(journal: Path, emulator: Emulator) -> dict[str, str]:
    """Undo the sync of a journal; return what became of its files, by their paths."""
    time.sleep(0.2)  # until the index has what was stored last
    frame = ikpipe.undo(journal, emulator.account, dry_run=False, policy=POLICY)
    return dict(zip(frame["ik_file_path"], frame["ik_change"], strict=True))


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", REQUESTS)
def test_a_killed_sync_is_undone(
    number: int, when: str, source: tuple[Path, str], emulator: Emulator, tmp_path: Path
) -> None:
    """What it did is reverted, but for deletions, which are named; a second undo has nothing to do."""
    folder, deleted = source[1], f"{source[1]}/d.txt"
    before, others = library(emulator, folder), {*(tmp_path / "state").rglob("*.ikjournal")}
    killed(source, emulator, number, when)
    own = [*{*(tmp_path / "state").rglob("*.ikjournal")} - others]  # none if it was killed before its journal
    assert (len(own), len(others)) in ((0, 1), (1, 1))
    changes = [undone(journal, emulator) for journal in own * 2]
    gone = {"d.txt"} if changes and changes[0].get(deleted) == "left" else set()
    assert library(emulator, folder) == {path: text for path, text in before.items() if path not in gone}
    if changes:
        assert {*changes[-1].values()} <= {"none", "absent", *(["left"] if gone else [])}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", REQUESTS)
def test_a_killed_sync_is_repeated_with_its_journal(
    number: int, when: str, source: tuple[Path, str], emulator: Emulator, tmp_path: Path
) -> None:
    """The journal of the first one is moved; when both are undone, only the deleted file is missing."""
    (root, folder), journal = source, tmp_path / "own.ikjournal"
    before, others = library(emulator, folder), {*(tmp_path / "state").rglob("*.ikjournal")}
    killed(source, emulator, number, when, journal)
    synced(root, emulator.account, folder, delete=True, dry_run=False, journal=journal)
    moved = {*(tmp_path / "state").rglob("*.ikjournal")} - others
    assert len(moved) <= 1
    gone = [undone(one, emulator).get(f"{folder}/d.txt") for one in (journal, *moved)]
    assert "left" in gone
    assert library(emulator, folder) == {path: text for path, text in before.items() if path != "d.txt"}
