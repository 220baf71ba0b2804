"""`sync` from a URL that fsspec opens."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from syncs import actions, library, synced

import ikpipe

if TYPE_CHECKING:
    from ikpipe.emulator import Emulator

_BUCKETS = count()
GO: dict[str, Any] = {"delete": True, "dry_run": False}


@pytest.fixture
def bucket() -> str:
    """Return the URL of a folder in memory with four files."""
    url = f"memory://bucket{next(_BUCKETS)}/photos"
    for name, text in {"a.txt": b"a", "sub/b.txt": b"bb", "c d.txt": b"ccc", "e.txt": b"eeee"}.items():
        put(url, name, text)
    return url


def put(url: str, name: str, text: bytes) -> None:
    """Write a file."""
    with fsspec.open(f"{url}/{name}", "wb") as file:
        file.write(text)


def remove(url: str, name: str) -> None:
    """Delete a file."""
    store, path = fsspec.core.url_to_fs(f"{url}/{name}")
    store.rm(path)


def test_a_folder(bucket: str, folder: str, emulator: Emulator) -> None:
    """Files are read here and sent; the second time nothing is."""
    synced(bucket, emulator.account, folder)
    assert library(emulator, folder) == {"a.txt": b"a", "sub/b.txt": b"bb", "c_d.txt": b"ccc", "e.txt": b"eeee"}
    before = len(emulator.log())
    frame = synced(bucket, emulator.account, folder, **GO)
    assert set(frame["ik_action"]) == {"unchanged"}
    assert {entry["method"] for entry in emulator.log()[before:]} == {"GET"}


def test_what_differs(bucket: str, folder: str, emulator: Emulator) -> None:
    """A changed file of the same size is sent, a deleted one is deleted, an excluded one is left."""
    synced(bucket, emulator.account, folder)
    put(bucket, "a.txt", b"A")
    put(bucket, "new.txt", b"new")
    remove(bucket, "sub/b.txt")
    remove(bucket, "e.txt")
    frame = synced(bucket, emulator.account, folder, exclude="e.*", **GO)
    assert actions(frame) == {
        "a.txt": "replace",
        "c d.txt": "unchanged",
        "new.txt": "upload",
        f"{folder}/sub/b.txt": "delete",
    }
    assert sorted(library(emulator, folder)) == ["a.txt", "c_d.txt", "e.txt", "new.txt"]


def test_only_changed_files_are_read(
    bucket: str, folder: str, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the store lists tells whether a file has changed."""
    synced(bucket, emulator.account, folder)
    put(bucket, "a.txt", b"A")
    read: list[str] = []
    opened = MemoryFileSystem.open
    monkeypatch.setattr(
        MemoryFileSystem,
        "open",
        lambda store, path, *rest, **more: (read.append(path), opened(store, path, *rest, **more))[1],
    )
    synced(bucket, emulator.account, folder)
    assert [path.rpartition("/")[2] for path in read] == ["a.txt"]


def test_a_file_that_changes_while_it_is_read(
    bucket: str, folder: str, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not sent, and nothing is deleted."""
    synced(bucket, emulator.account, folder)
    put(bucket, "a.txt", b"A")
    remove(bucket, "e.txt")
    opened = MemoryFileSystem.open
    numbers = count(1000)

    def changing(store: Any, path: str, mode: str = "rb", *rest: Any, **more: Any) -> Any:
        """Open a file, and change it at once."""
        stream = opened(store, path, mode, *rest, **more)
        if mode == "rb":
            store.pipe_file(path, b"x" * next(numbers))
        return stream

    monkeypatch.setattr(MemoryFileSystem, "open", changing)
    frame = synced(bucket, emulator.account, folder, retries=1, policy=ikpipe.Policy(first_wait=0.01), **GO)
    assert frame["ik_error"].dropna().tolist() == ["fetch_failed"]
    there = library(emulator, folder)
    assert (there["a.txt"], "e.txt" in there) == (b"a", True)


def test_a_store_that_cannot_be_read_at_the_end(
    bucket: str, folder: str, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is deleted."""
    synced(bucket, emulator.account, folder)
    remove(bucket, "e.txt")
    find, calls = MemoryFileSystem.find, count()

    def failing(store: Any, *args: Any, **more: Any) -> Any:
        """List once, then fail."""
        if next(calls):
            raise ConnectionError("The store is away")
        return find(store, *args, **more)

    monkeypatch.setattr(MemoryFileSystem, "find", failing)
    frame = synced(bucket, emulator.account, folder, **GO)
    assert "The store is away" in frame.attrs["ikpipe"]["not_deleted"]
    assert "e.txt" in library(emulator, folder)


@pytest.mark.parametrize(
    ("url", "match"),
    [
        ("file:///tmp", "local folder"),
        ("zip::memory://x", "cannot be|local folder|URL"),
        ("nosuch://bucket/x", "nosuch"),
        ("memory://nothing-there", "cannot be read|no files"),
    ],
)
def test_wrong_urls(url: str, match: str, folder: str, emulator: Emulator) -> None:
    """One error names the URL, and nothing is done."""
    with pytest.raises(ikpipe.MappingError, match=match):
        synced(url, emulator.account, folder, **GO)


def test_secrets_of_a_url(folder: str, emulator: Emulator) -> None:
    """A password in the URL is in no error."""
    with pytest.raises(ikpipe.MappingError) as error:
        synced("nosuch://user:hunter2@bucket/x?key=hunter2", emulator.account, folder)
    assert "hunter2" not in str(error.value)
