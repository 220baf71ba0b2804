"""Files of a shared journal in hard cases: clocks that differ, other programs' files, stores that forbid something."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import fsspec
import pandas as pd
import pytest
from doubles import uploads_of
from fsspec.implementations.memory import MemoryFileSystem
from parts import anew, gif, plan, table

import ikpipe
from ikpipe.cluster.row_ids import row_ids
from ikpipe.frames.chunks import InMemoryTable
from ikpipe.journal.joining import compact
from ikpipe.journal.proof import Prover
from ikpipe.journal.shared_entries import Proof
from ikpipe.journal.storage import open_storage
from ikpipe.run.job import UploadJob

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ikpipe.cluster import PreparedUpload
    from ikpipe.emulator import Emulator

DAY = 86_400 * 10**9  # ns
FIXED: dict[str, Any] = {"use_unique_file_name": False}
MANY = 201  # files of parts of one row with names of their own, which are joined


def night(emulator: Emulator, rows: pd.DataFrame, size: int = 7, **options: Any) -> int:
    """Upload a table in parts, each as another process has it; return the number of uploads that arrived."""
    before, upload = len(uploads_of(emulator)), plan(emulator.account, **options)
    send(upload, rows, size)
    return len(uploads_of(emulator)) - before


def send(upload: PreparedUpload, rows: pd.DataFrame, size: int) -> None:
    """Upload the parts of a table."""
    for at in range(0, len(rows), size):
        assert {*anew(upload)(rows.iloc[at : at + size])["ik_status"]} == {"uploaded"}


def files(folder: Path) -> list[Path]:
    """Return the files that have entries."""
    return sorted(folder.glob("rows/*/*.jsonl"))


def proof_of(upload: PreparedUpload, emulator: Emulator) -> Proof:
    """Return what proves the entries of an upload."""
    return Proof(Prover(emulator.account).own.of_run(upload.run))


# Clocks


@pytest.mark.parametrize("joined", [False, True])
def test_a_clock_that_was_fast(
    *, joined: bool, emulate: Callable[..., Emulator], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is written later counts: a row that has its first content again is sent again."""
    emulator, rows = emulate(), table(3)
    options = {**FIXED, "journal": tmp_path, "key": "sku"}
    with monkeypatch.context() as patch:
        now = time.time_ns
        patch.setattr(time, "time_ns", lambda: now() + 1000 * DAY)
        assert night(emulator, rows, **options) == 3
    other = rows.assign(file=[gif(100 + at) for at in range(3)])
    assert night(emulator, other, **options) == 3
    if joined:
        night(emulator, pd.DataFrame({"sku": map(str, range(MANY)), "file": [gif(9)] * MANY}), 1, **options)
        plan(emulator.account, **options)
        assert len(files(tmp_path)) == 1
    assert night(emulator, other, **options) == 0
    assert night(emulator, rows, **options) == 3


