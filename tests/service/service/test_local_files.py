"""Local files: what is read is the file that was planned, unchanged; and there may be few open files."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any

import httpx
import pandas as pd
import pytest
from clocks import jumping
from doubles import stored_by
from rows import quiet, sha

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ikpipe import Account

    Arrived = Callable[[], list[dict[str, Any]]]

pytestmark = pytest.mark.skipif(os.name != "posix", reason="links, permissions and descriptors of another kind")

SMALL, LARGE = 1_000, 3_000_000  # bytes: one that goes out in one piece, one that does not


class Meddling(httpx.AsyncBaseTransport):
    """Does something before the first byte of a request is read, or in the middle of it; and stores what is whole."""

    def __init__(self, meddle: Callable[[], object], after: int = 0) -> None:
        self.bodies: list[bytes] = []
        self._meddle, self._after = meddle, after

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Read a request."""
        read, meddled = bytearray(), False
        stream = request.stream
        assert isinstance(stream, httpx.AsyncByteStream)
        if not self._after:
            self._meddle()
        async for piece in stream:
            read += piece
            if not meddled and self._after and len(read) > self._after:
                self._meddle()
                meddled = True
        self.bodies.append(bytes(read))
        return httpx.Response(200, json=stored_by(request, bytes(read)))


def uploaded(root: Path, account: Account, wire: httpx.AsyncBaseTransport, name: str = "in/a.bin") -> tuple[str, str]:
    """Upload one file below a root, and return its status and code."""
    results = quiet(pd.DataFrame({"file": [name]}), account, root=root, transport=wire, file_name="a.bin")
    return results["ik_status"][0], results["ik_error"].fillna("")[0]


