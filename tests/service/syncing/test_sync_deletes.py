"""`sync(delete=True)`: what is never deleted, and accidents after which nothing is."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pandas as pd
import pytest
from syncs import library, synced, write_tree

import ikpipe
from ikpipe.concurrency.interrupts import CURRENT_CONTROL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ikpipe.emulator import Emulator


FILES = {f"{name}.txt": name * 3 for name in "abcdef"}
GO: dict[str, Any] = {"delete": True, "dry_run": False}


@pytest.fixture
def stored(root: Path, folder: str, emulator: Emulator) -> dict[str, bytes]:
    """Store six files, delete one from the source, and return what the library has."""
    write_tree(root, FILES)
    synced(root, emulator.account, folder)
    (root / "a.txt").unlink()
    return library(emulator, folder)


class Between(httpx.AsyncHTTPTransport):
    """Does something before the first upload, or before the first deletion."""

    def __init__(self, path: str, action: Callable[[], None]) -> None:
        super().__init__()
        self._path, self._action = path, action

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, after the action if it is the first of its kind."""
        if self._path in request.url.path and self._action is not None:
            action, self._action = self._action, None  # type: ignore[assignment] # once
            action()
        return await super().handle_async_request(request)


def test_it_needs_a_yes(root: Path, folder: str, emulator: Emulator, stored: dict[str, bytes]) -> None:
    """With `delete`, the default is a dry run."""
    synced(root, emulator.account, folder, delete=True)
    assert library(emulator, folder) == stored
    synced(root, emulator.account, folder, **GO)
    assert library(emulator, folder) == {path: text for path, text in stored.items() if path != "a.txt"}


def test_without_delete_files_stay(root: Path, folder: str, emulator: Emulator, stored: dict[str, bytes]) -> None:
    """Nothing is deleted unless that is asked for."""
    assert "delete" not in set(synced(root, emulator.account, folder)["ik_action"])
    assert library(emulator, folder) == stored


# Refusals


def refused(source: Any, folder: str, emulator: Emulator, match: str, **options: Any) -> None:
    """Check that a sync is refused before any change, and that the plan says so; with "all", it is done."""
    before = len(emulator.log())
    with pytest.raises(ikpipe.MappingError, match=match) as error:
        synced(source, emulator.account, folder, **GO, **options)
    assert 'delete="all"' in str(error.value) or "delete='all'" in str(error.value)
    assert not [entry for entry in emulator.log()[before:] if entry["method"] != "GET"]
    plan = synced(source, emulator.account, folder, delete=True, **options)
    assert plan.attrs["ikpipe"]["not_deleted"] is not None


@pytest.mark.usefixtures("stored")
def test_an_empty_source(root: Path, folder: str, emulator: Emulator) -> None:
    """A disk that is not mounted is an empty folder."""
    shutil.rmtree(root)
    root.mkdir()
    refused(root, folder, emulator, "The source has no files")
    synced(root, emulator.account, folder, delete="all", dry_run=False)
    assert library(emulator, folder) == {}


@pytest.mark.usefixtures("stored")
def test_patterns_that_match_nothing(root: Path, folder: str, emulator: Emulator) -> None:
    """No file of the source is included, and none of the library is deleted."""
    before = library(emulator, folder)
    with pytest.raises(ikpipe.MappingError, match="no files"):
        synced(root, emulator.account, folder, include="*.jpg", **GO)
    assert library(emulator, folder) == before


@pytest.mark.usefixtures("stored")
def test_more_than_half(root: Path, folder: str, emulator: Emulator) -> None:
    """Four of six files would go; three would be accepted."""
    for name in "bcd":
        (root / f"{name}.txt").unlink()
    refused(root, folder, emulator, "4 of the 6 files")
    write_tree(root, {"d.txt": "ddd"})
    synced(root, emulator.account, folder, **GO)
    assert sorted(library(emulator, folder)) == ["d.txt", "e.txt", "f.txt"]


