"""A form's bytes on their way: small ones whole, large ones in pieces, from files that others may touch."""

from __future__ import annotations

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ikpipe.request.form import build_form
from ikpipe.request.sources import FileSource
from ikpipe.service.body import BLOCK, PIECE, FileChanged, MultipartStream

BOUNDARY = "0123456789abcdef0123456789abcdef"


@pytest.fixture(params=["at hand", "by a thread"])
def reading(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read what the system has in memory at once, where it can tell, or have all read by a thread."""
    if request.param == "by a thread":
        monkeypatch.delattr(os, "RWF_NOWAIT", raising=False)


def body(source: FileSource, counted: list[int] | None = None) -> MultipartStream:
    """Make the body of a form with one field."""
    form = build_form({"fileName": "a.bin"}, source, BOUNDARY)
    return MultipartStream(form, source, "t.o.k", (counted if counted is not None else []).append)


def blocks(one: MultipartStream) -> list[tuple[bytes, bool]]:
    """Give its pieces, and with each whether it is the last."""

    async def gather() -> list[tuple[bytes, bool]]:
        return [(piece, one.complete) async for piece in one.blocks()]

    return asyncio.run(gather())


@pytest.mark.usefixtures("reading")
@pytest.mark.parametrize("size", [1, 1000, PIECE - 700, PIECE, PIECE + 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_a_file_goes_out_as_it_is(size: int, tmp_path: Path) -> None:
    """However it is read, in pieces of at most `PIECE`, as many bytes as the form said."""
    content = os.urandom(size)
    (tmp_path / "a").write_bytes(content)
    counted: list[int] = []
    one = body(FileSource("path", "a", path=str(tmp_path / "a"), size=size), counted)
    pieces = blocks(one)
    whole = b"".join(piece for piece, _ in pieces)
    assert (len(whole), sum(counted)) == (one.length, size)
    assert content in whole
    assert max(len(piece) for piece, _ in pieces) <= PIECE


@pytest.mark.parametrize(
    "source",
    [FileSource("bytes", "a", content=bytes(3 * BLOCK), size=3 * BLOCK), FileSource("text", "a", "A" * 3 * BLOCK)],
    ids=["bytes", "text"],
)
def test_what_is_long_goes_out_in_pieces(source: FileSource) -> None:
    """Text, too, and the last piece is the one with the form's end."""
    pieces = blocks(body(source))
    assert max(len(piece) for piece, _ in pieces) <= PIECE
    assert [last for _, last in pieces] == [False] * (len(pieces) - 1) + [True]
    assert pieces[-1][0].endswith(f"\r\n--{BOUNDARY}--\r\n".encode())


@pytest.mark.parametrize(
    "source", [FileSource("bytes", "a", content=b"abc", size=3), FileSource("url", "a", "http://x.test")]
)
def test_what_is_short_goes_out_at_once(source: FileSource) -> None:
    """One piece, which is the last."""
    [(piece, last)] = blocks(body(source))
    assert last
    assert piece.startswith(b"--" + BOUNDARY.encode())


@pytest.mark.usefixtures("reading")
@pytest.mark.parametrize("size", [1000, 2 * BLOCK])
@pytest.mark.parametrize("by", [-1, 1, None])
def test_a_file_of_another_length_has_no_end(by: int | None, size: int, tmp_path: Path) -> None:
    """One that grew, shrank or is gone: the form's end is never given out."""
    if by is not None:
        (tmp_path / "a").write_bytes(bytes(size + by))
    one = body(FileSource("path", "a", path=str(tmp_path / "a"), size=size))
    with pytest.raises(FileChanged, match="can no longer be read" if by is None else "no longer has"):
        blocks(one)
    assert not one.complete


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
@pytest.mark.usefixtures("reading")
def test_a_pipe_in_a_files_place_holds_nobody_up(tmp_path: Path) -> None:
    """It is not the file that was measured."""
    os.mkfifo(tmp_path / "a")
    with pytest.raises(FileChanged):
        blocks(body(FileSource("path", "a", path=str(tmp_path / "a"), size=9)))


def opened(path: Path) -> bool:
    """Tell whether this process has a file open."""
    return any(link(end) == str(path) for end in Path("/proc/self/fd").iterdir())


def link(end: Path) -> str:
    """Give where a link leads."""
    try:
        return str(end.readlink())
    except OSError:
        return ""


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="there is no list of open files")
def test_a_file_that_a_thread_reads_is_closed_after_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An attempt that is cancelled meanwhile does not take the file away from it: its number could be another's."""
    monkeypatch.delattr(os, "RWF_NOWAIT", raising=False)
    (tmp_path / "a").write_bytes(bytes(1000))

    async def cancel() -> tuple[bool, bool]:
        let_go = threading.Event()
        asyncio.get_running_loop().set_default_executor(busy := ThreadPoolExecutor(1))
        busy.submit(let_go.wait)
        one = body(FileSource("path", "a", path=str(tmp_path / "a"), size=1000))
        task = asyncio.create_task(anext(one.blocks()))  # type: ignore[arg-type]
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        while_waiting = opened(tmp_path / "a")
        let_go.set()
        await asyncio.get_running_loop().run_in_executor(None, bool)
        await asyncio.sleep(0)
        return while_waiting, opened(tmp_path / "a")

    assert asyncio.run(cancel()) == (True, False)
