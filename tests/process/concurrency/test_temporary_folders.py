"""Temporary folders of this process, and those that killed processes left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from ikpipe.concurrency.temporary import LockedFolder, remove_abandoned

pytestmark = pytest.mark.skipif(os.name == "nt", reason="there are no such locks")

KILLED = """
import os, signal
from ikpipe.concurrency.temporary import LockedFolder
folder = LockedFolder()
(folder.path / "sub").mkdir()
(folder.path / "sub" / "download").write_bytes(b"1")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder that temporary folders are in."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


@pytest.fixture
def left(folders: Path) -> Path:
    """Return the folder of a process that was killed."""
    done = subprocess.run([sys.executable, "-c", KILLED], env={**os.environ, "TMPDIR": str(folders)}, check=False)  # noqa: S603 - ours
    assert done.returncode == -signal.SIGKILL
    (folder,) = folders.iterdir()
    return folder


def test_a_folder_is_removed_with_its_content(folders: Path) -> None:
    """At the end of the block nothing is left."""
    with LockedFolder() as folder:
        (folder.path / "file").touch()
        assert folder.path.parent.parent == folders
    assert list(folders.iterdir()) == []


def test_the_folder_of_a_killed_process_is_removed(left: Path) -> None:
    """Its lock ended with it."""
    assert (left / "files" / "sub" / "download").exists()
    remove_abandoned()
    assert not left.exists()


def test_a_folder_in_use_stays(folders: Path) -> None:
    """Its process holds the lock, also against itself."""
    with LockedFolder() as folder:
        (folder.path / "file").touch()
        remove_abandoned()
        assert (folder.path / "file").exists()
    assert list(folders.iterdir()) == []


def test_a_folder_in_use_by_another_process_stays(folders: Path) -> None:
    """Whatever its process id is there."""
    with LockedFolder() as folder:
        code = "from ikpipe.concurrency.temporary import remove_abandoned; remove_abandoned()"
        subprocess.run([sys.executable, "-c", code], env={**os.environ, "TMPDIR": str(folders)}, check=True)  # noqa: S603 - ours
        assert folder.path.exists()


@pytest.mark.parametrize("name", ["ikpipe-pictures", "ikpipe-abcd1234", "other"])
def test_other_folders_stay(name: str, folders: Path) -> None:
    """Only a folder that has the lock file is one of ours."""
    (folders / name).mkdir()
    remove_abandoned()
    assert (folders / name).is_dir()


def test_links_are_not_followed(left: Path, tmp_path: Path) -> None:
    """Neither a link to a folder, nor links in the folder, lead to what is removed."""
    target = left.rename(tmp_path / "target")
    left.symlink_to(target)
    remove_abandoned()
    assert (target / "files" / "sub" / "download").exists()
    left.unlink()
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").touch()
    (target / "link").symlink_to(precious)
    target.rename(left)
    remove_abandoned()
    assert not left.exists()
    assert (precious / "file").exists()


def test_a_lock_that_is_a_link_is_not_followed(left: Path, tmp_path: Path) -> None:
    """Such a folder is not one of ours."""
    lock = left / ".ikpipe-lock"
    lock.rename(tmp_path / "lock")
    lock.symlink_to(tmp_path / "lock")
    remove_abandoned()
    assert left.exists()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can make files of others")
def test_folders_of_other_users_stay(left: Path) -> None:
    """Although root could remove them."""
    os.chown(left, 12345, 12345)
    remove_abandoned()
    assert left.exists()


def test_without_a_place_for_temporary_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """There is nothing to remove, and no error."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    remove_abandoned()
