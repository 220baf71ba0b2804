"""Two parties change a folder and the library in any order; `sync` makes them equal."""

from __future__ import annotations

import shutil
import tempfile
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from examples import plays
from hypothesis import given
from hypothesis import strategies as st
from syncs import library, synced, write_tree

import ikpipe

if TYPE_CHECKING:
    from ikpipe.emulator import Emulator


_FOLDERS = count()
PATHS = st.sampled_from(["a", "b", "c", "s/a", "s/b", "t/a"])
TEXTS = st.sampled_from(["1", "22", "333"])  # of different sizes: what only the library has, only they tell
STEPS = st.one_of(
    st.tuples(st.just("write"), PATHS, TEXTS),
    st.tuples(st.just("remove"), PATHS),
    st.tuples(st.just("rename"), PATHS, PATHS),
    st.tuples(st.just("store"), PATHS, TEXTS),
    st.tuples(st.just("delete"), PATHS),
    st.tuples(st.just("tag"), PATHS),
    st.tuples(st.just("sync"), st.booleans()),
)
QUICK = ikpipe.Policy(changes=500.0, look_ups=500.0)


class Parties:
    """A folder, a folder of the library, and what others do with both."""

    def __init__(self, root: Path, folder: str, emulator: Emulator) -> None:
        self.root, self.folder, self.emulator, self.account = root, folder, emulator, emulator.account

    def write(self, path: str, text: str) -> None:
        """Write a file of the source."""
        write_tree(self.root, {path: text})

    def remove(self, path: str) -> None:
        """Delete a file of the source."""
        (self.root / path).unlink(missing_ok=True)

    def rename(self, path: str, other: str) -> None:
        """Rename a file of the source, which replaces another one."""
        if (self.root / path).exists():
            (self.root / other).parent.mkdir(exist_ok=True)
            (self.root / path).replace(self.root / other)

    def store(self, path: str, text: str) -> None:
        """Store a file in the library."""
        parent, _, name = f"{self.folder}/{path}".rpartition("/")
        ikpipe.upload_file(text.encode(), self.account, file_name=name, folder=parent, use_unique_file_name=False)

    def _found(self, path: str) -> Any:
        listed = ikpipe.files(self.account)
        return listed[listed["filePath"] == f"{self.folder}/{path}"] if len(listed) else listed

    def delete(self, path: str) -> None:
        """Delete a file of the library."""
        if len(found := self._found(path)):
            ikpipe.delete(found, self.account, dry_run=False)

    def tag(self, path: str) -> None:
        """Add a tag to a file of the library."""
        if len(found := self._found(path)):
            ikpipe.add_tags(found, self.account, "theirs")

    def sync(self, delete: bool = True) -> None:  # noqa: FBT001, FBT002 - a step
        """Sync the folder."""
        options: dict[str, Any] = {"delete": "all", "dry_run": False} if delete else {}
        synced(self.root, self.account, self.folder, policy=QUICK, **options)


@pytest.fixture(scope="module")
def parties_of(emulator: Emulator) -> Any:
    """Return what makes parties with folders of their own."""

    def make() -> Parties:
        return Parties(Path(tempfile.mkdtemp()), f"/parties/{next(_FOLDERS)}", emulator)

    return make


@plays(15)
@given(steps=st.lists(STEPS, max_size=12))
def test_any_order(steps: list[tuple[Any, ...]], parties_of: Any) -> None:
    """After a sync, the library equals the source; one more writes nothing."""
    parties = parties_of()
    try:
        for name, *values in steps:
            getattr(parties, name)(*values)
        parties.sync()
        root = parties.root
        there = {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
        assert library(parties.emulator, parties.folder) == there
        before = len(parties.emulator.log())
        parties.sync()
        assert {entry["method"] for entry in parties.emulator.log()[before:]} <= {"GET"}
    finally:
        shutil.rmtree(parties.root)