def test_rows_are_forgotten_after_400_days(
    emulate: Callable[..., Emulator], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each by its own last entry, whatever file has it."""
    emulator, options, now = emulate(), {"journal": tmp_path, "key": "sku"}, time.time_ns
    night(emulator, table(20), 1, **options)
    monkeypatch.setattr(time, "time_ns", lambda: now() + 300 * DAY)
    night(emulator, table(MANY + 20).iloc[20:], 1, **options)
    plan(emulator.account, **options)
    assert len(files(tmp_path)[0].read_text().splitlines()) == MANY + 20
    monkeypatch.setattr(time, "time_ns", lambda: now() + 500 * DAY)
    later = pd.DataFrame({"sku": map(str, range(MANY)), "file": [gif(9)] * MANY})
    night(emulator, later, 1, **options)
    plan(emulator.account, **options)
    assert len(files(tmp_path)[0].read_text().splitlines()) == 2 * MANY


# Folders


def test_files_of_other_programs_are_ignored(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """Of file managers and synchronization tools."""
    emulator, options = emulate(), {**FIXED, "journal": tmp_path}
    night(emulator, table(20), **options)
    known = files(tmp_path)[0]
    known.with_name(f"{known.stem} (conflicted copy).jsonl").write_bytes(known.read_bytes()[:50])
    known.with_name("desktop.ini").write_bytes(b"\xff")
    (tmp_path / "rows/.DS_Store").write_bytes(b"\0")
    assert night(emulator, table(20), **options) == 0


class KeepingFiles(MemoryFileSystem):  # type: ignore[misc]
    """A store in which this user must not remove anything."""

    protocol = "kept"

    def rm_file(self, path: str) -> None:
        """Refuse."""
        raise PermissionError(path)


@pytest.fixture
def place() -> Iterator[str]:
    """Return the URL of an empty folder in the memory of this process."""
    fsspec.register_implementation("kept", KeepingFiles, clobber=True)
    MemoryFileSystem.store.clear()
    yield "memory://journal"
    MemoryFileSystem.store.clear()


def test_a_journal_at_a_url(place: str, emulate: Callable[..., Emulator]) -> None:
    """It is joined there, too."""
    emulator, options = emulate(), {"key": "sku"}
    assert night(emulator, table(MANY), 1, journal=place, **options) == MANY
    assert night(emulator, table(MANY), 40, journal=place, **options) == 0
    assert len(open_storage(place).below("rows")) == 1


def test_files_that_must_not_be_removed(place: str, emulate: Callable[..., Emulator]) -> None:
    """They are not joined, and nothing is sent again."""
    emulator, place = emulate(), place.replace("memory", "kept")
    assert night(emulator, table(MANY), 1, journal=place, key="sku") == MANY
    assert night(emulator, table(MANY), 40, journal=place, key="sku") == 0
    names = [name for name in open_storage(place).below("rows") if name.endswith(".jsonl")]
    assert len(names) == MANY


def test_writing_and_joining_at_once(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """Two writers of the same rows, and two that join: each row is known afterwards."""
    emulator = emulate()
    options = {**FIXED, "journal": tmp_path, "key": "sku"}
    upload, rows = plan(emulator.account, **options), table(120)
    proof, storage = proof_of(upload, emulator), open_storage(tmp_path)
    with ThreadPoolExecutor(4) as threads:
        writing = [threads.submit(send, upload, rows.iloc[at:], 1) for at in (0, 60)]
        joining = [threads.submit(join_until, writing, storage, str(tmp_path), proof) for _ in range(2)]
    assert sum(each.result() for each in joining) > 0
    assert [each.exception() for each in writing] == [None, None]
    assert night(emulator, rows, 50, **options) == 0


def join_until(writing: list[Any], storage: Any, place: str, proof: Proof) -> int:
    """Join files until all have been written; return how often."""
    times = 0
    while not all(each.done() for each in writing):
        compact(storage, place, proof)
        times += 1
        time.sleep(0.05)
    return times


# Keys


@pytest.mark.parametrize(
    "later",
    [
        pytest.param(["1", "2", "3", "4"], id="text"),
        pytest.param([1.0, 2.0, 3.0, 4.0], id="floats"),
        pytest.param(pd.array([1, 2, 3, 4], dtype="UInt8"), id="another integer"),
    ],
)
@pytest.mark.parametrize("unique", [True, False])
def test_another_type_of_the_key_column(
    later: Any, *, unique: bool, emulate: Callable[..., Emulator], tmp_path: Path
) -> None:
    """The rows are the same."""
    emulator = emulate()
    options = {"journal": tmp_path, "key": "number", "use_unique_file_name": unique}
    assert night(emulator, table(4).assign(number=[1, 2, 3, 4]), 2, **options) == 4
    assert night(emulator, table(4).assign(number=later), 3, **options) == 0


def test_a_row_without_a_key_is_not_the_row_of_the_key_none(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """An empty cell, as NaN too, is invalid each night; a long key is a key."""
    emulator = emulate()
    rows = table(4).assign(number=pd.Series([None, "None", float("nan"), "k" * 1_000_000], dtype=object))
    for size in (4, 1):
        upload = plan(emulator.account, journal=tmp_path, key="number")
        results = pd.concat([anew(upload)(rows.iloc[at : at + size]) for at in range(0, 4, size)])
        assert [*results["ik_status"]] == ["invalid", "uploaded", "invalid", "uploaded"]
    assert len(uploads_of(emulator)) == 2


def test_keys_that_differ_only_in_their_type(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """The second one is a problem of its row."""
    rows = table(2).assign(number=pd.Series([1, "1"], dtype=object))
    results = plan(emulate().account, journal=tmp_path, key="number")(rows)
    assert [*results["ik_status"]] == ["uploaded", "invalid"]


def test_a_truncated_file(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """At whatever byte: nothing of a line that is not complete was sent, and nothing else is lost."""
    emulator, options = emulate(), {"journal": tmp_path, "key": "sku"}
    night(emulator, table(4), 4, **options)
    [file] = files(tmp_path)
    content = file.read_bytes()
    storage = open_storage(tmp_path)
    assert storage.below("rows") == [str(file.relative_to(tmp_path))]
    for length in (0, 1, len(content) // 2, len(content) - 1):
        file.write_bytes(content[:length])
        results = plan(emulator.account, **options)(table(4))
        assert {*results["ik_status"]} <= {"uploaded", "exists"}
        assert len(ikpipe.files(emulator.account)) == 4
        for other in {*files(tmp_path)} - {file}:
            other.unlink()


def test_a_signed_url_identifies_a_row(account: ikpipe.Account) -> None:
    """Without its signature, which is another one each night."""
    ids = []
    for query in ("?v=1&X-Amz-Signature=a", "?v=1&X-Amz-Signature=b", "?v=2&X-Amz-Signature=a"):
        rows = InMemoryTable(table(1).assign(file=f"https://bucket.example/1.gif{query}"))
        ids += row_ids(UploadJob(rows, plan(account).mapping, numbered=False), rows, None, Counter())
    assert ids[0] == ids[1] != ids[2]
