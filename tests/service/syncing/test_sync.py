"""`sync`: what is sent, moved and deleted."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from syncs import actions, library, synced, write_tree

import ikpipe

if TYPE_CHECKING:
    from pathlib import Path

    from ikpipe.emulator import Emulator


TREE = {"a.txt": "a", "b.txt": "bb", "sub/c.txt": "ccc", "sub/deep/d.txt": "dddd", ".hidden": "h"}


def writes(emulator: Emulator, before: int) -> list[str]:
    """Return the requests since then that change the library."""
    return [entry["path"] for entry in emulator.log()[before:] if entry["method"] != "GET"]


def test_a_folder(root: Path, folder: str, emulator: Emulator) -> None:
    """All files, hidden ones too, have the same paths in the library."""
    write_tree(root, TREE)
    frame = synced(root, emulator.account, folder)
    assert library(emulator, folder) == {path: text.encode() for path, text in TREE.items()}
    assert list(frame["file"]) == sorted(TREE)
    assert set(frame["ik_status"]) == {"uploaded"}
    assert frame.attrs["ikpipe"]["actions"] == {"upload": 5}


def test_again(root: Path, folder: str, emulator: Emulator) -> None:
    """What is the same is not sent again, nor anything else written."""
    write_tree(root, TREE)
    synced(root, emulator.account, folder)
    before = len(emulator.log())
    frame = synced(root, emulator.account, folder, delete=True, dry_run=False)
    assert writes(emulator, before) == []
    assert set(frame["ik_status"]) == {"unchanged"}
    assert frame["ik_url"].notna().all()


def test_exactly_what_differs(root: Path, folder: str, emulator: Emulator) -> None:
    """One file is changed, one renamed, one moved, one deleted, one added."""
    write_tree(root, {**TREE, "rename.txt": "renamed", "move.txt": "moved", "gone.txt": "x"})
    synced(root, emulator.account, folder)
    write_tree(root, {"a.txt": "A", "new.txt": "new"})
    (root / "rename.txt").rename(root / "other.txt")
    (root / "move.txt").rename(root / "sub" / "move.txt")
    (root / "b.txt").rename(root / "sub" / "deep" / "both.txt")
    (root / "gone.txt").unlink()
    before = len(emulator.log())
    frame = synced(root, emulator.account, folder, delete=True, dry_run=False)
    done = {path: action for path, action in actions(frame).items() if action != "unchanged"}
    assert done == {
        "a.txt": "replace",
        "new.txt": "upload",
        "other.txt": "move",
        "sub/move.txt": "move",
        "sub/deep/both.txt": "move",
        f"{folder}/gone.txt": "delete",
    }
    assert sum("upload" in path for path in writes(emulator, before)) == 2
    there = {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    assert library(emulator, folder) == there
    assert (frame.attrs["ikpipe"]["moved"], frame.attrs["ikpipe"]["deleted"]) == (3, 1)
    before = len(emulator.log())
    synced(root, emulator.account, folder, delete=True, dry_run=False)
    assert writes(emulator, before) == []


def test_a_moved_file_is_known_afterwards(root: Path, folder: str, emulator: Emulator) -> None:
    """A later change that keeps its size is seen."""
    write_tree(root, {"a.txt": "one"})
    synced(root, emulator.account, folder)
    (root / "a.txt").rename(root / "b.txt")
    synced(root, emulator.account, folder)
    write_tree(root, {"b.txt": "two"})
    synced(root, emulator.account, folder)
    assert library(emulator, folder) == {"b.txt": b"two"}


def test_a_file_with_the_same_bytes_that_ikpipe_did_not_store_is_not_moved(
    root: Path, folder: str, emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a record of the state says whose content it is."""
    write_tree(root, {"a.txt": "one", "b.txt": "two", "c.txt": "six"})
    synced(root, emulator.account, folder)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another"))
    (root / "a.txt").rename(root / "z.txt")
    assert actions(synced(root, emulator.account, folder))["z.txt"] == "upload"
    assert library(emulator, folder)["a.txt"] == b"one"


