"""Profiles are written into the configuration file, and nothing else in it changes."""

from __future__ import annotations

import os
import stat
import tomllib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from ikpipe import Error
from ikpipe.request.config_file import check_writable, write_profile

if TYPE_CHECKING:
    from pathlib import Path

KEY = "private_9f2cVerySecret"
SHOP = {"public_key": "public_s", "private_key": KEY}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give the path of a configuration file that does not exist yet, nor its folder."""
    return tmp_path / "config" / "config.toml"


def test_a_new_file_is_private(path: Path) -> None:
    """So is its folder, whatever the mask of the process is."""
    before = os.umask(0)
    try:
        write_profile(path, "shop", SHOP)
    finally:
        os.umask(before)
    assert tomllib.loads(path.read_text(encoding="utf-8")) == {"shop": SHOP}
    assert [stat.S_IMODE(place.stat().st_mode) for place in (path, path.parent)] == [0o600, 0o700]
    assert [*path.parent.iterdir()] == [path]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_else_is_in_the_file_stays(path: Path, end: str) -> None:
    """Comments, other profiles, the order, other settings of the profile, and line ends."""
    lines = ["# mine", "[shop]  # the shop", 'public_key = "public_old"  # 2024', "max_file_size = 5", "", "[test]"]
    path.parent.mkdir()
    path.write_bytes(end.join([*lines, 'public_key="public_t"', ""]).encode())
    write_profile(path, "shop", {"public_key": "public_new", "url_endpoint": "https://ik.example/x"})
    expected = [*lines[:4], 'url_endpoint = "https://ik.example/x"', *lines[4:], 'public_key="public_t"', ""]
    assert path.read_bytes().decode() == end.join(expected).replace("public_old", "public_new")


def test_a_setting_is_removed(path: Path) -> None:
    """None removes it: the key that is in the keyring now is not in the file any more."""
    write_profile(path, "shop", SHOP)
    write_profile(path, "shop", {"private_key": None, "keyring": True})
    assert tomllib.loads(path.read_text(encoding="utf-8")) == {"shop": {"public_key": "public_s", "keyring": True}}


def test_the_default_profile_is_set(path: Path) -> None:
    """At the top, where it is no setting of a profile."""
    write_profile(path, "test", SHOP)
    write_profile(path, "shop", SHOP, default=True)
    assert tomllib.loads(path.read_text(encoding="utf-8")) == {"default_profile": "shop", "test": SHOP, "shop": SHOP}


@pytest.mark.parametrize("name", ["my shop", "a.b", 'quo"te', "läden", "[x]"])
def test_any_name_is_one_table(path: Path, name: str) -> None:
    """A dot makes no table of a table."""
    write_profile(path, name, SHOP)
    assert tomllib.loads(path.read_text(encoding="utf-8")) == {name: SHOP}


@pytest.mark.parametrize("content", [f"[shop\nprivate_key = {KEY}\n".encode(), b"\xff\xfe[\x00"])
def test_a_broken_file_is_left_alone(path: Path, content: bytes) -> None:
    """It is an error that shows no key."""
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(Error, match=r"cannot be read: .*Nothing was written") as caught:
        write_profile(path, "shop", SHOP)
    assert path.read_bytes() == content
    assert KEY not in str(caught.value)


def test_a_link_stays_a_link(path: Path, tmp_path: Path) -> None:
    """The file that it leads to is replaced."""
    target = tmp_path / "dotfiles.toml"
    target.write_text("# mine\n", encoding="utf-8")
    path.parent.mkdir()
    path.symlink_to(target)
    write_profile(path, "shop", SHOP)
    assert path.is_symlink()
    assert target.read_text(encoding="utf-8").startswith("# mine\n")
    assert "public_s" in target.read_text(encoding="utf-8")


def test_a_file_that_cannot_be_replaced_is_left(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without parts of a new one."""
    write_profile(path, "shop", SHOP)
    before = path.read_bytes()

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(Error, match=r"config.toml cannot be written: No space left on device"):
        write_profile(path, "shop", {"public_key": "public_new"})
    assert path.read_bytes() == before
    assert [*path.parent.iterdir()] == [path]


@pytest.mark.skipif(os.name != "posix", reason="no locks of folders")
def test_writers_wait_for_each_other(path: Path) -> None:
    """The profiles of all of them are in the file; a lock of a folder is between threads as between processes."""
    with ThreadPoolExecutor(8) as pool:
        [*pool.map(lambda number: write_profile(path, f"p{number}", SHOP), range(24))]
    assert tomllib.loads(path.read_text(encoding="utf-8")) == {f"p{number}": SHOP for number in range(24)}


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    """Nothing can be written there, which is known beforehand."""
    (tmp_path / "config").write_text("", encoding="utf-8")
    for write in (check_writable, lambda path: write_profile(path, "shop", SHOP)):
        with pytest.raises(Error, match=r"cannot be written: .* Set|cannot be written: .* or set XDG_CONFIG_HOME"):
            write(tmp_path / "config" / "config.toml")


def test_a_file_that_is_a_folder(path: Path) -> None:
    """It is not replaced."""
    path.mkdir(parents=True)
    with pytest.raises(Error, match="is not a file"):
        check_writable(path)


def test_a_new_file_can_be_written(path: Path) -> None:
    """And the check writes nothing."""
    check_writable(path)
    assert not path.parent.exists()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder(path: Path) -> None:
    """It is an error that names the folder and what to do."""
    path.parent.mkdir(mode=0o500)
    with pytest.raises(Error, match=r"you may not write to .*config\. .*XDG_CONFIG_HOME"):
        check_writable(path)