@pytest.fixture(params=[SMALL, LARGE], ids=["small", "large"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Make a root with a file in a folder, and a secret of the same size beside it, as old and with the same name."""
    for folder, content in (("root/in", b"a"), ("outside", b"s")):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "a.bin").write_bytes(content * request.param)
        os.utime(tmp_path / folder / "a.bin", ns=(10**18, 10**18))
    return tmp_path


def swap_file(place: Path) -> None:
    """Replace the file by a link to the secret."""
    (place / "root/in/a.bin").unlink()
    (place / "root/in/a.bin").symlink_to(place / "outside/a.bin")


def swap_folder(place: Path) -> None:
    """Replace its folder by a link to the secret's."""
    (place / "root/in").rename(place / "root/before")
    (place / "root/in").symlink_to(place / "outside")


def swap_content(place: Path) -> None:
    """Put another file in its place, inside the root, of the same size and age."""
    (place / "outside/a.bin").replace(place / "root/in/a.bin")


@pytest.mark.parametrize("swap", [swap_file, swap_folder, swap_content])
def test_what_is_swapped_after_planning_is_not_published(
    swap: Callable[[Path], None], place: Path, account: Account
) -> None:
    """A file or folder that became a link, or another file, between planning and sending: nothing of it leaves."""
    wire = Meddling(lambda: swap(place))
    assert uploaded(place / "root", account, wire) == ("failed", "file_changed")
    assert not wire.bodies


def test_a_folder_swapped_while_planning_is_not_published(
    place: Path, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even where the swap comes between resolving the folder and looking at the file."""
    real, swapped = os.lstat, False

    def lstat(path: Any, **more: Any) -> os.stat_result:
        nonlocal swapped
        if not swapped and str(path).endswith("in/a.bin"):
            swapped = True
            swap_folder(place)
        return real(path, **more)

    monkeypatch.setattr(os, "lstat", lstat)
    wire = Meddling(bool)
    assert uploaded(place / "root", account, wire)[0] in ("failed", "invalid")
    assert (swapped, wire.bodies) == (True, [])


@pytest.mark.parametrize("link", ["root/link.bin", "root/folder"])
def test_links_that_stay_inside_work(link: str, place: Path, account: Account) -> None:
    """A link to a file or folder of the root is followed when the row is planned."""
    (place / link).symlink_to(place / ("root/in/a.bin" if link.endswith(".bin") else "root/in"))
    name = "link.bin" if link.endswith(".bin") else "folder/a.bin"
    wire = Meddling(bool)
    assert uploaded(place / "root", account, wire, name) == ("uploaded", "")
    assert b"aaaa" in wire.bodies[0]


def test_a_root_that_is_a_link_works(place: Path, account: Account) -> None:
    """The root itself may be one, and so may what is above it."""
    (place / "above").symlink_to(place)
    assert uploaded(place / "above/root", account, Meddling(bool)) == ("uploaded", "")


def overwritten(path: Path, size: int) -> Callable[[], object]:
    """Return what overwrites a file in place with as many bytes."""

    def overwrite() -> None:
        with path.open("r+b") as file:
            file.write(b"b" * size)

    return overwrite


@pytest.mark.parametrize("root", [True, False])
def test_a_file_overwritten_while_it_is_sent_is_not_stored(
    root: bool,  # noqa: FBT001
    tmp_path: Path,
    account: Account,
) -> None:
    """The same size, and partly the old content and partly the new: the request is never completed."""
    path = tmp_path / "a.bin"
    path.write_bytes(b"a" * LARGE)
    os.utime(path, ns=(10**18, 10**18))
    wire = Meddling(overwritten(path, LARGE), after=LARGE // 2)
    frame = pd.DataFrame({"file": pd.Series(["a.bin" if root else path], dtype=object)})
    results = quiet(frame, account, root=tmp_path if root else None, transport=wire)
    assert (results["ik_status"][0], results["ik_error"][0]) == ("failed", "file_changed")
    assert not wire.bodies
    assert "overwritten" in results["ik_message"][0]


def test_the_end_is_compared_before_the_last_piece_leaves(tmp_path: Path, account: Account) -> None:
    """Overwritten when its last byte has left: the form's end has not, and nothing can be stored."""
    path = tmp_path / "a.bin"
    path.write_bytes(b"a" * LARGE)
    os.utime(path, ns=(10**18, 10**18))
    wire = Meddling(overwritten(path, LARGE), after=LARGE)
    assert uploaded(tmp_path, account, wire, "a.bin") == ("failed", "file_changed")
    assert not wire.bodies


def test_a_file_as_planned_arrives(place: Path, account: Account, arrived: Arrived) -> None:
    """Every attempt reads the same file, also after a refusal."""
    results = quiet(pd.DataFrame({"file": ["in/a.bin"] * 3}), account, root=place / "root", file_name="a.bin")
    content = (place / "root/in/a.bin").read_bytes()
    assert results["ik_status"].eq("uploaded").all()
    assert {entry["file"]["sha256"] for entry in arrived()} == {sha(content)}


@pytest.mark.parametrize(
    "error", [OSError(errno.EIO, "Input/output error"), MemoryError(), ValueError("no"), RuntimeError()]
)
def test_whatever_reading_raises_is_the_rows(
    error: Exception, tmp_path: Path, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row fails, with the reason, and the others are uploaded."""
    (tmp_path / "bad.bin").write_bytes(b"bad")
    (tmp_path / "good.bin").write_bytes(b"good")
    bad = (tmp_path / "bad.bin").stat().st_ino
    monkeypatch.delattr(os, "RWF_NOWAIT", raising=False)
    real = os.read

    def read(end: int, most: int) -> bytes:
        if os.fstat(end).st_ino == bad:
            raise error
        return real(end, most)

    monkeypatch.setattr(os, "read", read)
    results = quiet(pd.DataFrame({"file": ["bad.bin", "good.bin"]}), account, root=tmp_path)
    assert results["ik_status"].tolist() == ["failed", "uploaded"]
    assert "can no longer be read" in results["ik_message"][0]


# Permissions


def test_an_unreadable_file_is_found_by_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that this user may not read is a problem before anything is sent, as text and as a `Path`."""
    for name in ("a.bin", "b.bin"):
        (tmp_path / name).write_bytes(b"x")
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: not str(path).endswith("b.bin") and real(path, mode))
    frame = pd.DataFrame({"file": pd.Series(["a.bin", "b.bin", tmp_path / "b.bin"], dtype=object)})
    found = ikpipe.check(frame, root=tmp_path)
    assert found[["position", "code"]].to_numpy().tolist() == [[1, "file_unreadable"], [2, "file_unreadable"]]
    assert "permission denied" in found["message"][0]


# Few open files


def test_too_many_open_files_are_no_change_of_the_file(
    tmp_path: Path, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no more files can be open, a row waits for one that is closed, which counts as no attempt."""
    (tmp_path / "a.bin").write_bytes(b"x")
    real, failed = os.open, 0

    def opened(path: Any, *arguments: Any, **options: Any) -> int:
        nonlocal failed
        if str(path).endswith("a.bin") and failed < 4:
            failed += 1
            raise OSError(errno.EMFILE, "Too many open files")
        return real(path, *arguments, **options)

    monkeypatch.setattr(os, "open", opened)
    result = ikpipe.upload_file("a.bin", account, root=tmp_path, retries=0)
    assert (result.status, result.attempts, failed) == ("uploaded", 1, 4)


def test_too_many_open_files_for_good(tmp_path: Path, account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """If none is closed, the row fails, and the message says what to do."""
    (tmp_path / "a.bin").write_bytes(b"x")
    real = os.open

    def opened(path: Any, *arguments: Any, **options: Any) -> int:
        if str(path).endswith("a.bin"):
            raise OSError(errno.ENFILE, "Too many open files in system")
        return real(path, *arguments, **options)

    monkeypatch.setattr(os, "open", opened)
    result = jumping(ikpipe.aupload_file("a.bin", account, root=tmp_path, retries=0))
    assert (result.status, result.error) == ("failed", "file_unreadable")
    assert "ulimit -n" in str(result.message)