@pytest.mark.usefixtures("stored")
def test_the_wrong_folder(folder: str, emulator: Emulator, tmp_path: Path) -> None:
    """Another source would replace all files."""
    other = tmp_path / "other"
    write_tree(other, {f"{number}.txt": "x" for number in range(9)})
    refused(other, folder, emulator, "more than half")


def test_the_whole_library(emulate: Callable[..., Emulator], root: Path) -> None:
    """The folder / is refused, whatever would be deleted."""
    emulator = emulate()
    write_tree(root, FILES)
    synced(root, emulator.account, "/")
    refused(root, "/", emulator, "whole library")
    (root / "a.txt").unlink()
    synced(root, emulator.account, "/", delete="all", dry_run=False)
    assert sorted(library(emulator, "/")) == sorted(FILES)[1:]


# What stays


def test_excluded_files(root: Path, folder: str, emulator: Emulator, stored: dict[str, bytes]) -> None:
    """Neither those of the source nor those that only the library has."""
    frame = synced(root, emulator.account, folder, exclude=["a.*", "/b.txt"], **GO)
    assert library(emulator, folder) == stored
    assert len(frame) == 4


def test_files_that_are_not_included(root: Path, folder: str, emulator: Emulator, stored: dict[str, bytes]) -> None:
    """With patterns to include, all others are excluded."""
    synced(root, emulator.account, folder, include=["b.txt", "c.txt"], **GO)
    assert library(emulator, folder) == stored


def test_excluded_names_with_replaced_characters(root: Path, folder: str, emulator: Emulator) -> None:
    """A pattern for a local name protects the name that the library has, even if the local file is gone."""
    write_tree(root, {**FILES, "my photos/x 1.txt": "x", "v1.2/y.txt": "y", "z+.txt": "z"})
    synced(root, emulator.account, folder)
    before = library(emulator, folder)
    for gone in ("my photos", "v1.2"):
        shutil.rmtree(root / gone)
    (root / "z+.txt").unlink()
    synced(root, emulator.account, folder, exclude=["my photos/", "/v1.2/**", "z[+].txt"], **GO)
    assert library(emulator, folder) == before


def test_an_excluded_folder_of_the_source(root: Path, folder: str, emulator: Emulator) -> None:
    """What is in it is not read, and nothing of it is deleted."""
    write_tree(root, {**FILES, "my photos/x.txt": "x"})
    synced(root, emulator.account, folder)
    before = library(emulator, folder)
    (root / "my photos" / "x.txt").unlink()
    synced(root, emulator.account, folder, exclude="{{my.photos}}/**", **GO)
    assert library(emulator, folder) == before


def test_other_folders(root: Path, folder: str, emulator: Emulator) -> None:
    """A folder whose name only begins the same is another one."""
    write_tree(root, FILES)
    for place in (folder, f"{folder}1", f"{folder}-x", folder.upper()):
        synced(root, emulator.account, place)
    (root / "a.txt").unlink()
    synced(root, emulator.account, folder, **GO)
    for place in (f"{folder}1", f"{folder}-x", folder.upper()):
        assert len(library(emulator, place)) == 6


def test_an_invalid_row_protects_its_target(
    root: Path, folder: str, emulator: Emulator, stored: dict[str, bytes]
) -> None:
    """A file that became empty is not sent, and its earlier content stays; others are deleted."""
    (root / "b.txt").write_text("")
    synced(root, emulator.account, folder, **GO)
    assert library(emulator, folder) == {path: text for path, text in stored.items() if path != "a.txt"}


def test_a_row_whose_target_nobody_knows(folder: str, emulator: Emulator) -> None:
    """Nothing is deleted: the file can be that of the row."""
    frame = pd.DataFrame({"file": [b"1", b"2", b"3"], "file_name": ["a", "b", "c"]})
    synced(frame, emulator.account, folder)
    broken = pd.DataFrame({"file": [b"1", b"2", b"3"], "file_name": ["a", "b", "x/y"]})
    result = synced(broken, emulator.account, folder, **GO)
    assert result.attrs["ikpipe"]["not_deleted"] is not None
    assert result["ik_change"].tolist()[-1] == "cancelled"
    assert sorted(library(emulator, folder)) == ["a", "b", "c"]