def test_a_file_that_somebody_replaced_is_not_moved(root: Path, folder: str, emulator: Emulator) -> None:
    """Its content is not the one that was stored."""
    write_tree(root, {"a.txt": "one", "b.txt": "two", "c.txt": "six"})
    synced(root, emulator.account, folder)
    ikpipe.upload_file(b"ONE", emulator.account, file_name="a.txt", folder=folder, use_unique_file_name=False)
    (root / "a.txt").rename(root / "z.txt")
    assert actions(synced(root, emulator.account, folder))["z.txt"] == "upload"
    assert library(emulator, folder)["a.txt"] == b"ONE"


def test_a_copy_is_sent(root: Path, folder: str, emulator: Emulator) -> None:
    """The old path is still in the source, so nothing is moved."""
    write_tree(root, {"a.txt": "one"})
    synced(root, emulator.account, folder)
    write_tree(root, {"copy.txt": "one"})
    assert actions(synced(root, emulator.account, folder)) == {"a.txt": "unchanged", "copy.txt": "upload"}


def test_an_excluded_file_is_not_moved(root: Path, folder: str, emulator: Emulator) -> None:
    """What a pattern excludes stays where it is."""
    write_tree(root, {"old/a.txt": "one", "b.txt": "two"})
    synced(root, emulator.account, folder)
    (root / "old" / "a.txt").rename(root / "new.txt")
    assert actions(synced(root, emulator.account, folder, exclude="old/"))["new.txt"] == "upload"
    assert library(emulator, folder)["old/a.txt"] == b"one"


def test_swapped_names(root: Path, folder: str, emulator: Emulator) -> None:
    """Both paths are still in the source: their contents are replaced."""
    write_tree(root, {"a.txt": "one", "b.txt": "two"})
    synced(root, emulator.account, folder)
    write_tree(root, {"a.txt": "two", "b.txt": "one"})
    synced(root, emulator.account, folder)
    assert library(emulator, folder) == {"a.txt": b"two", "b.txt": b"one"}


def test_parameters_for_all_files(root: Path, folder: str, emulator: Emulator) -> None:
    """Changed tags update the files in place."""
    write_tree(root, {"a.txt": "one"})
    synced(root, emulator.account, folder, tags="x")
    frame = synced(root, emulator.account, folder, tags=["y"])
    assert (list(frame["ik_status"]), list(frame["ik_tags"])) == (["updated"], [["y"]])


def test_a_table(folder: str, emulator: Emulator) -> None:
    """A table's rows are the source; what it does not have is deleted."""
    frame = pd.DataFrame({"file": [b"one", b"two", b"six"], "file_name": ["a", "b", "c"], "number": [1, 2, 3]})
    synced(frame, emulator.account, folder)
    result = synced(frame.iloc[1:], emulator.account, folder, delete=True, dry_run=False)
    assert list(result["ik_action"]) == ["unchanged", "unchanged", "delete"]
    assert result["number"].tolist() == [2, 3, pd.NA]
    assert list(result.index) == [1, 2, 2]
    assert library(emulator, folder) == {"b": b"two", "c": b"six"}


def test_a_table_from_a_file(folder: str, emulator: Emulator, root: Path, tmp_path: Path) -> None:
    """The path of a table is read; its files are below the root."""
    write_tree(root, {"a.txt": "one"})
    (tmp_path / "table.csv").write_text("path\na.txt\n")
    options: dict[str, Any] = {"columns": {"file": "path"}, "root": root}
    assert list(synced(tmp_path / "table.csv", emulator.account, folder, **options)["ik_status"]) == ["uploaded"]


def test_a_row_outside_of_the_folder(folder: str, emulator: Emulator) -> None:
    """Nothing is sent, and the error names the row and the path."""
    frame = pd.DataFrame({"file": [b"one"], "file_name": ["a"], "folder": ["/elsewhere"]}, index=["x"])
    with pytest.raises(ikpipe.MappingError, match=r'Row "?x"? would be stored at /elsewhere/a, outside'):
        synced(frame, emulator.account, folder)


@pytest.mark.parametrize("options", [{"root": "/"}, {"file_name": "x"}, {"path": "/x"}, {"columns": {"tags": "a"}}])
def test_keywords_of_tables(options: dict[str, Any], root: Path, folder: str, emulator: Emulator) -> None:
    """A folder says itself where its files are."""
    with pytest.raises(ikpipe.MappingError, match="only for a table"):
        synced(root, emulator.account, folder, **options)


