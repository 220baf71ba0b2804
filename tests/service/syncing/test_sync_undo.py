"""`undo` of a sync: files that it moved are moved back, and those that it deleted are named."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pandas as pd
import pytest
from syncs import library, synced, write_tree

import ikpipe
from ikpipe.journal.entries import RowBefore
from ikpipe.journal.glances import glance
from ikpipe.journal.sqlite import SQLiteJournal
from ikpipe.widget.runs import journal_histories

if TYPE_CHECKING:
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


def note_deletion(scene: Scene, file: Any) -> None:
    """Write to the journal that a file of the library is about to be deleted."""
    with SQLiteJournal.open(scene.journal, scene.emulator.account) as journal:
        before = '{"filePath": "' + file["filePath"] + '"}'
        journal.write([RowBefore(len(TREE), file["fileId"], file["versionInfo"]["id"], before, '{"deleted": true}')])


def test_a_file_that_was_not_deleted(scene: Scene) -> None:
    """A sync can end between the note in its journal and the deletion: the file is there, and nothing is to be done."""
    scene.sync()
    file = ikpipe.files(scene.emulator.account, path=scene.folder).iloc[0]
    note_deletion(scene, file)
    assert scene.undo() == {}
    assert scene.messages[file["filePath"]] == "It was not deleted."


class Rejecting(httpx.AsyncHTTPTransport):
    """Rejects the key in requests to a path, which interrupts the sync."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, or reject its key."""
        if self._path in request.url.path:
            words, own = {"message": "Your key is rejected.", "help": ""}, {"x-ik-requestid": "1"}
            return httpx.Response(403, json=words, headers=own, request=request)
        return await super().handle_async_request(request)


def interrupted(scene: Scene, path: str) -> None:
    """Rename, replace and delete a file of the source; sync it, which is interrupted at the first request to a path."""
    scene.move("a.txt", "z.txt")
    write_tree(scene.root, {"b.txt": "BB"})
    (scene.root / "c.txt").unlink()
    with pytest.raises(ikpipe.AccountError):
        scene.sync(transport=Rejecting(path))


PARTS = {"z.txt": "done", "b.txt": "done"}


@pytest.mark.parametrize("path", ["upload", "batch/deleteByFileIds"])
def test_repeated_with_its_journal(path: str, scene: Scene, tmp_path: Path) -> None:
    """The journal of an interrupted sync is kept; each journal has what its sync did, and names a deleted file once."""
    before = {*(tmp_path / "state").rglob("*.ikjournal")}
    interrupted(scene, path)
    scene.sync()
    gone = {scene.path("c.txt"): "left"}
    uploaded = {"b.txt": "done"} if path == "upload" else {}
    assert scene.undo() == {**uploaded, **gone}
    (first,) = {*(tmp_path / "state").rglob("*.ikjournal")} - before
    assert scene.undo(first) == ({"z.txt": "done"} if uploaded else {**PARTS, **gone})
    assert scene.library() == {name: text for name, text in TREE.items() if name != "c.txt"}


def test_the_journal_of_another_run_is_not_moved(scene: Scene) -> None:
    """An interrupted upload can still be resumed: a sync needs another journal."""
    account, options = scene.emulator.account, {"policy": SWIFT, "progress": False, "journal": scene.journal}
    with pytest.raises(ikpipe.AccountError):
        ikpipe.upload(pd.DataFrame({"file": [scene.root / "a.txt"]}), account, transport=Rejecting("upload"), **options)
    with pytest.raises(ikpipe.JournalError, match="belongs to another run"):
        scene.sync()


def test_a_journal_with_deletions_is_read(scene: Scene) -> None:
    """By all that read journals: they leave out what is after the rows of the table."""
    interrupted(scene, "upload")
    account = scene.emulator.account
    files = ikpipe.files(account, path=scene.folder)
    note_deletion(scene, files[files["name"] == "c.txt"].iloc[0])
    assert journal_histories(scene.journal, account).keys() <= {*range(len(TREE) - 1)}
    assert glance(scene.journal).rows == len(TREE) - 1
    results = ikpipe.resume(scene.journal, account, progress=False)
    assert len(results) == len(TREE) - 1
    assert set(results["ik_status"]) == {"unchanged", "failed"}  # as the interrupted sync left them
    again = ikpipe.retry(results, account, earlier_journal=scene.journal, progress=False)
    assert set(again["ik_status"]) == {"unchanged", "uploaded"}
    assert [scene.undo(again), scene.undo()] == [{"b.txt": "done"}, {"z.txt": "done"}]
    assert scene.library() == TREE