def test_an_invalid_row_of_a_table(folder: str, emulator: Emulator) -> None:
    """Its name is known, so only its file is protected."""
    names = ["a", "b", "c", "d"]
    frame = pd.DataFrame({"file": [b"1", b"2", b"3", b"4"], "file_name": names})
    synced(frame, emulator.account, folder)
    broken = pd.DataFrame({"file": [b"1", b"2", b"3"], "file_name": names[:3], "tags": ["x", "x", "%"]})
    synced(broken, emulator.account, folder, **GO)
    assert sorted(library(emulator, folder)) == ["a", "b", "c"]


# Accidents


@contextmanager
def unreadable(path: Path) -> Iterator[None]:
    """Let nobody read a folder or file; root can read everything, so it is made a broken link for it."""
    if os.geteuid():
        mode = path.stat().st_mode
        path.chmod(0)
        yield
        path.chmod(mode)
        return
    away = path.with_name("away")
    path.rename(path.parent.parent / away.name)
    path.symlink_to("nowhere")
    yield
    path.unlink()


def test_a_file_that_cannot_be_read(root: Path, folder: str, emulator: Emulator, stored: dict[str, bytes]) -> None:
    """Nothing is deleted after an error in reading the source."""
    with unreadable(root / "b.txt"):
        frame = synced(root, emulator.account, folder, **GO)
    assert library(emulator, folder) == stored
    assert "could not be read" in frame.attrs["ikpipe"]["not_deleted"]