@pytest.mark.parametrize("options", [{"on_existing": "skip"}, {"dedupe": True}, {"delete": "yes"}, {"exclude": ["[a"]}])
def test_wrong_options(options: dict[str, Any], root: Path, folder: str, emulator: Emulator) -> None:
    """One error says what is wrong."""
    with pytest.raises(ikpipe.MappingError):
        synced(root, emulator.account, folder, **options)


def test_no_such_folder(root: Path, folder: str, emulator: Emulator) -> None:
    """The error names it."""
    with pytest.raises(ikpipe.MappingError, match="nothing-here"):
        synced(root / "nothing-here", emulator.account, folder)


def test_a_dry_run_changes_nothing(root: Path, folder: str, emulator: Emulator) -> None:
    """The plan has a row for each file of the source and each that would be deleted."""
    write_tree(root, {"a.txt": "one", "b.txt": "two", "c.txt": "six"})
    synced(root, emulator.account, folder)
    (root / "a.txt").rename(root / "z.txt")
    (root / "b.txt").unlink()
    before = len(emulator.log())
    plan = synced(root, emulator.account, folder, delete=True)
    assert writes(emulator, before) == []
    assert actions(plan) == {"c.txt": "unchanged", "z.txt": "move", f"{folder}/b.txt": "delete"}
    assert plan.attrs["ikpipe"]["not_deleted"] is None
    assert "1 move" in str(ikpipe.summary(plan))


def test_summary(root: Path, folder: str, emulator: Emulator) -> None:
    """Files that were deleted are no rows without a status."""
    write_tree(root, {"a.txt": "one", "b.txt": "two", "c.txt": "six"})
    synced(root, emulator.account, folder)
    (root / "b.txt").unlink()
    summary = ikpipe.summary(synced(root, emulator.account, folder, delete=True, dry_run=False))
    assert (summary.counts, summary.rows) == ({"unchanged": 2}, 2)
    assert "1 file deleted" in str(summary)


# What a folder can have


def test_names_that_become_one(root: Path, folder: str, emulator: Emulator) -> None:
    """The later one is a problem; nothing of them is deleted."""
    write_tree(root, {"a b.txt": "one", "a_b.txt": "two"})
    for _ in range(2):
        frame = synced(root, emulator.account, folder, delete=True, dry_run=False)
        assert frame["ik_error"].tolist() == [pd.NA, "same_target"]
    assert library(emulator, folder) == {"a_b.txt": b"one"}


def test_names_that_differ_in_case(root: Path, folder: str, emulator: Emulator) -> None:
    """They are two files."""
    write_tree(root, {"A.txt": "one", "a.txt": "two"})
    synced(root, emulator.account, folder)
    assert library(emulator, folder) == {"A.txt": b"one", "a.txt": b"two"}


def test_unicode_twins(root: Path, folder: str, emulator: Emulator) -> None:
    """Names that differ in their Unicode form only are one file, so the later one is a problem."""
    write_tree(root, {"\u00e9.txt": "one", "e\u0301.txt": "two"})
    assert sorted(synced(root, emulator.account, folder)["ik_status"]) == ["invalid", "uploaded"]


def test_another_unicode_form(root: Path, folder: str, emulator: Emulator) -> None:
    """A disk that stores names in another form has the same file."""
    write_tree(root, {"\u00e9.txt": "one"})
    synced(root, emulator.account, folder)
    (root / "\u00e9.txt").rename(root / "e\u0301.txt")
    frame = synced(root, emulator.account, folder, delete=True, dry_run=False)
    assert list(frame["ik_action"]) == ["unchanged"]


@pytest.mark.parametrize(
    "name",
    [
        "data:x",
        "http:x",
        "C:x",
        " x ",
        "#REF!",
        "nan",
        "a\\b",
        "x\n",
        "a%20b",
        "{x}",
        "x,y;z",
        "\u200bx",
        "n" * 255,
        "-",
        "~",
    ],
)
def test_odd_names(name: str, root: Path, folder: str, emulator: Emulator) -> None:
    """Whatever a name is, the file is sent, found again, and left."""
    write_tree(root, {name: "one", "b": "two"})
    synced(root, emulator.account, folder)
    frame = synced(root, emulator.account, folder, delete=True, dry_run=False)
    assert list(frame["ik_action"]) == ["unchanged", "unchanged"]


