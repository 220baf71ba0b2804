"""Random changes of a folder: `undo` of its sync gives the library back, but for deleted files, which are named."""

from __future__ import annotations

import shutil
import tempfile
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import nights
import pytest
from examples import plays
from hypothesis import given
from hypothesis import strategies as st
from syncs import synced
from test_sync_properties import Parties

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from ikpipe.emulator import Emulator


SWIFT = ikpipe.Policy(first_wait=0.001, index_lag=0.05, changes=0, look_ups=0)
_FOLDERS = count()
PATHS = st.sampled_from(["a", "b", "c", "s/a", "s/b", "t/a"])
TEXTS = st.sampled_from(["1", "22", "333"])  # so that several files have the same content
TREES = st.dictionaries(PATHS, TEXTS, min_size=1)
CHANGES = st.one_of(
    st.tuples(st.just("write"), PATHS, TEXTS),
    st.tuples(st.just("remove"), PATHS),
    st.tuples(st.just("rename"), PATHS, PATHS),
)
BY_OTHERS = st.one_of(
    st.tuples(st.just("store"), PATHS, TEXTS),
    st.tuples(st.just("delete"), PATHS),
    st.tuples(st.just("tag"), PATHS),
    st.tuples(st.just("move"), PATHS, PATHS),
)
LEFT = {"left", "absent", "failed"}  # what is reported if it was not undone: failed if a path is taken
Steps = list[tuple[Any, ...]]


class File(NamedTuple):
    """A file of the library: its path, a hash of its content, its tags, and the id of its version."""

    path: str
    content: str
    tags: list[str] | None
    version: str


class Library(Parties):
    """A folder of the library, and what a sync and others do there."""

    def files(self) -> dict[str, File]:
        """Return the files of the folder by their ids."""
        return {
            stored.details["fileId"]: File(
                path, stored.sha256, stored.details["tags"], stored.details["versionInfo"]["id"]
            )
            for path, stored in nights.library(self.emulator).items()
            if path.startswith(f"{self.folder}/")
        }

    def move(self, path: str, other: str) -> None:
        """Move a file of the library to a path that has no file."""
        if len(found := self._found(path)) and not len(self._found(other)):
            folder, _, name = f"{self.folder}/{other}".rpartition("/")
            ikpipe.update(found.assign(to=name), self.account, columns={"file_name": "to"}, folder=folder, policy=SWIFT)

    def play(self, steps: Steps) -> None:
        """Do something, step by step."""
        for name, *values in steps:
            getattr(self, name)(*values)

    def synced(self) -> Path:
        """Sync the folder; return the journal."""
        journal = self.root.with_name(f"{self.root.name}.ikjournal")
        options: dict[str, Any] = {"delete": "all", "dry_run": False, "journal": journal, "policy": SWIFT}
        synced(self.root, self.account, self.folder, **options)
        return journal


@pytest.fixture(scope="module")
def library_of(emulator: Emulator) -> Callable[[], Library]:
    """Return what makes folders."""
    return lambda: Library(Path(tempfile.mkdtemp()) / "source", f"/undone/{next(_FOLDERS)}", emulator)


def check(library: Library, tree: dict[str, str], changes: Steps, by_others: Steps) -> None:
    """Sync a folder, change it, sync it again, and undo that; in between, others change files in the library."""
    library.play([("write", *file) for file in tree.items()])
    library.synced()
    before = library.files()
    library.play(changes)
    journal = library.synced()
    after = library.files()
    library.play(by_others)
    theirs = library.files()
    undone = ikpipe.undo(journal, library.account, dry_run=False, policy=SWIFT)
    now, touched = library.files(), {at for at in after | theirs if after.get(at) != theirs.get(at)}
    deleted = before.keys() - after.keys()
    assert {at: now.get(at) for at in touched} == {at: theirs.get(at) for at in touched}
    assert {before[at].path for at in deleted} <= set(paths(undone, {"left"}))
    different = {at for at in before | now if before.get(at) != now.get(at)} - deleted - touched
    assert not different or touched, undone["ik_change_message"].tolist()
    assert {after[at].path for at in different} <= set(paths(undone, {"failed"}))
    reported = {at for at in touched & after.keys() if before.get(at) != after[at]}
    assert {after[at].path for at in reported} <= set(paths(undone, LEFT)), undone["ik_change_message"].tolist()


def paths(undone: pd.DataFrame, changes: set[str]) -> list[str]:
    """Return the paths of rows with given outcomes."""
    found: list[str] = undone.loc[undone["ik_change"].isin(changes), "ik_file_path"].tolist()
    return found


any_changes = given(tree=TREES, changes=st.lists(CHANGES, max_size=6), by_others=st.lists(BY_OTHERS, max_size=2))


def played(library: Library, **steps: Any) -> None:
    """Check an example, and delete its folder."""
    try:
        check(library, **steps)
    finally:
        shutil.rmtree(library.root.parent)


@plays(10)
@any_changes
def test_undo_of_a_sync(library_of: Callable[[], Library], **steps: Any) -> None:
    """What others changed since is left, and reported."""
    played(library_of(), **steps)


@pytest.mark.soak
@plays(400)
@any_changes
def test_undo_of_many_syncs(library_of: Callable[[], Library], **steps: Any) -> None:
    """The same with many more examples."""
    played(library_of(), **steps)
