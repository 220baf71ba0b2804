"""`undo` of a sync: files that it moved are moved back, and those that it deleted are named."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from syncs import library, synced, write_tree

import ikpipe

if TYPE_CHECKING:
    import pandas as pd

    from ikpipe.emulator import Emulator

SWIFT = ikpipe.Policy(first_wait=0.01, index_lag=0.1, changes=0, look_ups=0)
TREE = {"a.txt": "a", "b.txt": "bb", "c.txt": "ccc", "sub/d.txt": "dddd"}


@dataclass
class Scene:
    """A folder that was synced once, and its journal of the next sync."""

    root: Path
    folder: str
    emulator: Emulator
    journal: Path

    def sync(self, **options: Any) -> pd.DataFrame:
        """Sync the folder, and delete what it does not have."""
        options = {"delete": "all", "dry_run": False, "policy": SWIFT, "journal": self.journal, **options}
        frame: pd.DataFrame = synced(self.root, self.emulator.account, self.folder, **options)
        return frame

    def undo(self, run: Any = None, *, dry_run: bool = False) -> dict[str, str]:
        """Undo the sync; return what became of each row, by its file in the source or in the library."""
        run = self.journal if run is None else run
        frame = ikpipe.undo(run, self.emulator.account, dry_run=dry_run, policy=SWIFT)
        names = frame["file"].fillna(frame["ik_file_path"])
        self.messages = dict(zip(names, frame["ik_change_message"], strict=True))
        return {name: change for name, change in zip(names, frame["ik_change"], strict=True) if change != "none"}

    def library(self) -> dict[str, str]:
        """Return the texts of the files in the library, by their paths."""
        return {path: content.decode() for path, content in library(self.emulator, self.folder).items()}

    def path(self, name: str) -> str:
        """Return the path of a file in the library."""
        return f"{self.folder}/{name}"

    def move(self, name: str, target: str) -> None:
        """Move a file of the source."""
        (self.root / target).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).rename(self.root / target)


@pytest.fixture
def scene(root: Path, folder: str, emulator: Emulator, tmp_path: Path) -> Scene:
    """Return a folder that is synced."""
    write_tree(root, TREE)
    synced(root, emulator.account, folder)
    return Scene(root, folder, emulator, tmp_path / "sync.ikjournal")


def test_moves(scene: Scene) -> None:
    """Renamed, moved, and both."""
    scene.move("a.txt", "other.txt")
    scene.move("b.txt", "sub/b.txt")
    scene.move("c.txt", "new/both.txt")
    frame = scene.sync()
    assert frame.attrs["ikpipe"]["moved"] == 3
    assert scene.undo(dry_run=True) == dict.fromkeys(["other.txt", "sub/b.txt", "new/both.txt"], "planned")
    assert scene.undo() == dict.fromkeys(["other.txt", "sub/b.txt", "new/both.txt"], "done")
    assert scene.library() == TREE
    assert scene.undo() == {}


def test_deletions_are_named(scene: Scene) -> None:
    """Nothing brings them back; all else is undone."""
    (scene.root / "a.txt").unlink()
    write_tree(scene.root, {"b.txt": "BB", "new.txt": "new"})
    scene.sync()
    expected = {"b.txt": "done", "new.txt": "done", scene.path("a.txt"): "left"}
    assert scene.undo(dry_run=True) == {**expected, "b.txt": "planned", "new.txt": "planned"}
    assert scene.undo() == expected
    assert scene.messages[scene.path("a.txt")].startswith("The run was to delete it, and it is not in the library")
    assert scene.library() == {name: text for name, text in TREE.items() if name != "a.txt"}


def test_a_new_file_at_the_path_of_a_moved_one(scene: Scene) -> None:
    """It is deleted before the other one gets its path again."""
    scene.move("a.txt", "z.txt")
    write_tree(scene.root, {"a.txt": "another"})
    scene.sync()
    assert scene.undo() == {"a.txt": "done", "z.txt": "done"}
    assert scene.library() == TREE


def test_moved_one_after_the_other(scene: Scene) -> None:
    """The later sync is undone first, since the path is taken until then."""
    scene.move("c.txt", "new.txt")
    scene.sync(journal=scene.journal.with_name("first"))
    scene.move("b.txt", "c.txt")
    scene.sync(journal=scene.journal.with_name("second"))
    assert scene.undo(scene.journal.with_name("first")) == {"new.txt": "failed"}
    assert "There is a file at" in str(scene.messages["new.txt"])
    assert scene.undo(scene.journal.with_name("second")) == {"c.txt": "done"}
    assert scene.undo(scene.journal.with_name("first")) == {"new.txt": "done"}
    assert scene.library() == TREE


@pytest.mark.parametrize("by", ["frame", "results"])
def test_by_its_results(by: str, scene: Scene, tmp_path: Path) -> None:
    """The journal that this process knows, or that is in the state folder, has what was moved and deleted."""
    scene.move("a.txt", "z.txt")
    (scene.root / "b.txt").unlink()
    frame: Any = scene.sync(journal=None)
    if by == "results":
        ikpipe.write_results(frame, tmp_path / "results.parquet")
        frame = tmp_path / "results.parquet"
    assert scene.undo(frame) == {"z.txt": "done", scene.path("b.txt"): "left"}


def test_what_somebody_changed_since(scene: Scene) -> None:
    """A file that was moved again, or replaced, is left."""
    scene.move("a.txt", "moved.txt")
    scene.move("b.txt", "replaced.txt")
    scene.sync()
    account = scene.emulator.account
    options: dict[str, Any] = {"use_unique_file_name": False, "folder": scene.folder}
    ikpipe.upload_file(b"other", account, file_name="replaced.txt", **options)
    rows = ikpipe.files(account, path=scene.folder)
    rows = rows[rows["name"] == "moved.txt"].assign(to="elsewhere.txt")
    ikpipe.update(rows, account, columns={"file_name": "to"}, policy=SWIFT, progress=False)
    assert scene.undo() == {"moved.txt": "left", "replaced.txt": "left"}


def test_a_file_that_was_not_deleted(scene: Scene) -> None:
    """A sync can end between the note in its journal and the deletion: the file is there, and nothing is to be done."""
    from ikpipe.journal.entries import RowBefore
    from ikpipe.journal.sqlite import SQLiteJournal

    scene.sync()
    file = ikpipe.files(scene.emulator.account, path=scene.folder).iloc[0]
    with SQLiteJournal.open(scene.journal, scene.emulator.account) as journal:
        before = '{"filePath": "' + file["filePath"] + '"}'
        journal.write([RowBefore(len(TREE), file["fileId"], file["versionInfo"]["id"], before, '{"deleted": true}')])
    assert scene.undo() == {}
    assert scene.messages[file["filePath"]] == "It was not deleted."