def test_a_name_that_is_not_text(root: Path, folder: str, emulator: Emulator) -> None:
    """Bytes that are not UTF-8 are replaced."""
    with open(os.fsencode(root) + b"/x\xff.txt", "wb") as file:  # noqa: PTH123 - a name of bytes
        file.write(b"one")
    assert list(synced(root, emulator.account, folder)["ik_status"]) == ["uploaded"]
    assert library(emulator, folder) == {"x_.txt": b"one"}


def test_links(root: Path, folder: str, emulator: Emulator, tmp_path: Path) -> None:
    """Links inside the folder are followed, loops are not, and what is outside is a problem."""
    write_tree(root, {"a.txt": "one", "sub/b.txt": "two"})
    write_tree(tmp_path / "outside", {"secret.txt": "secret"})
    (root / "link.txt").symlink_to("a.txt")
    (root / "link").symlink_to("sub")
    (root / "sub" / "loop").symlink_to("..")
    (root / "out.txt").symlink_to(tmp_path / "outside" / "secret.txt")
    (root / "out").symlink_to(tmp_path / "outside")
    (root / "self").symlink_to("self")
    frame = synced(root, emulator.account, folder)
    assert library(emulator, folder) == {
        "a.txt": b"one",
        "link.txt": b"one",
        "sub/b.txt": b"two",
        "link/b.txt": b"two",
    }
    problems = frame[frame["ik_status"] == "invalid"]
    assert dict(zip(problems["file"], problems["ik_error"], strict=True)) == {
        "out": "file_not_allowed",
        "out.txt": "file_not_allowed",
        "self": "file_unreadable",
    }


def test_what_is_not_a_file(root: Path, folder: str, emulator: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    """A pipe is left out, with a warning; empty folders are nothing; an empty file is a problem."""
    write_tree(root, {"a.txt": "one", "empty.txt": ""})
    os.mkfifo(root / "pipe")
    (root / "nothing").mkdir()
    frame = synced(root, emulator.account, folder)
    assert dict(zip(frame["file"], frame["ik_status"], strict=True)) == {"a.txt": "uploaded", "empty.txt": "invalid"}
    assert "pipe is not a regular file" in caplog.text


def test_a_table_with_patterns(folder: str, emulator: Emulator) -> None:
    """They are for the paths in the library: excluded rows are left out, and excluded files stay."""
    names = ["a.jpg", "b.jpg", "c.png", "d.jpg"]
    frame = pd.DataFrame({"file": [b"1", b"2", b"3", b"4"], "file_name": names})
    synced(frame, emulator.account, folder)
    result = synced(frame.iloc[:1], emulator.account, folder, exclude=["b.*", "*.png"], delete=True, dry_run=False)
    assert list(result["ik_action"]) == ["unchanged", "delete"]
    result = synced(frame, emulator.account, folder, include="*.png")
    assert list(result["file_name"]) == ["c.png"]
    assert sorted(library(emulator, folder)) == ["a.jpg", "b.jpg", "c.png"]


def test_a_folder_with_braces(emulator: Emulator) -> None:
    """The folder of a sync is not a template."""
    frame = pd.DataFrame({"file": [b"1"], "file_name": ["a"]})
    assert synced(frame, emulator.account, "/braces{file}")["ik_file_path"].tolist() == ["/braces_file_/a"]


@pytest.mark.parametrize("spelling", ["sync-x", "/sync-x/", "sync-x/", "//sync-x"])
def test_spellings_of_a_folder(spelling: str, root: Path, emulator: Emulator) -> None:
    """With or without slashes, it is the same folder."""
    write_tree(root, {"a.txt": "one"})
    assert synced(root, emulator.account, spelling)["ik_file_path"].tolist() == ["/sync-x/a.txt"]


def test_names_as_given(emulate: Any, root: Path, folder: str) -> None:
    """For an account that keeps names, they are kept, compared, and moved."""
    emulator = emulate(names="keep")
    policy = ikpipe.Policy(names="as_given")
    write_tree(root, {"a b.txt": "one", "c d.txt": "two", "x y/e.txt": "six"})
    synced(root, emulator.account, folder, policy=policy)
    (root / "c d.txt").rename(root / "x y" / "c+d.txt")
    (root / "x y" / "e.txt").unlink()
    frame = synced(root, emulator.account, folder, policy=policy, delete=True, dry_run=False)
    assert sorted(frame["ik_action"]) == ["delete", "move", "unchanged"]
    assert library(emulator, folder) == {"a b.txt": b"one", "x y/c+d.txt": b"two"}
