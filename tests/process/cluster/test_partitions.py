"""A second upload of a table in other parts, in another order, or with changed rows: what is sent and stored."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from doubles import uploads_of
from parts import anew, gif, plan, stored, table

import ikpipe
from ikpipe.journal.joining import compact
from ikpipe.journal.proof import Prover
from ikpipe.journal.segments import Segments
from ikpipe.journal.shared_entries import Proof
from ikpipe.journal.storage import open_storage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ikpipe.cluster import PreparedUpload
    from ikpipe.emulator import Emulator

ROWS, CHANGED = 60, 5

SECOND: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "same": lambda rows: rows,
    "reordered": lambda rows: rows.sample(frac=1, random_state=1),
    "partitioned": lambda rows: rows,
    "one more": lambda rows: pd.concat([table(ROWS + 1).iloc[[ROWS]], rows]),
    "changed": lambda rows: rows.assign(
        file=[gif(200 + at) if at < CHANGED else cell for at, cell in enumerate(rows["file"])]
    ),
}
SENT = {"same": 0, "reordered": 0, "partitioned": 0, "one more": 1, "changed": CHANGED}


def sizes(change: str) -> tuple[int, int]:
    """Return the number of rows of a part in the first and in the second upload."""
    return (20, 7 if change == "partitioned" else 20)


def run(upload: PreparedUpload, rows: pd.DataFrame, size: int) -> pd.DataFrame:
    """Upload the parts of a table, each as another process has it."""
    return pd.concat([anew(upload)(rows.iloc[at : at + size]) for at in range(0, len(rows), size)])


def sent(emulator: Emulator) -> int:
    """Return the number of uploads that arrived."""
    return len(uploads_of(emulator))


@pytest.mark.parametrize("change", SECOND)
@pytest.mark.parametrize("unique", [True, False])
@pytest.mark.parametrize("how", ["run", "run and key", "journal", "journal and key", "sync"])
def test_a_second_upload(
    how: str, *, unique: bool, change: str, emulate: Callable[..., Emulator], tmp_path: Path
) -> None:
    """With a journal, or with "sync", only what has changed is sent; no row names a file of other content."""
    if how == "sync" and unique:
        pytest.skip("names are fixed")
    emulator = emulate()
    options: dict[str, Any] = {"use_unique_file_name": unique, "run": "night"}
    options |= {"key": "sku"} if "key" in how else {}
    options |= {"journal": tmp_path / "journal"} if "journal" in how else {}
    if how == "sync":
        options = {"on_existing": "sync", "state": f"{tmp_path}/state/"}
    (first, second), rows = sizes(change), table(ROWS)
    upload = plan(emulator.account, **options)
    run(upload, rows, first)
    assert (sent(emulator), stored(emulator)) == (ROWS, ROWS)
    changed = SECOND[change](rows)
    results = run(plan(emulator.account, **options), changed, second)
    if "journal" in how or how == "sync":
        assert sent(emulator) - ROWS == SENT[change]
    good = {"uploaded", "exists", "unchanged"} | ({"failed"} if how == "run and key" and unique else set())
    assert {*results["ik_status"]} <= good
    content = ikpipe.files(emulator.account).set_index("fileId")["size"]
    at = results["ik_status"].isin(["uploaded", "exists", "unchanged"])
    assert [*content[results["ik_file_id"][at]]] == [len(file) for file in changed["file"][at]]
    if not unique:
        assert stored(emulator) == ROWS + (change == "one more")


# Files of the journal


def files(folder: Path) -> list[Path]:
    """Return the files that have entries."""
    return sorted(folder.glob("rows/*/*.jsonl"))


def test_a_part_of_one_row_writes_one_file(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """With a name of its own; any other row also has its request, before it is sent."""
    emulator = emulate()
    plan(emulator.account, journal=tmp_path / "unique")(table(1))
    plan(emulator.account, journal=tmp_path / "fixed", use_unique_file_name=False)(table(1))
    assert [len(files(tmp_path / kind)) for kind in ("unique", "fixed")] == [1, 2]


@pytest.mark.parametrize("unique", [True, False])
def test_many_small_files_are_joined(*, unique: bool, emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """By the next upload; nothing that they say is lost."""
    emulator = emulate()
    options: dict[str, Any] = {"journal": tmp_path, "key": "sku", "use_unique_file_name": unique}
    first = run(plan(emulator.account, **options), table(220), 1)
    assert len(files(tmp_path)) >= 220
    upload = plan(emulator.account, **options)
    assert len(files(tmp_path)) == 1
    again = run(upload, table(220), 50)
    pd.testing.assert_frame_equal(again, first)
    assert sent(emulator) == 220


def test_joined_files_tell_of_rows_in_doubt(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """And of earlier versions of a row."""
    emulator = emulate(faults={"store-then-cut": 0.5})
    options: dict[str, Any] = {"journal": tmp_path, "key": "sku", "use_unique_file_name": False, "retries": 0}
    run(plan(emulator.account, **options), table(150), 1)
    emulator.faults.rates.clear()
    changed = table(150).assign(tags="new")
    run(plan(emulator.account, **options), changed, 1)
    before = sent(emulator)
    results = run(plan(emulator.account, **options), changed, 40)
    assert {*results["ik_status"]} <= {"uploaded", "exists"}
    assert sent(emulator) == before
    assert {*ikpipe.files(emulator.account)["tags"].map(tuple)} == {("new",)}


def test_a_process_that_reads_while_files_are_joined(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """It looks at the folder again."""
    emulator = emulate()
    upload = plan(emulator.account, journal=tmp_path, key="sku")
    run(upload, table(210), 1)
    storage = open_storage(tmp_path)
    proof = Proof(Prover(emulator.account).own.of_run(upload.run))
    names = storage.names

    def late(folder: str) -> list[str]:
        """Return the names of files that are joined right after that."""
        found = names(folder)
        compact(open_storage(tmp_path), str(tmp_path), proof)
        return found

    storage.names = late  # type: ignore[method-assign]
    rows = [path.read_text()[2:34] for path in files(tmp_path)]
    assert len(Segments(storage, str(tmp_path)).lines(rows)) == 210


def test_files_of_somebody_else_are_not_joined(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """They stay, and are refused when their rows are needed."""
    emulator = emulate()
    upload = plan(emulator.account, journal=tmp_path, key="sku")
    run(upload, table(210), 1)
    forged = files(tmp_path)[0]
    forged.write_text(forged.read_text().replace("127.0.0.1", "evil.example"))
    upload = plan(emulator.account, journal=tmp_path, key="sku")
    assert forged in files(tmp_path)
    assert len(files(tmp_path)) == 2
    with pytest.raises(ikpipe.JournalError, match="pass trust_journal=True"):
        run(upload, table(210), 50)


def test_a_row_is_identified_by_the_columns_that_are_used(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """A note in another column does not make it another row."""
    emulator = emulate()
    options: dict[str, Any] = {"journal": tmp_path, "use_unique_file_name": False, "columns": {"file": "file"}}
    run(plan(emulator.account, **options), table(6).assign(note="at ten"), 2)
    run(plan(emulator.account, **options), table(6).assign(note="at noon"), 3)
    assert sent(emulator) == 6


def test_random_parts(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """Any division and order of the rows sends nothing again."""
    emulator, random_ = emulate(), random.Random(7)  # noqa: S311 - no secret
    options: dict[str, Any] = {"journal": tmp_path, "use_unique_file_name": False}
    for _ in range(6):
        rows = table(30).sample(frac=1, random_state=random_.randrange(1000))
        run(plan(emulator.account, **options), rows, random_.randrange(1, 30))
    assert sent(emulator) == 30