def test_a_folder_that_cannot_be_read(
    root: Path, folder: str, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is deleted, since nobody knows what is in it."""
    write_tree(root, {**FILES, "sub/x.txt": "x"})
    synced(root, emulator.account, folder)
    before = library(emulator, folder)
    (root / "a.txt").unlink()
    scan = os.scandir

    def failing(path: Any) -> Any:
        """Fail for one folder."""
        if str(path).rstrip("/").endswith("sub"):
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(os, "scandir", failing)
    frame = synced(root, emulator.account, folder, **GO)
    assert library(emulator, folder) == before
    assert "sub/ cannot be read" in frame.attrs["ikpipe"]["not_deleted"]


@pytest.mark.usefixtures("stored")
def test_a_source_that_vanishes_meanwhile(root: Path, folder: str, emulator: Emulator) -> None:
    """The disk is unmounted while files are sent."""
    write_tree(root, {"new.txt": "new"})
    before = library(emulator, folder)

    def unmount() -> None:
        root.rename(root.with_name("elsewhere"))
        root.mkdir()

    frame = synced(root, emulator.account, folder, transport=Between("upload", unmount), **GO)
    assert library(emulator, folder).items() >= before.items()
    assert frame.attrs["ikpipe"]["not_deleted"] is not None


def test_a_file_that_appears_in_the_source_meanwhile(
    root: Path, folder: str, emulator: Emulator, stored: dict[str, bytes]
) -> None:
    """It is in the library already, and stays there."""
    write_tree(root, {"new.txt": "new"})
    again = Between("upload", lambda: write_tree(root, {"a.txt": "aaa"}))
    synced(root, emulator.account, folder, transport=again, **GO)
    assert library(emulator, folder) == {**stored, "new.txt": b"new"}


def test_a_file_that_fails(root: Path, folder: str, emulator: Emulator, stored: dict[str, bytes]) -> None:
    """Nothing is deleted after an upload that failed."""
    write_tree(root, {"new.txt": "new"})
    frame = synced(root, emulator.account, folder, checks="not a check", **GO)
    assert "failed" in set(frame["ik_status"])
    assert library(emulator, folder) == stored
    assert "1 failed" in frame.attrs["ikpipe"]["not_deleted"]


def test_a_listing_that_fails(root: Path, folder: str, emulator: Emulator, stored: dict[str, bytes]) -> None:
    """A folder of which only a part could be listed loses nothing."""
    listing = [0]

    class Broken(httpx.AsyncHTTPTransport):
        """Answers every listing after the upload with an error."""

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            """Fail once something was uploaded."""
            if "upload" in request.url.path:
                listing[0] = 1
            elif listing[0] and request.method == "GET":
                return httpx.Response(418, json={"message": "I cannot list."})
            return await super().handle_async_request(request)

    write_tree(root, {"new.txt": "new"})
    frame = synced(root, emulator.account, folder, transport=Broken(), **GO)
    assert library(emulator, folder) == {**stored, "new.txt": b"new"}
    assert "could not be read" in frame.attrs["ikpipe"]["not_deleted"]


@pytest.mark.usefixtures("stored")
def test_a_file_that_somebody_replaces_meanwhile(root: Path, folder: str, emulator: Emulator) -> None:
    """It has another version than the one that was listed, and stays."""
    write_tree(root, {"new.txt": "new"})

    def replace() -> None:
        ikpipe.upload_file(b"AAA", emulator.account, file_name="a.txt", folder=folder, use_unique_file_name=False)

    frame = synced(root, emulator.account, folder, transport=Between("upload", replace), **GO)
    assert library(emulator, folder)["a.txt"] == b"AAA"
    assert "left" in frame["ik_change_message"].iloc[-1]


@pytest.mark.usefixtures("stored")
def test_a_file_that_somebody_stores_meanwhile(root: Path, folder: str, emulator: Emulator) -> None:
    """It was not in the plan, and stays."""
    write_tree(root, {"new.txt": "new"})

    def store() -> None:
        ikpipe.upload_file(b"!", emulator.account, file_name="theirs.txt", folder=folder, use_unique_file_name=False)

    synced(root, emulator.account, folder, transport=Between("upload", store), **GO)
    there = library(emulator, folder)
    assert there["theirs.txt"] == b"!"
    assert "a.txt" not in there


def test_a_file_that_somebody_deletes_meanwhile(
    root: Path, folder: str, emulator: Emulator, stored: dict[str, bytes]
) -> None:
    """The others are deleted all the same."""
    (root / "b.txt").unlink()
    files = ikpipe.files(emulator.account, path=folder)
    one = files[files["name"] == "a.txt"]
    gone = Between("batch/deleteByFileIds", lambda: ikpipe.delete(one, emulator.account, dry_run=False))
    frame = synced(root, emulator.account, folder, transport=gone, **GO)
    assert sorted(frame["ik_change"].iloc[-2:]) == ["absent", "done"]
    assert sorted(library(emulator, folder)) == sorted(stored)[2:]


def press_ctrl_c() -> None:
    """Interrupt the run of this thread, and wait until it knows."""
    control = CURRENT_CONTROL.get()
    assert control is not None
    while not control.interrupted:  # a thread that is just about to wait for a lock does not notice a signal
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        until = time.monotonic() + 5
        while not control.interrupted and time.monotonic() < until:
            time.sleep(0.001)


def test_an_interrupt(root: Path, folder: str, emulator: Emulator, stored: dict[str, bytes]) -> None:
    """After Ctrl-C, files in flight are finished, and nothing is deleted."""
    write_tree(root, {"new.txt": "new"})
    press = Between("upload", press_ctrl_c)
    frame = synced(root, emulator.account, folder, transport=press, **GO)
    assert frame.attrs["ikpipe"]["interrupted"]
    assert frame.attrs["ikpipe"]["not_deleted"] == "The run was interrupted."
    assert library(emulator, folder).items() >= stored.items()


def test_an_interrupt_of_the_plan(root: Path, folder: str, emulator: Emulator, stored: dict[str, bytes]) -> None:
    """Ctrl-C before anything was sent: nothing is changed, not even moved."""
    (root / "b.txt").rename(root / "other.txt")
    press = Between("files", press_ctrl_c)
    before = len(emulator.log())
    frame = synced(root, emulator.account, folder, transport=press, **GO)
    assert frame.attrs["ikpipe"]["interrupted"]
    assert {entry["method"] for entry in emulator.log()[before:]} <= {"GET"}
    assert library(emulator, folder) == stored
